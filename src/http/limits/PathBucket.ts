import type { RateLimitReport } from "../answer/rateLimitHeaders.ts"
import type { Limit } from "../contract.ts"
import { Budget } from "./Budget.ts"
import { type Blocked, blockedUntil, type Landing, lateness, type Taken } from "./blocked.ts"
import { postpone, refuse } from "./cooldown.ts"
import { Probe } from "./Probe.ts"
import type { Company, QuotaLedger, Stated } from "./shared/sharedState.ts"

export interface PathBucketOptions {
  /** Holds no path: those may name a person. */
  readonly key: string
  readonly limits: ReadonlyArray<Limit>
  readonly quota: number
  readonly ledger: QuotaLedger
  readonly member: string
  readonly random: () => number
  /** How many processes share each path's limit: published so that no two ever believe that they own the same part. */
  readonly company: (now: number) => Company
  /** What the vendor stated for any path holds for all of them. */
  readonly paths: { stated: Stated }
}

/**
 * One path's limit, a few requests a second: too small to be handed out in portions, and there are too many of them to
 * write each down. Every process that is there owns a fixed part. Only a refusal is shared with the others.
 */
export class PathBucket {
  private readonly options: PathBucketOptions
  private readonly budget: Budget
  private readonly probe: Probe
  private paceAt = 0

  constructor(options: PathBucketOptions) {
    this.options = options
    this.budget = new Budget(options.limits, (limit, now) => {
      const { others, rank } = options.company(now)
      const processes = others + 1
      const whole = Math.max(1, Math.floor(limit * options.quota))
      return processes > whole
        ? { requests: 1, windows: Math.ceil(processes / whole) }
        : { requests: Math.floor(whole / processes) + (rank < whole % processes ? 1 : 0), windows: 1 }
    })
    this.probe = new Probe(options.ledger, options.key, options.member)
  }

  take(now: number): Taken | Blocked {
    const { ledger, key, paths } = this.options
    const { shared } = ledger.view(key, now)
    if (shared.until > now) return blockedUntil(shared.until, shared.reason)
    const isProbe = shared.refusals > 0
    const spread = "requests to one path are spread evenly"
    const blocked =
      (this.paceAt > now ? blockedUntil(this.paceAt, spread) : null) ??
      this.budget.full(paths.stated, now) ??
      (isProbe ? this.probe.claim(shared, now) : null)
    if (blocked !== null) return blocked
    this.paceAt = Math.max(this.paceAt, now - lateness) + this.budget.interval(paths.stated, now, false)
    this.budget.send()
    if (isProbe) this.probe.sent()
    return { at: now, nth: 0, isProbe }
  }

  untake(taken: Taken): void {
    this.budget.unsend()
    if (taken.isProbe) this.probe.lost()
  }

  unanswered(taken: Taken, { arrivedBy }: Landing): void {
    this.budget.landed(arrivedBy)
    if (taken.isProbe) this.probe.lost()
  }

  answered(taken: Taken, landing: Landing, report: RateLimitReport | null): void {
    const { now } = landing
    this.unanswered(taken, landing)
    if (taken.isProbe) this.probe.served(now)
    this.learn(report, now)
  }

  refused(taken: Taken, landing: Landing, told: number | null, report: RateLimitReport | null): number {
    const { now } = landing
    this.unanswered(taken, landing)
    this.learn(report, now)
    const { ledger, key, random } = this.options
    const { shared } = ledger.update(key, now, (before) => ({
      shared: refuse(before.shared, {
        now,
        sentAt: taken.at,
        told,
        window: this.budget.longest,
        random: random()
      })
    }))
    return shared.until
  }

  /** The refusal's body said when to come back. Returns when the path opens again, epoch milliseconds. */
  postpone(told: number, now: number): number {
    const { ledger, key } = this.options
    const window = this.budget.longest
    return ledger.update(key, now, ({ shared }) => ({ shared: postpone(shared, { now, told, window }) }))
      .shared.until
  }

  /** Nothing would be lost with it: a refusal is in the shared state. */
  isForgettable(now: number): boolean {
    return this.paceAt <= now && this.budget.isEmpty(now)
  }

  private learn(report: RateLimitReport | null, now: number): void {
    const { paths } = this.options
    if (report !== null)
      paths.stated = this.budget.learn(paths.stated, report, 0, now)?.stated ?? paths.stated
  }
}
