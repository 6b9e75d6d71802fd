/** A number of uses that are forgotten together, at `expiresAt` (epoch milliseconds). */
export type Spent = readonly [expiresAt: number, count: number]

/**
 * A sliding window as far as this process knows it: its own requests one by one, all others in lumps.
 *
 * A vendor counts a request at some instant between our sending it and our having its answer. So a request counts from
 * before it is sent until a whole window after its answer, less what the answer surely took: then no window of the
 * vendor's can hold more than the limit.
 */
export class Window {
  readonly perMillis: number
  private inFlight = 0
  private expiries: Array<number> = []
  private gone = 0
  private others: ReadonlyArray<Spent> = []
  private othersGone = 0
  private othersCount = 0
  private foreignCount = 0
  private foreignUntil = 0

  constructor(perMillis: number) {
    this.perMillis = perMillis
  }

  /** @param cost as how many requests it counts; so below */
  send(cost: number): void {
    this.inFlight += cost
  }

  /** It was never sent after all. */
  unsend(cost: number): void {
    this.inFlight -= cost
  }

  /** @param arrivedBy when the vendor must have had it, epoch milliseconds */
  answered(arrivedBy: number, cost: number): void {
    this.inFlight -= cost
    const last = this.expiries[this.expiries.length - 1] ?? 0
    const expiry = Math.max(last, arrivedBy + this.perMillis)
    for (let count = 0; count < cost; count += 1) this.expiries.push(expiry)
  }

  /** What other processes used, soonest to be forgotten first. */
  setOthers(others: ReadonlyArray<Spent>): void {
    this.others = others
    this.othersGone = 0
    this.othersCount = others.reduce((sum, [, count]) => sum + count, 0)
  }

  /** What the vendor counted beyond all that we know of: something else uses the same credential. */
  setForeign(count: number, until: number): void {
    this.foreignCount = count
    this.foreignUntil = until
  }

  foreign(now: number): number {
    return now < this.foreignUntil ? this.foreignCount : 0
  }

  /** Requests that may stand in the vendor's window now. */
  used(now: number): number {
    return this.known(now) + this.foreign(now)
  }

  /** Those of them that this process knows of. */
  known(now: number): number {
    this.forget(now)
    return this.inFlight + this.expiries.length - this.gone + this.othersCount
  }

  /** When the next use is forgotten, epoch milliseconds; null: nothing is, before an answer comes. */
  nextExpiry(now: number): number | null {
    this.forget(now)
    const candidates = [
      this.expiries[this.gone],
      this.others[this.othersGone]?.[0],
      this.foreign(now) > 0 ? this.foreignUntil : undefined
    ].filter((at): at is number => at !== undefined)
    return candidates.length === 0 ? null : Math.min(...candidates)
  }

  /** Own uses that will be forgotten by then. */
  expiringBy(at: number): number {
    let index = this.gone
    while (index < this.expiries.length && (this.expiries[index] ?? 0) <= at) index += 1
    return index - this.gone
  }

  /** Own answered uses for the others to know, in at most about a hundred lumps, each forgotten a little late. */
  summary(now: number): ReadonlyArray<Spent> {
    this.forget(now)
    const width = this.perMillis / 100
    const lumps: Array<[number, number]> = []
    for (let index = this.gone; index < this.expiries.length; index += 1) {
      const at = this.expiries[index] ?? 0
      const last = lumps[lumps.length - 1]
      const end = Math.ceil(at / width) * width
      if (last !== undefined && last[0] >= end) last[1] += 1
      else lumps.push([Math.ceil(end), 1])
    }
    return lumps
  }

  private forget(now: number): void {
    while (this.gone < this.expiries.length && (this.expiries[this.gone] ?? 0) <= now) this.gone += 1
    if (this.gone > 256 && this.gone * 2 > this.expiries.length) {
      this.expiries = this.expiries.slice(this.gone)
      this.gone = 0
    }
    while (this.othersGone < this.others.length) {
      const [at, count] = this.others[this.othersGone] ?? [Number.POSITIVE_INFINITY, 0]
      if (at > now) break
      this.othersCount -= count
      this.othersGone += 1
    }
  }
}
