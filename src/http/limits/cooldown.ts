import { refusedDelay } from "../exchange/retryPolicy.ts"
import type { SharedBucket } from "./shared/sharedState.ts"

/*
 * What a refusal (429) does to its bucket, and how the bucket comes back: nothing leaves until the vendor's instant,
 * then one request alone finds out whether it is over. Pure.
 */

/** A probe that was not heard of for so long (milliseconds) died with its process. */
const probeMillis = 35_000

/** From this many refusals in a row on, a vendor that keeps naming the same short wait is asked less and less. */
const patience = 10

const seconds = (millis: number): string => {
  const whole = Math.ceil(millis / 1000)
  if (whole < 120) return `${whole} s`
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`
}

export interface Refusal {
  readonly now: number
  /** When the refused request was sent. */
  readonly sentAt: number
  /** What the headers told, epoch milliseconds. */
  readonly told: number | null
  /** From 0 to 1. */
  readonly random: number
}

/** Whether a refusal is news: requests that were in flight when the last one came say nothing that is not known. */
export const isNews = (shared: SharedBucket, sentAt: number): boolean =>
  shared.refusals === 0 || sentAt > shared.since

export const refuse = (shared: SharedBucket, { now, sentAt, told, random }: Refusal): SharedBucket => {
  const isTold = told !== null && told > now
  if (!isNews(shared, sentAt)) {
    return isTold && told > shared.until
      ? { ...shared, until: told, reason: `it asked for ${seconds(told - now)}` }
      : shared
  }
  const refusals = shared.refusals + 1
  const least =
    refusals > patience || !isTold ? refusedDelay(isTold ? refusals - patience : refusals, random) : 0
  const until = Math.max(isTold ? told : 0, now + least)
  return {
    ...shared,
    until,
    since: now,
    refusals,
    reason: isTold ? `it asked for ${seconds(told - now)}` : "it refused without saying for how long",
    probe: null
  }
}

/** Whether somebody else is finding out right now. */
export const isProbed = (shared: SharedBucket, member: string, now: number): boolean =>
  shared.probe !== null && shared.probe.member !== member && now - shared.probe.at < probeMillis

/** The probe was served: the bucket is open again. */
export const served = (shared: SharedBucket): SharedBucket => ({
  ...shared,
  until: 0,
  since: 0,
  refusals: 0,
  reason: "",
  probe: null
})
