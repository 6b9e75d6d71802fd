import { lateness } from "./blocked.ts"

/** So many more than the rate needs, for answers that take a little longer than most: what leaves in 40 ms, or two. */
const spareFor = (interval: number): number => Math.max(2, Math.ceil(lateness / interval))

/** The same before anything is known of the way. */
const firstSpare = 4

/** An answer this many times as late as most, and by so many milliseconds: its request arrived long ago. */
const overdueTimes = 4
const overdueMillis = 250

/** The first answers come late, since they open connections: of so many, the quickest is taken to be typical. */
const opening = 4

/** Weight of an answer in what is typical: a few late ones show a stall, and not how long the way is. */
const sooner = 1 / 8
const later = 1 / 32

/**
 * Requests that were sent and are not answered. Where requests are spread evenly, few of them may be on their way at
 * once: were the way or the vendor to stall for a moment, all of them would arrive together, as a burst that is refused
 * although the sum is kept.
 */
export class InFlight {
  private readonly sent = new Set<{ readonly sentAt: number }>()
  private typical = 0
  private quickest = Number.POSITIVE_INFINITY
  private answers = 0
  /** When all answered requests have drained, had each arrived as late as its answer allows. */
  private drainedAt = 0

  add(request: { readonly sentAt: number }): void {
    this.sent.add(request)
  }

  remove(request: { readonly sentAt: number }): void {
    this.sent.delete(request)
  }

  /**
   * One was answered after so many milliseconds.
   *
   * @param arrivedBy when the vendor must have had it, epoch milliseconds
   */
  answered(millis: number, arrivedBy: number, interval: number): void {
    this.answers += 1
    this.quickest = Math.min(this.quickest, millis)
    const more = millis - this.typical
    if (this.answers > opening) this.typical += more * (more > 0 ? later : sooner)
    else if (this.answers === opening) this.typical = this.quickest
    this.drainedAt = Math.max(this.drainedAt, arrivedBy) + interval
  }

  /**
   * The earliest instant (epoch milliseconds) at which one more may leave without being the last of a burst: those that
   * were answered together may have arrived together.
   */
  earliest(interval: number): number {
    return this.drainedAt + (this.sent.size - this.spare(interval)) * interval - this.typical
  }

  /**
   * How many may be in flight where one leaves every `interval` milliseconds; 0: they leave as they come. Those that
   * are long overdue take no place from the others.
   */
  most(interval: number, now: number): number {
    if (interval <= 0) return Number.POSITIVE_INFINITY
    return Math.ceil(this.typical / interval) + this.spare(interval) + this.overdue(now)
  }

  private spare(interval: number): number {
    return this.answers < opening ? Math.max(firstSpare, spareFor(interval)) : spareFor(interval)
  }

  private overdue(now: number): number {
    const before = now - overdueMillis - overdueTimes * this.typical
    let count = 0
    for (const { sentAt } of this.sent) {
      if (sentAt > before) break
      count += 1
    }
    return count
  }
}
