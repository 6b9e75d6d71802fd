import { closeSync, openSync } from "node:fs"
import { Effect, Runtime, type Scope } from "effect"
import { exitCodes } from "./exitCodes.ts"

/** Which signal has asked this process to end; the last one counts. */
let received: NodeJS.Signals | null = null

/** Remembers signals; what they do is the runtime's business. */
export const rememberSignals = (): void => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.prependListener(signal, () => {
      received = signal
    })
  }
}

/** The exit code of a process that a signal has ended. */
export const signalExitCode = (): 130 | 143 =>
  received === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted

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
      if (hadTerminal && !hasTerminal()) process.kill(process.pid, "SIGTERM")
      else fork(handle)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("SIGHUP", listener)),
      () => Effect.sync(() => process.removeListener("SIGHUP", listener))
    )
  })
