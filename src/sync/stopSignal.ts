import { Context, Effect, Fiber } from "effect"

/** Which signal has asked this process to end, such as `SIGTERM`; null: none has. */
export class StopSignal extends Context.Reference<StopSignal>()("parley/StopSignal", {
  defaultValue: (): (() => NodeJS.Signals | null) => () => null
}) {}

/** Requests of this process that are on their way: stopping it may wait for their answers. */
export class UnderWay extends Context.Reference<UnderWay>()("parley/UnderWay", {
  defaultValue: (): { requests: number } => ({ requests: 0 })
}) {}

/**
 * Waits for what a finalizer has to wait for, and no longer than so many milliseconds. A fiber of its own: in a finalizer
 * nothing is interruptible, a time-out neither.
 */
export const waitAtMost = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  millis: number
): Effect.Effect<void, never, R> =>
  effect.pipe(
    Effect.timeoutOption(millis),
    Effect.interruptible,
    Effect.forkDaemon,
    Effect.flatMap(Fiber.await),
    Effect.asVoid
  )

/** The exit code of a process that a signal has ended. */
export const signalExitCode = (signal: NodeJS.Signals | null): 130 | 143 =>
  signal === "SIGINT" || signal === null ? 130 : 143
