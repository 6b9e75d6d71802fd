import { type LowerLimit, longestLower, type Stated } from "./shared/sharedState.ts"

/*
 * A vendor that allows less than its documentation says, and shows it only by refusing: what it had served when it
 * refused is its limit, once it has refused twice at about the same count. One refusal may be a whim. After `longestLower` the documented limit is tried
 * again. Pure.
 */

/** Counts this close are the same limit; below this many, they say nothing; this near the limit, they are it. */
const sameShare = 0.1
const fewest = 10
const nearShare = 0.95

/**
 * After the first refusal in a row.
 *
 * @param served requests that stand in the window, this one and those in flight not counted
 * @param limit the limit that was kept
 */
export const refusedAt = (
  lower: LowerLimit | null,
  served: number,
  limit: number,
  now: number
): LowerLimit | null => {
  const isBelieved = lower !== null && now < lower.until
  if (isBelieved && served > nearShare * lower.requests) {
    return { ...lower, requests: Math.max(1, Math.floor(lower.requests * nearShare)) }
  }
  if (served < fewest || served > nearShare * limit) return lower
  const isSame = lower !== null && Math.abs(lower.requests - served) <= sameShare * lower.requests
  return isSame
    ? { requests: Math.min(lower.requests, served), until: now + longestLower }
    : { requests: served, until: 0 }
}

/** The limits in force: the tightest of them is the lower one, while that is believed. */
export const inForce = (
  stated: Stated,
  documented: ReadonlyArray<number>,
  lower: LowerLimit | null,
  now: number
): Stated => {
  if (lower === null || now >= lower.until || documented.length === 0) return stated
  const limits = documented.map((limit, index) => stated[index] ?? limit)
  const tightest = limits.indexOf(Math.min(...limits))
  return limits.map((limit, index) =>
    index === tightest ? Math.min(limit, lower.requests) : (stated[index] ?? null)
  )
}
