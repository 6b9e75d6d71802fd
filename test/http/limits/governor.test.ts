import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Redacted } from "effect"
import * as FastCheck from "effect/FastCheck"
import type { Limit, ProviderRequest } from "../../../src/http/contract.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { hour, list, testClient } from "../support/client.ts"
import { most, slidingWindow } from "../support/slidingWindow.ts"
import { type FakeVendor, fakeVendor, ok } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"

const run = <A, E>(
  vendor: FakeVendor,
  effect: Effect.Effect<A, E, Effect.Effect.Context<ReturnType<typeof testClient>>>
) => effect.pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.alone)), inVirtualTime)

const times = <A, E>(count: number, effect: Effect.Effect<A, E>, concurrency = 32) =>
  Effect.forEach(Array.from({ length: count }), () => effect, { concurrency, discard: true })

const minute: Limit = { name: "100 a minute", requests: 100, perMillis: 60_000, scope: "connection" }

describe("a limit", () => {
  it.live("is spent at once where it is a minute's, and then waited for", () => {
    const { vendor, served, refusals } = slidingWindow(100, 60_000, 20)
    return run(
      vendor,
      Effect.gen(function* () {
        const { client, events } = yield* testClient({ baseUrl, limits: [minute], concurrency: 8 })
        yield* times(250, client.read(list))
        assert.deepStrictEqual(refusals, [])
        assert.isAtMost(served[99] ?? 0, 1000)
        assert.isAtMost(served[249] ?? 0, 122_000)
        const waits = events.filter((event) => event._tag === "Waiting")
        assert.isTrue(
          waits.every(
            (wait) => wait._tag === "Waiting" && wait.reason === "its limit (100 a minute) is used up"
          )
        )
        // One wait is told once, however many requests wait.
        assert.isAtMost(waits.length, 4)
      })
    )
  })

  it.live("is spread evenly where it is a second's", () => {
    const vendor = fakeVendor(() => ok, 5)
    const limits: ReadonlyArray<Limit> = [
      { name: "20 a second", requests: 20, perMillis: 1000, scope: "connection" }
    ]
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits, concurrency: 8 })
        yield* times(60, client.read(list))
        assert.isAtMost(
          most(
            vendor.arrivals.map(({ at }) => at),
            100
          ),
          3
        )
        assert.isAtLeast(vendor.arrivals.at(-1)?.at ?? 0, 2900)
      })
    )
  })

  it.live("is used only as far as the quota goes", () => {
    const vendor = fakeVendor(() => ok, 20)
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], quota: 0.6, concurrency: 8 })
        yield* times(130, client.read(list))
        assert.strictEqual(
          most(
            vendor.arrivals.map(({ at }) => at),
            60_000
          ),
          60
        )
      })
    )
  })

  it.live("that allows nothing for longer than the user waits ends with the time to come back", () => {
    const vendor = fakeVendor(() => ok, 20)
    const limits: ReadonlyArray<Limit> = [
      { name: "10 an hour", requests: 10, perMillis: hour, scope: "connection" }
    ]
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits, maxWaitMillis: 60_000 })
        yield* times(10, client.read(list), 1)
        const error = yield* Effect.flip(client.read(list))
        assert.strictEqual(error._tag, "RateLimited")
        assert.isAtLeast(error._tag === "RateLimited" ? error.retryAt : 0, hour)
        assert.include(error.message, "10 an hour")
        assert.strictEqual(vendor.arrivals.length, 10)
      })
    )
  })

  it.live("of some requests only does not hold the others", () => {
    const exporting: ProviderRequest = { operation: "export", method: "POST", path: "/export" }
    const limits: ReadonlyArray<Limit> = [
      {
        name: "5 an hour",
        requests: 5,
        perMillis: hour,
        scope: "connection",
        applies: ({ path }) => path === "/export"
      },
      { name: "1,000 a minute", requests: 1000, perMillis: 60_000, scope: "connection" }
    ]
    const vendor = fakeVendor(() => ok, 20)
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits, maxWaitMillis: 2 * hour, concurrency: 8 })
        const exports_ = yield* Effect.fork(times(6, client.read(exporting)))
        yield* times(200, client.read(list))
        assert.isAtMost(yield* Clock.currentTimeMillis, 2000)
        yield* Fiber.join(exports_)
        assert.isAtLeast(yield* Clock.currentTimeMillis, hour)
      })
    )
  })

  it.live("of each path is kept for each, and a refusal of one path stops that one", () => {
    const limits: ReadonlyArray<Limit> = [{ name: "5 a second", requests: 5, perMillis: 1000, scope: "path" }]
    const vendor = fakeVendor(
      ({ path, at }) =>
        path === "/api/one" && at < 30_000 ? { status: 429, headers: { "retry-after": "30" } } : ok,
      10
    )
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits, concurrency: 16 })
        const stuck = yield* Effect.fork(client.read({ ...list, path: "/one" }))
        yield* Effect.forEach(
          Array.from({ length: 1000 }, (_, index) => index),
          (index) => client.read({ ...list, path: `/contact/${index}` }),
          { concurrency: 32, discard: true }
        )
        yield* times(20, client.read({ ...list, path: "/two" }))
        assert.isAtMost(yield* Clock.currentTimeMillis, 6000)
        yield* Fiber.join(stuck)
        const toOne = vendor.arrivals.filter(({ path }) => path === "/api/one").map(({ at }) => at)
        assert.strictEqual(toOne.length, 2)
        assert.isAtLeast(toOne[1] ?? 0, 30_000)
        assert.isAtMost(
          most(
            vendor.arrivals.filter(({ path }) => path === "/api/two").map(({ at }) => at),
            1000
          ),
          5
        )
      })
    )
  })

  it.live("of the whole account is suspected where many paths are refused at once", () => {
    const limits: ReadonlyArray<Limit> = [{ name: "5 a second", requests: 5, perMillis: 1000, scope: "path" }]
    const vendor = fakeVendor(
      ({ at }) => (at < 20_000 ? { status: 429, headers: { "retry-after": "20" } } : ok),
      10
    )
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits, concurrency: 2 })
        yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => index),
          (index) => client.read({ ...list, path: `/contact/${index}` }),
          { concurrency: 32, discard: true }
        )
        assert.isAtMost(vendor.arrivals.filter(({ at }) => at < 20_000).length, 5)
      })
    )
  })
})

describe("what the headers say", () => {
  const stating = (limit: number) => (remaining: number) => ({
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": "60"
  })

  it.live("is believed at once where it is less than documented", () => {
    const { vendor, refusals } = slidingWindow(40, 60_000, 20, stating(40))
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], concurrency: 4 })
        yield* times(100, client.read(list))
        assert.deepStrictEqual(refusals, [])
      })
    )
  })

  it.live("is used where it is more than documented", () => {
    const { vendor, served } = slidingWindow(400, 60_000, 20, stating(400))
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], concurrency: 4 })
        yield* times(400, client.read(list))
        assert.isAtMost(served.at(-1) ?? 0, 10_000)
      })
    )
  })

  it.live("shows that somebody else uses the same credential", () => {
    // The other one has used 70 of 100, and we are never refused.
    const { vendor, refusals } = slidingWindow(30, 60_000, 20, (remaining) => stating(100)(remaining))
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], concurrency: 2 })
        yield* times(60, client.read(list))
        assert.deepStrictEqual(refusals, [])
      })
    )
  })

  it.live("is heeded where no limit is known", () => {
    const { vendor, refusals } = slidingWindow(30, 10_000, 20, (remaining) => ({
      "x-ratelimit-remaining": String(remaining),
      "x-ratelimit-reset": "10"
    }))
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl })
        yield* times(100, client.read(list))
        assert.deepStrictEqual(refusals, [])
      })
    )
  })
})

describe("a vendor that allows less than it documents, and does not say so", () => {
  it.live("is believed once it has refused twice at the same count, and asked again an hour later", () => {
    const { vendor, refusals, served } = slidingWindow(60, 60_000, 20)
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], concurrency: 2 })
        yield* times(900, client.read(list))
        const episodes = new Set(refusals.map((at) => Math.round(at / 30_000))).size
        assert.strictEqual(episodes, 2)
        assert.isAtMost(refusals.length, 2 * 2 + 2)
        assert.isAtMost(served.at(-1) ?? 0, 1.05 * 15 * 60_000)
        yield* Effect.sleep("1 hour")
        const before = refusals.length
        yield* times(300, client.read(list))
        // Whether it still does is asked once.
        assert.isAtLeast(refusals.length - before, 1)
        assert.isAtMost(refusals.length - before, 3)
      })
    )
  })

  it.live("is found where requests are spread evenly, with few refusals", () => {
    const { vendor, refusals } = slidingWindow(15, 1000, 5)
    const limits: ReadonlyArray<Limit> = [
      { name: "25 a second", requests: 25, perMillis: 1000, scope: "connection" }
    ]
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits, concurrency: 4 })
        yield* times(600, client.read(list))
        assert.isAtMost(refusals.length, 8)
        assert.isAtMost(yield* Clock.currentTimeMillis, 1.5 * 40_000)
      })
    )
  })

  it.live("is found where the sum holds but bursts are refused, which are tried again a day later", () => {
    let tokens = 5
    let last = 0
    let refusals = 0
    const vendor = fakeVendor(({ at }) => {
      tokens = Math.min(5, tokens + (at - last) / 200)
      last = at
      if (tokens >= 1) {
        tokens -= 1
        return ok
      }
      refusals += 1
      return { status: 429, headers: { "retry-after": "1" } }
    }, 20)
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], concurrency: 8 })
        const took = Effect.gen(function* () {
          const from = yield* Clock.currentTimeMillis
          yield* times(150, client.read(list))
          return (yield* Clock.currentTimeMillis) - from
        })
        assert.isAtMost(yield* took, 1.2 * 90_000)
        assert.isAtMost(refusals, 3 * 8)
        const before = refusals
        yield* Effect.sleep("2 hours")
        yield* took
        assert.strictEqual(refusals, before)
        yield* Effect.sleep("25 hours")
        yield* took
        assert.isAbove(refusals, before)
        assert.isAtMost(refusals, 2 * before + 8)
      })
    )
  })

  it.live("is taken to allow even less where it refuses just below what was found", () => {
    let allowed = 60
    let served: Array<number> = []
    let refusals = 0
    const vendor = fakeVendor(({ at }) => {
      served = served.filter((time) => time > at - 60_000)
      if (served.length < allowed) {
        served.push(at)
        return ok
      }
      refusals += 1
      return { status: 429, headers: { "retry-after": "60" } }
    }, 20)
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], concurrency: 1 })
        yield* times(240, client.read(list))
        assert.strictEqual(refusals, 2)
        allowed = 58
        yield* times(580, client.read(list))
        assert.strictEqual(refusals, 3)
      })
    )
  })

  it.live("is not suspected where single refusals come at different counts", () => {
    const vendor = fakeVendor(
      (_, nth) => (nth % 160 === 25 ? { status: 429, headers: { "retry-after": "1" } } : ok),
      5
    )
    return run(
      vendor,
      Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits: [minute], concurrency: 1 })
        yield* times(590, client.read(list))
        // Five whole windows and what they leave: no slower than the documented limit.
        assert.isAtMost(yield* Clock.currentTimeMillis, 5.2 * 60_000)
      })
    )
  })
})

describe("lanes", () => {
  it.live("go in their order where a limit leaves room for one", () => {
    const vendor = fakeVendor(() => ok, 10)
    const limits: ReadonlyArray<Limit> = [
      { name: "10 a second", requests: 10, perMillis: 1000, scope: "connection" }
    ]
    return run(
      vendor,
      Effect.gen(function* () {
        const lanes = ["verify", "backfill", "sync", "push"] as const
        yield* Effect.forEach(
          lanes,
          (lane) =>
            Effect.gen(function* () {
              const { client } = yield* testClient({ baseUrl, limits, lane, concurrency: 4 })
              yield* times(10, client.read({ ...list, path: `/${lane}` }))
            }),
          { concurrency: "unbounded" }
        )
        const order = vendor.arrivals.slice(4).map(({ path }) => path.slice("/api/".length))
        // Behind the few that were first at the door, each lane is through before the next one begins.
        const firsts = lanes.map((lane) => order.lastIndexOf(lane))
        assert.deepStrictEqual(
          firsts,
          firsts.toSorted((left, right) => right - left)
        )
      })
    )
  })
})

describe("connections", () => {
  it.live("do not wait for one another", () => {
    const vendor = fakeVendor(
      ({ headers, at }) =>
        headers.authorization === "Bearer stuck" && at < 60_000
          ? { status: 429, headers: { "retry-after": "60" } }
          : ok,
      5
    )
    const limits: ReadonlyArray<Limit> = [
      { name: "50 a second", requests: 50, perMillis: 1000, scope: "connection" }
    ]
    const clientOf = (token: string) =>
      testClient({
        baseUrl,
        limits,
        concurrency: 8,
        authorization: {
          _tag: "Fixed",
          headers: { authorization: Redacted.make(`Bearer ${token}`) },
          credential: Redacted.make(token),
          setting: "token"
        }
      })
    const three = Effect.gen(function* () {
      const clients = yield* Effect.forEach(["a", "b", "c"], clientOf)
      const startedAt = yield* Clock.currentTimeMillis
      yield* Effect.forEach(clients, ({ client }) => times(500, client.read(list)), {
        concurrency: "unbounded"
      })
      return (yield* Clock.currentTimeMillis) - startedAt
    })
    return Effect.gen(function* () {
      const alone = yield* run(vendor, three)
      const beside = yield* run(
        vendor,
        Effect.gen(function* () {
          const { client } = yield* clientOf("stuck")
          const stuck = yield* Effect.fork(client.read(list))
          const took = yield* three
          yield* Fiber.interrupt(stuck)
          return took
        })
      )
      assert.isAtMost(beside, alone * 1.01)
    })
  })
})

describe("whatever the limit, the delay and the number of requests", () => {
  it("no window of the vendor's ever holds more", { timeout: 60_000 }, () =>
    FastCheck.assert(
      FastCheck.asyncProperty(
        FastCheck.integer({ min: 1, max: 40 }),
        FastCheck.constantFrom(500, 1000, 5000, 60_000),
        FastCheck.integer({ min: 0, max: 400 }),
        FastCheck.integer({ min: 1, max: 16 }),
        FastCheck.boolean(),
        async (requests, perMillis, delay, concurrency, burst) => {
          const { vendor, served, refusals } = slidingWindow(requests, perMillis, delay)
          const limits: ReadonlyArray<Limit> = [
            { name: "it", requests, perMillis, scope: "connection", burst }
          ]
          const program = run(
            vendor,
            Effect.gen(function* () {
              const { client } = yield* testClient({ baseUrl, limits, concurrency })
              yield* times(requests * 2 + 5, client.read(list))
            })
          )
          await Effect.runPromise(program)
          assert.deepStrictEqual(refusals, [])
          assert.strictEqual(served.length, requests * 2 + 5)
        }
      ),
      { numRuns: 25 }
    )
  )
})
