import { silenceMillis } from "../exchange/retryPolicy.ts"

/** Failures in a row, of any requests, after which a vendor is taken to be down. */
const tolerated = 8

const firstPause = 2000
const longestPause = 60_000

/** Retries that are allowed at once, and how many of them each served request earns back. */
const budget = 100
const earned = 0.2

/**
 * Spares a vendor that is down: after many failures in a row, or a long silence, nothing leaves for a while, then one
 * request finds out. And keeps retries to a fraction of what is served. Times are epoch milliseconds.
 */
export class CircuitBreaker {
  private failures = 0
  private pauses = 0
  private until = 0
  /** When the first of the failures in a row was sent. */
  private since = 0
  /** When the first request was sent that got no answer, if none was answered after it. */
  private silentSince: number | null = null
  private isProbed = false
  private retries = budget

  /** When something may leave again, and when to stop waiting for it; null: now. */
  blocked(now: number): { readonly until: number; readonly giveUpAt: number } | null {
    if (!this.isOpen(now)) return null
    const giveUpAt = (this.silentSince ?? this.since) + silenceMillis
    if (this.until > now) return { until: this.until, giveUpAt }
    return this.isProbed ? { until: now + 1000, giveUpAt } : null
  }

  /** Milliseconds that a request may take to be answered, so that a silent vendor is given up in time. */
  patience(now: number): number {
    const left = this.silentSince === null ? 0 : this.silentSince + silenceMillis - now
    return left > 0 ? left : Number.POSITIVE_INFINITY
  }

  sent(now: number): void {
    if (this.isOpen(now)) this.isProbed = true
  }

  /** It answered, and not with a failure. */
  success(): void {
    this.failures = 0
    this.pauses = 0
    this.until = 0
    this.isProbed = false
    this.silentSince = null
    this.retries = Math.min(budget, this.retries + earned)
  }

  /** @param sentAt when the request was sent that failed */
  failure(now: number, sentAt: number, isAnswered: boolean): void {
    if (this.failures === 0) this.since = sentAt
    this.failures += 1
    this.silentSince = isAnswered ? null : (this.silentSince ?? sentAt)
    if (!this.isOpen(now) || (this.until > now && !this.isProbed)) return
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

  /** In words, what went on. */
  get reason(): string {
    return this.silentSince === null
      ? `it failed ${this.failures} times in a row`
      : `it gave no answer ${this.failures} times in a row`
  }

  private isOpen(now: number): boolean {
    return (
      this.failures >= tolerated || (this.silentSince !== null && now >= this.silentSince + silenceMillis)
    )
  }
}
