import {
  HttpClient,
  HttpClientError,
  type HttpClientRequest,
  type HttpClientResponse,
  UrlParams
} from "@effect/platform"
import type { Dispatcher } from "@effect/platform-node/Undici"
import { Effect } from "effect"
import { UndiciBody, UndiciResponse } from "./undiciResponse.ts"

const bodyOf = (request: HttpClientRequest.HttpClientRequest): string | Uint8Array | null => {
  const { body } = request
  if (body._tag === "Uint8Array") return body.body
  return body._tag === "Raw" && typeof body.body === "string" ? body.body : null
}

/** How long (milliseconds) the answer to a request may take, for clients that see to it themselves. */
const patience = new WeakMap<HttpClientRequest.HttpClientRequest, number>()

/** A request as it goes over the wire. */
export interface Parcel {
  /** Scheme, host and port. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  readonly method: "GET" | "POST" | "PATCH" | "PUT"
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** The headers of its answer must come within so many milliseconds. */
  readonly headersMillis: number
}

/** Who is told of an answer: `started`, then one of the others, or `failed` alone. */
export interface Addressee {
  /** Names in lower case. */
  readonly started: (status: number, headers: Readonly<Record<string, string>>) => void
  readonly ended: (body: Buffer) => void
  readonly failed: (cause: Error) => void
}

/** Sends, and gives what calls it off: then nobody is told anything any more. */
export type Dispatch = (parcel: Parcel, addressee: Addressee) => () => void

const dispatches = new WeakMap<object, Dispatch>()

/** The way past a client that ends a request by itself which takes longer than allowed; null: it is none of these. */
export const dispatchOf = (http: HttpClient.HttpClient): Dispatch | null => dispatches.get(http) ?? null

/** The headers of its answer must come within so many milliseconds. Only for clients that keep time. */
export const allow = (request: HttpClientRequest.HttpClientRequest, millis: number): void => {
  patience.set(request, Math.max(1, millis))
}

type UndiciHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

const plainHeaders = (headers: UndiciHeaders): Readonly<Record<string, string>> => {
  const plain: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) plain[name] = typeof value === "string" ? value : value.join(", ")
  }
  return plain
}

type Resume = (
  effect: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
) => void

/** Whom undici tells of one answer, until nobody waits for it any more. */
abstract class Listener implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | null = null
  protected isUnwanted = false

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.isUnwanted) this.abort()
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: UndiciHeaders): void {
    // 103 and its like announce the answer.
    if (status >= 200) this.started(controller, status, headers)
  }

  abstract onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void
  abstract onResponseEnd(): void
  abstract onResponseError(controller: Dispatcher.DispatchController, cause: Error): void

  protected abstract started(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: UndiciHeaders
  ): void

  /** Nobody waits for the answer any more. */
  abort(): void {
    this.isUnwanted = true
    this.controller?.abort(new Error("nobody waits for it any more"))
  }
}

/** Takes one answer from undici, piece by piece. */
class Receiver extends Listener {
  private readonly request: HttpClientRequest.HttpClientRequest
  private readonly resume: Resume
  private body: UndiciBody | null = null

  constructor(request: HttpClientRequest.HttpClientRequest, resume: Resume) {
    super()
    this.request = request
    this.resume = resume
  }

  protected started(controller: Dispatcher.DispatchController, status: number, headers: UndiciHeaders): void {
    this.body = new UndiciBody(controller)
    this.resume(Effect.succeed(new UndiciResponse(this.request, status, headers, this.body)))
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.body?.push(piece)
  }

  onResponseEnd(): void {
    this.body?.finish(null)
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (this.body === null) this.resume(Effect.fail(notSent(this.request, "Transport", cause)))
    else this.body.finish(cause)
  }
}

/** Takes one whole answer from undici. */
class WholeReceiver extends Listener {
  private readonly addressee: Addressee
  private readonly pieces: Array<Buffer> = []

  constructor(addressee: Addressee) {
    super()
    this.addressee = addressee
  }

  protected started(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: UndiciHeaders
  ): void {
    this.addressee.started(status, plainHeaders(headers))
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.pieces.push(piece)
  }

  onResponseEnd(): void {
    const [first = Buffer.alloc(0), ...more] = this.pieces
    if (!this.isUnwanted) this.addressee.ended(more.length === 0 ? first : Buffer.concat(this.pieces))
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (!this.isUnwanted) this.addressee.failed(cause)
  }
}

const notSent = (
  request: HttpClientRequest.HttpClientRequest,
  reason: "InvalidUrl" | "Transport",
  cause: unknown
) => new HttpClientError.RequestError({ request, reason, cause })

const execute = (dispatcher: Dispatcher, request: HttpClientRequest.HttpClientRequest) =>
  Effect.async<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
    const url = UrlParams.makeUrl(request.url, request.urlParams, request.hash)
    if (url._tag === "Left") return resume(Effect.fail(notSent(request, "InvalidUrl", url.left)))
    const { origin, pathname, search } = url.right
    const receiver = new Receiver(request, resume)
    dispatcher.dispatch(
      {
        origin,
        path: pathname + search,
        method: request.method,
        headers: request.headers,
        body: bodyOf(request),
        headersTimeout: patience.get(request) ?? null
      },
      receiver
    )
    return Effect.sync(() => receiver.abort())
  })

/**
 * An HttpClient that does nothing but send, and keeps time: a small part of the cost of the platform's own, which makes
 * spans, headers for traces, a stream and a guard against forgotten bodies for each request. Bodies are texts or bytes.
 */
export const undiciClient = (dispatcher: Dispatcher): HttpClient.HttpClient => {
  const http: HttpClient.HttpClient = HttpClient.makeWith<
    HttpClientError.HttpClientError,
    never,
    HttpClientError.HttpClientError,
    never
  >(
    Effect.flatMap((request) => execute(dispatcher, request)),
    Effect.succeed
  )
  dispatches.set(http, ({ body, headers, headersMillis, method, origin, path }, addressee) => {
    const receiver = new WholeReceiver(addressee)
    dispatcher.dispatch(
      { origin, path, method, headers, body, headersTimeout: Math.max(1, headersMillis) },
      receiver
    )
    return () => receiver.abort()
  })
  return http
}
