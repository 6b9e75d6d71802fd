import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import { isStale, type Reading, RecentReadings, storedSpan } from "../../../src/store/mirror/staleness.ts"

const at = (requestedAt: string, answeredAt = requestedAt) => ({ requestedAt, answeredAt })
const time = (second: number, millis = "000") => `2026-03-07T10:00:${`${second}`.padStart(2, "0")}.${millis}Z`
const reading = (from: number, to: number, updatedAt: string | null = null): Reading => ({
  updatedAt,
  ...at(time(from), time(to))
})
const believed = time(50)

describe("which of two readings is older", () => {
  it("is the one that was answered before the other was asked for, whatever the vendor's times say", () => {
    const times = fc.constantFrom(
      null,
      time(1),
      time(5, "500"),
      time(20),
      time(59),
      "2100-01-01T00:00:00.000Z"
    )
    fc.assert(
      fc.property(times, times, fc.integer({ min: 4, max: 9 }), (earlier, later, from) => {
        expect(isStale(reading(from, 9, later), reading(1, 4, earlier), believed)).toBe(false)
        expect(isStale(reading(1, 4, earlier), reading(from, 9, later), believed)).toBe(true)
      })
    )
  })

  it.each([
    { what: "the vendor's time", incoming: [2, 9, 7], stored: [1, 8, 8], is: true },
    {
      what: "the vendor's time, though asked for earlier",
      incoming: [1, 9, 8],
      stored: [2, 8, 7],
      is: false
    },
    { what: "the request, where the times are equal", incoming: [1, 9, 7], stored: [2, 8, 7], is: true },
    { what: "the request, where one has no time", incoming: [1, 9, null], stored: [2, 8, 1], is: true },
    {
      what: "the request, where one's time lies ahead of the clock",
      incoming: [2, 9, 7],
      stored: [1, 8, 59],
      is: false
    },
    { what: "the request, where its own lies ahead", incoming: [1, 9, 59], stored: [2, 8, 7], is: true }
  ] as const)("is told by $what, where they overlapped", ({ incoming, stored, is }) => {
    const of = ([from, to, updated]: readonly [number, number, number | null]) =>
      reading(from, to, updated === null ? null : time(updated))
    expect(isStale(of(incoming), of(stored), believed)).toBe(is)
  })

  it("is not told by a time in seconds beside one in milliseconds, within a second", () => {
    const stored = reading(1, 8, time(5, "700"))
    expect(isStale(reading(2, 9, time(5)), stored, believed)).toBe(false)
    expect(isStale(reading(2, 9, time(4)), stored, believed)).toBe(true)
    expect(isStale(reading(2, 9, time(5, "600")), stored, believed)).toBe(true)
  })
})

describe("when a row was read", () => {
  const of = (observed_at: string, answered_at: string | null) =>
    storedSpan({ observed_at, answered_at }, believed)
  it("is between request and answer; where that was not recorded, or not by a sane clock, when it was asked for", () => {
    expect(of(time(1), time(3))).toEqual(at(time(1), time(3)))
    expect(of(time(1), null)).toEqual(at(time(1)))
    expect(of(time(1), time(55))).toEqual(at(time(1)))
    expect(of(time(3), time(1))).toEqual(at(time(3)))
  })
  it("is before everything else where a clock was ahead", () => {
    expect(of(time(55), time(56))).toEqual(at(""))
  })
})

it("the latest readings are remembered, the older ones forgotten, however many there were", () => {
  const recent = new RecentReadings()
  const last = 130_000
  for (let row = 1; row <= last; row += 1) recent.note(`row ${row}`, at("b"), "y")
  const isRemembered = (row: number) => recent.latest(`row ${row}`, at("a"), "y").requestedAt === "b"
  for (const row of [last, last - 10_000, last - 24_000])
    expect([row, isRemembered(row)]).toEqual([row, true])
  for (const row of [1, last - 50_001]) expect([row, isRemembered(row)]).toEqual([row, false])
})

it("of two readings of a row the one asked for later counts, in whatever order they come", () => {
  const recent = new RecentReadings()
  for (const time of ["c", "b"]) recent.note("row", at(time), "y")
  expect(recent.latest("row", at("a"), "y")).toEqual(at("c"))
  recent.note("row", at("d", "e"), "y")
  expect(recent.latest("row", at("a"), "y")).toEqual(at("d", "e"))
  expect(recent.latest("row", at("e"), "y")).toEqual(at("e"))
  expect(recent.latest("another", at("a"), "y")).toEqual(at("a"))
})

it("a time that is not believed, as of a clock that was ahead, does not count, and gives way to a later one", () => {
  const recent = new RecentReadings()
  recent.note("row", at("z"), "y")
  expect(recent.latest("row", at("a"), "y")).toEqual(at("a"))
  recent.note("row", at("c"), "y")
  expect(recent.latest("row", at("a"), "y")).toEqual(at("c"))
})
