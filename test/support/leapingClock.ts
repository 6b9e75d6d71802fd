import { Clock, Duration, Effect } from "effect"

interface Sleeper {
  readonly deadline: number
  readonly wake: () => void
}

export interface LeapingClock {
  readonly clock: Clock.Clock
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly advance: (millis: number) => void
}

/**
 * A clock for worlds in which nothing really waits: as soon as every fiber is asleep, it leaps to the earliest
 * deadline. A day passes in a moment, and always in the same way.
 */
export const makeLeapingClock = (start = 0): LeapingClock => {
  let time = start
  const sleepers: Array<Sleeper> = []
  let planned = false

  const leap = (): void => {
    planned = false
    sleepers.sort((one, other) => one.deadline - other.deadline)
    const next = sleepers.shift()
    if (next === undefined) return
    time = Math.max(time, next.deadline)
    next.wake()
    plan()
  }
  const plan = (): void => {
    if (planned || sleepers.length === 0) return
    planned = true
    setImmediate(leap)
  }

  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => time,
    unsafeCurrentTimeNanos: () => BigInt(time) * 1_000_000n,
    currentTimeMillis: Effect.sync(() => time),
    currentTimeNanos: Effect.sync(() => BigInt(time) * 1_000_000n),
    sleep: (duration) =>
      Effect.async<void>((resume) => {
        const sleeper = { deadline: time + Duration.toMillis(duration), wake: () => resume(Effect.void) }
        sleepers.push(sleeper)
        plan()
        return Effect.sync(() => {
          const index = sleepers.indexOf(sleeper)
          if (index >= 0) sleepers.splice(index, 1)
        })
      })
  }
  return {
    clock,
    now: () => time,
    advance: (millis) => {
      time += millis
    }
  }
}
