import { Effect, Layer, Queue, Stream } from "effect"
import { Lines } from "./write.ts"

/** Lines that wait to be read; the platform waits beyond them. */
const mostWaiting = 1_000

/** Standard input, line by line, then null. */
export const stdinLines = Layer.scoped(
  Lines,
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<string | null>(mostWaiting)
    const chunks: AsyncIterable<Uint8Array> = process.stdin
    yield* Stream.fromAsyncIterable(chunks, (cause) => cause).pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) => Queue.offer(queue, line)),
      Effect.ensuring(Queue.offer(queue, null)),
      Effect.ignore,
      Effect.forkScoped
    )
    return queue
  })
)
