/**
 * How many requests may be in flight at once, if no limit is documented: few at first, more as long as more are served in the
 * same time, fewer after failures.
 */
export class Places {
  private places: number
  private readonly isFixed: boolean
  private served = 0
  private since = 0
  /** What the last smaller number of places served, requests a millisecond. */
  private before: { readonly places: number; readonly rate: number } | null = null
  private factor = 2
  /** Attempts in a row that did not pay. */
  private vain = 0
  /** Rounds to stay before the next attempt. */
  private rest = 0

  /**
   * @param fixed what the configuration says; null: to be found
   * @param isLimited the vendor's limits are known, so that a few more at once do no harm
   */
  constructor(fixed: number | null, isLimited: boolean) {
    this.isFixed = fixed !== null
    this.places = fixed ?? (isLimited ? 2 * first : first)
  }

  get count(): number {
    return this.places
  }

  /**
   * One request was served. `isWanted`: others wait for nothing but a place.
   */
  success(now: number, isWanted: boolean): void {
    if (this.isFixed) return
    if (!isWanted) {
      this.served = 0
      this.since = now
      return
    }
    this.served += 1
    const lasted = now - this.since
    if (this.served < round * this.places || lasted < shortestRound) return
    const rate = this.served / lasted
    this.served = 0
    this.since = now
    this.decide(rate)
  }

  /** The vendor gave no usable answer. */
  failure(now: number): void {
    if (this.isFixed) return
    this.places = Math.max(1, Math.floor(this.places / 2))
    this.before = null
    this.factor = laterFactor
    this.rest = longRest
    this.served = 0
    this.since = now
  }

  private decide(rate: number): void {
    const { before } = this
    if (before !== null) {
      this.before = null
      const grown = this.places / before.places - 1
      if (rate < before.rate * (1 + grown * worthwhile)) {
        this.places = before.places
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
    if (this.places >= most) return
    this.before = { places: this.places, rate }
    this.places = Math.min(most, Math.ceil(this.places * this.factor))
  }
}

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
