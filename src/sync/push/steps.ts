import { Clock, Effect } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import type { ChangeState } from "../../domain/StatusChange.ts"
import { now } from "../../domain/Timestamp.ts"
import type { ClientEvent } from "../../http/contract.ts"
import type { Provider } from "../../providers/Provider.ts"
import type { Observation, Outbox, OutboxChange } from "../../store/outbox/Outbox.ts"
import { type ConflictPolicy, decide } from "./decide.ts"

/*
 * The single steps of a push: each writes down what happened to a change, and tells whoever watches.
 */

/** One account, and who wins where its status has changed meanwhile. */
export interface PushAccount {
  readonly config: { readonly name: string; readonly conflict: ConflictPolicy }
  readonly provider: Provider
}

/** An account, and how long its changes may wait. `OpenConnection` is one. */
export interface PushTarget extends PushAccount {
  readonly options: {
    /** Milliseconds that any single wait may take; a change that has to wait longer is left for a later push. */
    readonly maxWaitMillis: number
    /** Told of waits. */
    readonly observe: (event: ClientEvent) => void
  }
}

export interface PushStep {
  readonly change: OutboxChange
  readonly state: ChangeState
  readonly reason: string
}

export interface PushOptions {
  readonly runId: number
  /** Told of each change as it ends, or as it is left for a later push. */
  readonly observe?: (step: PushStep) => Effect.Effect<void>
}

/** Failures in a row after which a connection is left for another day. */
const failuresInARow = 3

/** What a run learns about the connection while it works through the changes. */
export interface Learned {
  confirmed: number
  rejected: number
  conflict: number
  /** Writes that the provider accepted. */
  accepted: number
  failures: number
  /** Changes that wait for their turn, and since when (epoch milliseconds) there is any. */
  waiting: { count: number; since: number }
  answered: boolean
  lastError: ProviderError | null
  rateLimited: ProviderError | null
  readonly forbidden: Array<{
    readonly change: OutboxChange
    readonly error: ProviderError
    readonly request: "read" | "write"
  }>
  /** Set: nothing more is asked of this connection. */
  stopped: ProviderError | null
}

export interface Push extends PushTarget, PushOptions {
  readonly outbox: Outbox
  readonly learned: Learned
}

export const moment = (push: Push) =>
  Effect.map(Clock.currentTimeMillis, (millis) => ({ at: now(millis), runId: push.runId }))

export const told = (push: Push, change: OutboxChange, state: ChangeState, reason: string) =>
  push.observe?.({ change, state, reason }) ?? Effect.void

export const answered = (push: Push): void => {
  push.learned.answered = true
  push.learned.failures = 0
}

export const failed = (push: Push, error: ProviderError): void => {
  push.learned.lastError = error
  push.learned.failures += 1
  if (push.learned.failures >= failuresInARow) push.learned.stopped = error
}

export const forbidden = (
  push: Push,
  change: OutboxChange,
  error: ProviderError,
  request: "read" | "write"
): void => {
  push.learned.forbidden.push({ change, error, request })
  if (push.learned.accepted === 0 && push.learned.forbidden.length >= failuresInARow) {
    push.learned.stopped = error
  }
}

export const confirm = Effect.fn("push.confirm")(function* (
  push: Push,
  change: OutboxChange,
  seen: Observation,
  reason: string
) {
  if (yield* push.outbox.confirmed(change, seen, reason, yield* moment(push))) {
    push.learned.confirmed += 1
    yield* told(push, change, "confirmed", reason)
  }
})

export const end = Effect.fn("push.end")(function* (
  push: Push,
  change: OutboxChange,
  state: "rejected" | "conflict" | "cancelled",
  seen: Observation | null,
  reason: string
) {
  if (yield* push.outbox.ended(change, state, seen, reason, yield* moment(push))) {
    if (state !== "cancelled") push.learned[state] += 1
    yield* told(push, change, state, reason)
  }
})

/** Leaves a change as it is, with what was in its way. @param until epoch milliseconds; null: the next push tries. */
export const leave = Effect.fn("push.leave")(function* (
  push: Push,
  change: OutboxChange,
  until: number | null,
  reason: string
) {
  yield* push.outbox.trouble(change, until === null ? null : now(until), reason, yield* moment(push))
  yield* told(push, change, change.state, reason)
})

/** Takes back that a change was sent: it surely was not applied. */
export const putBack = Effect.fn("push.putBack")(function* (
  push: Push,
  change: OutboxChange,
  until: number | null,
  reason: string
) {
  const notBefore = until === null ? null : now(until)
  const became = yield* push.outbox.pending(change, notBefore, reason, yield* moment(push))
  if (became === "cancelled") yield* told(push, change, "cancelled", reason)
  return became === "pending"
})

/** Waits for a change's turn. However many changes wait at once, it is one wait. @param until epoch milliseconds. */
export const waitUntil = Effect.fn("push.waitUntil")(function* (push: Push, until: number) {
  const { observe } = push.options
  const { waiting } = push.learned
  const since = yield* Clock.currentTimeMillis
  if (until <= since) return
  if (waiting.count === 0) waiting.since = since
  waiting.count += 1
  observe({ _tag: "Waiting", since, until, reason: "a change waits for its turn" })
  const over = Effect.gen(function* () {
    waiting.count -= 1
    if (waiting.count > 0) return
    observe({ _tag: "Waited", millis: (yield* Clock.currentTimeMillis) - waiting.since })
  })
  yield* Effect.ensuring(Effect.sleep(until - since), over)
})

/** What the provider holds now; `seen` null: the conversation does not exist there. */
export const read = Effect.fn("push.read")(function* (push: Push, change: OutboxChange) {
  const state = yield* push.provider.readStatus(change)
  answered(push)
  const observedAt = now(yield* Clock.currentTimeMillis)
  const seen: Observation | null = state === null ? null : { state, observedAt }
  return seen
})

export const judge = (push: Push, change: OutboxChange, seen: Observation | null) =>
  Effect.map(Clock.currentTimeMillis, (at) =>
    decide(change, seen?.state ?? null, push.config.conflict, now(at))
  )
