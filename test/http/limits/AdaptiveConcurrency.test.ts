import { assert, describe, it } from "@effect/vitest"
import { AdaptiveConcurrency } from "../../../src/http/limits/AdaptiveConcurrency.ts"

/** So many requests are served by a vendor that works on `workers` at once, each for 50 ms. */
const serve = (requests: number, workers: number, concurrency = new AdaptiveConcurrency(null, false)) => {
  let now = 0
  let most = 0
  for (let nth = 0; nth < requests; nth += 1) {
    now += 50 / Math.min(concurrency.places, workers)
    concurrency.success(now, true)
    most = Math.max(most, concurrency.places)
  }
  return { places: concurrency.places, most, now }
}

describe("how many requests are in flight at once", () => {
  it("grows as long as more are served in the same time, to 64", () => {
    assert.strictEqual(serve(2000, 1000).places, 64)
  })

  it("stays where more would not be served in the same time, whatever is tried in between", () => {
    const { most, places } = serve(5000, 8)
    assert.isAtLeast(places, 8)
    assert.isAtMost(places, 10)
    assert.isAtMost(most, 16)
  })

  it("is halved where the vendor fails, and grows again", () => {
    const concurrency = new AdaptiveConcurrency(null, false)
    const { now } = serve(2000, 1000, concurrency)
    concurrency.failure(now)
    assert.strictEqual(concurrency.places, 32)
    assert.isAbove(serve(5000, 1000, concurrency).places, 32)
  })

  it("is what the configuration says, where it says it", () => {
    const concurrency = new AdaptiveConcurrency(3, true)
    assert.strictEqual(serve(500, 1000, concurrency).places, 3)
    concurrency.failure(0)
    assert.strictEqual(concurrency.places, 3)
  })
})
