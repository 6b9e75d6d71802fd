/*
 * Discovers an undocumented limit: spaces requests evenly, speeds up while they succeed, slows down after a refusal. Pure;
 * the state is shared by all processes that use the credential, and kept for the next run.
 */

export interface RateSearch {
  /** Requests a second that may leave now. */
  readonly rate: number
  /** The rate that was last kept up for a whole step; null: none since the last refusal. */
  readonly good: number | null
  /** The rate that was refused last: from below it, the way there is short; null: none yet. */
  readonly ceiling: number | null
  /** Refusals in its life: the more, the longer each step. */
  readonly hits: number
  /** When the present step began, epoch milliseconds, and requests served since. */
  readonly stepAt: number
  readonly stepServed: number
  /** When the vendor refused last. */
  readonly refusedAt: number
  /** When the refusal before that was over, and requests served since. */
  readonly calmAt: number
  readonly calmServed: number
}

/** Requests a second with which the search begins. */
export const firstRate = 10

/** Below one request a minute nothing would be learned any more. */
const slowest = 1 / 60

/** Requests a second beyond which one connection gains nothing. */
const fastest = 2000

export const newSearch = (now: number): RateSearch => ({
  rate: firstRate,
  good: null,
  ceiling: null,
  hits: 0,
  stepAt: now,
  stepServed: 0,
  refusedAt: 0,
  calmAt: now,
  calmServed: 0
})

/** Milliseconds for which a rate is kept before a faster one is tried. */
const steps = [50, 1000, 5000, 20_000, 60_000] as const

/** How much faster the next step is: twice as fast far from any refusal, in ever smaller steps towards the last one. */
const smallestGain = 0.03
const gain = ({ ceiling, rate }: RateSearch): number =>
  ceiling === null ? 1 : Math.min(1, Math.max(smallestGain, (ceiling / rate - 1) / 4))

/**
 * A step that was served less than this share of what it might have sent proves nothing. At twice the rate of the step
 * before, what is on its way meanwhile is up to half of it: so no step follows before the last one's answers are there.
 */
const provingShare = 0.5

/** Requests were served: after enough of them, the next may follow faster. */
export const served = (finder: RateSearch, count: number, now: number): RateSearch => {
  const state = {
    ...finder,
    stepServed: finder.stepServed + count,
    calmServed: finder.calmServed + count
  }
  const lasted = now - state.stepAt
  if (lasted < (steps[Math.min(state.hits, steps.length - 1)] ?? 0)) return state
  const next = { ...state, stepAt: now, stepServed: 0 }
  if (state.stepServed < (provingShare * state.rate * lasted) / 1000) return next
  const rate = Math.min(fastest, state.rate * (1 + gain(state)))
  return { ...next, good: state.hits === 0 ? null : state.rate, rate }
}

/** A rate that was borne for less than this (milliseconds) may have been borne by a reserve only. */
const provingMillis = 1000

/** The rate to go on with after the first refusal in a row. */
const slower = ({ calmAt, calmServed, good, hits, rate }: RateSearch, now: number): number => {
  const lasted = Math.max(1, now - calmAt)
  if (good !== null) return good
  if (hits === 0) return Math.min(rate / 2, Math.max(1, (1000 * calmServed) / lasted))
  if (calmServed <= 1) return rate / 2
  return rate * (lasted < provingMillis ? 0.7 : 0.9)
}

/** The vendor refused for the first time in a row. */
export const refused = (finder: RateSearch, now: number): RateSearch => ({
  ...finder,
  rate: Math.max(slowest, slower(finder, now)),
  good: null,
  ceiling: finder.rate,
  hits: finder.hits + 1,
  refusedAt: now,
  stepAt: now,
  stepServed: 0
})

/** A pause this long (milliseconds) is that of a window which is used up, not that of a rate which was a little too high. */
const windowPause = 5000

/** The vendor serves again. What was served from one such moment to the next is what it bears. */
export const recovered = (finder: RateSearch, now: number): RateSearch => {
  const borne = (1000 * finder.calmServed) / Math.max(1, now - finder.calmAt)
  const isWindow = now - finder.refusedAt > windowPause && finder.calmServed >= firstRate
  const rate = isWindow ? Math.max(slowest, Math.min(finder.rate, borne)) : finder.rate
  return { ...finder, rate, stepAt: now, stepServed: 0, calmAt: now, calmServed: 0 }
}

/** What was found long ago is a beginning, not the truth. */
const stale = 24 * 3_600_000

/** Where a new run starts, from what an earlier one left. */
export const resumed = (finder: RateSearch | null, now: number): RateSearch => {
  if (finder === null || now - finder.stepAt > stale * 7) return newSearch(now)
  const isStale = now - finder.stepAt > stale
  return {
    ...finder,
    rate: isStale ? Math.min(finder.rate, Math.max(firstRate, finder.rate / 2)) : finder.rate,
    good: null,
    ceiling: isStale ? null : finder.ceiling,
    stepAt: now,
    stepServed: 0,
    calmAt: now,
    calmServed: 0
  }
}
