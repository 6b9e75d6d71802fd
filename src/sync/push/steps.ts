import { Clock, Effect } from "effect"
import type { ProviderError, Rejected, Unauthorized } from "../../domain/ProviderError.ts"
import type { ChangeState } from "../../domain/StatusChange.ts"
import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { ClientEvent } from "../../http/contract.ts"
import { restoringWord, wordFor } from "../../providers/kit/statusMap.ts"
import type { Provider, RemoteState } from "../../providers/Provider.ts"
import type { Observation, Outbox, OutboxChange } from "../../store/outbox/Outbox.ts"
import { type ConflictPolicy, decide } from "./decide.ts"
import { extended, type Meaning, mostInARow, noRow, type RequestKind, type Row } from "./refusals.ts"

/*
 * The single steps of a push: each records what happened to a change, and reports progress.
 */

/** One account, and who wins where its status has changed meanwhile. */
export interface PushAccount {
  readonly config: {
    readonly name: string
    readonly conflict: ConflictPolicy
    /** The most changes that a run sends unconfirmed. */
    readonly pushBrake: number
  }
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
  /** The number of changes that were confirmed: see `admission.ts`; left out: none. */
  readonly confirmed?: number
  /** The connections of the whole run; left out: this one alone. */
  readonly connections?: ReadonlyArray<string>
  /** Only these changes may be sent, by their ids, however many they are; left out: all. */
  readonly only?: ReadonlySet<number>
  /** Until when another copy of the mirror pushed; left out: none is known of. */
  readonly elsewhere?: Timestamp
  /** Told of each change as it ends, or as it is left for a later push. */
  readonly observe?: (step: PushStep) => Effect.Effect<void>
}

/** A refusal of which it is not known yet whether it speaks of its change alone. */
export interface Held {
  readonly change: OutboxChange
  readonly error: Rejected | Unauthorized
  readonly reason: string
  readonly request: RequestKind
  readonly meaning: Meaning
  /** The change may end because of it: whatever refuses to show a conversation says nothing of the change. */
  readonly mayEnd: boolean
  /** By `Learned.sequence`. */
  readonly at: number
}

/** What a run learns about the connection while it works through the changes. */
export interface Learned {
  confirmed: number
  rejected: number
  conflict: number
  cancelled: number
  failures: number
  /** Changes that wait for their turn, and since when (epoch milliseconds) there is any. */
  waiting: { count: number; since: number }
  answered: boolean
  lastError: ProviderError | null
  rateLimited: ProviderError | null
  readonly held: Array<Held>
  /** Equal refusals in a row; of writes also those whose outcome is unknown. */
  readonly rows: Record<RequestKind, Row>
  /** Counts requests that leave and refusals that come, so that it is known which came first. */
  sequence: number
  /** Set: nothing more is asked of this connection. */
  stopped: ProviderError | null
}

export interface Push extends PushTarget, PushOptions {
  /** Ids of the changes that this run may send. */
  readonly admitted: ReadonlySet<number>
  readonly outbox: Outbox
  readonly learned: Learned
}

export const moment = (push: Push) =>
  Effect.map(Clock.currentTimeMillis, (millis) => ({ at: now(millis), runId: push.runId }))

export const report = (push: Push, change: OutboxChange, state: ChangeState, reason: string) =>
  push.observe?.({ change, state, reason }) ?? Effect.void

export const answered = (push: Push): void => {
  push.learned.answered = true
  push.learned.failures = 0
}

export const failed = (push: Push, error: ProviderError): void => {
  push.learned.lastError = error
  push.learned.failures += 1
  if (push.learned.failures >= mostInARow) push.learned.stopped = error
}

/** A write came to nothing that is known. Where that goes on, it is not this change's trouble. */
export const unknownOutcome = (push: Push, error: ProviderError, status: number): void => {
  failed(push, error)
  const { rows } = push.learned
  rows.write = extended(rows.write, status)
  if (rows.write.length >= mostInARow) push.learned.stopped = error
}

/** A request leaves now. */
export const started = ({ learned }: Push): number => {
  learned.sequence += 1
  return learned.sequence
}

/** Whether the provider's word is the one that our write sets, and not another of the same meaning. */
const isOurs = (
  { provider }: Push,
  { requested }: OutboxChange,
  { providerStatus }: RemoteState
): boolean => {
  const { statusMap } = provider
  return (
    requested.status === null ||
    (providerStatus !== null && restoringWord(statusMap, providerStatus) === wordFor(statusMap, requested))
  )
}

/** @param isAnswer the answer to the write itself shows it; otherwise it was read, and others may have been at it */
export const confirm = Effect.fn("push.confirm")(function* (
  push: Push,
  change: OutboxChange,
  seen: Observation,
  reason: string,
  isAnswer = false
) {
  const basis = isAnswer ? "status and time" : isOurs(push, change, seen.state) ? "status" : "none"
  if ((yield* push.outbox.confirmed(change, seen, basis, reason, yield* moment(push))) !== null) {
    if (change.attempts > 0) push.learned.rows.write = noRow
    push.learned.confirmed += 1
    yield* report(push, change, "confirmed", reason)
  }
})

export const end = Effect.fn("push.end")(function* (
  push: Push,
  change: OutboxChange,
  state: "rejected" | "conflict" | "cancelled",
  seen: Observation | null,
  reason: string
) {
  if ((yield* push.outbox.ended(change, state, seen, reason, yield* moment(push))) !== null) {
    push.learned[state] += 1
    yield* report(push, change, state, reason)
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
  yield* report(push, change, change.state, reason)
})

/** Takes back that a change was sent: it surely was not applied. Gives it where it may be sent again; null: it may not. */
export const putBack = Effect.fn("push.putBack")(function* (
  push: Push,
  change: OutboxChange,
  until: number | null,
  reason: string
) {
  const notBefore = until === null ? null : now(until)
  const became = yield* push.outbox.pending(change, notBefore, reason, yield* moment(push))
  if (became?.state === "cancelled") yield* report(push, change, "cancelled", reason)
  return became?.state === "pending" ? became : null
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

/** A request succeeded: refusals of the same kind that came before it left were about their own changes. */
export const succeeded = Effect.fn("push.succeeded")(function* (
  push: Push,
  request: RequestKind,
  startedAt: number
) {
  const { learned } = push
  learned.rows[request] = noRow
  const isToldApart = (held: Held) => held.request === request && held.at < startedAt
  const toldApart = learned.held.filter(isToldApart)
  if (toldApart.length === 0) return
  learned.held.splice(0, learned.held.length, ...learned.held.filter((held) => !isToldApart(held)))
  for (const { change, mayEnd, reason } of toldApart) {
    if (mayEnd) yield* end(push, change, "rejected", null, reason)
  }
})

/** What the provider holds now; `seen` null: it says that the conversation does not exist there. */
export const read = Effect.fn("push.read")(function* (push: Push, change: OutboxChange) {
  const startedAt = started(push)
  const requestedAt = now(yield* Clock.currentTimeMillis)
  const state = yield* push.provider.readStatus(change)
  answered(push)
  if (state !== null) yield* succeeded(push, "read", startedAt)
  const answeredAt = now(yield* Clock.currentTimeMillis)
  const seen: Observation | null = state === null ? null : { state, requestedAt, answeredAt }
  return seen
})

export const judge = (push: Push, change: OutboxChange, seen: Observation | null) =>
  Effect.map(Clock.currentTimeMillis, (at) =>
    decide(change, seen?.state ?? null, push.config.conflict, now(at), push.elsewhere ?? null)
  )
