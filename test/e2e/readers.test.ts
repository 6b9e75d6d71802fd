import Sqlite from "better-sqlite3"
import { afterEach, describe, expect, it } from "vitest"
import type { RunReport } from "../../src/sync/run.ts"
import { contentQueries } from "../support/content.ts"
import { collect, faultsOf, openWorkspace, type Workspace } from "../support/parley.ts"
import { startReader } from "../support/reader.ts"

/*
 * One file, many processes: readers are never kept waiting and never see a conversation in part, writers of one lane
 * keep each other out, and writers of different lanes do not.
 */

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

const unlimited = "limits: [{ requests: 10000, per: 1 second, scope: connection }]"
const open = async (conversations: number) => {
  workspace = await openWorkspace({
    conversations,
    limits: false,
    vendors: { convocore: { ghosts: 0 } },
    configure: (yaml) => yaml.replaceAll(/(\n +)baseUrl/g, `$1${unlimited}$1baseUrl`)
  })
  return workspace
}

/** A conversation is whole when it has the messages that it counts, and those that its provider counts. */
const inPart = `
  SELECT c.id, c.stored_messages, c.declared_messages, count(m.id) AS there FROM conversations c
  LEFT JOIN messages m ON m.conversation_id = c.id
  GROUP BY c.id HAVING c.stored_messages <> count(m.id) OR c.declared_messages <> count(m.id)`

const contentOf = ({ rows }: Workspace) =>
  Object.fromEntries(Object.entries(contentQueries).map(([name, sql]) => [name, JSON.stringify(rows(sql))]))

/** Resolves when a vendor is asked for the first time from now on. */
const firstRequest = ({ simulator }: Workspace) =>
  new Promise<void>((done) => {
    const { handle } = simulator
    Object.assign(simulator, {
      handle: (...input: Parameters<typeof handle>) => {
        Object.assign(simulator, { handle })
        done()
        return handle(...input)
      }
    })
  })

describe("readers", () => {
  it("see every conversation whole or not at all, and are never refused, eight at once during a first sync and a backfill", async () => {
    const opened = await open(90)
    const readers = Array.from({ length: 8 }, () => startReader(opened.database, inPart))
    const runs = await Promise.all([
      opened.parley(["sync", "--quiet"]),
      opened.parley(["backfill", "--quiet"])
    ])
    const seen = await Promise.all(readers.map(({ stop }) => stop()))
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array.from({ length: 2 }, () => ({ code: 0, stderr: "" }))
    )
    for (const { errors, filled, partial } of seen) {
      expect({ errors, partial }).toEqual({ errors: [], partial: [] })
      expect(filled).toBeGreaterThan(0)
    }
    expect(faultsOf(opened)).toEqual([])
  }, 300_000)

  it("may hold one long transaction: the sync goes on, and what they read stays as it was", async () => {
    const opened = await open(40)
    expect((await opened.parley(["sync", "leads", "--quiet"])).code).toBe(0)
    const reader = new Sqlite(opened.database, { readonly: true })
    try {
      reader.exec("BEGIN")
      const count = reader.prepare("SELECT count(*) FROM messages").pluck()
      const before = count.get()
      const { code, stderr } = await opened.parley(["sync", "--quiet"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(count.get()).toBe(before)
      reader.exec("COMMIT")
      expect(Number(count.get())).toBeGreaterThan(Number(before))
    } finally {
      reader.close()
    }
    expect(opened.rows("SELECT * FROM leases")).toEqual([])
    expect(faultsOf(opened)).toEqual([])
  }, 120_000)
})

describe("two runs", () => {
  it("of one connection and lane: the second says who holds it and ends with 75; one that was killed holds nothing", async () => {
    const opened = await open(10)
    opened.simulator.faults.add({
      vendor: "naturalead",
      match: { operation: "list" },
      effect: { kind: "hang" }
    })
    const asked = firstRequest(opened)
    const first = opened.start(["sync", "leads", "--quiet"])
    const ended = collect(first)
    await asked
    const second = await opened.parley(["sync", "leads", "--json", "--progress", "none"])
    expect(second.code).toBe(75)
    const { connections, outcome } = JSON.parse(second.stdout) as RunReport
    expect([outcome, connections[0]?.outcome, connections[0]?.error?.kind]).toEqual(["held", "held", "busy"])
    expect(connections[0]?.error?.message).toMatch(
      new RegExp(`held by another run: process ${first.pid} on `)
    )
    expect((await opened.parley(["sync", "leads", "--progress", "none"])).stdout).toContain(
      ": not run: another run is under way"
    )
    // That run is under way, and what found it so is no failure of the connection.
    const status = JSON.parse((await opened.parley(["status", "--json"])).stdout) as {
      connections: Array<{ name: string; last_run: object | null }>
    }
    expect(status.connections.find(({ name }) => name === "leads")?.last_run).toMatchObject({
      run_id: 1,
      error: null
    })

    first.kill("SIGKILL")
    await ended
    opened.simulator.faults.clear()
    const third = await opened.parley(["sync", "leads", "--quiet"])
    expect({ code: third.code, stderr: third.stderr }).toEqual({ code: 0, stderr: "" })
    expect(opened.rows("SELECT * FROM leases")).toEqual([])
  }, 120_000)

  it("in different lanes, side by side, both complete, with the content of one alone", async () => {
    const opened = await open(60)
    const runs = await Promise.all([
      opened.parley(["backfill", "--quiet"]),
      opened.parley(["sync", "--quiet"])
    ])
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array.from({ length: 2 }, () => ({ code: 0, stderr: "" }))
    )
    const together = contentOf(opened)
    expect(faultsOf(opened)).toEqual([])
    const alone = await opened.parley(["sync", "--quiet", "--db", "alone.db"])
    expect(alone.code).toBe(0)
    const other = new Sqlite(`${opened.folder}/alone.db`, { readonly: true })
    try {
      for (const [name, sql] of Object.entries(contentQueries)) {
        expect({ name, content: together[name] }).toEqual({
          name,
          content: JSON.stringify(other.prepare(sql).all())
        })
      }
    } finally {
      other.close()
    }
  }, 120_000)
})
