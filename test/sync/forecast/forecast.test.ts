import { afterAll, describe, expect, it } from "vitest"
import { atLeast, exactly, type Interval } from "../../../src/domain/Interval.ts"
import { now } from "../../../src/domain/Timestamp.ts"
import type { Survey } from "../../../src/providers/Provider.ts"
import { type ForecastFacts, noFacts, type PastPull } from "../../../src/store/read/forecastFacts.ts"
import type { ForecastInput } from "../../../src/sync/forecast/Forecast.ts"
import { forecastPull, isImpossible } from "../../../src/sync/forecast/forecastPull.ts"
import { holds, type Trial, trialsOf, widthOf } from "../../support/forecastTrials.ts"

const list = { operation: "list", method: "GET", path: "/list" } as const
const detail = { operation: "detail", method: "GET", path: "/detail" } as const
const today = Date.UTC(2026, 2, 9)
const day = 86_400_000

const limit = { name: "100 a minute", requests: 100, perMillis: 60_000, scope: "connection" } as const

/** An earlier sync of 2,000 conversations, a day after the one before it. @param run how many days ago */
const pull = (requests: number, run: number): PastPull => ({
  runId: run,
  lane: "sync",
  startedAt: now(today - run * day),
  millis: 60_000,
  requests,
  waitedMillis: 0,
  listed: 2_000,
  fresh: 0,
  since: day
})

const survey = (changed: Partial<Survey> = {}): Survey => ({
  costs: {
    once: 0,
    list: { request: list, requests: (rows) => Math.max(1, Math.ceil(rows / 100)) },
    inside: [],
    fetched: [{ request: detail, perConversation: exactly(1) }]
  },
  listed: exactly(2_000),
  inside: exactly(2_000),
  missing: atLeast(100),
  changed: atLeast(0),
  listMillis: null,
  unsure: null,
  ...changed
})

const input = (changed: Partial<ForecastInput> = {}): ForecastInput => ({
  survey: survey(),
  facts: noFacts,
  pace: {
    limits: [limit],
    quota: 1,
    concurrency: 32,
    roundTrip: 100
  },
  quickestAnswer: 100,
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

  it("takes the time that points take where requests cost some", () => {
    const costs = ({ operation }: { readonly operation: string }) => (operation === "detail" ? 5 : 1)
    const { duration } = forecastPull(input({ pace: { ...input().pace, limits: [{ ...limit, costs }] } }))
    expectClose(duration, 100 * 60_000)
  })

  it("names the limit, of which it cannot say a share, where the provider cannot be asked", () => {
    const { shares } = forecastPull(input({ survey: null }))
    expect(shares).toEqual([{ limit: "100 a minute", share: { low: 0, likely: null, high: null } }])
  })

  it("says in words that nothing is known where no total and no earlier run tell", () => {
    const unknown = survey({
      listed: atLeast(21),
      inside: atLeast(21),
      missing: atLeast(21),
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
    const past = [1, 2, 3].map((run) => pull(60, run))
    const calm = survey({ missing: atLeast(0), changed: atLeast(3) })
    const { fetched, requests } = forecastPull(input({ survey: calm, facts: held({ past }) }))
    expect(fetched.likely).toBe(40)
    expect(requests.likely).toBe(60)
    const later = forecastPull(input({ survey: calm, facts: held({ past }), now: today + 400 * day }))
    expect(later.fetched.high).toBe(2_000)
  })

  it("is as sure of what has changed as earlier pulls agree", () => {
    const calm = survey({ missing: atLeast(0), changed: atLeast(3) })
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

  it("reckons with no faster rate than the first where no limit is known and nothing was measured, and says so", () => {
    const { doubts, duration, requests } = forecastPull(input({ pace: { ...input().pace, limits: [] } }))
    const slowest = ((requests.likely ?? 0) / 10) * 1_000
    expect(duration.likely).toBeLessThan(slowest / 5)
    expect(duration.high).toBeGreaterThan(slowest)
    expect(doubts.join()).toContain("where it bears fewer than 10 a second, it takes longer")
  })

  it("refuses no deadline that answers as quick as the quickest one would meet", () => {
    const pace = { ...input().pace, limits: [{ ...limit, requests: 1e6 }], roundTrip: 500 }
    const slow = forecastPull(input({ pace, quickestAnswer: 500 })).duration
    const quick = forecastPull(input({ pace, quickestAnswer: 50 })).duration
    expect(quick.likely).toBe(slow.likely)
    expect(quick.low).toBeLessThan(slow.low / 3)
  })

  it("takes what the provider shows of changes where it shows all, and weighs it with earlier pulls where not", () => {
    const past = [1, 2, 3].map((run) => pull(220 + run, run))
    const changed = (shown: Interval) =>
      forecastPull(input({ survey: survey({ changed: shown, missing: exactly(0) }), facts: held({ past }) }))
        .fetched
    expect(changed(exactly(3))).toEqual(exactly(3))
    const { high, likely, low } = changed({ low: 190, likely: 300, high: 400 })
    expect(low).toBeGreaterThanOrEqual(190)
    expect(likely).toBeGreaterThan(195)
    expect(high).toBeLessThan(215)
    // Where both cannot be right, either may be.
    expect(changed({ low: 500, likely: 600, high: 700 })).toMatchObject({ high: 700 })
  })

  it("tells a deadline that cannot be met from one that may be", () => {
    const forecast = forecastPull(input())
    expect(isImpossible(forecast, 15 * 60_000)).toBe(true)
    expect(isImpossible(forecast, 19 * 60_000)).toBe(false)
  })
})

/*
 * Whole runs against what was forecast of them. Set PARLEY_FORECASTS to try so many accounts (`npm run soak:forecast`), and
 * PARLEY_FORECAST_SEED to try others.
 */

const isLong = process.env.PARLEY_FORECASTS !== undefined
const accounts = Number(process.env.PARLEY_FORECASTS ?? 8)
const firstSeed = Number(process.env.PARLEY_FORECAST_SEED ?? 70_000)
const largest = isLong ? 1_500 : 120
/** What of the forecasts must hold; few of them leave room for chance. */
const wanted = isLong ? 0.9 : 0.8

/** How exact a forecast is: within a tenth, or within what no forecast of little can be more exact than. */
const isNear = (left: number, right: number, least: number): boolean =>
  Math.abs(left - right) <= Math.max(least, 0.1 * right)

interface Quantity {
  readonly name: string
  readonly forecast: (trial: Trial) => Interval
  readonly real: (trial: Trial) => number
  /** Two requests: a login, and a page that is read again. Two seconds: a few answers. */
  readonly least: number
  /** The same of the ends, which are rounded outwards; below it, a time is only said to be a few seconds. */
  readonly leastWidth: number
}

const requests: Quantity = {
  name: "requests",
  forecast: (one) => one.forecast.requests,
  real: (one) => one.requests,
  least: 2,
  leastWidth: 3
}
const time: Quantity = {
  name: "time",
  forecast: (one) => one.forecast.duration,
  real: (one) => one.millis,
  least: 2_000,
  leastWidth: 5_000
}
const quantities = [requests, time]

/** The ends are near the likely value. */
const isNarrow =
  ({ forecast, leastWidth }: Quantity) =>
  (trial: Trial): boolean => {
    const { high, likely, low } = forecast(trial)
    return likely !== null && high !== null && [low, high].every((end) => isNear(end, likely, leastWidth))
  }

/** The likely value is near what then happened. */
const isRight =
  ({ forecast, least, real }: Quantity) =>
  (trial: Trial): boolean => {
    const { likely } = forecast(trial)
    return likely !== null && isNear(likely, real(trial), least)
  }

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

const isStated =
  (quantity: Quantity) =>
  (trial: Trial): boolean =>
    !isOpen(quantity)(trial) && isHeld(quantity)(trial)

const figureOf = (name: string, trials: ReadonlyArray<Trial>): string =>
  `${name}: ${trials.length} forecasts${quantities
    .map((quantity) => {
      const of = (is: (quantity: Quantity) => (trial: Trial) => boolean) =>
        percent(share(trials, is(quantity)))
      const open = trials.filter(isOpen(quantity))
      const isEither = (one: Trial) => isNarrow(quantity)(one) || isRight(quantity)(one)
      return `; ${quantity.name}: ${of(isStated)} between both ends, ${open.length} without an upper one (${percent(share(open, isHeld(quantity)))} of these above the lower), ${of(isNarrow)} no wider than a tenth, ${of(isRight)} likely within a tenth of what happened, ${percent(share(trials, isEither))} one of both`
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
      // An open end counts as a miss here.
      expect(share(trials, isStated(quantity)), quantity.name).toBeGreaterThanOrEqual(wanted)
      // An open end is said to be one, and why.
      expect(
        trials.filter((one) => isOpen(quantity)(one) && one.forecast.doubts.length === 0),
        quantity.name
      ).toEqual([])
      expect(founded.filter(isOpen(quantity)), quantity.name).toEqual([])
    }
    const isExact = (one: Trial) => isNarrow(requests)(one) || isRight(requests)(one)
    expect(share(founded, isExact)).toBeGreaterThanOrEqual(wanted)
    // Where everything is fetched, chance has no part in it; how much has changed is not known before.
    const fetchAll = founded.filter(({ stage }) => stage === "an empty mirror" || stage === "a full sync")
    figures.push(figureOf("of these, where everything is fetched", fetchAll))
    expect(share(fetchAll, isNarrow(requests))).toBeGreaterThanOrEqual(wanted)
    const unsaid = founded.filter(
      ({
        forecast: {
          doubts,
          requests: { high, likely, low }
        }
      }) => doubts.length === 0 && ![low, high].every((end) => isNear(end ?? 0, likely ?? 0, 5))
    )
    expect(unsaid).toEqual([])
    // Six looks into a list, and a login or a list of agents.
    for (const { asked } of trials) expect(asked).toBeLessThanOrEqual(7)
  }, 3_600_000)
})
