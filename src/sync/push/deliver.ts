import { Clock, Effect, Either } from "effect"
import type { ProviderError, Rejected, Unauthorized } from "../../domain/ProviderError.ts"
import { now, toMillis } from "../../domain/Timestamp.ts"
import { WriteTurn } from "../../http/client.ts"
import type { WriteOutcome } from "../../providers/Provider.ts"
import type { Observation, OutboxChange } from "../../store/outbox/Outbox.ts"
import { mergedInto } from "../merges.ts"
import { type Decision, hasStatus, inWords } from "./decide.ts"
import { meaningOf, refusalOf } from "./refusals.ts"
import { gone, takeRefusal } from "./refused.ts"
import {
  answered,
  confirm,
  end,
  failed,
  judge,
  leave,
  moment,
  type Push,
  putBack,
  read,
  report,
  started,
  succeeded,
  unknownOutcome,
  waitUntil
} from "./steps.ts"

/*
 * What happens to one change: read, decide (`decide.ts`), send, verify.
 */

/** Times one run sends the same change, and times it is sent at all, each after a read showed that it was not applied. */
const sendsInOneRun = 2
const sendsAtAll = 20

/** Times one run lets a change wait for its turn. */
const turnsInOneRun = 20

/**
 * Milliseconds that a write may wait after the read that it rests on: as little as the provider's limit allows, so it
 * doubles where that was too little.
 */
const writeTurn = (refusals: number): number => 1000 * 2 ** refusals

/** Milliseconds between reads after a write, while the provider does not show it yet. */
const patience = [500, 1_000, 2_000, 4_000, 8_000]

/** Milliseconds before a change that the provider queued is looked at again, where it does not ask for more. */
const queuedFor = 5 * 60_000

/** Milliseconds before a change is tried again after `attempts` that came to nothing. */
const retryDelay = (attempts: number): number => Math.min(60_000 * 2 ** (attempts - 1), 3_600_000)

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

/** How often in a row a change was left as it is now. */
const timesLeft = (push: Push, change: OutboxChange) =>
  Effect.map(push.outbox.events(change.id), (events) => {
    const moved = events.findLastIndex(({ state }) => state !== change.state)
    return events.length - 1 - moved
  })

/**
 * A read failed: nothing is known that was not known before, however surely the answer refuses. Where the provider did
 * answer, the same answer is likely to come again: the change waits ever longer, and others go first.
 */
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
      return yield* takeRefusal(push, change, error, "read", false)
    case "WrongAccount":
      push.learned.stopped = error
      return yield* leave(push, change, null, reason)
    case "Unavailable":
      failed(push, error)
      return yield* leave(push, change, null, reason)
    case "Malformed":
    case "Rejected": {
      if (error._tag === "Rejected") {
        const isGone = error.status === 404 || error.status === 410
        if (error.status === 0 || isGone || meaningOf(refusalOf("read", error)) === "connection") {
          return yield* takeRefusal(push, change, error, "read", isGone || error.status === 0)
        }
      }
      failed(push, error)
      const pause = retryDelay(yield* timesLeft(push, change))
      return yield* leave(push, change, (yield* Clock.currentTimeMillis) + pause, reason)
    }
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
const refused = Effect.fn("push.refused")(function* (
  push: Push,
  change: OutboxChange,
  error: Rejected | Unauthorized
) {
  answered(push)
  if (error._tag === "Rejected" && change.attempts > 1) {
    const seen = yield* Effect.orElseSucceed(read(push, change), () => null)
    const decision = seen === null ? null : yield* judge(push, change, seen)
    if (seen !== null && decision?._tag === "Confirm") {
      return yield* confirm(push, change, seen, `${error.message}; ${decision.reason}`)
    }
  }
  yield* takeRefusal(push, change, error, "write", true)
})

/** A write failed. Returns the change where it is to be read again: it may be applied, or its turn is yet to come. */
const unsent = Effect.fn("push.unsent")(function* (push: Push, change: OutboxChange, error: ProviderError) {
  const reason = error.message
  switch (error._tag) {
    case "RateLimited": {
      const pending = yield* putBack(push, change, error.retryAt, reason)
      if (pending === null) return null
      if (error.retryAt - (yield* Clock.currentTimeMillis) <= push.options.maxWaitMillis) return pending
      push.learned.rateLimited = error
      return null
    }
    case "Queued": {
      answered(push)
      const earliest = (yield* Clock.currentTimeMillis) + queuedFor
      const notBefore = now(Math.max(error.retryAt, earliest))
      yield* push.outbox.queued(change, notBefore, reason, yield* moment(push))
      yield* report(push, change, "queued", reason)
      return null
    }
    case "WrongAccount":
      // It is an answer to the write that says so: whatever came of it, nothing more leaves.
      push.learned.stopped = error
      break
    case "Unauthorized":
    case "Rejected":
      yield* refused(push, change, error)
      return null
    case "Unavailable":
      unknownOutcome(push, error, error.status ?? 0)
      break
    case "Malformed":
      unknownOutcome(push, error, 200)
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
  { state }: WriteOutcome,
  startedAt: number
) {
  answered(push)
  yield* succeeded(push, "write", startedAt)
  const at = yield* moment(push)
  if (state !== null && hasStatus(change.requested, state)) {
    const holds = inWords(state.status, state.providerStatus)
    const seen = { state, requestedAt: at.at, answeredAt: at.at }
    yield* confirm(push, change, seen, `accepted; the answer shows ${holds}`, true)
    return null
  }
  const shows = state === null ? "" : `; the answer shows ${inWords(state.status, state.providerStatus)}`
  return yield* push.outbox.sent(change, `accepted${shows}`, at)
})

/** Sends a change once. Returns it where the provider is to be read again; null: it is dealt with, or was replaced. */
const send = Effect.fn("push.send")(function* (
  push: Push,
  change: OutboxChange,
  seen: Observation,
  within: number
) {
  const { status, providerStatus } = seen.state
  const word = change.requested.providerStatus ?? change.requested.status
  const wanted = word === null ? "title and tags" : `\`${word}\``
  const detail = `the provider holds ${inWords(status, providerStatus)}; sending ${wanted}`
  const sending = yield* push.outbox.sending(change, seen.state, detail, yield* moment(push))
  if (sending === null) return null
  // What the provider holds already is not sent: its own word for it may be finer than ours.
  const { requested } = sending
  const { providerStatus: _word, ...others } = requested
  const request = hasStatus(requested, seen.state)
    ? { ...sending, requested: { ...others, status: null } }
    : sending
  const startedAt = started(push)
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      restore(Effect.either(Effect.provideService(push.provider.setStatus(request), WriteTurn, within))),
      Either.match({
        onLeft: (error) => unsent(push, sending, error),
        onRight: (outcome) => accepted(push, sending, outcome, startedAt)
      })
    )
  )
})

/**
 * A change whose sender died may have been queued by the provider without our knowing. Where reads carry no time of the
 * last change, nothing would show that it is applied late, so it gets the time that a queued one gets.
 */
const mayBeQueued = Effect.fn("push.mayBeQueued")(function* (push: Push, change: OutboxChange) {
  if (change.state !== "sending" || change.sentAt === null || change.found?.updatedAt) return false
  const until = toMillis(change.sentAt) + queuedFor
  if ((yield* Clock.currentTimeMillis) >= until) return false
  const reason = "the run that sent it ended before the answer came, and the provider does not show it yet"
  yield* push.outbox.queued(change, now(until), reason, yield* moment(push))
  yield* report(push, change, "queued", reason)
  return true
})

/** Whether what went wrong so often is this change's trouble: others were accepted, or there are no others. */
const isAlone = ({ outbox }: Push, change: OutboxChange) =>
  Effect.if(outbox.hasAcceptedSince(change.connection, change.requestedAt), {
    onTrue: () => Effect.succeed(true),
    onFalse: () => Effect.map(outbox.hasOthersSent(change), (has) => !has)
  })

/**
 * Ends a change of a conversation that was merged into another one: whether that one is to have the status, a person
 * decides. Where the provider cannot be asked, nothing is known of a merge. Returns whether there was one.
 */
const endMerged = Effect.fn("push.endMerged")(function* (push: Push, change: OutboxChange) {
  const askedAt = (yield* moment(push)).at
  const into = yield* mergedInto(push.provider, push.outbox.mergeCandidates(change)).pipe(
    Effect.catchIf(
      (error) => error._tag !== "StoreError",
      () => Effect.succeed(null)
    )
  )
  if (into === null) return false
  const { connection, providerId } = change
  yield* push.outbox.merged({ connection, providerId, into, askedAt })
  const target = `${connection}:${into}`
  const reason = `the conversation was merged into ${target} at the provider: request the status for that one, if it is to have it`
  yield* end(push, change, "conflict", null, reason)
  return true
})

/** Reads, decides and acts until the change has ended or has to wait. */
export const settle = Effect.fn("push.settle")(function* (push: Push, found: OutboxChange) {
  let change = found
  let refusals = 0
  for (let sends = 0; ; sends += 1) {
    if (refusals > 0 && change.notBefore !== null) yield* waitUntil(push, toMillis(change.notBefore))
    const patient = change.state === "sending" || change.state === "sent"
    const answer = yield* Effect.either((patient ? readPatiently : read)(push, change))
    if (Either.isLeft(answer)) {
      const error = answer.left
      return yield* error._tag === "StoreError" ? error : unreadable(push, change, error)
    }
    const seen = answer.right
    if (seen === null) {
      if (yield* endMerged(push, change)) return
      return yield* takeRefusal(push, change, gone(), "read", true)
    }
    const decision = yield* judge(push, change, seen)
    if (decision._tag !== "Send") return yield* conclude(push, change, seen, decision)
    if (!push.admitted.has(change.id)) return yield* leave(push, change, null, decision.reason)
    if (sends === 0 && (yield* mayBeQueued(push, change))) return
    if (change.state !== "pending") {
      const isHopeless = change.attempts >= sendsAtAll && (yield* isAlone(push, change))
      if (isHopeless) {
        const reason = `sent ${change.attempts} times and never applied; ${decision.reason}`
        return yield* end(push, change, "rejected", seen, reason)
      }
      const pause =
        sends < sendsInOneRun ? null : (yield* Clock.currentTimeMillis) + retryDelay(change.attempts)
      const pending = yield* putBack(push, change, pause, decision.reason)
      if (pending === null || pause !== null) return
      change = pending
    }
    if (push.learned.stopped !== null) return
    const sent = yield* send(push, change, seen, writeTurn(refusals))
    if (sent === null) return
    change = sent
    if (change.state !== "pending") continue
    // Its turn did not come, so it waits, and then what the provider holds is looked at once more.
    refusals += 1
    if (refusals >= turnsInOneRun) return
  }
})
