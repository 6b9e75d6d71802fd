import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join as pathOf } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { baseUrls, type VendorId } from "../../src/simulator/index.ts"
import { makeRandom } from "../../src/simulator/random.ts"
import { type Attempt, type Deaths, join, noDeath } from "../airbyte/joined.ts"
import { type Message, receivedTable, recordsOf } from "../airbyte/platform.ts"
import { openWorkspace, root, type Workspace } from "../support/parley.ts"

/*
 * The built connectors as processes, joined by a small stand-in for a platform, killed at random, and started again with the
 * last states that came back.
 */

/** Seeded deaths; a longer form: npm run soak:airbyte. */
const kills = Number(process.env.PARLEY_AIRBYTE_KILLS ?? 4)

const streams = ["contacts", "conversations", "messages", "status_history"]

let workspace: Workspace
const vendor: VendorId = "empfio"

beforeAll(async () => {
  workspace = await openWorkspace({ conversations: 24, limits: false })
})

afterAll(() => workspace.close())

const file = (name: string, value: unknown): string => {
  const path = pathOf(workspace.folder, name)
  writeFileSync(path, JSON.stringify(value))
  return path
}

const config = (of: VendorId = vendor) => ({
  provider: { provider: of, ...workspace.simulator.vendors[of].settings() },
  connection: workspace.simulator.vendors[of].connection,
  base_url: baseUrls(workspace.simulator, workspace.served.origins)[of],
  checkpoint_seconds: 0
})

const catalog = () => ({
  streams: streams.map((name) => ({
    stream: { name },
    sync_mode: "incremental",
    destination_sync_mode: "append_dedup"
  }))
})

/** Started by its path, as platforms do. */
const start = (name: string, args: ReadonlyArray<string>): ChildProcess =>
  spawn(pathOf(root, "dist", `${name}.js`), args, {
    env: { ...workspace.environment, PATH: `${pathOf(process.execPath, "..")}:${process.env.PATH}` },
    stdio: ["pipe", "pipe", "inherit"]
  })

interface Ended {
  readonly code: number | null
  readonly messages: ReadonlyArray<Message>
}

const finish = (child: ChildProcess, reading: (count: number) => void = () => {}): Promise<Ended> =>
  new Promise((done) => {
    const messages: Array<Message> = []
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    lines.on("line", (line) => {
      // The last line of a process that was killed may be cut.
      try {
        messages.push(JSON.parse(line))
      } catch {
        return
      }
      reading(messages.length)
    })
    let code: number | null = null
    const over = () => done({ code, messages })
    lines.on("close", () =>
      child.exitCode === null && child.signalCode === null ? child.on("exit", over) : over()
    )
    child.on("exit", (status) => {
      code = status
    })
  })

const readOnce = (state: ReadonlyArray<Message>): Promise<Ended> => {
  const args = [
    "read",
    "--config",
    file("config.json", config()),
    "--catalog",
    file("catalog.json", catalog())
  ]
  if (state.length > 0) args.push("--state", file("state.json", state))
  return finish(start("source-parley", args))
}

/** What a destination has taken over: of each stream, what came before its last state. */
const takenOver = (messages: ReadonlyArray<Message>) => {
  const states = new Map<string, Message>()
  const records: Array<Message> = []
  const waiting = new Map<string, Array<Message>>()
  for (const { record, state, type } of messages) {
    if (type === "RECORD") waiting.set(record.stream, [...(waiting.get(record.stream) ?? []), record])
    if (type !== "STATE") continue
    const { name } = state.stream.stream_descriptor
    const before = waiting.get(name) ?? []
    expect(state.sourceStats.recordCount).toBe(before.length)
    records.push(...before)
    waiting.delete(name)
    states.set(name, state)
  }
  return { records, states }
}

const tableOf = (records: ReadonlyArray<Message>, stream: string) =>
  [...receivedTable(records, stream)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, row]) => ({ ...row, observed_at: null }))

describe("the connectors as a platform starts them", () => {
  it("start by their path, and print their specification", async () => {
    for (const name of ["source-parley", "destination-parley"]) {
      const { code, messages } = await finish(start(name, ["spec"]))
      expect([code, messages.length, messages[0].type]).toEqual([0, 1, "SPEC"])
    }
  })

  it(`carry everything over once through ${kills} deaths of either at random`, {
    timeout: 120_000 + kills * 20_000
  }, async () => {
    const random = makeRandom(Number(process.env.PARLEY_AIRBYTE_SEED ?? 11))
    const target = await openWorkspace({ conversations: 24, limits: false })
    const there = workspace.simulator.vendors[vendor].world
    const here = target.simulator.vendors[vendor].world
    const { checkpoint_seconds: _, ...into } = {
      ...config(),
      base_url: baseUrls(target.simulator, target.served.origins)[vendor]
    }
    const statuses = (of: typeof here) =>
      [...of.conversations].map(([id, { status }]) => [id, String(status)] as const).sort()
    const began = new Map<string, string>(statuses(here))
    const records: Array<Message> = []
    const states = new Map<string, Message>()
    const attempt = async (deaths: Deaths): Promise<Attempt> => {
      const state = states.size > 0 ? ["--state", file("state.json", [...states.values()])] : []
      const catalogs = ["--catalog", file("catalog.json", catalog())]
      const ran = await join(
        start("source-parley", ["read", "--config", file("config.json", config()), ...catalogs, ...state]),
        start("destination-parley", ["write", "--config", file("into.json", into), ...catalogs]),
        deaths,
        60_000
      )
      expect(ran.faults).toEqual([])
      records.push(...ran.taken)
      for (const [name, one] of ran.states) states.set(name, one)
      return ran
    }
    try {
      let lines = 400
      for (let died = 0; died < kills; ) {
        // Each round something else is to be carried over, through a death or some.
        for (const id of here.conversations.keys()) {
          if (random.unit() < 0.4)
            there.setStatus(id, there.statuses[random.below(there.statuses.length)] ?? "", Date.now())
        }
        for (let more = random.below(3); more >= 0 && died < kills; more -= 1) {
          const who = random.below(3)
          const ran = await attempt({
            source: who === 1 ? null : random.below(lines),
            destination: who === 0 || random.unit() < 0.5 ? null : random.below(lines),
            answers: who === 0 ? null : 1 + random.below(streams.length)
          })
          if (ran.codes.includes(null)) died += 1
        }
        const whole = await attempt(noDeath)
        expect(whole.codes).toEqual([0, 0])
        lines = Math.max(8, whole.sourceLines)
        expect(statuses(here)).toEqual(statuses(there))
      }
      const { messages: undisturbed } = await readOnce([])
      for (const stream of streams.filter((name) => name !== "status_history")) {
        expect(tableOf(records, stream), stream).toEqual(tableOf(recordsOf(undisturbed), stream))
      }
      expect(tableOf(records, "status_history")).toEqual(
        expect.arrayContaining(tableOf(recordsOf(undisturbed), "status_history"))
      )
      // Whatever died, nothing was set that was so already.
      expect(here.effects.length).toBeGreaterThan(0)
      for (const { conversationId, detail } of here.effects) {
        expect(detail.status).not.toBe(began.get(conversationId))
        began.set(conversationId, String(detail.status))
      }
    } finally {
      await target.close()
    }
  })

  it("ask the provider for no more while their reader takes nothing", { timeout: 120_000 }, async () => {
    const full = await openWorkspace({ conversations: 300, limits: false })
    try {
      const { simulator } = full
      const base_url = baseUrls(simulator, full.served.origins)[vendor]
      const args = ["read", "--config", file("slow.json", { ...config(), base_url })]
      const child = start("source-parley", [...args, "--catalog", file("catalog.json", catalog())])
      // Until nothing more has been asked for a while.
      let asked = 0
      for (let quiet = 0; quiet < 20; quiet += 1) {
        await new Promise((done) => setTimeout(done, 100))
        if (simulator.log.length > asked || asked === 0) quiet = 0
        asked = simulator.log.length
      }
      child.kill("SIGKILL")
      expect(asked).toBeGreaterThan(0)
      expect(asked).toBeLessThan(150)
    } finally {
      await full.close()
    }
  })

  it("end within seconds of a SIGTERM, with a state that the next read goes on from", async () => {
    const args = [
      "read",
      "--config",
      file("config.json", config()),
      "--catalog",
      file("catalog.json", catalog())
    ]
    const child = start("source-parley", args)
    let asked = false
    const { code, messages } = await finish(child, (count) => {
      if (count < 40 || asked) return
      asked = true
      child.kill("SIGTERM")
    })
    // It may have come to its end first.
    expect([0, 143]).toContain(code)
    const taken = takenOver(messages)
    expect(taken.states.size).toBe(streams.length)
    const rest = await readOnce([...taken.states.values()])
    const whole = await readOnce([])
    for (const stream of streams) {
      expect(tableOf([...taken.records, ...recordsOf(rest.messages)], stream)).toEqual(
        tableOf(recordsOf(whole.messages), stream)
      )
    }
  })
})
