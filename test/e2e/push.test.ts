import { execFileSync } from "node:child_process"
import { afterEach, describe, expect, it, vi } from "vitest"
import { type Fault, type VendorId, vendorIds } from "../../src/simulator/index.ts"
import { collect, faultsOf, openWorkspace, type Workspace, type WorkspaceOptions } from "../support/parley.ts"

vi.setConfig({ testTimeout: 240_000 })

let workspace: Workspace | null = null

afterEach(async () => {
  await workspace?.close()
  workspace = null
})

/** A workspace whose mirror holds everything. */
const synced = async (options: WorkspaceOptions = {}) => {
  const opened = await openWorkspace(options)
  workspace = opened
  expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
  return opened
}

interface Conversation {
  readonly id: string
  readonly provider: VendorId
  readonly provider_id: string
}

/** Some active conversations of every provider. */
const active = ({ rows }: Workspace, each: number): ReadonlyArray<Conversation> =>
  vendorIds.flatMap((vendor) =>
    rows<Conversation>(
      "SELECT id, provider, provider_id FROM conversations WHERE provider = ? AND status = 'active' ORDER BY id LIMIT ?",
      vendor,
      each
    )
  )

/** As people do it: in the shell of SQLite. */
const editStatus = ({ database }: Workspace, conversations: ReadonlyArray<Conversation>, status: string) =>
  execFileSync("sqlite3", [
    database,
    `UPDATE conversations SET status = '${status}' WHERE id IN (${conversations.map(({ id }) => `'${id}'`).join(", ")})`
  ])

const effectsOn = ({ simulator }: Workspace, { provider, provider_id }: Conversation) =>
  simulator.vendors[provider].world.effectsOn(provider_id)

const writes = ({ simulator }: Workspace) =>
  simulator.log.filter((entry) => entry.write && entry.operation === "status")

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((done) => setTimeout(done, 5))
}

/** Starts a push and kills it, without a word, once the providers have got so many writes. */
const killedPush = async (opened: Workspace, afterWrites: number) => {
  const child = opened.start(["push", "--quiet"])
  const ended = collect(child)
  const before = writes(opened).length
  await until(() => writes(opened).length - before >= afterWrites || child.exitCode !== null)
  child.kill("SIGKILL")
  return ended
}

const statuses = ({ rows }: Workspace, conversations: ReadonlyArray<Conversation>) =>
  conversations.map(
    ({ id }) =>
      rows<object>("SELECT status, remote_status, change_state FROM conversations WHERE id = ?", id)[0]
  )

const slow: Fault = { match: { write: true, operation: "status" }, effect: { kind: "delay", millis: 20_000 } }
const deaf: Fault = { match: { write: true, operation: "status" }, effect: { kind: "hang" } }

const activeWords: Readonly<Record<VendorId, string>> = {
  naturalead: "active",
  convocore: "ai-chatting",
  empfio: "active",
  aelyst: "open"
}

const completed = { status: "completed", remote_status: "completed", change_state: null }

describe("status changes, through every provider", () => {
  it("go out once, and come back as nobody's news", async () => {
    const opened = await synced()
    const conversations = active(opened, 2)
    expect(conversations).toHaveLength(2 * vendorIds.length)
    editStatus(opened, conversations, "completed")
    const report = JSON.parse((await opened.parley(["sync", "--json"])).stdout)
    expect(report.connections.map(({ changes }: { changes: object }) => changes)).toEqual(
      vendorIds.map(() => ({ confirmed: 2, queued: 0, rejected: 0, conflict: 0, pending: 0 }))
    )
    for (const conversation of conversations) expect(effectsOn(opened, conversation)).toHaveLength(1)
    expect(statuses(opened, conversations)).toEqual(conversations.map(() => completed))

    const sent = writes(opened).length
    expect((await opened.parley(["sync", "--quiet"])).code).toBe(0)
    expect(writes(opened)).toHaveLength(sent)
    expect(opened.rows("SELECT DISTINCT origin FROM status_history WHERE from_status IS NOT NULL")).toEqual([
      { origin: "local" }
    ])
    expect(faultsOf(opened)).toEqual([])
  })

  it("are sent once, though the process was killed before it heard the answers", async () => {
    const opened = await synced()
    const conversations = active(opened, 1)
    editStatus(opened, conversations, "completed")
    opened.simulator.faults.add(slow)
    await killedPush(opened, vendorIds.length)
    expect(statuses(opened, conversations)).toEqual(
      conversations.map(() => ({ status: "completed", remote_status: "active", change_state: "sending" }))
    )
    opened.simulator.faults.clear()
    expect((await opened.parley(["push", "--quiet"])).code).toBe(0)
    for (const conversation of conversations) expect(effectsOn(opened, conversation)).toHaveLength(1)
    expect(statuses(opened, conversations)).toEqual(conversations.map(() => completed))
    expect(faultsOf(opened)).toEqual([])
  })

  it("are sent again where a killed process's request was never carried out, and not before that is sure", async () => {
    const opened = await synced()
    const conversations = active(opened, 1)
    editStatus(opened, conversations, "completed")
    opened.simulator.faults.add(deaf)
    await killedPush(opened, vendorIds.length)
    opened.simulator.faults.clear()
    const report = JSON.parse((await opened.parley(["push", "--json"])).stdout)
    for (const connection of report.connections) {
      // Aelyst may have queued it, and says nothing of when a contact changed: that takes minutes to be sure of.
      const queues = connection.provider === "aelyst"
      expect(connection.changes).toMatchObject({ confirmed: queues ? 0 : 1, queued: queues ? 1 : 0 })
    }
    for (const conversation of conversations) {
      expect(effectsOn(opened, conversation)).toHaveLength(conversation.provider === "aelyst" ? 0 : 1)
    }
  })

  it("survive being killed again and again", async () => {
    const opened = await synced({ conversations: 40 })
    const conversations = active(opened, 8)
    editStatus(opened, conversations, "completed")
    for (const afterWrites of [1, 3, 2]) await killedPush(opened, afterWrites)
    await opened.parley(["push", "--quiet"])
    const states = opened.rows<{ state: string; provider: string }>(
      "SELECT c.state, v.provider FROM status_changes c JOIN conversations v ON v.id = c.conversation_id"
    )
    expect(states).toHaveLength(conversations.length)
    expect(
      states.filter(
        ({ provider, state }) => state !== "confirmed" && (state !== "queued" || provider !== "aelyst")
      )
    ).toEqual([])
    for (const conversation of conversations) {
      expect(effectsOn(opened, conversation).length).toBeLessThanOrEqual(1)
    }
    expect(faultsOf(opened)).toEqual([])
  })
})

describe("push", () => {
  it("are sent once where two copies of the mirror push at the same time, and the copy says so afterwards", async () => {
    const opened = await synced()
    const conversations = active(opened, 2)
    editStatus(opened, conversations, "completed")
    const copy = `${opened.database}.copy`
    execFileSync("sqlite3", [opened.database, `.backup ${copy}`])
    opened.simulator.faults.add({
      match: { write: true, operation: "status" },
      effect: { kind: "delay", millis: 12_000 }
    })
    const first = collect(opened.start(["push", "--json"]))
    await until(() => writes(opened).length >= vendorIds.length)
    const held = await opened.parley(["push", "--db", copy, "--json"])
    expect(held.code).toBe(75)
    for (const { error, outcome } of JSON.parse(held.stdout).connections) {
      expect(outcome).toBe("held")
      expect(error.message).toContain("another copy of this mirror is pushing")
    }
    expect((await first).code).toBe(0)
    opened.simulator.faults.clear()
    const after = await opened.parley(["push", "--db", copy, "--progress", "plain"])
    expect(after.code).toBe(0)
    expect(after.stderr).toContain("another copy of this mirror, or a newer state of it, pushed leads at")
    for (const conversation of conversations) expect(effectsOn(opened, conversation)).toHaveLength(1)
    expect(writes(opened)).toHaveLength(conversations.length)
  })

  it("are in conflict where a restored mirror asks for them again, and somebody there has moved on", async () => {
    const opened = await synced()
    const conversations = active(opened, 1)
    editStatus(opened, conversations, "completed")
    const backup = `${opened.database}.backup`
    execFileSync("sqlite3", [opened.database, `.backup ${backup}`])
    expect((await opened.parley(["push", "--quiet"])).code).toBe(0)
    for (const { provider, provider_id } of conversations) {
      opened.simulator.vendors[provider].world.setStatus(
        provider_id,
        activeWords[provider],
        Date.now() + 2_000
      )
    }
    const restored = await opened.parley(["push", "--db", backup, "--json"])
    expect(restored.code).toBe(4)
    for (const { changes } of JSON.parse(restored.stdout).connections) {
      expect(changes).toMatchObject({ confirmed: 0, conflict: 1 })
    }
    for (const conversation of conversations) expect(effectsOn(opened, conversation)).toHaveLength(1)
  })

  it("waits where it is refused, and then sends nothing over what somebody there set meanwhile", async () => {
    const opened = await synced()
    const conversations = active(opened, 1)
    editStatus(opened, conversations, "completed")
    // NaturaLead's documented limit is counted over a minute, which is how long it would be left alone.
    const refusing = vendorIds.filter((vendor) => vendor !== "naturalead")
    for (const vendor of refusing) {
      opened.simulator.faults.add({
        vendor,
        match: { write: true, operation: "status" },
        times: 1,
        effect: { kind: "answer", status: 429, headers: { "retry-after": "4" } }
      })
    }
    const ended = collect(opened.start(["push", "--json"]))
    await until(() => writes(opened).length === vendorIds.length)
    const [, chat, salon] = conversations
    if (chat === undefined || salon === undefined) throw new Error("the simulator has no such conversations")
    opened.simulator.vendors.convocore.world.setStatus(chat.provider_id, "human-chatting", Date.now())
    opened.simulator.vendors.empfio.world.setStatus(salon.provider_id, "escalated", Date.now())
    const { code, stdout } = await ended
    expect(code).toBe(4)
    const moved = new Set<string>(["convocore", "empfio"])
    for (const { provider, changes, rate_limited, error } of JSON.parse(stdout).connections) {
      const isMoved = moved.has(provider)
      expect(changes).toMatchObject({ confirmed: isMoved ? 0 : 1, conflict: isMoved ? 1 : 0, pending: 0 })
      expect([rate_limited, error]).toEqual([provider === "naturalead" ? 0 : 1, null])
    }
    for (const conversation of conversations) {
      const isMoved = moved.has(conversation.provider)
      expect(effectsOn(opened, conversation)).toHaveLength(isMoved ? 0 : 1)
      expect(statuses(opened, [conversation])).toEqual([
        isMoved ? { status: "handed_off", remote_status: "handed_off", change_state: null } : completed
      ])
    }
    expect(faultsOf(opened)).toEqual([])
  })

  it("tells with its exit code what was refused or is in conflict, and what the providers said", async () => {
    const opened = await synced()
    const [lead, , salon] = active(opened, 1)
    if (lead === undefined || salon === undefined) throw new Error("the simulator has no such conversations")
    editStatus(opened, [lead, salon], "completed")
    opened.simulator.faults.add({
      vendor: "naturalead",
      match: { write: true },
      effect: { kind: "answer", status: 400, body: '{"error":"Invalid status transition"}' }
    })
    const world = opened.simulator.vendors.empfio.world
    world.setStatus(salon.provider_id, "escalated", Date.now())
    const ended = await opened.parley(["push", "--progress", "none"])
    expect(ended.code).toBe(4)
    const list = await opened.parley(["changes"])
    expect(list.stdout).toContain("Invalid status transition")
    expect(list.stdout).toContain("requested on `active`, but the provider holds `escalated` (handed_off)")

    expect(list.stdout).toContain("change 2 is in conflict: `parley changes resolve 2 --keep remote`")
    expect(list.stdout).toContain("change 1 is rejected: `parley changes retry 1`")
    expect((await opened.parley(["changes", "show", "2"])).stdout).toContain(
      "change 2 is in conflict: `parley changes resolve 2 --keep remote`"
    )

    expect((await opened.parley(["changes", "resolve", "2", "--keep", "local"])).code).toBe(0)
    opened.simulator.faults.clear()
    expect((await opened.parley(["changes", "retry", "1"])).code).toBe(0)
    expect((await opened.parley(["push", "--quiet"])).code).toBe(0)
    expect(statuses(opened, [lead, salon])).toEqual([completed, completed])
    expect((await opened.parley(["changes", "show", "2"])).stdout).not.toContain("--keep")
    const story = await opened.parley(["changes", "show", "1", "--json"])
    expect(JSON.parse(story.stdout).events.map(({ state }: { state: string }) => state)).toEqual([
      "pending",
      "sending",
      "rejected",
      "rejected"
    ])
  })

  it("--plan shows old and new as they are now, and leaves everything as it is", async () => {
    const opened = await synced()
    const [lead] = active(opened, 1)
    if (lead === undefined) throw new Error("the simulator has no such conversation")
    editStatus(opened, [lead], "abandoned")
    const before = opened.rows("SELECT * FROM status_changes")
    const plan = JSON.parse((await opened.parley(["push", "--plan", "--json", "leads"])).stdout)
    expect(plan.connections[0].changes).toMatchObject([
      {
        conversation_id: lead.id,
        action: "send",
        fields: [{ field: "status", from: "active", to: "dropped" }]
      }
    ])
    expect(writes(opened)).toEqual([])
    expect(opened.rows("SELECT * FROM status_changes")).toEqual(before)
    expect(opened.rows("SELECT * FROM runs")).toHaveLength(1)
  })

  it("--undo puts back what a run changed, and says what the provider cannot take back", async () => {
    const opened = await synced()
    const [lead, , salon] = active(opened, 1)
    if (lead === undefined || salon === undefined) throw new Error("the simulator has no such conversations")
    editStatus(opened, [lead, salon], "completed")
    const { run_id } = JSON.parse((await opened.parley(["push", "--json"])).stdout)
    const undone = await opened.parley(["push", "--undo", String(run_id), "--progress", "none"])
    expect(undone.code).toBe(0)
    expect(undone.stdout).toContain(`${lead.id} stays as it is: it was \`active\`, which cannot be set there`)
    expect(statuses(opened, [lead, salon])).toEqual([
      completed,
      { status: "active", remote_status: "active", change_state: null }
    ])
    const again = await opened.parley(["push", "--undo", "999"])
    expect(again.code).toBe(2)
    expect(again.stderr).toContain("run 999 changed nothing")
  })

  it("--undo last sends its own changes in the provider's own words, and tells what else is pending", async () => {
    const opened = await synced()
    const support = opened.rows<Conversation>(
      "SELECT id, provider, provider_id FROM conversations WHERE provider = 'convocore' AND provider_status = 'human-chatting' ORDER BY id LIMIT 1"
    )
    const [, , salon] = active(opened, 1)
    if (salon === undefined || support[0] === undefined)
      throw new Error("the simulator has no such conversations")
    editStatus(opened, support, "completed")
    const { run_id } = JSON.parse((await opened.parley(["push", "--json"])).stdout)
    editStatus(opened, [salon], "completed")
    const plan = JSON.parse((await opened.parley(["push", "--undo", "last", "--plan", "--json"])).stdout)
    expect(plan).toMatchObject({
      undo: run_id,
      undone: [{ conversation_id: support[0].id, status: "handed_off", provider_status: "human-chatting" }],
      pending_of_run: [],
      others_pending: 1
    })
    const sent = writes(opened).length
    const undone = await opened.parley(["push", "--undo", "last", "--progress", "none"])
    expect(undone.code).toBe(0)
    expect(undone.stdout).toContain(`run ${run_id} is the last that sent changes here\n`)
    expect(undone.stdout).toContain("1 other change pending here")
    expect(writes(opened)).toHaveLength(sent + 1)
    expect(opened.rows("SELECT provider_status FROM conversations WHERE id = ?", support[0].id)).toEqual([
      { provider_status: "human-chatting" }
    ])
    expect(statuses(opened, [salon])).toMatchObject([{ change_state: "pending" }])
    expect((await opened.parley(["push", "--undo", "R1"])).code).toBe(2)
  })

  it("are not sent where somebody asked for more than pushBrake, until their number is confirmed or they are taken back", async () => {
    const opened = await synced({
      configure: (yaml) => yaml.replaceAll(/^( +)provider: .*$/gm, "$&\n$1pushBrake: 5")
    })
    execFileSync("sqlite3", [
      opened.database,
      "UPDATE conversations SET status = 'completed' WHERE connection IN ('leads', 'salon') AND status <> 'completed'"
    ])
    const open = (connection: string) =>
      opened.rows(
        "SELECT c.id FROM status_changes c JOIN conversations v ON v.id = c.conversation_id WHERE v.connection = ? AND c.state = 'pending'",
        connection
      ).length
    const leads = open("leads")
    const salon = open("salon")
    expect(Math.min(leads, salon)).toBeGreaterThan(5)
    for (const verb of [["push"], ["sync"], ["push", "leads", "--confirm", String(leads - 1)]]) {
      const ended = await opened.parley([...verb, "--json"])
      expect(ended.code).toBe(3)
      const [first] = JSON.parse(ended.stdout).connections
      expect(first).toMatchObject({ name: "leads", outcome: "partial", error: { kind: "brake" } })
      expect(first.error.hint).toContain(`parley push leads --confirm ${leads}`)
    }
    expect(writes(opened)).toEqual([])
    const plan = await opened.parley(["push", "--plan"])
    expect(plan.stdout).toContain(`leads: ${leads} changes are pending, more than pushBrake (5)`)
    expect(plan.stdout).toMatch(
      /leads: \d+ changes? can never be restored: NaturaLead does not accept `active`/
    )
    expect(plan.stdout).toContain("a push would send 0.")

    const listed = JSON.parse((await opened.parley(["changes", "--limit", "3", "--json"])).stdout)
    expect(listed).toMatchObject({ total: leads + salon, changes: { length: 3 } })
    expect((await opened.parley(["changes", "--limit", "3"])).stdout).toContain(
      `the newest 3 of ${leads + salon}`
    )
    expect((await opened.parley(["push", "leads", "--confirm", String(leads), "--quiet"])).code).toBe(0)
    expect(writes(opened)).toHaveLength(leads)

    const undone = await opened.parley(["push", "--undo", "last", "--plan", "--json"])
    expect(JSON.parse(undone.stdout).undone).toHaveLength(leads)
    const ids = opened.rows<{ id: number }>("SELECT id FROM status_changes WHERE state = 'pending' LIMIT 2")
    const some = await opened.parley(["changes", "cancel", ...ids.map(({ id }) => String(id)), "1"])
    expect(some.code).toBe(2)
    expect(some.stdout).toContain("2 of 3 cancelled")
    expect((await opened.parley(["changes", "cancel", "--all", "--connection", "salon"])).code).toBe(0)
    expect(open("salon")).toBe(0)
    expect((await opened.parley(["push", "--quiet"])).code).toBe(0)
    expect(writes(opened)).toHaveLength(leads)
  })

  it("says that a connection is read-only, and keeps the changes", async () => {
    const opened = await synced()
    const [lead] = active(opened, 1)
    if (lead === undefined) throw new Error("the simulator has no such conversation")
    editStatus(opened, [lead], "completed")
    opened.simulator.faults.add({
      vendor: "naturalead",
      match: { write: true },
      effect: {
        kind: "answer",
        status: 403,
        body: '{"error":"Forbidden","message":"API key does not have the required scope (requires: conversations:change_status)."}'
      }
    })
    const ended = await opened.parley(["push", "--progress", "none"])
    expect(ended.code).toBe(3)
    expect(ended.stdout).toContain("conversations:change_status")
    expect(statuses(opened, [lead])).toEqual([
      { status: "completed", remote_status: "active", change_state: "pending" }
    ])
  })
})

describe("set-status", () => {
  it("sends at once with --push, and needs one conversation to be named", async () => {
    const opened = await synced()
    const [row] = opened.rows<{ id: string; email: string }>(
      `SELECT v.id, k.email FROM conversations v JOIN contacts k ON k.id = v.contact_id
       WHERE v.provider = 'aelyst' AND v.status = 'active' AND k.email IS NOT NULL LIMIT 1`
    )
    if (row === undefined) throw new Error("the simulator has no such contact")
    const id = `inbox:email:${row.email}`
    const note = ["--category", "Spam", "--summary", "This contact is a bot"]
    const ended = await opened.parley([
      "set-status",
      id,
      "completed",
      ...note,
      "--push",
      "--progress",
      "none"
    ])
    expect(ended.stderr).toBe("")
    expect(ended.code).toBe(0)
    const effects = opened.simulator.vendors.aelyst.world.effects
    expect(effects.map(({ detail }) => detail)).toMatchObject([{ category: "Spam" }])

    const refusals = [
      ["set-status", `${row.id}0`, "completed"],
      ["set-status", row.id, "handed_off"],
      ["set-status", row.id, "active", "--summary", "x"],
      ["set-status", row.id, "finished"]
    ].map((args) => opened.parley(args))
    for (const refusal of await Promise.all(refusals)) expect(refusal.code).toBe(2)
    expect((await Promise.all(refusals)).map(({ stderr }) => stderr.split("\n")[0])).toEqual([
      `parley: there is no conversation \`${row.id}0\` in the mirror`,
      "parley: `handed_off` cannot be written to `inbox`: aelyst has no such status to set",
      "parley: Aelyst takes a summary only beside a category",
      expect.stringContaining('parley: there is no status "finished"')
    ])
  })
})
