import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { type RateSearch, rateOf, refused, resumed, served } from "../../../src/http/limits/rateSearch.ts"
import { list, testClient } from "../support/client.ts"
import { type FakeVendor, fakeVendor, ok } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"

/** A bucket of `burst` that is refilled `perSecond` times a second; refusals cost nothing and name a wait. */
const tokenBucket = (
  perSecond: number,
  burst: number,
  retryAfter: string | null,
  delay: number,
  stall = 0
) => {
  let tokens = burst
  let last = 0
  const refusals: Array<number> = []
  const vendor = fakeVendor(
    ({ at }) => {
      tokens = Math.min(burst, tokens + ((at - last) / 1000) * perSecond)
      last = at
      if (tokens >= 1) {
        tokens -= 1
        return ok
      }
      refusals.push(at)
      return { status: 429, headers: retryAfter === null ? {} : { "retry-after": retryAfter } }
    },
    delay,
    stall
  )
  return { vendor, refusals }
}

const fetchAll = (vendor: FakeVendor, requests: number, options: Parameters<typeof testClient>[0]) =>
  Effect.gen(function* () {
    const { client } = yield* testClient(options)
    const started = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    yield* Effect.forEach(Array.from({ length: requests }), () => client.read(list), {
      concurrency: 64,
      discard: true
    })
    return (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - started
  }).pipe(Effect.provide(Layer.merge(vendor.layer, Governor.alone)), Effect.scoped, inVirtualTime)

describe("a limit that nobody told", () => {
  for (const delay of [2, 50]) {
    it.live(`of 50 a second is found within 1.5 times the least time (answers take ${delay} ms)`, () =>
      Effect.gen(function* () {
        const { vendor, refusals } = tokenBucket(50, 5, "1", delay)
        const took = yield* fetchAll(vendor, 505, { baseUrl, concurrency: null })
        assert.isAtMost(took, 15_000)
        assert.isAtMost(refusals.length, 10)
      })
    )
    it.live(`of 50 a second, told, is used (answers take ${delay} ms)`, () =>
      Effect.gen(function* () {
        const { vendor, refusals } = tokenBucket(50, 5, "1", delay)
        const limits = [{ name: "50 a second", requests: 50, perMillis: 1000, scope: "connection" }] as const
        const took = yield* fetchAll(vendor, 505, { baseUrl, concurrency: null, limits })
        assert.isAtMost(took, 10_500)
        assert.deepStrictEqual(refusals, [])
      })
    )
  }

  it.live("is not in the way where there is none: many requests are soon in flight", () =>
    Effect.gen(function* () {
      const vendor = fakeVendor(() => ok, 50)
      const took = yield* fetchAll(vendor, 505, { baseUrl, concurrency: null })
      // 32 at once from the first moment on would take 16 rounds.
      assert.isAtMost(took, 1.25 * 16 * 50)
      // Careful all the same: what leaves grows with what was served, in steps of about a round trip.
      const inRound = (round: number) =>
        vendor.arrivals.filter(({ at }) => Math.floor(at / 100) === round).length
      assert.isAtMost(inRound(0), 4)
      for (let round = 1; round < 6; round += 1) {
        assert.isAtMost(inRound(round), Math.max(8, 4 * inRound(round - 1)))
      }
    })
  )
})

describe("a limit that is spread evenly", () => {
  it.live("becomes no burst where the vendor, or the way to it, stalls again and again", () =>
    Effect.gen(function* () {
      const { vendor, refusals } = tokenBucket(50, 5, "1", 1, 150)
      const limits = [{ name: "50 a second", requests: 50, perMillis: 1000, scope: "connection" }] as const
      yield* fetchAll(vendor, 300, { baseUrl, concurrency: null, limits })
      assert.deepStrictEqual(refusals, [])
    })
  )
})

describe("a documented limit that is refused in bursts", () => {
  const use = { served: 5, limit: 1500, interval: 0, evenInterval: 40 }
  const searched = [1000, 2000, 3000].reduce<RateSearch | null>(
    (search, now) => refused(search, use, now),
    null
  )
  const later = (hours: number) => {
    const now = hours * 3_600_000
    return searched === null ? null : rateOf(resumed(searched, now), now)
  }

  it("is used evenly by the runs of a day, and then in bursts again", () => {
    assert.strictEqual(later(0), 25)
    assert.strictEqual(later(23), 25)
    assert.isNull(later(25))
    assert.isNull(later(200))
  })

  it("is not used evenly after two refusals, or after three of which each came after many requests", () => {
    const twice = refused(refused(null, use, 1000), use, 2000)
    assert.isNull(rateOf(twice, 2000))
    let seldom = refused(null, use, 1000)
    for (const now of [2000, 3000]) seldom = refused(served(seldom, 50, now), use, now)
    assert.isNull(rateOf(seldom, 3000))
  })
})
