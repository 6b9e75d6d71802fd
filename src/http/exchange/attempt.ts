import { type ProviderError, RateLimited, Unavailable } from "../../domain/ProviderError.ts"
import { type Asked, clockTime } from "../answer/classify.ts"
import { transportFailure } from "../answer/transportFailure.ts"
import type { Answer } from "../contract.ts"
import type { TooLong } from "../limits/permit.ts"
import { Connection, type Sink } from "./connection.ts"
import type { Attempt, ClientContext, Head, Sending } from "./context.ts"
import { cutOutcome, type Outcome, received } from "./outcome.ts"
import { bodyOf, headersOf } from "./request.ts"
import { headersMillis, silenceMillis } from "./retryPolicy.ts"
import { WholeBody } from "./whole.ts"

/** Takes the body of an answer whose headers have come: whole, or in pieces. `end` gives the permit back. */
export type Receive<A> = (
  context: ClientContext,
  attempt: Attempt,
  head: Head,
  connection: Connection,
  end: (outcome: Outcome<A>) => void
) => Sink

export const whole: Receive<Answer> = (context, attempt, head, connection, end) =>
  new WholeBody(connection, head.status, context.bounds, {
    ended: (bytes, isWhole) => received(context, attempt, head, { bytes, isWhole }, end),
    failed: (cause) => end(cutOutcome(attempt.asked, context.to.host, 0, cause))
  })

const tooLong = (asked: Asked, refusal: TooLong, now: number): ProviderError => {
  const when = clockTime(refusal.until, now)
  const message = `${asked.title} cannot be asked to ${asked.operation} before ${when}: ${refusal.reason}`
  if (refusal.because === "limit") {
    const hint = `run again after ${when}, or allow a longer wait with --max-wait`
    return new RateLimited({ message, hint, retryAt: refusal.until, status: 429 })
  }
  const hint = `run again after ${when}; if it stays, check baseUrl and whether this machine reaches it`
  return new Unavailable({ message, hint, status: null, retryAt: refusal.until })
}

/** Why a request whose turn has come does not leave; null: it leaves. */
const heldBack = (
  { isStopping, now }: ClientContext,
  { asked, latest }: Sending,
  refusal: TooLong | null
): ProviderError | null => {
  const at = now()
  if (refusal !== null) return tooLong(asked, refusal, at)
  if (latest === null || (at <= latest && !isStopping())) return null
  const reason = isStopping()
    ? "the run is being stopped"
    : `its turn to ${asked.operation} came too long after the last read`
  return tooLong(asked, { until: at, reason, because: "limit" }, at)
}

/**
 * Sends a request once: from the wait for its permit to the outcome, without a fiber. Returns its abort function, after
 * which `done` is not called.
 */
export const attemptOnce = <A>(
  context: ClientContext,
  sending: Sending,
  receive: Receive<A>,
  done: (outcome: Outcome<A>) => void
): (() => void) => {
  const { deadlines, dispatch, isStopping, limiter, line, observe, to } = context
  const { asked, credentials, history, latest, request } = sending
  const permit = limiter.enter(
    request,
    latest === null ? undefined : { within: Math.max(0, latest - context.now()) }
  )
  let connection: Connection | null = null
  let isOver = false
  let leaveLine = (): void => {}
  const leave = (): void => {
    permit.leave()
    leaveLine()
  }
  const end = (outcome: Outcome<A>): void => {
    if (isOver) return
    isOver = true
    leave()
    done(outcome)
  }
  const ready = (refusal: TooLong | null) => {
    // The program is about to end: those who wait for a read's answer end with it.
    if (latest === null && isStopping()) return leave()
    const error = heldBack(context, sending, refusal)
    if (error !== null) return end({ _tag: "Final", error })
    const requestedAt = context.now()
    history.sentAt = requestedAt
    history.sent += 1
    const attempt: Attempt = { asked, request, permit, path: history.path, number: history.sent }
    observe({ _tag: "Sent", operation: request.operation, at: requestedAt })
    const { method } = request
    const leaving = { method, path: history.path, body: bodyOf(request) }
    // Only now: it may have waited for longer than a signature or a session holds.
    history.signature = credentials?.known() ?? null
    connection = new Connection(
      dispatch,
      deadlines,
      {
        origin: to.origin,
        ...leaving,
        headers: headersOf(request, history.signature?.headers(leaving, requestedAt) ?? {})
      },
      Math.max(1, Math.min(headersMillis, silenceMillis - history.silent, limiter.patience())),
      {
        started: (status, headers, opened) => {
          const refusedUntil = permit.answered(status, headers)
          if (refusedUntil !== null) observe({ _tag: "RateLimited", status: 429, retryAt: refusedUntil })
          return receive(context, attempt, { status, headers, requestedAt, refusedUntil }, opened, end)
        },
        failed: (cause) => {
          permit.unanswered()
          const failure = transportFailure(asked, to.host, cause)
          end({ _tag: "Failed", ...failure, answered: false })
        }
      }
    )
  }
  const considered = (): Promise<void> =>
    new Promise((left) => {
      if (isOver) return left()
      leaveLine = left
      permit.begin(ready)
    })
  // What rests on a read that was just made goes first here, too.
  void line.add(considered, { priority: latest === null ? 0 : 1 })
  return () => {
    if (isOver) return
    isOver = true
    connection?.abort()
    leave()
  }
}
