import type { Limit } from "../../http/contract.ts"
import { mayBurst } from "../../http/limits/Budget.ts"
import { firstRate, newSearch, served } from "../../http/limits/rateSearch.ts"
import type { RequestCost } from "../../providers/Provider.ts"

/*
 * How long a number of requests takes at least and most likely: the limits that are kept, the rate that is found where
 * none is known, and the time that answers take.
 */

/** Requests of one kind. `paths`: each has a path of its own; otherwise they share one. */
export interface Load {
  readonly request: RequestCost["request"]
  readonly count: number
  readonly paths: "one" | "many"
  /** One after the other, or several at once. */
  readonly order: "sequential" | "parallel"
}

export interface Pace {
  readonly limits: ReadonlyArray<Limit>
  /** Share of each limit, above 0 and at most 1. */
  readonly quota: number
  /** Requests in flight at most. */
  readonly concurrency: number
  /** Milliseconds from a request to its answer. */
  readonly roundTrip: number
}

const counts = (limit: Limit, load: Load): boolean => limit.applies?.(load.request) ?? true

/** Requests of these loads that count together in a limit. */
export const countedIn = (limit: Limit, loads: ReadonlyArray<Load>): number => {
  const own = loads.filter((load) => counts(limit, load))
  if (limit.scope !== "path") return own.reduce((sum, { count }) => sum + count, 0)
  return Math.max(0, ...own.map(({ count, paths }) => (paths === "one" ? count : Math.min(1, count))))
}

export const allowedOf = ({ requests }: Limit, quota: number): number =>
  Math.max(1, Math.floor(requests * quota))

/** Milliseconds until the last of so many requests may leave. */
const limitMillis = (limit: Limit, quota: number, requests: number): number => {
  if (requests <= 0) return 0
  const allowed = allowedOf(limit, quota)
  if (mayBurst(limit)) return Math.floor((requests - 1) / allowed) * limit.perMillis
  return ((requests - 1) * limit.perMillis) / allowed
}

/** Milliseconds for which a rate is kept before a faster one is tried. */
const findingStep = 75

/** Milliseconds until so many requests have left, if the rate is known and none is refused. */
const foundMillis = (requests: number, roundTrip: number): number => {
  let finder = newSearch(0)
  let at = 0
  let left = requests - 1
  while (left > 0) {
    const { rate } = finder
    const step = Math.max(1, Math.round((rate * Math.max(findingStep, roundTrip)) / 1000))
    const now = Math.min(left, step)
    at += (1000 * now) / rate
    left -= now
    finder = served(finder, now, at)
  }
  return at
}

/** Requests that may be in flight at first, and the steps by which they become more. */
const firstPlaces = (isFound: boolean): number => (isFound ? 4 : 8)

/** Milliseconds for requests of which several are in flight, more as long as that pays. */
const flightMillis = (requests: number, { concurrency, roundTrip }: Pace, isFound: boolean): number => {
  let places = Math.min(concurrency, firstPlaces(isFound))
  let left = requests
  let millis = 0
  while (places < concurrency && left > 0) {
    const round = Math.min(left, 2 * places)
    millis += Math.ceil(round / places) * roundTrip
    left -= round
    places = Math.min(concurrency, 2 * places)
  }
  return millis + (left <= 0 ? 0 : Math.ceil(left / places) * roundTrip)
}

interface Course {
  /** Requests before the first page. */
  readonly once: number
  readonly loads: ReadonlyArray<Load>
  readonly pace: Pace
}

/** Whether requests are sent at a rate that is found, because no limit that concerns all of them is known. */
export const isFound = ({ limits }: Pace): boolean => !limits.some((limit) => limit.applies === undefined)

const millisWith = ({ loads, once, pace }: Course, finding: (requests: number) => number): number => {
  const limits = pace.limits.map((limit) => limitMillis(limit, pace.quota, countedIn(limit, loads)))
  const free = loads.filter(
    (load) => !pace.limits.some((limit) => limit.applies !== undefined && counts(limit, load))
  )
  const inAll = once + free.reduce((sum, { count }) => sum + count, 0)
  const sequential = loads.filter(({ order }) => order === "sequential")
  const parallel = loads.filter(({ order }) => order === "parallel")
  const total = (some: ReadonlyArray<Load>) => some.reduce((sum, { count }) => sum + count, 0)
  const answers = Math.max(
    total(sequential) * pace.roundTrip,
    Math.min(1, total(sequential)) * pace.roundTrip + flightMillis(total(parallel), pace, isFound(pace))
  )
  return once * pace.roundTrip + Math.max(answers, pace.roundTrip + Math.max(0, ...limits, finding(inAll)))
}

/** Milliseconds that a pull takes at least, where everything goes well. @param once requests before the first page */
export const millisOf = (once: number, loads: ReadonlyArray<Load>, pace: Pace): number =>
  millisWith({ once, loads, pace }, (requests) => (isFound(pace) ? foundMillis(requests, pace.roundTrip) : 0))

/** The same where an earlier pull has found a rate that is not felt. */
export const quickestOf = (once: number, loads: ReadonlyArray<Load>, pace: Pace): number =>
  millisWith({ once, loads, pace }, () => 0)

/** The same where a provider bears the rate that is tried first, and refuses every faster one. */
export const slowestOf = (once: number, loads: ReadonlyArray<Load>, pace: Pace): number =>
  millisWith({ once, loads, pace }, (requests) => (isFound(pace) ? ((requests - 1) * 1_000) / firstRate : 0))
