import {
  atLeast,
  exactly,
  type Interval,
  larger,
  mapInterval,
  minus,
  plus,
  rounded,
  times,
  widen
} from "./domain/Interval.ts"
import { toMillis } from "./domain/Timestamp.ts"
import type { Limit } from "./http/contract.ts"
import { allowedOf, countedIn, isFound, type Load, millisOf, type Pace, quickestOf } from "./pace.ts"
import type { RequestCost, Survey } from "./providers/Provider.ts"
import type { ForecastFacts, PastPull } from "./store/forecastFacts.ts"

/*
 * What a pull will cost, before it begins: from what the provider says it holds, from what earlier pulls have cost, and
 * from the limits that are kept.
 */

/** How much of one limit a pull takes: 1 is all that it allows for as long as the pull lasts. */
export interface LimitShare {
  readonly limit: string
  readonly share: Interval
}

/** What a forecast rests on: what the provider says, earlier pulls, or nothing but a look at the beginning. */
export type Basis = "total" | "earlier-runs" | "look"

export interface Forecast {
  /** Conversations that will be listed, and those that will be fetched as new or changed. */
  readonly listed: Interval
  readonly fetched: Interval
  readonly requests: Interval
  /** Milliseconds. */
  readonly duration: Interval
  readonly shares: ReadonlyArray<LimitShare>
  readonly basis: Basis
  /** In plain words, how unsure it is and why. */
  readonly doubts: ReadonlyArray<string>
}

export interface ForecastInput {
  /** Null: the provider cannot be asked. */
  readonly survey: Survey | null
  readonly facts: ForecastFacts
  readonly pace: Pace
  /** Requests before any other: a login. */
  readonly login: number
  /** Every conversation's details are wanted, changed or not. */
  readonly refetch: boolean
  /** The window reaches into the present, so that it holds what is new. */
  readonly untilNow: boolean
  /** Epoch milliseconds. */
  readonly now: number
}

/** No time, and no number of requests, is more exact than this share, nor than so many: retries, and what moves meanwhile. */
const tolerance = 0.04
const requestTolerance = 0.02
const fewRequests = 2
const shortWhile = 2_000

/** How far time may lie from what the model says where no pull was ever measured. */
const unmeasured = 0.1

/** For a count that is the sum of many small chances: how far it may lie from its mean, at 95 in 100. */
const spread = (mean: number): number => 2 * Math.sqrt(mean + 1)

const countAround = (mean: number): Interval => ({
  low: Math.max(0, mean - spread(mean)),
  likely: mean,
  high: mean + spread(mean)
})

const day = 86_400_000

/** Conversations that have come since the last scan of everything. */
const newSince = ({ completeAt, newPerDay }: ForecastFacts, now: number): Interval => {
  const days = completeAt === null ? 0 : Math.max(0, now - toMillis(completeAt)) / day
  return countAround(newPerDay * days)
}

const isExact = ({ high, low }: Interval): boolean => high === low

/** The narrower of what the provider shows and what the mirror holds. */
const narrower = (shown: Interval, expected: Interval | null): Interval => {
  if (expected === null || isExact(shown)) return shown
  if (
    shown.high !== null &&
    shown.likely !== null &&
    shown.high - shown.low <= (expected.high ?? 0) - expected.low
  ) {
    return shown
  }
  const low = Math.max(shown.low, expected.low)
  const high = Math.min(shown.high ?? Number.POSITIVE_INFINITY, expected.high ?? Number.POSITIVE_INFINITY)
  return {
    low,
    likely: Math.max(low, expected.likely ?? low),
    high: Number.isFinite(high) ? Math.max(low, high) : null
  }
}

const perConversation = (costs: ReadonlyArray<RequestCost>): Interval =>
  costs.map((cost) => cost.perConversation).reduce(plus, exactly(0))

interface Amounts {
  readonly listed: Interval
  readonly inside: Interval
  readonly fetched: Interval
}

/** Requests of an earlier pull beyond those that listing took, and what listing took. */
const beyondListing = (pull: PastPull, { costs }: Survey, login: number): number =>
  Math.max(
    0,
    pull.requests -
      login -
      costs.once -
      costs.list.requests(pull.listed) -
      pull.listed * (perConversation(costs.inside).likely ?? 0)
  )

/** Of earlier pulls that brought little but news: how many conversations had changed, a millisecond. */
const changeRates = (past: ReadonlyArray<PastPull>, survey: Survey, login: number): ReadonlyArray<number> => {
  const perFetch = perConversation(survey.costs.fetched).likely ?? 0
  return past.flatMap((pull) => {
    const fetched = perFetch === 0 ? 0 : beyondListing(pull, survey, login) / perFetch
    const isNews = fetched <= 0.5 * pull.listed && pull.fresh <= 5 + 0.2 * pull.listed
    return pull.since !== null && isNews ? [Math.max(0, fetched - pull.fresh) / Math.max(1, pull.since)] : []
  })
}

/** Where no earlier pull tells: what was not looked at has changed at most as much as what was, the newest. */
const changedAsSeen = ({ seen }: Survey, held: number): Interval => {
  const most = seen.inside === 0 ? held : (held * (seen.changed + spread(seen.changed))) / seen.inside
  const high = Math.min(held, Math.max(seen.changed, most))
  return { low: Math.min(seen.changed, held), likely: (seen.changed + high) / 2, high }
}

/** Student's t for nine in ten, for the next of so many draws: one draw tells nothing of how far they scatter. */
const nextDraw = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 7.73, 3.37, 2.63, 2.34, 2.18, 2.08, 2]

/** How far the next value may lie from the mean of these, as far as they scatter. */
const scatter = (values: ReadonlyArray<number>): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return values.length < 2
    ? Number.POSITIVE_INFINITY
    : (nextDraw[values.length] ?? 2) * Math.sqrt(squares / (values.length - 1))
}

/** Conversations held that have changed since the last pull, from how many had before earlier ones. */
const changedSince = (input: ForecastInput, survey: Survey): Interval => {
  const { facts, login, now } = input
  const { seen } = survey
  if (seen.isAll) return exactly(seen.changed)
  if (facts.heldInside === 0 || survey.costs.fetched.length === 0) return exactly(0)
  const rates = changeRates(facts.past, survey, login)
  const [latest] = facts.past
  if (rates.length === 0 || latest === undefined) return changedAsSeen(survey, facts.heldInside)
  const elapsed = Math.max(0, now - toMillis(latest.startedAt))
  const mean = (rates.reduce((sum, rate) => sum + rate, 0) / rates.length) * elapsed
  const [smallest, largest] = [Math.min(...rates) * elapsed, Math.max(...rates) * elapsed]
  const around = scatter(rates) * elapsed + 1
  const low = Math.max(0, seen.changed, 0.7 * smallest - spread(smallest), mean - around)
  const likely = Math.max(low, mean)
  const high = Math.max(likely, Math.min(1.3 * largest + spread(largest), mean + around))
  return mapInterval({ low, likely, high }, (value) => Math.min(facts.heldInside, value))
}

const amountsOf = (input: ForecastInput, survey: Survey): Amounts => {
  const { facts, now, refetch, untilNow } = input
  const news = newSince(facts, now)
  const expected =
    facts.completeAt === null
      ? null
      : plus({ low: facts.held * 0.98, likely: facts.held, high: facts.held }, news)
  const listed = narrower(survey.listed, expected)
  const expectedInside =
    facts.completeAt === null ? null : plus(exactly(facts.heldInside), untilNow ? news : exactly(0))
  const inside = narrower(survey.inside, expectedInside)
  if (refetch) return { listed, inside, fetched: inside }
  const missing = survey.seen.isAll
    ? exactly(survey.seen.missing)
    : larger(exactly(survey.seen.missing), minus(inside, exactly(facts.heldInside)))
  return { listed, inside, fetched: plus(missing, changedSince(input, survey)) }
}

const loadsOf = (
  { costs }: Survey,
  amounts: Amounts,
  pick: (interval: Interval) => number
): ReadonlyArray<Load> => [
  {
    request: costs.list.request,
    count: costs.list.requests(pick(amounts.listed)),
    paths: "one",
    order: "sequential"
  },
  ...costs.inside.map(
    ({ request, perConversation: each }): Load => ({
      request,
      count: pick(amounts.inside) * pick(each),
      paths: "many",
      order: "parallel"
    })
  ),
  ...costs.fetched.map(
    ({ request, perConversation: each }): Load => ({
      request,
      count: pick(amounts.fetched) * pick(each),
      paths: "many",
      order: "parallel"
    })
  )
]

/** How much slower or faster the last pulls of some size were than the model says; null: none can tell. */
const measuredPace = (input: ForecastInput, survey: Survey, amounts: Amounts): Interval | null => {
  const { facts, login, pace } = input
  const wanted = amounts.fetched.likely ?? 0
  const ratios = facts.past.flatMap((pull) => {
    const beyond = beyondListing(pull, survey, login)
    const perFetch = perConversation(survey.costs.fetched).likely ?? 0
    const fetched = perFetch === 0 ? 0 : Math.min(pull.listed, beyond / perFetch)
    // A pull that had little to do says little about one that has much.
    if ((perFetch > 0 && fetched * 4 < wanted) || pull.requests < 3) return []
    const before = { listed: exactly(pull.listed), inside: exactly(pull.listed), fetched: exactly(fetched) }
    const model = millisOf(
      login + survey.costs.once,
      loadsOf(survey, before, ({ low }) => low),
      pace
    )
    return [Math.max(1, pull.millis) / Math.max(1, model)]
  })
  if (ratios.length === 0) return null
  const sorted = ratios.slice(0, 9).toSorted((left, right) => left - right)
  return {
    low: sorted[0] ?? 1,
    likely: sorted[Math.floor(sorted.length / 2)] ?? 1,
    high: sorted.at(-1) ?? 1
  }
}

const durationOf = (
  input: ForecastInput,
  survey: Survey,
  amounts: Amounts,
  once: number,
  requests: Interval
): Interval => {
  const { pace } = input
  const at = (pick: (interval: Interval) => number | null): number | null => {
    const whole = [amounts.listed, amounts.inside, amounts.fetched].every((one) => pick(one) !== null)
    if (!whole) return null
    return millisOf(
      once,
      loadsOf(survey, amounts, (one) => pick(one) ?? one.low),
      pace
    )
  }
  const model: Interval = {
    low: at(({ low }) => low) ?? 0,
    likely: at(({ likely }) => likely),
    high: at(({ high }) => high)
  }
  const measured = measuredPace(input, survey, amounts)
  // An earlier pull has had to find its rate, and this one need not: it may be as quick as answers are.
  const quickest =
    isFound(pace) && input.facts.past.length > 0
      ? quickestOf(
          once,
          loadsOf(survey, amounts, ({ low }) => low),
          pace
        ) *
        (1 - unmeasured)
      : Number.POSITIVE_INFINITY
  const orQuicker = (interval: Interval): Interval => ({
    ...interval,
    low: Math.min(interval.low, quickest)
  })
  // What the provider bears is known as far as it was tried.
  const tried = Math.max(0, ...input.facts.past.map(({ requests }) => requests))
  if (
    isFound(pace) &&
    (measured === null || (requests.high ?? Number.POSITIVE_INFINITY) > 1.5 * tried + 20)
  ) {
    return orQuicker({
      ...widen(measured === null ? model : times(model, measured), 2 * unmeasured, shortWhile),
      high: null
    })
  }
  const paced =
    measured === null
      ? widen(model, unmeasured, shortWhile)
      : widen(times(model, measured), tolerance, shortWhile)
  return survey.listMillis === null
    ? orQuicker(paced)
    : larger(paced, widen(survey.listMillis, unmeasured, shortWhile))
}

const shareOf = (
  limit: Limit,
  input: ForecastInput,
  survey: Survey,
  amounts: Amounts,
  duration: Interval
): Interval => {
  const shareAt = (pick: (interval: Interval) => number | null): number | null => {
    const millis = pick(duration)
    const whole = [amounts.listed, amounts.inside, amounts.fetched].every((one) => pick(one) !== null)
    if (!whole || millis === null) return null
    const requests = countedIn(
      limit,
      loadsOf(survey, amounts, (one) => pick(one) ?? one.low)
    )
    const windows = Math.max(1, Math.ceil(millis / limit.perMillis))
    return Math.min(
      allowedOf(limit, input.pace.quota) / limit.requests,
      requests / (limit.requests * windows)
    )
  }
  // More requests in more time may be a smaller share.
  const likely = shareAt((interval) => interval.likely)
  const ends = [shareAt(({ low }) => low) ?? 0, likely ?? 0]
  const most = shareAt(({ high }) => high)
  return { low: Math.min(...ends, most ?? 0), likely, high: most === null ? null : Math.max(...ends, most) }
}

/** Without a provider that can be asked: the same again, as earlier pulls were. */
const fromPast = ({ facts }: ForecastInput): Forecast => {
  const values = (of: (pull: PastPull) => number): Interval => {
    const all = facts.past
      .slice(0, 9)
      .map(of)
      .toSorted((left, right) => left - right)
    if (all.length === 0) return atLeast(1)
    return {
      low: all[0] ?? 0,
      likely: all[Math.floor(all.length / 2)] ?? 0,
      high: all.at(-1) ?? 0
    }
  }
  const none = facts.past.length === 0
  return {
    listed: values((pull) => pull.listed),
    fetched: atLeast(0),
    requests: widen(
      values((pull) => pull.requests),
      tolerance,
      fewRequests
    ),
    duration: none
      ? atLeast(0)
      : widen(
          values((pull) => pull.millis),
          tolerance,
          shortWhile
        ),
    shares: [],
    basis: none ? "look" : "earlier-runs",
    doubts: [
      none ? "it cannot be asked how much it holds, and no earlier run tells" : "only earlier runs tell"
    ]
  }
}

/** Whether more than a tenth, and more than a few requests, lie between the likely value and an end. */
const isWide = ({ high, likely, low }: Interval): boolean =>
  high !== null &&
  likely !== null &&
  Math.max(likely - low, high - likely) > Math.max(2 * fewRequests, 0.1 * likely)

const doubtsOf = (
  survey: Survey,
  basis: Basis,
  forecast: Pick<Forecast, "requests" | "duration">,
  pace: Pace
) => {
  const isOpen = forecast.requests.high === null
  const doubts: Array<string> = []
  if (survey.unsure !== null && basis === "look") {
    doubts.push(
      `${survey.unsure}, and no earlier run has read it to its end: ${isOpen ? "it may be any number of requests more" : "this is a guess"}`
    )
  }
  if (isWide(forecast.requests)) {
    doubts.push("how many conversations have to be fetched is an estimate, until its whole list is read")
  }
  if (isFound(pace) && forecast.duration.high === null && forecast.requests.high !== null) {
    doubts.push(
      "how many requests it bears is not known, and was never tried for so many: it may take longer"
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
  const requests = rounded(counted.high === null ? counted : widen(counted, requestTolerance, fewRequests))
  const least = Math.max(once + 1, requests.low)
  const duration = rounded(durationOf(input, survey, left, once, requests))
  const basis: Basis = survey.unsure === null ? "total" : facts.completeAt === null ? "look" : "earlier-runs"
  const told = { requests: { ...requests, low: least }, duration }
  return {
    listed: rounded(left.listed),
    fetched: rounded(left.fetched),
    ...told,
    shares: pace.limits.map((limit) => ({
      limit: limit.name,
      share: shareOf(limit, input, survey, left, duration)
    })),
    basis,
    doubts: doubtsOf(survey, basis, told, pace)
  }
}

/** Whether a pull cannot be done within so many milliseconds, whatever happens. */
export const isImpossible = ({ duration }: Forecast, deadline: number): boolean => duration.low > deadline
