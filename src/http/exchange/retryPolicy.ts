/*
 * How long to wait before the same request is sent again. All pure; times in milliseconds.
 */

const minute = 60_000

/** Minutes between questions to a vendor that queued a request; the last one repeats. */
const queueMinutes = [1, 2, 4, 5] as const

/** 449, answered for the `nth` time (from 1): the vendor works in minutes, so asking sooner is of no use. */
export const queuedDelay = (nth: number): number =>
  (queueMinutes[Math.min(nth, queueMinutes.length) - 1] ?? 5) * minute

/** A read is sent this often while the vendor says it is queued; then it fails. */
export const queuedAttempts = 60

/** A read that is failed (5xx, reset, time-out) is sent at most this often. */
export const failedAttempts = 6

/** A read that is refused (429) is sent at most this often without ever being served. */
export const refusedAttempts = 100

const firstBackoff = 500
const longestBackoff = 30_000

/** After the `nth` failure (from 1): doubled each time, and spread, so that processes do not come back together. */
export const failedDelay = (nth: number, random: number): number =>
  Math.round(Math.min(longestBackoff, firstBackoff * 2 ** (nth - 1)) * (0.75 + random * 0.5))

const firstRefusal = 1000
const longestRefusal = 60_000

/** 429 without a wait that lies in the future, for the `nth` time in a row (from 1): never at once, and ever longer. */
export const refusedDelay = (nth: number, random: number): number =>
  Math.round(Math.min(longestRefusal, firstRefusal * 2 ** Math.min(nth - 1, 10)) * (1 + random * 0.25))

/** A connection that answers nothing is given up after this long, retries included. */
export const silenceMillis = 44_000

/** To the headers of one answer. */
export const headersMillis = 30_000

/** Without a byte of a body. */
export const idleMillis = 60_000
