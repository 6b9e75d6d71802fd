import { Either, FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import {
  backoff,
  jitterOf,
  nextDue,
  readCron,
  retryTime,
  type Timetable,
  usualJitter
} from "../../../src/sync/watch/timetable.ts"

const cron = (expression: string, zone = "UTC"): Timetable =>
  Either.getOrThrowWith(readCron(expression, zone), (fault) => new Error(fault))

const dueTimes = (timetable: Timetable, from: string, count: number): ReadonlyArray<string> => {
  const times: Array<string> = []
  let time = Date.parse(from)
  while (times.length < count) {
    time = nextDue(timetable, time)
    times.push(new Date(time).toISOString().slice(5, 16))
  }
  return times
}

describe("the next due time", () => {
  it("of an interval lies on its grid, after the instant, and no further than one interval", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 1e9 }),
        fc.integer({ min: 0, max: 2e12 }),
        fc.integer({ min: 0, max: 2e12 }),
        (millis, from, after) => {
          const due = nextDue({ _tag: "Every", millis, from }, after)
          expect(due).toBeGreaterThan(after)
          expect((due - from) % millis).toBe(0)
          expect(due - Math.max(after, from - 1)).toBeLessThanOrEqual(millis)
        }
      )
    )
  })

  it("of a cron expression is read in its time zone", () => {
    expect(dueTimes(cron("30 8 * * 1-5", "Europe/Berlin"), "2026-03-06T12:00:00Z", 2)).toEqual([
      "03-09T07:30",
      "03-10T07:30"
    ])
    expect(dueTimes(cron("0 0 29 2 *"), "2026-03-06T12:00:00Z", 1)).toEqual(["02-29T00:00"])
  })

  it("keeps coming in the hour that happens twice", () => {
    expect(dueTimes(cron("*/20 * * * *", "Europe/Berlin"), "2026-10-25T00:30:00Z", 5)).toEqual([
      "10-25T00:40",
      "10-25T01:00",
      "10-25T01:20",
      "10-25T01:40",
      "10-25T02:00"
    ])
    expect(dueTimes(cron("*/30 * * * *", "America/New_York"), "2026-11-01T05:30:00Z", 3)).toEqual([
      "11-01T06:00",
      "11-01T06:30",
      "11-01T07:00"
    ])
  })

  it("comes once on a night with an hour twice or not at all, where it names its hour", () => {
    expect(dueTimes(cron("30 2 * * *", "Europe/Berlin"), "2026-10-24T12:00:00Z", 2)).toEqual([
      "10-25T00:30",
      "10-26T01:30"
    ])
    expect(dueTimes(cron("30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00:00Z", 2)).toEqual([
      "03-29T01:00",
      "03-30T00:30"
    ])
  })

  it("does not come back for the second half past two, wherever in the night it is asked", () => {
    const timetable = cron("30 2 * * *", "Europe/Berlin")
    for (const minute of ["00:30", "00:45", "01:00", "01:15", "01:30", "01:59"]) {
      expect(dueTimes(timetable, `2026-10-25T${minute}:00Z`, 1)).toEqual(["10-26T01:30"])
    }
  })

  it("is always later, whatever the expression, the zone and the instant", () => {
    const part = (max: number) => fc.oneof(fc.constant("*"), fc.integer({ min: 0, max }).map(String))
    fc.assert(
      fc.property(
        fc.tuple(part(59), part(23)),
        fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe"),
        fc.oneof(
          fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) }),
          // Around the changes of the clocks.
          fc
            .tuple(
              fc.constantFrom(
                "2026-03-29T01",
                "2026-10-25T01",
                "2026-11-01T05",
                "2026-04-04T15",
                "2026-10-03T15"
              ),
              fc.integer({ min: -3 * 3_600_000, max: 3 * 3_600_000 })
            )
            .map(([hour, off]) => Date.parse(`${hour}:00:00Z`) + off)
        ),
        ([minute, hour], zone, after) => {
          const due = nextDue(cron(`${minute} ${hour} * * *`, zone), after)
          expect(due).toBeGreaterThan(after)
          expect(due - after).toBeLessThanOrEqual((hour === "*" ? 2 : 26) * 3_600_000)
        }
      ),
      { numRuns: 500 }
    )
  })
})

describe("a cron expression", () => {
  it("takes names, steps, seconds before the minute, and words for the usual ones", () => {
    const from = "2026-03-06T12:00:30Z"
    expect(dueTimes(cron("0 8-18/5 * JAN,MAR MON-FRI"), from, 3)).toEqual([
      "03-06T13:00",
      "03-06T18:00",
      "03-09T08:00"
    ])
    expect(nextDue(cron("*/20 * * * * *"), Date.parse(from))).toBe(Date.parse("2026-03-06T12:00:40Z"))
    expect(dueTimes(cron("@daily"), from, 1)).toEqual(["03-07T00:00"])
    expect(dueTimes(cron("0 0 13 * 5"), from, 2)).toEqual(["03-13T00:00", "03-20T00:00"])
  })
})

describe("a cron expression that cannot be used", () => {
  it("is refused with what is wrong", () => {
    const fault = (expression: string) => Either.getOrThrow(Either.flip(readCron(expression, "UTC")))
    expect(fault("* * * *")).toBe("it has 4 fields, and not five or six")
    expect(fault("* * * * * * *")).toBe("it has 7 fields, and not five or six")
    expect(fault("61 * * * *")).toBe("invalid value for minute: 61")
    expect(fault("@reboot")).toMatch(/^@reboot is not supported/)
    expect(fault("0 0 30 2 *")).toBe("there is no such day")
  })
})

describe("jitter", () => {
  it("is a tenth of the time between two runs, at most half a minute", () => {
    expect(usualJitter(60_000)).toBe(6000)
    expect(usualJitter(86_400_000)).toBe(30_000)
  })

  it("never reaches the next due time, whatever was asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 1e8 }),
        fc.option(fc.integer({ min: 0, max: 1e9 })),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (gap, asked, chance) => {
          const jitter = jitterOf(gap, asked, chance)
          expect(jitter).toBeGreaterThanOrEqual(0)
          expect(jitter).toBeLessThan(gap)
          expect(jitter).toBeLessThanOrEqual(asked ?? 30_000)
        }
      )
    )
  })
})

describe("backing off", () => {
  it("doubles from a minute to an hour, and begins with the interval where that is shorter", () => {
    expect([1, 2, 3, 6, 7, 50].map((failures) => backoff(failures, 300_000) / 60_000)).toEqual([
      1, 2, 4, 32, 60, 60
    ])
    expect(backoff(1, 5000)).toBe(5000)
  })

  it("never tries before the provider said, nor much later", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1000, max: 1e8 }),
        fc.option(fc.integer({ min: 0, max: 1e8 })),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, gap, retryAt, chance) => {
          const now = 5e7
          const time = retryTime(failures, gap, { now, retryAt, chance })
          const least = Math.max(now + backoff(failures, gap), retryAt ?? 0)
          expect(time).toBeGreaterThanOrEqual(least)
          expect(time).toBeLessThanOrEqual(least + backoff(failures, gap) / 10 + 1)
        }
      )
    )
  })
})
