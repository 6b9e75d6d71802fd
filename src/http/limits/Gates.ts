import { createHash } from "node:crypto"
import type { Limit, ProviderRequest } from "../contract.ts"
import { Bucket } from "./Bucket.ts"
import { type Blocked, blockedUntil, type Demand, look, type Taken } from "./blocked.ts"
import { PathBucket } from "./PathBucket.ts"
import type { Company, QuotaLedger, Stated } from "./shared/sharedState.ts"

/** A bucket that only some requests must pass, and those that wait for it. */
export interface Gate<Waiting> {
  readonly bucket: Bucket | PathBucket
  readonly waiting: Set<Waiting>
  /** Calls off the next look at who waits; null: none is planned. */
  callOff: (() => void) | null
}

interface GatesSettings {
  readonly limits: ReadonlyArray<Limit>
  readonly quota: number
  readonly ledger: QuotaLedger
  readonly member: string
  readonly random: () => number
}

/** From so many paths on, those that are no longer needed are looked for, at most so often (milliseconds). */
const manyPaths = 512
const sweepEvery = 1000

const longestShareDelay = 60_000

const gateOf = <Waiting>(bucket: Bucket | PathBucket): Gate<Waiting> => ({
  bucket,
  waiting: new Set(),
  callOff: null
})

/**
 * The limits of an account that not every request falls under: those of some endpoints, and those that each path has
 * for itself. Times are epoch milliseconds.
 */
export class Gates<Waiting> {
  private readonly settings: GatesSettings
  private readonly parts: ReadonlyArray<{ readonly limit: Limit; readonly gate: Gate<Waiting> }>
  private readonly pathLimits: ReadonlyArray<Limit>
  private readonly paths = new Map<string, Gate<Waiting>>()
  private readonly pathState: { stated: Stated } = { stated: [] }
  private pathsFrom = 0
  private company: Company = { others: 0, rank: 0 }
  private companyChangedAt: number | null = null
  private sweptAt = 0

  constructor(settings: GatesSettings) {
    this.settings = settings
    const { limits, quota, ledger, member, random } = settings
    this.parts = limits
      .filter((limit) => limit.scope === "connection" && limit.applies !== undefined)
      .map((limit) => {
        const key = `part ${limit.name}`
        const bucket = new Bucket({ key, limits: [limit], quota, ledger, member, finds: false, random })
        return { limit, gate: gateOf(bucket) }
      })
    this.pathLimits = limits.filter((limit) => limit.scope === "path")
  }

  /** Whether any path has a limit of its own. */
  get limitsPaths(): boolean {
    return this.pathLimits.length > 0
  }

  /** The gates that a request must pass, the narrowest first. */
  of(request: ProviderRequest, now: number): ReadonlyArray<Gate<Waiting>> {
    const gates: Array<Gate<Waiting>> = []
    const limits = this.pathLimits.filter((limit) => limit.applies?.(request) ?? true)
    if (limits.length > 0) gates.push(this.pathGate(`${request.method} ${request.path}`, limits, now))
    for (const { limit, gate } of this.parts) if (limit.applies?.(request) === true) gates.push(gate)
    return gates
  }

  take({ bucket }: Gate<Waiting>, now: number, demand: Demand): Taken | Blocked {
    return bucket instanceof PathBucket && now < this.pathsFrom
      ? blockedUntil(this.pathsFrom, "other runs use its limit too")
      : bucket.take(now, demand)
  }

  /** Those whose use is settled with other processes as time goes by. */
  *buckets(): Iterable<Bucket> {
    for (const { gate } of this.parts) if (gate.bucket instanceof Bucket) yield gate.bucket
  }

  /** This process has come to others that use the account: until they know of it, the paths are theirs. */
  joined(company: Company, now: number): void {
    this.company = company
    this.pathsFrom = now + this.untilNoticed
  }

  private pathGate(path: string, limits: ReadonlyArray<Limit>, now: number): Gate<Waiting> {
    const known = this.paths.get(path)
    if (known !== undefined) return known
    const { quota, ledger, member, random } = this.settings
    this.sweep(now)
    const key = `path ${createHash("sha256").update(path).digest("base64url").slice(0, 22)}`
    const company = (at: number) => this.companyAt(at)
    const options = { key, limits, quota, ledger, member, random, company, paths: this.pathState }
    const gate = gateOf<Waiting>(new PathBucket(options))
    this.paths.set(path, gate)
    return gate
  }

  private sweep(now: number): void {
    if (this.paths.size < manyPaths || now - this.sweptAt < sweepEvery) return
    this.sweptAt = now
    for (const [path, { bucket, waiting }] of this.paths) {
      if (waiting.size === 0 && bucket instanceof PathBucket && bucket.isForgettable(now))
        this.paths.delete(path)
    }
  }

  /** Milliseconds until others have seen a change and what was sent before it has left every window. */
  private get untilNoticed(): number {
    const longest = Math.max(0, ...this.pathLimits.map((limit) => limit.perMillis))
    return Math.min(longestShareDelay, longest) + 4 * look
  }

  /** Who shares the paths: more processes at once, fewer only when their last requests are out of every window. */
  private companyAt(now: number): Company {
    const found = this.settings.ledger.company(now)
    const { company } = this
    if (found.others === company.others && found.rank === company.rank) {
      this.companyChangedAt = null
    } else if (found.others > company.others) {
      this.company = { others: found.others, rank: Math.max(found.rank, company.rank) }
      this.companyChangedAt = null
    } else {
      this.companyChangedAt ??= now
      if (now - this.companyChangedAt > this.untilNoticed) this.company = found
    }
    return this.company
  }
}
