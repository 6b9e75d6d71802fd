import { it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { describe, expect } from "vitest"
import {
  isSettled,
  nextLook,
  orderOf,
  type SeenRow,
  workedOut
} from "../../../src/providers/kit/listSampling.ts"

const page = 100

interface Asked {
  readonly kind: ReadonlyArray<boolean>
  readonly pages: ReadonlyArray<number>
  readonly isSorted?: boolean
}

const lookInto = ({ isSorted = false, kind, pages }: Asked) => ({
  looks: [...new Set(pages)]
    .toSorted((left, right) => left - right)
    .map((number) => {
      const rows = kind.slice(number * page, (number + 1) * page)
      return { from: number * page, rows: rows.length, found: rows.filter(Boolean).length }
    }),
  total: kind.length,
  isSorted
})

/** Looks where `nextLook` says, at most so often. */
const lookOften = (kind: ReadonlyArray<boolean>, isSorted: boolean, most: number) => {
  const pages = [0, Math.floor((kind.length - 1) / page)]
  while (pages.length < most) {
    const next = nextLook(lookInto({ kind, pages, isSorted }))
    if (next === null) break
    pages.push(Math.floor(next / page))
  }
  return lookInto({ kind, pages, isSorted })
}

const list = fc
  .array(fc.boolean(), { minLength: 1, maxLength: 900 })
  .chain((kind) => fc.record({ kind: fc.constant(kind), most: fc.integer({ min: 1, max: 12 }) }))

describe("what a few looks into a list tell", () => {
  it.prop("lies between what was seen and what may be, and is exact where all was seen", [list], ([one]) => {
    const looks = lookOften(one.kind, false, one.most)
    const seen = looks.looks.reduce((sum, { found }) => sum + found, 0)
    const unseen = looks.total - looks.looks.reduce((sum, { rows }) => sum + rows, 0)
    const { high, likely, low } = workedOut(looks)
    expect(low).toBeGreaterThanOrEqual(seen)
    expect(likely).toBeGreaterThanOrEqual(low)
    expect(high).toBeGreaterThanOrEqual(likely ?? 0)
    expect(high).toBeLessThanOrEqual(seen + unseen)
    if (unseen === 0) expect([low, high]).toEqual([seen, seen])
  })

  it.prop(
    "finds the place in a sorted list where the kind ends, to a page, in a few looks",
    [fc.integer({ min: 201, max: 20_000 }), fc.double({ min: 0, max: 1, noNaN: true })],
    ([total, share]) => {
      const found = Math.round(total * share)
      const kind = Array.from({ length: total }, (_, index) => index < found)
      const { high, low } = workedOut(lookOften(kind, true, 10))
      expect(low).toBeLessThanOrEqual(found)
      expect(high).toBeGreaterThanOrEqual(found)
      // Places between two looks are halved, which leaves a part of a row.
      expect((high ?? 0) - low).toBeLessThanOrEqual(2 * page + 2)
    }
  )

  it("holds for nine of ten lists in which the kind is anywhere, seen in six looks", () => {
    const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { seed: 5, numRuns: 200 * 1_500 })
    const held = Array.from({ length: 200 }, (_, number) => {
      const rate = [0.002, 0.01, 0.05, 0.3][number % 4] ?? 0
      const kind = random.slice(number * 1_500, (number + 1) * 1_500).map((value) => value < rate)
      const { high, low } = workedOut(lookOften(kind, false, 6))
      const found = kind.filter(Boolean).length
      return low <= found && found <= (high ?? 0)
    })
    expect(held.filter(Boolean).length).toBeGreaterThanOrEqual(180)
  })

  it("takes what follows the last look for as much as in it, or nothing", () => {
    const { high, likely, low } = workedOut({
      looks: [{ from: 0, rows: 100, found: 10 }],
      total: 1_000,
      isSorted: false
    })
    expect(low).toBe(10)
    expect(likely).toBe(55)
    expect(high).toBeGreaterThan(100)
  })
})

const at = (minutes: number): string => new Date(Date.UTC(2026, 2, 9) + minutes * 60_000).toISOString()

const rows = (of: (index: number) => Partial<SeenRow>, count = 30): ReadonlyArray<SeenRow> =>
  Array.from({ length: count }, (_, index) => ({
    state: "current",
    updatedAt: at(-index),
    startedAt: at(-index * 7 - (index % 3) * 20),
    ...of(index)
  }))

describe("the order of a list", () => {
  it("is by update where updates fall and starts do not, and the other way round", () => {
    expect(orderOf(rows(() => ({})))).toBe("updated")
    expect(orderOf(rows((index) => ({ updatedAt: at(index % 5), startedAt: at(-index) })))).toBe("started")
  })

  it("is not known where both fall, neither does, a time is missing, or few rows were seen", () => {
    expect(orderOf(rows((index) => ({ startedAt: at(-index) })))).toBeNull()
    expect(orderOf(rows((index) => ({ updatedAt: at(index % 5) })))).toBeNull()
    expect(orderOf(rows((index) => (index === 3 ? { updatedAt: null } : {})))).toBeNull()
    expect(orderOf(rows(() => ({}), 10))).toBeNull()
  })

  it("settles what follows only by update, and only behind what is held as it is", () => {
    expect(isSettled(rows((index) => (index < 4 ? { state: "changed" } : {})))).toBe(true)
    expect(isSettled(rows((index) => (index === 29 ? { state: "changed" } : {})))).toBe(false)
    expect(isSettled(rows((index) => (index === 29 ? { state: "missing" } : {})))).toBe(false)
    expect(isSettled(rows((index) => ({ updatedAt: at(index % 5), startedAt: at(-index) })))).toBe(false)
  })
})
