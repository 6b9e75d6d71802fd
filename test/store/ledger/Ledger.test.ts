import { spawn } from "node:child_process"
import { once } from "node:events"
import { expect, it } from "@effect/vitest"
import { Effect, Exit, TestClock } from "effect"
import { Db } from "../../../src/store/Db.ts"
import { type ConnectionFault, listRuns } from "../../../src/store/ledger/Ledger.ts"
import { isDead, thisProcess } from "../../../src/store/ledger/processIdentity.ts"
import { at, atMillis, freshStore, page, rows, sighting, started, unreadable, values } from "../fixtures.ts"

const nothing = { requests: 0, rateLimited: 0, queued: 0, waitedMs: 0 }

const sync = (runId: number) => ({ runId, connection: "leads", lane: "sync" }) as const

it.scoped("tells a run from its start to its end", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(atMillis(0))
    const { commit, ledger, runId } = yield* started
    yield* ledger.startConnection(sync(runId))
    yield* commit([page(1, [sighting()])])
    yield* TestClock.setTime(atMillis(60))
    const row = yield* ledger.finishConnection({
      ...sync(runId),
      counters: { requests: 5, rateLimited: 2, queued: 1, waitedMs: 1234.6 },
      outcome: null,
      fault: null,
      changes: { confirmed: 1, queued: 2, rejected: 3, conflict: 4, pending: 5 }
    })
    expect(row).toMatchObject({
      provider: "naturalead",
      outcome: "complete",
      requests: 5,
      rate_limited: 2,
      queued: 1,
      waited_ms: 1235,
      pages: 1,
      received: 1,
      inserted: 1,
      changes_confirmed: 1,
      changes_pending: 5,
      error_kind: null
    })
    expect(yield* ledger.finishRun({ runId, outcome: "complete", exitCode: 0 })).toEqual({
      id: runId,
      command: "sync",
      started_at: at(0),
      finished_at: at(60),
      outcome: "complete",
      exit_code: 0,
      host: thisProcess().host,
      pid: process.pid
    })
    const db = yield* Db
    const [newest] = yield* db.use("test", (session) => listRuns(session, 1, atMillis(60)))
    expect([newest?.id, newest?.connections]).toEqual([runId, [row]])
  }).pipe(Effect.provide(freshStore))
)

const fault = (kind: string): ConnectionFault => ({ kind, message: "what happened", hint: "what to do" })

const outcomes: ReadonlyArray<{
  readonly what: string
  readonly fault: ConnectionFault | null
  readonly pages?: Parameters<typeof page>[1]
  readonly confirmed?: number
  readonly outcome: string
}> = [
  { what: "nothing went wrong", fault: null, outcome: "complete" },
  {
    what: "records went to quarantine",
    fault: null,
    pages: [{ _tag: "Unreadable", unreadable: unreadable() }],
    outcome: "partial"
  },
  { what: "it failed before anything was stored", fault: fault("unavailable"), outcome: "failed" },
  {
    what: "it failed after something was stored",
    fault: fault("unavailable"),
    pages: [sighting()],
    outcome: "partial"
  },
  {
    what: "it failed after a change was confirmed",
    fault: fault("unavailable"),
    confirmed: 1,
    outcome: "partial"
  },
  { what: "it would have to wait too long", fault: fault("rate_limited"), outcome: "partial" }
]
for (const { what, fault, pages, confirmed, outcome } of outcomes) {
  it.scoped(`calls a connection ${outcome} where ${what}`, () =>
    Effect.gen(function* () {
      const { commit, ledger, runId } = yield* started
      yield* ledger.startConnection(sync(runId))
      if (pages !== undefined) yield* commit([page(1, pages)])
      const row = yield* ledger.finishConnection({
        ...sync(runId),
        counters: nothing,
        outcome: null,
        fault,
        ...(confirmed === undefined
          ? {}
          : { changes: { confirmed, queued: 0, rejected: 0, conflict: 0, pending: 0 } })
      })
      expect([row.outcome, row.error_kind, row.error_hint]).toEqual([
        outcome,
        fault?.kind ?? null,
        fault?.hint ?? null
      ])
    }).pipe(Effect.provide(freshStore))
  )
}

it.scoped("does not leave a connection running when its run ends", () =>
  Effect.gen(function* () {
    const { ledger, runId } = yield* started
    yield* ledger.startConnection(sync(runId))
    yield* ledger.finishRun({ runId, outcome: "interrupted", exitCode: 130 })
    expect(yield* rows("SELECT outcome, finished_at IS NULL AS open FROM run_connections")).toEqual([
      { outcome: "interrupted", open: 0 }
    ])
  }).pipe(Effect.provide(freshStore))
)

/** A process that is certainly dead, and was one a moment ago. */
const deadProcess = Effect.promise(async () => {
  const child = spawn(process.execPath, ["-e", ""])
  await once(child, "exit")
  return child.pid ?? 0
})

it.scopedLive(
  "marks runs of dead processes as interrupted when the next one starts, and no living one's",
  () =>
    Effect.gen(function* () {
      const { ledger, runId } = yield* started
      const { host, pid, start } = thisProcess()
      const silentFor = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
      const run = (runHost: string, runPid: number, processStart: string | null, minutes: number) =>
        Effect.map(
          values(
            "INSERT INTO runs (command, started_at, host, pid, process_start) VALUES ('sync', ?, ?, ?, ?) RETURNING id",
            silentFor(minutes),
            runHost,
            runPid,
            processStart
          ),
          ([id]) => Number(id)
        )
      const dead = yield* run(host, yield* deadProcess, null, 0)
      const pidGivenToAnother = yield* run(host, pid, `${start}0`, 0)
      const beforeReboot = yield* run(host, pid, "another-boot/ns/1", 0)
      const elsewhere = yield* run("another-host", pid, null, 1)
      const elsewhereSilent = yield* run("another-host", pid, null, 10)
      const elsewhereHolding = yield* run("a-third-host", pid, null, 10)
      yield* values(
        "INSERT INTO leases (connection, lane, owner, host, pid, acquired_at, expires_at) VALUES ('leads', 'sync', 'x', 'a-third-host', ?, ?, ?) RETURNING 1",
        pid,
        silentFor(10),
        silentFor(-1)
      )
      yield* values(
        "INSERT INTO run_connections (run_id, connection, lane, started_at) VALUES (?, 'leads', 'sync', '') RETURNING 1",
        dead
      )
      const next = yield* ledger.startRun("push")
      expect(
        yield* values(
          "SELECT id FROM runs WHERE outcome = 'interrupted' AND finished_at IS NOT NULL ORDER BY id"
        )
      ).toEqual([dead, pidGivenToAnother, beforeReboot, elsewhereSilent])
      expect(yield* values("SELECT id FROM runs WHERE outcome = 'running' ORDER BY id")).toEqual([
        runId,
        elsewhere,
        elsewhereHolding,
        next
      ])
      expect(yield* values("SELECT outcome FROM run_connections")).toEqual(["interrupted"])
    }).pipe(Effect.provide(freshStore))
)

it.effect("takes a run of this process for interrupted whose end could not be written", () =>
  Effect.gen(function* () {
    const { ledger, runId } = yield* started
    const db = yield* Db
    const exec = (sql: string) => db.use("test", ({ database }) => database.exec(sql))
    const end = { runId, outcome: "complete", exitCode: 0 } as const
    yield* exec("CREATE TEMP TRIGGER refusing BEFORE UPDATE ON runs BEGIN SELECT raise(ABORT, 'no'); END")
    expect(Exit.isFailure(yield* Effect.exit(ledger.finishRun(end)))).toBe(true)
    yield* exec("DROP TRIGGER refusing")
    const next = yield* ledger.startRun("sync")
    yield* ledger.startRun("push")
    expect(yield* values("SELECT outcome FROM runs ORDER BY id")).toEqual([
      "interrupted",
      "running",
      "running"
    ])
    yield* ledger.finishRun({ ...end, runId: next })
  }).pipe(Effect.provide(freshStore))
)

it("never takes a process for dead that it cannot see", () => {
  const { host, pid, start } = thisProcess()
  expect(isDead({ host, pid, start })).toBe(false)
  expect(isDead({ host: "another-host", pid: 2 ** 22 + 1, start })).toBe(false)
  const [boot] = (start ?? "").split("/")
  if (start !== null) expect(isDead({ host, pid, start: `${boot}/pid:[1]/12` })).toBe(false)
})
