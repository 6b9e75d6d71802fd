import type { HttpClient, HttpClientResponse } from "@effect/platform"
import { type Clock, Effect } from "effect"
import type { ProviderError, Unavailable } from "../../domain/ProviderError.ts"
import { bodyWait } from "../answer/bodyWait.ts"
import { type Asked, classify, isAbsence, notTheApi } from "../answer/classify.ts"
import { errorBody } from "../answer/errorBody.ts"
import { heeded, retryAfter } from "../answer/retryAfter.ts"
import {
  bodyFailure,
  isTooSlow,
  type NoAnswer,
  transportFailure,
  unreadable
} from "../answer/transportFailure.ts"
import type { ClientEvent, Exchange, ProviderRequest } from "../contract.ts"
import type { Ticket } from "../limits/permit.ts"
import { isShort, type RawBody, readBody } from "./body.ts"
import { AnswerTooLarge, type Bounds, refusalBytes, wholeMillis } from "./bounds.ts"
import type { Deadline } from "./deadlines.ts"
import { isSuccess } from "./listener.ts"
import { build, type Target } from "./request.ts"
import { allow } from "./undiciClient.ts"

export type Headers = Readonly<Record<string, string>>

/** One attempt at a request and its outcome; failures are distinguished by what may follow. */
export type Outcome<A> =
  | { readonly _tag: "Served"; readonly value: A }
  /** 429: not applied. `retryAt` is epoch milliseconds. */
  | { readonly _tag: "Refused"; readonly error: ProviderError; readonly retryAt: number }
  /** 449. `toldAt`: when the vendor said to come back, epoch milliseconds. */
  | {
      readonly _tag: "Queued"
      readonly told: number | null
      readonly error: (retryAt: number) => ProviderError
    }
  /** No usable answer. `answered`: the vendor is there, it did answer something. */
  | {
      readonly _tag: "Failed"
      readonly error: Unavailable
      readonly retry: boolean
      readonly answered: boolean
    }
  | { readonly _tag: "Redirected"; readonly location: string | undefined; readonly error: ProviderError }
  | { readonly _tag: "Unauthorized"; readonly error: ProviderError }
  | { readonly _tag: "Final"; readonly error: ProviderError }

export interface Sending {
  readonly asked: Asked
  readonly request: ProviderRequest
  /** Path and query. */
  readonly path: string
  readonly headers: Headers
  /** Milliseconds to the headers of the answer. */
  readonly patience: number
  /** How often the request was sent by then, this time included. */
  readonly attempt: number
}

/** One way to send and receive: whole, or in pieces. */
export type Send<A> = (
  wire: Wire,
  sending: Sending,
  ticket: Ticket,
  deadline: Deadline
) => Effect.Effect<Outcome<A>>

/** What every sending of a connection needs. */
export interface Wire {
  readonly http: HttpClient.HttpClient
  readonly clock: Clock.Clock
  readonly to: Target
  readonly observe: (event: ClientEvent) => void
  readonly bounds: Bounds
}

export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly exchange: Exchange
  readonly words: (body: string) => string
}

/** An answer's status and headers, and what the governor made of them. */
export interface Head {
  readonly status: number
  readonly headers: Headers
  /** When the request was sent, epoch milliseconds. */
  readonly requestedAt: number
  /** Of a 429: when it may be sent again, epoch milliseconds; null: it was none. */
  readonly refusedUntil: number | null
}

/** The headers of an answer have come. */
export const headOf = (
  wire: Wire,
  ticket: Ticket,
  requestedAt: number,
  status: number,
  headers: Headers
): Head => {
  const refusedUntil = ticket.answered(status, headers)
  if (refusedUntil !== null) wire.observe({ _tag: "RateLimited", status: 429, retryAt: refusedUntil })
  return { status, headers, requestedAt, refusedUntil }
}

/** A body of which nothing more will come. */
export const cutOutcome = (asked: Asked, host: string, bytes: number, cause: unknown): Outcome<never> => {
  const error = bodyFailure(asked, host, bytes, cause)
  return error._tag === "Malformed"
    ? { _tag: "Final", error }
    : { _tag: "Failed", error, retry: true, answered: !isTooSlow(cause) }
}

/** An answer has come, as far as the server sent it. Calls back with what it means, at once or once it is unpacked. */
export const received = (
  wire: Wire,
  sending: Sending,
  ticket: Ticket,
  { headers, refusedUntil, requestedAt, status }: Head,
  raw: RawBody,
  done: (outcome: Outcome<Received>) => void
): void => {
  const { asked, attempt, path, request } = sending
  const cut = (cause: Error | null): void =>
    done(cutOutcome(asked, wire.to.host, raw.bytes.byteLength, cause))
  if (raw.isWhole && isShort(headers, raw.bytes.byteLength)) {
    cut(null)
    return
  }
  const isServed = isSuccess(status)
  readBody(raw, isServed ? wire.bounds.whole : refusalBytes, (read) => {
    // The words of a refusal matter less than that it is one.
    const body = read instanceof AnswerTooLarge && !isServed ? { text: "", bytes: refusalBytes } : read
    if (body instanceof Error) {
      cut(body)
      return
    }
    const receivedAt = wire.clock.unsafeCurrentTimeMillis()
    const { method, operation } = request
    const exchange: Exchange = { operation, method, path, status, requestedAt, receivedAt, bytes: body.bytes }
    wire.observe({ _tag: "Answered", exchange, attempt })
    const words = (text: string): string => errorBody(text, asked.secrets)
    const answer: Received = { status, headers, text: body.text, exchange, words }
    const told = toldIn(answer, receivedAt)
    const postponed = refusedUntil === null || told === null ? null : ticket.postponed(told)
    let outcome: Outcome<Received>
    try {
      outcome = judge(sending, answer, { told, refusedUntil: postponed ?? refusedUntil }, receivedAt)
    } catch (cause) {
      // Called back from outside of any Effect: what is thrown here would end the process, and every other connection.
      outcome = { _tag: "Final", error: unreadable(asked, cause) }
    }
    done(outcome)
  })
}

const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308

/** Whether a 404 or 410 is an answer. Whoever stands in front of an API says it too, but not in an API's words. */
const mayBe = (missing: ProviderRequest["mayBeMissing"], error: ProviderError): boolean =>
  missing === "path" || (missing === true && error._tag === "Rejected")

/** When a refusal says to come back, however long that is: its headers, else its body. Epoch milliseconds. */
const toldIn = ({ headers, status, text }: Received, now: number): number | null => {
  if (status !== 429 && status !== 449 && status < 500) return null
  const inHeaders = retryAfter(headers, now, status === 429)
  return inHeaders !== null && inHeaders > now ? inHeaders : (bodyWait(text, now) ?? inHeaders)
}

/** When a refusal says it ends, and what the governor made of a 429. Epoch milliseconds; null: unknown. */
interface Wait {
  readonly told: number | null
  readonly refusedUntil: number | null
}

/** What an answer that came whole means. */
const judge = (
  sending: Sending,
  received: Received,
  { refusedUntil, told }: Wait,
  now: number
): Outcome<Received> => {
  const { asked, request } = sending
  const { status } = received
  const believed = told === null ? null : heeded(told, now)
  const answered = { ...received, retryAt: refusedUntil ?? believed, told }
  const error = classify(asked, answered, now)
  if (error === null) {
    const odd = notTheApi(asked, answered)
    return odd === null ? { _tag: "Served", value: received } : { _tag: "Final", error: odd }
  }
  if (isAbsence(status) && mayBe(request.mayBeMissing, error)) return { _tag: "Served", value: received }
  if (status === 429) return { _tag: "Refused", error, retryAt: refusedUntil ?? now }
  if (status === 449) {
    const queued = (retryAt: number) => classify(asked, { ...answered, retryAt }, now) ?? error
    return { _tag: "Queued", told: believed, error: queued }
  }
  if (error._tag === "Unavailable") return { _tag: "Failed", error, retry: true, answered: true }
  if (status === 401) return { _tag: "Unauthorized", error }
  if (isRedirect(status)) return { _tag: "Redirected", location: received.headers.location, error }
  return { _tag: "Final", error }
}

export interface Executed {
  readonly response: HttpClientResponse.HttpClientResponse
  readonly head: Head
}

/** Sends, up to the headers of the answer. */
export const execute = (
  wire: Wire,
  sending: Sending,
  ticket: Ticket,
  deadline: Deadline
): Effect.Effect<Executed, NoAnswer> =>
  Effect.suspend(() => {
    const { asked, request, path } = sending
    const requestedAt = wire.clock.unsafeCurrentTimeMillis()
    const built = build(wire.to, request, path, sending.headers)
    allow(built, sending.patience, wire.bounds)
    wire.observe({ _tag: "Sent", operation: request.operation, at: requestedAt })
    return Effect.matchEffect(wire.http.execute(built), {
      onFailure: (error) => {
        ticket.unanswered()
        return Effect.fail(transportFailure(asked, wire.to.host, error))
      },
      onSuccess: (response) => {
        deadline.set(wholeMillis)
        const head = headOf(wire, ticket, requestedAt, response.status, response.headers as Headers)
        return Effect.succeed({ response, head })
      }
    })
  })

/** Receives the whole answer to what was sent. */
export const finish = (
  wire: Wire,
  sending: Sending,
  ticket: Ticket,
  { head, response }: Executed
): Effect.Effect<Outcome<Received>> =>
  Effect.matchEffect(response.arrayBuffer, {
    onFailure: (error) => Effect.succeed(cutOutcome(sending.asked, wire.to.host, 0, error)),
    onSuccess: (raw) =>
      Effect.async<Outcome<Received>>((resume) =>
        received(
          wire,
          sending,
          ticket,
          head,
          { bytes: Buffer.from(raw), isWhole: isSuccess(head.status) },
          (outcome) => resume(Effect.succeed(outcome))
        )
      )
  })

export const noAnswer = ({ error, retry }: NoAnswer): Outcome<never> => ({
  _tag: "Failed",
  error,
  retry,
  answered: false
})

/** Sends and receives the whole answer, holding the ticket all the while. */
export const sendWhole: Send<Received> = (wire, sending, ticket, deadline) =>
  Effect.matchEffect(execute(wire, sending, ticket, deadline), {
    onFailure: (failure) => Effect.succeed(noAnswer(failure)),
    onSuccess: (executed) => finish(wire, sending, ticket, executed)
  })
