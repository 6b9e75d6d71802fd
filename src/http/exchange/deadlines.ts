import { HttpClient } from "@effect/platform"
import { Effect, Runtime, type Scope } from "effect"
import type { RuntimeFiber } from "effect/Fiber"

/** Milliseconds between two looks at what is under way: how late a time-out may be. */
const tick = 1000

/** How long one attempt may still take; it may be reset at each of its stages. */
export interface Deadline {
  readonly set: (millis: number) => void
}

/** Time limits for many requests at once. */
export interface Deadlines {
  /** Runs `effect`, interrupts it once its deadline has passed, and then gives `late` instead. */
  readonly run: <A>(
    millis: number,
    effect: (deadline: Deadline) => Effect.Effect<A>,
    late: () => A
  ) => Effect.Effect<A>
}

interface Running {
  at: number
  expired: boolean
  fiber: RuntimeFiber<unknown> | null
}

/** For clients that keep time themselves. */
export const noDeadlines: Deadlines = {
  run: (_millis, effect) => effect({ set: () => {} })
}

/** For clients that would wait for ever, as those of tests and the simulator do. */
export const makeDeadlines: Effect.Effect<Deadlines, never, Scope.Scope> = Effect.gen(function* () {
  const clock = yield* Effect.clock
  // Spans of the platform would hold whole addresses, and its headers would reveal our traces to vendors.
  const runtime = Runtime.setFiberRef(
    yield* Effect.runtime<never>(),
    HttpClient.currentTracerDisabledWhen,
    () => true
  )
  const fork = Runtime.runFork(runtime)
  const running = new Set<Running>()
  const busy = yield* Effect.makeLatch(false)

  const look = Effect.sync(() => {
    const now = clock.unsafeCurrentTimeMillis()
    for (const entry of running) {
      if (entry.at > now || entry.fiber === null) continue
      entry.expired = true
      entry.fiber.unsafeInterruptAsFork(entry.fiber.id())
    }
    if (running.size === 0) busy.unsafeClose()
  })
  yield* Effect.forkScoped(
    Effect.forever(Effect.zipRight(busy.await, Effect.zipRight(Effect.sleep(tick), look)))
  )

  return {
    run: <A>(millis: number, effect: (deadline: Deadline) => Effect.Effect<A>, late: () => A) =>
      Effect.async<A>((resume) => {
        const entry: Running = { at: clock.unsafeCurrentTimeMillis() + millis, expired: false, fiber: null }
        const deadline: Deadline = {
          set: (more) => {
            entry.at = clock.unsafeCurrentTimeMillis() + more
          }
        }
        running.add(entry)
        busy.unsafeOpen()
        const fiber = fork(effect(deadline))
        entry.fiber = fiber
        fiber.addObserver((exit) => {
          running.delete(entry)
          resume(entry.expired ? Effect.succeed(late()) : exit)
        })
        return Effect.suspend(() => {
          running.delete(entry)
          return Effect.asVoid(Effect.zipRight(fiber.interruptAsFork(fiber.id()), fiber.await))
        })
      })
  }
})
