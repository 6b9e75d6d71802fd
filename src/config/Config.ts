import { Data, type Redacted } from "effect"
import type { BusinessTime } from "../domain/localTime.ts"
import type { Retention } from "../domain/Retention.ts"
import type { WantedStatus } from "../domain/Status.ts"
import type { Limit } from "../http/contract.ts"
import type { Privacy } from "../privacy/policy.ts"
import type { AnyProviderDefinition, CommonSettings } from "../providers/Provider.ts"
import type { NotifyTarget } from "./notify.ts"

/** A configuration that was read whole and found right. */
export interface Config {
  /** The file it came from, as the user named it. */
  readonly path: string
  /** The mirror's file, absolute. */
  readonly database: string
  readonly connections: ReadonlyArray<ConnectionConfig>
  /** Who is told when something needs attention. */
  readonly notify: ReadonlyArray<NotifyTarget>
  /** Warnings about the files it was read from. */
  readonly warnings: ReadonlyArray<string>
}

export interface ConnectionConfig {
  /** Unique, `[a-z0-9-]`. */
  readonly name: string
  /** A key of the registry. */
  readonly provider: string
  readonly enabled: boolean
  /** Where requests go: scheme, host and prefix, without a slash at the end. */
  readonly baseUrl: string
  /** What the provider's own Schema decoded, with name, baseUrl and statusMap beside it. */
  readonly settings: CommonSettings
  /** Share of the limits to use, above 0 and at most 1. */
  readonly quota: number
  /** The vendor's, unless the configuration replaces them. */
  readonly limits: ReadonlyArray<Limit>
  /** Requests in flight; null: whatever the limits allow. */
  readonly concurrency: number | null
  /** Bytes of one answer that are read at most; null: the usual bound. */
  readonly maxAnswerBytes: number | null
  readonly messages: "auto" | "off"
  /** At most this share of the conversations may be marked deleted in one run, or `rows` where that is more. */
  readonly deleteBrake: { readonly share: number; readonly rows: number }
  /** The most status changes that one run sends unconfirmed. */
  readonly pushBrake: number
  /** The vendor's word for each status that can be written: the definition's, with the configuration's on top. */
  readonly statusMap: Readonly<Partial<Record<WantedStatus, string>>>
  readonly keepRaw: "newest" | "all"
  readonly conflict: "manual" | "remote-wins" | "local-wins"
  /** A complete scan at least this often. */
  readonly reconcileMillis: number
  /** What of people is not stored as it came; left out: everything is. */
  readonly privacy?: Privacy
  /** The key of hashes; left out: that of this machine's user. */
  readonly hashKey?: Redacted.Redacted
  /** Where its webhooks arrive and how they are signed; left out: none are expected. */
  readonly hints?: {
    readonly path: Redacted.Redacted
    readonly signingKeys: ReadonlyArray<Redacted.Redacted>
  }
  /** The same for all connections of a file; left out: UTC, and no business hours. */
  readonly businessTime?: BusinessTime
  /** The same for all connections of a file; left out: everything is kept for ever. */
  readonly keep?: Retention
  readonly definition: AnyProviderDefinition
}

/** The statuses that the provider has words for: those it is read by, and those that are written. */
export const readableStatuses = ({
  definition,
  statusMap
}: Pick<ConnectionConfig, "definition" | "statusMap">): ReadonlyArray<WantedStatus> => [
  ...new Set([...definition.statusMap.means, ...(Object.keys(statusMap) as ReadonlyArray<WantedStatus>)])
]

/** The providers that can be named in a configuration, by their id. */
export type Registry = Readonly<Record<string, AnyProviderDefinition>>

/** One thing that is wrong, and what to write instead. Never holds a secret. */
export interface Fault {
  readonly file: string
  /** From 1; null where the fault is not in a line (no file, no permission). */
  readonly line: number | null
  /** `connections[1].token`, `column 7`, or empty. */
  readonly where: string
  readonly message: string
}

/** `config/parley.yaml:7: connections[1].tokn: unknown key; did you mean "token"?` */
export const formatFault = ({ file, line, where, message }: Fault): string =>
  [line === null ? file : `${file}:${line}`, ...(where === "" ? [] : [where]), message].join(": ")

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends Data.TaggedError("ConfigError")<{
  readonly faults: ReadonlyArray<Fault>
}> {
  override get message(): string {
    return this.faults.map(formatFault).join("\n")
  }
}
