import { Clock, Effect, Random } from "effect"
import { type ProviderError, RateLimited, Unavailable } from "../domain/ProviderError.ts"
import { type Asked, clockTime } from "./classify.ts"
import { WriteTurn } from "./client.ts"
import type { ProviderRequest } from "./contract.ts"
import type { Credentials, Signature } from "./credentials.ts"
import type { Deadlines } from "./deadlines.ts"
import type { Door, TooLong } from "./Governor.ts"
import { pathOf, redirectedTo } from "./request.ts"
import {
  failedAttempts,
  failedDelay,
  headersMillis,
  queuedAttempts,
  queuedDelay,
  refusedAttempts,
  silenceMillis
} from "./retryPolicy.ts"
import { noAnswer, type Outcome, type Send, type Sending, type Wire } from "./send.ts"
import { tookTooLong } from "./transportFailure.ts"

/** What all requests of one client have in common. */
export interface Line {
  readonly wire: Wire
  readonly door: Door
  readonly deadlines: Deadlines
  readonly maxWaitMillis: number
  readonly asked: (operation: string) => Asked
}

/** How one request may be repeated. */
export interface Manner {
  readonly changes: boolean
  readonly credentials: Credentials | null
}

const mostRedirects = 3

const tooLong = (asked: Asked, refusal: TooLong, now: number): ProviderError => {
  const when = clockTime(refusal.until, now)
  const message = `${asked.title} cannot be asked to ${asked.operation} before ${when}: ${refusal.reason}`
  const hint = `run again after ${when}, or allow a longer wait with --max-wait`
  return refusal.because === "limit"
    ? new RateLimited({ message, hint, retryAt: refusal.until, status: 429 })
    : new Unavailable({ message, hint, status: null, retryAt: refusal.until })
}

/** What happened to one request so far. */
interface History {
  sent: number
  failures: number
  queued: number
  refusals: number
  redirects: number
  /** Milliseconds since the vendor last answered anything, waits for limits not counted. */
  silent: number
  path: string
  /** Epoch milliseconds of the last sending. */
  sentAt: number
  signature: Signature | null
  renewed: boolean
}

/**
 * Sends a request until it is served or must not be sent again. A slot is held while it is in flight, and never while
 * it waits. What changes something is sent again only after a 401 that a new login cures.
 */
export const attempts = <A>(line: Line, manner: Manner, request: ProviderRequest, send: Send<A>) =>
  Effect.gen(function* () {
    const { clock } = line.wire
    const asked = line.asked(request.operation)
    const latest = manner.changes ? clock.unsafeCurrentTimeMillis() + (yield* WriteTurn) : null
    const history: History = {
      sent: 0,
      failures: 0,
      queued: 0,
      refusals: 0,
      redirects: 0,
      silent: 0,
      path: pathOf(line.wire.to, request),
      sentAt: 0,
      signature: manner.credentials === null ? null : yield* manner.credentials.current,
      renewed: false
    }
    while (true) {
      const outcome = yield* once(line, asked, request, history, latest, send)
      const now = clock.unsafeCurrentTimeMillis()
      switch (outcome._tag) {
        case "Served":
          return outcome.value
        case "Final":
          return yield* Effect.fail(outcome.error)
        case "Refused": {
          history.silent = 0
          history.refusals += 1
          const hopeless =
            manner.changes ||
            history.refusals >= refusedAttempts ||
            outcome.retryAt - now > line.maxWaitMillis
          if (hopeless) return yield* Effect.fail(outcome.error)
          break
        }
        case "Queued": {
          history.silent = 0
          history.queued += 1
          const retryAt = Math.max(now + queuedDelay(history.queued), outcome.told ?? 0)
          yield* line.wire.observe({ _tag: "RateLimited", status: 449, retryAt })
          const error = outcome.error(retryAt)
          if (manner.changes || history.queued >= queuedAttempts) return yield* Effect.fail(error)
          yield* wait(line, retryAt, "it put the request into its queue", error)
          break
        }
        case "Failed": {
          if (outcome.error.status === null) {
            yield* line.wire.observe({
              _tag: "Unanswered",
              operation: request.operation,
              method: request.method,
              attempt: history.sent,
              requestedAt: history.sentAt,
              endedAt: now
            })
          }
          history.failures += 1
          history.silent = outcome.answered ? 0 : history.silent + now - history.sentAt
          const backoff = failedDelay(history.failures, yield* Random.next)
          const retryAt = Math.max(now + backoff, outcome.error.retryAt ?? 0)
          const hopeless =
            manner.changes ||
            !outcome.retry ||
            history.failures >= failedAttempts ||
            history.silent + backoff >= silenceMillis ||
            !line.door.retry()
          if (hopeless) return yield* Effect.fail(outcome.error)
          history.silent += backoff
          const what = outcome.error.status === null ? "gave no answer" : `answered ${outcome.error.status}`
          yield* wait(line, retryAt, `it ${what}, attempt ${history.failures + 1} follows`, outcome.error)
          break
        }
        case "Redirected": {
          history.silent = 0
          history.redirects += 1
          const next = redirectedTo(line.wire.to, history.path, outcome.location)
          if (next === null || manner.changes || history.redirects > mostRedirects) {
            return yield* Effect.fail(outcome.error)
          }
          history.path = next
          break
        }
        case "Unauthorized": {
          history.silent = 0
          const { signature } = history
          if (manner.credentials === null || signature === null || history.renewed) {
            return yield* Effect.fail(outcome.error)
          }
          const renewed = yield* manner.credentials.renewed(signature)
          if (renewed === null) return yield* Effect.fail(outcome.error)
          history.signature = renewed
          history.renewed = true
          break
        }
      }
    }
  })

const late = (asked: Asked, now: number): TooLong => ({
  _tag: "TooLong",
  until: now,
  reason: `its turn to ${asked.operation} came too long after the last read`,
  because: "limit"
})

/** One sending, inside of a ticket. @param latest epoch milliseconds after which it must not leave; null: any time. */
const once = <A>(
  line: Line,
  asked: Asked,
  request: ProviderRequest,
  history: History,
  latest: number | null,
  send: Send<A>
): Effect.Effect<Outcome<A>, ProviderError> =>
  Effect.suspend(() => {
    const { clock } = line.wire
    const within = latest === null ? undefined : Math.max(0, latest - clock.unsafeCurrentTimeMillis())
    const ticket = line.door.enter(request, within === undefined ? undefined : { within })
    const refused = (refusal: TooLong) =>
      Effect.fail(tooLong(asked, refusal, clock.unsafeCurrentTimeMillis()))
    return Effect.matchEffect(ticket.ready, {
      onFailure: refused,
      onSuccess: () => {
        const sentAt = clock.unsafeCurrentTimeMillis()
        if (latest !== null && sentAt > latest) return refused(late(asked, sentAt))
        history.sentAt = sentAt
        history.sent += 1
        const sending: Sending = {
          asked,
          request,
          path: history.path,
          headers: history.signature?.headers ?? {},
          patience: Math.min(headersMillis, silenceMillis - history.silent, line.door.patience()),
          attempt: history.sent
        }
        return line.deadlines.run(
          sending.patience,
          (deadline) => send(line.wire, sending, ticket, deadline),
          (): Outcome<A> => {
            ticket.unanswered()
            return noAnswer(tookTooLong(asked, line.wire.to.host, clock.unsafeCurrentTimeMillis() - sentAt))
          }
        )
      }
    }).pipe(Effect.ensuring(Effect.sync(ticket.leave)))
  })

/** Waits outside of any slot. Fails with `error` at once where the wait is longer than allowed. */
const wait = (line: Line, until: number, reason: string, error: ProviderError) =>
  Effect.gen(function* () {
    const since = yield* Clock.currentTimeMillis
    if (until - since > line.maxWaitMillis) return yield* Effect.fail(error)
    yield* line.wire.observe({ _tag: "Waiting", since, until, reason })
    yield* Effect.sleep(Math.max(0, until - since))
    yield* line.wire.observe({ _tag: "Waited", millis: (yield* Clock.currentTimeMillis) - since })
  })
