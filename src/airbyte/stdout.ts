import { Effect, Layer } from "effect"
import { Sink } from "./emitter.ts"

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
