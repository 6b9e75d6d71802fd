import type { Limit } from "./contract.ts"
import type { RateLimitReport } from "./rateLimitHeaders.ts"
import type { Stated } from "./sharedState.ts"

/** Which of the known limits a vendor's headers speak of, by window, by size, else the tightest; null: of none. */
export const reportedLimit = (
  limits: ReadonlyArray<Limit>,
  stated: Stated,
  report: RateLimitReport
): number | null => {
  let best: { readonly index: number; readonly rank: number; readonly rate: number } | null = null
  for (const [index, limit] of limits.entries()) {
    if (report.perMillis !== null && limit.perMillis !== report.perMillis) continue
    const isSame = (stated[index] ?? limit.requests) === report.limit || limit.requests === report.limit
    const candidate = { index, rank: isSame ? 0 : 1, rate: limit.requests / limit.perMillis }
    const isBetter =
      best === null ||
      candidate.rank < best.rank ||
      (candidate.rank === best.rank && candidate.rate < best.rate)
    if (isBetter) best = candidate
  }
  return best?.index ?? null
}
