import { exactly, type Interval, isExact, larger, minus, plus } from "../../domain/Interval.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { Survey } from "../../providers/Provider.ts"
import type { ForecastFacts } from "../../store/read/forecastFacts.ts"
import { changedSince, spread } from "./changed.ts"
import type { Amounts } from "./costs.ts"
import type { ForecastInput } from "./Forecast.ts"

/*
 * How many conversations a pull will be shown, and how many it will fetch: what the provider says, narrowed by what the
 * mirror holds.
 */

const day = 86_400_000

/** Conversations that have come since the last scan of everything, as many a day as before it. */
const newSince = ({ completeAt, newPerDay }: ForecastFacts, now: number): Interval => {
  const days = completeAt === null ? 0 : Math.max(0, now - toMillis(completeAt)) / day
  const mean = newPerDay * days
  return { low: Math.max(0, mean - spread(mean)), likely: mean, high: mean + spread(mean) }
}

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

/** Some of what is held may be gone by now. */
const stillThere = (held: number): Interval => ({ low: held * 0.98, likely: held, high: held })

/** How many conversations a pull has to do with. */
export const amountsOf = (input: ForecastInput, survey: Survey): Amounts => {
  const { facts, now, refetch, untilNow } = input
  const hasScan = facts.completeAt !== null
  const news = isExact(survey.missing) ? survey.missing : newSince(facts, now)
  const listed = narrower(survey.listed, hasScan ? plus(stillThere(facts.held), news) : null)
  const inside = narrower(
    survey.inside,
    hasScan ? plus(exactly(facts.heldInside), untilNow ? news : exactly(0)) : null
  )
  if (refetch) return { listed, inside, fetched: inside }
  const missing = isExact(survey.missing)
    ? survey.missing
    : larger(exactly(survey.missing.low), minus(inside, exactly(facts.heldInside)))
  return { listed, inside, fetched: plus(missing, changedSince(input, survey)) }
}
