import { lateness } from "./take.ts"

/** A request in flight. Epoch milliseconds. */
interface InFlight {
  readonly sentAt: number
}

/** Places at first, twice as many where the limits are known, and at most. */
const first = 4
const most = 64

/** A round is over when so many times the places were served: the first answers of it are those of the round before. */
const round = 1.25

/** Milliseconds that a round lasts at least, so that chance does not decide. */
const shortestRound = 50

/** Places must bring at least this share of what they would in the best case. */
const worthwhile = 0.3

/** Doubled until that no longer pays, then by smaller steps, and only now and then. */
const laterFactor = 1.25
const shortRest = 3
const longRest = 20

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

/** Answers needed before anything is concluded from the quickest of them. */
const enough = 20

/** A period of quickest answers is closed after this many answers and milliseconds. */
const periodAnswers = 50
const periodMillis = 60_000

/** What is left of the quickest answer as a reserve. */
const trusted = 0.9

/**
 * How many requests may be in flight at once. If no limit is documented: few at first, more as long as more are served in
 * the same time, fewer after failures. Where requests are spread evenly, only as many as the rate needs: were the way or
 * the vendor to stall for a moment, all of them would arrive together, as a burst that is refused although the sum is kept.
 */
export class AdaptiveConcurrency {
  private readonly inFlight = new Set<InFlight>()
  private readonly isFixed: boolean
  private found: number
  private served = 0
  private since = 0
  /** What the last smaller number of places served, requests a millisecond. */
  private before: { readonly places: number; readonly rate: number } | null = null
  private factor = 2
  /** Attempts in a row that did not pay. */
  private vain = 0
  /** Rounds to stay before the next attempt. */
  private rest = 0
  private answers = 0
  /** Milliseconds that most answers take. */
  private typical = 0
  private quickest = Number.POSITIVE_INFINITY
  /** When all answered requests have drained, had each arrived as late as its answer allows. */
  private drainedAt = 0
  /** The quickest answers of this period and the one before, milliseconds. */
  private period = { quickest: Number.POSITIVE_INFINITY, answers: 0, since: 0 }
  private lastQuickest = Number.POSITIVE_INFINITY

  /**
   * @param fixed what the configuration says; null: to be found
   * @param isLimited the vendor's limits are known, so that a few more at once do no harm
   */
  constructor(fixed: number | null, isLimited: boolean) {
    this.isFixed = fixed !== null
    this.found = fixed ?? (isLimited ? 2 * first : first)
  }

  /** Places in all, were nothing spread evenly. */
  get places(): number {
    return this.found
  }

  /**
   * Whether one more may be in flight where one leaves every `interval` milliseconds; 0: they leave as they come. Those
   * that are long overdue take no place from the others.
   */
  hasRoom(interval: number, now: number): boolean {
    const { size } = this.inFlight
    if (size >= this.found) return false
    return (
      interval <= 0 || size < Math.ceil(this.typical / interval) + this.spare(interval) + this.overdue(now)
    )
  }

  /**
   * The earliest instant (epoch milliseconds) at which one more may leave without being the last of a burst: those that
   * were answered together may have arrived together.
   */
  earliest(interval: number): number {
    return this.drainedAt + (this.inFlight.size - this.spare(interval)) * interval - this.typical
  }

  add(request: InFlight): void {
    this.inFlight.add(request)
  }

  remove(request: InFlight): void {
    this.inFlight.delete(request)
  }

  /**
   * A request's headers have come. Returns the instant by which the vendor must have had it, epoch milliseconds: a vendor
   * counts a request when it arrives, and no later one travels faster than the quickest of late.
   */
  answered({ sentAt }: InFlight, interval: number, now: number): number {
    const millis = now - sentAt
    this.answers += 1
    this.quickest = Math.min(this.quickest, millis)
    const more = millis - this.typical
    if (this.answers > opening) this.typical += more * (more > 0 ? later : sooner)
    else if (this.answers === opening) this.typical = this.quickest
    const { period } = this
    period.quickest = Math.min(period.quickest, millis)
    period.answers += 1
    if (period.answers >= periodAnswers && now - period.since >= periodMillis) {
      this.lastQuickest = period.quickest
      this.period = { quickest: millis, answers: 0, since: now }
    }
    const arrivedBy = Math.max(sentAt, now - this.credit) + clockMillis
    this.drainedAt = Math.max(this.drainedAt, arrivedBy) + interval
    return arrivedBy
  }

  /** One request was served. `isWanted`: others wait for nothing but a place. */
  success(now: number, isWanted: boolean): void {
    if (this.isFixed) return
    if (!isWanted) {
      this.served = 0
      this.since = now
      return
    }
    this.served += 1
    const lasted = now - this.since
    if (this.served < round * this.found || lasted < shortestRound) return
    const rate = this.served / lasted
    this.served = 0
    this.since = now
    this.decide(rate)
  }

  /** The vendor gave no usable answer. */
  failure(now: number): void {
    if (this.isFixed) return
    this.found = Math.max(1, Math.floor(this.found / 2))
    this.before = null
    this.factor = laterFactor
    this.rest = longRest
    this.served = 0
    this.since = now
  }

  /** Milliseconds by which a request surely arrived before its answer, all requests being alike. */
  private get credit(): number {
    const quickest = Math.min(this.period.quickest, this.lastQuickest)
    return this.answers >= enough ? Math.floor(trusted * quickest) : 0
  }

  private spare(interval: number): number {
    return this.answers < opening ? Math.max(firstSpare, spareFor(interval)) : spareFor(interval)
  }

  private overdue(now: number): number {
    const before = now - overdueMillis - overdueTimes * this.typical
    let count = 0
    for (const { sentAt } of this.inFlight) {
      if (sentAt > before) break
      count += 1
    }
    return count
  }

  private decide(rate: number): void {
    const { before } = this
    if (before !== null) {
      this.before = null
      const grown = this.found / before.places - 1
      if (rate < before.rate * (1 + grown * worthwhile)) {
        this.found = before.places
        // What did not pay once may have been the machine's own doing: it is tried again, ever later.
        this.rest = Math.min(longRest, shortRest * 2 ** this.vain)
        if (this.vain > 0) this.factor = laterFactor
        this.vain += 1
        return
      }
      this.vain = 0
    }
    if (this.rest > 0) {
      this.rest -= 1
      return
    }
    if (this.found >= most) return
    this.before = { places: this.found, rate }
    this.found = Math.min(most, Math.ceil(this.found * this.factor))
  }
}

/** The clock shows whole milliseconds: what happened may be so much later than it says. */
export const clockMillis = 1
