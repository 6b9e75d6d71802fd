import { closeSync, openSync } from "node:fs"
import { Clock, Effect, Runtime, type Scope } from "effect"
import { hangupIsRead } from "../sync/signals.ts"
import { StopSignal } from "../sync/stopSignal.ts"
import type { ProgressMode } from "./globals.ts"
import { Output } from "./terminal/Output.ts"
import { jsonText } from "./terminal/safeText.ts"

/**
 * Says on stderr that a signal has ended the command, also where it is to be quiet. Says nothing where none has come.
 * @param kept what has become of the work; null: there is nothing to say of it
 */
export const tellStopped = (
  progress: ProgressMode,
  kept: string | null
): Effect.Effect<void, never, Output> =>
  Effect.gen(function* () {
    const signal = (yield* StopSignal)()
    if (signal === null) return
    const output = yield* Output
    const message = `stopped by ${signal}${kept === null ? "" : `: ${kept}`}`
    const at = new Date(yield* Clock.currentTimeMillis).toISOString()
    yield* output.note(progress === "json" ? jsonText({ event: "stopped", at, signal, message }) : message)
  })

/** Whether this process has a terminal that it can be reached from. */
const hasTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", "r"))
    return true
  } catch {
    return false
  }
}

/**
 * Runs `handle` whenever a SIGHUP arrives, for as long as the scope. The system sends one, too, when the terminal that a
 * command was started from is closed: then it ends as with SIGTERM.
 */
export const onHangup = <R>(
  handle: Effect.Effect<void, never, R>
): Effect.Effect<void, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const fork = Runtime.runFork(yield* Effect.runtime<R>())
    const hadTerminal = hasTerminal()
    const listener = (): void => {
      // Windows sends it only while it closes the console, and would end this process at once if it sent itself a signal.
      if (process.platform === "win32") process.emit("SIGTERM", "SIGTERM")
      else if (hadTerminal && !hasTerminal()) process.kill(process.pid, "SIGTERM")
      else fork(handle)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        hangupIsRead(1)
        process.on("SIGHUP", listener)
      }),
      () =>
        Effect.sync(() => {
          hangupIsRead(-1)
          process.removeListener("SIGHUP", listener)
        })
    )
  })
