import { createHash } from "node:crypto"
import type { Limit, ProviderRequest } from "../contract.ts"
import { type FixedShare, type LimitSettings, RateLimit } from "./RateLimit.ts"
import { look } from "./take.ts"

/** From so many paths on, those that are no longer needed are looked for, at most so often (milliseconds). */
const manyPaths = 512
const sweepEvery = 1000

const longestShareDelay = 60_000

const isOfAll = ({ applies }: Limit): boolean => applies === undefined

/** Whether requests are sent at a rate that is searched for, because no limit that concerns all of them is known. */
export const isSearched = (limits: ReadonlyArray<Limit>): boolean => !limits.some(isOfAll)

/**
 * The limits of a credential by what falls under them: those of each path, those of some endpoints, those of points, and
 * the general ones, under which every request falls as one. Times are epoch milliseconds.
 */
export class ScopedLimits {
  readonly general: RateLimit
  /** Those of the general one. */
  readonly whole: ReadonlyArray<Limit>
  private readonly settings: LimitSettings
  private readonly kinds: ReadonlyArray<{ readonly documented: Limit; readonly limit: RateLimit }>
  private readonly pathLimits: ReadonlyArray<Limit>
  private readonly paths = new Map<string, RateLimit>()
  private readonly fixed: FixedShare = {
    company: { others: 0, rank: 0 },
    stated: [],
    from: 0,
    turnsFrom: 0
  }
  private companyChangedAt: number | null = null
  private sweptAt = 0

  constructor(settings: LimitSettings) {
    this.settings = settings
    const { limits } = settings
    const isWhole = (limit: Limit): boolean => isOfAll(limit) && limit.costs === undefined
    const ofConnection = limits.filter(({ scope }) => scope === "connection")
    this.whole = ofConnection.filter(isWhole)
    const finds = isSearched(limits)
    this.general = new RateLimit({ ...settings, key: "general", limits: this.whole, finds })
    this.kinds = ofConnection
      .filter((limit) => !isWhole(limit))
      .toSorted((left, right) => Number(isOfAll(left)) - Number(isOfAll(right)))
      .map((documented) => {
        const key = `${isOfAll(documented) ? "whole" : "part"} ${documented.name}`
        return { documented, limit: new RateLimit({ ...settings, key, limits: [documented] }) }
      })
    this.pathLimits = limits.filter(({ scope }) => scope === "path")
  }

  /** Whether any path has a limit of its own. */
  get limitsPaths(): boolean {
    return this.pathLimits.length > 0
  }

  /** The limits that a request falls under, the narrowest first, the general one last. */
  of(request: ProviderRequest, now: number): ReadonlyArray<RateLimit> {
    const found: Array<RateLimit> = []
    if (this.limitsPaths) {
      this.notice(now)
      const limits = this.pathLimits.filter((limit) => limit.applies?.(request) ?? true)
      if (limits.length > 0) found.push(this.pathLimit(`${request.method} ${request.path}`, limits, now))
    }
    for (const { documented, limit } of this.kinds)
      if (documented.applies?.(request) ?? true) found.push(limit)
    found.push(this.general)
    return found
  }

  /** Tells other processes what was used, and notices who they are: to be called now and then, and at the end. */
  settle(now: number, isLast: boolean): void {
    this.notice(now)
    this.general.settle(now, isLast)
    for (const { limit } of this.kinds) limit.settle(now, isLast)
  }

  /** This process has come. Until others that use the credential know of it, the paths are theirs. */
  joined(now: number): void {
    const company = this.settings.ledger.company(now)
    if (company.others === 0) return
    this.fixed.company = company
    this.fixed.from = now + this.untilNoticed
  }

  private pathLimit(path: string, limits: ReadonlyArray<Limit>, now: number): RateLimit {
    const known = this.paths.get(path)
    if (known !== undefined) return known
    this.sweep(now)
    const key = `path ${createHash("sha256").update(path).digest("base64url").slice(0, 22)}`
    const limit = new RateLimit({ ...this.settings, key, limits, fixed: this.fixed })
    this.paths.set(path, limit)
    return limit
  }

  private sweep(now: number): void {
    if (this.paths.size < manyPaths || now - this.sweptAt < sweepEvery) return
    this.sweptAt = now
    for (const [path, limit] of this.paths) if (limit.isForgettable(now)) this.paths.delete(path)
  }

  /** Milliseconds until others have seen a change and what was sent before it has left every window. */
  private get untilNoticed(): number {
    const longest = Math.max(0, ...this.pathLimits.map((limit) => limit.perMillis))
    return Math.min(longestShareDelay, longest) + 4 * look
  }

  /** Who shares the paths: more processes at once, fewer only when their last requests are out of every window. */
  private notice(now: number): void {
    const found = this.settings.ledger.company(now)
    const { others, rank } = this.fixed.company
    const isMore = found.others > others
    if (found.others === others && found.rank === rank) this.companyChangedAt = null
    else this.companyChangedAt ??= now
    if (this.companyChangedAt === null || (!isMore && now - this.companyChangedAt <= this.untilNoticed))
      return
    this.fixed.company = isMore ? { others: found.others, rank: Math.max(found.rank, rank) } : found
    this.companyChangedAt = null
    this.fixed.turnsFrom = now + this.untilNoticed
  }
}
