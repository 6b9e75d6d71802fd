import { describe, expect, it } from "vitest"
import { mostLevelBytes, Present, readPast } from "../../src/airbyte/read/memory.ts"

const print = (index: number): string => `fingerprint-${index}`

describe("what a state remembers", () => {
  it("of 100,000 conversations fits into 512 KiB, knows all of them, and takes few others for known", () => {
    const present = new Present("one", false)
    for (let index = 0; index < 100_000; index += 1) present.delivered(`id-${index}`, print(index))
    const levels = present.levels([])
    expect(JSON.stringify(levels).length).toBeLessThan(mostLevelBytes)
    const past = readPast(levels)
    let wrong = 0
    for (let index = 0; index < 100_000; index += 1) {
      if (!past.has(`id-${index}`, print(index))) throw new Error(`id-${index} is forgotten`)
      if (past.has(`id-${index}`, print(index + 1))) wrong += 1
    }
    expect(wrong).toBeLessThan(60)
    // In the middle of the next walk, the older level is there beside it.
    const next = new Present("two", true)
    for (let index = 0; index < 90_000; index += 1) next.unchanged(`id-${index}`, print(index))
    const both = next.levels(levels)
    expect(both).toHaveLength(2)
    expect(JSON.stringify(both).length).toBeLessThan(512 * 1024 - 20_000)
  })

  it("of as many as most accounts have takes no other for known, and of an older version is still read", () => {
    const present = new Present("one", false)
    for (let index = 0; index < 10_000; index += 1) present.delivered(`id-${index}`, print(index))
    const past = readPast(present.levels([]))
    for (let index = 0; index < 10_000; index += 1) {
      if (!past.has(`id-${index}`, print(index))) throw new Error(`id-${index} is forgotten`)
    }
    for (let index = 0; index < 100_000; index += 1) {
      if (past.has(`id-${index}`, print(index + 1))) throw new Error(`another id-${index} is known`)
    }
    const older = readPast([{ walk: "one", seed: "TjAR5LQDLx5f", size: 2, bits: "pzh5oA==" }])
    expect([older.has("id", "one"), older.has("id", "two"), older.has("id", "three")]).toEqual([
      true,
      true,
      false
    ])
  })

  it("stays within its bound however many walks were interrupted", () => {
    const short = Array.from({ length: 10_000 }, (_, walk) => ({
      walk: `walk-${walk}`,
      seed: "",
      size: 1,
      bits: "AAA="
    }))
    const present = new Present("last", true)
    present.delivered("id", "as it is")
    const levels = present.levels(short)
    expect(levels.length).toBeGreaterThan(1_000)
    expect(JSON.stringify(levels).length).toBeLessThanOrEqual(mostLevelBytes)
    expect(readPast(levels).has("id", "as it is")).toBe(true)
  })

  it("gives up rather than grow beyond what a state may hold", () => {
    const present = new Present("one", false)
    for (let index = 0; index < 230_000; index += 1) present.unchanged(`id-${index}`, print(index))
    expect(present.isTooMuch).toBe(true)
    expect(present.levels([])).toEqual([])
  })

  it("does not take a conversation for known that went back to what an older walk delivered", () => {
    const first = new Present("one", false)
    first.delivered("id", "as it was")
    const second = new Present("two", true)
    second.delivered("id", "as it became")
    const past = readPast(second.levels(first.levels([])))
    expect(past.has("id", "as it became")).toBe(true)
    expect(past.has("id", "as it was")).toBe(false)
  })

  it("is nothing where it cannot be read", () => {
    const past = readPast([{ walk: "one", seed: "s", size: 1_000_000, bits: "AAAA" }])
    expect(past.levels).toEqual([])
    expect(past.has("id", "x")).toBe(false)
  })
})
