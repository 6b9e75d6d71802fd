import { FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import { fromEpoch, fromIso, fromMillis, toMillis } from "../../src/domain/Timestamp.ts"

const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 30) })

describe("a timestamp", () => {
  it("is read the same from every way to write one instant", () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: -14 * 60, max: 14 * 60 }), (millis, offset) => {
        const text = new Date(millis).toISOString()
        expect(fromIso(text)).toBe(text)
        const wall = new Date(millis + offset * 60_000).toISOString().slice(0, 23)
        const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0")
        const minutes = String(Math.abs(offset) % 60).padStart(2, "0")
        const sign = offset < 0 ? "-" : "+"
        if (!/^[+-]/.test(wall)) {
          expect(fromIso(`${wall}${sign}${hours}:${minutes}`)).toBe(text)
          expect(fromIso(`${wall}${sign}${hours}${minutes}`)).toBe(text)
        }
        expect(fromIso(text.slice(0, 23))).toBe(text)
        expect(fromIso(`${text.slice(0, 23)}456789Z`)).toBe(text)
        expect(fromMillis(millis)).toBe(text)
        expect(toMillis(fromMillis(millis) as never)).toBe(millis)
      })
    )
  })

  it("is read of canonical text where the calendar has such an instant, or a day's end, and nowhere else", () => {
    const field = (most: number, digits: number) =>
      fc.integer({ min: 0, max: most }).map((value) => String(value).padStart(digits, "0"))
    const fields = fc.tuple(
      field(2999, 4),
      field(13, 2),
      field(32, 2),
      field(25, 2),
      field(61, 2),
      field(61, 2)
    )
    /** A day's end, 24:00, is the next day's beginning. Whatever else rolls over is not in the calendar. */
    const written = (text: string): string | null => {
      const date = new Date(text)
      if (!(date.getTime() >= 0)) return null
      const endOfDay = text.endsWith("T24:00:00.000Z")
      const back = new Date(endOfDay ? date.getTime() - 1 : date).toISOString()
      return back === (endOfDay ? text.replace("24:00:00.000", "23:59:59.999") : text)
        ? date.toISOString()
        : null
    }
    fc.assert(
      fc.property(fields, ([year, month, day, hour, minute, second]) => {
        const seconds = `${year}-${month}-${day}T${hour}:${minute}:${second}`
        const text = `${seconds}.000Z`
        const expected = written(text)
        expect([text, fromIso(text)]).toEqual([text, expected])
        expect([text, fromIso(`${seconds}Z`)]).toEqual([text, expected])
      }),
      { numRuns: 1000 }
    )
  })

  it("sorts as text as it does as time", () => {
    fc.assert(
      fc.property(instant, instant, (one, other) => {
        const [a, b] = [fromMillis(one) ?? "", fromMillis(other) ?? ""]
        expect(a < b).toBe(one < other)
      })
    )
  })

  it("tells seconds from milliseconds by their size", () => {
    expect(fromEpoch(1_785_692_957_753)).toBe("2026-08-02T17:49:17.753Z")
    expect(fromEpoch(1_785_693_265)).toBe("2026-08-02T17:54:25.000Z")
  })

  it.each([
    ["2026-03-07", "2026-03-07T00:00:00.000Z"],
    ["2026-03-07T10:00", "2026-03-07T10:00:00.000Z"],
    ["2026-03-07T10:00:00Z", "2026-03-07T10:00:00.000Z"],
    ["2026-03-07 10:00:00", "2026-03-07T10:00:00.000Z"],
    ["2026-03-07T10:00:00.5z", "2026-03-07T10:00:00.500Z"],
    ["2026-03-07T10:00:00,123456+01", "2026-03-07T09:00:00.123Z"],
    ["2026-03-07T24:00:00Z", "2026-03-08T00:00:00.000Z"],
    ["2026-12-31T24:00:00.000Z", "2027-01-01T00:00:00.000Z"]
  ])("reads %s", (text, expected) => {
    expect(fromIso(text)).toBe(expected)
  })

  it.each([
    "",
    "yesterday",
    "2026-02-30T10:00:00Z",
    "2026-02-30T10:00:00.000Z",
    "2026-13-01",
    "2026-03-07T25:00:00Z",
    "2026-03-07T24:00:01Z",
    "2026-02-30T24:00:00Z",
    "10:00",
    "1969-12-31T23:59:59Z",
    "12026-01-01T00:00:00Z"
  ])("does not guess at %j", (text) => {
    expect(fromIso(text)).toBeNull()
  })
})
