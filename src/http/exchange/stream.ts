import { createGunzip } from "node:zlib"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Chunk, Deferred, Effect, ExecutionStrategy, Exit, Option, Scope, Stream } from "effect"
import type { ProviderError } from "../../domain/ProviderError.ts"
import { errorBody } from "../answer/errorBody.ts"
import { bodyFailure, cutShort, tookTooLong, tooLarge, tooSlow } from "../answer/transportFailure.ts"
import type { StreamedAnswer } from "../client.ts"
import type { Exchange } from "../contract.ts"
import { isGzip, isShort } from "./body.ts"
import { AnswerTooLarge, makePace } from "./bounds.ts"
import { idleMillis } from "./retryPolicy.ts"
import {
  type Executed,
  execute,
  finish,
  type Headers,
  noAnswer,
  type Outcome,
  type Received,
  type Send,
  type Sending,
  type Wire
} from "./send.ts"

type Pull = Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<ProviderError>>

const sizeOf = (chunk: Chunk.Chunk<Uint8Array>): number =>
  Chunk.reduce(chunk, 0, (size, part) => size + part.byteLength)

/** The first piece again, and then the rest. */
const startingWith = (first: Option.Option<Chunk.Chunk<Uint8Array>>, rest: Pull): Pull => {
  let isFirst = true
  return Effect.suspend(() => {
    if (!isFirst) return rest
    isFirst = false
    return Option.match(first, { onNone: () => Effect.fail(Option.none()), onSome: Effect.succeed })
  })
}

/**
 * Sends, and hands the body on as it arrives. The slot is given back with the first byte: what is done with the pieces
 * may itself need one.
 *
 * @param parent closes the connection of a body that was not read to its end
 */
export const sendStreamed =
  (parent: Scope.Scope): Send<StreamedAnswer> =>
  (wire, sending, ticket, deadline) =>
    Effect.matchEffect(execute(wire, sending, ticket, deadline), {
      onFailure: (failure) => Effect.succeed(noAnswer(failure)),
      onSuccess: (executed) =>
        executed.response.status >= 200 && executed.response.status < 300
          ? open(parent, wire, sending, executed)
          : Effect.map(finish(wire, sending, ticket, executed), (outcome) =>
              outcome._tag === "Served" ? { _tag: "Served", value: streamed(wire, outcome.value) } : outcome
            )
    })

/** An answer that is not the requested body (404 where it may be missing) is small, and already here. */
const streamed = (wire: Wire, { status, headers, text, exchange, words }: Received): StreamedAnswer => ({
  status,
  headers,
  body: Stream.make(new TextEncoder().encode(text)),
  largestElement: wire.bounds.whole,
  exchange: Effect.succeed(exchange),
  words
})

const open = (
  parent: Scope.Scope,
  wire: Wire,
  sending: Sending,
  { response, head: { requestedAt } }: Executed
): Effect.Effect<Outcome<StreamedAnswer>> =>
  Effect.gen(function* () {
    const { asked, attempt, request, path } = sending
    const headers = response.headers as Headers
    const scope = yield* Scope.fork(parent, ExecutionStrategy.sequential)
    const done = yield* Deferred.make<Exchange>()
    let received = 0
    let bytes = 0
    let ended: ProviderError | null = null

    const { host } = wire.to
    const { stream: most, whole: largestElement } = wire.bounds
    const pace = makePace(() => wire.clock.unsafeCurrentTimeMillis())

    const source = yield* Stream.toPull(response.stream).pipe(Scope.extend(scope))
    const raw: Pull = Effect.suspend(() => {
      pace.asks()
      return source
    }).pipe(
      Effect.mapError(Option.map((error): ProviderError => bodyFailure(asked, host, received, error))),
      Effect.timeoutFail({
        duration: idleMillis,
        onTimeout: () => Option.some<ProviderError>(tookTooLong(asked, host, idleMillis).error)
      }),
      Effect.tap((chunk) => {
        const size = sizeOf(chunk)
        received += size
        if (received > most)
          return Effect.fail(Option.some(tooLarge(asked, new AnswerTooLarge(most).message)))
        const late = pace.got(size)
        return late === null ? Effect.void : Effect.fail(Option.some(tooSlow(asked, host, late)))
      }),
      Effect.catchAll((end) => {
        const isCut = Option.isNone(end) && isShort(headers, received)
        const why = isCut ? Option.some<ProviderError>(cutShort(asked, received, null)) : end
        ended = Option.getOrNull(why)
        return Effect.fail(why)
      })
    )
    const first = yield* Effect.either(raw)
    if (first._tag === "Left" && Option.isSome(first.left)) {
      yield* Scope.close(scope, Exit.void)
      const error = first.left.value
      return error._tag === "Unavailable"
        ? { _tag: "Failed", error, retry: true, answered: true }
        : { _tag: "Final", error }
    }
    const start = first._tag === "Right" ? Option.some(first.right) : Option.none()
    const packed = Option.isSome(start) && isGzip(Chunk.unsafeHead(start.value))
    const whole = Stream.fromPull(Effect.succeed(startingWith(start, raw)))
    const unpacked = packed
      ? NodeStream.pipeThroughDuplex(
          whole,
          () => createGunzip(),
          // What ended the packed body says more than that the unpacking broke off.
          (error) => ended ?? cutShort(asked, received, error)
        )
      : whole
    const settle = Effect.suspend(() => {
      const exchange: Exchange = {
        operation: request.operation,
        method: request.method,
        path,
        status: response.status,
        requestedAt,
        receivedAt: wire.clock.unsafeCurrentTimeMillis(),
        bytes
      }
      return Effect.zipRight(
        Effect.map(Deferred.succeed(done, exchange), (first) => {
          if (first) wire.observe({ _tag: "Answered", exchange, attempt })
        }),
        Scope.close(scope, Exit.void)
      )
    })
    const body = unpacked.pipe(
      Stream.mapChunksEffect((chunk) => {
        bytes += sizeOf(chunk)
        return bytes > most
          ? Effect.fail(tooLarge(asked, new AnswerTooLarge(most).message))
          : Effect.succeed(chunk)
      }),
      Stream.ensuring(settle)
    )
    return {
      _tag: "Served",
      value: {
        status: response.status,
        headers,
        body,
        largestElement,
        exchange: Deferred.await(done),
        words: (text) => errorBody(text, asked.secrets)
      }
    } as const
  })
