import { Effect } from "effect"
import { type ProviderError, RateLimited, Unavailable } from "../../domain/ProviderError.ts"
import { type Asked, clockTime } from "../answer/classify.ts"
import { tookTooLong, transportFailure } from "../answer/transportFailure.ts"
import type { ProviderRequest } from "../contract.ts"
import type { Door, Ticket, TooLong } from "../limits/permit.ts"
import type { Signature } from "./credentials.ts"
import type { Deadlines } from "./deadlines.ts"
import { patienceFor } from "./listener.ts"
import { bodyOf, headersOf } from "./request.ts"
import { headersMillis, silenceMillis } from "./retryPolicy.ts"
import {
  cutOutcome,
  type Head,
  headOf,
  noAnswer,
  type Outcome,
  type Received,
  received,
  type Send,
  type Sending,
  type Wire
} from "./send.ts"
import type { Dispatch } from "./undiciClient.ts"

/** What all requests of one client have in common. */
export interface Line {
  readonly wire: Wire
  readonly door: Door
  readonly deadlines: Deadlines
  readonly maxWaitMillis: number
  /** Nothing leaves any more. */
  readonly isStopping: () => boolean
  readonly asked: (operation: string) => Asked
}

/** What happened to one request so far. */
export interface History {
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

/** A request that is to be sent once more. */
export interface Turn {
  readonly asked: Asked
  readonly request: ProviderRequest
  readonly history: History
  /** Epoch milliseconds after which it must not leave; null: any time. */
  readonly latest: number | null
}

/** One sending, inside of a ticket. */
export type Once<A> = (line: Line, turn: Turn) => Effect.Effect<Outcome<A>, ProviderError>

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

const enter = ({ door, wire }: Line, { latest, request }: Turn): Ticket =>
  door.enter(
    request,
    latest === null ? undefined : { within: Math.max(0, latest - wire.clock.unsafeCurrentTimeMillis()) }
  )

/** The program is about to end: those who wait for a read's answer end with it. */
const isLeftWaiting = ({ isStopping }: Line, { latest }: Turn): boolean => latest === null && isStopping()

/** Its turn has come: what is sent now, or why it is not. */
const leaving = (
  { door, isStopping, wire }: Line,
  { asked, history, latest, request }: Turn,
  refusal: TooLong | null
): Sending | ProviderError => {
  const now = wire.clock.unsafeCurrentTimeMillis()
  if (refusal !== null) return tooLong(asked, refusal, now)
  if (latest !== null && (now > latest || isStopping())) {
    const reason = isStopping()
      ? "the run is being stopped"
      : `its turn to ${asked.operation} came too long after the last read`
    return tooLong(asked, { _tag: "TooLong", until: now, reason, because: "limit" }, now)
  }
  history.sentAt = now
  history.sent += 1
  return {
    asked,
    request,
    path: history.path,
    headers: history.signature?.headers ?? {},
    patience: Math.min(headersMillis, silenceMillis - history.silent, door.patience()),
    attempt: history.sent
  }
}

const isSending = (left: Sending | ProviderError): left is Sending => "patience" in left

/** Through any client of the platform. */
export const through =
  <A>(send: Send<A>): Once<A> =>
  (line, turn) =>
    Effect.suspend(() => {
      const { clock, to } = line.wire
      const ticket = enter(line, turn)
      const depart = (refusal: TooLong | null): Effect.Effect<Outcome<A>, ProviderError> => {
        if (isLeftWaiting(line, turn)) return Effect.zipRight(Effect.sync(ticket.leave), Effect.never)
        const sending = leaving(line, turn, refusal)
        if (!isSending(sending)) return Effect.fail(sending)
        return line.deadlines.run(
          sending.patience,
          (deadline) => send(line.wire, sending, ticket, deadline),
          (): Outcome<A> => {
            ticket.unanswered()
            const took = clock.unsafeCurrentTimeMillis() - turn.history.sentAt
            return noAnswer(tookTooLong(sending.asked, to.host, took))
          }
        )
      }
      return Effect.matchEffect(ticket.ready, { onFailure: depart, onSuccess: () => depart(null) }).pipe(
        Effect.ensuring(Effect.sync(ticket.leave))
      )
    })

/**
 * Past the platform's client, from the ticket to the whole answer in one step of an Effect. Most requests come through
 * here, and each further step would cost as much as reading the answer does.
 */
export const directly =
  (dispatch: Dispatch): Once<Received> =>
  (line, turn) =>
    Effect.async<Outcome<Received>, ProviderError>((resume) => {
      const { wire } = line
      const { asked, history, request } = turn
      const ticket = enter(line, turn)
      let abort = (): void => {}
      const end = (outcome: Outcome<Received>): void => {
        ticket.leave()
        resume(Effect.succeed(outcome))
      }
      ticket.begin((refusal) => {
        if (isLeftWaiting(line, turn)) return ticket.leave()
        const sending = leaving(line, turn, refusal)
        if (!isSending(sending)) {
          ticket.leave()
          return resume(Effect.fail(sending))
        }
        const { sentAt } = history
        let head: Head | null = null
        wire.observe({ _tag: "Sent", operation: request.operation, at: sentAt })
        abort = dispatch(
          {
            origin: wire.to.origin,
            path: sending.path,
            method: request.method,
            headers: headersOf(request, sending.headers),
            body: bodyOf(request),
            patience: patienceFor(sending.patience),
            bounds: wire.bounds
          },
          {
            started: (status, headers) => {
              head = headOf(wire, ticket, sentAt, status, headers)
            },
            ended: (bytes, isWhole) => {
              if (head !== null) received(wire, sending, ticket, head, { bytes, isWhole }, end)
            },
            failed: (cause) => {
              if (head !== null) return end(cutOutcome(asked, wire.to.host, 0, cause))
              ticket.unanswered()
              end(noAnswer(transportFailure(asked, wire.to.host, cause)))
            }
          }
        )
      })
      return Effect.sync(() => {
        abort()
        ticket.leave()
      })
    })
