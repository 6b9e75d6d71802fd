import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Ref, Stream, TestClock } from "effect"
import { batches } from "../src/batches.ts"

const options = { weigh: (element: number) => element, weight: 10, withinMillis: 500 }
const collect = <E>(stream: Stream.Stream<ReadonlyArray<number>, E>) =>
  Effect.map(Stream.runCollect(stream), Chunk.toReadonlyArray)

describe("gathering in batches", () => {
  it.effect("fills each batch up to its weight, and gives what alone is heavier by itself", () =>
    Effect.gen(function* () {
      const source = Stream.make(4, 4, 4, 25, 1, 9, 1)
      assert.deepStrictEqual(yield* collect(batches(source, options)), [[4, 4], [4], [25], [1, 9], [1]])
      assert.deepStrictEqual(yield* collect(batches(Stream.empty, options)), [])
    })
  )

  it.effect("tells of a failure after everything that came before it", () =>
    Effect.gen(function* () {
      const given: Array<ReadonlyArray<number>> = []
      const source = Stream.concat(Stream.make(1, 2), Stream.fail("broken"))
      const exit = yield* batches(source, options).pipe(
        Stream.runForEach((batch) => Effect.sync(() => given.push(batch))),
        Effect.exit
      )
      assert.deepStrictEqual(exit, Exit.fail("broken"))
      assert.deepStrictEqual(given, [[1, 2]])
    })
  )

  it.effect("gives few elements once they have waited", () =>
    Effect.gen(function* () {
      const given = yield* Ref.make<ReadonlyArray<ReadonlyArray<number>>>([])
      const source = Stream.concat(Stream.make(1, 2), Stream.never)
      const fiber = yield* Effect.fork(
        Stream.runForEach(batches(source, options), (batch) => Ref.update(given, (all) => [...all, batch]))
      )
      yield* TestClock.adjust(499)
      assert.deepStrictEqual(yield* given, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* given, [[1, 2]])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("lets the source run ahead while a batch is worked at, but not for ever", () =>
    Effect.gen(function* () {
      let made = 0
      const source = Stream.repeatEffect(Effect.sync(() => ++made && 5)).pipe(Stream.rechunk(1))
      const fiber = yield* Effect.fork(Stream.runForEach(batches(source, options), () => Effect.never))
      yield* TestClock.adjust(1000)
      // One batch is worked at, two are gathered, and one element is in the source's hand.
      assert.strictEqual(made, 6)
      yield* Fiber.interrupt(fiber)
    })
  )
})
