import { Effect } from "effect"
import { type RateLimitReport, rateLimitHeaders } from "../answer/rateLimitHeaders.ts"
import { type ResponseHeaders, retryAfter } from "../answer/retryAfter.ts"
import type { Lane, Limit, ProviderRequest } from "../contract.ts"
import type { Lanes, MakeLanes } from "../exchange/lanes.ts"
import { type Address, greeting } from "./Address.ts"
import { Breaker } from "./Breaker.ts"
import { Bucket } from "./Bucket.ts"
import {
  type Blocked,
  blockedUntil,
  type Demand,
  evenly,
  isBlocked,
  type Landing,
  type Taken
} from "./blocked.ts"
import { type Gate, Gates } from "./Gates.ts"
import { InFlight } from "./InFlight.ts"
import type { PathBucket } from "./PathBucket.ts"
import { Places } from "./Places.ts"
import type { Follows, Ticket, TooLong } from "./permit.ts"
import { RoundTrip } from "./RoundTrip.ts"
import type { QuotaLedger } from "./shared/sharedState.ts"
import type { Timer } from "./timer.ts"
import type { Visitor } from "./Visitor.ts"

export interface AccountSettings {
  readonly limits: ReadonlyArray<Limit>
  /** Requests that no limit covers leave at a rate that is found. */
  readonly finds: boolean
  readonly quota: number
  readonly concurrency: number | null
  readonly ledger: QuotaLedger
  /** The limits that it shares with all other credentials of its origin; null: there are none. */
  readonly address: Address | null
  readonly member: string
  readonly makeLanes: MakeLanes
  readonly timer: Timer
  readonly random: () => number
}

const laneOrder: ReadonlyArray<Lane> = ["push", "sync", "backfill", "verify"]

/** Refusals of this many paths in so short a time (milliseconds) are meant for the whole account. */
const refusedPaths = 3
const refusedTogether = 2000

/** The clock shows whole milliseconds: what happened may be so much later than it says. */
const clockMillis = 1

interface Pending {
  readonly visitor: Visitor
  readonly gates: ReadonlyArray<Gate<Pending>>
  readonly taken: Array<Taken>
  readonly path: string
  readonly maxWaitMillis: number
  readonly isUrgent: boolean
  state: "new" | "waiting" | "sent" | "landed" | "left"
  sentAt: number
  general: Taken | null
  address: Taken | null
  ok: boolean
  /** The buckets that a refusal without a wait closed. */
  refusedIn: ReadonlyArray<Bucket | PathBucket>
  leaveLane: () => void
  ready: (refusal: TooLong | null) => void
}

/** All requests of one credential: its buckets, the places in flight, and who waits for what. */
export class Account {
  private readonly settings: AccountSettings
  private readonly general: Bucket
  private readonly wholeLimits: ReadonlyArray<Limit>
  private readonly gates: Gates<Pending>
  private readonly visitors = new Set<Visitor>()
  private readonly pending = new Set<Pending>()
  private readonly lanes: Lanes
  private readonly places: Places
  private readonly breaker = new Breaker()
  private readonly roundTrip = new RoundTrip()
  private readonly waitingByLane: [number, number, number, number] = [0, 0, 0, 0]
  private readonly inFlight = new InFlight()
  private blocked: (Blocked & { readonly because: TooLong["because"]; readonly giveUpAt: number }) | null =
    null
  private callOff: (() => void) | null = null
  private greetedAt = Number.NEGATIVE_INFINITY
  private refusals: Array<{ readonly path: string; readonly at: number }> = []

  constructor(settings: AccountSettings) {
    this.settings = settings
    const { limits, concurrency, makeLanes, finds, quota, ledger, member, random } = settings
    const whole = limits.filter((limit) => limit.scope === "connection" && limit.applies === undefined)
    this.wholeLimits = whole
    this.general = new Bucket({ key: "general", limits: whole, finds, quota, ledger, member, random })
    this.gates = new Gates(settings)
    this.places = new Places(concurrency, !finds)
    this.lanes = makeLanes(this.places.count)
  }

  join(visitor: Visitor): void {
    this.visitors.add(visitor)
    this.settings.address?.join(this.settings)
  }

  /** A client is done. With the last one this process has no more part in the account. */
  part(visitor: Visitor): void {
    this.visitors.delete(visitor)
    visitor.ends(this.settings.timer.now())
    if (this.visitors.size > 0) return
    const now = this.settings.timer.now()
    for (const bucket of this.buckets()) bucket.settle(now, true)
    this.settings.ledger.leave(now)
    this.settings.address?.part(this.settings, now)
    this.greetedAt = Number.NEGATIVE_INFINITY
  }

  /** To be called every `look` milliseconds while there are clients. */
  tick(now: number): void {
    if (this.visitors.size === 0) return
    if (now - this.greetedAt >= greeting && this.greetedAt > Number.NEGATIVE_INFINITY) this.greet(now)
    for (const bucket of this.buckets()) bucket.settle(now, false)
    this.lanes.setPlaces(this.mostInFlight(now))
  }

  /** Whether one more retry is within the budget; takes it. */
  retry(): boolean {
    return this.breaker.retry()
  }

  /** Milliseconds that the next request may take to be answered, so that a silent vendor is given up in time. */
  patience(): number {
    return this.breaker.patience(this.settings.timer.now())
  }

  enter(visitor: Visitor, request: ProviderRequest, follows?: Follows | undefined): Ticket {
    const pending: Pending = {
      visitor,
      gates: this.gates.of(request, this.settings.timer.now()),
      taken: [],
      path: request.path,
      maxWaitMillis: Math.min(visitor.maxWaitMillis, follows?.within ?? Number.POSITIVE_INFINITY),
      isUrgent: follows !== undefined,
      state: "new",
      sentAt: 0,
      general: null,
      address: null,
      ok: false,
      refusedIn: [],
      leaveLane: () => {},
      ready: () => {}
    }
    const begin = (ready: Pending["ready"]): void => {
      pending.ready = ready
      this.begin(pending)
    }
    return {
      begin,
      ready: Effect.async<void, TooLong>((resume) =>
        begin((refusal) => resume(refusal === null ? Effect.void : Effect.fail(refusal)))
      ),
      answered: (status, headers) => this.answered(pending, status, headers),
      postponed: (told) => this.postponed(pending, told),
      unanswered: () => this.unanswered(pending),
      leave: () => this.leave(pending)
    }
  }

  /** Milliseconds between two requests; 0: they leave as they come. */
  private get spacing(): number {
    return Math.max(this.general.spacing, this.settings.address?.bucket.spacing ?? 0)
  }

  private mostInFlight(now: number): number {
    return Math.min(this.places.count, this.inFlight.most(this.spacing, now))
  }

  private *buckets(): Iterable<Bucket> {
    yield this.general
    yield* this.gates.buckets()
  }

  private greet(now: number): void {
    const { ledger } = this.settings
    const isNew = now - this.greetedAt > 3 * greeting
    this.greetedAt = now
    ledger.greet(now)
    const company = ledger.company(now)
    if (isNew && company.others > 0) this.gates.joined(company, now)
  }

  private begin(pending: Pending): void {
    const now = this.settings.timer.now()
    if (now - this.greetedAt >= greeting) this.greet(now)
    pending.state = "waiting"
    this.pending.add(pending)
    this.count(pending, 1)
    const { blocked } = this
    if (blocked !== null && this.mustGiveUp(pending, blocked, now)) this.giveUp(pending, blocked)
    else this.advance(pending)
  }

  private count(pending: Pending, by: 1 | -1): void {
    const index = laneOrder.indexOf(pending.visitor.lane)
    this.waitingByLane[index] = (this.waitingByLane[index] ?? 0) + by
  }

  private demand(): Demand {
    return {
      waiting: [...this.waitingByLane],
      most: Math.max(1, Math.min(this.places.count, this.pending.size))
    }
  }

  /** Through the buckets that only some requests pass, then into the lanes. */
  private advance(pending: Pending): void {
    const now = this.settings.timer.now()
    for (const gate of pending.gates.slice(pending.taken.length)) {
      const result = this.gates.take(gate, now, this.demand())
      if (isBlocked(result)) {
        this.park(pending, gate, result, now)
        return
      }
      pending.taken.push(result)
    }
    const standing = pending.isUrgent ? "urgent" : "new"
    this.lanes.enter(pending.visitor.lane, (leave) => this.start(pending, leave), standing)
    if (pending.state === "waiting" && this.blocked !== null) pending.visitor.waits(now, this.blocked)
  }

  private park(pending: Pending, gate: Gate<Pending>, blocked: Blocked, now: number): void {
    if (blocked.until - now > pending.maxWaitMillis) {
      this.giveUp(pending, { ...blocked, because: "limit" })
      return
    }
    gate.waiting.add(pending)
    pending.visitor.waits(now, blocked)
    if (gate.callOff !== null) return
    gate.callOff = this.settings.timer.at(blocked.again, () => {
      gate.callOff = null
      const waiting = [...gate.waiting].toSorted(
        (left, right) => laneOrder.indexOf(left.visitor.lane) - laneOrder.indexOf(right.visitor.lane)
      )
      gate.waiting.clear()
      for (const next of waiting) {
        // After the first that is blocked again, the others would be, too.
        if (gate.callOff === null) this.advance(next)
        else gate.waiting.add(next)
      }
    })
  }

  /** A place in flight is free: the request leaves, or everything behind it waits. */
  private start(pending: Pending, leave: () => void): void {
    if (pending.state !== "waiting") {
      leave()
      return
    }
    const now = this.settings.timer.now()
    const result = this.outage(now) ?? this.crowded(now) ?? this.take(pending, now)
    if (isBlocked(result)) {
      this.lanes.pause()
      leave()
      const standing = pending.isUrgent ? "urgent" : "again"
      this.lanes.enter(pending.visitor.lane, (again) => this.start(pending, again), standing)
      const isOutage = "giveUpAt" in result
      this.hold({
        ...result,
        because: isOutage ? "outage" : "limit",
        giveUpAt: isOutage ? (result.giveUpAt as number) : Number.POSITIVE_INFINITY
      })
      return
    }
    pending.state = "sent"
    pending.sentAt = now
    pending.leaveLane = leave
    this.inFlight.add(pending)
    this.count(pending, -1)
    this.pending.delete(pending)
    this.breaker.sent(now)
    pending.visitor.sends(now)
    this.lanes.setPlaces(this.mostInFlight(now))
    pending.ready(null)
  }

  /** Through the limits of the credential and then those of the address. */
  private take(pending: Pending, now: number): Taken | Blocked {
    const { address } = this.settings
    const general = this.general.take(now, this.demand())
    if (isBlocked(general)) address?.waitsElsewhere(this.settings)
    if (address === null || isBlocked(general)) {
      pending.general = isBlocked(general) ? null : general
      return general
    }
    const shared = address.take(this.settings, now, this.demand())
    if (isBlocked(shared)) {
      this.general.untake(general, now)
      return shared
    }
    pending.general = general
    pending.address = shared
    return shared
  }

  private crowded(now: number): Blocked | null {
    const { spacing } = this
    if (spacing === 0) return null
    const at = this.inFlight.earliest(spacing)
    return at > now ? blockedUntil(at, evenly) : null
  }

  private outage(now: number): (Blocked & { readonly giveUpAt: number }) | null {
    const blocked = this.breaker.blocked(now)
    if (blocked === null) return null
    return { ...blockedUntil(blocked.until, this.breaker.reason), giveUpAt: blocked.giveUpAt }
  }

  /** Nothing leaves until there is reason to look again. Clients that must not wait so long fail at once. */
  private hold(blocked: NonNullable<Account["blocked"]>): void {
    const { timer } = this.settings
    const now = timer.now()
    this.blocked = blocked
    this.callOff?.()
    for (const pending of [...this.pending]) {
      if (this.mustGiveUp(pending, blocked, now)) this.giveUp(pending, blocked)
      else pending.visitor.waits(now, blocked)
    }
    this.callOff = timer.at(Math.min(blocked.again, Math.max(now + 1, blocked.giveUpAt)), () => this.open())
  }

  private open(): void {
    this.callOff?.()
    this.callOff = null
    const { blocked } = this
    const now = this.settings.timer.now()
    if (blocked !== null && now >= blocked.giveUpAt) {
      for (const pending of [...this.pending]) this.giveUp(pending, blocked)
    }
    this.blocked = null
    this.lanes.resume()
  }

  private mustGiveUp(pending: Pending, blocked: NonNullable<Account["blocked"]>, now: number): boolean {
    return blocked.until - now > pending.maxWaitMillis || now >= blocked.giveUpAt
  }

  private giveUp(
    pending: Pending,
    { until, reason, because }: Blocked & { readonly because: TooLong["because"] }
  ): void {
    this.leave(pending)
    pending.ready({ _tag: "TooLong", until: this.settings.timer.wall(until), reason, because })
  }

  private answered(pending: Pending, status: number, headers: ResponseHeaders): number | null {
    if (pending.state !== "sent") return null
    pending.state = "landed"
    const now = this.settings.timer.now()
    const report = this.reported(headers, now)
    this.roundTrip.answered(now, now - pending.sentAt)
    const landing: Landing = {
      now,
      arrivedBy: Math.max(pending.sentAt, now - this.roundTrip.credit) + clockMillis
    }
    this.inFlight.answered(now - pending.sentAt, landing.arrivedBy, this.spacing)
    if (status >= 500) {
      this.breaker.failure(now, pending.sentAt, true)
      this.places.failure(now)
    } else {
      this.breaker.success()
      pending.ok = status < 400
    }
    return status === 429
      ? this.refused(pending, headers, report, landing)
      : this.served(pending, report, landing)
  }

  /** What the headers say about the limit; instants are the machine's clock's, and become those of the timer. */
  private reported(headers: ResponseHeaders, now: number): RateLimitReport | null {
    const wall = this.settings.timer.wall(now)
    const report = rateLimitHeaders(headers, wall)
    return report === null || report.resetAt === null || wall === now
      ? report
      : { ...report, resetAt: report.resetAt + now - wall }
  }

  private served(pending: Pending, report: RateLimitReport | null, landing: Landing): null {
    pending.gates.forEach((gate, index) => {
      const taken = pending.taken[index]
      if (taken !== undefined) gate.bucket.answered(taken, landing, index === 0 ? report : null)
    })
    const { address } = this.settings
    const isGeneral = pending.gates.length === 0
    const isAddress = isGeneral && report !== null && address?.isMeant(report, this.wholeLimits) === true
    if (pending.address !== null) {
      address?.bucket.answered(pending.address, landing, isAddress ? report : null)
    }
    if (pending.general !== null) {
      this.general.answered(pending.general, landing, isGeneral && !isAddress ? report : null)
      if (pending.general.isProbe) this.open()
    }
    return null
  }

  /** The refusal is that of the narrowest bucket which the request was in. */
  private refused(
    pending: Pending,
    headers: ResponseHeaders,
    report: RateLimitReport | null,
    landing: Landing
  ): number {
    const { now } = landing
    const { timer } = this.settings
    const atWall = retryAfter(headers, timer.wall(now))
    const told = atWall === null ? null : atWall + now - timer.wall(now)
    const isWide = pending.gates.length === 0 || this.isEverywhere(pending, now)
    const refusedIn: Array<Bucket | PathBucket> = []
    let retryAt = now
    if (pending.address !== null) this.settings.address?.bucket.unanswered(pending.address, landing)
    pending.gates.forEach((gate, index) => {
      const taken = pending.taken[index]
      if (taken === undefined) return
      if (index > 0) gate.bucket.unanswered(taken, landing)
      else {
        retryAt = gate.bucket.refused(taken, landing, told, report)
        refusedIn.push(gate.bucket)
      }
    })
    if (pending.general !== null && isWide) {
      retryAt = this.general.refused(
        pending.general,
        landing,
        told,
        pending.gates.length === 0 ? report : null
      )
      refusedIn.push(this.general)
    } else if (pending.general !== null) this.general.unanswered(pending.general, landing)
    if (told === null || told <= now) pending.refusedIn = refusedIn
    return timer.wall(retryAt)
  }

  private postponed(pending: Pending, told: number): number | null {
    const { timer } = this.settings
    const now = timer.now()
    const until = pending.refusedIn.map((bucket) => bucket.postpone(told + now - timer.wall(now), now))
    return until.length === 0 ? null : timer.wall(Math.max(...until))
  }

  private isEverywhere(pending: Pending, now: number): boolean {
    if (!this.gates.limitsPaths) return false
    const recent = this.refusals.filter(({ at, path }) => now - at < refusedTogether && path !== pending.path)
    this.refusals = [...recent, { path: pending.path, at: now }]
    return this.refusals.length >= refusedPaths
  }

  private unanswered(pending: Pending): void {
    if (pending.state !== "sent") return
    const now = this.settings.timer.now()
    this.breaker.failure(now, pending.sentAt, false)
    this.places.failure(now)
    this.land(pending, now)
  }

  private land(pending: Pending, now: number): void {
    pending.state = "landed"
    const landing: Landing = { now, arrivedBy: now + clockMillis }
    pending.gates.forEach((gate, index) => {
      const taken = pending.taken[index]
      if (taken !== undefined) gate.bucket.unanswered(taken, landing)
    })
    if (pending.general !== null) this.general.unanswered(pending.general, landing)
    if (pending.address !== null) this.settings.address?.bucket.unanswered(pending.address, landing)
  }

  private leave(pending: Pending): void {
    const { state } = pending
    if (state === "left") return
    const now = this.settings.timer.now()
    pending.state = "left"
    if (state === "waiting") this.withdraw(pending, now)
    if (state === "sent") {
      this.breaker.withdrawn()
      this.land(pending, now)
      pending.state = "left"
    }
    if (state !== "sent" && state !== "landed") return
    this.inFlight.remove(pending)
    pending.visitor.lands()
    if (pending.ok) this.places.success(now, this.blocked === null && this.pending.size > 0)
    pending.leaveLane()
    this.lanes.setPlaces(this.mostInFlight(now))
    if (this.blocked === null || !pending.visitor.isIdle) return
    for (const other of this.pending)
      if (other.visitor === pending.visitor) other.visitor.waits(now, this.blocked)
  }

  private withdraw(pending: Pending, now: number): void {
    this.pending.delete(pending)
    this.count(pending, -1)
    pending.gates.forEach((gate, index) => {
      gate.waiting.delete(pending)
      const taken = pending.taken[index]
      if (taken !== undefined) gate.bucket.untake(taken, now)
    })
    if (![...this.pending].some((other) => other.visitor === pending.visitor)) pending.visitor.ends(now)
  }
}
