import { afterAll, describe, expect, it } from "vitest"
import { atLeast, exactly, type Interval } from "../src/domain/Interval.ts"
import { now } from "../src/domain/Timestamp.ts"
import { type ForecastInput, forecastPull, isImpossible } from "../src/forecast.ts"
import type { Survey } from "../src/providers/Provider.ts"
import { type ForecastFacts, noFacts } from "../src/store/forecastFacts.ts"
import { holds, type Trial, trialsOf, widthOf } from "./support/forecastTrials.ts"

const list = { operation: "list", method: "GET", path: "/list" } as const
const detail = { operation: "detail", method: "GET", path: "/detail" } as const
const today = Date.UTC(2026, 2, 9)
const day = 86_400_000

const survey = (changed: Partial<Survey> = {}): Survey => ({
  costs: {
    once: 0,
    list: { request: list, requests: (rows) => Math.max(1, Math.ceil(rows / 100)) },
    inside: [],
    fetched: [{ request: detail, perConversation: exactly(1) }]
  },
  listed: exactly(2_000),
  inside: exactly(2_000),
  seen: { inside: 100, missing: 100, changed: 0, isAll: false },
  listMillis: null,
  unsure: null,
  ...changed
})

const input = (changed: Partial<ForecastInput> = {}): ForecastInput => ({
  survey: survey(),
  facts: noFacts,
  pace: {
    limits: [{ name: "100 a minute", requests: 100, perMillis: 60_000, scope: "connection" }],
    quota: 1,
    concurrency: 32,
    roundTrip: 100
  },
  login: 0,
  refetch: false,
  untilNow: true,
  now: today,
  ...changed
})

const held = (facts: Partial<ForecastFacts> = {}): ForecastFacts => ({
  ...noFacts,
  completeAt: now(today - day),
  held: 2_000,
  heldInside: 2_000,
  newPerDay: 0,
  ...facts
})

/** The likely value is inside, and the ends are within a tenth of it. */
const expectClose = (interval: Interval, value: number) => {
  expect(interval).toSatisfy((found: Interval) => holds(found, value))
  expect(widthOf(interval)).toBeLessThanOrEqual(0.1)
}

describe("a forecast", () => {
  it("of an empty mirror follows from what the provider says it holds, and from its limit", () => {
    const forecast = forecastPull(input())
    expectClose(forecast.requests, 2_020)
    expectClose(forecast.duration, 20 * 60_000)
    expect(forecast.basis).toBe("total")
    expect(forecast.shares[0]?.share.likely).toBeGreaterThan(0.9)
    expect(forecast.doubts).toEqual([])
  })

  it("takes twice the time with half of the quota", () => {
    const half = forecastPull(input({ pace: { ...input().pace, quota: 0.5 } }))
    expectClose(half.duration, 40 * 60_000)
    expect(half.shares[0]?.share.likely).toBeLessThanOrEqual(0.5)
  })

  it("says in words that nothing is known where no total and no earlier run tell", () => {
    const seen = { inside: 21, missing: 21, changed: 0, isAll: false }
    const unknown = survey({
      listed: atLeast(21),
      inside: atLeast(21),
      seen,
      unsure: "its list tells no total"
    })
    const { doubts, duration, requests, basis } = forecastPull(input({ survey: unknown }))
    expect(basis).toBe("look")
    expect(requests.high).toBeNull()
    expect(requests.low).toBeLessThanOrEqual(22)
    expect(duration.high).toBeNull()
    expect(doubts.join()).toContain("its list tells no total, and no earlier run has read it to its end")
  })

  it("rests on the mirror where the provider tells no total", () => {
    const unknown = survey({ listed: atLeast(21), inside: atLeast(21), unsure: "its list tells no total" })
    const { basis, requests } = forecastPull(input({ survey: unknown, facts: held(), refetch: true }))
    expect(basis).toBe("earlier-runs")
    expectClose(requests, 2_020)
  })

  it("counts what has changed as earlier pulls found it, and no more than there is", () => {
    const past = [1, 2, 3].map((run) => ({
      runId: run,
      lane: "sync" as const,
      startedAt: now(today - run * day),
      millis: 60_000,
      requests: 60,
      waitedMillis: 0,
      listed: 2_000,
      fresh: 0,
      since: day
    }))
    const calm = survey({ seen: { inside: 100, missing: 0, changed: 3, isAll: false } })
    const { fetched, requests } = forecastPull(input({ survey: calm, facts: held({ past }) }))
    expect(fetched.likely).toBe(40)
    expect(requests.likely).toBe(60)
    const later = forecastPull(input({ survey: calm, facts: held({ past }), now: today + 400 * day }))
    expect(later.fetched.high).toBe(2_000)
  })

  it("is as sure of what has changed as earlier pulls agree", () => {
    const pull = (requests: number, run: number) => ({
      runId: run,
      lane: "sync" as const,
      startedAt: now(today - run * day),
      millis: 60_000,
      requests,
      waitedMillis: 0,
      listed: 2_000,
      fresh: 0,
      since: day
    })
    const calm = survey({ seen: { inside: 100, missing: 0, changed: 3, isAll: false } })
    const given = (...requests: ReadonlyArray<number>) =>
      forecastPull(
        input({ survey: calm, facts: held({ past: requests.map((one, index) => pull(one, index + 1)) }) })
      )
    const agreed = given(220, 219, 221, 220)
    const scattered = given(220, 120, 320, 220)
    const once = given(220)
    expectClose(agreed.requests, 220)
    expect(agreed.doubts).toEqual([])
    for (const unsure of [scattered, once]) {
      expect(widthOf(unsure.requests)).toBeGreaterThan(0.15)
      expect(unsure.doubts.join()).toContain("is an estimate")
    }
  })

  it("leaves out what an interrupted pull was shown before", () => {
    const { listed } = forecastPull(input({ facts: { ...noFacts, alreadyListed: 1_500 } }))
    expect(listed).toEqual(exactly(500))
  })

  it("does not vouch for the time where no limit is known and nothing was measured", () => {
    const { doubts, duration, requests } = forecastPull(input({ pace: { ...input().pace, limits: [] } }))
    expect(requests.high).not.toBeNull()
    expect(duration.high).toBeNull()
    expect(doubts.join()).toContain("it may take longer")
  })

  it("tells a deadline that cannot be met from one that may be", () => {
    const forecast = forecastPull(input())
    expect(isImpossible(forecast, 15 * 60_000)).toBe(true)
    expect(isImpossible(forecast, 19 * 60_000)).toBe(false)
  })
})

/*
 * Whole runs against what was forecast of them. Set PARLEY_FORECASTS to try so many accounts (`npm run forecast`), and
 * PARLEY_FORECAST_SEED to try others.
 */

const isLong = process.env.PARLEY_FORECASTS !== undefined
const accounts = Number(process.env.PARLEY_FORECASTS ?? 8)
const firstSeed = Number(process.env.PARLEY_FORECAST_SEED ?? 70_000)
const largest = isLong ? 1_500 : 120
/** What of the forecasts must hold; few of them leave room for chance. */
const wanted = isLong ? 0.9 : 0.8

/** Under so many requests, or milliseconds, a tenth is less than one retry. */
const few = 3
const brief = 5_000

const isClose = (interval: Interval, least: number): boolean => {
  const { high, likely, low } = interval
  if (likely === null || high === null) return false
  return Math.max(likely - low, high - likely) <= Math.max(least, 0.1 * likely) + 1
}

interface Quantity {
  readonly name: string
  readonly forecast: (trial: Trial) => Interval
  readonly real: (trial: Trial) => number
  readonly least: number
}

const quantities: ReadonlyArray<Quantity> = [
  { name: "requests", forecast: (one) => one.forecast.requests, real: (one) => one.requests, least: few },
  { name: "time", forecast: (one) => one.forecast.duration, real: (one) => one.millis, least: brief }
]

const share = (trials: ReadonlyArray<Trial>, of: (trial: Trial) => boolean): number =>
  trials.length === 0 ? 1 : trials.filter(of).length / trials.length

/** Intervals without an upper end are counted apart: of them, only the lower end can fail. */
const isOpen =
  ({ forecast }: Quantity) =>
  (trial: Trial): boolean =>
    forecast(trial).high === null

const isHeld =
  ({ forecast, real }: Quantity) =>
  (trial: Trial): boolean =>
    holds(forecast(trial), real(trial))

const percent = (value: number): string => `${(100 * value).toFixed(1)}%`

const figureOf = (name: string, trials: ReadonlyArray<Trial>): string =>
  `${name}: ${trials.length} forecasts${quantities
    .map((quantity) => {
      const open = trials.filter(isOpen(quantity))
      const closed = trials.filter((one) => !isOpen(quantity)(one))
      const close = share(closed, (one) => isClose(quantity.forecast(one), quantity.least))
      return `; ${quantity.name}: ${closed.length} with both ends, ${percent(share(closed, isHeld(quantity)))} held, ${percent(close)} within a tenth; ${open.length} open, ${percent(share(open, isHeld(quantity)))} above the lower end`
    })
    .join("")}`

describe("forecasts of simulated pulls", () => {
  const figures: Array<string> = []
  afterAll(() => {
    if (isLong) process.stdout.write(`${figures.join("\n")}\n`)
  })

  it(`hold for at least ${percent(wanted)} of what happens to ${accounts} accounts of four vendors`, async () => {
    const trials: Array<Trial> = []
    for (let seed = firstSeed; seed < firstSeed + accounts; seed += 1) {
      trials.push(...(await trialsOf(seed, largest)))
    }
    figures.push(figureOf("all", trials))
    for (const of of [(one: Trial) => one.vendor, (one: Trial) => one.stage]) {
      for (const value of new Set(trials.map(of))) {
        figures.push(
          figureOf(
            `  ${value}`,
            trials.filter((one) => of(one) === value)
          )
        )
      }
    }
    const founded = trials.filter(({ forecast }) => forecast.basis !== "look")
    figures.push(figureOf("with a total or an earlier run", founded))
    for (const quantity of quantities) {
      const closed = trials.filter((one) => !isOpen(quantity)(one))
      expect(closed.length).toBeGreaterThan(0.6 * trials.length)
      expect(share(closed, isHeld(quantity)), quantity.name).toBeGreaterThanOrEqual(wanted)
      // An open end is said to be one, and why.
      expect(
        trials.filter((one) => isOpen(quantity)(one) && one.forecast.doubts.length === 0),
        quantity.name
      ).toEqual([])
    }
    expect(founded.filter(({ forecast }) => forecast.requests.high === null)).toEqual([])
    // Where everything is fetched, chance has no part in it; how much has changed is not known before.
    const fetchAll = founded.filter(({ stage }) => stage === "an empty mirror" || stage === "a full sync")
    expect(share(fetchAll, (one) => isClose(one.forecast.requests, few))).toBeGreaterThanOrEqual(wanted)
    figures.push(figureOf("of these, where everything is fetched", fetchAll))
    const unsaid = founded.filter(
      ({ forecast }) => !isClose(forecast.requests, few + 2) && forecast.doubts.length === 0
    )
    expect(unsaid).toEqual([])
    for (const { asked, vendor } of trials) expect(asked).toBeLessThanOrEqual(vendor === "empfio" ? 4 : 3)
  }, 3_600_000)
})
