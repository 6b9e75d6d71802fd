import { Data } from "effect"
import type { ConnectionFault } from "../store/ledger/Ledger.ts"
import type { StoreError } from "../store/StoreError.ts"
import type { FailureType } from "./protocol.ts"

/** Why a connector ends without success, in words for whoever configured it. */
export class ConnectorFailure extends Data.TaggedError("ConnectorFailure")<{
  readonly type: FailureType
  readonly message: string
}> {}

/** What was configured, or is named on the command line, cannot be used. */
export const refuse = (message: string) => new ConnectorFailure({ type: "config_error", message })

/** Of the kinds of fault of a run, who can do something about them. */
const typeOf = (kind: string): FailureType => {
  switch (kind) {
    case "unauthorized":
    case "account":
    case "brake":
    case "rejected":
      return "config_error"
    case "rate_limited":
    case "queued":
    case "busy":
    case "unavailable":
    case "incomplete":
    case "deadline":
      return "transient_error"
    default:
      return "system_error"
  }
}

/** A run's fault as a connector reports it. Hints about the command line mean nothing on a platform. */
export const failureOf = ({ hint, kind, message }: ConnectionFault): ConnectorFailure =>
  new ConnectorFailure({
    type: typeOf(kind),
    message: hint === "" || hint.includes("parley ") || hint.includes("--") ? message : `${message}; ${hint}`
  })

export const storeFailure = ({ hint, kind, message }: StoreError): ConnectorFailure =>
  new ConnectorFailure({
    type:
      kind === "locked"
        ? "transient_error"
        : kind === "other" || kind === "refused"
          ? "system_error"
          : "config_error",
    message: `${message}; ${hint}`
  })
