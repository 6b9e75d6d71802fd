import {
  HttpClient,
  HttpClientError,
  type HttpClientRequest,
  type HttpClientResponse,
  UrlParams
} from "@effect/platform"
import type { Dispatcher } from "@effect/platform-node/Undici"
import { Effect } from "effect"
import type { Sender } from "./agents.ts"
import { type Bounds, boundsOf, defaultAnswerBytes } from "./bounds.ts"
import {
  isSuccess,
  Listener,
  type Patience,
  patienceFor,
  type ResponseHandler,
  type UndiciHeaders,
  WholeListener
} from "./listener.ts"
import { headersMillis } from "./retryPolicy.ts"
import { UndiciBody, UndiciResponse } from "./undiciResponse.ts"

const bodyOf = (request: HttpClientRequest.HttpClientRequest): string | Uint8Array | null => {
  const { body } = request
  if (body._tag === "Uint8Array") return body.body
  return body._tag === "Raw" && typeof body.body === "string" ? body.body : null
}

/** A request as it goes over the wire. */
export interface Parcel {
  /** Scheme, host and port. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  readonly method: "GET" | "POST" | "PATCH" | "PUT"
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly patience: Patience
  readonly bounds: Bounds
}

/** Sends a request and returns its abort function; no callback fires after an abort. */
export type Dispatch = (parcel: Parcel, handler: ResponseHandler) => () => void

const dispatches = new WeakMap<object, Dispatch>()

/** The way past a client that ends a request by itself which takes longer than allowed; null: it is none of these. */
export const dispatchOf = (http: HttpClient.HttpClient): Dispatch | null => dispatches.get(http) ?? null

/** What the answer to a request may take, for clients that see to it themselves. */
const allowances = new WeakMap<
  HttpClientRequest.HttpClientRequest,
  { readonly patience: Patience; readonly bounds: Bounds }
>()

/** The headers of its answer must come within so many milliseconds. Only for clients that keep time and count bytes. */
export const allow = (
  request: HttpClientRequest.HttpClientRequest,
  headersMillis: number,
  bounds: Bounds
): void => {
  allowances.set(request, { patience: patienceFor(Math.max(1, headersMillis)), bounds })
}

type Resume = (
  effect: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
) => void

/** Takes one answer from undici, piece by piece. */
class Receiver extends Listener {
  private readonly request: HttpClientRequest.HttpClientRequest
  private readonly resume: Resume
  private readonly bounds: Bounds
  private body: UndiciBody | null = null

  constructor(
    request: HttpClientRequest.HttpClientRequest,
    patience: Patience,
    bounds: Bounds,
    resume: Resume
  ) {
    super(patience)
    this.request = request
    this.bounds = bounds
    this.resume = resume
  }

  protected started(controller: Dispatcher.DispatchController, status: number, headers: UndiciHeaders): void {
    this.body = new UndiciBody(controller, this.bounds.whole, isSuccess(status))
    this.resume(Effect.succeed(new UndiciResponse(this.request, status, headers, this.body)))
  }

  protected came(piece: Buffer): void {
    this.body?.push(piece)
  }

  protected ended(): void {
    this.body?.finish(null)
  }

  protected failed(cause: Error): void {
    if (this.body === null) this.resume(Effect.fail(notSent(this.request, "Transport", cause)))
    else this.body.finish(cause)
  }
}

const notSent = (
  request: HttpClientRequest.HttpClientRequest,
  reason: "InvalidUrl" | "Transport",
  cause: unknown
) => new HttpClientError.RequestError({ request, reason, cause })

const usual = { patience: patienceFor(headersMillis), bounds: boundsOf(defaultAnswerBytes) }

/** What undici throws at once, for an invalid request, is reported like any other failure. */
const send = (dispatcher: Sender, options: Dispatcher.DispatchOptions, listener: Listener): void => {
  try {
    dispatcher.dispatch(options, listener)
  } catch (cause) {
    listener.refuse(cause instanceof Error ? cause : new Error(String(cause)))
  }
}

const execute = (dispatcher: Sender, request: HttpClientRequest.HttpClientRequest) =>
  Effect.async<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
    const url = UrlParams.makeUrl(request.url, request.urlParams, request.hash)
    if (url._tag === "Left") return resume(Effect.fail(notSent(request, "InvalidUrl", url.left)))
    const { origin, pathname, search } = url.right
    const { bounds, patience } = allowances.get(request) ?? usual
    const receiver = new Receiver(request, patience, bounds, resume)
    send(
      dispatcher,
      {
        origin,
        path: pathname + search,
        method: request.method,
        headers: request.headers,
        body: bodyOf(request),
        headersTimeout: patience.headers
      },
      receiver
    )
    return Effect.sync(() => receiver.abort())
  })

/**
 * An HttpClient that does nothing but send, and keeps time: a small part of the cost of the platform's own, which makes
 * spans, headers for traces, a stream and a guard against forgotten bodies for each request. Bodies are texts or bytes.
 */
export const undiciClient = (dispatcher: Sender): HttpClient.HttpClient => {
  const http: HttpClient.HttpClient = HttpClient.makeWith<
    HttpClientError.HttpClientError,
    never,
    HttpClientError.HttpClientError,
    never
  >(
    Effect.flatMap((request) => execute(dispatcher, request)),
    Effect.succeed
  )
  dispatches.set(http, ({ body, bounds, headers, method, origin, patience, path }, handler) => {
    const listener = new WholeListener(handler, patience, bounds)
    const headersTimeout = Math.max(1, patience.headers)
    send(dispatcher, { origin, path, method, headers, body, headersTimeout }, listener)
    return () => listener.abort()
  })
  return http
}
