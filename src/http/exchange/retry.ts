import { Clock, Effect, Exit, Random } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { WriteTurn } from "../client.ts"
import type { ProviderRequest } from "../contract.ts"
import { attemptOnce, type Receive } from "./attempt.ts"
import type { ClientContext, History, Sending } from "./context.ts"
import type { Credentials } from "./credentials.ts"
import type { Outcome } from "./outcome.ts"
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
interface RetryMode {
  readonly changes: boolean
  /** Null: it is not signed. */
  readonly credentials: Credentials | null
}

const mostRedirects = 3

/** Calls back with what was served (an `Exit`), or with what is left to do for it. */
type Done<A> = (rest: Effect.Effect<A, ProviderError>) => void

/**
 * Sends a request until it is served or must not be sent again. A permit is held while it is in flight, and never while
 * it waits. What changes something is sent again only after a 401 that a new login cures. The first attempt needs no fiber.
 * @param latest epoch milliseconds after which it must not leave; null: any time
 * @returns what breaks the attempt off until `done` is called
 */
export const begin = <A>(
  context: ClientContext,
  mode: RetryMode,
  request: ProviderRequest,
  receive: Receive<A>,
  latest: number | null,
  done: Done<A>
): (() => void) => {
  const { credentials } = mode
  const history: History = {
    sent: 0,
    failures: 0,
    queued: 0,
    refusals: 0,
    redirects: 0,
    silent: 0,
    path: pathOf(context.to, request),
    sentAt: 0,
    signature: null,
    renewed: false
  }
  const sending: Sending = {
    asked: context.asked(request.operation),
    request,
    history,
    credentials,
    latest
  }
  const attempt = (then: Done<A>): (() => void) => {
    const { sent } = history
    let isOver = false
    const abort = attemptOnce(context, sending, receive, (outcome) => {
      isOver = true
      then(
        outcome._tag === "Served"
          ? Exit.succeed(outcome.value)
          : Effect.zipRight(beforeNext(context, mode, sending, outcome), asEffect(attempt))
      )
    })
    return () => {
      if (isOver) return
      abort()
      // Under way when it was stopped: nothing waits for its answer any more.
      if (history.sent > sent) unanswered(context, sending, context.now())
    }
  }
  if (credentials === null || credentials.known() !== null) return attempt(done)
  done(Effect.zipRight(credentials.current, asEffect(attempt)))
  return () => {}
}

/** What `start` begins and what is left to do for it, as an Effect. */
export const asEffect = <A>(start: (done: Done<A>) => () => void): Effect.Effect<A, ProviderError> =>
  // What is left to do stays outside: its being broken off would be taken for that of what was begun.
  Effect.flatten(
    Effect.async<Effect.Effect<A, ProviderError>>((resume) =>
      Effect.sync(start((rest) => resume(Effect.succeed(rest))))
    )
  )

/** The same as an Effect; what changes something must leave within `WriteTurn`. */
export const send = <A>(
  context: ClientContext,
  mode: RetryMode,
  request: ProviderRequest,
  receive: Receive<A>
): Effect.Effect<A, ProviderError> =>
  mode.changes
    ? Effect.flatMap(WriteTurn, (within) =>
        asEffect((done) => begin(context, mode, request, receive, context.now() + within, done))
      )
    : asEffect((done) => begin(context, mode, request, receive, null, done))

const unanswered = ({ observe }: ClientContext, { history, request }: Sending, endedAt: number): void =>
  observe({
    _tag: "Unanswered",
    operation: request.operation,
    method: request.method,
    path: request.path,
    attempt: history.sent,
    requestedAt: history.sentAt,
    endedAt
  })

/** What an attempt that was not served calls for before the next one; fails where there is none. */
const beforeNext = <A>(
  context: ClientContext,
  { changes, credentials }: RetryMode,
  sending: Sending,
  outcome: Exclude<Outcome<A>, { readonly _tag: "Served" }>
): Effect.Effect<void, ProviderError> =>
  Effect.gen(function* () {
    const { history } = sending
    const now = context.now()
    if (outcome._tag !== "Failed") history.silent = 0
    switch (outcome._tag) {
      case "Final":
        return yield* Effect.fail(outcome.error)
      case "Refused": {
        history.refusals += 1
        const isHopeless =
          changes || history.refusals >= refusedAttempts || outcome.retryAt - now > context.maxWaitMillis
        return isHopeless ? yield* Effect.fail(outcome.error) : undefined
      }
      case "Queued": {
        history.queued += 1
        const retryAt = Math.max(now + queuedDelay(history.queued), outcome.retryAt ?? 0)
        context.observe({ _tag: "RateLimited", status: 449, retryAt })
        const error = outcome.error(retryAt)
        if (changes || history.queued >= queuedAttempts) return yield* Effect.fail(error)
        return yield* wait(context, retryAt, "it put the request into its queue", error)
      }
      case "Failed": {
        const { status } = outcome.error
        if (status === null) unanswered(context, sending, now)
        history.failures += 1
        history.silent = outcome.answered ? 0 : history.silent + now - history.sentAt
        const backoff = failedDelay(history.failures, yield* Random.next)
        const retryAt = Math.max(now + backoff, outcome.error.retryAt ?? 0)
        const isHopeless =
          changes ||
          !outcome.retry ||
          history.failures >= failedAttempts ||
          history.silent + backoff >= silenceMillis ||
          !context.limiter.retry()
        if (isHopeless) return yield* Effect.fail(outcome.error)
        history.silent += backoff
        const what = status === null ? "gave no answer" : `answered ${status}`
        const reason = `it ${what}, attempt ${history.failures + 1} follows`
        return yield* wait(context, retryAt, reason, outcome.error)
      }
      case "Redirected": {
        history.redirects += 1
        const next = redirectedTo(context.to, history.path, outcome.location)
        if (next === null || changes || history.redirects > mostRedirects) {
          return yield* Effect.fail(outcome.error)
        }
        history.path = next
        return
      }
      case "Unauthorized": {
        const { signature } = history
        if (credentials === null || signature === null || history.renewed) {
          return yield* Effect.fail(outcome.error)
        }
        const renewed = yield* credentials.renewed(signature)
        if (renewed === null) return yield* Effect.fail(outcome.error)
        history.renewed = true
        return
      }
    }
  })

/** Waits without a permit. Fails with `error` at once where the wait is longer than allowed. */
const wait = (context: ClientContext, until: number, reason: string, error: ProviderError) =>
  Effect.gen(function* () {
    const since = yield* Clock.currentTimeMillis
    if (until - since > context.maxWaitMillis) return yield* Effect.fail(error)
    context.observe({ _tag: "Waiting", since, until, reason })
    // A wait that is broken off was a wait.
    yield* Effect.ensuring(
      Effect.sleep(Math.max(0, until - since)),
      Effect.map(Clock.currentTimeMillis, (now) => context.observe({ _tag: "Waited", millis: now - since }))
    )
  })
