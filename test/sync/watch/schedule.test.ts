import { Either, FastCheck as fc } from "effect"
import { describe, expect, it } from "vitest"
import {
  begin,
  type Ending,
  finish,
  type Rules,
  replace,
  retries,
  type Schedule,
  slowed,
  start,
  wakeAt
} from "../../../src/sync/watch/schedule.ts"
import { readCron } from "../../../src/sync/watch/timetable.ts"

const minute = 60_000
const rules: Rules = { timetable: { _tag: "Every", millis: 5 * minute, from: 0 }, jitter: 0 }

/** A schedule, and what is done to it in turn; times in minutes. */
const scenario = (names: ReadonlyArray<string>, from: Rules = rules) => {
  let schedule: Schedule = begin(from, names, 0, 0)
  return {
    starts: (at: number) => {
      const next = start(schedule, from, at * minute, 0)
      schedule = next.schedule
      return next.names
    },
    ends: (
      name: string,
      at: number,
      failed = false,
      retryAt: number | null = null,
      more: Partial<Ending> = {}
    ) => {
      const ending: Ending = {
        failed,
        retryAt: retryAt === null ? null : retryAt * minute,
        requests: 1,
        rate: null,
        enough: 0,
        ...more
      }
      schedule = finish(schedule, from, { name, ending, now: at * minute, chance: 0 })
    },
    replaced: (next: ReadonlyArray<string>, at: number) => {
      schedule = replace(schedule, next, at * minute)
    },
    wakes: () => wakeAt(schedule) / minute,
    due: () => schedule.due / minute,
    retries: () => retries(schedule),
    slowed: () => slowed(schedule)
  }
}

describe("the schedule", () => {
  it("starts all at once with an interval, and then on its grid", () => {
    const { ends, starts, wakes } = scenario(["a", "b"])
    expect(starts(0)).toEqual(["a", "b"])
    ends("a", 1)
    ends("b", 2)
    expect(wakes()).toBe(5)
    expect(starts(4.9)).toEqual([])
    expect(starts(5)).toEqual(["a", "b"])
  })

  it("waits for the first time that a cron expression names", () => {
    const timetable = { _tag: "Every", millis: 5 * minute, from: 0 } as const
    const { due, starts } = scenario(["a"], { timetable, jitter: 0 })
    expect(starts(0)).toEqual(["a"])
    expect(due()).toBe(5)
  })

  it("makes up once for all that was missed while the machine slept", () => {
    const { due, ends, starts } = scenario(["a"])
    starts(0)
    ends("a", 1)
    expect(starts(187)).toEqual(["a"])
    ends("a", 188)
    expect(starts(188)).toEqual([])
    expect(due()).toBe(190)
  })

  it("makes up once for what was missed during a long run, and holds up nobody else", () => {
    const { ends, starts } = scenario(["slow", "quick"])
    starts(0)
    ends("quick", 1)
    expect(starts(5)).toEqual(["quick"])
    ends("quick", 6)
    expect(starts(10)).toEqual(["quick"])
    ends("quick", 11)
    ends("slow", 12)
    expect(starts(12)).toEqual(["slow"])
    ends("slow", 13)
    expect(starts(13)).toEqual([])
    expect(starts(15)).toEqual(["slow", "quick"])
  })

  it("tries a failing connection by itself, later each time, until it works", () => {
    const { ends, retries, starts, wakes } = scenario(["bad", "good"])
    starts(0)
    ends("good", 0)
    ends("bad", 0, true)
    expect(wakes()).toBe(1)
    expect(starts(1)).toEqual(["bad"])
    ends("bad", 1, true)
    expect(starts(3)).toEqual(["bad"])
    ends("bad", 3, true)
    expect(retries()).toEqual([{ name: "bad", at: 7 * minute, failures: 3 }])
    expect(starts(5)).toEqual(["good"])
    ends("good", 5)
    expect(starts(7)).toEqual(["bad"])
    ends("bad", 7)
    expect(retries()).toEqual([])
    expect(starts(10)).toEqual(["bad", "good"])
  })

  it("waits for as long as the provider has asked", () => {
    const { ends, starts, wakes } = scenario(["a"])
    starts(0)
    ends("a", 0, true, 42)
    for (const at of [1, 5, 10, 40]) expect(starts(at)).toEqual([])
    expect(wakes()).toBeLessThanOrEqual(45)
    expect(starts(42)).toEqual(["a"])
  })

  it("tries again at once what was waiting when the configuration is read again", () => {
    const { ends, replaced, starts } = scenario(["bad", "good", "gone"])
    starts(0)
    ends("good", 1)
    ends("bad", 1, true, 60)
    replaced(["bad", "good", "new"], 2)
    expect(starts(2)).toEqual(["bad", "new"])
    ends("gone", 3, true)
    expect(starts(5)).toEqual(["good"])
  })

  it("does not wait longer because the clock was put back", () => {
    const { due, ends, starts } = scenario(["a"])
    starts(600)
    ends("a", 600)
    expect(due()).toBe(605)
    expect(starts(1)).toEqual([])
    expect(due()).toBe(5)
  })

  it("leaves half of the time free, where runs take longer than the schedule leaves", () => {
    const { ends, slowed, starts } = scenario(["slow", "quick"])
    starts(0)
    ends("quick", 1)
    // A first run is no measure.
    ends("slow", 60)
    expect(slowed()).toEqual([])
    expect(starts(60)).toEqual(["slow", "quick"])
    ends("quick", 60)
    ends("slow", 64)
    expect(slowed()).toEqual([{ name: "slow", every: 8 * minute, took: 4 * minute }])
    expect(starts(65)).toEqual(["quick"])
    ends("quick", 65)
    expect(starts(67.9)).toEqual([])
    expect(starts(68)).toEqual(["slow"])
    ends("slow", 69)
    // It has become quicker.
    expect(slowed()).toEqual([])
    expect(starts(70)).toEqual(["slow", "quick"])
  })

  it("leaves half of what the limits let through, however short the runs are", () => {
    const { ends, slowed, starts } = scenario(["a"])
    const asks = { requests: 20, rate: 5 / minute }
    starts(0)
    ends("a", 1, false, null, asks)
    starts(5)
    ends("a", 6, false, null, asks)
    // 20 requests are 4 minutes of what is let through.
    expect(slowed()).toEqual([{ name: "a", every: 8 * minute, took: minute }])
    expect(starts(12.9)).toEqual([])
    expect(starts(13)).toEqual(["a"])
  })

  it("names no times that a cron expression does not", () => {
    const timetable = Either.getOrThrow(readCron("*/5 8 * * *", "UTC"))
    const from: Rules = { timetable, jitter: 0 }
    const { ends, starts } = scenario(["a"], from)
    const eight = 8 * 60
    expect(starts(eight)).toEqual(["a"])
    ends("a", eight + 4)
    expect(starts(eight + 5)).toEqual(["a"])
    ends("a", eight + 9)
    expect(starts(eight + 10)).toEqual([])
    expect(starts(eight + 15)).toEqual(["a"])
    ends("a", eight + 59)
    expect(starts(eight + 59.5)).toEqual([])
    expect(starts(24 * 60 + eight)).toEqual(["a"])
  })

  it("takes less where less is enough, and does not call that slow", () => {
    const { ends, slowed, starts } = scenario(["hinted"])
    starts(0)
    ends("hinted", 1, false, null, { enough: 15 * minute })
    expect(starts(5)).toEqual([])
    expect(starts(14.9)).toEqual([])
    expect(starts(15)).toEqual(["hinted"])
    expect(slowed()).toEqual([])
  })

  it("does not let one wait that started in what became the future", () => {
    const { ends, starts } = scenario(["a"])
    starts(600)
    ends("a", 604)
    starts(605)
    ends("a", 609)
    expect(starts(3)).toEqual([])
    expect(starts(5)).toEqual(["a"])
  })

  it("never starts what runs already, and never leaves anybody out, whatever happens", () => {
    const names = ["a", "b", "c"]
    const action = fc.record({
      name: fc.constantFrom(...names),
      minutes: fc.integer({ min: 0, max: 20 }),
      failed: fc.boolean(),
      retryIn: fc.option(fc.integer({ min: 0, max: 200 }), { nil: null }),
      replaced: fc.boolean()
    })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { ends, replaced, starts } = scenario(names)
        const running = new Set<string>()
        let now = 0
        const startAll = () => {
          for (const name of starts(now)) {
            expect(running.has(name)).toBe(false)
            running.add(name)
          }
        }
        for (const one of actions) {
          startAll()
          now += one.minutes
          if (one.replaced) replaced(names, now)
          if (!running.delete(one.name)) continue
          ends(one.name, now, one.failed, one.retryIn === null ? null : now + one.retryIn)
        }
        for (const name of [...running]) ends(name, now)
        running.clear()
        now += 24 * 60
        startAll()
        expect([...running].sort()).toEqual(names)
      })
    )
  })
})
