import { Context, Effect, Layer, type Scope } from "effect"
import type { ClientEvent, Lane, Limit, ProviderRequest } from "./contract.ts"
import { type ResponseHeaders, retryAfter } from "./retryAfter.ts"
import { refusedDelay } from "./retryPolicy.ts"

/** One credential at one origin, what is configured for it, and who asks. */
export interface AccountOptions {
  /** Hash of the credential and the origin: the same in every process that uses them. */
  readonly key: string
  /** The vendor's name for people. */
  readonly title: string
  /** Empty: unknown, to be found. */
  readonly limits: ReadonlyArray<Limit>
  /** Share of each limit to use, above 0 and at most 1. */
  readonly quota: number
  /** Requests in flight at once; null: found out, up to 64. */
  readonly concurrency: number | null
  readonly lane: Lane
  /** Any single longer wait fails at once. */
  readonly maxWaitMillis: number
  /** Told when this client's requests have to wait, and when that is over: once, however many wait together. */
  readonly observe: (event: ClientEvent) => Effect.Effect<void>
}

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
  /** Until the request may be sent. Fails at once where that would take too long. */
  readonly ready: Effect.Effect<void, TooLong>
  /** To be called as soon as the headers are there. For a 429: when the request may be sent again, epoch milliseconds. */
  readonly answered: (status: number, headers: ResponseHeaders) => number | null
  /** The request was sent and nothing came back. */
  readonly unanswered: () => void
  /** Frees the place, whatever became of the request. Can be called again. */
  readonly leave: () => void
}

/** One client's door to its credential's account. */
export interface Account {
  readonly enter: (request: ProviderRequest) => Ticket
}

/** Decides when requests may leave: one account for each credential, shared by all lanes of all processes. */
export class Governor extends Context.Tag("parley/Governor")<
  Governor,
  { readonly open: (options: AccountOptions) => Effect.Effect<Account, never, Scope.Scope> }
>() {
  /** Waits out what it is told to wait, and limits nothing else. */
  static readonly simple = Layer.succeed(Governor, {
    open: (options: AccountOptions) =>
      Effect.gen(function* () {
        const clock = yield* Effect.clock
        let retryAt = 0
        let refusals = 0
        const reason = "it asked to wait"
        const ready = Effect.gen(function* () {
          const since = clock.unsafeCurrentTimeMillis()
          if (retryAt <= since) return
          if (retryAt - since > options.maxWaitMillis) {
            const tooLong: TooLong = { _tag: "TooLong", until: retryAt, reason, because: "limit" }
            return yield* Effect.fail(tooLong)
          }
          yield* options.observe({ _tag: "Waiting", since, until: retryAt, reason })
          yield* Effect.sleep(retryAt - since)
          yield* options.observe({ _tag: "Waited", millis: clock.unsafeCurrentTimeMillis() - since })
        })
        const answered = (status: number, headers: ResponseHeaders): number | null => {
          if (status !== 429) {
            refusals = 0
            return null
          }
          const now = clock.unsafeCurrentTimeMillis()
          refusals += 1
          const told = retryAfter(headers, now)
          retryAt = told !== null && told > now ? told : now + refusedDelay(refusals, 0.5)
          return retryAt
        }
        return { enter: () => ({ ready, answered, unanswered: () => {}, leave: () => {} }) }
      })
  })
}
