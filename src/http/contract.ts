import type { Effect, Redacted } from "effect"
import type { ProviderError } from "../domain/ProviderError.ts"

/** Who goes first where a limit leaves room for one: in this order. */
export const lanesInOrder = ["push", "hints", "sync", "backfill", "verify"] as const
export type Lane = (typeof lanesInOrder)[number]

/**
 * One limit of a vendor's: at most `requests` in any `perMillis` milliseconds.
 * - `connection`: one limit for all requests of the credential; `path`: one for each method and full path; `address`: one
 *   for all requests that leave this machine for the origin, whatever their credential. It has no `applies`.
 * - `burst`: the whole budget may be spent at once and only the sum counts (an hourly quota); otherwise requests are
 *   spread evenly. Left out: true from a minute on.
 * - `applies`: which requests count; left out: all.
 * - `costs`: as how many a request counts, a whole number from 1: the points of a vendor that counts points and not
 *   requests, so that `requests` are points too. Left out: 1. An `address` limit has none.
 */
export interface Limit {
  readonly name: string
  readonly requests: number
  readonly perMillis: number
  readonly scope: "connection" | "path" | "address"
  readonly burst?: boolean
  readonly applies?: (request: ProviderRequest) => boolean
  readonly costs?: (request: ProviderRequest) => number
}

export interface ProviderRequest {
  /** For messages and the ledger: `list conversations`. Holds no id and no secret. */
  readonly operation: string
  readonly method: "GET" | "POST" | "PATCH" | "PUT"
  /** Relative to the connection's base URL, with a leading slash; parts that are data are percent-encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** Sent as JSON; numbers that came through `parseJson` keep all of their digits. */
  readonly body?: unknown
  /**
   * 404 and 410 with JSON or an empty body are answers too: `Answer.status` says which. Otherwise they are `Rejected`. With
   * any other body they are `Malformed`, since a proxy's page proves nothing; but for `"path"`, which means that the vendor
   * may have no such path at all, they are answers all the same.
   */
  readonly mayBeMissing?: boolean | "path"
}

/** One request and its answer, as the ledger keeps it. Times are epoch milliseconds. */
export interface Exchange {
  readonly operation: string
  readonly method: string
  /** Path and query as sent; never a host, never a secret. */
  readonly path: string
  readonly status: number
  readonly requestedAt: number
  readonly receivedAt: number
  /** Bytes of the body, uncompressed. */
  readonly bytes: number
  /** Milliseconds by which the vendor's clock is ahead of ours; left out: the answer does not say. */
  readonly clockAhead?: number
}

export interface Answer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** The body as it came. */
  readonly text: string
  readonly exchange: Exchange
  /** The vendor's words in a body that says it failed: cut, and free of secrets and personal data, as in every error. */
  readonly words: (body: string) => string
}

/** What is added to every request. */
export type Headers = Readonly<Record<string, Redacted.Redacted>>

/** A request as it leaves: what a signature is made of. */
export interface Leaving {
  readonly method: ProviderRequest["method"]
  /** Path and query as they are sent, with the base URL's prefix. */
  readonly path: string
  /** Null: there is none. */
  readonly body: string | null
}

/**
 * How a credential becomes headers.
 * - `Fixed`: the same headers for every request.
 * - `Signed`: made for each request at the moment it leaves, after every wait: for signatures that expire, or that cover
 *   what is sent. `now` is epoch milliseconds by this machine's clock.
 * - `Session`: logs in before the first request and once more after a 401; the request it sends carries no credentials
 *   but those in its body.
 */
export type Authorization =
  | {
      readonly _tag: "Fixed"
      readonly headers: Headers
      readonly credential: Redacted.Redacted
      /** In words, the settings that hold the credential: `apiKey`. */
      readonly setting: string
    }
  | {
      readonly _tag: "Signed"
      readonly sign: (leaving: Leaving, now: number) => Headers
      readonly credential: Redacted.Redacted
      readonly setting: string
    }
  | {
      readonly _tag: "Session"
      readonly login: (
        send: (request: ProviderRequest) => Effect.Effect<Answer, ProviderError>
      ) => Effect.Effect<Headers, ProviderError>
      readonly credential: Redacted.Redacted
      /** The same: `email and password`. */
      readonly setting: string
    }

/** What happens on the wire, for the ledger, the progress line and the log. Times are epoch milliseconds. */
export type ClientEvent =
  | { readonly _tag: "Sent"; readonly operation: string; readonly at: number }
  /** `attempt`: how often the request was sent by then, from 1. */
  | {
      readonly _tag: "Answered"
      readonly exchange: Exchange
      readonly attempt: number
      /** The header, as it came; left out: there was none. */
      readonly retryAfter?: string
    }
  /** No answer came, or not the whole of one. */
  | {
      readonly _tag: "Unanswered"
      readonly operation: string
      readonly method: string
      /** Without its query. */
      readonly path: string
      readonly attempt: number
      readonly requestedAt: number
      readonly endedAt: number
    }
  | { readonly _tag: "RateLimited"; readonly status: 429 | 449; readonly retryAt: number }
  | {
      readonly _tag: "Waiting"
      readonly since: number
      readonly until: number
      /** In words: `it asked for 30 s`, `its limit of 500 a minute is used up`, `it answered 503, attempt 3`. */
      readonly reason: string
    }
  | { readonly _tag: "Waited"; readonly millis: number }
