import type { ChildProcess } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterEach, describe, expect, it } from "vitest"
import type { RunReport } from "../../src/sync/run.ts"
import { faultsOf, openWorkspace, type Workspace, type WorkspaceOptions } from "../support/parley.ts"

/*
 * The built command line on a schedule of seconds, with the signals that people and service managers send.
 */

let workspace: Workspace | null = null
let child: ChildProcess | null = null
afterEach(async () => {
  child?.kill("SIGKILL")
  await workspace?.close()
  workspace = null
  child = null
})

/** Lines of a stream, as they come; each can be waited for. */
const linesOf = (stream: NodeJS.ReadableStream | null) => {
  if (stream === null) throw new Error("no stream")
  const lines: Array<string> = []
  const waiting = new Set<() => void>()
  createInterface({ input: stream }).on("line", (line) => {
    lines.push(line)
    for (const look of waiting) look()
  })
  /** The first line from `from` on that this holds of. */
  const until = (holds: (line: string) => boolean, from = 0) =>
    new Promise<string>((done) => {
      const look = () => {
        const found = lines.slice(from).find(holds)
        if (found === undefined) return
        waiting.delete(look)
        done(found)
      }
      waiting.add(look)
      look()
    })
  return { lines, until }
}

type RunDocument = RunReport & {
  readonly next_run_at: string
  readonly retries: ReadonlyArray<{ readonly connection: string; readonly at: string }>
}

const start = async (args: ReadonlyArray<string>, options: WorkspaceOptions = {}) => {
  const opened = await openWorkspace({ conversations: 5, limits: false, ...options })
  workspace = opened
  const started = opened.start(["watch", "--json", "--progress", "json", ...args])
  child = started
  const out = linesOf(started.stdout)
  const err = linesOf(started.stderr)
  const ended = new Promise<{ code: number | null; signal: string | null }>((done) =>
    started.on("close", (code, signal) => done({ code, signal }))
  )
  const ran = async (holds: (run: RunDocument) => boolean, from = 0) =>
    JSON.parse(await out.until((line) => holds(JSON.parse(line) as RunDocument), from)) as RunDocument
  const event = (name: string, from = 0) =>
    err.until((line) => (JSON.parse(line) as { event: string }).event === name, from)
  return { opened, started, out, err, ended, ran, event }
}

/** Runs of one connection that were going on at the same time. */
const overlaps = ({ rows }: Workspace) =>
  rows(
    `SELECT a.connection, a.lane, a.run_id, b.run_id FROM run_connections a
     JOIN run_connections b ON a.connection = b.connection AND a.lane = b.lane AND a.run_id < b.run_id
     WHERE b.started_at < a.finished_at OR a.finished_at IS NULL`
  )

describe("parley watch", () => {
  it("syncs again and again, tells each run in a line, and ends with 143 when it is told to", async () => {
    const { ended, err, opened, out, ran, started } = await start(["--every", "1s", "--time-zone", "UTC"])
    const first = await ran(({ run_id }) => run_id === 1)
    const later = await ran(({ run_id }) => run_id > first.run_id)
    expect([first.outcome, later.outcome]).toEqual(["complete", "complete"])
    expect(first.connections.reduce((sum, one) => sum + one.inserted, 0)).toBeGreaterThan(20)
    expect(later.connections.reduce((sum, one) => sum + one.inserted, 0)).toBe(0)
    expect(Date.parse(later.next_run_at)).toBeGreaterThan(Date.parse(later.started_at))
    started.kill("SIGTERM")
    expect(await ended).toEqual({ code: 143, signal: null })
    expect(JSON.parse(err.lines[0] ?? "")).toMatchObject({
      event: "watching",
      schedule: "every 1 second",
      time_zone: "UTC"
    })
    expect(out.lines.length).toBeGreaterThanOrEqual(2)
    expect(overlaps(opened)).toEqual([])
    expect(faultsOf(opened)).toEqual([])
  }, 60_000)

  it("says in words what a run did, in which time zone, and when the next one is", async () => {
    workspace = await openWorkspace({ conversations: 3, limits: false })
    child = workspace.start(["watch", "leads", "--cron", "* * * * * *", "--time-zone", "Asia/Kolkata"])
    const err = linesOf(child.stderr)
    const line = await linesOf(child.stdout).until(() => true)
    expect(line).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Asia\/Kolkata: run 1 \(leads\) complete: .* new, .* next run at \d\d:\d\d:\d\d/
    )
    expect(err.lines[0]).toMatch(
      /^watching 1 connection, at "\* \* \* \* \* \*", times of Asia\/Kolkata; first run at /
    )
  }, 60_000)

  it("keeps what was committed when it is stopped in the middle of a run that hangs", async () => {
    const { ended, opened, started } = await start(["--every", "1h"], {
      faults: [{ vendor: "aelyst", effect: { kind: "hang" } }]
    })
    // Once: a second signal later would end the program at once.
    const asked = setInterval(() => {
      if (!opened.simulator.log.some(({ vendor }) => vendor === "aelyst")) return
      clearInterval(asked)
      started.kill("SIGINT")
    }, 50)
    expect(await ended).toEqual({ code: 130, signal: null })
    expect(opened.rows("SELECT outcome FROM runs")).toEqual([{ outcome: "interrupted" }])
    expect(opened.rows("SELECT outcome FROM run_connections WHERE outcome = 'running'")).toEqual([])
    expect(opened.rows("SELECT * FROM leases")).toEqual([])
    expect(faultsOf(opened)).toEqual([])
  }, 60_000)

  it("leaves a connection that fails to attempts of its own, and says when the next one is", async () => {
    const { opened, ran } = await start(["--every", "1s", "leads", "inbox"], {
      faults: [
        { vendor: "naturalead", effect: { kind: "answer", status: 429, headers: { "retry-after": "7200" } } }
      ]
    })
    const { connections, finished_at, retries } = await ran((run) => run.connections.length === 2)
    expect(connections.map(({ error }) => error?.kind)).toEqual(["rate_limited", undefined])
    expect(retries).toMatchObject([{ connection: "leads", failures: 1 }])
    expect(Date.parse(retries[0]?.at ?? "") - Date.parse(finished_at)).toBeGreaterThan(7_100_000)
    const next = await ran((run) => run.connections.length === 1)
    expect(next.connections.map(({ name, outcome }) => ({ name, outcome }))).toEqual([
      { name: "inbox", outcome: "complete" }
    ])
    expect(overlaps(opened)).toEqual([])
  }, 60_000)

  it("reads the configuration again at SIGHUP, and keeps the old one where the new one is broken", async () => {
    const { event, opened, ran, started } = await start(["--every", "1s"])
    const since = async (event: { at: string }, holds: (run: RunDocument) => boolean) =>
      ran((run) => run.started_at > event.at && holds(run))
    await ran(() => true)
    const file = join(opened.folder, "config/parley.yaml")
    const yaml = readFileSync(file, "utf8")
    writeFileSync(file, yaml.replace("provider: aelyst", "provider: aelist"))
    started.kill("SIGHUP")
    const refused = JSON.parse(await event("configuration_refused")) as {
      at: string
      faults: Array<{ message: string }>
    }
    expect(refused.faults[0]?.message).toMatch(/did you mean "aelyst"/)
    await since(refused, ({ connections }) => connections.some(({ name }) => name === "inbox"))
    writeFileSync(file, yaml.replace("provider: aelyst", "provider: aelyst\n    enabled: false"))
    started.kill("SIGHUP")
    const read = JSON.parse(await event("configuration_read")) as { at: string }
    await since(read, ({ connections }) => connections.some(({ name }) => name === "leads"))
    const later = opened.rows(
      "SELECT * FROM run_connections WHERE connection = 'inbox' AND started_at > ?",
      read.at
    )
    expect(later).toEqual([])
  }, 60_000)

  it("ends at once with 2 where the configuration is wrong", async () => {
    workspace = await openWorkspace({ conversations: 1 })
    writeFileSync(join(workspace.folder, "config/parley.yaml"), "connections: [")
    expect((await workspace.parley(["watch", "--every", "5m"])).code).toBe(2)
  }, 60_000)
})
