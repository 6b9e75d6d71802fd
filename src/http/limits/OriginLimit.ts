import type { RateLimitReport } from "../answer/rateLimitHeaders.ts"
import type { Limit } from "../contract.ts"
import { type LimitSettings, RateLimit } from "./RateLimit.ts"
import { type Blocked, blockedUntil, type Demand, isBlocked, look, noDemand, type Taken } from "./take.ts"

/** One credential among those that share the address. */
interface Client {
  /** Share of each limit that it may use, above 0 and at most 1. */
  readonly quota: number
}

/** So many requests one credential may be ahead of another that waits. */
const headStart = 8

interface Turn {
  /** Grows by one with each request; who has the lower one goes first. */
  served: number
  /** Index of the best lane that waits here. */
  lane: number
  demand: Demand
  /** When it tries again, epoch milliseconds; null: it does not wait for the address. */
  again: number | null
}

const laneOf = ({ waiting }: Demand): number => waiting.findIndex((count) => count > 0)

/**
 * The limits that a vendor sets for the address that requests come from: all credentials of one origin share them, in
 * this process and, through the ledger of the origin, in all others of this machine. A request passes here after it has
 * passed its own credential's limits, so that one that waits for those takes nothing from the others. The room that is
 * left goes to the best lane first, and then to the credentials in equal parts.
 */
export class OriginLimit {
  readonly limit: RateLimit
  private readonly settings: Omit<LimitSettings, "quota">
  private readonly turns = new Map<Client, Turn>()
  private furthest = 0

  /** @param settings with the ledger of the origin: no credential's */
  constructor(settings: Omit<LimitSettings, "quota">) {
    this.settings = settings
    const { turns } = this
    this.limit = new RateLimit({
      ...settings,
      key: "address",
      /** The most careful of those who are here. */
      get quota() {
        let least = 1
        for (const { quota } of turns.keys()) least = Math.min(least, quota)
        return least
      }
    })
  }

  join(client: Client, now: number): void {
    this.settings.ledger.heartbeat(now)
    if (this.turns.has(client)) return
    this.turns.set(client, {
      served: this.furthest,
      lane: 0,
      demand: noDemand,
      again: null
    })
  }

  /** With the last one this process has no more part in the address. */
  part(client: Client, now: number): void {
    if (!this.turns.delete(client) || this.turns.size > 0) return
    this.limit.settle(now, true)
    this.settings.ledger.leave()
  }

  /** To be called every `look` milliseconds while there are clients. */
  tick(now: number): void {
    if (this.turns.size === 0) return
    this.settings.ledger.heartbeat(now)
    this.limit.settle(now, false)
  }

  /** Counts one request that leaves now; or says why it may not. */
  take(client: Client, now: number, demand: Demand): Taken | Blocked {
    const turn = this.turns.get(client)
    if (turn === undefined) return this.limit.take(now, demand)
    if (turn.again === null) turn.served = Math.max(turn.served, this.furthest)
    // More than can be in flight soon does not wait for the address, but for an answer or for the credential's limits.
    const most = (count: number) => Math.min(count, demand.most)
    turn.demand = { waiting: demand.waiting.map(most), most: demand.most }
    turn.lane = laneOf(demand)
    const result = this.behind(turn, now) ?? this.limit.take(now, this.demand(turn, now))
    if (isBlocked(result)) {
      turn.again = result.again
      return result
    }
    turn.again = null
    turn.served += 1
    this.furthest = Math.max(this.furthest, turn.served)
    return result
  }

  /** It waits for something else first. */
  waitsElsewhere(client: Client): void {
    const turn = this.turns.get(client)
    if (turn !== undefined) turn.again = null
  }

  /** Whether a vendor's headers speak of these limits, and not of a credential's own. */
  isMeant({ limit }: RateLimitReport, own: ReadonlyArray<Limit>): boolean {
    const isOne = (limits: ReadonlyArray<Limit>) => limits.some(({ requests }) => requests === limit)
    return isOne(this.settings.limits) && !isOne(own)
  }

  /** Those who wait here. Who did not come back when it said waits no more. */
  private *waiting(except: Turn, now: number): Iterable<Turn & { readonly again: number }> {
    for (const turn of this.turns.values()) {
      const { again } = turn
      if (turn !== except && again !== null && again + look >= now) yield { ...turn, again }
    }
  }

  /** Whether another credential of this process goes first. */
  private behind(turn: Turn, now: number): Blocked | null {
    let again = Number.POSITIVE_INFINITY
    for (const other of this.waiting(turn, now)) {
      const isBetter = other.lane < turn.lane
      const isBehind = other.lane === turn.lane && other.served + headStart < turn.served
      if (isBetter || isBehind) again = Math.min(again, Math.max(now + 1, other.again))
    }
    return again === Number.POSITIVE_INFINITY
      ? null
      : blockedUntil(again, "other connections use the limit of this address too")
  }

  private demand(turn: Turn, now: number): Demand {
    const demands = [turn, ...this.waiting(turn, now)].map(({ demand }) => demand)
    return {
      waiting: turn.demand.waiting.map((_, lane) =>
        demands.reduce((sum, one) => sum + (one.waiting[lane] ?? 0), 0)
      ),
      most: demands.reduce((sum, { most }) => sum + most, 0)
    }
  }
}
