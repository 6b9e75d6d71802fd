import { resolve } from "node:path"
import Sqlite from "better-sqlite3"
import { afterEach, describe, expect, it } from "vitest"
import type { RunReport } from "../../src/sync/run.ts"
import { contentQueries } from "../support/content.ts"
import { faultsOf, openWorkspace, type Workspace } from "../support/parley.ts"

/*
 * The thread that writes pages, in the built command line: what becomes of a run whose thread ends, or cannot write.
 */

const hook = resolve(import.meta.dirname, "../support/endThread.cjs")

let workspace: Workspace | null = null
afterEach(async () => {
  await workspace?.close()
  workspace = null
})

const open = async () => {
  workspace = await openWorkspace({ conversations: 60, limits: false, now: Date.UTC(2026, 2, 9, 8) })
  return workspace
}

const contentOf = ({ rows }: Workspace, db?: string) => {
  if (db === undefined)
    return Object.fromEntries(Object.entries(contentQueries).map(([name, sql]) => [name, rows(sql)]))
  const other = new Sqlite(db, { readonly: true })
  try {
    return Object.fromEntries(
      Object.entries(contentQueries).map(([name, sql]) => [name, other.prepare(sql).all()])
    )
  } finally {
    other.close()
  }
}

const sync = ["sync", "salon", "--pull-only", "--progress", "none", "--json"]

const errorsIn = (stdout: string): ReadonlyArray<NonNullable<RunReport["connections"][number]["error"]>> =>
  (JSON.parse(stdout) as RunReport).connections.flatMap(({ error }) => (error === null ? [] : [error]))

describe("the thread that writes", () => {
  it.each(["exit 1", "throw 1"])(
    "ends in the middle of its work (%s): the run says so and ends with 1, and the next one completes it",
    async (end) => {
      const opened = await open()
      expect((await opened.parley([...sync, "--db", "whole.db"])).code).toBe(0)
      const dead = await opened.parley(sync, { NODE_OPTIONS: `--require ${hook}`, PARLEY_END_THREAD: end })
      expect(dead.code).toBe(1)
      const errors = errorsIn(dead.stdout)
      expect(errors.length).toBeGreaterThan(0)
      for (const error of errors) {
        expect(error.message).toMatch(
          /the thread that writes the mirror (ended|failed: Error: a fault of the thread)/
        )
        expect(error.hint).toMatch(/committed before it is kept/)
      }
      expect(faultsOf(opened)).toEqual([])
      const next = await opened.parley(sync)
      expect({ code: next.code, stderr: next.stderr }).toEqual({ code: 0, stderr: "" })
      expect(contentOf(opened)).toEqual(contentOf(opened, resolve(opened.folder, "whole.db")))
    },
    120_000
  )

  it("waits for another program's transaction; one that takes too long ends the run with 75, and the next one completes it", async () => {
    const opened = await open()
    expect((await opened.parley([...sync, "--db", "whole.db"])).code).toBe(0)
    expect((await opened.parley(["sync", "salon", "--push-only", "--quiet"])).code).toBe(0)
    const other = new Sqlite(opened.database)
    const { handle } = opened.simulator
    let begun = false
    // The run has taken its leases by the time it asks for anything.
    Object.assign(opened.simulator, {
      handle: (...input: Parameters<typeof handle>) => {
        if (!begun) other.exec("BEGIN IMMEDIATE")
        begun = true
        return handle(...input)
      }
    })
    const held = await opened.parley(sync)
    other.exec("ROLLBACK")
    other.close()
    expect(held.code).toBe(75)
    expect(held.stdout + held.stderr).toMatch(
      /is locked: another program has been writing to it for too long/
    )
    expect(held.stdout + held.stderr).not.toMatch(/at .*\.(ts|js):\d+|SQLITE_|SqliteError/)
    const next = await opened.parley(sync)
    expect({ code: next.code, stderr: next.stderr }).toEqual({ code: 0, stderr: "" })
    expect(contentOf(opened)).toEqual(contentOf(opened, resolve(opened.folder, "whole.db")))
  }, 120_000)

  it("writes nothing more once a newer Parley has changed the schema meanwhile, and the run says so", async () => {
    const opened = await open()
    expect((await opened.parley(["sync", "salon", "--push-only", "--quiet"])).code).toBe(0)
    const other = new Sqlite(opened.database)
    const known = Number(other.pragma("user_version", { simple: true }))
    const { handle } = opened.simulator
    let asked = 0
    Object.assign(opened.simulator, {
      handle: (...input: Parameters<typeof handle>) => {
        asked += 1
        if (asked === 12) other.pragma(`user_version = ${known + 1}`)
        return handle(...input)
      }
    })
    const overtaken = await opened.parley(sync)
    const stored = other.prepare("SELECT count(*) FROM conversations").pluck().get()
    other.pragma(`user_version = ${known}`)
    other.close()
    expect(overtaken.code).toBe(2)
    expect(overtaken.stdout + overtaken.stderr).toMatch(/was brought to a newer schema by another Parley/)
    expect(overtaken.stdout + overtaken.stderr).not.toMatch(/at .*\.(ts|js):\d+|PARLEY_NEWER/)
    expect(stored).toBeLessThan(30)
    const next = await opened.parley(sync)
    expect({ code: next.code, stderr: next.stderr }).toEqual({ code: 0, stderr: "" })
  }, 120_000)
})
