import { Data } from "effect"
import type { ExitCode } from "./exitCodes.ts"

/** What was asked for cannot be done as asked. `hint` says what can. */
export class UsageError extends Data.TaggedError("UsageError")<{
  readonly message: string
  readonly hint: string
}> {}

/** The time that was allowed was not enough. */
export class TimeLimit extends Data.TaggedError("TimeLimit")<{
  readonly message: string
  readonly hint: string
}> {}

/** A verb that did its work and still has something to tell by its exit code. */
export class Ended extends Data.TaggedError("Ended")<{ readonly code: ExitCode }> {}
