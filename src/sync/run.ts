import { Cause, Effect, Exit, Fiber, Option, Schedule } from "effect"
import { type ConnectionConfig, readableStatuses } from "../config/Config.ts"
import { type ProviderError, Rejected } from "../domain/ProviderError.ts"
import { type RecordCounts, recordCounts } from "../domain/RecordCounts.ts"
import type { Timestamp } from "../domain/Timestamp.ts"
import type { ClientEvent, Lane } from "../http/contract.ts"
import { quotaFile } from "../http/limits/shared/quotaStore.ts"
import { keyVariable } from "../privacy/key.ts"
import { noticeReplaced } from "../store/copies/replaced.ts"
import { ageText, noticeRestoration, rememberState } from "../store/copies/restored.ts"
import { Db } from "../store/Db.ts"
import { type Busy, Leases } from "../store/ledger/Leases.ts"
import {
  type ChangeCounters,
  type ConnectionFault,
  type ConnectionRow,
  Ledger
} from "../store/ledger/Ledger.ts"
import { Mirror } from "../store/mirror/Mirror.ts"
import { StoreError } from "../store/StoreError.ts"
import { guardAccount } from "./account/guard.ts"
import { type OpenConnection, openConnection } from "./connection.ts"
import { errorKinds } from "./errorKinds.ts"
import { Progress } from "./progress.ts"
import { makeRefused } from "./requestLog.ts"
import { StopSignal, signalExitCode } from "./stopSignal.ts"

/*
 * One execution of a command that talks to providers: its ledger rows, its leases, and what it reports. Connections
 * run side by side; what happens to one is in its own report and affects no other.
 */

/** `held`: only another run kept it from its work. */
export type Outcome = "complete" | "partial" | "failed" | "held"

export interface Fault extends ConnectionFault {
  /** When the provider asked to come back, epoch milliseconds; left out: it did not say. */
  readonly retryAt?: number
}

export interface ConnectionReport extends RecordCounts {
  readonly name: string
  readonly provider: string
  readonly outcome: Outcome
  readonly requests: number
  readonly rate_limited: number
  readonly queued: number
  readonly waited_ms: number
  readonly changes: ChangeCounters
  readonly error: ConnectionFault | null
}

export interface RunReport {
  readonly run_id: number
  readonly command: string
  readonly outcome: Outcome
  readonly started_at: Timestamp
  readonly finished_at: Timestamp
  readonly connections: ReadonlyArray<ConnectionReport>
}

/** What one lane did with one connection. */
export interface LaneResult {
  /** Null: all of it was done. */
  readonly fault: Fault | null
  /** Left out: the lane has nothing to do with changes. */
  readonly changes?: ChangeCounters
}

export interface LaneWork<R> {
  readonly lane: Lane
  readonly work: (
    connection: OpenConnection,
    runId: number
  ) => Effect.Effect<LaneResult, ProviderError | StoreError, R>
}

export interface RunOptions<R> {
  readonly command: string
  readonly connections: ReadonlyArray<ConnectionConfig>
  /** Milliseconds that any single wait may take. */
  readonly maxWaitMillis: number
  /** In this order, one after the other, for each connection. */
  readonly lanes: ReadonlyArray<LaneWork<R>>
  /** Connections of which a person accepts that they speak for another account from now on; left out: none. */
  readonly rebind?: ReadonlySet<string>
  /** What is hashed with another key than before may be stored: everything is read again. Left out: false. */
  readonly mayRekey?: boolean
  /** True: the mirror is a copy that is gone when the run is over: this machine does not remember its state. Left out: false. */
  readonly isTrial?: boolean
  /** Told as soon as a connection is through, while others may still be at work. */
  readonly settled?: (settled: Settled) => Effect.Effect<void>
}

/** A connection whose part in a run is over. */
export interface Settled {
  readonly report: ConnectionReport
  /** When the provider asked to come back, epoch milliseconds; null: it did not say. */
  readonly retryAt: number | null
}

const clock = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`

/** The fault a person reads: what happened, and what to do about it. */
export const faultOf = (error: ProviderError | StoreError | Busy): Fault => {
  const { message, hint } = error
  const fault = { kind: errorKinds[error._tag], message, hint }
  const retryAt = "retryAt" in error ? error.retryAt : null
  if (retryAt === null) return fault
  return error._tag === "Unavailable"
    ? { ...fault, retryAt }
    : { ...fault, hint: `run again after ${clock(retryAt)}, or allow longer waits with --max-wait`, retryAt }
}

/** The same of what should not be possible. */
export const unexpected = (cause: Cause.Cause<unknown>): Fault => ({
  kind: "unexpected",
  message: `unexpected fault: ${Cause.squash(cause)}`,
  hint: "this is a fault of Parley's; everything committed before it is kept, and the next run resumes from there"
})

/** What a lane failed with; also the mirror's own fault where only a provider's could be handed on (`guardAccount`). */
const errorIn = <E>(cause: Cause.Cause<E>): Option.Option<E | StoreError> =>
  Option.orElse(Cause.failureOption(cause), () =>
    Option.filter(Cause.dieOption(cause), (defect) => defect instanceof StoreError)
  )

/** How far this machine's clock is ahead of the providers', by their answers: what is let go may be nowhere else. */
const makeClocks = () => {
  let most: number | null = null
  return {
    see: (event: ClientEvent): void => {
      if (event._tag !== "Answered") return
      const { clockAhead } = event.exchange
      if (clockAhead !== undefined) most = Math.max(most ?? 0, -clockAhead)
    },
    /** Milliseconds, the most that any answer says; null: none tells the time. */
    ahead: (): number | null => most
  }
}

interface Counters {
  requests: number
  rateLimited: number
  queued: number
  waitedMs: number
}

const count = (counters: Counters, event: ClientEvent): void => {
  if (event._tag === "Sent") counters.requests += 1
  else if (event._tag === "RateLimited") counters[event.status === 429 ? "rateLimited" : "queued"] += 1
  else if (event._tag === "Waited") counters.waitedMs += event.millis
}

/** Work that ends where the lease is lost. Nothing of it is still under way when this is over: a race would not wait. */
const untilLost = <A, E, R, E2>(work: Effect.Effect<A, E, R>, lost: Effect.Effect<never, E2>) =>
  Effect.flatMap(Effect.fork(work), (fiber) =>
    Effect.ensuring(Effect.raceFirst(Fiber.join(fiber), lost), Fiber.interrupt(fiber))
  )

/** Between two writes of what was refused while a lane runs. */
const refusedEvery = "30 seconds"

/** Nothing of a connection that was forgotten is read, until a person takes it up again. */
const refuseForgotten = Effect.fn("run.refuseForgotten")(function* (name: string, isTakenUp: boolean) {
  const mirror = yield* Mirror
  const forgottenOn = yield* mirror.forgottenOn(name)
  if (forgottenOn === null) return
  if (isTakenUp) return yield* mirror.takeUp(name)
  return yield* new StoreError({
    op: "run",
    kind: "refused",
    message: `${name} was forgotten on ${forgottenOn.slice(0, 10)}: nothing of it is read or stored`,
    hint: `take it out of the configuration, or take it up again, with all that it holds, with \`parley sync --rebind ${name}\``
  })
})

/** Two keys in turn would write everything anew at each run. */
const otherKey = (name: string): Rejected =>
  new Rejected({
    message: `the key of hashes is another one than that of what is stored of ${name}: nothing was requested`,
    hint: `another user, machine or state folder has the right one: copy its hash.key, or set ${keyVariable}; \`parley sync --full ${name}\` takes the one that there is now`,
    status: 0,
    body: ""
  })

/** One lane of one connection, from its lease to its ledger row. Every failure is recorded in the row. */
const runLane = Effect.fn("run.lane")(function* <R>(
  runId: number,
  config: ConnectionConfig,
  { lane, work }: LaneWork<R>,
  options: RunOptions<R>,
  clocks: ReturnType<typeof makeClocks>
) {
  const ledger = yield* Ledger
  const leases = yield* Leases
  const mirror = yield* Mirror
  const progress = yield* Progress
  const { name } = config
  const counters: Counters = { requests: 0, rateLimited: 0, queued: 0, waitedMs: 0 }

  const refused = makeRefused()
  const observe = (event: ClientEvent): void => {
    count(counters, event)
    clocks.see(event)
    refused.add(event)
    progress.clientEvent(name, event)
  }
  // So that the request log of a run that is killed says why it took so long.
  const writeRefused = Effect.suspend(() => {
    const begun = refused.begun()
    if (begun.length === 0) return Effect.void
    return Effect.map(ledger.recordRefused({ runId, connection: name, refused: begun }), () =>
      refused.wrote(begun.length)
    )
  }).pipe(Effect.ignore)
  const attempt = Effect.gen(function* () {
    const lease = yield* leases.acquire(name, lane)
    const rebind = options.rebind?.has(name) ?? false
    yield* refuseForgotten(name, rebind)
    const account = yield* guardAccount(config, { runId, rebind })
    const { maxWaitMillis } = options
    const opened = yield* openConnection(config, lane, { maxWaitMillis, observe }, account.check)
    if (opened.privacy.fault !== null) return yield* opened.privacy.fault
    const mayRekey = options.mayRekey ?? false
    const isFollowed = yield* mirror.followPrivacy(name, opened.privacy.text, mayRekey)
    if (isFollowed === null) return yield* otherKey(name)
    const privacy = { ...opened.privacy, isFollowed }
    const connection = { ...opened, privacy, provider: account.guard(opened.provider) }
    yield* Effect.forkScoped(Effect.repeat(Effect.delay(writeRefused, refusedEvery), Schedule.forever))
    return yield* untilLost(work(connection, runId), lease.lost)
  }).pipe(Effect.scoped)

  yield* ledger.startConnection({ runId, connection: name, lane })
  yield* progress.connectionStarted(name, config.provider, lane)
  const finish = (outcome: "interrupted" | null, result: LaneResult) =>
    ledger.finishConnection({
      runId,
      connection: name,
      lane,
      counters,
      refused: refused.left(),
      outcome,
      ...result
    })
  const exit = yield* attempt.pipe(
    Effect.onInterrupt(() => Effect.ignore(finish("interrupted", { fault: null }))),
    Effect.exit
  )
  const result: LaneResult = Exit.match(exit, {
    onSuccess: (done) => done,
    onFailure: (cause) => ({
      fault: Option.match(errorIn(cause), { onSome: faultOf, onNone: () => unexpected(cause) })
    })
  })
  const row = yield* finish(null, result)
  yield* progress.connectionFinished(name, lane, reportedOutcome(row.outcome), result.fault?.message ?? null)
  return { row, retryAt: result.fault?.retryAt ?? null }
})

/** All lanes of one connection. */
const runConnection = Effect.fn("run.connection")(function* <R>(
  runId: number,
  config: ConnectionConfig,
  options: RunOptions<R>,
  clocks: ReturnType<typeof makeClocks>
) {
  const lanes = yield* Effect.forEach(options.lanes, (lane) => runLane(runId, config, lane, options, clocks))
  const reported = report(
    config,
    lanes.map(({ row }) => row)
  )
  const asked = lanes.flatMap(({ retryAt }) => (retryAt === null ? [] : [retryAt]))
  const retryAt = asked.length === 0 ? null : Math.max(...asked)
  if (options.settled !== undefined) yield* options.settled({ report: reported, retryAt })
  return reported
})

const reportedOutcome = (outcome: ConnectionRow["outcome"]): Outcome =>
  outcome === "interrupted" ? "failed" : outcome

/**
 * What several lanes of one connection come to: failed, where one failed and none moved anything; held, where nothing
 * but another run was in the way and none moved anything.
 */
const together = (rows: ReadonlyArray<ConnectionRow>): Outcome => {
  if (rows.every(({ outcome }) => outcome === "complete")) return "complete"
  const moved = rows.some((row) => row.pages > 0 || row.changes_confirmed > 0)
  if (moved) return "partial"
  if (rows.some(({ outcome }) => reportedOutcome(outcome) === "failed")) return "failed"
  return rows.every(({ outcome }) => outcome === "held" || outcome === "complete") ? "held" : "partial"
}

const worst = (outcomes: ReadonlyArray<Outcome>): Outcome => {
  if (outcomes.every((outcome) => outcome === "complete")) return "complete"
  if (outcomes.every((outcome) => outcome === "held")) return "held"
  return outcomes.every((outcome) => outcome === "failed" || outcome === "held") ? "failed" : "partial"
}

const errorOf = (row: ConnectionRow): ConnectionFault | null => {
  if (row.error_kind !== null) {
    return { kind: row.error_kind, message: row.error_message ?? "", hint: row.error_hint ?? "" }
  }
  return row.quarantined === 0
    ? null
    : {
        kind: "quarantined",
        message: `${row.quarantined} ${row.quarantined === 1 ? "record" : "records"} could not be read and went to quarantine, whole`,
        hint: "`parley quarantine list` shows them and why"
      }
}

/** One connection's lanes as one report. */
const report = (config: ConnectionConfig, rows: ReadonlyArray<ConnectionRow>): ConnectionReport => {
  const sum = (column: (row: ConnectionRow) => number) => rows.reduce((total, row) => total + column(row), 0)
  return {
    name: config.name,
    provider: config.provider,
    outcome: together(rows),
    requests: sum((row) => row.requests),
    rate_limited: sum((row) => row.rate_limited),
    queued: sum((row) => row.queued),
    waited_ms: sum((row) => row.waited_ms),
    ...(Object.fromEntries(recordCounts.map((name) => [name, sum((row) => row[name])])) as RecordCounts),
    changes: {
      confirmed: sum((row) => row.changes_confirmed),
      queued: sum((row) => row.changes_queued),
      rejected: sum((row) => row.changes_rejected),
      conflict: sum((row) => row.changes_conflict),
      pending: sum((row) => row.changes_pending)
    },
    error: rows.map(errorOf).find((error) => error !== null) ?? null
  }
}

/** Kinds of fault that mean: nothing is wrong, the same will work later. */
const later = new Set(["busy", "rate_limited", "queued"])

const gotNowhere = ({ pages, changes, error }: ConnectionReport): boolean =>
  error !== null && later.has(error.kind) && pages === 0 && changes.confirmed === 0

/** What the run returns to its caller, in the order of precedence (signal, 1, 2, 75, 3, 4). */
const exitCodeOfRun = (connections: ReadonlyArray<ConnectionReport>): 0 | 1 | 3 | 4 | 75 => {
  if (connections.some(({ error }) => error?.kind === "unexpected")) return 1
  if (connections.length > 0 && connections.every(gotNowhere)) return 75
  if (connections.some(({ outcome }) => outcome !== "complete")) return 3
  return connections.some(({ changes }) => changes.rejected + changes.conflict > 0) ? 4 : 0
}

/** Lanes after which what is older than it is kept is let go. */
const pulls: ReadonlySet<Lane> = new Set(["sync", "backfill", "hints"])

/** Milliseconds for that; the next run goes on. */
const mostLetGoMillis = 60_000

/** Makes a configured connection known to the mirror. */
export const register = (config: ConnectionConfig) =>
  Effect.flatMap(Mirror, (mirror) =>
    mirror.register({
      name: config.name,
      provider: config.provider,
      conflictPolicy: config.conflict,
      writable: config.statusMap,
      readable: readableStatuses(config)
    })
  )

/** Says once that the mirror is an older state of itself, or has taken the place of another one. */
const sayRestored = Effect.gen(function* () {
  const former = yield* noticeReplaced(quotaFile())
  if (former !== null) {
    const { path } = yield* Db
    yield* Effect.logWarning(
      `another mirror was at ${path} until ${former}, and a new one takes its place. Was it moved, or is its disk not mounted? It alone has the status changes that were not sent, and knows who was forgotten`
    )
  }
  const found = yield* noticeRestoration(quotaFile())
  if (found === null) return
  yield* Effect.logWarning(
    `this mirror was put back, or is a copy: it is ${ageText(found)}. What changed since is fetched again, and a change that may have been sent since is compared with the provider first. Push from one copy only`
  )
})

/**
 * Runs the lanes of every connection, the connections side by side. Failures are in the report of the connection
 * it happened to; only the mirror's own faults end the whole run.
 */
export const run = Effect.fn("run")(function* <R>(options: RunOptions<R>) {
  const ledger = yield* Ledger
  const mirror = yield* Mirror
  const isTrial = options.isTrial ?? false
  if (!isTrial) yield* sayRestored
  yield* Effect.forEach(options.connections, register)
  const [first] = options.connections
  if (first?.businessTime !== undefined) yield* mirror.setBusinessTime(first.businessTime)
  if (first?.keep !== undefined) yield* mirror.setRetention(first.keep)
  const unfinished = yield* mirror.finishErasures
  if (unfinished !== null) {
    yield* Effect.logWarning(`what was forgotten is not gone from the mirror yet: ${unfinished.reason}`)
  }
  const progress = yield* Progress
  const stopSignal = yield* StopSignal
  const runId = yield* ledger.startRun(options.command)
  yield* progress.runStarted({
    runId,
    command: options.command,
    connections: options.connections.map(({ name }) => name)
  })
  const clocks = makeClocks()
  const connections = yield* Effect.forEach(
    options.connections,
    (config) => runConnection(runId, config, options, clocks),
    { concurrency: "unbounded" }
  ).pipe(
    Effect.onError((cause) => {
      const [outcome, exitCode] = Cause.isInterruptedOnly(cause)
        ? (["interrupted", signalExitCode(stopSignal())] as const)
        : (["failed", null] as const)
      return Effect.zipRight(
        Effect.ignore(ledger.finishRun({ runId, outcome, exitCode })),
        progress.runFinished(runId, outcome)
      )
    })
  )
  // Where no answer tells the time, our clock may be wrong.
  const ahead = clocks.ahead()
  if (ahead !== null && options.lanes.some(({ lane }) => pulls.has(lane))) {
    yield* Effect.catchAll(mirror.letGo(mostLetGoMillis, ahead), ({ message }) =>
      Effect.logWarning(`what is older than it is kept stays until the next run: ${message}`)
    )
  }
  if (!isTrial) yield* rememberState(quotaFile())
  const outcome = worst(connections.map((connection) => connection.outcome))
  const exitCode = exitCodeOfRun(connections)
  const row = yield* ledger.finishRun({ runId, outcome, exitCode })
  yield* progress.runFinished(runId, outcome)
  const runReport: RunReport = {
    run_id: runId,
    command: options.command,
    outcome,
    started_at: row.started_at,
    finished_at: row.finished_at ?? row.started_at,
    connections
  }
  return { report: runReport, exitCode }
})
