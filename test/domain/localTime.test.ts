import { describe, expect, it } from "vitest"
import { openSeconds, parseOpenHours, zoneOffsets } from "../../src/domain/localTime.ts"

const second = (iso: string): number => Date.parse(iso) / 1000
const hour = 3_600

const offsetAt = (zone: string, iso: string): number | undefined =>
  zoneOffsets(zone).findLast(({ from }) => from <= second(iso))?.seconds

describe("a zone's clock", () => {
  it("changes to the second where the zone's own rules say so", () => {
    expect(offsetAt("Europe/Berlin", "2026-03-29T00:59:59Z")).toBe(hour)
    expect(offsetAt("Europe/Berlin", "2026-03-29T01:00:00Z")).toBe(2 * hour)
    expect(offsetAt("Europe/Berlin", "2026-10-25T00:59:59Z")).toBe(2 * hour)
    expect(offsetAt("Europe/Berlin", "2026-10-25T01:00:00Z")).toBe(hour)
    expect(offsetAt("Australia/Lord_Howe", "2026-01-01T00:00:00Z")).toBe(11 * hour)
    expect(offsetAt("Australia/Lord_Howe", "2026-07-01T00:00:00Z")).toBe(10.5 * hour)
    expect(offsetAt("Asia/Kathmandu", "2026-07-01T00:00:00Z")).toBe(5.75 * hour)
    expect(zoneOffsets("UTC")).toHaveLength(1)
  })

  it("is Node's own at every hour of two years", () => {
    for (const zone of ["America/New_York", "Africa/Casablanca", "Pacific/Auckland", "Europe/Dublin"]) {
      const offsets = zoneOffsets(zone)
      const shown = new Intl.DateTimeFormat("en", { timeZone: zone, hour: "numeric", hourCycle: "h23" })
      for (let at = second("2025-01-01T00:30:00Z"); at < second("2027-01-01T00:00:00Z"); at += 7 * hour) {
        const { seconds = Number.NaN } = offsets.findLast(({ from }) => from <= at) ?? {}
        expect(new Date((at + seconds) * 1000).getUTCHours()).toBe(Number(shown.format(at * 1000)))
      }
    }
  })

  it("is refused where there is no such zone", () => {
    expect(() => zoneOffsets("Europe/Atlantis")).toThrow(RangeError)
  })
})

describe("business hours", () => {
  it("are read as people write them, and refused where they cannot be meant", () => {
    expect(parseOpenHours("Mon-Fri 09:00-17:00")).toHaveLength(5)
    expect(parseOpenHours("mon 9:00-12:00, Mon 13:00-17:00, Sat-Sun 10:00-14:00")).toHaveLength(4)
    expect(parseOpenHours("Mon-Sun 00:00-24:00")).toEqual([[0, 7 * 24 * hour]])
    // Over midnight, and over the end of the week.
    expect(parseOpenHours("Sun 22:00-02:00")).toEqual([
      [0, 2 * hour],
      [166 * hour, 168 * hour]
    ])
    for (const wrong of ["", "Mon", "09:00-17:00", "Mon-Fri 9-17", "Mon 25:00-26:00", "Mon 09:60-10:00"]) {
      expect(parseOpenHours(wrong), wrong).toBeNull()
    }
    expect(parseOpenHours("Foo-Fri 09:00-17:00")).toBeNull()
    expect(parseOpenHours("Mon 09:00-09:00")).toBeNull()
  })

  const berlin = zoneOffsets("Europe/Berlin")
  const open = (from: string, until: string, hours = "Mon-Fri 09:00-17:00") =>
    openSeconds(second(from), second(until), berlin, parseOpenHours(hours) ?? [])

  it("count only while the place is open, by its own clock", () => {
    // Friday 16:30 to Monday 09:15, in winter.
    expect(open("2026-03-06T15:30:00Z", "2026-03-09T08:15:00Z")).toBe(45 * 60)
    // Friday 16:30 to Monday 09:15, the clock put forward between them.
    expect(open("2026-03-27T15:30:00Z", "2026-03-30T07:15:00Z")).toBe(45 * 60)
    // The same over the autumn's change.
    expect(open("2026-10-23T14:30:00Z", "2026-10-26T08:15:00Z")).toBe(45 * 60)
    expect(open("2026-03-07T10:00:00Z", "2026-03-08T10:00:00Z")).toBe(0)
    expect(open("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z")).toBe(40 * hour)
  })

  it("lose the hour that is left out in spring, and have the one that comes twice in autumn", () => {
    const always = "Mon-Sun 00:00-24:00"
    expect(open("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", always)).toBe(23 * hour)
    const night = "Sun 01:00-04:00"
    expect(open("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", night)).toBe(2 * hour)
    expect(open("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", night)).toBe(4 * hour)
  })
})
