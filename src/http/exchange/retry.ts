import { Clock, Effect, Random } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { WriteTurn } from "../client.ts"
import type { ProviderRequest } from "../contract.ts"
import type { History, Line, Once } from "./attempt.ts"
import type { Credentials } from "./credentials.ts"
import { pathOf, redirectedTo } from "./request.ts"
import {
  failedAttempts,
  failedDelay,
  queuedAttempts,
  queuedDelay,
  refusedAttempts,
  silenceMillis
} from "./retryPolicy.ts"

/** How one request may be repeated. */
export interface Manner {
  readonly changes: boolean
  readonly credentials: Credentials | null
}

const mostRedirects = 3

/**
 * Sends a request until it is served or must not be sent again. A slot is held while it is in flight, and never while
 * it waits. What changes something is sent again only after a 401 that a new login cures.
 */
export const attempts = <A>(line: Line, manner: Manner, request: ProviderRequest, once: Once<A>) =>
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
    const unanswered = (endedAt: number): void =>
      line.wire.observe({
        _tag: "Unanswered",
        operation: request.operation,
        method: request.method,
        attempt: history.sent,
        requestedAt: history.sentAt,
        endedAt
      })
    while (true) {
      const { sent } = history
      const outcome = yield* Effect.onInterrupt(once(line, { asked, request, history, latest }), () =>
        Effect.sync(() => {
          // Under way when it was stopped: nothing waits for its answer any more.
          if (history.sent > sent) unanswered(clock.unsafeCurrentTimeMillis())
        })
      )
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
          line.wire.observe({ _tag: "RateLimited", status: 449, retryAt })
          const error = outcome.error(retryAt)
          if (manner.changes || history.queued >= queuedAttempts) return yield* Effect.fail(error)
          yield* wait(line, retryAt, "it put the request into its queue", error)
          break
        }
        case "Failed": {
          if (outcome.error.status === null) unanswered(now)
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

/** Waits outside of any slot. Fails with `error` at once where the wait is longer than allowed. */
const wait = (line: Line, until: number, reason: string, error: ProviderError) =>
  Effect.gen(function* () {
    const since = yield* Clock.currentTimeMillis
    if (until - since > line.maxWaitMillis) return yield* Effect.fail(error)
    line.wire.observe({ _tag: "Waiting", since, until, reason })
    // A wait that is broken off was a wait.
    yield* Effect.ensuring(
      Effect.sleep(Math.max(0, until - since)),
      Effect.map(Clock.currentTimeMillis, (now) => line.wire.observe({ _tag: "Waited", millis: now - since }))
    )
  })
