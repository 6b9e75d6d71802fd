import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import {
  instantOf,
  isTimeZone,
  readExportTime,
  readWallClock
} from "../../../src/providers/convocore/exportTime.ts"

const months = "January February March April May June July August September October November December".split(
  " "
)

const ordinal = (day: number) => {
  if (day >= 11 && day <= 13) return `${day}th`
  return `${day}${["th", "st", "nd", "rd"][day % 10] ?? "th"}`
}

/** A wall clock's reading as the vendor's exports write it. */
const spoken = (wall: number) => {
  const date = new Date(wall)
  const hour = date.getUTCHours()
  const two = (value: number) => String(value).padStart(2, "0")
  const time = `${hour % 12 === 0 ? 12 : hour % 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  const day = `${months[date.getUTCMonth()]} ${ordinal(date.getUTCDate())} ${date.getUTCFullYear()}`
  return `${day}, ${time} ${hour < 12 ? "am" : "pm"}`
}

const at = (iso: string) => Date.parse(iso)
const read = (text: string, zone = "UTC", notBefore: string | null = null) =>
  readExportTime(text, zone, notBefore === null ? null : at(notBefore))

describe("the time of an exported message", () => {
  it("is read back from every second of the calendar", () => {
    const seconds = fc.integer({ min: 0, max: at("2099-12-31T23:59:59Z") / 1000 })
    fc.assert(
      fc.property(seconds, (second) =>
        assert.strictEqual(readWallClock(spoken(second * 1000)), second * 1000)
      )
    )
  })

  it("is read from the vendor's own example", () => {
    assert.strictEqual(read("December 1st 2024, 10:30:00 am"), "2024-12-01T10:30:00.000Z")
    assert.strictEqual(read("December 1st 2024, 10:30:02 am"), "2024-12-01T10:30:02.000Z")
  })

  it.each([
    ["March 2nd 2026, 12:00:00 am", "2026-03-02T00:00:00.000Z"],
    ["March 3rd 2026, 12:00:00 pm", "2026-03-03T12:00:00.000Z"],
    ["March 11th 2026, 1:05 pm", "2026-03-11T13:05:00.000Z"],
    ["Mar 21st 2026 23:59:59", "2026-03-21T23:59:59.000Z"],
    ["  september  9th 2026,  9:00:00 PM ", "2026-09-09T21:00:00.000Z"],
    ["Feb 29th 2024, 8:00:00 a.m.", "2024-02-29T08:00:00.000Z"],
    ["2026-03-07T10:00:00+01:00", "2026-03-07T09:00:00.000Z"],
    ["1772877600", "2026-03-07T10:00:00.000Z"]
  ])("is read from %s", (text, instant) => {
    assert.strictEqual(read(text), instant)
  })

  it("is read from seconds and from milliseconds", () => {
    assert.strictEqual(readExportTime(1_772_877_600, "UTC"), "2026-03-07T10:00:00.000Z")
    assert.strictEqual(readExportTime(1_772_877_600_123, "Asia/Tokyo"), "2026-03-07T10:00:00.123Z")
  })

  it.each([
    ["yesterday"],
    [""],
    ["February 29th 2026, 8:00:00 am"],
    ["February 30th 2024, 8:00:00 am"],
    ["Smarch 1st 2026, 8:00:00 am"],
    ["March 1st 2026, 13:00:00 pm"],
    ["March 1st 2026, 0:00:00 am"],
    ["March 1st 2026, 24:00:00"],
    ["March 1st 2026, 8:60:00 am"],
    ["March 0th 2026, 8:00:00 am"],
    ["March 1st 2026"]
  ])("is not guessed from %s", (text) => {
    assert.strictEqual(read(text), null)
  })

  it("is none where something else stands in its place", () => {
    for (const value of [true, {}, [], null, Number.NaN])
      assert.strictEqual(readExportTime(value, "UTC"), null)
  })
})

describe("a wall clock without a zone", () => {
  it.each([
    ["Europe/Berlin", "January 15th 2026, 12:00:00 pm", "2026-01-15T11:00:00.000Z"],
    ["Europe/Berlin", "July 15th 2026, 12:00:00 pm", "2026-07-15T10:00:00.000Z"],
    ["America/New_York", "December 31st 2025, 8:00:00 pm", "2026-01-01T01:00:00.000Z"],
    ["Asia/Kolkata", "January 1st 2026, 12:15:00 am", "2025-12-31T18:45:00.000Z"],
    ["Australia/Lord_Howe", "January 1st 2026, 11:00:00 am", "2026-01-01T00:00:00.000Z"],
    ["Pacific/Kiritimati", "January 1st 2026, 12:00:00 am", "2025-12-31T10:00:00.000Z"]
  ])("is read as %s has it: %s", (zone, text, instant) => {
    assert.strictEqual(read(text, zone), instant)
  })

  it("takes the first of an hour that comes twice, unless that lies before the message before it", () => {
    const text = "October 25th 2026, 2:30:00 am"
    assert.strictEqual(read(text, "Europe/Berlin"), "2026-10-25T00:30:00.000Z")
    assert.strictEqual(read(text, "Europe/Berlin", "2026-10-25T00:29:00Z"), "2026-10-25T00:30:00.000Z")
    assert.strictEqual(read(text, "Europe/Berlin", "2026-10-25T00:59:00Z"), "2026-10-25T01:30:00.000Z")
    assert.strictEqual(read("November 1st 2026, 1:30:00 am", "America/New_York"), "2026-11-01T05:30:00.000Z")
    assert.strictEqual(
      read("November 1st 2026, 1:30:00 am", "America/New_York", "2026-11-01T06:00:00Z"),
      "2026-11-01T06:30:00.000Z"
    )
  })

  it("reads a time that a clock put forward never shows as if it had not been put forward", () => {
    assert.strictEqual(read("March 29th 2026, 2:30:00 am", "Europe/Berlin"), "2026-03-29T01:30:00.000Z")
    assert.strictEqual(read("March 8th 2026, 2:30:00 am", "America/New_York"), "2026-03-08T07:30:00.000Z")
  })

  it("changes with the zone to the very second", () => {
    for (const [zone, last, first] of [
      ["Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T03:00:00"],
      ["America/New_York", "2026-03-08T01:59:59", "2026-03-08T03:00:00"]
    ] as const) {
      assert.strictEqual(instantOf(at(`${first}Z`), zone) - instantOf(at(`${last}Z`), zone), 1000)
    }
  })

  it("comes back from every instant in every zone, but for the second run of an hour that comes twice", () => {
    const zones = [
      "UTC",
      "Europe/Berlin",
      "America/New_York",
      "Asia/Kolkata",
      "Australia/Lord_Howe",
      "America/St_Johns"
    ]
    const instants = fc.integer({
      min: at("2015-01-01T00:00:00Z") / 1000,
      max: at("2035-01-01T00:00:00Z") / 1000
    })
    fc.assert(
      fc.property(fc.constantFrom(...zones), instants, (zone, second) => {
        const instant = second * 1000
        const parts = new Intl.DateTimeFormat("en-CA", {
          timeZone: zone,
          dateStyle: "short",
          timeStyle: "medium",
          hourCycle: "h23"
        }).formatToParts(instant)
        const part = (type: string) => Number(parts.find((one) => one.type === type)?.value)
        const wall = Date.UTC(
          part("year"),
          part("month") - 1,
          part("day"),
          part("hour"),
          part("minute"),
          part("second")
        )
        const found = instantOf(wall, zone)
        assert.isTrue(found === instant || instantOf(wall, zone, instant) === instant)
        assert.isAtMost(instant - found, 3_600_000)
      }),
      { numRuns: 500 }
    )
  })

  it("is only read in zones that exist", () => {
    assert.isTrue(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"].every(isTimeZone))
    assert.isFalse(["", "Berlin", "Europe/Atlantis", "GMT+25"].some(isTimeZone))
  })
})
