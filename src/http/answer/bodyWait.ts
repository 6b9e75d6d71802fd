import { epochInstant, httpDate, latest, unitMillis } from "./retryAfter.ts"

/*
 * How long to wait, as the body of a refusal says it: `{"retry_after": 3}`, `{"error": {"retryAfterMs": 1500}}`,
 * `Rate limit exceeded. Try again in 2 minutes.` Pure, and linear in what it reads.
 */

/** Characters of a body that are read, values of it that are looked at, and how deep. */
const longestText = 20_000
const mostValues = 500
const deepest = 5

const count = String.raw`(?:\d{1,12}(?:\.\d{1,6})?[ \t-]{0,3}|\b(?:an?|one)[ \t]{1,3})`
const unit = "(?:ms|millis|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)"
const durations = new RegExp(`(${count})(${unit})(?![a-z])`, "gi")
const instants = /\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})/gi

/** Words before a duration that make it a wait, and what may stand between. */
const leadIn =
  /(?:again|retry|retrying|wait|waiting|back|resets?|resetting|available|resumes?|expires?|unblocked|cool-?down)\b[^.!?;0-9]{0,40}$/i

/** The words before a place in a text, as far as they can matter. */
const before = (text: string, index: number): string => text.slice(Math.max(0, index - 70), index)

const amount = (text: string): number => (/^[a-z]/i.test(text) ? 1 : Number.parseFloat(text))

/** Milliseconds: of the first wait that the words name, all of its parts (`1 minute 30 seconds`); null: none. */
const delayInWords = (text: string): number | null => {
  let millis: number | null = null
  let end = 0
  for (const match of text.matchAll(durations)) {
    const [whole, quantity = "", word = ""] = match
    const part = amount(quantity) * unitMillis(word)
    if (millis !== null) {
      if (!/^(?:,|\s|and){0,6}$/i.test(text.slice(end, match.index).slice(0, 8)) || match.index > end + 8)
        break
      millis += part
    } else if (leadIn.test(before(text, match.index))) millis = part
    end = match.index + whole.length
  }
  return millis
}

/** `at 2026-03-07T10:00:00Z`; null: none. */
const instantInWords = (text: string): number | null => {
  for (const match of text.matchAll(instants)) {
    if (!leadIn.test(before(text, match.index))) continue
    const at = Date.parse(match[0].replace(" ", "T"))
    if (!Number.isNaN(at)) return at
  }
  return null
}

const inWords = (text: string, now: number): number | null => {
  const millis = delayInWords(text)
  return millis === null ? instantInWords(text) : now + millis
}

/** Names without case, `_`, `-`, `.` and spaces. The unit of a bare number is in the name, else it is seconds. */
const delayNames =
  /^(?:x?ratelimit)?(?:retry(?:after|in|delay)|(?:time)?(?:wait|towait)(?:time|for)?|backoff|resets?(?:in|after)|try(?:again)?in|cooldown)(ms|millis|milliseconds|s|secs?|seconds?|mins?|minutes?|hours?)?$/
const instantNames =
  /^(?:x?ratelimit)?(?:retry(?:at|afterdate|aftertime|time)|reset(?:s?at|time|date)?|nextallowedat|availableat|blockeduntil|until)$/
const usedUpNames = /^(?:remaining|left)(?:in|per|this)?(second|minute|hour|day)$/

const durationText = /^(\d{1,12}(?:\.\d{1,6})?)\s{0,3}([a-z]{0,12})$/i

/** What a value under such a name means, epoch milliseconds; null: nothing. */
const fromValue = (value: unknown, unitWord: string, now: number): number | null => {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) {
    return epochInstant(value, now) ?? now + value * unitMillis(unitWord)
  }
  if (typeof value !== "string" || value.length > 200) return null
  const text = value.trim()
  const [, quantity, word = ""] = durationText.exec(text) ?? []
  if (quantity !== undefined) return fromValue(Number(quantity), word === "" ? unitWord : word, now)
  return httpDate(text, now) ?? inWords(`retry ${text}`, now)
}

const named = (name: string, value: unknown, now: number): number | null => {
  const plain = name
    .slice(0, 60)
    .toLowerCase()
    .replace(/[^a-z]/g, "")
  const asDelay = delayNames.exec(plain)
  if (asDelay !== null) return fromValue(value, asDelay[1] ?? "s", now)
  if (instantNames.test(plain)) return fromValue(value, "s", now)
  const window = usedUpNames.exec(plain)?.[1]
  return window !== undefined && value === 0 ? now + unitMillis(window) : null
}

/** Names first; words only where no name says it. */
const fromJson = (value: unknown, now: number): number | null => {
  let byName: number | null = null
  let byWords: number | null = null
  let left = mostValues
  const visit = (part: unknown, depth: number): void => {
    if (left <= 0) return
    left -= 1
    if (typeof part === "string") byWords = latest(byWords, inWords(part, now))
    if (typeof part !== "object" || part === null || depth > deepest) return
    for (const [name, inner] of Object.entries(part)) {
      const at = Array.isArray(part) ? null : named(name, inner, now)
      if (at === null) visit(inner, depth + 1)
      else byName = latest(byName, at)
    }
  }
  visit(value, 0)
  return byName ?? byWords
}

/**
 * The instant (epoch milliseconds) at which a refused request may be sent again, as the body of the refusal says;
 * null: it does not. Bodies are read up to 20,000 characters.
 */
export const bodyWait = (body: string, now: number): number | null => {
  const text = body.slice(0, longestText)
  let at: number | null
  try {
    at = fromJson(JSON.parse(text), now)
  } catch {
    at = inWords(text, now)
  }
  return at === null ? null : Math.ceil(Math.min(at, 8.64e15))
}
