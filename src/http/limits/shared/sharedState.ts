import { type RateSearch, resumed } from "../rateSearch.ts"
import type { Spent } from "../Window.ts"

export interface LowerLimit {
  /** Served in the window when it refused last. */
  readonly requests: number
  /** Believed until then, epoch milliseconds; 0: seen once only. After it, one refusal is enough to believe it again. */
  readonly until: number
}

/** The limits that a vendor stated itself, in the order of the configured ones; null: it stated none. */
export type Stated = ReadonlyArray<number | null>

/** What all processes know of one bucket. Times are epoch milliseconds. */
export interface SharedBucket {
  /** Nothing leaves before; 0: no refusal stands. */
  readonly until: number
  /** When the first refusal of the present row came. */
  readonly since: number
  /** Refusals in a row; while above 0, one request at a time finds out whether it is over. */
  readonly refusals: number
  /** In words: `it asked for 30 s`. */
  readonly reason: string
  /** Who is finding out, and since when. */
  readonly probe: { readonly member: string; readonly at: number } | null
  /** Where requests are spread evenly: the earliest instant for the next one. */
  readonly nextAt: number
  readonly stated: Stated
  /** Bursts were refused although the sum was kept: until then requests are spread evenly. */
  readonly evenUntil: number
  readonly finder: RateSearch | null
  /** It refused although the documented limit was kept. */
  readonly lower: LowerLimit | null
}

export const calm: SharedBucket = {
  until: 0,
  since: 0,
  refusals: 0,
  reason: "",
  probe: null,
  nextAt: 0,
  stated: [],
  evenUntil: 0,
  finder: null,
  lower: null
}

/** Whether there is nothing in it that must be kept. */
const isCalm = (shared: SharedBucket): boolean =>
  shared.refusals === 0 &&
  shared.stated.length === 0 &&
  shared.evenUntil === 0 &&
  shared.finder === null &&
  shared.lower === null &&
  shared.nextAt === 0

/** Processes of one machine share its clock: what one of them wrote does not lie further ahead (milliseconds) of another. */
const clockTolerance = 2000

/** No documented window is longer, milliseconds: what holds requests back for more was written by a wrong clock. */
const longestHold = 31 * 24 * 3_600_000

/** For how long (milliseconds) from when it is written each of these can hold. */
export const longestEven = 24 * 3_600_000
export const longestLower = 3_600_000

/** Whether it was written in the future: the clock was ahead then, and was set right since. */
export const isAhead = (at: number, now: number): boolean => at > now + clockTolerance

/**
 * A bucket without what cannot be: a clock that was ahead for one run must not hold back every later one. What lies
 * beyond what is possible counts as none.
 */
export const believable = (shared: SharedBucket, now: number): SharedBucket => {
  const isImpossible = isAhead(shared.since, now) || shared.until > now + longestHold
  const { evenUntil, finder, lower, probe } = shared
  return {
    ...shared,
    ...(isImpossible ? { until: 0, since: 0, refusals: 0, reason: "", probe: null } : {}),
    ...(probe !== null && isAhead(probe.at, now) ? { probe: null } : {}),
    evenUntil: isAhead(evenUntil, now + longestEven) ? 0 : evenUntil,
    lower: lower !== null && isAhead(lower.until, now + longestLower) ? { ...lower, until: 0 } : lower,
    finder: finder !== null && isAhead(finder.stepAt, now) ? resumed(finder, now) : finder
  }
}

/** What one process used of one bucket, and what it may still use without asking. */
export interface MemberUse {
  /** For each window, in the order of the limits. */
  readonly windows: ReadonlyArray<ReadonlyArray<Spent>>
  /** Requests in flight and requests that may still be sent before `openUntil`. */
  readonly open: number
  readonly openUntil: number
  /** Requests waiting, by lane in the order of their priority. */
  readonly demand: ReadonlyArray<number>
  readonly at: number
  /** When nothing of this matters any more. */
  readonly keptUntil: number
}

export interface View {
  readonly shared: SharedBucket
  /** All other processes. */
  readonly others: ReadonlyArray<MemberUse>
}

/** Leaves what is not mentioned as it is. `use`: this process's own. */
export interface Change {
  readonly shared?: SharedBucket
  readonly use?: MemberUse
}

/** The other processes that use the same credential right now. */
export interface Company {
  readonly others: number
  /** This process's place among all of them, from 0. */
  readonly rank: number
}

/** One credential's shared state, as one process sees it. Synchronous, and cheap to ask. */
export interface QuotaLedger {
  readonly view: (bucket: string, now: number) => View
  /** Changes a bucket as one step that no other process can come between. */
  readonly update: (bucket: string, now: number, change: (view: View) => Change) => View
  readonly company: (now: number) => Company
  /** Says that this process is there; to be repeated every few seconds. */
  readonly heartbeat: (now: number) => void
  readonly leave: (now: number) => void
}

/** For a single process, or where nothing can be shared. */
export const localLedger = (): QuotaLedger => {
  const buckets = new Map<string, SharedBucket>()
  const none: ReadonlyArray<MemberUse> = []
  const view = (bucket: string): View => ({ shared: buckets.get(bucket) ?? calm, others: none })
  return {
    view,
    update: (bucket, _now, change) => {
      const before = view(bucket)
      const { shared } = change(before)
      if (shared !== undefined && isCalm(shared)) buckets.delete(bucket)
      else if (shared !== undefined) buckets.set(bucket, shared)
      return shared === undefined ? before : { ...before, shared }
    },
    company: () => ({ others: 0, rank: 0 }),
    heartbeat: () => {},
    leave: () => {}
  }
}
