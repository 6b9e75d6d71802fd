import { Cause, Clock, Effect, Exit, Option, type Scope } from "effect"
import type { HttpClient } from "@effect/platform"
import type { ConnectionConfig } from "./config/Config.ts"
import { type OpenConnection, openConnection } from "./connection.ts"
import type { ProviderError } from "./domain/ProviderError.ts"
import { now, type Timestamp } from "./domain/Timestamp.ts"
import type { ClientEvent, Lane } from "./http/contract.ts"
import type { Governor } from "./http/governor.ts"
import { Progress } from "./progress.ts"
import { type Busy, Leases } from "./store/Leases.ts"
import { type ConnectionRow, Ledger } from "./store/Ledger.ts"
import { Mirror } from "./store/Mirror.ts"
import type { StoreError } from "./store/StoreError.ts"

/*
 * One execution of a command that talks to providers: its ledger rows, its leases, and what it reports. Connections
 * run side by side; what happens to one is told in its report and touches no other.
 */

export type Outcome = "complete" | "partial" | "failed"

export interface Fault {
  readonly kind: string
  readonly message: string
  readonly hint: string
}

export interface ConnectionReport {
  readonly name: string
  readonly provider: string
  readonly outcome: Outcome
  readonly requests: number
  readonly rate_limited: number
  readonly queued: number
  readonly waited_ms: number
  readonly pages: number
  readonly received: number
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly filtered: number
  readonly quarantined: number
  readonly conversations: number
  readonly messages: number
  readonly changes: {
    readonly confirmed: number
    readonly queued: number
    readonly rejected: number
    readonly conflict: number
    readonly pending: number
  }
  readonly error: Fault | null
}

export interface RunReport {
  readonly run_id: number
  readonly command: string
  readonly outcome: Outcome
  readonly started_at: Timestamp
  readonly finished_at: Timestamp
  readonly connections: ReadonlyArray<ConnectionReport>
}

/** What one lane does with one connection. Null: all of it was done. */
export interface LaneWork<R> {
  readonly lane: Lane
  readonly work: (
    connection: OpenConnection,
    runId: number
  ) => Effect.Effect<Fault | null, ProviderError | StoreError, R>
}

export interface RunOptions<R> {
  readonly command: string
  readonly connections: ReadonlyArray<ConnectionConfig>
  /** Milliseconds that any single wait may take. */
  readonly maxWaitMillis: number
  /** In this order, one after the other, for each connection. */
  readonly lanes: ReadonlyArray<LaneWork<R>>
}

/** Faults that mean: nothing is wrong, come back later. */
const later = new Set(["busy", "rate_limited", "queued"])

const clock = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`

/** The fault a person reads: what happened, and what to do about it. */
const faultOf = (error: ProviderError | StoreError | Busy): Fault => {
  switch (error._tag) {
    case "RateLimited":
      return {
        kind: "rate_limited",
        message: error.message,
        hint: `come back after ${clock(error.retryAt)}, or allow longer waits with --max-wait`
      }
    case "Queued":
      return {
        kind: "queued",
        message: error.message,
        hint: `come back after ${clock(error.retryAt)}, or allow longer waits with --max-wait`
      }
    case "Unavailable":
      return { kind: "unavailable", message: error.message, hint: error.hint }
    case "Unauthorized":
      return { kind: "unauthorized", message: error.message, hint: error.hint }
    case "Rejected":
      return { kind: "rejected", message: error.message, hint: error.hint }
    case "Malformed":
      return { kind: "malformed", message: error.message, hint: error.hint }
    case "StoreError":
      return { kind: "store", message: error.message, hint: error.hint }
    case "Busy":
      return { kind: "busy", message: error.message, hint: error.hint }
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

/** One lane of one connection, from lease to ledger. A defect is told as a fault here and stays this connection's. */
const runLane = Effect.fn("run.lane")(function* <R>(
  runId: number,
  config: ConnectionConfig,
  { lane, work }: LaneWork<R>,
  options: RunOptions<R>
) {
  const ledger = yield* Ledger
  const leases = yield* Leases
  const progress = yield* Progress
  const { name } = config
  const counters: Counters = { requests: 0, rateLimited: 0, queued: 0, waitedMs: 0 }

  const attempt = Effect.scoped(
    Effect.gen(function* () {
      yield* leases.acquire(name, lane)
      const connection = yield* openConnection(config, lane, {
        maxWaitMillis: options.maxWaitMillis,
        observe: (event) =>
          Effect.suspend(() => {
            count(counters, event)
            return progress.clientEvent(name, event)
          })
      })
      return yield* work(connection, runId)
    })
  )

  yield* ledger.startConnection({ runId, connection: name, lane })
  yield* progress.connectionStarted(name, config.provider, lane)
  const exit = yield* Effect.exit(attempt).pipe(
    Effect.onInterrupt(() =>
      Effect.ignore(
        ledger.finishConnection({ runId, connection: name, lane, counters, outcome: "interrupted", fault: null })
      )
    )
  )
  const fault = Exit.match(exit, {
    onSuccess: (shortfall) => shortfall,
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), {
        onSome: faultOf,
        onNone: (): Fault => ({
          kind: "unexpected",
          message: `something that should not happen did: ${Cause.squash(cause)}`,
          hint: "this is a fault of Parley's; what was committed before it is kept"
        })
      })
  })
  const row = yield* ledger.finishConnection({
    runId,
    connection: name,
    lane,
    counters,
    outcome: null,
    fault
  })
  yield* progress.connectionFinished(name, lane, row.outcome === "interrupted" ? "failed" : row.outcome, fault?.message ?? null)
  return row
})
