import { Data } from "effect"
import type { ExitCode } from "./exitCodes.ts"

/** The command line cannot be carried out as written. `hint` says what can. */
export class UsageError extends Data.TaggedError("UsageError")<{
  readonly message: string
  readonly hint: string
}> {}

/** A failure that the person who wrote the command line can put right. */
export const toUsage = ({ hint, message }: { readonly message: string; readonly hint: string }): UsageError =>
  new UsageError({ message, hint })

/** What was allowed, of time or of temporary disk, was not enough. */
export class LimitReached extends Data.TaggedError("LimitReached")<{
  readonly kind: "time_limit" | "space_limit"
  readonly message: string
  readonly hint: string
}> {}

/** A verb that did its work and still ends with an exit code of its own. */
export class Ended extends Data.TaggedError("Ended")<{ readonly code: ExitCode }> {}
