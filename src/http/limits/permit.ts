import type { ResponseHeaders } from "../answer/retryAfter.ts"
import type { ProviderRequest } from "../contract.ts"
import type { Timer } from "./timer.ts"

/** A wait that the caller did not allow. `until` is epoch milliseconds. */
export interface TooLong {
  readonly until: number
  /** In words: `it asked for 30 s`. */
  readonly reason: string
  readonly because: "limit" | "outage"
}

/** What lets one request leave: it waits, is in flight, and gives its place back. */
export interface Permit {
  /** Calls back once the request may be sent, or with why that would take too long. To be called once. */
  readonly begin: (ready: (refusal: TooLong | null) => void) => void
  /** To be called as soon as the headers are there. For a 429: when the request may be sent again, epoch milliseconds. */
  readonly answered: (status: number, headers: ResponseHeaders) => number | null
  /**
   * The body of a 429 said when to come back, epoch milliseconds. It counts if the headers gave no wait. Returns when
   * the request may be sent again.
   */
  readonly postponed: (stated: number) => number | null
  /** The request was sent and nothing came back. */
  readonly unanswered: () => void
  /** Frees the place, whatever became of the request. Can be called again. */
  readonly leave: () => void
}

/** What rests on a read that was just made: it goes before the others of its lane, and must not come late. */
export interface Follows {
  /** Milliseconds that it may wait for its turn. */
  readonly within: number
}

/** One client's part in the limits of its credential. */
export interface Limiter {
  /** The time that the limits go by. */
  readonly timer: Timer
  readonly enter: (request: ProviderRequest, follows?: Follows | undefined) => Permit
  /** Whether one more retry is within the vendor's budget for retries; takes it. */
  readonly retry: () => boolean
  /** Milliseconds that the next request may take to be answered, so that a silent vendor is given up in time. */
  readonly patience: () => number
}
