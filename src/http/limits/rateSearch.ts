/*
 * What a vendor's refusals teach of a limit that it does not document, or documents wrongly. Pure; the state is shared by
 * all processes that use the credential, and kept for the next run.
 * - No limit is known: requests leave evenly, faster while they succeed, slower after a refusal.
 * - A documented sum may be spent at once, and it refuses twice at about the same count below it: that count is the limit.
 * - It refuses again and again otherwise: requests leave evenly, at the documented rate at most.
 */

export interface RateSearch {
  /** Requests a second that may leave now, evenly; null: what is documented counts. */
  readonly rate: number | null
  /** What the documented limits come to, requests a second; null: none is known. */
  readonly documented: number | null
  /** The rate that was last kept up for a whole step; null: none since the last refusal. */
  readonly good: number | null
  /** The rate that was refused last: from below it, the way there is short; null: none yet. */
  readonly ceiling: number | null
  /** Refusals that count: the more, the longer each step. */
  readonly hits: number
  /** When the present step began, epoch milliseconds, and requests served since. */
  readonly stepAt: number
  readonly stepServed: number
  /** When the vendor refused last. */
  readonly refusedAt: number
  /** When the refusal before that was over, and requests served since. */
  readonly calmAt: number
  readonly calmServed: number
  /** Of the tightest documented window. */
  readonly lower: LowerLimit | null
}

interface LowerLimit {
  /** Served in the window when it refused last. */
  readonly requests: number
  /** Believed until then, epoch milliseconds; 0: seen once only. After it, one refusal is enough to believe it again. */
  readonly until: number
}

/** The limits that a vendor stated itself, in the order of the configured ones; null: it stated none. */
export type Stated = ReadonlyArray<number | null>

/** Requests a second with which the search begins. */
export const firstRate = 10

/** Below one request a minute nothing would be learned any more. */
const slowest = 1 / 60

/** Requests a second beyond which one connection gains nothing. */
const fastest = 2000

export const newSearch = (now: number): RateSearch => ({
  rate: firstRate,
  documented: null,
  good: null,
  ceiling: null,
  hits: 0,
  stepAt: now,
  stepServed: 0,
  refusedAt: 0,
  calmAt: now,
  calmServed: 0,
  lower: null
})

const hour = 3_600_000

/** What was found long ago is a beginning, not the truth. */
const stale = 24 * hour

/** It ends where nothing was refused for long at the documented rate: that may be used in bursts again. */
const current = (search: RateSearch, now: number): RateSearch => {
  const { documented, rate, refusedAt } = search
  const isOver = documented !== null && rate !== null && rate >= documented && now - refusedAt > stale
  return isOver ? { ...search, rate: null, hits: 0 } : search
}

/** The rate at which requests leave evenly, requests a second; null: at none. */
export const rateOf = (search: RateSearch | null, now: number): number | null =>
  search === null ? null : current(search, now).rate

/** Milliseconds for which a rate is kept before a faster one is tried. */
const steps = [50, 1000, 5000, 20_000, 60_000] as const

/** How much faster the next step is: twice as fast far from any refusal, in ever smaller steps towards the last one. */
const smallestGain = 0.03
const gain = (rate: number, ceiling: number | null): number =>
  ceiling === null ? 1 : Math.min(1, Math.max(smallestGain, (ceiling / rate - 1) / 4))

/**
 * A step that was served less than this share of what it might have sent proves nothing. At twice the rate of the step
 * before, what is on its way meanwhile is up to half of it: so no step follows before the last one's answers are there.
 */
const provingShare = 0.5

/** Requests were served: after enough of them, the next may follow faster. */
export const served = (search: RateSearch, count: number, now: number): RateSearch => {
  const { ceiling, documented, hits, rate, stepAt } = search
  const stepServed = search.stepServed + count
  const state = { ...search, stepServed, calmServed: search.calmServed + count }
  const lasted = now - stepAt
  if (rate === null || lasted < (steps[Math.min(hits, steps.length - 1)] ?? 0)) return state
  const next = { ...state, stepAt: now, stepServed: 0 }
  if (stepServed < (provingShare * rate * lasted) / 1000) return next
  const faster = Math.min(documented ?? fastest, rate * (1 + gain(rate, ceiling)))
  return { ...next, good: hits === 0 ? null : rate, rate: faster }
}

/** How a limit was used when the vendor refused for the first time in a row. */
interface RefusedUse {
  /** Requests that stand in the fullest window, this one and those in flight not counted. */
  readonly served: number
  /** The least that the windows in force allow; infinite: no limit is known. */
  readonly limit: number
  /** Milliseconds between two requests; 0: they leave as they come. */
  readonly interval: number
  /** The same were the documented limits used evenly; 0: none is known. */
  readonly evenInterval: number
}

/** Counts this close are the same limit; below this many, they say nothing; this near the limit, they are it. */
const sameShare = 0.1
const fewest = 10
const nearShare = 0.95

const lowered = (lower: LowerLimit | null, { limit, served }: RefusedUse, now: number): LowerLimit | null => {
  if (lower !== null && now < lower.until && served > nearShare * lower.requests) {
    return { ...lower, requests: Math.max(1, Math.floor(lower.requests * nearShare)) }
  }
  if (served < fewest || served > nearShare * limit) return lower
  const isSame = lower !== null && Math.abs(lower.requests - served) <= sameShare * lower.requests
  return isSame
    ? { requests: Math.min(lower.requests, served), until: now + hour }
    : { requests: served, until: 0 }
}

/** A few refusals are a vendor's whim. So many, with so few requests served between two, are another limit. */
const strikesNeeded = 3
const strikingServed = 30

/** No rate was searched for, since the limits are documented, and they were kept. */
const doubted = (search: RateSearch, use: RefusedUse, now: number): RateSearch => {
  const { evenInterval, interval } = use
  const isBurst = interval < evenInterval
  const lower = interval === 0 && isBurst ? lowered(search.lower, use, now) : search.lower
  if (lower !== null && lower.until > now) return { ...search, hits: 0, lower }
  const hits = search.calmServed < strikingServed ? search.hits + 1 : 1
  if (hits < strikesNeeded) return { ...search, hits, lower }
  if (evenInterval === 0) return { ...search, hits: 1, rate: firstRate }
  const rate = 1000 / evenInterval
  return { ...search, hits: 1, rate: isBurst ? rate : 0.7 * rate, ceiling: rate, lower }
}

/** A rate that was borne for less than this (milliseconds) may have been borne by a reserve only. */
const provingMillis = 1000

/** The rate to go on with after the first refusal in a row. */
const slower = ({ calmAt, calmServed, good, hits }: RateSearch, rate: number, now: number): number => {
  const lasted = Math.max(1, now - calmAt)
  if (good !== null) return good
  if (hits === 0) return Math.min(rate / 2, Math.max(1, (1000 * calmServed) / lasted))
  if (calmServed <= 1) return rate / 2
  return rate * (lasted < provingMillis ? 0.7 : 0.9)
}

/** The vendor refused for the first time in a row. */
export const refused = (before: RateSearch | null, use: RefusedUse, now: number): RateSearch => {
  const search = current(before ?? { ...newSearch(now), rate: null }, now)
  const { rate } = search
  return {
    ...(rate === null
      ? doubted(search, use, now)
      : {
          ...search,
          rate: Math.max(slowest, slower(search, rate, now)),
          ceiling: rate,
          hits: search.hits + 1
        }),
    documented: use.evenInterval === 0 ? null : 1000 / use.evenInterval,
    good: null,
    refusedAt: now,
    stepAt: now,
    stepServed: 0
  }
}

/** A pause this long (milliseconds) is that of a window which is used up, not that of a rate which was a little too high. */
const windowPause = 5000

/** The vendor serves again. What was served from one such moment to the next is what it bears. */
export const recovered = (search: RateSearch, now: number): RateSearch => {
  const borne = (1000 * search.calmServed) / Math.max(1, now - search.calmAt)
  const isWindow = now - search.refusedAt > windowPause && search.calmServed >= firstRate
  const rate =
    isWindow && search.rate !== null ? Math.max(slowest, Math.min(search.rate, borne)) : search.rate
  return { ...search, rate, stepAt: now, stepServed: 0, calmAt: now, calmServed: 0 }
}

/** Where a new run starts, from what an earlier one left. A clock that was ahead then is not believed. */
export const resumed = (before: RateSearch, now: number): RateSearch => {
  const search = current(before, now)
  const { ceiling, documented, hits, lower, rate, refusedAt, stepAt } = search
  const age = now - stepAt
  if (age > 7 * stale) {
    return { ...newSearch(now), rate: rate === null || documented !== null ? null : firstRate, lower }
  }
  const isStale = age > stale
  return {
    ...search,
    rate: isStale && rate !== null ? Math.min(rate, Math.max(firstRate, rate / 2)) : rate,
    good: null,
    ceiling: isStale ? null : ceiling,
    hits: rate === null ? 0 : hits,
    stepAt: now,
    stepServed: 0,
    refusedAt: Math.min(refusedAt, now),
    calmAt: now,
    calmServed: 0,
    lower: lower !== null && lower.until > now + hour ? { ...lower, until: 0 } : lower
  }
}

/** The limits in force: the tightest of them is the lower one, while that is believed. */
export const inForce = (
  stated: Stated,
  documented: ReadonlyArray<number>,
  search: RateSearch | null,
  now: number
): Stated => {
  const lower = search?.lower ?? null
  if (lower === null || now >= lower.until) return stated
  const limits = documented.map((limit, index) => stated[index] ?? limit)
  const tightest = limits.indexOf(Math.min(...limits))
  return limits.map((limit, index) =>
    index === tightest ? Math.min(limit, lower.requests) : (stated[index] ?? null)
  )
}
