import { assert, describe, it } from "@effect/vitest"
import { Cause, Chunk, Effect, Exit, Fiber, Layer, Stream, TestClock } from "effect"
import { Malformed, type ProviderError } from "../../../src/domain/ProviderError.ts"
import type { Answer, ProviderClient } from "../../../src/http/client.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { asking, inOrder } from "../../../src/providers/kit/parallel.ts"
import { list, testClient } from "../../http/support/client.ts"
import { fakeVendor, ok } from "../../http/support/vendor.ts"
import { inVirtualTime } from "../../http/support/virtualTime.ts"

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

describe("tasks that begin with a request", () => {
  const request = { operation: "get a conversation", method: "GET", path: "/one" } as const
  const answer = { text: "one" } as Answer
  const garbled = new Malformed({ message: "no list", hint: "", where: "", detail: "no list" })

  type Done = Parameters<ProviderClient["begin"]>[1]
  /** A client of which nothing is answered until it is told to, and what was begun and broken off. */
  const waiting = () => {
    const begun: Array<Done> = []
    let brokenOff = 0
    const begin: ProviderClient["begin"] = (_, done) => {
      begun.push(done)
      return () => {
        brokenOff += 1
      }
    }
    return { client: { begin }, begun, brokenOff: () => brokenOff }
  }
  const read = ({ text }: Answer): Effect.Effect<string, ProviderError> => Exit.succeed(text)
  const run = (client: Pick<ProviderClient, "begin">, then = read, count = 1) =>
    inOrder<string, ProviderError, never>(
      Stream.fromIterable(
        Array.from({ length: count }, () => asking(client, request, then, ({ detail }) => detail))
      ),
      2
    ).pipe(Stream.runCollect, Effect.map(Chunk.toReadonlyArray), Effect.fork)

  it.effect(
    "give what follows the answer, whether that is known at once or not, and whoever made it wait",
    () =>
      Effect.gen(function* () {
        const { begun, client } = waiting()
        const later = (given: Answer) => Effect.delay(read(given), 10)
        const fiber = yield* run(client, (given) => (begun.length < 3 ? read(given) : later(given)), 3)
        yield* TestClock.adjust(0)
        begun[0]?.(Exit.succeed(answer))
        begun[1]?.(Effect.delay(Exit.succeed({ ...answer, text: "two" }), 10))
        yield* TestClock.adjust(10)
        begun[2]?.(Exit.succeed({ ...answer, text: "three" }))
        yield* TestClock.adjust(10)
        assert.deepStrictEqual(yield* Fiber.join(fiber), ["one", "two", "three"])
      })
  )

  it.effect(
    "keep an answer that is not what the vendor documents, from the request or from what follows it",
    () =>
      Effect.gen(function* () {
        const { begun, client } = waiting()
        const fiber = yield* run(client, () => Exit.fail(garbled), 2)
        yield* TestClock.adjust(0)
        begun[0]?.(Exit.fail(garbled))
        begun[1]?.(Exit.succeed(answer))
        assert.deepStrictEqual(yield* Fiber.join(fiber), ["no list", "no list"])
      })
  )

  it.effect("end everything where the program has a fault", () =>
    Effect.gen(function* () {
      const { begun, client } = waiting()
      const fault = new Error("no such field")
      const fiber = yield* run(client, () => {
        throw fault
      })
      yield* TestClock.adjust(0)
      begun[0]?.(Exit.succeed(answer))
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.failCause(Cause.die(fault)))
    })
  )

  it.effect("are broken off with whoever wanted them, and those that wait are never begun", () =>
    Effect.gen(function* () {
      const { begun, brokenOff, client } = waiting()
      const fiber = yield* run(client, read, 5)
      yield* TestClock.adjust(0)
      begun[0]?.(Exit.succeed(answer))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([begun.length, brokenOff()], [3, 2])
    })
  )
})

describe("requests that wait for their turn", () => {
  const often = { name: "5,000 a second", requests: 5_000, perMillis: 1000, scope: "connection" } as const

  it.live("are not sent where whoever wanted them ends", () =>
    Effect.gen(function* () {
      const vendor = fakeVendor(() => "silence")
      const told = yield* Effect.gen(function* () {
        const { client, events } = yield* testClient({
          baseUrl: "https://vendor.example/api",
          limits: [often],
          concurrency: 2
        })
        const tasks = Array.from({ length: 12 }, (_, index) =>
          asking(
            client,
            { ...list, path: `/conversations/${index}` },
            ({ text }) => Exit.succeed(text),
            () => ""
          )
        )
        const pull = inOrder<string, ProviderError, never>(Stream.fromIterable(tasks), 12)
        const fiber = yield* Effect.fork(Stream.runDrain(pull))
        yield* Effect.sleep(100)
        yield* Fiber.interrupt(fiber)
        yield* Effect.sleep(1000)
        return events.map(({ _tag }) => _tag)
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.alone)), inVirtualTime)
      assert.deepStrictEqual(told, ["Sent", "Sent", "Unanswered", "Unanswered"])
    })
  )

  it.live("tell nothing more of one that has called back", () =>
    Effect.gen(function* () {
      const vendor = fakeVendor(() => "reset")
      yield* Effect.gen(function* () {
        const { client, events } = yield* testClient({ baseUrl: "https://vendor.example/api" })
        const breakOff = yield* Effect.async<() => void>((resume) => {
          const stop = client.begin(list, () => resume(Effect.succeed(() => stop())))
        })
        breakOff()
        assert.deepStrictEqual(
          events.map(({ _tag }) => _tag),
          ["Sent"]
        )
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.alone)), inVirtualTime)
    })
  )

  it.live("are never sent to another address", () =>
    Effect.gen(function* () {
      const vendor = fakeVendor(() => ok)
      yield* Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl: "https://vendor.example/api" })
        const task = asking(
          client,
          { ...list, path: "/conversations/.." },
          ({ text }) => Exit.succeed(text),
          () => ""
        )
        const exit = yield* Effect.exit(
          Stream.runDrain(inOrder<string, ProviderError, never>(Stream.make(task), 1))
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.deepStrictEqual(vendor.arrivals, [])
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.alone)), inVirtualTime)
    })
  )
})
