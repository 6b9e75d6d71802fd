import {
  Cookies,
  Headers,
  HttpClient,
  HttpClientError,
  type HttpClientRequest,
  HttpClientResponse,
  HttpIncomingMessage,
  UrlParams
} from "@effect/platform"
import * as NodeStream from "@effect/platform-node/NodeStream"
import type { Dispatcher } from "@effect/platform-node/Undici"
import { Effect, Inspectable, Option, type Stream } from "effect"

type Failed = HttpClientError.ResponseError

/** An answer whose body is read once, in the way that is asked for first. */
class UndiciResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: Headers.Headers
  readonly remoteAddress = Option.none<string>()
  private readonly body: Dispatcher.ResponseData["body"]

  constructor(request: HttpClientRequest.HttpClientRequest, data: Dispatcher.ResponseData) {
    super()
    this.request = request
    this.status = data.statusCode
    this.headers = Headers.fromInput(data.headers)
    this.body = data.body
    this.body.on("error", () => {})
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, Failed> {
    return Effect.async((resume) => {
      const { body } = this
      const pieces: Array<Buffer> = []
      let size = 0
      body.on("data", (piece: Buffer) => {
        pieces.push(piece)
        size += piece.byteLength
      })
      body.once("end", () => {
        const whole = Buffer.allocUnsafeSlow(size)
        let at = 0
        for (const piece of pieces) at += piece.copy(whole, at)
        resume(Effect.succeed(whole.buffer))
      })
      body.once("error", (cause) => resume(Effect.fail(this.failed(cause))))
      return Effect.sync(() => body.destroy())
    })
  }

  get stream(): Stream.Stream<Uint8Array, Failed> {
    return NodeStream.fromReadable(
      () => this.body,
      (cause) => this.failed(cause)
    )
  }

  get text(): Effect.Effect<string, Failed> {
    return Effect.map(this.arrayBuffer, (bytes) => Buffer.from(bytes).toString("utf8"))
  }

  get json(): Effect.Effect<unknown, Failed> {
    return Effect.flatMap(this.text, (text) =>
      Effect.try({ try: () => JSON.parse(text) as unknown, catch: (cause) => this.failed(cause) })
    )
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, Failed> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get formData(): Effect.Effect<FormData, Failed> {
    return Effect.fail(this.failed("forms are not read here"))
  }

  get cookies(): Cookies.Cookies {
    return Cookies.fromSetCookie(this.headers["set-cookie"] ?? [])
  }

  toJSON(): unknown {
    return { _id: "UndiciResponse", status: this.status }
  }

  private failed(cause: unknown): Failed {
    return new HttpClientError.ResponseError({
      request: this.request,
      response: this,
      reason: "Decode",
      cause
    })
  }
}

const bodyOf = (request: HttpClientRequest.HttpClientRequest): string | Uint8Array | null => {
  const { body } = request
  if (body._tag === "Uint8Array") return body.body
  return body._tag === "Raw" && typeof body.body === "string" ? body.body : null
}

/** How long (milliseconds) the answer to a request may take, for clients that see to it themselves. */
const patience = new WeakMap<HttpClientRequest.HttpClientRequest, number>()

const timeKeepers = new WeakSet<object>()

/** Whether a client ends a request by itself that takes longer than allowed. */
export const keepsTime = (http: HttpClient.HttpClient): boolean => timeKeepers.has(http)

/** The headers of its answer must come within so many milliseconds. Only for clients that keep time. */
export const allow = (request: HttpClientRequest.HttpClientRequest, millis: number): void => {
  patience.set(request, Math.max(1, millis))
}

const execute = (dispatcher: Dispatcher, request: HttpClientRequest.HttpClientRequest) =>
  Effect.async<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume, signal) => {
    const failed = (reason: "InvalidUrl" | "Transport", cause: unknown) =>
      resume(Effect.fail(new HttpClientError.RequestError({ request, reason, cause })))
    const url = UrlParams.makeUrl(request.url, request.urlParams, request.hash)
    if (url._tag === "Left") return failed("InvalidUrl", url.left)
    const { origin, pathname, search } = url.right
    dispatcher
      .request({
        origin,
        path: pathname + search,
        method: request.method,
        headers: request.headers,
        body: bodyOf(request),
        headersTimeout: patience.get(request) ?? null,
        signal
      })
      .then(
        (data) => resume(Effect.succeed(new UndiciResponse(request, data))),
        (cause: unknown) => failed("Transport", cause)
      )
  })

/**
 * An HttpClient that does nothing but send, and keeps time: about half the cost of the platform's own, which makes
 * spans, headers for traces and a guard against forgotten bodies for each request. Bodies are texts or bytes.
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
  timeKeepers.add(http)
  return http
}
