import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, TestClock } from "effect"
import { Governor } from "../../src/http/Governor.ts"
import { hour, list, testClient } from "./support/client.ts"
import { type FakeVendor, fakeVendor, ok } from "./support/vendor.ts"

const baseUrl = "https://vendor.example/api"

const provide = (vendor: FakeVendor) => Effect.provide(Layer.merge(vendor.layer, Governor.alone))

describe("reading", () => {
  it.scoped("waits out a 429 to the millisecond, and says so", () => {
    const vendor = fakeVendor((_, nth) =>
      nth === 1 ? { status: 429, headers: { "retry-after": "30" } } : ok
    )
    return Effect.gen(function* () {
      const { client, events } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(client.read(list))
      yield* TestClock.adjust("29999 millis")
      assert.strictEqual(vendor.arrivals.length, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(reading)).status, 200)
      assert.deepStrictEqual(
        vendor.arrivals.map(({ at }) => at),
        [0, 30_000]
      )
      assert.deepInclude(events, { _tag: "Waiting", since: 0, until: 30_000, reason: "it asked for 30 s" })
      assert.deepInclude(events, { _tag: "Waited", millis: 30_000 })
      assert.deepInclude(events, { _tag: "RateLimited", status: 429, retryAt: 30_000 })
    }).pipe(provide(vendor))
  })

  it.scoped("asks once per step, and ever later, where a 429 says nothing", () => {
    const vendor = fakeVendor((_, nth) => (nth <= 6 ? { status: 429 } : ok))
    return Effect.gen(function* () {
      const { client } = yield* testClient({ baseUrl })
      const reading = yield* Effect.fork(
        Effect.all([client.read(list), client.read(list)], { concurrency: 2 })
      )
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.join(reading)
      const gaps = vendor.arrivals.slice(1).map(({ at }, index) => at - (vendor.arrivals[index]?.at ?? 0))
      assert.strictEqual(vendor.arrivals.length, 8)
      for (const [index, gap] of gaps.slice(0, 6).entries()) {
        assert.isAtLeast(gap, 1000 * 2 ** index)
        assert.isAtMost(gap, 1250 * 2 ** index)
      }
    }).pipe(provide(vendor))
  })

  it.scoped(
    "fails at once where the vendor asks for longer than allowed, and keeps the promise after that",
    () => {
      const vendor = fakeVendor(() => ({
        status: 429,
        headers: { "retry-after": "600" },
        body: '{"error":"slow down"}'
      }))
      return Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, maxWaitMillis: 60_000 })
        for (const _ of [1, 2]) {
          const error = yield* Effect.flip(client.read(list))
          assert.strictEqual(error._tag, "RateLimited")
          if (error._tag === "RateLimited") assert.strictEqual(error.retryAt, 600_000)
          assert.include(error.message, "Vendor")
        }
        assert.strictEqual(vendor.arrivals.length, 1)
      }).pipe(provide(vendor))
    }
  )

  for (const k of [0, 1, 2, 3, 4, 10, 50]) {
    it.scoped(`asks ${k + 1} times where it is queued ${k} times, never sooner than its schedule`, () => {
      const vendor = fakeVendor((_, nth) => (nth <= k ? { status: 449 } : ok))
      return Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, maxWaitMillis: hour })
        const reading = yield* Effect.fork(client.read(list))
        yield* TestClock.adjust("5 hours")
        assert.strictEqual((yield* Fiber.join(reading)).status, 200)
        assert.strictEqual(vendor.arrivals.length, k + 1)
        const minutes = vendor.arrivals
          .slice(1)
          .map(({ at }, index) => (at - (vendor.arrivals[index]?.at ?? 0)) / 60_000)
        assert.deepStrictEqual(minutes, [1, 2, 4, ...Array.from({ length: 50 }, () => 5)].slice(0, k))
      }).pipe(provide(vendor))
    })
  }
})
