import { Context, Effect, Layer, Queue, Stream } from "effect"

/** Where messages go. */
export class Sink extends Context.Tag("parley/airbyte/Sink")<
  Sink,
  {
    /** Ends once the reader can take more. @param lines whole ones */
    readonly write: (lines: string) => Effect.Effect<void>
  }
>() {}

/** What a platform writes to the destination; null behind the last line. */
export class Lines extends Context.Tag("parley/airbyte/Lines")<Lines, Queue.Dequeue<string | null>>() {}

/** Standard output, at its reader's pace. A reader that has gone ends the program. */
export const stdoutSink = Layer.sync(Sink, () => {
  process.stdout.on("error", () => process.exit(1))
  return {
    write: (lines) =>
      Effect.async<void>((resume) => {
        if (lines === "" || process.stdout.write(lines)) resume(Effect.void)
        else process.stdout.once("drain", () => resume(Effect.void))
      })
  }
})

/** Until everything that was written has left. */
export const flushed: Effect.Effect<void> = Effect.async((resume) => {
  if (process.stdout.writableLength === 0) resume(Effect.void)
  else process.stdout.write("", () => resume(Effect.void))
})

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
