import { exactly, type Interval, isExact, mapInterval } from "../../domain/Interval.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { Survey } from "../../providers/Provider.ts"
import type { PastPull } from "../../store/read/forecastFacts.ts"
import { fetchedBy } from "./costs.ts"
import type { ForecastInput } from "./Forecast.ts"

/*
 * How many of the conversations that are held have changed at the provider: what it shows of them, or where it shows
 * too little, what earlier pulls found.
 */

interface KnownInterval extends Interval {
  readonly likely: number
  readonly high: number
}

/** For a count that is the sum of many small chances: how far it may lie from its mean, at 95 in 100. */
export const spread = (mean: number): number => 2 * Math.sqrt(mean + 1)

/** Of earlier pulls that brought little but news: how many conversations had changed, a millisecond. */
const changeRates = (past: ReadonlyArray<PastPull>, survey: Survey, login: number): ReadonlyArray<number> =>
  past.flatMap((pull) => {
    const fetched = fetchedBy(pull, survey, login)
    const isNews = fetched <= 0.5 * pull.listed && pull.fresh <= 5 + 0.2 * pull.listed
    return pull.since !== null && isNews ? [Math.max(0, fetched - pull.fresh) / Math.max(1, pull.since)] : []
  })

/** Student's t for nine in ten, for the next of so many draws: a single draw says nothing about the spread. */
const nextDraw = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 7.73, 3.37, 2.63, 2.34, 2.18, 2.08, 2]

/** How far the next value may lie from the mean of these, as far as they scatter. */
const scatter = (values: ReadonlyArray<number>): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return values.length < 2
    ? Number.POSITIVE_INFINITY
    : (nextDraw[values.length] ?? 2) * Math.sqrt(squares / (values.length - 1))
}

/** As many as earlier pulls found, for the time that has passed since the last; null: unknown. */
const asBefore = (input: ForecastInput, survey: Survey): KnownInterval | null => {
  const { facts, login, now } = input
  const rates = changeRates(facts.past, survey, login)
  const [latest] = facts.past
  if (rates.length === 0 || latest === undefined) return null
  const elapsed = Math.max(0, now - toMillis(latest.startedAt))
  const mean = (rates.reduce((sum, rate) => sum + rate, 0) / rates.length) * elapsed
  const [smallest, largest] = [Math.min(...rates) * elapsed, Math.max(...rates) * elapsed]
  const around = scatter(rates) * elapsed + 1
  const low = Math.max(0, 0.7 * smallest - spread(smallest), mean - around)
  return { low, likely: mean, high: Math.max(mean, Math.min(1.3 * largest + spread(largest), mean + around)) }
}

/** Combines two sources: the likely value is nearer to that of the more certain one. */
const together = (one: KnownInterval, other: KnownInterval): KnownInterval => {
  const [low, high] = [Math.max(one.low, other.low), Math.min(one.high, other.high)]
  const isAtOdds = low > high
  const weights = [one, other].map((each) => 1 / Math.max(1, each.high - each.low) ** 2)
  const [mine = 0, yours = 0] = weights
  const likely = (mine * one.likely + yours * other.likely) / (mine + yours)
  return isAtOdds
    ? { low: Math.min(one.low, other.low), likely, high: Math.max(one.high, other.high) }
    : { low, likely: Math.min(high, Math.max(low, likely)), high }
}

/** Conversations held that have changed since the last pull. */
export const changedSince = (input: ForecastInput, survey: Survey): Interval => {
  const { heldInside } = input.facts
  const { changed: shown } = survey
  if (isExact(shown)) return shown
  if (heldInside === 0 || survey.costs.fetched.length === 0) return exactly(0)
  const low = Math.min(shown.low, heldInside)
  const high = Math.max(low, Math.min(shown.high ?? heldInside, heldInside))
  const estimated: KnownInterval = { low, likely: Math.min(high, shown.likely ?? (low + high) / 2), high }
  const before = asBefore(input, survey)
  if (before === null) return estimated
  return mapInterval(together(estimated, before), (value) => Math.min(heldInside, Math.max(low, value)))
}
