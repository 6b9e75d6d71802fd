import { type RateSearch, resumed, type Stated } from "../rateSearch.ts"
import type { Spent } from "../Window.ts"

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
  /** What refusals taught; null: nothing yet. */
  readonly search: RateSearch | null
}

/** No refusal stands. */
export const cooled = { until: 0, since: 0, refusals: 0, reason: "", probe: null } as const

export const calm: SharedBucket = { ...cooled, nextAt: 0, stated: [], search: null }

/** Processes of one machine share its clock: what one of them wrote does not lie further ahead (milliseconds) of another. */
const clockTolerance = 2000

/** No documented window is longer, milliseconds: what holds requests back for more was written by a wrong clock. */
const longestHold = 31 * 24 * 3_600_000

/** Whether it was written in the future: the clock was ahead then, and was set right since. */
export const isAhead = (at: number, now: number): boolean => at > now + clockTolerance

/**
 * A bucket as it was written, without what cannot be: a clock that was ahead for one run must not hold back every later
 * one. What lies beyond what is possible counts as none.
 */
export const sharedIn = (text: string, now: number): SharedBucket => {
  const shared: SharedBucket = { ...calm, ...(JSON.parse(text) as Partial<SharedBucket>) }
  const { probe, search, since, until } = shared
  return {
    ...shared,
    ...(isAhead(since, now) || until > now + longestHold ? cooled : {}),
    ...(probe !== null && isAhead(probe.at, now) ? { probe: null } : {}),
    search: search !== null && isAhead(search.stepAt, now) ? resumed(search, now) : search
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

/** One credential's or origin's shared state, as one process sees it. Synchronous, and cheap to ask. */
export interface QuotaLedger {
  /** This process. */
  readonly member: string
  readonly view: (bucket: string, now: number) => View
  /** Changes a bucket as one step that no other process can come between. */
  readonly update: (bucket: string, now: number, change: (view: View) => Change) => View
  readonly company: (now: number) => Company
  /** Says that this process is there: to be called often, written now and then. True: no other one knew. */
  readonly heartbeat: (now: number) => boolean
  readonly leave: () => void
}

/** For a single process, or where nothing can be shared. */
export const localLedger = (): QuotaLedger => {
  const buckets = new Map<string, SharedBucket>()
  const none: ReadonlyArray<MemberUse> = []
  const view = (bucket: string): View => ({ shared: buckets.get(bucket) ?? calm, others: none })
  return {
    member: "alone",
    view,
    update: (bucket, _now, change) => {
      const before = view(bucket)
      const { shared } = change(before)
      if (shared !== undefined) buckets.set(bucket, shared)
      return shared === undefined ? before : { ...before, shared }
    },
    company: () => ({ others: 0, rank: 0 }),
    heartbeat: () => false,
    leave: () => {}
  }
}
