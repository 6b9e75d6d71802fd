import { Cause, Clock, Effect, Option } from "effect"
import type { ConfigError } from "../config/Config.ts"
import { formatFault } from "../config/Config.ts"
import type { ProviderError } from "../domain/ProviderError.ts"
import type { Busy } from "../store/ledger/Leases.ts"
import type { StoreError } from "../store/StoreError.ts"
import { errorKinds } from "../sync/errorKinds.ts"
import type { LimitReached, UsageError } from "./errors.ts"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { counted } from "./terminal/numbers.ts"
import { Output } from "./terminal/Output.ts"
import { jsonText } from "./terminal/safeText.ts"

/** Everything a verb may fail with. */
export type Failure = UsageError | LimitReached | ConfigError | StoreError | Busy | ProviderError

/** A failure as a person and a program read it. */
interface FailureDescription {
  readonly code: ExitCode
  readonly kind: string
  readonly message: string
  readonly hint: string
  readonly faults: ConfigError["faults"]
}

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

const codeOf = (failure: Failure): ExitCode => {
  switch (failure._tag) {
    case "UsageError":
    case "ConfigError":
      return exitCodes.usage
    case "StoreError":
      return storeCode(failure)
    case "Busy":
    case "RateLimited":
    case "Queued":
      return exitCodes.later
    default:
      return exitCodes.partial
  }
}

const kindOf = (failure: Failure): string => {
  switch (failure._tag) {
    case "UsageError":
      return "usage"
    case "ConfigError":
      return "configuration"
    case "LimitReached":
      return failure.kind
    default:
      return errorKinds[failure._tag]
  }
}

export const describeFailure = (failure: Failure): FailureDescription => ({
  code: codeOf(failure),
  kind: kindOf(failure),
  message: failure.message,
  hint: "hint" in failure ? failure.hint : "",
  faults: "faults" in failure ? failure.faults : []
})

const describeDefect = (cause: Cause.Cause<unknown>): FailureDescription => ({
  code: exitCodes.unexpected,
  kind: "unexpected",
  message: `unexpected fault: ${Cause.squash(cause)}`,
  hint: "run it again with --log-level debug to see where; what was committed is kept",
  faults: []
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
