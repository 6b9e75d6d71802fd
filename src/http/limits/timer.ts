import { Effect, FiberId, Runtime } from "effect"

/**
 * Time as the limits need it, epoch milliseconds: it never goes back. Where the machine's clock is set back, it goes on
 * from where it was, since all that waits was reckoned by it; `wall` says what the machine's clock shows then.
 */
export interface Timer {
  readonly now: () => number
  readonly wall: (at: number) => number
  /** From what the machine's clock shows. */
  readonly fromWall: (at: number) => number
  /** Calls back at that time or soon after; gives what calls it off. */
  readonly at: (time: number, callback: () => void) => () => void
}

/** A clock that is corrected by less than this (milliseconds) is waited for. */
const correction = 1000

/** Reads a clock (epoch milliseconds) so that time never goes back. */
export const steady = (clock: () => number): Omit<Timer, "at"> => {
  let last = Number.NEGATIVE_INFINITY
  let lead = 0
  return {
    now: () => {
      const wall = clock()
      if (wall + lead < last - correction) lead = last - wall
      last = Math.max(last, wall + lead)
      return last
    },
    wall: (at) => at - lead,
    fromWall: (at) => at + lead
  }
}

/** Time by Effect's clock, so that a `TestClock` drives all waiting. */
export const makeTimer: Effect.Effect<Timer> = Effect.gen(function* () {
  const clock = yield* Effect.clock
  const fork = Runtime.runFork(yield* Effect.runtime<never>())
  const time = steady(() => clock.unsafeCurrentTimeMillis())
  return {
    ...time,
    at: (instant, callback) => {
      const wait = Math.max(0, instant - time.now())
      const fiber = fork(Effect.zipRight(Effect.sleep(wait), Effect.sync(callback)))
      return () => fiber.unsafeInterruptAsFork(FiberId.none)
    }
  }
})
