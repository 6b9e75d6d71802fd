import {
  Cookies,
  Headers,
  HttpClientError,
  type HttpClientRequest,
  HttpClientResponse,
  HttpIncomingMessage,
  UrlParams
} from "@effect/platform"
import type { Dispatcher } from "@effect/platform-node/Undici"
import { Chunk, Effect, Inspectable, Option, Stream } from "effect"

import { AnswerTooLarge, refusalBytes } from "./bounds.ts"

type Failed = HttpClientError.ResponseError

/** Bytes of a stream that may wait for their reader before the connection is no longer read. */
const enough = 1 << 18

/** A body as undici hands it over: kept until it is read, in the first requested way. */
export class UndiciBody {
  private pieces: Array<Buffer> = []
  private size = 0
  private end: { readonly cause: unknown } | null = null
  private wake: (() => void) | null = null
  private isStreamed = false
  private readonly controller: Dispatcher.DispatchController
  private readonly most: number
  private readonly isSuccess: boolean

  /** @param most bytes that are kept for a reader of the whole body; a refusal is cut at its own bound */
  constructor(controller: Dispatcher.DispatchController, most: number, isSuccess: boolean) {
    this.controller = controller
    this.most = most
    this.isSuccess = isSuccess
  }

  push(piece: Buffer): void {
    if (this.end !== null) return
    this.pieces.push(piece)
    this.size += piece.byteLength
    if (!this.isStreamed) {
      if (this.size <= (this.isSuccess ? this.most : refusalBytes)) return
      this.finish(this.isSuccess ? new AnswerTooLarge(this.most) : null)
      this.controller.abort(new Error("enough of it came"))
      return
    }
    if (this.size >= enough) this.controller.pause()
    this.wake?.()
  }

  /** @param cause why it is not whole; null: it is */
  finish(cause: unknown): void {
    if (this.end !== null) return
    this.end = { cause }
    this.wake?.()
  }

  /** Small answers are here before they are read. */
  readonly whole: Effect.Effect<ArrayBuffer, unknown> = Effect.suspend(() =>
    this.end === null ? Effect.flatMap(this.more, () => this.whole) : this.settled(this.end.cause)
  )

  /** What has come, as it comes. */
  readonly stream: Stream.Stream<Uint8Array, unknown> = Stream.suspend(() => {
    this.isStreamed = true
    return Stream.ensuring(
      Stream.repeatEffectChunkOption(this.next),
      Effect.sync(() => this.abort())
    )
  })

  private readonly next: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<unknown>> = Effect.suspend(
    () => {
      if (this.pieces.length > 0) {
        const { pieces } = this
        this.pieces = []
        this.size = 0
        this.controller.resume()
        return Effect.succeed(Chunk.unsafeFromArray<Uint8Array>(pieces))
      }
      if (this.end === null) return Effect.flatMap(this.more, () => this.next)
      return Effect.fail(this.end.cause === null ? Option.none() : Option.some(this.end.cause))
    }
  )

  private readonly more: Effect.Effect<void> = Effect.async((resume) => {
    this.wake = () => {
      this.wake = null
      resume(Effect.void)
    }
    return Effect.sync(() => this.abort())
  })

  private abort(): void {
    if (this.end === null) this.controller.abort(new Error("nothing reads it any more"))
  }

  private settled(cause: unknown): Effect.Effect<ArrayBuffer, unknown> {
    if (cause !== null) return Effect.fail(cause)
    const whole = new Uint8Array(new ArrayBuffer(this.size))
    let at = 0
    for (const piece of this.pieces) {
      whole.set(piece, at)
      at += piece.byteLength
    }
    return Effect.succeed(whole.buffer)
  }
}

/** An answer whose headers have come. Its body is read once. */
export class UndiciResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly status: number
  readonly headers: Headers.Headers
  readonly remoteAddress = Option.none<string>()
  private readonly body: UndiciBody

  constructor(
    request: HttpClientRequest.HttpClientRequest,
    status: number,
    headers: Headers.Input,
    body: UndiciBody
  ) {
    super()
    this.request = request
    this.status = status
    this.headers = Headers.fromInput(headers)
    this.body = body
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, Failed> {
    return Effect.mapError(this.body.whole, (cause) => this.failed(cause))
  }

  get stream(): Stream.Stream<Uint8Array, Failed> {
    return Stream.mapError(this.body.stream, (cause) => this.failed(cause))
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
