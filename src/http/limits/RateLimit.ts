import type { RateLimitReport } from "../answer/rateLimitHeaders.ts"
import type { Limit, ProviderRequest } from "../contract.ts"
import { Budget, type Part, slack } from "./Budget.ts"
import { isNews, isProbed, postpone, probed, refuse } from "./cooldown.ts"
import { inForce, newSearch, rateOf, recovered, refused, resumed, type Stated, served } from "./rateSearch.ts"
import {
  type Change,
  type Company,
  cooled,
  type MemberUse,
  type QuotaLedger,
  type SharedBucket,
  type View
} from "./shared/sharedState.ts"
import {
  type Blocked,
  blockedUntil,
  type Completion,
  type Demand,
  evenly,
  isBlocked,
  lateness,
  look,
  noDemand,
  type Taken
} from "./take.ts"

/**
 * The share of a limit that is too small to be handed out in portions, and of which there are too many to write each
 * down (one path's): every process that is there owns a fixed part. Only a refusal is shared with the others.
 */
export interface FixedShare {
  /** How many processes share it: published so that no two ever believe that they own the same part. */
  company: Company
  /** What the vendor stated for any one of these limits holds for all of them. */
  stated: Stated
  /** Nothing leaves before, epoch milliseconds: until then the others own all of it. */
  from: number
  /** The same where they take turns: not all may have noticed yet that there are more or fewer of them. */
  turnsFrom: number
}

/** Limits, and what this process may use of them. */
export interface LimitSettings {
  readonly limits: ReadonlyArray<Limit>
  /** Share of each limit, above 0 and at most 1. */
  readonly quota: number
  readonly ledger: QuotaLedger
}

interface RateLimitOptions extends LimitSettings {
  /** Holds no path: those may name a person. */
  readonly key: string
  /** The limit is unknown and is found. */
  readonly finds?: boolean
  /** Left out: processes share the limit in portions. */
  readonly fixed?: FixedShare
}

/** Milliseconds for which a process that is alone takes what it may need. */
const lease = 1000

/** The same where a limit is being found: at first every step is short. */
const findingLease = 250
const firstLease = 25
const firstMillis = 2000

const leaseOf = ({ search }: SharedBucket, now: number): number => {
  if (search === null || rateOf(search, now) === null) return lease
  return search.hits === 0 && now - search.calmAt < firstMillis ? firstLease : findingLease
}

/** Milliseconds for which evenly spread requests are granted ahead where others wait too. */
const ahead = 100

const pathsEvenly = "requests to one path are spread evenly"

const sharing = "other runs use its limit too"

const probing = "one request finds out whether it is over"

/** This process's part of a limit that so many share; left out: all of it. */
const partOf = (whole: number, { others, rank }: Company = { others: 0, rank: 0 }): Part => {
  const processes = others + 1
  const turns = Math.ceil(processes / whole)
  return turns > 1
    ? { requests: 1, turn: Math.floor(rank / whole), turns }
    : { requests: Math.floor(whole / processes) + (rank < whole % processes ? 1 : 0), turn: 0, turns }
}

/** What may be sent without asking the shared state again. */
interface Grant {
  left: number
  readonly until: number
  /** No other process was there when it was made. */
  readonly alone: boolean
}

const nothing: Grant = { left: 0, until: 0, alone: false }

/**
 * A limit, or several that the same requests fall under, whatever its scope: what this process may send, counted together
 * with all others. It takes some requests at a time from the shared state and then spends them without asking: all that
 * it may need for a second while it is alone, just what is waiting while it is not.
 */
export class RateLimit {
  private readonly options: RateLimitOptions
  private readonly documented: ReadonlyArray<number>
  private readonly costs: ReadonlyArray<NonNullable<Limit["costs"]>>
  private readonly budget: Budget
  /** The request that finds out whether a refusal is over is in flight, and this process's. */
  private isProbing = false
  private grant: Grant = nothing
  private demand: Demand = noDemand
  private others: View["others"] | null = null
  /** Requests that wait for it or are in flight. */
  users = 0
  /** Milliseconds between two requests, as of late; 0: they leave as they come. */
  spacing = 0
  /** The next evenly spread request, as far as granted. */
  private paceAt = 0
  /** A request waits for that instant. */
  private isAwaited = false
  /** Served since the shared search was last updated. */
  private unreported = 0
  private takenInLease = 0
  /** Where the limit is unknown but the vendor says what is left of it. */
  private stated: { left: number; readonly until: number } | null = null
  private sentInAll = 0
  private isResumed = false
  private changedAt = 0
  private writtenAt = 0
  private writtenDemand: MemberUse["demand"] = noDemand.waiting

  constructor(options: RateLimitOptions) {
    this.options = options
    this.documented = options.limits.map(({ requests }) => requests)
    this.costs = options.limits.flatMap(({ costs }) => costs ?? [])
    this.budget = new Budget(options.limits, (limit) => {
      const whole = Math.max(1, Math.floor(limit * options.quota))
      return partOf(whole, options.fixed?.company)
    })
  }

  /** As how many requests this one counts. */
  costOf(request: ProviderRequest): number {
    return this.costs.reduce((most, costs) => Math.max(most, Math.ceil(costs(request))), 1)
  }

  /** Counts one request that leaves now, as `wanted` of them; or says why it may not. */
  take(now: number, demand: Demand, wanted = 1): Taken | Blocked {
    this.demand = demand
    const { fixed } = this.options
    const from = fixed ? Math.max(fixed.from, this.budget.turnAt(fixed.stated, now, fixed.turnsFrom)) : now
    if (now < from) return blockedUntil(from, sharing)
    const shared = this.look(now)
    if (shared.until > now) return blockedUntil(shared.until, shared.reason)
    const isProbe = shared.refusals > 0
    const cost = wanted === 1 ? 1 : Math.min(wanted, this.budget.most(this.stand(shared, now)))
    const blocked =
      this.full(shared, now, cost) ?? (isProbe ? this.claimProbe(shared, now) : null) ?? this.spend(now, cost)
    if (blocked !== null) return blocked
    this.budget.send(cost)
    this.sentInAll += cost
    this.takenInLease += cost
    if (isProbe) this.isProbing = true
    if (this.stated !== null) this.stated.left -= cost
    return { at: now, nth: this.sentInAll, cost, isProbe }
  }

  /** It was not sent after all. */
  untake(taken: Taken, now: number): void {
    const { cost } = taken
    this.budget.unsend(cost)
    this.grant.left += cost
    this.sentInAll -= cost
    this.takenInLease -= cost
    this.paceAt -= this.spacing * cost
    this.changedAt = now
    if (taken.isProbe) this.isProbing = false
  }

  /** It was sent, and nothing came back: the vendor may have counted it. */
  unanswered(taken: Taken, { now, arrivedBy }: Completion): void {
    this.budget.completed(arrivedBy, taken.cost)
    this.changedAt = now
    if (taken.isProbe) this.isProbing = false
  }

  answered(taken: Taken, completion: Completion, report: RateLimitReport | null): void {
    const { now } = completion
    this.unanswered(taken, completion)
    this.unreported += 1
    if (taken.isProbe) this.reopen(now)
    if (report !== null) this.learn(report, taken, now)
  }

  /** A 429. Returns when it opens again, epoch milliseconds. `askedUntil`: what the headers say about it. */
  refused(
    taken: Taken,
    completion: Completion,
    askedUntil: number | null,
    report: RateLimitReport | null
  ): number {
    const { now } = completion
    this.unanswered(taken, completion)
    if (report !== null) this.learn(report, taken, now)
    const after = this.change(now, ({ shared }) => {
      const refusal = { now, sentAt: taken.at, askedUntil, window: this.budget.longest }
      const next = refuse(shared, { ...refusal, random: Math.random() })
      return {
        shared:
          isNews(shared, taken.at) && !this.options.fixed ? this.learnRefusal(next, taken.cost, now) : next
      }
    })
    this.grant = nothing
    this.isAwaited = false
    return after.shared.until
  }

  /** The refusal's body said when to come back. Returns when it opens again, epoch milliseconds. */
  postpone(askedUntil: number, now: number): number {
    const window = this.budget.longest
    return this.change(now, ({ shared }) => ({ shared: postpone(shared, { now, askedUntil, window }) }))
      .shared.until
  }

  /** Tells the others what was used and gives back what was not: to be called now and then, and at the end. */
  settle(now: number, isLast: boolean): void {
    if (isLast) this.demand = noDemand
    const isJoined = this.grant.alone && this.options.ledger.company(now).others > 0
    const isDue =
      this.changedAt > this.writtenAt && now >= this.grant.until && now - this.writtenAt >= 4 * look
    if (this.changedAt === 0 || !(isLast || isJoined || isDue)) return
    this.writeUse(now)
  }

  /** Nothing would be lost with it: a refusal is in the shared state. */
  isForgettable(now: number): boolean {
    return this.users === 0 && this.paceAt <= now && this.budget.isEmpty(now)
  }

  private look(now: number): SharedBucket {
    const view = this.options.ledger.view(this.options.key, now)
    this.meet(view.others)
    return view.shared
  }

  private stand(shared: SharedBucket, now: number): Stated {
    if (this.options.fixed) return this.options.fixed.stated
    return inForce(shared.stated, this.documented, shared.search, now)
  }

  private change(now: number, decide: (view: View) => Change): View {
    const view = this.options.ledger.update(this.options.key, now, decide)
    this.meet(view.others)
    return view
  }

  private meet(others: View["others"]): void {
    if (others === this.others) return
    this.others = others
    this.budget.meet(others)
  }

  /** Milliseconds between two requests; 0: they leave as they come. */
  private interval(shared: SharedBucket, now: number): number {
    const rate = rateOf(shared.search, now)
    return Math.max(rate === null ? 0 : 1000 / rate, this.budget.interval(this.stand(shared, now), false))
  }

  /** Whether the next request may be the one that finds out whether a refusal is over. */
  private claimProbe(shared: SharedBucket, now: number): Blocked | null {
    const { member } = this.options.ledger
    const isOthers = this.isProbing || isProbed(shared, member, now)
    const claimed = isOthers
      ? shared
      : this.change(now, (before) => ({ shared: probed(before.shared, member, now) })).shared
    return !isOthers && claimed.probe?.member === member && claimed.until <= now
      ? null
      : blockedUntil(now + look, probing)
  }

  private reopen(now: number): void {
    this.change(now, ({ shared }) => ({
      shared: {
        ...shared,
        ...cooled,
        search: shared.search === null ? null : recovered(shared.search, now)
      }
    }))
  }

  private full(shared: SharedBucket, now: number, cost: number): Blocked | null {
    if (this.stated !== null && now >= this.stated.until) this.stated = null
    if (this.stated !== null && this.stated.left < cost) {
      return blockedUntil(this.stated.until, "it says that its limit is used up", now + lease)
    }
    const full = this.budget.full(this.stand(shared, now), now, cost)
    if (full === null || this.options.fixed || this.options.ledger.company(now).others === 0) return full
    // The others must know who waits, to let better lanes go first.
    if (!this.isWritten(now)) this.writeUse(now)
    return { ...full, again: Math.min(full.again, now + 2 * look) }
  }

  private spend(now: number, cost: number): Blocked | null {
    const { fixed } = this.options
    const alone = this.options.ledger.company(now).others === 0
    if (!fixed && (this.grant.left < cost || now >= this.grant.until || this.grant.alone !== alone)) {
      const blocked = this.reserve(now, alone, cost)
      if (blocked !== null) return blocked
    }
    const interval = this.interval(this.look(now), now)
    this.spacing = interval
    if (interval > 0) {
      // Who waited for its turn makes up for being late; who comes after a pause does not.
      if (this.paceAt < now - lateness) this.paceAt = this.isAwaited ? now - lateness : now
      this.isAwaited = this.paceAt > now
      if (this.isAwaited) return blockedUntil(this.paceAt, fixed ? pathsEvenly : evenly)
      this.paceAt += interval * cost
    }
    this.grant.left -= cost
    return null
  }

  /** Takes from the shared state what may be sent next. */
  private reserve(now: number, alone: boolean, cost: number): Blocked | null {
    let blocked: Blocked | null = null
    this.change(now, (before) => {
      this.meet(before.others)
      const shared = this.reported(before.shared, now)
      blocked = shared.until > now ? blockedUntil(shared.until, shared.reason) : null
      if (blocked !== null) return { shared }
      const granted = alone
        ? this.takeAlone(shared, now, cost)
        : this.takePart(shared, before.others, now, cost)
      if (!isBlocked(granted)) return granted
      blocked = granted
      return this.isWritten(now) ? { shared } : { shared, use: this.use(now, 0, now) }
    })
    return blocked
  }

  /** Alone: what may be needed for a while, with what becomes free in it. */
  private takeAlone(shared: SharedBucket, now: number, cost: number): Change {
    const until = now + leaseOf(shared, now)
    const wanted = Math.max(32, 2 * this.takenInLease, cost)
    const count = Math.max(1, Math.min(wanted, this.budget.free(this.stand(shared, now), now, until).count))
    this.takenInLease = 0
    this.grant = { left: count, until, alone: true }
    this.paceAt = Math.max(this.paceAt, this.nextAt(shared, now))
    return { shared: { ...shared, nextAt: this.paceAt }, use: this.use(now, count, until) }
  }

  /** In company: what is waiting here, after what waits elsewhere in better lanes. */
  private takePart(
    shared: SharedBucket,
    others: View["others"],
    now: number,
    cost: number
  ): Change | Blocked {
    const free = this.budget.free(this.stand(shared, now), now).count - this.preferred(others, now)
    const interval = this.interval(shared, now)
    const paceAt = Math.max(this.nextAt(shared, now), now - lateness)
    if (interval > 0 && paceAt > now + ahead) return blockedUntil(paceAt - ahead, sharing)
    const slots = interval === 0 ? free : Math.min(free, Math.max(cost, Math.ceil(ahead / interval)))
    const count = Math.min(slots, this.demand.most * cost)
    if (count < cost) {
      const later = Math.min(now + lease, this.budget.nextExpiry(now) ?? now + lease)
      return blockedUntil(Math.max(now + 1, later), sharing, Math.min(later, now + look))
    }
    const until = Math.max(now + lease, paceAt + count * interval + lateness)
    this.grant = { left: count, until, alone: false }
    this.paceAt = paceAt
    const nextAt = interval === 0 ? shared.nextAt : paceAt + count * interval
    return { shared: { ...shared, nextAt }, use: this.use(now, count, until) }
  }

  /** The next instant of an even pace; none that lies further ahead than grants reach: a clock was wrong then. */
  private nextAt(shared: SharedBucket, now: number): number {
    return Math.min(shared.nextAt, now + 2 * this.interval(shared, now) + lease)
  }

  /** Requests of better lanes that wait in other processes: they go first. */
  private preferred(others: View["others"], now: number): number {
    const mine = this.demand.waiting.findIndex((count) => count > 0)
    if (mine <= 0) return 0
    let sum = 0
    for (const use of others) {
      if (now - use.at < slack) for (const count of use.demand.slice(0, mine)) sum += count
    }
    return sum
  }

  private writeUse(now: number): void {
    this.grant = nothing
    this.change(now, ({ shared }) => ({ shared: this.reported(shared, now), use: this.use(now, 0, now) }))
  }

  /** Whether the others know already what this process used and wants. */
  private isWritten(now: number): boolean {
    const lanes = (demand: MemberUse["demand"]) => demand.map((count) => count > 0).join()
    return (
      now - this.writtenAt < slack / 2 &&
      this.changedAt < this.writtenAt &&
      lanes(this.demand.waiting) === lanes(this.writtenDemand)
    )
  }

  private use(now: number, granted: number, until: number): MemberUse {
    this.writtenAt = now
    this.writtenDemand = this.demand.waiting
    return {
      windows: this.budget.summaries(now),
      open: this.budget.flying + granted,
      openUntil: until,
      demand: this.writtenDemand,
      at: now,
      keptUntil: until + slack + this.budget.longest
    }
  }

  /** The shared state with what this process did since it was last written. */
  private reported(shared: SharedBucket, now: number): SharedBucket {
    const count = this.unreported
    const isFirst = !this.isResumed
    this.unreported = 0
    this.isResumed = true
    if (!this.options.finds && shared.search === null) return shared
    const before = shared.search ?? newSearch(now)
    return { ...shared, search: served(isFirst ? resumed(before, now) : before, count, now) }
  }

  /** What a refusal teaches about a limit that was kept, or is undocumented. */
  private learnRefusal(shared: SharedBucket, cost: number, now: number): SharedBucket {
    const state = this.reported(shared, now)
    // A probe that is refused says only that it was too early.
    if (state.refusals > 1) return state
    const { budget } = this
    const stated = this.stand(state, now)
    const use = {
      // This one was not served, and those in flight may not be.
      served: budget.known(now) - budget.flying - cost,
      limit: Math.min(...this.documented.map((_, index) => budget.limit(index, stated))),
      interval: this.interval(state, now),
      evenInterval: budget.interval(stated, true)
    }
    return { ...state, search: refused(state.search, use, now) }
  }

  private learn(report: RateLimitReport, { nth }: Taken, now: number): void {
    const later = this.sentInAll - nth
    const { fixed } = this.options
    if (fixed) {
      fixed.stated = this.budget.learn(fixed.stated, report, later, now) ?? fixed.stated
      return
    }
    const before = this.look(now).stated
    const learned = this.budget.learn(before, report, later, now)
    if (learned === null) {
      if (report.remaining !== null && report.resetAt !== null && report.resetAt > now) {
        this.stated = { left: report.remaining - this.budget.flying, until: report.resetAt }
      }
      return
    }
    if (learned === before) return
    this.grant = nothing
    this.change(now, ({ shared }) => ({
      shared: { ...shared, stated: this.budget.learn(shared.stated, report, later, now) ?? shared.stated }
    }))
  }
}
