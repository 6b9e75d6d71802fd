import { Context, type Effect, type Stream } from "effect"
import type { ProviderError } from "../domain/ProviderError.ts"
import type { Answer, Exchange, ProviderRequest } from "./contract.ts"

export type { Answer, Exchange, ProviderRequest } from "./contract.ts"

/** A body that is too large to hold: it arrives in pieces, and `exchange` is known once the last piece has arrived. */
export interface StreamedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Fails with `Unavailable` where the connection is cut in mid-body: the answer was then not received whole. */
  readonly body: Stream.Stream<Uint8Array, ProviderError>
  /** Bytes of one element of the list that are read at most. */
  readonly largestElement: number
  readonly exchange: Effect.Effect<Exchange>
  /** As `Answer.words`. */
  readonly words: Answer["words"]
}

/**
 * Milliseconds that a write may wait for its turn. What was read before it gets old meanwhile, so this is short; a caller that
 * meets a limit that is slower than that gives it more.
 */
export class WriteTurn extends Context.Reference<WriteTurn>()("parley/WriteTurn", {
  defaultValue: () => 1000
}) {}

/** The one way to talk to a vendor: base URL, credentials, limits, classification and retries in a fixed order. */
export interface ProviderClient {
  /**
   * A request that changes no conversation, whatever its method; to start an export is one. Retried within bounds, 429 and
   * 449 waited out.
   */
  readonly read: (request: ProviderRequest) => Effect.Effect<Answer, ProviderError>
  /**
   * As `read`, for many requests at once: no fiber is needed for one that is served at the first attempt. Calls back once,
   * with the answer (an `Exit`) or with what is left to do for it, and returns what breaks it off until then.
   */
  readonly begin: (
    request: ProviderRequest,
    done: (rest: Effect.Effect<Answer, ProviderError>) => void
  ) => () => void
  /**
   * A request that changes something. It is never sent twice, and never late: the caller has just read what it is to
   * change. Where it is refused (429), or its turn does not come within `WriteTurn`, it fails with `RateLimited` and was
   * not applied.
   */
  readonly write: (request: ProviderRequest) => Effect.Effect<Answer, ProviderError>
  /** As `read`, until the first byte of the body. */
  readonly stream: (request: ProviderRequest) => Effect.Effect<StreamedAnswer, ProviderError>
}
