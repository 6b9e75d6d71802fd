import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer } from "effect"
import type { Limit } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { hour, list, testClient } from "../support/client.ts"
import { type FakeVendor, fakeVendor, ok, type Reply } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"
const start = Date.UTC(2026, 2, 7, 10)
const day = 24 * hour

const refusedOnce = (reply: Reply) => fakeVendor((_, nth) => (nth === 1 ? reply : ok))

const provide = (vendor: FakeVendor) => Effect.provide(Layer.merge(vendor.layer, Governor.alone))

/** Milliseconds between the refusal and the next request. */
const gap = ({ arrivals }: FakeVendor): number => (arrivals[1]?.at ?? 0) - (arrivals[0]?.at ?? 0)

const read = (vendor: FakeVendor, limits: ReadonlyArray<Limit> = [], maxWaitMillis = 40 * day) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl, limits, maxWaitMillis })
    return yield* Effect.either(client.read(list))
  }).pipe(Effect.scoped, provide(vendor), (effect) => inVirtualTime(effect, start))

const minutely: Limit = { name: "500 a minute", requests: 500, perMillis: 60_000, scope: "connection" }
const ofPaths: Limit = { name: "5 a second", requests: 5, perMillis: 1000, scope: "path" }

describe("a refusal", () => {
  for (const [scope, limits] of [
    ["unknown limits", []],
    ["a documented limit", [minutely]],
    ["a limit of each path", [ofPaths]]
  ] as const) {
    it.live(`keeps the wait that stands only in the body, with ${scope}`, () =>
      Effect.gen(function* () {
        const vendor = refusedOnce({ status: 429, body: '{"message":"Try again in 3 seconds"}' })
        assert.isTrue(Either.isRight(yield* read(vendor, limits)))
        assert.isAtLeast(gap(vendor), 3000)
        assert.isBelow(gap(vendor), 3200)
      })
    )
  }

  it.live("believes its headers where the body says something else", () =>
    Effect.gen(function* () {
      const vendor = refusedOnce({
        status: 429,
        headers: { "retry-after": "5" },
        body: '{"message":"At most 10 requests; try again in 10 minutes"}'
      })
      yield* read(vendor)
      assert.strictEqual(gap(vendor), 5000)
    })
  )

  it.live("reads an instant instead of decades", () =>
    Effect.gen(function* () {
      for (const value of [start / 1000 + 30, start + 30_000]) {
        const vendor = refusedOnce({ status: 429, headers: { "retry-after": String(value) } })
        assert.isTrue(Either.isRight(yield* read(vendor, [], hour)))
        assert.strictEqual(gap(vendor), 30_000)
      }
    })
  )

  it.live("that asks for a wait beyond reason is asked again after a day, and says so", () =>
    Effect.gen(function* () {
      for (const status of [429, 449, 503]) {
        const vendor = refusedOnce({ status, headers: { "retry-after": "99999999999" } })
        const failed = yield* read(vendor, [], hour)
        const error = Either.isLeft(failed) ? failed.left : null
        assert.isNotNull(error)
        assert.include(error?.message ?? "", "it asks to wait 3169 years, which is beyond reason")
        assert.strictEqual(vendor.arrivals.length, 1)
        assert.isTrue(
          Either.isRight(yield* read(refusedOnce({ status, headers: { "retry-after": "99999999999" } })))
        )
        const patient = refusedOnce({ status, headers: { "retry-after": "99999999999" } })
        yield* read(patient)
        assert.strictEqual(gap(patient), day)
      }
    })
  )

  it.live("may ask for as long as a documented window lasts", () =>
    Effect.gen(function* () {
      const monthly: Limit = {
        name: "9,000 in 30 days",
        requests: 9000,
        perMillis: 30 * day,
        scope: "connection"
      }
      const vendor = refusedOnce({ status: 429, headers: { "retry-after": String(20 * 86_400) } })
      yield* read(vendor, [monthly])
      assert.strictEqual(gap(vendor), 20 * day)
    })
  )

  it.live("keeps the wait of a queue or a failing server that stands only in the body", () =>
    Effect.gen(function* () {
      const queued = refusedOnce({
        status: 449,
        body: '{"message":"In queue. Please try again in 7 minutes."}'
      })
      yield* read(queued)
      assert.strictEqual(gap(queued), 7 * 60_000)
      const failing = refusedOnce({ status: 503, body: '{"retry_after": 90}' })
      yield* read(failing)
      assert.strictEqual(gap(failing), 90_000)
    })
  )

  it.live("believes no window that ends in decades", () =>
    Effect.gen(function* () {
      const vendor = fakeVendor(() => ({
        ...(ok as object),
        status: 200,
        headers: {
          "x-ratelimit-limit": "2",
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": "99999999999"
        }
      }))
      yield* Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [], maxWaitMillis: 40 * day })
        yield* client.read(list)
        yield* client.read(list)
      }).pipe(Effect.scoped, provide(vendor), (effect) => inVirtualTime(effect, start))
      assert.isAtMost(gap(vendor), day)
    })
  )
})
