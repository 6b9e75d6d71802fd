import { Context } from "effect"

/** Which signal has asked this process to end, such as `SIGTERM`; null: none has. */
export class StopSignal extends Context.Reference<StopSignal>()("parley/StopSignal", {
  defaultValue: (): (() => NodeJS.Signals | null) => () => null
}) {}

/** The exit code of a process that a signal has ended. */
export const signalExitCode = (signal: NodeJS.Signals | null): 130 | 143 => (signal === "SIGTERM" ? 143 : 130)
