import { createGunzip } from "node:zlib"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Chunk, Deferred, Effect, FiberId, Option, Stream } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { type Recoder, recoderOf } from "../answer/charset.ts"
import { otherThanAsked, wordsIn } from "../answer/classify.ts"
import { bodyFailure, cutShort, tookTooLong, tooLarge, tooSlow } from "../answer/transportFailure.ts"
import type { StreamedAnswer } from "../client.ts"
import type { Answer, Exchange } from "../contract.ts"
import { type Receive, whole } from "./attempt.ts"
import { isGzip, isShort } from "./body.ts"
import { AnswerTooLarge, makePace } from "./bounds.ts"
import type { Connection, Sink } from "./connection.ts"
import type { Attempt, ClientContext, Head } from "./context.ts"
import { exchangeOf } from "./outcome.ts"
import { idleMillis } from "./retryPolicy.ts"
import { isSuccess } from "./whole.ts"

/** Bytes that may wait for their reader before the connection is no longer read. */
const enough = 1 << 18

/** A body in pieces, kept until they are read: at the pace of its reader. */
class StreamedBody implements Sink {
  /** Null: it has not ended. `error` null: it came whole. */
  end: { readonly error: ProviderError | null } | null = null
  private readonly context: ClientContext
  private readonly attempt: Attempt
  private readonly head: Head
  private readonly connection: Connection
  private readonly pace: ReturnType<typeof makePace>
  private readonly open: Set<Connection>
  private pieces: Array<Uint8Array> = []
  private waiting = 0
  /** Bytes. */
  received = 0
  /** Who waits for a piece or the end. */
  private wake: (() => void) | null

  /** @param opened called once: the first piece is here, or the end */
  constructor(
    context: ClientContext,
    attempt: Attempt,
    head: Head,
    connection: Connection,
    open: Set<Connection>,
    opened: () => void
  ) {
    this.open = open
    open.add(connection)
    this.context = context
    this.attempt = attempt
    this.head = head
    this.connection = connection
    this.pace = makePace(context.now)
    this.wake = opened
    connection.within(idleMillis)
  }

  get isPacked(): boolean {
    return this.pieces[0] !== undefined && isGzip(this.pieces[0])
  }

  /** The beginning, as far as it has come, as text. */
  get beginning(): string {
    return Buffer.from(this.pieces[0]?.subarray(0, 200) ?? []).toString("utf8")
  }

  /** Nothing came, and it failed. */
  get failedAtOnce(): ProviderError | null {
    return this.pieces.length === 0 ? (this.end?.error ?? null) : null
  }

  data(piece: Uint8Array): void {
    this.pieces.push(piece)
    this.waiting += piece.byteLength
    this.received += piece.byteLength
    if (this.waiting >= enough) this.connection.pause()
    this.ring()
  }

  ended(): void {
    const isCut = isShort(this.head.headers, this.received)
    this.finish(isCut ? cutShort(this.attempt.asked, this.received, null) : null)
  }

  failed(cause: unknown): void {
    this.finish(bodyFailure(this.attempt.asked, this.context.to.host, this.received, cause))
  }

  late(): void {
    this.giveUp(tookTooLong(this.attempt.asked, this.context.to.host, idleMillis))
  }

  closed(): void {
    this.open.delete(this.connection)
  }

  /** What has come, at least one piece. */
  readonly pull: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<ProviderError>> = Effect.suspend(() => {
    this.pace.asks()
    return this.next
  })

  private readonly next: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<ProviderError>> =
    Effect.suspend(() => {
      if (this.pieces.length > 0) return this.take()
      if (this.end === null) return Effect.zipRight(this.more, this.next)
      return Effect.fail(Option.fromNullable(this.end.error))
    })

  private readonly more: Effect.Effect<void> = Effect.async((resume) => {
    this.wake = () => resume(Effect.void)
    this.connection.within(idleMillis)
    return Effect.sync(() => this.connection.abort())
  })

  private take(): Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<ProviderError>> {
    const { pieces } = this
    const slow = this.pace.got(this.waiting)
    const error =
      this.received > this.context.bounds.stream
        ? this.tooLarge
        : slow === null
          ? null
          : tooSlow(this.attempt.asked, this.context.to.host, slow)
    if (error !== null) {
      this.giveUp(error)
      return Effect.fail(Option.some(error))
    }
    this.pieces = []
    this.waiting = 0
    this.connection.resume()
    return Effect.succeed(Chunk.unsafeFromArray(pieces))
  }

  get tooLarge(): ProviderError {
    return tooLarge(this.attempt.asked, new AnswerTooLarge(this.context.bounds.stream).message)
  }

  /** No more of it is read, and what waits is given up. */
  private giveUp(error: ProviderError): void {
    this.pieces = []
    this.connection.abort()
    this.finish(error)
  }

  private finish(error: ProviderError | null): void {
    this.end ??= { error }
    this.ring()
  }

  private ring(): void {
    const { wake } = this
    this.wake = null
    this.connection.within(Number.POSITIVE_INFINITY)
    wake?.()
  }
}

/** An answer that is not the requested body (404 where it may be missing) is small, and already here. */
const alreadyHere = (
  { bounds }: ClientContext,
  { exchange, headers, status, text, words }: Answer
): StreamedAnswer => ({
  status,
  headers,
  body: Stream.make(new TextEncoder().encode(text)),
  largestElement: bounds.whole,
  exchange: Effect.succeed(exchange),
  words
})

const streamed = (
  { bounds, now, observe }: ClientContext,
  attempt: Attempt,
  head: Head,
  connection: Connection,
  source: StreamedBody
): StreamedAnswer => {
  const { asked, number } = attempt
  const { headers, status } = head
  const done = Deferred.unsafeMake<Exchange>(FiberId.none)
  let bytes = 0
  const raw = Stream.repeatEffectChunkOption(source.pull)
  const unpacked = source.isPacked
    ? NodeStream.pipeThroughDuplex(
        raw,
        () => createGunzip(),
        // What ended the packed body says more than that the unpacking broke off.
        (error) => source.end?.error ?? cutShort(asked, source.received, error)
      )
    : raw
  const settle = Effect.sync(() => {
    const exchange = exchangeOf(attempt, head, now(), bytes)
    connection.abort()
    if (isSettled) return
    isSettled = true
    observe({ _tag: "Answered", exchange, attempt: number })
    Deferred.unsafeDone(done, Effect.succeed(exchange))
  })
  let isSettled = false
  let recoder: Recoder | null | undefined
  const recoded = (pieces: Chunk.Chunk<Uint8Array>): Chunk.Chunk<Uint8Array> => {
    const [first] = pieces
    if (recoder === undefined && first !== undefined) recoder = recoderOf(first, headers["content-type"])
    const { push } = recoder ?? {}
    return push === undefined ? pieces : Chunk.map(pieces, push)
  }
  const last = Stream.suspend(() => (recoder ? Stream.make(recoder.end()) : Stream.empty))
  return {
    status,
    headers,
    body: unpacked.pipe(
      Stream.mapChunksEffect((chunk) => {
        for (const piece of chunk) bytes += piece.byteLength
        return bytes > bounds.stream ? Effect.fail(source.tooLarge) : Effect.succeed(chunk)
      }),
      Stream.mapChunks(recoded),
      Stream.concat(last),
      Stream.ensuring(settle)
    ),
    largestElement: bounds.whole,
    exchange: Deferred.await(done),
    words: (text) => wordsIn(asked, text)
  }
}

/**
 * Hands the body on as it arrives. The permit is given back with the first byte: what is done with the pieces may itself
 * need one.
 *
 * @param open the connections whose bodies are being read: the client ends them with itself
 */
export const inPieces =
  (open: Set<Connection>): Receive<StreamedAnswer> =>
  (context, attempt, head, connection, end) => {
    if (!isSuccess(head.status)) {
      return whole(context, attempt, head, connection, (outcome) =>
        end(outcome._tag === "Served" ? { ...outcome, value: alreadyHere(context, outcome.value) } : outcome)
      )
    }
    const source = new StreamedBody(context, attempt, head, connection, open, () => {
      const text = source.isPacked ? "" : source.beginning
      const other = otherThanAsked(attempt.asked, { ...head, text })
      if (other !== null) connection.abort()
      const error = source.failedAtOnce ?? other
      if (error === null) end({ _tag: "Served", value: streamed(context, attempt, head, connection, source) })
      else if (error._tag === "Unavailable") end({ _tag: "Failed", error, retry: true, answered: true })
      else end({ _tag: "Final", error })
    })
    return source
  }
