import { assert, describe, it } from "@effect/vitest"
import { steady } from "../../../src/http/limits/timer.ts"

describe("the time that limits are kept by", () => {
  it("is the machine's, and goes on where that is set back", () => {
    let clock = 1_000_000
    const { now, wall } = steady(() => clock)
    assert.strictEqual(now(), 1_000_000)
    clock += 500
    assert.strictEqual(now(), 1_000_500)
    clock -= 3_600_000
    assert.strictEqual(now(), 1_000_500)
    clock += 2000
    assert.strictEqual(now(), 1_002_500)
    assert.strictEqual(wall(now()), clock)
  })

  it("waits for a clock that is corrected by a little", () => {
    let clock = 10_000
    const { now, wall } = steady(() => clock)
    now()
    clock -= 300
    assert.strictEqual(now(), 10_000)
    clock += 400
    assert.strictEqual(now(), 10_100)
    assert.strictEqual(wall(now()), clock)
  })
})
