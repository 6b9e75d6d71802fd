import {
  believedUntil,
  epochInstant,
  httpDate,
  limitHeader,
  type ResponseHeaders,
  skew,
  smallestEpochSeconds
} from "./retryAfter.ts"

/** What an answer says about the limit it was counted against; null: that part was not said. */
export interface RateLimitReport {
  /** Requests in one window. */
  readonly limit: number | null
  /** Requests left at the instant of the answer. */
  readonly remaining: number | null
  /** When the window restarts, epoch milliseconds. */
  readonly resetAt: number | null
  /** The window's length in milliseconds. */
  readonly perMillis: number | null
}

const count = (text: string | undefined): number | null => {
  const value = /^\s*"?(\d+)(?:\.\d+)?"?\s*(?:[,;]|$)/.exec(text ?? "")?.[1]
  return value === undefined ? null : Number(value)
}

/** Never further ahead than a wait is believed. @param ahead how far the vendor's clock is ahead of ours */
const resetInstant = (text: string | undefined, now: number, ahead: number): number | null => {
  const first = text?.split(",", 1)[0]?.trim() ?? ""
  const value = /^\d+(?:\.\d+)?$/.test(first) ? Number(first) : null
  const date = value === null ? httpDate(text?.trim() ?? "", now) : epochInstant(value, now)
  if (date !== null) return believedUntil(date - ahead, now)
  return value === null || value >= smallestEpochSeconds ? null : believedUntil(now + value * 1000, now)
}

const parameter = (item: string, names: string): number | null => {
  const value = new RegExp(`(?:^|[;,\\s])(?:${names})\\s*=\\s*"?(\\d+(?:\\.\\d+)?)`, "i").exec(item)?.[1]
  return value === undefined ? null : Number(value)
}

const policyName = (item: string): string | undefined => /^\s*"([^"]*)"/.exec(item)?.[1]

/** `100;w=60` (draft 7) or `"default";q=100;w=60` (later): the policy of that name, or the only one of that limit. */
const policy = (header: string | undefined, name: string | undefined, limit: number | null) => {
  const items = header?.split(",") ?? []
  const item =
    items.find((candidate) => name !== undefined && policyName(candidate) === name) ??
    items.find((candidate) => limit !== null && (count(candidate) ?? parameter(candidate, "q")) === limit) ??
    (items.length === 1 && name === undefined && limit === null ? items[0] : undefined)
  if (item === undefined) return null
  const seconds = parameter(item, "w")
  return { limit: count(item) ?? parameter(item, "q"), perMillis: seconds === null ? null : seconds * 1000 }
}

/** The combined header. Of several policies the one with the least left is the one that matters next. */
const combined = (header: string, policies: string | undefined, now: number): RateLimitReport | null => {
  const isDraft7 = parameter(header, "remaining") !== null || parameter(header, "limit") !== null
  let tightest: RateLimitReport | null = null
  for (const item of isDraft7 ? [header] : header.split(",")) {
    const stated = parameter(item, "limit")
    const found = policy(policies, policyName(item), stated)
    const seconds = parameter(item, isDraft7 ? "reset" : "t")
    const report: RateLimitReport = {
      limit: stated ?? found?.limit ?? null,
      remaining: parameter(item, isDraft7 ? "remaining" : "r"),
      resetAt: seconds === null ? null : believedUntil(now + seconds * 1000, now),
      perMillis: found?.perMillis ?? null
    }
    if (report.limit === null && report.remaining === null) continue
    const least = tightest?.remaining ?? Number.POSITIVE_INFINITY
    if (tightest === null || (report.remaining ?? Number.POSITIVE_INFINITY) < least) tightest = report
  }
  return tightest
}

/** Made once: every answer is looked through for all of them. */
const namesWith = (prefix: string) => ({
  limit: `${prefix}-limit`,
  remaining: `${prefix}-remaining`,
  reset: `${prefix}-reset`
})
const standardNames = namesWith("ratelimit")
const olderNames = [namesWith("x-ratelimit"), namesWith("x-rate-limit")] as const

const separate = (
  headers: ResponseHeaders,
  names: ReturnType<typeof namesWith>,
  now: number
): RateLimitReport | null => {
  const stated = limitHeader(headers, names.limit)
  const limit = count(stated)
  const remaining = count(limitHeader(headers, names.remaining))
  if (limit === null && remaining === null) return null
  const policies = limitHeader(headers, "ratelimit-policy") ?? stated?.split(",").slice(1).join(",")
  return {
    limit,
    remaining,
    resetAt: resetInstant(limitHeader(headers, names.reset), now, skew(headers, now)),
    perMillis: policy(policies === "" ? undefined : policies, undefined, limit)?.perMillis ?? null
  }
}

/**
 * What the headers of an answer (lower-case names) say about its limit: `RateLimit-*`, the combined `RateLimit` with
 * `RateLimit-Policy`, or `X-RateLimit-*`, in this order. Null: nothing.
 * https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-07.html
 */
export const rateLimitHeaders = (headers: ResponseHeaders, now: number): RateLimitReport | null => {
  const header = limitHeader(headers, "ratelimit")
  const report = header === undefined ? null : combined(header, limitHeader(headers, "ratelimit-policy"), now)
  return (
    separate(headers, standardNames, now) ??
    report ??
    separate(headers, olderNames[0], now) ??
    separate(headers, olderNames[1], now)
  )
}
