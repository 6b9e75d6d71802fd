import { Context, Effect, Layer, Queue, Runtime } from "effect"

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

/** Standard input, line by line, then null. Lets go of it at once, however much is still to come. */
export const stdinLines = Layer.scoped(
  Lines,
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<string | null>(mostWaiting)
    const fork = Runtime.runFork(yield* Effect.runtime<never>())
    const decoder = new TextDecoder()
    let rest = ""
    const offer = (lines: ReadonlyArray<string | null>): void => {
      process.stdin.pause()
      fork(
        Effect.zipRight(
          Queue.offerAll(queue, lines),
          Effect.sync(() => process.stdin.resume())
        )
      )
    }
    const onData = (piece: Uint8Array): void => {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n")
      rest = lines.pop() ?? ""
      if (lines.length > 0) offer(lines)
    }
    const onEnd = (): void => offer(rest === "" ? [null] : [rest, null])
    yield* Effect.acquireRelease(
      Effect.sync(() => process.stdin.on("data", onData).on("end", onEnd).on("error", onEnd)),
      (stdin) => Effect.sync(() => stdin.off("data", onData).off("end", onEnd).destroy())
    )
    return queue
  })
)
