/** Answers needed before anything is concluded from the quickest of them: the first ones open connections. */
const enough = 20

/** A period is closed after this many answers and milliseconds. */
const periodAnswers = 50
const periodMillis = 60_000

/** What is left of the quickest answer as a reserve. */
const trusted = 0.9

/**
 * The quickest answers of late. A vendor counts a request when it arrives, and no later one travels faster than the
 * quickest: by nearly that much a request may be taken to have arrived before its answer did.
 */
export class RoundTrip {
  private before = Number.POSITIVE_INFINITY
  private least = Number.POSITIVE_INFINITY
  private answers = 0
  private since = 0
  private isSettled = false

  answered(now: number, millis: number): void {
    this.least = Math.min(this.least, millis)
    this.answers += 1
    this.isSettled ||= this.answers >= enough
    if (this.answers < periodAnswers || now - this.since < periodMillis) return
    this.before = this.least
    this.least = millis
    this.answers = 0
    this.since = now
  }

  /** Milliseconds by which a request surely arrived before its answer, all requests being alike. */
  get credit(): number {
    return this.isSettled ? Math.floor(trusted * Math.min(this.least, this.before)) : 0
  }
}
