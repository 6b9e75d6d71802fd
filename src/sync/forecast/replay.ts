import type { Limit, ProviderRequest } from "../../http/contract.ts"
import { CredentialLimiter } from "../../http/limits/CredentialLimiter.ts"
import { OriginLimit } from "../../http/limits/OriginLimit.ts"
import { firstRate } from "../../http/limits/rateSearch.ts"
import { isSearched } from "../../http/limits/ScopedLimits.ts"
import { localLedger } from "../../http/limits/shared/sharedState.ts"
import type { Timer } from "../../http/limits/timer.ts"
import { WaitReporter } from "../../http/limits/WaitReporter.ts"

/*
 * How long a pull's requests take: they are replayed in virtual time, through the limiter that real requests pass, to a
 * provider whose answers all take the same time and that refuses nothing.
 */

/** Requests of one kind. */
export interface Load {
  readonly request: ProviderRequest
  readonly count: number
  /** They have one path, and follow one another. Otherwise each has its own, and several are sent at once. */
  readonly isList: boolean
}

export interface Pace {
  readonly limits: ReadonlyArray<Limit>
  /** Share of each limit, above 0 and at most 1. */
  readonly quota: number
  /** Requests in flight at most; null: found out. */
  readonly concurrency: number | null
  /** Milliseconds from a request to its answer. */
  readonly roundTrip: number
}

/** What is known of a rate that no documentation tells: nothing; an earlier pull's, not felt; or none but the first is borne. */
export type Rate = "searched" | "found" | "first"

/** What requests of these loads count together in a limit. */
export const countedIn = (limit: Limit, loads: ReadonlyArray<Load>): number => {
  const own = loads.filter(({ request }) => limit.applies?.(request) ?? true)
  const cost = ({ request }: Load): number => limit.costs?.(request) ?? 1
  if (limit.scope !== "path") return own.reduce((sum, load) => sum + load.count * cost(load), 0)
  const onOnePath = ({ count, isList }: Load): number => (isList ? count : Math.min(1, count))
  return Math.max(0, ...own.map((load) => onOnePath(load) * cost(load)))
}

export const allowedOf = ({ requests }: Limit, quota: number): number =>
  Math.max(1, Math.floor(requests * quota))

/** Time that passes when everything before it is done. Milliseconds. */
const virtualTimer = () => {
  let now = 0
  const events: Array<{ readonly at: number; readonly call: () => void }> = []
  const timer: Timer = {
    now: () => now,
    wall: (at) => at,
    fromWall: (at) => at,
    at: (time, call) => {
      const event = { at: Math.max(now, time), call }
      let index = events.length
      // The soonest is the last; of those at one instant, the one that was planned first.
      while (index > 0 && (events[index - 1]?.at ?? 0) <= event.at) index -= 1
      events.splice(index, 0, event)
      return () => {
        const found = events.indexOf(event)
        if (found >= 0) events.splice(found, 1)
      }
    }
  }
  /** Goes on to the next event; false: there is none. */
  const step = (): boolean => {
    const next = events.pop()
    if (next === undefined) return false
    now = next.at
    next.call()
    return true
  }
  return { timer, step }
}

/** Kept where no limit is known and none is searched for. */
const assumed: Readonly<Record<Rate, ReadonlyArray<Limit>>> = {
  searched: [],
  found: [{ name: "found", requests: 1_000_000, perMillis: 1, scope: "connection", burst: true }],
  first: [{ name: "first", requests: firstRate, perMillis: 1000, scope: "connection" }]
}

const makeLimiter = ({ concurrency, limits, quota }: Pace, rate: Rate, timer: Timer): CredentialLimiter => {
  const kept = isSearched(limits) ? [...limits, ...assumed[rate]] : limits
  const shared = kept.filter(({ scope }) => scope === "address")
  return new CredentialLimiter({
    limits: kept,
    quota,
    concurrency,
    ledger: localLedger(),
    timer,
    origin: shared.length === 0 ? null : new OriginLimit({ limits: shared, ledger: localLedger() })
  })
}

/** Requests that wait or are in flight together, at most. */
const mostAtOnce = 64

/** More requests than these are not replayed one by one: what half of them take is what each further half takes. */
const mostReplayed = 4_000

/**
 * Milliseconds until so many of these requests are answered, by number of requests: the first ones one after the other,
 * then the list's, and beside them what is fetched for the conversations that it has shown so far.
 */
const replay = (
  once: number,
  loads: ReadonlyArray<Load>,
  pace: Pace,
  rate: Rate,
  most: number
): ReadonlyArray<number> => {
  const { step, timer } = virtualTimer()
  const limiter = makeLimiter(pace, rate, timer)
  const reporter = new WaitReporter("sync", Number.POSITIVE_INFINITY, timer, () => undefined)
  limiter.join(reporter)
  const answeredAt: Array<number> = []
  const send = (request: ProviderRequest, done: () => void): void => {
    const permit = limiter.enter(reporter, request)
    permit.begin(() => {
      timer.at(timer.now() + pace.roundTrip, () => {
        permit.answered(200, {})
        permit.leave()
        answeredAt.push(timer.now())
        done()
      })
    })
  }
  const whole = loads.map((load) => ({ ...load, count: Math.round(load.count) }))
  const listed = whole.filter(({ isList }) => isList)
  const fetched = whole.filter(({ isList }) => !isList)
  const pages = listed.reduce((sum, { count }) => sum + count, 0)
  const sent = new Map(whole.map((load) => [load, 0]))
  let page = 0
  let under = 0
  let sentInAll = 0
  /** The next request of a load; false: enough were sent. */
  const next = (load: Load, done: () => void): boolean => {
    if (sentInAll >= most) return false
    sentInAll += 1
    const number = (sent.get(load) ?? 0) + 1
    sent.set(load, number)
    const { request } = load
    send(load.isList ? request : { ...request, path: `${request.path}/${number}` }, done)
    return true
  }
  const fetchMore = (): void => {
    for (const load of fetched) {
      const shown = Math.ceil(load.count * (pages === 0 ? 1 : page / pages))
      while (under < mostAtOnce && (sent.get(load) ?? 0) < shown) {
        under += 1
        const isSent = next(load, () => {
          under -= 1
          fetchMore()
        })
        if (!isSent) return
      }
    }
  }
  const list = (): void => {
    const load = listed.find((one) => (sent.get(one) ?? 0) < one.count)
    if (load === undefined) return
    next(load, () => {
      page += 1
      list()
      fetchMore()
    })
  }
  const begin = (left: number): void => {
    if (left <= 0 || sentInAll >= most) {
      list()
      if (pages === 0) fetchMore()
      return
    }
    sentInAll += 1
    send({ operation: "first", method: "GET", path: "/" }, () => begin(left - 1))
  }
  begin(Math.round(once))
  while (step()) {
    // Until nothing is left to happen.
  }
  return answeredAt
}

/** Milliseconds that a pull takes where everything goes well. @param once requests before the first page */
export const millisOf = (
  once: number,
  loads: ReadonlyArray<Load>,
  pace: Pace,
  rate: Rate = "searched"
): number => {
  const requests = Math.round(once) + loads.reduce((sum, { count }) => sum + Math.round(count), 0)
  const half = mostReplayed / 2
  const halves = Math.max(0, Math.ceil((requests - mostReplayed) / half))
  const answeredAt = replay(once, loads, pace, rate, halves === 0 ? requests : mostReplayed)
  const at = (count: number): number => answeredAt[Math.min(count, answeredAt.length) - 1] ?? 0
  return at(requests - halves * half) + halves * (at(mostReplayed) - at(half))
}
