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
