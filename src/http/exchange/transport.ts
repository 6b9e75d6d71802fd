import { Context } from "effect"

/** A request as it goes over the wire. */
export interface DispatchRequest {
  /** Scheme, host and port. */
  readonly origin: string
  /** Path and query. */
  readonly path: string
  readonly method: "GET" | "POST" | "PATCH" | "PUT"
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** Takes one answer: `started`, then `data` for each piece, then `ended` or `failed`; or `failed` alone. */
export interface ResponseHandler {
  /** Names in lower case. An informational status (1xx) is not reported. */
  readonly started: (status: number, headers: Readonly<Record<string, string>>) => void
  readonly data: (piece: Uint8Array) => void
  readonly ended: () => void
  readonly failed: (cause: unknown) => void
}

/** A request under way. No callback fires after `abort`. */
export interface Dispatched {
  readonly abort: () => void
  /** The body's connection is not read until `resume`. Pieces that were read before still come. */
  readonly pause: () => void
  readonly resume: () => void
}

/** Sends a request. Keeps no time and follows no redirect: the client does. */
export type Dispatch = (request: DispatchRequest, handler: ResponseHandler) => Dispatched

/** How requests leave: undici's connections in a program, functions in tests. */
export class Transport extends Context.Tag("parley/Transport")<
  Transport,
  { readonly dispatch: Dispatch }
>() {}
