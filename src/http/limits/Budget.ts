import type { RateLimitReport } from "../answer/rateLimitHeaders.ts"
import type { Limit } from "../contract.ts"
import type { Stated } from "./rateSearch.ts"
import type { MemberUse } from "./shared/sharedState.ts"
import { type Blocked, blockedUntil, look } from "./take.ts"
import { type Spent, Window } from "./Window.ts"

/** Uses by others that were never settled count as if they had left this long (milliseconds) after their time. */
export const slack = 2000

/** A minute's budget may be spent at once, unless the adapter says otherwise. */
const burstFrom = 60_000

const mayBurst = (limit: Limit): boolean => limit.burst ?? limit.perMillis >= burstFrom

/** A part of a limit: so many requests in each window. */
export interface Part {
  readonly requests: number
  /** More share it than it allows requests: they take turns, and this is the turn of this process, from 0. */
  readonly turn: number
  readonly turns: number
}

/** Which of the known limits a vendor's headers speak of, by window, by size, else the tightest; null: of none. */
const reportedLimit = (
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

/** Counts the requests of one or more limits. */
export class Budget {
  readonly limits: ReadonlyArray<Limit>
  private readonly windows: ReadonlyArray<Window>
  private readonly partOf: (limit: number) => Part
  private inFlight = 0

  /** @param partOf what of a whole limit this process may use */
  constructor(limits: ReadonlyArray<Limit>, partOf: (limit: number) => Part) {
    this.limits = limits
    this.partOf = partOf
    this.windows = limits.map((limit) => new Window(limit.perMillis))
  }

  get flying(): number {
    return this.inFlight
  }

  /** @param cost as how many requests it counts; so below */
  send(cost: number): void {
    this.inFlight += cost
    for (const window of this.windows) window.send(cost)
  }

  unsend(cost: number): void {
    this.inFlight -= cost
    for (const window of this.windows) window.unsend(cost)
  }

  /** @param arrivedBy when the vendor must have had it, epoch milliseconds */
  completed(arrivedBy: number, cost: number): void {
    this.inFlight -= cost
    for (const window of this.windows) window.answered(arrivedBy, cost)
  }

  /** Takes over what other processes used. */
  meet(others: ReadonlyArray<MemberUse>): void {
    this.windows.forEach((window, index) => {
      const spent: Array<Spent> = others.flatMap((use) => [
        ...(use.windows[index] ?? []),
        ...(use.open > 0 ? [[use.openUntil + slack + window.perMillis, use.open] as const] : [])
      ])
      window.setOthers(spent.toSorted(([left], [right]) => left - right))
    })
  }

  /** The whole limit in force. */
  limit(index: number, stated: Stated): number {
    return Math.max(1, stated[index] ?? this.limits[index]?.requests ?? 1)
  }

  /** Requests that may leave now, and the limit that says so. `by`: counting what will be forgotten until then. */
  free(stated: Stated, now: number, by = now): { readonly count: number; readonly index: number } {
    let least = { count: Number.POSITIVE_INFINITY, index: -1 }
    this.windows.forEach((window, index) => {
      const limit = this.limit(index, stated)
      const known = window.known(now)
      const back = by > now ? window.expiringBy(by) : 0
      const count = Math.min(
        this.partOf(limit).requests - known + back,
        limit - known - window.foreign(now) + back
      )
      if (count < least.count) least = { count, index }
    })
    return least
  }

  /** The most that a request may cost here: no one can wait for more. */
  most(stated: Stated): number {
    return Math.min(...this.limits.map((_, index) => this.partOf(this.limit(index, stated)).requests))
  }

  /** Says which limit has too little left; null: none has. */
  full(stated: Stated, now: number, cost: number): Blocked | null {
    const { count, index } = this.free(stated, now)
    if (count >= cost) return null
    const until = this.windows[index]?.nextExpiry(now) ?? now + look
    return blockedUntil(until, `its limit (${this.limits[index]?.name ?? ""}) is used up`)
  }

  /**
   * When it is this process's turn, where more share a limit than it allows requests. A turn lasts for one window, and so
   * does the pause after it: what left in one has arrived before the next. None begins before `from`.
   */
  turnAt(stated: Stated, now: number, from: number): number {
    let at = now
    this.limits.forEach(({ perMillis }, index) => {
      const { turn, turns } = this.partOf(this.limit(index, stated))
      const round = 2 * turns * perMillis
      const passed = (now + round - 2 * turn * perMillis) % round
      if (turns > 1) at = Math.max(at, from, passed < perMillis ? now : now + round - passed)
    })
    return at
  }

  /** When the next use of any window is forgotten; null: nothing is known. */
  nextExpiry(now: number): number | null {
    const expiries = this.windows
      .map((window) => window.nextExpiry(now))
      .filter((at): at is number => at !== null)
    return expiries.length === 0 ? null : Math.min(...expiries)
  }

  /** Milliseconds between two requests; 0: they may leave at once. `even`: bursts were refused. */
  interval(stated: Stated, even: boolean): number {
    let interval = 0
    this.limits.forEach((limit, index) => {
      if (!even && mayBurst(limit)) return
      const { requests } = this.partOf(this.limit(index, stated))
      interval = Math.max(interval, limit.perMillis / requests)
    })
    return interval
  }

  /** Requests that may stand in the fullest of the vendor's windows. */
  known(now: number): number {
    return Math.max(0, ...this.windows.map((window) => window.known(now)))
  }

  summaries(now: number): ReadonlyArray<ReadonlyArray<Spent>> {
    return this.windows.map((window) => window.summary(now))
  }

  /** The longest window, milliseconds; 0: there is none. */
  get longest(): number {
    return Math.max(0, ...this.limits.map((limit) => limit.perMillis))
  }

  isEmpty(now: number): boolean {
    return this.inFlight === 0 && this.windows.every((window) => window.used(now) === 0)
  }

  /**
   * What the vendor counted beyond all that we know of was sent by others, and counts until the vendor says otherwise. Null: the
   * report is about none of these limits.
   *
   * @param later requests that were sent after the one whose answer this is: what of them is in flight, it did not count yet
   */
  learn(stated: Stated, report: RateLimitReport, later: number, now: number): Stated | null {
    const index = reportedLimit(this.limits, stated, report)
    const window = index === null ? undefined : this.windows[index]
    if (index === null || window === undefined) return null
    const after = this.statedAfter(stated, index, report.limit)
    if (report.remaining !== null) {
      const counted = window.known(now) - Math.min(later, this.inFlight)
      const foreign = this.limit(index, after) - report.remaining - counted
      const whole = now + window.perMillis
      window.setForeign(Math.max(0, foreign), report.remaining === 0 ? (report.resetAt ?? whole) : whole)
    }
    return after
  }

  /** The same array where nothing is new. */
  private statedAfter(stated: Stated, index: number, limit: number | null): Stated {
    if (limit === null || limit <= 0) return stated
    const said = limit === this.limits[index]?.requests ? null : limit
    if ((stated[index] ?? null) === said) return stated
    return this.limits.map((_, position) => (position === index ? said : (stated[position] ?? null)))
  }
}
