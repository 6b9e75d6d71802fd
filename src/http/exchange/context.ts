import type PQueue from "p-queue"
import type { Asked } from "../answer/classify.ts"
import type { ClientEvent, ProviderRequest } from "../contract.ts"
import type { Limiter, Permit } from "../limits/permit.ts"
import type { Bounds } from "./bounds.ts"
import type { Deadlines } from "./connection.ts"
import type { Credentials, Signature } from "./credentials.ts"
import type { Target } from "./request.ts"
import type { Dispatch } from "./transport.ts"

/** What all requests of one client have in common. */
export interface ClientContext {
  readonly dispatch: Dispatch
  readonly deadlines: Deadlines
  readonly to: Target
  readonly bounds: Bounds
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly observe: (event: ClientEvent) => void
  readonly limiter: Limiter
  /** Where requests stand until the limiter looks at them. */
  readonly line: PQueue
  readonly maxWaitMillis: number
  /** Nothing leaves any more. */
  readonly isStopping: () => boolean
  readonly asked: (operation: string) => Asked
}

/** What happened to one request so far. */
export interface History {
  sent: number
  failures: number
  queued: number
  refusals: number
  redirects: number
  /** Milliseconds since the vendor last answered anything, waits for limits not counted. */
  silent: number
  path: string
  /** Epoch milliseconds of the last sending. */
  sentAt: number
  /** Of the last sending. */
  signature: Signature | null
  renewed: boolean
}

/** A request that is to be sent once more. */
export interface Sending {
  readonly asked: Asked
  readonly request: ProviderRequest
  readonly history: History
  /** Null: it is not signed. */
  readonly credentials: Credentials | null
  /** Epoch milliseconds after which it must not leave; null: any time. */
  readonly latest: number | null
}

/** A request on the wire. */
export interface Attempt {
  readonly asked: Asked
  readonly request: ProviderRequest
  readonly permit: Permit
  /** Path and query. */
  readonly path: string
  /** How often the request was sent by then, this time included. */
  readonly number: number
}

/** An answer's status and headers, and what the governor made of them. */
export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** When the request was sent, epoch milliseconds. */
  readonly requestedAt: number
  /** Of a 429: when it may be sent again, epoch milliseconds; null: it was none. */
  readonly refusedUntil: number | null
}
