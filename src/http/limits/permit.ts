import type { Effect } from "effect"
import type { ResponseHeaders } from "../answer/retryAfter.ts"
import type { ProviderRequest } from "../contract.ts"

/** A wait that the caller did not allow. `until` is epoch milliseconds. */
export interface TooLong {
  readonly _tag: "TooLong"
  readonly until: number
  /** In words: `it asked for 30 s`. */
  readonly reason: string
  readonly because: "limit" | "outage"
}

/** A request's place in the governor: it waits, is in flight, and leaves. */
export interface Ticket {
  /** Calls back once the request may be sent, or with why that would take too long. To be called once. */
  readonly begin: (ready: (refusal: TooLong | null) => void) => void
  /** The same as an effect. */
  readonly ready: Effect.Effect<void, TooLong>
  /** To be called as soon as the headers are there. For a 429: when the request may be sent again, epoch milliseconds. */
  readonly answered: (status: number, headers: ResponseHeaders) => number | null
  /**
   * The body of a 429 said when to come back, epoch milliseconds. It counts if the headers gave no wait. Returns when
   * the request may be sent again.
   */
  readonly postponed: (told: number) => number | null
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

/** One client's door to its credential's account. */
export interface Door {
  readonly enter: (request: ProviderRequest, follows?: Follows | undefined) => Ticket
  /** Whether one more retry is within the vendor's budget for retries; takes it. */
  readonly retry: () => boolean
  /** Milliseconds that the next request may take to be answered, so that a silent vendor is given up in time. */
  readonly patience: () => number
}
