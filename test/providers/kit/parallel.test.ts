import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Stream, TestClock } from "effect"
import { inOrder } from "../../../src/providers/kit/parallel.ts"

const later = (millis: number, value: number) => Effect.as(Effect.sleep(millis), value)

describe("tasks in order", () => {
  it.effect("run beside each other, and are given in their own order", () =>
    Effect.gen(function* () {
      const tasks = [later(50, 1), later(10, 2), later(30, 3), later(10, 4)]
      const fiber = yield* Effect.fork(Stream.runCollect(inOrder(Stream.fromIterable(tasks), 2)))
      // Two at once: 50 ms of the first, beside 10 + 30 + 10 ms of the others.
      yield* TestClock.adjust(50)
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(fiber)), [1, 2, 3, 4])
    })
  )

  it.effect(
    "tell of a failure after everything that stands before it, and nothing of what stands behind",
    () =>
      Effect.gen(function* () {
        const given: Array<number> = []
        const tasks: ReadonlyArray<Effect.Effect<number, string>> = [
          later(20, 1),
          Effect.fail("second"),
          later(1, 3)
        ]
        const fiber = yield* Effect.fork(
          Stream.runForEach(inOrder(Stream.fromIterable(tasks), 3), (value) =>
            Effect.sync(() => given.push(value))
          )
        )
        yield* TestClock.adjust(20)
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail("second"))
        assert.deepStrictEqual(given, [1])
      })
  )

  it.effect("tell of a failure of what makes them after all that were made", () =>
    Effect.gen(function* () {
      const given: Array<number> = []
      const tasks = Stream.concat(Stream.make(Effect.succeed(1), Effect.succeed(2)), Stream.fail("no more"))
      const exit = yield* Effect.exit(
        Stream.runForEach(inOrder(tasks, 2), (value) => Effect.sync(() => given.push(value)))
      )
      assert.deepStrictEqual(exit, Exit.fail("no more"))
      assert.deepStrictEqual(given, [1, 2])
    })
  )

  it.effect("are made as they are needed, and end with whoever wanted them", () =>
    Effect.gen(function* () {
      let begun = 0
      let ended = 0
      const endless = Stream.repeatEffect(
        Effect.sync(() => {
          begun += 1
          return Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              ended += 1
            })
          )
        })
      ).pipe(Stream.rechunk(40))
      const fiber = yield* Effect.fork(Stream.runDrain(inOrder(endless, 4)))
      yield* TestClock.adjust(1000)
      assert.strictEqual(begun, 40)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(ended, 4)
    })
  )

  it.effect("are asked for one chunk ahead of the one that is worked at", () =>
    Effect.gen(function* () {
      let chunks = 0
      const endless = Stream.repeatEffectChunk(
        Effect.sync(() => {
          chunks += 1
          return Chunk.make(later(10, 10 * chunks), later(100, 10 * chunks + 1))
        })
      )
      const given: Array<number> = []
      const fiber = yield* inOrder(endless, 32).pipe(
        Stream.runForEach((value) => Effect.sync(() => given.push(value))),
        Effect.fork
      )
      yield* TestClock.adjust(99)
      assert.deepStrictEqual([given, chunks], [[10], 2])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([given, chunks], [[10, 11, 20, 21], 4])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("are not asked for while those that have ended wait to be taken", () =>
    Effect.gen(function* () {
      let chunks = 0
      const endless = Stream.repeatEffectChunk(
        Effect.sync(() => {
          chunks += 1
          return Chunk.of(Effect.succeed(chunks))
        })
      )
      const fiber = yield* Effect.fork(Stream.runForEach(inOrder(endless, 32), () => Effect.never))
      yield* TestClock.adjust(1000)
      assert.isAtMost(chunks, 2)
      yield* Fiber.interrupt(fiber)
    })
  )
})
