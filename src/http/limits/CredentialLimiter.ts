import { type RateLimitReport, rateLimitHeaders } from "../answer/rateLimitHeaders.ts"
import { type ResponseHeaders, retryAfter } from "../answer/retryAfter.ts"
import { lanesInOrder, type ProviderRequest } from "../contract.ts"
import { AdaptiveConcurrency, clockMillis } from "./AdaptiveConcurrency.ts"
import { CircuitBreaker } from "./CircuitBreaker.ts"
import type { OriginLimit } from "./OriginLimit.ts"
import type { Follows, Permit, TooLong } from "./permit.ts"
import type { LimitSettings, RateLimit } from "./RateLimit.ts"
import { isSearched, ScopedLimits } from "./ScopedLimits.ts"
import {
  type Blocked,
  blockedUntil,
  type Completion,
  type Demand,
  evenly,
  isBlocked,
  type Taken
} from "./take.ts"
import type { Timer } from "./timer.ts"
import type { WaitReporter } from "./WaitReporter.ts"

interface CredentialSettings extends LimitSettings {
  /** Requests in flight at once; null: found out, up to 64. */
  readonly concurrency: number | null
  /** The limits that it shares with all other credentials of its origin; null: there are none. */
  readonly origin: OriginLimit | null
  readonly timer: Timer
}

/** Refusals of this many paths in so short a time (milliseconds) are meant for the whole account. */
const refusedPaths = 3
const refusedTogether = 2000

/** Nothing leaves until then. `giveUpAt`: when those who wait fail, epoch milliseconds. */
interface Hold extends Blocked {
  readonly because: TooLong["because"]
  readonly giveUpAt: number
}

const limited = (blocked: Blocked): Hold => ({
  ...blocked,
  because: "limit",
  giveUpAt: Number.POSITIVE_INFINITY
})

interface Pending {
  readonly reporter: WaitReporter
  /** The narrowest first, the general one last. */
  readonly limits: ReadonlyArray<RateLimit>
  readonly request: ProviderRequest
  readonly maxWaitMillis: number
  readonly lane: number
  /** Who has the lower one goes first: by lane, and within it what rests on a read before the others. */
  readonly rank: number
  state: "new" | "waiting" | "sent" | "answered" | "left"
  sentAt: number
  /** What it took of its limits and the origin's. */
  taken: ReadonlyArray<readonly [RateLimit, Taken]>
  ok: boolean
  /** The limits that a refusal without a wait closed. */
  refusedIn: ReadonlyArray<RateLimit>
  ready: (refusal: TooLong | null) => void
}

/** All requests of one credential: its limits, the requests in flight, and those that wait, in one list. */
export class CredentialLimiter {
  private readonly settings: CredentialSettings
  private readonly limits: ScopedLimits
  private readonly concurrency: AdaptiveConcurrency
  private readonly breaker = new CircuitBreaker()
  private readonly reporters = new Set<WaitReporter>()
  /** In the order in which they go. */
  private readonly waiting: Array<Pending> = []
  private readonly waitingByLane: Array<number> = lanesInOrder.map(() => 0)
  /** Scoped limits that let nothing through for now. */
  private readonly closed = new Map<RateLimit, Blocked>()
  private hold: Hold | null = null
  private cancelLook: (() => void) | null = null
  private lookAt = Number.POSITIVE_INFINITY
  private isGoing = false
  private mustGoAgain = false
  private refusals: Array<{ readonly path: string; readonly at: number }> = []

  constructor(settings: CredentialSettings) {
    this.settings = settings
    this.limits = new ScopedLimits(settings)
    this.concurrency = new AdaptiveConcurrency(settings.concurrency, !isSearched(settings.limits))
  }

  join(reporter: WaitReporter): void {
    const { origin, timer } = this.settings
    this.reporters.add(reporter)
    this.heartbeat(timer.now())
    origin?.join(this.settings, timer.now())
  }

  /** A client is done. With the last one this process has no more part in the account. */
  part(reporter: WaitReporter): void {
    const now = this.settings.timer.now()
    this.reporters.delete(reporter)
    reporter.ends(now)
    if (this.reporters.size > 0) return
    this.limits.settle(now, true)
    this.settings.ledger.leave()
    this.settings.origin?.part(this.settings, now)
  }

  /** To be called every `look` milliseconds while there are clients. */
  tick(now: number): void {
    if (this.reporters.size === 0) return
    this.heartbeat(now)
    this.limits.settle(now, false)
    this.go()
  }

  /** Whether one more retry is within the budget; takes it. */
  retry(): boolean {
    return this.breaker.retry()
  }

  /** Milliseconds that the next request may take to be answered, so that a silent vendor is given up in time. */
  patience(): number {
    return this.breaker.patience(this.settings.timer.now())
  }

  enter(reporter: WaitReporter, request: ProviderRequest, follows?: Follows | undefined): Permit {
    const lane = lanesInOrder.indexOf(reporter.lane)
    const pending: Pending = {
      reporter,
      limits: this.limits.of(request, this.settings.timer.now()),
      request,
      maxWaitMillis: Math.min(reporter.maxWaitMillis, follows?.within ?? Number.POSITIVE_INFINITY),
      lane,
      rank: 2 * lane + (follows === undefined ? 1 : 0),
      state: "new",
      sentAt: 0,
      taken: [],
      ok: false,
      refusedIn: [],
      ready: () => {}
    }
    return {
      begin: (ready) => {
        pending.ready = ready
        this.begin(pending)
      },
      answered: (status, headers) => this.answered(pending, status, headers),
      postponed: (stated) => this.postponed(pending, stated),
      unanswered: () => this.unanswered(pending),
      leave: () => this.leave(pending)
    }
  }

  /** Milliseconds between two requests; 0: they leave as they come. */
  private get spacing(): number {
    return Math.max(this.limits.general.spacing, this.settings.origin?.limit.spacing ?? 0)
  }

  private heartbeat(now: number): void {
    if (this.settings.ledger.heartbeat(now)) this.limits.joined(now)
  }

  private begin(pending: Pending): void {
    const now = this.settings.timer.now()
    pending.state = "waiting"
    for (const limit of pending.limits) limit.users += 1
    this.waitingByLane[pending.lane] = (this.waitingByLane[pending.lane] ?? 0) + 1
    let index = this.waiting.length
    while (index > 0 && (this.waiting[index - 1]?.rank ?? 0) > pending.rank) index -= 1
    this.waiting.splice(index, 0, pending)
    if (this.hold === null) this.go()
    else this.wait(pending, this.hold, now)
  }

  private unlist(pending: Pending): void {
    this.waiting.splice(this.waiting.indexOf(pending), 1)
    this.waitingByLane[pending.lane] = (this.waitingByLane[pending.lane] ?? 0) - 1
  }

  private demand(): Demand {
    return {
      waiting: [...this.waitingByLane],
      most: Math.max(1, Math.min(this.concurrency.places, this.waiting.length))
    }
  }

  /** Lets leave what may. What is called back may come here again: it is done once more then. */
  private go(): void {
    this.mustGoAgain = true
    if (this.isGoing) return
    this.isGoing = true
    try {
      while (this.mustGoAgain) {
        this.mustGoAgain = false
        this.pass()
      }
    } finally {
      this.isGoing = false
    }
  }

  private pass(): void {
    for (const pending of [...this.waiting]) {
      if (this.hold !== null) return
      if (pending.state !== "waiting") continue
      const now = this.settings.timer.now()
      const closed = this.closedFor(pending, now)
      if (closed !== null) {
        this.wait(pending, limited(closed), now)
        continue
      }
      if (!this.concurrency.hasRoom(this.spacing, now)) return
      const hold = this.outage(now) ?? this.crowded(now) ?? this.take(pending, now)
      if (hold !== null) this.holdAll(hold, now)
      else if (pending.taken.length > 0) this.send(pending, now)
    }
  }

  /** Why this request has to wait although others may leave; null: it does not. */
  private closedFor({ limits }: Pending, now: number): Blocked | null {
    for (const limit of limits) {
      const blocked = this.closed.get(limit)
      if (blocked === undefined) continue
      if (now < blocked.again) {
        this.look(blocked.again)
        return blocked
      }
      this.closed.delete(limit)
    }
    return null
  }

  /** It waits on, or fails at once where it must not wait so long. */
  private wait(pending: Pending, hold: Hold, now: number): void {
    if (hold.until - now <= pending.maxWaitMillis && now < hold.giveUpAt) pending.reporter.waits(now, hold)
    else this.giveUp(pending, hold)
  }

  private giveUp(pending: Pending, { because, reason, until }: Hold): void {
    this.leave(pending)
    pending.ready({ until: this.settings.timer.wall(until), reason, because })
  }

  private send(pending: Pending, now: number): void {
    this.unlist(pending)
    pending.state = "sent"
    pending.sentAt = now
    this.concurrency.add(pending)
    this.breaker.sent(now)
    pending.reporter.sends(now)
    pending.ready(null)
  }

  /**
   * Through all of its limits, or none of them: `taken` stays empty where one is closed that not all fall under. Returns
   * why nothing at all may leave; null: something may.
   */
  private take(pending: Pending, now: number): Hold | null {
    const { origin } = this.settings
    const taken: Array<readonly [RateLimit, Taken]> = []
    const giveBack = (): void => {
      for (const [limit, one] of taken) limit.untake(one, now)
    }
    const demand = this.demand()
    for (const limit of pending.limits) {
      const result = limit.take(now, demand, limit.costOf(pending.request))
      if (!isBlocked(result)) {
        taken.push([limit, result])
        continue
      }
      giveBack()
      if (limit === this.limits.general) {
        origin?.waitsElsewhere(this.settings)
        return limited(result)
      }
      this.closed.set(limit, { ...result, again: Math.max(now + 1, result.again) })
      this.mustGoAgain = true
      return null
    }
    if (origin !== null) {
      const result = origin.take(this.settings, now, demand)
      if (isBlocked(result)) {
        giveBack()
        return limited(result)
      }
      taken.push([origin.limit, result])
    }
    pending.taken = taken
    return null
  }

  private crowded(now: number): Hold | null {
    const { spacing } = this
    const at = spacing === 0 ? 0 : this.concurrency.earliest(spacing)
    if (at <= now) return null
    return limited(blockedUntil(at, evenly))
  }

  private outage(now: number): Hold | null {
    const blocked = this.breaker.blocked(now)
    if (blocked === null) return null
    const { giveUpAt, until } = blocked
    return { ...blockedUntil(until, this.breaker.reason), giveUpAt, because: "outage" }
  }

  /** Nothing leaves until there is reason to look again. Clients that must not wait so long fail at once. */
  private holdAll(hold: Hold, now: number): void {
    this.hold = hold
    for (const pending of [...this.waiting]) this.wait(pending, hold, now)
    this.look(Math.min(hold.again, Math.max(now + 1, hold.giveUpAt)))
  }

  /** Plans to look at that time, unless that is done before. */
  private look(at: number): void {
    if (at >= this.lookAt) return
    this.cancelLook?.()
    this.lookAt = at
    this.cancelLook = this.settings.timer.at(at, () => {
      this.cancelLook = null
      this.lookAt = Number.POSITIVE_INFINITY
      this.open()
    })
  }

  /** The hold is over, or is to be looked at again. */
  private open(): void {
    const { hold } = this
    const now = this.settings.timer.now()
    this.hold = null
    if (hold !== null && now >= hold.giveUpAt) {
      for (const pending of [...this.waiting]) this.giveUp(pending, hold)
    }
    this.go()
  }

  private answered(pending: Pending, status: number, headers: ResponseHeaders): number | null {
    if (pending.state !== "sent") return null
    pending.state = "answered"
    const now = this.settings.timer.now()
    const report = this.reported(headers, now)
    const arrivedBy = this.concurrency.answered(pending, this.spacing, now)
    const completion: Completion = { now, arrivedBy }
    if (status >= 500) {
      this.breaker.failure(now, pending.sentAt, true)
      this.concurrency.failure(now)
    } else {
      this.breaker.success()
      pending.ok = status < 400
    }
    if (status === 429) return this.refused(pending, headers, report, completion)
    this.served(pending, report, completion)
    return null
  }

  /** What the headers say about the limit. */
  private reported(headers: ResponseHeaders, now: number): RateLimitReport | null {
    const { timer } = this.settings
    const report = rateLimitHeaders(headers, timer.wall(now))
    return report === null || report.resetAt === null
      ? report
      : { ...report, resetAt: timer.fromWall(report.resetAt) }
  }

  /** The headers speak of the narrowest limit, or of the origin's where the figure is that of one of these. */
  private served({ limits, taken }: Pending, report: RateLimitReport | null, completion: Completion): void {
    const { origin } = this.settings
    const { general, whole } = this.limits
    const isOrigins = limits[0] === general && report !== null && origin?.isMeant(report, whole) === true
    const meant = isOrigins ? origin.limit : limits[0]
    for (const [limit, one] of taken) {
      limit.answered(one, completion, limit === meant ? report : null)
      if (limit === general && one.isProbe) this.open()
    }
  }

  /** The refusal is that of the narrowest limit which the request was in. */
  private refused(
    pending: Pending,
    headers: ResponseHeaders,
    report: RateLimitReport | null,
    completion: Completion
  ): number {
    const { now } = completion
    const { timer } = this.settings
    const atWall = retryAfter(headers, timer.wall(now))
    const stated = atWall === null ? null : timer.fromWall(atWall)
    const { general } = this.limits
    const [narrowest = general] = pending.limits
    const isWide = narrowest === general || this.isEverywhere(pending, now)
    const refusedIn = isWide ? [narrowest, general] : [narrowest]
    let retryAt = now
    for (const [limit, one] of pending.taken) {
      if (refusedIn.includes(limit)) {
        retryAt = limit.refused(one, completion, stated, limit === narrowest ? report : null)
      } else limit.unanswered(one, completion)
    }
    if (stated === null || stated <= now) pending.refusedIn = refusedIn
    return timer.wall(retryAt)
  }

  private postponed({ refusedIn }: Pending, stated: number): number | null {
    const { timer } = this.settings
    const now = timer.now()
    const until = refusedIn.map((limit) => limit.postpone(timer.fromWall(stated), now))
    return until.length === 0 ? null : timer.wall(Math.max(...until))
  }

  private isEverywhere(pending: Pending, now: number): boolean {
    if (!this.limits.limitsPaths) return false
    const recent = this.refusals.filter(
      ({ at, path }) => now - at < refusedTogether && path !== pending.request.path
    )
    this.refusals = [...recent, { path: pending.request.path, at: now }]
    return this.refusals.length >= refusedPaths
  }

  private unanswered(pending: Pending): void {
    if (pending.state !== "sent") return
    const now = this.settings.timer.now()
    this.breaker.failure(now, pending.sentAt, false)
    this.concurrency.failure(now)
    this.complete(pending, now)
  }

  private complete(pending: Pending, now: number): void {
    pending.state = "answered"
    for (const [limit, one] of pending.taken) limit.unanswered(one, { now, arrivedBy: now + clockMillis })
  }

  private leave(pending: Pending): void {
    const { reporter, state } = pending
    if (state === "left" || state === "new") return
    const now = this.settings.timer.now()
    if (state === "sent") {
      this.breaker.withdrawn()
      this.complete(pending, now)
    }
    pending.state = "left"
    for (const limit of pending.limits) {
      limit.users -= 1
      if (limit.users === 0) this.closed.delete(limit)
    }
    if (state === "waiting") {
      this.unlist(pending)
      if (!this.waiting.some((other) => other.reporter === reporter)) reporter.ends(now)
      return
    }
    this.concurrency.remove(pending)
    reporter.completes()
    if (pending.ok) this.concurrency.success(now, this.hold === null && this.waiting.length > 0)
    this.go()
    if (this.hold === null || !reporter.isIdle) return
    for (const other of this.waiting) if (other.reporter === reporter) reporter.waits(now, this.hold)
  }
}
