/*
 * When a vendor that refused may be asked again, in every form in which vendors say so.
 * Retry-After: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */

export type ResponseHeaders = Readonly<Record<string, string | undefined>>

/** A header of limits, as far as it is read: what says more says nothing of a limit. */
export const limitHeader = (headers: ResponseHeaders, name: string): string | undefined =>
  headers[name]?.slice(0, 1000)

/** The last instant a Date can hold, and without its sign the first; what lies beyond them is kept as these. */
const endOfTime = 8.64e15

/** Clocks this close are taken to agree: a Date header is cut to whole seconds. */
const clockTolerance = 2000

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

const imfDate =
  /^[a-z]{3},\s+(\d{1,2})\s+([a-z]{3})\s+(\d{4})\s+(\d{2}):(\d{2}):(\d{2})\s+(?:gmt|utc|[+-]0000)$/i
const rfc850Date =
  /^[a-z]{6,9},\s+(\d{1,2})-([a-z]{3})-(\d{2})\s+(\d{2}):(\d{2}):(\d{2})\s+(?:gmt|utc|[+-]0000)$/i
const asctimeDate = /^[a-z]{3}\s+([a-z]{3})\s+(\d{1,2})\s+(\d{2}):(\d{2}):(\d{2})\s+(\d{4})$/i
const isoDate = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/i

const utc = (year: number, month: string, day: string, hour: string, minute: string, second: string) => {
  const index = months.indexOf(month.toLowerCase())
  return index < 0 ? null : Date.UTC(year, index, Number(day), Number(hour), Number(minute), Number(second))
}

/** A two-digit year that would lie more than 50 years ahead is one of the past (RFC 9110, section 5.6.7). */
const fullYear = (twoDigits: number, now: number): number => {
  const year = Math.floor(new Date(now).getUTCFullYear() / 100) * 100 + twoDigits
  return year > new Date(now).getUTCFullYear() + 50 ? year - 100 : year
}

/** The three forms of an HTTP date, and ISO 8601 with a zone. Epoch milliseconds; null: not a date. */
export const httpDate = (text: string, now: number): number | null => {
  const imf = imfDate.exec(text)
  if (imf !== null) {
    const [, day = "", month = "", year = "", hour = "", minute = "", second = ""] = imf
    return utc(Number(year), month, day, hour, minute, second)
  }
  const rfc850 = rfc850Date.exec(text)
  if (rfc850 !== null) {
    const [, day = "", month = "", year = "", hour = "", minute = "", second = ""] = rfc850
    return utc(fullYear(Number(year), now), month, day, hour, minute, second)
  }
  const asctime = asctimeDate.exec(text)
  if (asctime !== null) {
    const [, month = "", day = "", hour = "", minute = "", second = "", year = ""] = asctime
    return utc(Number(year), month, day, hour, minute, second)
  }
  if (isoDate.test(text)) {
    const millis = Date.parse(text)
    return Number.isNaN(millis) ? null : millis
  }
  return null
}

const duration = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*(ms|s|sec|secs|seconds?|m|mins?|minutes?|h|hours?)?$/i

/** Milliseconds of a unit of time, in any of its spellings: `ms`, `sec`, `Minutes`, `h`, `days`. */
export const unitMillis = (unit: string): number => {
  const word = unit.toLowerCase()
  if (/^(?:ms|mil)/.test(word)) return 1
  if (word.startsWith("s")) return 1000
  if (word.startsWith("m")) return 60_000
  return word.startsWith("h") ? 3_600_000 : 86_400_000
}

/** Seconds, with a fraction or a sign or a unit behind them. Milliseconds; null: not a duration. */
const delay = (text: string): number | null => {
  const parts = duration.exec(text)
  return parts === null ? null : Number(parts[1]) * unitMillis(parts[2] ?? "s")
}

/** From these magnitudes on, a reset is an instant: as seconds from now it would be 31 years. */
export const smallestEpochSeconds = 1e9
const smallestEpochMillis = 1e11

/** Ten years: an instant that lies further from now is none. */
const plausibleMillis = 3650 * 24 * 3_600_000

/** A number of seconds, milliseconds, microseconds or nanoseconds since 1970 that lies near now; null: it is none. */
export const epochInstant = (value: number, now: number): number | null => {
  if (value < smallestEpochSeconds) return null
  const instants = [value * 1000, value, value / 1000, value / 1e6]
  return instants.find((at) => Math.abs(at - now) < plausibleMillis) ?? null
}

/**
 * Milliseconds of the longest wait that a vendor is believed: a day, or the window of a documented limit that is longer.
 * What asks for more is a mistake far more often than intended, and would shut out every later run.
 */
const longestWait = 24 * 3_600_000

/** The instant until which a request that the vendor put off until `askedUntil` is held back. All epoch milliseconds. */
export const believedUntil = (askedUntil: number, now: number, longest = longestWait): number =>
  Math.min(askedUntil, now + Math.max(longest, longestWait))

/** `30 s`, `5 min`, `3 h`, `12 days`, `31 years`: rounded, for people. */
export const waitText = (millis: number): string => {
  const seconds = Math.ceil(millis / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  const hours = seconds / 3600
  if (hours < 72) return `${Math.round(hours)} h`
  return hours < 24 * 730 ? `${Math.round(hours / 24)} days` : `${Math.round(hours / 8766)} years`
}

/** How far the vendor's clock is ahead of ours, where that is more than the cut of its Date header explains; null: it has none. */
const dated = (headers: ResponseHeaders, now: number): number | null => {
  const date = httpDate(limitHeader(headers, "date")?.trim() ?? "", now)
  if (date === null) return null
  return Math.abs(date - now) <= clockTolerance ? 0 : date - now
}

/** The same; 0 where there is no such header. */
export const skew = (headers: ResponseHeaders, now: number): number => dated(headers, now) ?? 0

/** Whether something between kept an answer for a while (`Age`): its date is an old one. Caches add `Age: 0` to new ones. */
export const isAged = ({ age }: ResponseHeaders): boolean => age !== undefined && Number(age) !== 0

/** The same of an answer to what was requested at `at`; its way counts as time. Empty: it does not tell the time. */
export const clockAhead = (headers: ResponseHeaders, at: number): { readonly clockAhead?: number } => {
  const ahead = isAged(headers) ? null : dated(headers, at)
  return ahead === null ? {} : { clockAhead: ahead }
}

/** A header that came several times arrives joined by commas, and dates hold a comma of their own. */
const values = (header: string): ReadonlyArray<string> =>
  header
    .split(/,(?!\s*\d{1,2}[\s-][a-z]{3}[\s-])/i)
    .map((value) => value.trim().replace(/^"(.*)"$/, "$1"))
    .filter((value) => value !== "")

const isPlainNumber = (text: string): boolean => /^\d+(?:\.\d+)?$/.test(text)

/** A delay or a date. Some vendors send an instant as a number: as seconds from now it would be decades. */
const fromRetryAfter = (text: string, now: number, ahead: number): number | null => {
  const instant = isPlainNumber(text) ? epochInstant(Number(text), now) : null
  if (instant !== null) return instant - ahead
  const millis = delay(text)
  if (millis !== null) return now + millis
  const date = httpDate(text, now)
  return date === null ? null : date - ahead
}

/** Seconds from now, or an instant in seconds or milliseconds, distinguished by magnitude. */
const fromReset = (text: string, now: number, ahead: number): number | null => {
  const value = isPlainNumber(text) ? Number(text) : Number.NaN
  const instant = epochInstant(value, now)
  if (instant !== null) return instant - ahead
  if (value >= smallestEpochMillis) return value - ahead
  if (value >= smallestEpochSeconds) return value * 1000 - ahead
  return fromRetryAfter(text, now, ahead)
}

/** `reset=30` of draft 7 and `t=30` of later drafts of the combined `RateLimit` header. */
const combinedReset = /(?:^|[;,\s])(?:reset|t)\s*=\s*(\d+(?:\.\d+)?)/gi

const fromMillis = (text: string, now: number): number | null =>
  isPlainNumber(text) ? (epochInstant(Number(text), now) ?? now + Number(text)) : null

const millisNames = ["retry-after-ms", "x-retry-after-ms", "x-ms-retry-after-ms"] as const

const readers: ReadonlyArray<readonly [name: string, isReset: boolean]> = [
  ["retry-after", false],
  ["x-ratelimit-retry-after", false],
  ["x-retry-after", false],
  ["ratelimit-reset", true],
  ["x-ratelimit-reset", true],
  ["x-rate-limit-reset", true]
]

/** Of two instants; null: neither is known. */
export const latest = (left: number | null, right: number | null): number | null =>
  left === null ? right : right === null ? left : Math.max(left, right)

const bounded = (at: number): number => Math.ceil(Math.max(-endOfTime, Math.min(at, endOfTime)))

/**
 * The instant (epoch milliseconds) before which a refused request must not be sent again, as the headers of the refusal
 * (lower-case names) give it: the longest of all that are there, never shortened. It may lie in the past (zero, negative,
 * an old date): the vendor then gave no wait, and the caller's own back-off counts. Null: nothing readable was given.
 *
 * Dates are the vendor's: where its Date header shows that its clock is not ours, they are moved to our clock.
 *
 * @param resets also counts when the limit restarts: right for a 429, wrong for a failing server that only mentions it.
 */
export const retryAfter = (headers: ResponseHeaders, now: number, resets = true): number | null => {
  const ahead = skew(headers, now)
  let at: number | null = null
  for (const [name, isReset] of readers) {
    const header = limitHeader(headers, name)
    if (header === undefined || (isReset && !resets)) continue
    for (const value of values(header)) {
      at = latest(at, isReset ? fromReset(value, now, ahead) : fromRetryAfter(value, now, ahead))
    }
  }
  for (const name of millisNames) {
    for (const value of values(limitHeader(headers, name) ?? "")) at = latest(at, fromMillis(value, now))
  }
  const combined = resets ? limitHeader(headers, "ratelimit") : undefined
  if (combined !== undefined) {
    for (const [, seconds] of combined.matchAll(combinedReset)) at = latest(at, now + Number(seconds) * 1000)
  }
  return at === null ? null : bounded(at)
}
