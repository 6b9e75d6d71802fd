import { Clock, Duration, Effect } from "effect"

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

/**
 * Time that jumps to the next sleeper as soon as nothing else is left to do: the same as a `TestClock` that is always
 * adjusted, but a day with a hundred thousand waits passes in seconds. It starts at `start` (epoch milliseconds).
 */
export const inVirtualTime = <A, E, R>(effect: Effect.Effect<A, E, R>, start = 0): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let now = start
    let count = 0
    let running = true
    const sleepers: Array<Sleeper> = []

    const isBefore = (left: Sleeper, right: Sleeper) =>
      left.at < right.at || (left.at === right.at && left.order < right.order)
    const swap = (left: number, right: number) => {
      const held = sleepers[left] as Sleeper
      sleepers[left] = sleepers[right] as Sleeper
      sleepers[right] = held
    }
    const push = (sleeper: Sleeper) => {
      let index = sleepers.push(sleeper) - 1
      while (index > 0) {
        const parent = (index - 1) >> 1
        if (!isBefore(sleepers[index] as Sleeper, sleepers[parent] as Sleeper)) break
        swap(index, parent)
        index = parent
      }
    }
    const pop = (): Sleeper | undefined => {
      const top = sleepers[0]
      const last = sleepers.pop()
      if (top === undefined || last === undefined || sleepers.length === 0) return top
      sleepers[0] = last
      let index = 0
      while (true) {
        let least = index
        for (const child of [2 * index + 1, 2 * index + 2]) {
          if (child < sleepers.length && isBefore(sleepers[child] as Sleeper, sleepers[least] as Sleeper))
            least = child
        }
        if (least === index) return top
        swap(index, least)
        index = least
      }
    }

    /** Everything that does not sleep runs in these turns of the event loop. */
    const turns = 3
    const jump = (turn: number) => {
      if (!running) return
      if (turn < turns) {
        setImmediate(jump, turn + 1)
        return
      }
      const next = pop()
      if (next !== undefined) {
        now = Math.max(now, next.at)
        next.wake()
        while (sleepers[0] !== undefined && sleepers[0].at <= now) pop()?.wake()
      }
      setImmediate(jump, 0)
    }

    const clock: Clock.Clock = {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: () => now,
      unsafeCurrentTimeNanos: () => BigInt(Math.round(now * 1e6)),
      currentTimeMillis: Effect.sync(() => now),
      currentTimeNanos: Effect.sync(() => BigInt(Math.round(now * 1e6))),
      sleep: (duration) =>
        Effect.async<void>((resume) => {
          const millis = Duration.toMillis(duration)
          if (Number.isFinite(millis))
            push({ at: now + millis, order: count++, wake: () => resume(Effect.void) })
        })
    }
    setImmediate(jump, 0)
    return Effect.withClock(effect, clock).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          running = false
        })
      )
    )
  })
