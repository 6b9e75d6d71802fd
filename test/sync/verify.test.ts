import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import { makeRandom, mix } from "../../src/simulator/random.ts"
import { upperBound } from "../../src/sync/verify.ts"

describe("what a sample says of the rest", () => {
  it("is about three in n where none was wrong", () => {
    expect(upperBound(0, 300, 0.95)).toBeCloseTo(1 - 0.05 ** (1 / 300), 10)
    expect(upperBound(0, 598, 0.95)).toBeLessThan(0.00501)
  })

  it("agrees with the tables where some were", () => {
    // One-sided exact binomial bounds, 95%.
    expect(upperBound(1, 100, 0.95)).toBeCloseTo(0.0466, 3)
    expect(upperBound(5, 50, 0.95)).toBeCloseTo(0.1989, 2)
  })

  it("says nothing where nothing was checked, or all were wrong", () => {
    expect(upperBound(0, 0, 0.95)).toBe(1)
    expect(upperBound(4, 4, 0.95)).toBe(1)
  })

  it("never claims less than what was seen, and claims less the more was checked", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (checked, share) => {
          const wrong = Math.floor(checked * share)
          const bound = upperBound(wrong, checked, 0.95)
          expect(bound).toBeGreaterThan(wrong / checked)
          expect(upperBound(wrong, checked * 2, 0.95)).toBeLessThan(bound)
        }
      )
    )
  })

  it("holds in at least 95 of 100 draws from a mirror, whatever of it is wrong", () => {
    const draws = 2000
    for (const [held, wrong, checked] of [
      [1000, 1, 300],
      [1000, 5, 300],
      [1000, 10, 300],
      [5000, 25, 598],
      [400, 80, 50],
      [200, 100, 20]
    ] as const) {
      let holds = 0
      for (let draw = 0; draw < draws; draw += 1) {
        const random = makeRandom(mix(mix(held, wrong), draw))
        // Without putting back, as a sample of a mirror is drawn; the first ones of those left are the wrong ones.
        let left = wrong
        for (let drawn = 0; drawn < checked; drawn += 1) if (random.below(held - drawn) < left) left -= 1
        const found = wrong - left
        if (left / (held - checked) <= upperBound(found, checked, 0.95)) holds += 1
      }
      // Three standard deviations of 95% in 2,000 draws are 1.5%.
      const share = holds / draws
      expect({ held, wrong, checked, share, isEnough: share >= 0.935 }).toMatchObject({ isEnough: true })
    }
  })
})
