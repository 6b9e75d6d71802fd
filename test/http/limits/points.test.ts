import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Lane, Limit, ProviderRequest } from "../../../src/http/contract.ts"
import { accountKey, originKey } from "../../../src/http/exchange/accountKey.ts"
import { Governor } from "../../../src/http/limits/Governor.ts"
import { readLearnedLimits } from "../../../src/http/limits/shared/heldBack.ts"
import { list, testClient, token } from "../support/client.ts"
import { fakeVendor, ok } from "../support/vendor.ts"
import { inVirtualTime } from "../support/virtualTime.ts"

const baseUrl = "https://vendor.example/api"

/** A request that costs so many points. */
const costing = (points: number): ProviderRequest => ({ ...list, query: { points } })

const pointsIn = (path: string): number => Number(new URL(path, baseUrl).searchParams.get("points"))

const limits: ReadonlyArray<Limit> = [
  {
    name: "600 points a minute",
    requests: 600,
    perMillis: 60_000,
    scope: "connection",
    costs: ({ query }) => Number(query?.points ?? 1)
  }
]

/** A vendor that allows 600 points in any minute. */
const counting = () => {
  const served: Array<{ readonly at: number; readonly points: number }> = []
  const refusals: Array<number> = []
  const vendor = fakeVendor(({ at, path }) => {
    const points = pointsIn(path)
    const recent = served.filter((one) => one.at > at - 60_000).reduce((sum, one) => sum + one.points, 0)
    if (recent + points > 600) {
      refusals.push(at)
      return { status: 429, headers: { "retry-after": "60" } }
    }
    served.push({ at, points })
    return ok
  }, 20)
  return { vendor, served, refusals }
}

const work = (requests: ReadonlyArray<ProviderRequest>, lane: Lane = "sync", quota = 1) =>
  Effect.gen(function* () {
    const { client } = yield* testClient({ baseUrl, limits, concurrency: 8, lane, quota })
    yield* Effect.forEach(requests, (request) => client.read(request), { concurrency: 32, discard: true })
  }).pipe(Effect.scoped)

const mixed = Array.from({ length: 300 }, (_, index) =>
  costing(index % 50 === 9 ? 200 : index % 3 === 0 ? 10 : 2)
)
const pointsOf = (requests: ReadonlyArray<ProviderRequest>): number =>
  requests.reduce((sum, { query }) => sum + Number(query?.points), 0)

describe("a limit of points", () => {
  it.live("is never passed, and used up, by requests that cost one and two hundred", () => {
    const { refusals, served, vendor } = counting()
    return Effect.gen(function* () {
      yield* work(mixed)
      assert.deepStrictEqual(refusals, [])
      assert.strictEqual(served.length, mixed.length)
      // What is left of a minute may be too little for the next request.
      assert.isAtMost(served.at(-1)?.at ?? 0, Math.ceil(pointsOf(mixed) / (600 - 199)) * 60_000)
    }).pipe(Effect.provide(Layer.merge(vendor.layer, Governor.alone)), inVirtualTime)
  })

  it.live("is kept together by processes, in which a costly request has its turn too", () => {
    const { refusals, served, vendor } = counting()
    const file = join(mkdtempSync(join(tmpdir(), "parley-points-")), "quota.db")
    const some = mixed.slice(0, 100)
    const process = (lane: Lane, requests: ReadonlyArray<ProviderRequest>) =>
      Effect.provide(work(requests, lane), Layer.merge(vendor.layer, Governor.sharedIn(file)))
    return Effect.gen(function* () {
      yield* Effect.all([process("sync", some), process("backfill", some)], { concurrency: 2 })
      assert.deepStrictEqual(refusals, [])
      assert.strictEqual(served.length, 2 * some.length)
      assert.isAtMost(served.at(-1)?.at ?? 0, Math.ceil((2 * pointsOf(some)) / (600 - 199)) * 60_000)
    }).pipe(inVirtualTime)
  })

  it.live("lets a request leave that costs more than there ever is, alone", () => {
    const vendor = fakeVendor(() => ok, 20)
    return Effect.gen(function* () {
      yield* work([costing(900), costing(10)], "sync", 0.5)
      const [first, second] = vendor.arrivals
      assert.strictEqual(first?.at, 0)
      assert.isAtLeast(second?.at ?? 0, 60_000)
    }).pipe(Effect.provide(Layer.merge(vendor.layer, Governor.alone)), inVirtualTime)
  })

  it.live("that is refused for a while holds back everything, and a look says so", () => {
    const vendor = fakeVendor(() => ({ status: 429, headers: { "retry-after": "600" } }))
    const file = join(mkdtempSync(join(tmpdir(), "parley-points-")), "quota.db")
    return Effect.gen(function* () {
      const asking = Effect.gen(function* () {
        const { client } = yield* testClient({ baseUrl, limits, maxWaitMillis: 1000 })
        const first = yield* Effect.flip(client.read(costing(200)))
        const second = yield* Effect.flip(client.read(costing(1)))
        return [first._tag, second._tag]
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(vendor.layer, Governor.sharedIn(file))))
      assert.deepStrictEqual(yield* asking, ["RateLimited", "RateLimited"])
      assert.strictEqual(vendor.arrivals.length, 1)
      const { origin } = new URL(baseUrl)
      const keys = { account: accountKey(origin, token.credential), origin: originKey(origin) }
      const holds = readLearnedLimits(keys, 0, file)?.holds
      assert.deepStrictEqual(holds, [{ scope: "connection", until: 600_000, reason: "it asked for 10 min" }])
    }).pipe(inVirtualTime)
  })
})
