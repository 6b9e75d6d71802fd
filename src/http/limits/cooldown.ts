import { believedUntil, waitText } from "../answer/retryAfter.ts"
import { refusedDelay } from "../exchange/retryPolicy.ts"
import type { SharedBucket } from "./shared/sharedState.ts"

/*
 * What a refusal (429) does to its limit, and how that comes back: nothing leaves until the vendor's instant,
 * then one request alone finds out whether it is over. Pure.
 */

/** A probe without a result for this long (milliseconds) died with its process. */
const probeMillis = 35_000

/** From this many refusals in a row on, a vendor that keeps naming the same short wait is asked less and less. */
const patience = 10

export interface Refusal {
  readonly now: number
  /** When the refused request was sent. */
  readonly sentAt: number
  /** When the vendor said to come back, epoch milliseconds. */
  readonly askedUntil: number | null
  /** Milliseconds of the longest documented window. */
  readonly window: number
  /** From 0 to 1. */
  readonly random: number
}

/** Whether a refusal is news: requests that were in flight when the last one came say nothing that is not known. */
export const isNews = (shared: SharedBucket, sentAt: number): boolean =>
  shared.refusals === 0 || sentAt > shared.since

/** Why it waits, in words: what the vendor said, and whether that is beyond reason and not believed. */
const askedFor = (askedUntil: number, until: number, now: number): string =>
  askedUntil > until
    ? `it asked for ${waitText(askedUntil - now)}, which is beyond reason: it is asked again after ${waitText(until - now)}`
    : `it asked for ${waitText(askedUntil - now)}`

/** The vendor gave a later instant than was known when it refused, for example in the body of its answer. */
export const postpone = (
  shared: SharedBucket,
  { now, askedUntil, window }: Pick<Refusal, "now" | "window"> & { readonly askedUntil: number }
): SharedBucket => {
  const until = believedUntil(askedUntil, now, window)
  return shared.refusals > 0 && until > shared.until
    ? { ...shared, until, reason: askedFor(askedUntil, until, now) }
    : shared
}

export const refuse = (
  shared: SharedBucket,
  { now, sentAt, askedUntil, window, random }: Refusal
): SharedBucket => {
  const isStated = askedUntil !== null && askedUntil > now
  if (!isNews(shared, sentAt)) return isStated ? postpone(shared, { now, askedUntil, window }) : shared
  const refusals = shared.refusals + 1
  const least =
    refusals > patience || !isStated ? refusedDelay(isStated ? refusals - patience : refusals, random) : 0
  const believed = isStated ? believedUntil(askedUntil, now, window) : 0
  return {
    ...shared,
    until: Math.max(believed, now + least),
    since: now,
    refusals,
    reason: isStated ? askedFor(askedUntil, believed, now) : "it refused without saying for how long",
    probe: null
  }
}

/** Whether another process finds out whether the refusal is over. */
export const isProbed = (shared: SharedBucket, member: string, now: number): boolean =>
  shared.probe !== null && shared.probe.member !== member && now - shared.probe.at < probeMillis

/** This process finds out whether the refusal is over, if that is to be found out and no other one does. */
export const probed = (shared: SharedBucket, member: string, now: number): SharedBucket =>
  shared.refusals > 0 && shared.until <= now && !isProbed(shared, member, now)
    ? { ...shared, probe: { member, at: now } }
    : shared
