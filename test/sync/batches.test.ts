import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, Fiber, Ref, Stream, TestClock } from "effect"
import { inBatches } from "../../src/sync/batches.ts"

const options = { weigh: (element: number) => element, weight: 10, withinMillis: 500 }
/** The batches as they are asked to be worked at. */
const batches = <A, E>(
  source: Stream.Stream<A, E>,
  chosen: Parameters<typeof inBatches<A, E, unknown, never, never>>[1]
) => inBatches(source, chosen, (batch) => Effect.succeed(batch))
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

  it.effect("gives what is to be awaited at once, and asks for nothing more until it was worked at", () =>
    Effect.gen(function* () {
      let made = 0
      const given: Array<ReadonlyArray<number>> = []
      const source = Stream.repeatEffect(Effect.sync(() => ++made)).pipe(Stream.rechunk(1))
      const isAwaited = (element: number) => element % 3 === 0
      const slowly = (batch: ReadonlyArray<number>) =>
        Effect.zipRight(
          Effect.sync(() => given.push(batch)),
          Effect.sleep(1000)
        )
      const fiber = yield* inBatches(source, { ...options, weight: 100, isAwaited, atOnce: 2 }, slowly).pipe(
        Stream.runDrain,
        Effect.fork
      )
      yield* TestClock.adjust(999)
      assert.deepStrictEqual([given, made], [[[1, 2, 3]], 3])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(
        [given, made],
        [
          [
            [1, 2, 3],
            [4, 5, 6]
          ],
          6
        ]
      )
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("awaits all of what it needs several batches for", () =>
    Effect.gen(function* () {
      let made = 0
      const given: Array<ReadonlyArray<number>> = []
      const source = Stream.repeatEffectChunk(Effect.sync(() => Chunk.make(++made, ++made, ++made)))
      const isAwaited = (element: number) => element % 3 === 0
      const slowly = (batch: ReadonlyArray<number>) =>
        Effect.zipRight(
          Effect.sync(() => given.push(batch)),
          Effect.sleep(1000)
        )
      const chosen = { weigh: () => 5, weight: 10, withinMillis: 500, isAwaited }
      const fiber = yield* Effect.fork(Stream.runDrain(inBatches(source, chosen, slowly)))
      yield* TestClock.adjust(1999)
      assert.deepStrictEqual([given, made], [[[1, 2], [3]], 3])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([given.at(2), made], [[4, 5], 6])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect.each([1, 2])("lets the source run ahead by as much as a batch, with %i at once", (atOnce) =>
    Effect.gen(function* () {
      let made = 0
      let begun = 0
      const source = Stream.repeatEffect(Effect.sync(() => ++made && 5)).pipe(Stream.rechunk(1))
      const never = () =>
        Effect.zipRight(
          Effect.sync(() => ++begun),
          Effect.never
        )
      const fiber = yield* Effect.fork(Stream.runDrain(inBatches(source, { ...options, atOnce }, never)))
      yield* TestClock.adjust(1000)
      // One batch is worked at, and one is gathered, or waits for its turn.
      assert.deepStrictEqual([begun, made], [atOnce, 4])
      yield* Fiber.interrupt(fiber)
    })
  )
})
