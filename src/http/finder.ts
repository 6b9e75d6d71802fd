/*
 * Finds a limit that nobody told: requests leave evenly spaced, faster while that works, slower after a refusal. Pure;
 * the state is shared by all processes that use the credential, and kept for the next run.
 */

export interface Finder {
  /** Requests a second that may leave now. */
  readonly rate: number
  /** The rate that was last kept up for a whole step; null: none yet. */
  readonly good: number | null
  /** Refusals in its life: the more, the longer each step. */
  readonly hits: number
  /** When the present step began, epoch milliseconds, and requests sent since. */
  readonly stepAt: number
  readonly stepSent: number
  /** When the vendor refused last. */
  readonly refusedAt: number
  /** When the refusal before that was over, and requests sent since. */
  readonly calmAt: number
  readonly calmSent: number
}

const firstRate = 10

/** Below one request a minute nothing would be learnt any more. */
const slowest = 1 / 60

/** Requests a second beyond which one connection gains nothing. */
const fastest = 2000

export const newFinder = (now: number): Finder => ({
  rate: firstRate,
  good: null,
  hits: 0,
  stepAt: now,
  stepSent: 0,
  refusedAt: 0,
  calmAt: now,
  calmSent: 0
})

/** Milliseconds for which a rate is kept before a faster one is tried. */
const steps = [500, 1000, 5000, 20_000, 60_000] as const

/** After a refusal each step up is small: the limit is near. */
const smallStep = 1.03

/** A step that sent less than this share of what it might have proves nothing. */
const provingShare = 0.7

/** Requests were sent: after enough of them, the next may follow faster. */
export const sent = (finder: Finder, count: number, now: number): Finder => {
  const state = {
    ...finder,
    stepSent: finder.stepSent + count,
    calmSent: finder.calmSent + count
  }
  const lasted = now - state.stepAt
  if (lasted < (steps[Math.min(state.hits, steps.length - 1)] ?? 0)) return state
  const next = { ...state, stepAt: now, stepSent: 0 }
  if (state.stepSent < (provingShare * state.rate * lasted) / 1000) return next
  const rate = Math.min(fastest, state.rate * (state.hits === 0 ? 2 : smallStep))
  return { ...next, good: state.rate, rate }
}

/** The vendor refused for the first time in a row. */
export const refused = (finder: Finder, now: number): Finder => {
  const isUnproven = finder.stepSent === finder.calmSent
  const slower =
    finder.hits === 0 && finder.good !== null ? finder.good : finder.rate * (isUnproven ? 0.7 : 0.9)
  return {
    ...finder,
    rate: Math.max(slowest, slower),
    good: null,
    hits: finder.hits + 1,
    refusedAt: now,
    stepAt: now,
    stepSent: 0
  }
}

/** A pause this long (milliseconds) is that of a window which is used up, not that of a rate which was a little too high. */
const windowPause = 5000

/** The vendor serves again. What was sent from one such moment to the next is what it bears. */
export const recovered = (finder: Finder, now: number): Finder => {
  const borne = (1000 * finder.calmSent) / Math.max(1, now - finder.calmAt)
  const isWindow = now - finder.refusedAt > windowPause && finder.calmSent >= firstRate
  const rate = isWindow ? Math.max(slowest, Math.min(finder.rate, borne)) : finder.rate
  return { ...finder, rate, stepAt: now, stepSent: 0, calmAt: now, calmSent: 0 }
}

/** What was found long ago is a beginning, not the truth. */
const stale = 24 * 3_600_000

/** Where a new run starts, from what an earlier one left. */
export const resumed = (finder: Finder | null, now: number): Finder => {
  if (finder === null || now - finder.stepAt > stale * 7) return newFinder(now)
  const rate = now - finder.stepAt > stale ? Math.max(firstRate, finder.rate / 2) : finder.rate
  return {
    ...finder,
    rate: Math.min(rate, finder.rate),
    good: null,
    stepAt: now,
    stepSent: 0,
    calmAt: now,
    calmSent: 0
  }
}
