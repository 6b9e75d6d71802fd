import { exactly, type Interval, larger, times, widen } from "../../domain/Interval.ts"
import { isSearched } from "../../http/limits/ScopedLimits.ts"
import type { Survey } from "../../providers/Provider.ts"
import type { PastPull } from "../../store/read/forecastFacts.ts"
import { type Amounts, fetchedBy, loadsOf } from "./costs.ts"
import type { ForecastInput } from "./Forecast.ts"
import { millisOf, type Rate } from "./replay.ts"

/*
 * How long a pull takes: what its requests take at the limits that are kept, and how much slower or faster than that
 * earlier pulls were.
 */

/** No time is more exact than this share of it, or than so many milliseconds. */
const tolerance = 0.04
export const shortWhile = 2_000

/** How far time may lie from what the model says where no pull was ever measured. */
const unmeasured = 0.1

/** A pull with so many times more or fewer requests says little, if others say more. */
const alike = 3

interface Measured {
  readonly ratio: number
  /** How many times larger or smaller it was. */
  readonly distance: number
}

const measure = (input: ForecastInput, survey: Survey, pull: PastPull, wanted: Interval): Measured => {
  const { login, pace } = input
  const fetched = exactly(Math.min(pull.listed, fetchedBy(pull, survey, login)))
  const before = { listed: exactly(pull.listed), inside: exactly(pull.listed), fetched }
  const loads = loadsOf(survey, before, ({ low }) => low) ?? []
  const model = millisOf(login + survey.costs.once, loads, pace)
  const sizes = [pull.requests, Math.max(1, wanted.likely ?? wanted.low)]
  return {
    ratio: Math.max(1, pull.millis) / Math.max(1, model),
    distance: Math.max(...sizes) / Math.min(...sizes)
  }
}

/** How much slower or faster than the model the last pulls of about this size were; null: unknown. */
const measuredPace = (
  input: ForecastInput,
  survey: Survey,
  amounts: Amounts,
  requests: Interval
): Interval | null => {
  const wanted = amounts.fetched.likely ?? 0
  const isFetching = survey.costs.fetched.length > 0
  const measured = input.facts.past.flatMap((pull) =>
    // A pull that had little to do says little about one that has much.
    (isFetching && fetchedBy(pull, survey, input.login) * 4 < wanted) || pull.requests < 3
      ? []
      : [measure(input, survey, pull, requests)]
  )
  const near = measured.filter(({ distance }) => distance <= alike)
  return spanOf((near.length > 0 ? near : measured).map(({ ratio }) => ratio))
}

/** The smallest, the middle and the largest of the first values: those of the newest pulls. Null: there are none. */
export const spanOf = (values: ReadonlyArray<number>): Interval | null => {
  const sorted = values.slice(0, 9).toSorted((left, right) => left - right)
  const [low, likely, high] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  return low === undefined || likely === undefined || high === undefined ? null : { low, likely, high }
}

/** Milliseconds. @param once requests before the first page. @param requests in all */
export const durationOf = (
  input: ForecastInput,
  survey: Survey,
  amounts: Amounts,
  once: number,
  requests: Interval
): Interval => {
  const { facts, pace, quickestAnswer } = input
  const at = (pick: (interval: Interval) => number | null, rate: Rate = "searched"): number | null => {
    const loads = loadsOf(survey, amounts, pick)
    return loads === null ? null : millisOf(once, loads, pace, rate)
  }
  const lowLoads = loadsOf(survey, amounts, ({ low }) => low) ?? []
  const quickPace = { ...pace, roundTrip: Math.max(1, Math.min(pace.roundTrip, quickestAnswer)) }
  const model: Interval = {
    low: millisOf(once, lowLoads, quickPace),
    likely: at(({ likely }) => likely),
    high: at(({ high }) => high)
  }
  const measured = measuredPace(input, survey, amounts, requests)
  const estimate = measured === null ? model : times(model, measured)
  // An earlier pull has had to find its rate, and this one need not: it may be as quick as answers are.
  const quickest =
    isSearched(pace.limits) && facts.past.length > 0
      ? millisOf(once, lowLoads, quickPace, "found") * (1 - unmeasured)
      : Number.POSITIVE_INFINITY
  const orQuicker = (interval: Interval): Interval => ({
    ...interval,
    low: Math.min(interval.low, quickest)
  })
  if (isUntried(input, requests)) {
    const slowest = at(({ high }) => high, "first")
    const wide = widen(estimate, 2 * unmeasured, shortWhile)
    return orQuicker({
      ...wide,
      high: slowest === null ? null : Math.max(wide.high ?? 0, slowest * (1 + unmeasured) + shortWhile)
    })
  }
  const paced = widen(estimate, measured === null ? unmeasured : tolerance, shortWhile)
  return survey.listMillis === null
    ? orQuicker(paced)
    : larger(paced, widen(survey.listMillis, unmeasured, shortWhile))
}

/** Whether no limit is known, and no earlier pull has tried how much the provider bears for so many requests. */
export const isUntried = ({ facts, pace }: ForecastInput, requests: Interval): boolean => {
  const tried = Math.max(0, ...facts.past.map((pull) => pull.requests))
  return (
    isSearched(pace.limits) && (tried < 3 || (requests.high ?? Number.POSITIVE_INFINITY) > 1.5 * tried + 20)
  )
}
