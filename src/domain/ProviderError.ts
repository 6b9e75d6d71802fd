import { Data, type Redacted } from "effect"

/**
 * Everything that can go wrong with a vendor, split by what the caller does about it. `message` is for people and
 * says what happened at which request; `hint` says what to do next. Neither ever holds a secret or a customer's text.
 */
interface Explained {
  readonly message: string
  readonly hint: string
}

/** The vendor asked us to wait (429). Nothing leaves for the same bucket before `retryAt` (epoch milliseconds). */
export class RateLimited extends Data.TaggedError("RateLimited")<
  Explained & { readonly retryAt: number; readonly status: number }
> {}

/** The vendor queued the request (449): whether it will be applied is unknown. `retryAt` is epoch milliseconds. */
export class Queued extends Data.TaggedError("Queued")<Explained & { readonly retryAt: number }> {}

/** No usable answer: 5xx, time-out, reset, unreachable host. For a write the outcome is unknown. */
export class Unavailable extends Data.TaggedError("Unavailable")<
  Explained & { readonly status: number | null; readonly retryAt: number | null; readonly cause?: unknown }
> {}

/** What the body of an answer is made of: only an API speaks JSON, the others may be of anything on the way to it. */
export type BodyForm = "json" | "empty" | "html" | "text"

/** 401 or 403: the credentials are wrong, or may not do this. `status` says which; `form` left out: not known. */
export class Unauthorized extends Data.TaggedError("Unauthorized")<
  Explained & { readonly status: number; readonly form?: BodyForm }
> {}

/**
 * The vendor understood and refused (other 4xx). `body` is its answer, cut and free of secrets; `form` left out: not
 * known. Status 0: it was refused here, and nothing was sent.
 */
export class Rejected extends Data.TaggedError("Rejected")<
  Explained & { readonly status: number; readonly body: string; readonly form?: BodyForm }
> {}

/**
 * An answer that is not what the vendor documents: not JSON, HTML, the wrong envelope. For a write the outcome is unknown.
 * `text` is the answer as it came, where there is one, for the quarantine alone.
 */
export class Malformed extends Data.TaggedError("Malformed")<
  Explained & { readonly where: string; readonly detail: string; readonly text?: Redacted.Redacted }
> {}

/** The credential speaks for another account than the connection is bound to: nothing more is asked of it. */
export class WrongAccount extends Data.TaggedError("WrongAccount")<Explained> {}

export type ProviderError =
  | RateLimited
  | Queued
  | Unavailable
  | Unauthorized
  | Rejected
  | Malformed
  | WrongAccount
