import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import {
  gapsIn,
  includes,
  intersect,
  isEmpty,
  subtract,
  type TimeRange,
  union
} from "../../src/domain/TimeRange.ts"
import { now } from "../../src/domain/Timestamp.ts"

const bound = FastCheck.option(
  FastCheck.integer({ min: 0, max: 12 }).map((millis) => now(millis)),
  { nil: null }
)
const range: FastCheck.Arbitrary<TimeRange> = FastCheck.record({ since: bound, until: bound })
const ranges = FastCheck.array(range, { maxLength: 6 })

/** Every moment at which anything can change. */
const moments = Array.from({ length: 14 }, (_, index) => now(index))
const within = (chosen: ReadonlyArray<TimeRange>) =>
  moments.filter((at) => chosen.some((one) => includes(one, at)))

const check = <A>(arbitrary: FastCheck.Arbitrary<A>, holds: (value: A) => void) =>
  FastCheck.assert(FastCheck.property(arbitrary, holds), { numRuns: 500 })

describe("ranges of time", () => {
  it("hold their first moment and not their last", () => {
    const hour = { since: now(3_600_000), until: now(7_200_000) }
    expect(includes(hour, now(3_600_000))).toBe(true)
    expect(includes(hour, now(7_199_999))).toBe(true)
    expect(includes(hour, now(7_200_000))).toBe(false)
    expect(isEmpty({ since: now(1), until: now(1) })).toBe(true)
  })

  it("meet in what lies in both", () => {
    check(FastCheck.tuple(range, range), ([left, right]) => {
      const both = intersect(left, right)
      expect(within(both === null ? [] : [both])).toEqual(
        moments.filter((at) => includes(left, at) && includes(right, at))
      )
    })
  })

  it("leave what another one does not hold, and nothing empty", () => {
    check(FastCheck.tuple(range, range), ([left, right]) => {
      const rest = subtract(left, right)
      expect(within(rest)).toEqual(moments.filter((at) => includes(left, at) && !includes(right, at)))
      expect(rest.some(isEmpty)).toBe(false)
    })
  })

  it("join where they touch, in order and apart from one another", () => {
    check(ranges, (chosen) => {
      const joined = union(chosen)
      expect(within(joined)).toEqual(within(chosen))
      for (const [index, one] of joined.slice(1).entries()) {
        expect(joined[index]?.until).not.toBeNull()
        expect((one.since ?? "") > (joined[index]?.until ?? "")).toBe(true)
      }
    })
  })

  it("have gaps where no other one lies, in order, which together with the others fill them", () => {
    check(FastCheck.tuple(range, ranges), ([whole, taken]) => {
      const gaps = gapsIn(whole, taken)
      expect(within(gaps)).toEqual(within([whole]).filter((at) => !within(taken).includes(at)))
      expect(gaps).toEqual(union(gaps))
      expect(within([...gaps, ...taken]).filter((at) => includes(whole, at))).toEqual(within([whole]))
    })
  })
})
