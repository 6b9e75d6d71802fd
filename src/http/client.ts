import type { Effect, Stream } from "effect"
import type { ProviderError } from "../domain/ProviderError.ts"
import type { Answer, Exchange, ProviderRequest } from "./contract.ts"

export type { Answer, Exchange, ProviderRequest } from "./contract.ts"

/** A body that is too large to hold: it arrives in pieces, and `exchange` is known once the last piece has arrived. */
export interface StreamedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Fails with `Unavailable` where the connection is cut in mid-body: the answer was then not received whole. */
  readonly body: Stream.Stream<Uint8Array, ProviderError>
  readonly exchange: Effect.Effect<Exchange>
}

/** The one way to talk to a vendor: base URL, credentials, limits, classification and retries in a fixed order. */
export interface ProviderClient {
  /** A request that changes nothing (whatever its method): retried within bounds, 429 and 449 waited out. */
  readonly read: (request: ProviderRequest) => Effect.Effect<Answer, ProviderError>
  /** A request that changes something: a 429 is waited out (it was not applied); nothing else is ever sent again. */
  readonly write: (request: ProviderRequest) => Effect.Effect<Answer, ProviderError>
  /** As `read`, until the first byte of the body. */
  readonly stream: (request: ProviderRequest) => Effect.Effect<StreamedAnswer, ProviderError>
}
