import Sqlite from "better-sqlite3"
import { afterEach, describe, expect, it } from "vitest"
import type { Fault } from "../../src/simulator/index.ts"
import type { RunReport } from "../../src/sync/run.ts"
import { collect, faultsOf, openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * Limits as the user of the command line meets them: what outlives a process, what processes share, what is told.
 */

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

const open = async (...options: Parameters<typeof openWorkspace>) => {
  workspace = await openWorkspace(...options)
  return workspace
}

const refusal = (vendor: Fault["vendor"], seconds: number, times: number): Fault => ({
  vendor,
  times,
  effect: { kind: "answer", status: 429, headers: { "retry-after": String(seconds) } }
})

/** A limit's own headers would name a longer wait than the refusals here. */
const vendors = { naturalead: { rateLimitHeaders: "none" } } as const

const reportOf = (stdout: string) => JSON.parse(stdout) as RunReport

describe("a refusal", () => {
  it("outlives its process: the next run sends nothing before the time, leaves with 75 where it may not wait, and status tells why", async () => {
    const { parley, simulator } = await open({ faults: [refusal("naturalead", 600, 1)] })
    const first = await parley(["sync", "leads", "--max-wait", "1s", "--json"])
    expect(first.code).toBe(75)
    expect(reportOf(first.stdout).connections[0]).toMatchObject({ requests: 1, rate_limited: 1 })
    const second = await parley(["sync", "leads", "--max-wait", "5m", "--json"])
    expect(second.code).toBe(75)
    const [own] = reportOf(second.stdout).connections
    expect(own).toMatchObject({ requests: 0, rate_limited: 0, error: { kind: "rate_limited" } })
    expect(own?.error?.message).toMatch(/before \d\d:\d\d:\d\d UTC: it asked for 10 min/)
    expect(own?.error?.hint).toMatch(/--max-wait/)
    expect(simulator.log.length).toBe(1)
    const status = await parley(["status", "leads"])
    expect(status.stdout).toMatch(
      /leads: nothing is sent until \S+.*: NaturaLead refused, it asked for 10 min/
    )
    const [document] = JSON.parse((await parley(["status", "leads", "--json"])).stdout).connections
    const until = (simulator.log[0]?.at ?? 0) + 600_000
    expect(Date.parse(document.waiting_until)).toBeGreaterThanOrEqual(until)
    expect(Date.parse(document.waiting_until)).toBeLessThan(until + 60_000)
  })

  it("is waited out by the next run where that may wait, which says so", async () => {
    const { parley, simulator } = await open({ vendors, faults: [refusal("naturalead", 8, 1)] })
    expect((await parley(["sync", "leads", "--max-wait", "1s"])).code).toBe(75)
    const next = await parley(["sync", "leads", "--progress", "plain"])
    expect(next.code).toBe(0)
    expect(next.stderr).toMatch(/leads.*waiting until \d\d:\d\d:\d\d: it asked for 8 s/)
    const [refused, second] = simulator.log
    expect((second?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(8000)
  })
})

describe("the ledger of a run", () => {
  it("counts requests, refusals, queued answers and waits as the provider saw them", async () => {
    const { parley, rows, simulator } = await open({
      conversations: 30,
      vendors,
      faults: [
        refusal("naturalead", 1, 2),
        refusal("aelyst", 1, 1),
        {
          vendor: "empfio",
          match: { write: true },
          effect: { kind: "queue", answers: 1, outcome: "applied" }
        }
      ]
    })
    const synced = await parley(["sync", "--json"])
    expect(synced.code).toBe(0)
    const counted = (name: string, vendor: string) => {
      const log = simulator.log.filter((entry) => entry.vendor === vendor)
      return {
        name,
        requests: log.length,
        rate_limited: log.filter(({ status }) => status === 429).length,
        queued: log.filter(({ status }) => status === 449).length
      }
    }
    const expected = [
      counted("leads", "naturalead"),
      counted("support", "convocore"),
      counted("salon", "empfio"),
      counted("inbox", "aelyst")
    ]
    expect(expected.map(({ rate_limited }) => rate_limited)).toEqual([2, 0, 0, 1])
    const { connections } = reportOf(synced.stdout)
    expect(
      connections.map(({ name, queued, rate_limited, requests }) => ({
        name,
        requests,
        rate_limited,
        queued
      }))
    ).toEqual(expected)
    const waited = new Map(connections.map(({ name, waited_ms }) => [name, waited_ms]))
    expect(waited.get("leads")).toBeGreaterThan(1900)
    expect(waited.get("inbox")).toBeGreaterThan(900)
    expect(
      rows(
        `SELECT connection AS name, sum(requests) AS requests, sum(rate_limited) AS rate_limited, sum(queued) AS queued
         FROM run_connections GROUP BY connection`
      )
    ).toEqual(expect.arrayContaining(expected))

    const [id] = rows<{ id: string }>(
      "SELECT id FROM conversations WHERE connection = 'salon' AND status = 'active' LIMIT 1"
    )
    simulator.log.length = 0
    const pushed = await parley(["set-status", id?.id ?? "", "completed", "--push", "--json"])
    expect(pushed.code).toBe(0)
    const [run] = rows(
      "SELECT requests, rate_limited, queued FROM run_connections ORDER BY run_id DESC LIMIT 1"
    )
    const { name: _, ...atVendor } = counted("salon", "empfio")
    expect(run).toEqual(atVendor)
    expect(atVendor.queued).toBe(1)
  })
})

describe("three writers of one credential and one long reader", () => {
  it("keep the limit together in every window, lose no lease and are never refused by the file", async () => {
    const limit = { requests: 25, millis: 1000 }
    const opened = await open({
      conversations: 50,
      limits: false,
      configure: (yaml) =>
        yaml.replace(
          /(provider: empfio)(\n +)/,
          `$1$2limits: [{ requests: ${limit.requests}, per: 1 second, scope: connection }]$2`
        )
    })
    const { database, parley, rows, simulator } = opened
    expect((await parley(["sync", "salon", "--quiet"])).code).toBe(0)
    const ids = rows<{ id: string }>(
      "SELECT id FROM conversations WHERE connection = 'salon' AND status = 'active' LIMIT 4"
    )
    expect(ids.length).toBe(4)
    const writer = new Sqlite(database)
    for (const { id } of ids)
      writer.prepare("UPDATE conversations SET status = 'completed' WHERE id = ?").run(id)
    writer.close()
    simulator.log.length = 0
    const reader = new Sqlite(database, { readonly: true })
    try {
      reader.exec("BEGIN")
      const count = reader.prepare("SELECT count(*) FROM status_history").pluck()
      const before = count.get()
      const ended = await Promise.all(
        [
          ["sync", "salon", "--pull-only", "--full"],
          ["backfill", "salon", "--restart"],
          ["push", "salon"]
        ].map((args) => collect(opened.start([...args, "--quiet"])))
      )
      expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
        ended.map(() => ({ code: 0, stderr: "" }))
      )
      expect(count.get()).toBe(before)
      reader.exec("COMMIT")
      expect(count.get()).toBeGreaterThan(Number(before))
    } finally {
      reader.close()
    }
    const times = simulator.log.map(({ at }) => at)
    expect(times.length).toBeGreaterThan(2 * limit.requests)
    const fullest = Math.max(
      ...times.map((from) => times.filter((at) => at >= from && at < from + limit.millis).length)
    )
    expect(fullest).toBeLessThanOrEqual(limit.requests)
    expect(rows("SELECT * FROM leases")).toEqual([])
    expect(rows("SELECT state, count(*) AS n FROM status_changes GROUP BY state")).toEqual([
      { state: "confirmed", n: ids.length }
    ])
    expect(faultsOf(opened)).toEqual([])
  }, 120_000)
})
