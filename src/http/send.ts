import type { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect } from "effect"
import type { ProviderError, Unavailable } from "../domain/ProviderError.ts"
import { bodyText, isShort } from "./body.ts"
import { type Asked, classify, notTheApi } from "./classify.ts"
import type { ClientEvent, Exchange, ProviderRequest } from "./contract.ts"
import type { Deadline } from "./deadlines.ts"
import type { Ticket } from "./Governor.ts"
import { build, type Target } from "./request.ts"
import { retryAfter } from "./retryAfter.ts"
import { bodyMillis } from "./retryPolicy.ts"
import { cutShort, type NoAnswer, transportFailure } from "./transportFailure.ts"
import { allow } from "./undiciClient.ts"

export type Headers = Readonly<Record<string, string>>

/** One sending of a request and what came of it; every way of failing is told apart by what may follow. */
export type Outcome<A> =
  | { readonly _tag: "Served"; readonly value: A }
  /** 429: not applied. `retryAt` is epoch milliseconds. */
  | { readonly _tag: "Refused"; readonly error: ProviderError; readonly retryAt: number }
  /** 449. `toldAt`: what the vendor told, epoch milliseconds. */
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
  readonly to: Target
  readonly observe: (event: ClientEvent) => Effect.Effect<void>
}

export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly exchange: Exchange
}

const receive = Effect.fnUntraced(function* (
  wire: Wire,
  sending: Sending,
  response: HttpClientResponse.HttpClientResponse,
  requestedAt: number
) {
  const clock = yield* Effect.clock
  const { asked, request, path } = sending
  const raw = yield* Effect.mapError(response.arrayBuffer, (error) => cutShort(asked, 0, error))
  const headers = response.headers as Headers
  if (isShort(headers, raw.byteLength)) {
    return yield* Effect.fail(cutShort(asked, raw.byteLength, null))
  }
  const body = yield* Effect.mapError(bodyText(new Uint8Array(raw)), (error) =>
    cutShort(asked, raw.byteLength, error)
  )
  const exchange: Exchange = {
    operation: request.operation,
    method: request.method,
    path,
    status: response.status,
    requestedAt,
    receivedAt: clock.unsafeCurrentTimeMillis(),
    bytes: body.bytes
  }
  yield* wire.observe({ _tag: "Answered", exchange })
  const received: Received = { status: response.status, headers, text: body.text, exchange }
  return received
})

const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308

/** What an answer that came whole means. `refusedUntil` is what the governor made of a 429. */
const judge = (
  sending: Sending,
  received: Received,
  refusedUntil: number | null,
  now: number
): Outcome<Received> => {
  const { asked, request } = sending
  const { status } = received
  if (request.mayBeMissing === true && (status === 404 || status === 410)) {
    return { _tag: "Served", value: received }
  }
  const told = status === 449 || status >= 500 ? retryAfter(received.headers, now, false) : null
  const error = classify(asked, { ...received, retryAt: refusedUntil ?? told }, now)
  if (error === null) {
    const odd = notTheApi(asked, { ...received, retryAt: null })
    return odd === null ? { _tag: "Served", value: received } : { _tag: "Final", error: odd }
  }
  if (status === 429) return { _tag: "Refused", error, retryAt: refusedUntil ?? now }
  if (status === 449) {
    const queued = (retryAt: number) => classify(asked, { ...received, retryAt }, now) ?? error
    return { _tag: "Queued", told, error: queued }
  }
  if (error._tag === "Unavailable") return { _tag: "Failed", error, retry: true, answered: true }
  if (status === 401) return { _tag: "Unauthorized", error }
  if (isRedirect(status)) return { _tag: "Redirected", location: received.headers.location, error }
  return { _tag: "Final", error }
}

/** Sends, up to the headers of the answer. */
export const execute = Effect.fnUntraced(function* (
  wire: Wire,
  sending: Sending,
  ticket: Ticket,
  deadline: Deadline
) {
  const { asked, request, path } = sending
  const clock = yield* Effect.clock
  const requestedAt = clock.unsafeCurrentTimeMillis()
  yield* wire.observe({ _tag: "Sent", operation: request.operation, at: requestedAt })
  const built = build(wire.to, request, path, sending.headers)
  allow(built, sending.patience)
  const response = yield* Effect.mapError(wire.http.execute(built), (error) => {
    ticket.unanswered()
    return transportFailure(asked, wire.to.host, error)
  })
  deadline.set(bodyMillis)
  const refusedUntil = ticket.answered(response.status, response.headers as Headers)
  if (refusedUntil !== null) {
    yield* wire.observe({ _tag: "RateLimited", status: 429, retryAt: refusedUntil })
  }
  return { response, requestedAt, refusedUntil }
})

export type Executed = Effect.Effect.Success<ReturnType<typeof execute>>

/** Receives the whole answer to what was sent. */
export const finish = (wire: Wire, sending: Sending, executed: Executed): Effect.Effect<Outcome<Received>> =>
  Effect.match(receive(wire, sending, executed.response, executed.requestedAt), {
    onFailure: (error): Outcome<Received> => ({ _tag: "Failed", error, retry: true, answered: true }),
    onSuccess: (received) => judge(sending, received, executed.refusedUntil, received.exchange.receivedAt)
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
    onSuccess: (executed) => finish(wire, sending, executed)
  })
