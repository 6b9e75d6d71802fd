import {
  atLeast,
  exactly,
  type Interval,
  mapInterval,
  minus,
  plus,
  rounded,
  times,
  widen
} from "../../domain/Interval.ts"
import type { Limit } from "../../http/contract.ts"
import { firstRate } from "../../http/limits/rateSearch.ts"
import type { Survey } from "../../providers/Provider.ts"
import { amountsOf } from "./amounts.ts"
import { type Amounts, loadsOf, perConversation } from "./costs.ts"
import { durationOf, isUntried, shortWhile, spanOf } from "./duration.ts"
import type { Basis, Forecast, ForecastInput } from "./Forecast.ts"
import { allowedOf, countedIn } from "./replay.ts"

/*
 * What a pull will cost, before it begins: from what the provider says it holds, from what earlier pulls have cost, and
 * from the limits that are kept.
 */

/** No number of requests is more exact than this share of it, or than so many: what moves meanwhile is read again. */
const tolerance = 0.02
const fewRequests = 2

const shareOf = (
  limit: Limit,
  input: ForecastInput,
  survey: Survey,
  amounts: Amounts,
  duration: Interval
): Interval => {
  const shareAt = (pick: (interval: Interval) => number | null): number | null => {
    const millis = pick(duration)
    const loads = loadsOf(survey, amounts, pick)
    if (loads === null || millis === null) return null
    const windows = Math.max(1, Math.ceil(millis / limit.perMillis))
    return Math.min(
      allowedOf(limit, input.pace.quota) / limit.requests,
      countedIn(limit, loads) / (limit.requests * windows)
    )
  }
  // More requests in more time may be a smaller share.
  const likely = shareAt((interval) => interval.likely)
  const ends = [shareAt(({ low }) => low) ?? 0, likely ?? 0]
  const most = shareAt(({ high }) => high)
  return { low: Math.min(...ends, most ?? 0), likely, high: most === null ? null : Math.max(...ends, most) }
}

/** Without a provider that can be asked: the same again, as earlier pulls were. */
const fromPast = ({ facts, pace }: ForecastInput): Forecast => {
  const { past } = facts
  const requests = spanOf(past.map((pull) => pull.requests)) ?? atLeast(1)
  const millis = spanOf(past.map((pull) => pull.millis))
  return {
    listed: spanOf(past.map((pull) => pull.listed)) ?? atLeast(1),
    fetched: atLeast(0),
    requests: widen(requests, 2 * tolerance, fewRequests),
    duration: millis === null ? atLeast(0) : widen(millis, 2 * tolerance, shortWhile),
    shares: pace.limits.map(({ name }) => ({ limit: name, share: atLeast(0) })),
    basis: millis === null ? "look" : "earlier-runs",
    doubts: [
      millis === null
        ? "it does not say how much it holds, and no earlier run is known"
        : "only earlier runs are known"
    ]
  }
}

/** Whether more than a tenth, and more than a few requests, lie between the likely value and an end. */
const isWide = ({ high, likely, low }: Interval): boolean =>
  high !== null &&
  likely !== null &&
  Math.max(likely - low, high - likely) > Math.max(2 * fewRequests, 0.1 * likely)

const doubtsOf = (
  input: ForecastInput,
  survey: Survey,
  basis: Basis,
  requests: Interval
): ReadonlyArray<string> => {
  const doubts: Array<string> = []
  if (survey.unsure !== null && basis === "look") {
    const rest = requests.high === null ? "it may be any number of requests more" : "this is a guess"
    doubts.push(`${survey.unsure}, and no earlier run has read it to its end: ${rest}`)
  }
  if (isWide(requests)) {
    doubts.push("how many conversations have to be fetched is an estimate, until its whole list is read")
  }
  if (requests.high !== null && isUntried(input, requests)) {
    doubts.push(
      `how many requests it bears is not known, and was never tried for so many: where it bears fewer than ${firstRate} a second, it takes longer`
    )
  }
  return doubts
}

/** What a pull costs. Every number is an interval that holds it in at least nine of ten cases, retries left out. */
export const forecastPull = (input: ForecastInput): Forecast => {
  const { facts, login, pace, survey } = input
  if (survey === null) return fromPast(input)
  const amounts = amountsOf(input, survey)
  const left = { ...amounts, listed: minus(amounts.listed, exactly(facts.alreadyListed)) }
  const once = login + survey.costs.once
  const counted = [
    exactly(once),
    mapInterval(left.listed, survey.costs.list.requests),
    times(left.inside, perConversation(survey.costs.inside)),
    times(left.fetched, perConversation(survey.costs.fetched))
  ].reduce(plus)
  // Where nothing but a lower end is known, it is of what was seen.
  const widened = rounded(counted.high === null ? counted : widen(counted, tolerance, fewRequests))
  const requests: Interval = { ...widened, low: Math.max(once + 1, widened.low) }
  const duration = rounded(durationOf(input, survey, left, once, requests))
  const basis: Basis = survey.unsure === null ? "total" : facts.completeAt === null ? "look" : "earlier-runs"
  return {
    listed: rounded(left.listed),
    fetched: rounded(left.fetched),
    requests,
    duration,
    shares: pace.limits.map((limit) => ({
      limit: limit.name,
      share: shareOf(limit, input, survey, left, duration)
    })),
    basis,
    doubts: doubtsOf(input, survey, basis, requests)
  }
}

/** Whether a pull cannot be done within so many milliseconds, whatever happens. */
export const isImpossible = ({ duration }: Forecast, deadline: number): boolean => duration.low > deadline
