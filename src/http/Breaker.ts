import { silenceMillis } from "./retryPolicy.ts"

/** Failures in a row, of any requests, after which a vendor is taken to be down. */
const tolerated = 8

const firstPause = 2000
const longestPause = 60_000

/** Retries that are allowed at once, and how many of them each served request earns back. */
const budget = 100
const earned = 0.2

/**
 * Spares a vendor that is down: after many failures in a row nothing leaves for a while, then one request finds out. And
 * keeps retries to a fraction of what is served.
 */
export class Breaker {
  private failures = 0
  private pauses = 0
  private until = 0
  /** When the first of the failures in a row was sent. */
  private since = 0
  private isProbed = false
  private retries = budget

  /** When something may leave again, and when to stop waiting for it (epoch milliseconds); null: now. */
  blocked(now: number): { readonly until: number; readonly giveUpAt: number } | null {
    if (this.failures < tolerated) return null
    const giveUpAt = this.since + silenceMillis
    if (this.until > now) return { until: this.until, giveUpAt }
    return this.isProbed ? { until: now + 1000, giveUpAt } : null
  }

  sent(): void {
    if (this.failures >= tolerated) this.isProbed = true
  }

  success(): void {
    this.failures = 0
    this.pauses = 0
    this.until = 0
    this.isProbed = false
    this.retries = Math.min(budget, this.retries + earned)
  }

  /** @param sentAt when the request was sent that failed */
  failure(now: number, sentAt: number): void {
    if (this.failures === 0) this.since = sentAt
    this.failures += 1
    if (this.failures < tolerated || (this.until > now && !this.isProbed)) return
    this.isProbed = false
    this.until = now + Math.min(longestPause, firstPause * 2 ** this.pauses)
    this.pauses += 1
  }

  /** The probe was called off. */
  withdrawn(): void {
    this.isProbed = false
  }

  /** Whether one more retry is within the budget; takes it. */
  retry(): boolean {
    if (this.retries < 1) return false
    this.retries -= 1
    return true
  }

  get failuresInARow(): number {
    return this.failures
  }
}
