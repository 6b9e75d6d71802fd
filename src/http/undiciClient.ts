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

const timeKeepers = new WeakSet<object>()

/** Whether a client ends a request by itself that takes longer than allowed. */
export const keepsTime = (http: HttpClient.HttpClient): boolean => timeKeepers.has(http)

/** The headers of its answer must come within so many milliseconds. Only for clients that keep time. */
export const allow = (request: HttpClientRequest.HttpClientRequest, millis: number): void => {
  patience.set(request, Math.max(1, millis))
}

type Resume = (
  effect: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
) => void

/** Takes one answer from undici. */
class Receiver implements Dispatcher.DispatchHandler {
  private readonly request: HttpClientRequest.HttpClientRequest
  private readonly resume: Resume
  private controller: Dispatcher.DispatchController | null = null
  private body: UndiciBody | null = null
  private isUnwanted = false

  constructor(request: HttpClientRequest.HttpClientRequest, resume: Resume) {
    this.request = request
    this.resume = resume
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.isUnwanted) this.abort()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  ): void {
    // 103 and its like announce the answer.
    if (status < 200) return
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

  /** Nobody waits for the answer any more. */
  abort(): void {
    this.isUnwanted = true
    this.controller?.abort(new Error("nobody waits for it any more"))
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
  timeKeepers.add(http)
  return http
}
