import { Cause, Clock, Effect, Option } from "effect"
import type { ConfigError } from "../config/Config.ts"
import { formatFault } from "../config/Config.ts"
import type { ProviderError } from "../domain/ProviderError.ts"
import type { Busy } from "../store/ledger/Leases.ts"
import type { StoreError } from "../store/StoreError.ts"
import type { LimitReached, UsageError } from "./errors.ts"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { counted } from "./terminal/numbers.ts"
import { Output } from "./terminal/Output.ts"
import { jsonText } from "./terminal/safeText.ts"

/** Everything a verb may fail with. */
export type Failure = UsageError | LimitReached | ConfigError | StoreError | Busy | ProviderError

/** A failure as a person and a program read it. */
export interface FailureDescription {
  readonly code: ExitCode
  readonly kind: string
  readonly message: string
  readonly hint: string
  readonly faults: ConfigError["faults"]
}

const description = (
  code: ExitCode,
  kind: string,
  { message, hint }: { readonly message: string; readonly hint: string }
): FailureDescription => ({
  code,
  kind,
  message,
  hint,
  faults: []
})

const storeCode = ({ kind }: StoreError): ExitCode => {
  switch (kind) {
    case "no-such-file":
    case "not-a-file":
    case "not-a-database":
    case "not-a-mirror":
    case "newer-schema":
    case "older-schema":
    case "refused":
      return exitCodes.usage
    case "locked":
      return exitCodes.later
    default:
      return exitCodes.unexpected
  }
}

export const describeFailure = (failure: Failure): FailureDescription => {
  switch (failure._tag) {
    case "UsageError":
      return description(exitCodes.usage, "usage", failure)
    case "LimitReached":
      return description(exitCodes.partial, failure.kind, failure)
    case "ConfigError":
      return {
        code: exitCodes.usage,
        kind: "configuration",
        message: failure.message,
        hint: "",
        faults: failure.faults
      }
    case "StoreError":
      return description(storeCode(failure), "store", failure)
    case "Busy":
      return description(exitCodes.later, "busy", failure)
    case "RateLimited":
      return description(exitCodes.later, "rate_limited", failure)
    case "Queued":
      return description(exitCodes.later, "queued", failure)
    case "Unavailable":
      return description(exitCodes.partial, "unavailable", failure)
    case "Unauthorized":
      return description(exitCodes.partial, "unauthorized", failure)
    case "Rejected":
      return description(exitCodes.partial, "rejected", failure)
    case "Malformed":
      return description(exitCodes.partial, "malformed", failure)
    case "WrongAccount":
      return description(exitCodes.partial, "account", failure)
  }
}

const describeDefect = (cause: Cause.Cause<unknown>): FailureDescription =>
  description(exitCodes.unexpected, "unexpected", {
    message: `unexpected fault: ${Cause.squash(cause)}`,
    hint: "run it again with --log-level debug to see where; what was committed is kept"
  })

/** The lines that a person reads on stderr. */
export const failureText = ({ faults, hint, message }: FailureDescription): string =>
  faults.length > 0
    ? faults.map(formatFault).join("\n")
    : `parley: ${message}${hint === "" ? "" : `\n  ${hint}`}`

export const failureDocument = ({ faults, hint, kind, message }: FailureDescription) => ({
  error: {
    kind,
    message: faults.length > 0 ? `${counted(faults.length, "fault")} in the configuration` : message,
    hint: hint === "" ? null : hint,
    ...(faults.length > 0 ? { faults } : {})
  }
})

/** The same among progress events. */
const failureEvent = (description: FailureDescription, at: number): string =>
  jsonText({ event: "error", at: new Date(at).toISOString(), ...failureDocument(description).error })

const note = (what: FailureDescription): Effect.Effect<void, never, Globals | Output> =>
  Effect.gen(function* () {
    const { progress } = yield* Globals
    const output = yield* Output
    const now = yield* Clock.currentTimeMillis
    yield* output.note(progress === "json" ? failureEvent(what, now) : failureText(what))
  })

/** Reports a failure on stderr only, for when part of the result is on stdout already. */
export const noteFailure = (failure: Failure): Effect.Effect<ExitCode, never, Globals | Output> => {
  const what = describeFailure(failure)
  return Effect.as(note(what), what.code)
}

/** Reports why a verb ended, and with which exit code. An interruption passes through: its cause is known. */
export const reportFailure = (
  cause: Cause.Cause<Failure>
): Effect.Effect<ExitCode, never, Globals | Output> =>
  Effect.gen(function* () {
    if (Cause.isInterruptedOnly(cause)) return yield* Effect.interrupt
    const globals = yield* Globals
    const output = yield* Output
    const failure = Cause.failureOption(cause)
    if (Option.isNone(failure)) yield* Effect.logDebug("the fault in full", cause)
    const what = Option.match(failure, { onSome: describeFailure, onNone: () => describeDefect(cause) })
    yield* note(what)
    if (globals.json) yield* output.document(failureDocument(what))
    return what.code
  })
