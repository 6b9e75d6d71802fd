import type { Limit } from "../http/contract.ts"
import { sharedRate } from "../sync/watch/pace.ts"

/*
 * How much of a connection's limits webhooks may use, so that a flood of them leaves the scheduled runs their part.
 */

/** Of each limit that all requests share. */
const share = 0.2

/** Requests a second where no such limit is known. */
const unknownRate = 2

/** At most so many may follow each other at once. */
const mostAtOnce = 20

/** Tokens are requests. `at`: epoch milliseconds. */
export interface Budget {
  readonly tokens: number
  readonly at: number
}

interface Ceiling {
  /** Tokens a millisecond. */
  readonly rate: number
  /** Tokens that are saved up at most. */
  readonly most: number
}

/** @param quota the share of the limits that the connection may use at all */
export const ceilingOf = (limits: ReadonlyArray<Limit>, quota: number): Ceiling => {
  const known = sharedRate(limits, quota)
  const rate = known === null ? (quota * unknownRate) / 1000 : share * known
  // Two at least: what one names may take two requests.
  return { rate, most: Math.max(2, Math.min(mostAtOnce, rate * 60_000)) }
}

export const full = ({ most }: Ceiling, at: number): Budget => ({ tokens: most, at })

/** Takes tokens; `waitMillis` is when they may be used: the budget may be in debt meanwhile. */
export const take = (
  { tokens, at }: Budget,
  { most, rate }: Ceiling,
  wanted: number,
  now: number
): { readonly budget: Budget; readonly waitMillis: number } => {
  const left = Math.min(most, tokens + Math.max(0, now - at) * rate) - wanted
  return { budget: { tokens: left, at: now }, waitMillis: left >= 0 ? 0 : Math.ceil(-left / rate) }
}
