import { Clock, Effect, Either } from "effect"
import type { ProviderError, Rejected } from "./domain/ProviderError.ts"
import type { ChangeState } from "./domain/StatusChange.ts"
import { now, toMillis } from "./domain/Timestamp.ts"
import type { Provider, WriteOutcome } from "./providers/Provider.ts"
import { type ConflictPolicy, type Decision, decide, hasStatus, inWords } from "./settle.ts"
import { type Observation, Outbox, type OutboxChange } from "./store/Outbox.ts"

/*
 * The outward river: each change of the outbox is read, decided upon (`settle.ts`), sent and verified. What is known is
 * written down before each request leaves, so that a run that dies anywhere is taken up by the next one.
 */

/** One account, and who wins where its status has changed meanwhile. `OpenConnection` is one. */
export interface PushTarget {
  readonly config: { readonly name: string; readonly conflict: ConflictPolicy }
  readonly provider: Provider
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

export interface PushReport {
  /** `confirmed`, `rejected` and `conflict` ended in this run; `queued` and `pending` are open now that it is over. */
  readonly changes: {
    readonly confirmed: number
    readonly queued: number
    readonly rejected: number
    readonly conflict: number
    readonly pending: number
  }
  /** Why the connection was not worked through to its end; null: it was. */
  readonly error: ProviderError | null
}

/** Changes worked on at once, each of another conversation. */
const concurrency = 4

/** Times one run sends the same change, and times it is sent at all, each after a read showed that it was not applied. */
const sendsInOneRun = 2
const sendsAtAll = 20

/** Milliseconds between reads after a write, while the provider does not show it yet. */
const patience = [500, 1_000, 2_000, 4_000, 8_000]

/** Milliseconds before a change that the provider queued is looked at again, where it does not ask for more. */
const queuedFor = 5 * 60_000

/** Failures in a row after which a connection is left for another day. */
const failuresInARow = 3

/** Milliseconds before a change is sent again after `attempts` that were not applied. */
const retryDelay = (attempts: number): number => Math.min(60_000 * 2 ** (attempts - 1), 3_600_000)

/** What a run learns about the connection while it works through the changes. */
interface Learned {
  confirmed: number
  rejected: number
  conflict: number
  /** Writes that the provider accepted. */
  accepted: number
  failures: number
  answered: boolean
  lastError: ProviderError | null
  rateLimited: ProviderError | null
  readonly forbidden: Array<{ readonly change: OutboxChange; readonly error: ProviderError }>
  /** Set: nothing more is asked of this connection. */
  stopped: ProviderError | null
}

interface Push extends PushTarget, PushOptions {
  readonly outbox: Outbox
  readonly learned: Learned
}

const moment = (push: Push) =>
  Effect.map(Clock.currentTimeMillis, (millis) => ({ at: now(millis), runId: push.runId }))

const told = (push: Push, change: OutboxChange, state: ChangeState, reason: string) =>
  push.observe?.({ change, state, reason }) ?? Effect.void

const answered = (push: Push): void => {
  push.learned.answered = true
  push.learned.failures = 0
}

const failed = (push: Push, error: ProviderError): void => {
  push.learned.lastError = error
  push.learned.failures += 1
  if (push.learned.failures >= failuresInARow) push.learned.stopped = error
}

const forbidden = (push: Push, change: OutboxChange, error: ProviderError): void => {
  push.learned.forbidden.push({ change, error })
  if (push.learned.accepted === 0 && push.learned.forbidden.length >= failuresInARow) {
    push.learned.stopped = error
  }
}

const confirm = Effect.fn("push.confirm")(function* (
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

const end = Effect.fn("push.end")(function* (
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
const leave = Effect.fn("push.leave")(function* (
  push: Push,
  change: OutboxChange,
  until: number | null,
  reason: string
) {
  yield* push.outbox.trouble(change, until === null ? null : now(until), reason, yield* moment(push))
  yield* told(push, change, change.state, reason)
})

/** Takes back that a change was sent: it surely was not applied. */
const putBack = Effect.fn("push.putBack")(function* (
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

/** What the provider holds now; `seen` null: the conversation does not exist there. */
const read = Effect.fn("push.read")(function* (push: Push, change: OutboxChange) {
  const state = yield* push.provider.readStatus(change)
  answered(push)
  const observedAt = now(yield* Clock.currentTimeMillis)
  const seen: Observation | null = state === null ? null : { state, observedAt }
  return seen
})

const judge = (push: Push, change: OutboxChange, seen: Observation | null) =>
  Effect.map(Clock.currentTimeMillis, (at) =>
    decide(change, seen?.state ?? null, push.config.conflict, now(at))
  )

/** Reads until the provider shows the change or patience ends, because what it accepts may show only seconds later. */
const readPatiently = Effect.fn("push.readPatiently")(function* (push: Push, change: OutboxChange) {
  let seen = yield* read(push, change)
  for (const delay of patience) {
    if (seen === null || (yield* judge(push, change, seen))._tag === "Confirm") break
    yield* Effect.sleep(delay)
    seen = yield* read(push, change)
  }
  return seen
})

/** A read failed: nothing is known that was not known before. */
const unreadable = Effect.fn("push.unreadable")(function* (
  push: Push,
  change: OutboxChange,
  error: ProviderError
) {
  const reason = error.message
  switch (error._tag) {
    case "RateLimited":
    case "Queued":
      push.learned.rateLimited = error
      return yield* leave(push, change, error.retryAt, reason)
    case "Unauthorized":
      if (error.status === 403) forbidden(push, change, error)
      else push.learned.stopped = error
      return yield* leave(push, change, null, reason)
    case "Unavailable":
    case "Malformed":
      failed(push, error)
      return yield* leave(push, change, null, reason)
    case "Rejected":
      answered(push)
      return change.state === "pending"
        ? yield* end(push, change, "rejected", null, reason)
        : yield* leave(push, change, null, reason)
  }
})

const conclude = Effect.fn("push.conclude")(function* (
  push: Push,
  change: OutboxChange,
  seen: Observation | null,
  decision: Exclude<Decision, { _tag: "Send" }>
) {
  if (decision._tag === "End") return yield* end(push, change, decision.state, seen, decision.reason)
  if (decision._tag === "Confirm" && seen !== null) {
    return yield* confirm(push, change, seen, decision.reason)
  }
  return yield* leave(push, change, null, decision.reason)
})

/** The provider refused the write in words. Sent before, it may have refused because it is so already. */
const refused = Effect.fn("push.refused")(function* (push: Push, change: OutboxChange, error: Rejected) {
  answered(push)
  if (change.attempts > 1) {
    const seen = yield* Effect.orElseSucceed(read(push, change), () => null)
    const decision = seen === null ? null : yield* judge(push, change, seen)
    if (seen !== null && decision?._tag === "Confirm") {
      return yield* confirm(push, change, seen, `${error.message}; ${decision.reason}`)
    }
  }
  yield* end(push, change, "rejected", null, error.message)
})

/** A write failed. Returns the change where it is not known whether it was applied: that is to be read. */
const unsent = Effect.fn("push.unsent")(function* (push: Push, change: OutboxChange, error: ProviderError) {
  const reason = error.message
  switch (error._tag) {
    case "RateLimited":
      push.learned.rateLimited = error
      yield* putBack(push, change, error.retryAt, reason)
      return null
    case "Queued": {
      answered(push)
      const earliest = (yield* Clock.currentTimeMillis) + queuedFor
      const notBefore = now(Math.max(error.retryAt, earliest))
      yield* push.outbox.queued(change, notBefore, reason, yield* moment(push))
      yield* told(push, change, "queued", reason)
      return null
    }
    case "Unauthorized":
      if (error.status === 403) forbidden(push, change, error)
      else push.learned.stopped = error
      yield* putBack(push, change, null, reason)
      return null
    case "Rejected":
      yield* refused(push, change, error)
      return null
    case "Unavailable":
    case "Malformed":
      failed(push, error)
  }
  yield* push.outbox.trouble(
    change,
    null,
    `${reason}; it is not known whether it was applied`,
    yield* moment(push)
  )
  return change
})

const accepted = Effect.fn("push.accepted")(function* (
  push: Push,
  change: OutboxChange,
  { state }: WriteOutcome
) {
  answered(push)
  push.learned.accepted += 1
  const at = yield* moment(push)
  if (state !== null && hasStatus(change.wish, state)) {
    const holds = inWords(state.status, state.providerStatus)
    yield* confirm(push, change, { state, observedAt: at.at }, `accepted; the answer shows ${holds}`)
    return null
  }
  const shows = state === null ? "" : `; the answer shows ${inWords(state.status, state.providerStatus)}`
  return yield* push.outbox.sent(change, `accepted${shows}`, at)
})

/** Sends a change once. Returns it where its outcome is still to be read; null: it is dealt with, or was replaced. */
const send = Effect.fn("push.send")(function* (push: Push, change: OutboxChange, seen: Observation) {
  const { status, providerStatus } = seen.state
  const wanted = change.wish.status === null ? "title and tags" : `\`${change.wish.status}\``
  const detail = `the provider holds ${inWords(status, providerStatus)}; sending ${wanted}`
  const sending = yield* push.outbox.sending(change, seen.state, detail, yield* moment(push))
  if (sending === null) return null
  // What the provider holds already is not sent: its own word for it may be finer than ours.
  const { wish } = sending
  const request = hasStatus(wish, seen.state) ? { ...sending, wish: { ...wish, status: null } } : sending
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      restore(Effect.either(push.provider.setStatus(request))),
      Either.match({
        onLeft: (error) => unsent(push, sending, error),
        onRight: (outcome) => accepted(push, sending, outcome)
      })
    )
  )
})

/**
 * A change whose sender died may have been queued by the provider, which nobody heard. Where reads carry no time of the
 * last change, nothing would tell that it is applied late, so it gets the time that a queued one gets.
 */
const mayBeQueued = Effect.fn("push.mayBeQueued")(function* (push: Push, change: OutboxChange) {
  if (change.state !== "sending" || change.sentAt === null || change.found?.updatedAt) return false
  const until = toMillis(change.sentAt) + queuedFor
  if ((yield* Clock.currentTimeMillis) >= until) return false
  const reason = "the run that sent it ended before the answer came, and the provider does not show it yet"
  yield* push.outbox.queued(change, now(until), reason, yield* moment(push))
  yield* told(push, change, "queued", reason)
  return true
})

/** Reads, decides and acts until the change has ended or has to wait. */
const settle = Effect.fn("push.settle")(function* (push: Push, found: OutboxChange) {
  let change = found
  for (let sends = 0; ; sends += 1) {
    const patient = change.state === "sending" || sends > 0
    const answer = yield* Effect.either((patient ? readPatiently : read)(push, change))
    if (Either.isLeft(answer)) return yield* unreadable(push, change, answer.left)
    const seen = answer.right
    const decision = yield* judge(push, change, seen)
    if (decision._tag !== "Send") return yield* conclude(push, change, seen, decision)
    if (seen === null) return
    if (sends === 0 && (yield* mayBeQueued(push, change))) return
    if (change.state !== "pending") {
      if (change.attempts >= sendsAtAll) {
        const reason = `sent ${change.attempts} times and never applied; ${decision.reason}`
        return yield* end(push, change, "rejected", seen, reason)
      }
      const pause =
        sends < sendsInOneRun ? null : (yield* Clock.currentTimeMillis) + retryDelay(change.attempts)
      if (!(yield* putBack(push, change, pause, decision.reason)) || pause !== null) return
      const current = yield* push.outbox.current(change.id)
      if (current?.state !== "pending") return
      change = current
    }
    if (push.learned.stopped !== null) return
    const sent = yield* send(push, change, seen)
    if (sent === null) return
    change = sent
  }
})

/** Works through one conversation's changes in the order in which they were asked for. */
const attend = Effect.fn("push.attend")(function* (push: Push, conversationId: string) {
  while (push.learned.stopped === null) {
    const change = yield* push.outbox.dueChange(conversationId)
    if (change === null) return
    yield* settle(push, change)
    const after = yield* push.outbox.current(change.id)
    if (after === null || after.endedAt === null) return
  }
})

/**
 * What was forbidden while other writes were accepted is forbidden for that conversation alone, and ends. Where nothing
 * was accepted, these credentials may not write at all: the changes stay for when they may.
 */
const judgeForbidden = Effect.fn("push.judgeForbidden")(function* (push: Push) {
  const { accepted, forbidden, stopped } = push.learned
  const [first] = forbidden
  if (first === undefined) return
  if (accepted === 0) {
    push.learned.stopped = stopped ?? first.error
    return
  }
  for (const { change, error } of forbidden) {
    const current = yield* push.outbox.current(change.id)
    if (current?.state === "pending") yield* end(push, current, "rejected", null, error.message)
  }
})

/**
 * Carries a connection's open changes to the provider. Nothing is sent twice without a read in between that shows it was
 * not applied; one change's trouble does not stop the others. Whoever calls holds the connection's `push` lease: there
 * is one pusher at a time. Fails only where the mirror's file does.
 */
export const push = Effect.fn("push")(function* (target: PushTarget, options: PushOptions) {
  const outbox = yield* Outbox
  const learned: Learned = {
    confirmed: 0,
    rejected: 0,
    conflict: 0,
    accepted: 0,
    failures: 0,
    answered: false,
    lastError: null,
    rateLimited: null,
    forbidden: [],
    stopped: null
  }
  const running: Push = { ...target, ...options, outbox, learned }
  const { name } = target.config
  const conversations = yield* outbox.dueConversations(name)
  yield* Effect.forEach(conversations, (id) => attend(running, id), { concurrency, discard: true })
  yield* judgeForbidden(running)
  const { confirmed, rejected, conflict } = learned
  const open = yield* outbox.openChanges(name)
  const report: PushReport = {
    changes: { confirmed, queued: open.queued, rejected, conflict, pending: open.pending },
    error: learned.stopped ?? learned.rateLimited ?? (learned.answered ? null : learned.lastError)
  }
  return report
})
