import { Either, Redacted } from "effect"
import { isRecord } from "../domain/isRecord.ts"
import { readBaseUrl } from "./baseUrl.ts"
import { suggestion } from "./nearest.ts"
import { type AlertEvent, alertEvents, NotifyEntry } from "./schema.ts"
import { decode, type Report } from "./schemaFaults.ts"
import { keysOf } from "./schemaKeys.ts"
import { resolveVariables, type Variables, variableOf } from "./variables.ts"

/** Who is told, and of what. */
export interface NotifyTarget {
  readonly to:
    | { readonly _tag: "Command"; readonly words: readonly [string, ...Array<string>] }
    /** The address is a secret: whoever has it can write there. */
    | { readonly _tag: "Url"; readonly url: Redacted.Redacted; readonly variable: string }
  readonly on: ReadonlySet<AlertEvent>
  /** After how long without a complete sync a connection is stale, milliseconds. */
  readonly staleMillis: number
}

/** As it is written in a configuration. */
const proposed = "$" + "{PARLEY_NOTIFY_URL}"

/** After how long without a complete sync a connection is stale, milliseconds. */
export const usualStale = 24 * 3_600_000

const readUrl = (
  url: string,
  { dotenv, environment }: Variables,
  report: Report
): NotifyTarget["to"] | null => {
  const variable = variableOf(url)
  if (variable === null) {
    report(
      ["url"],
      `the address of a webhook is a secret and may not be written in this file; write url: ${proposed} and set that variable`
    )
    return null
  }
  const { faults, text } = resolveVariables(url, environment, dotenv)
  for (const fault of faults) report(["url"], fault)
  if (faults.length > 0) return null
  // A query belongs to such addresses; the rest is as for providers.
  const checked = readBaseUrl(text.trim().replace(/[?#].*$/s, ""))
  if (Either.isLeft(checked)) {
    report(["url"], `the value of ${variable} is ${checked.left}`)
    return null
  }
  return { _tag: "Url", url: Redacted.make(text.trim()), variable }
}

const readTarget = (entry: unknown, context: Variables, report: Report): NotifyTarget | null => {
  const keys = keysOf(NotifyEntry).map(({ name }) => name)
  if (!isRecord(entry)) {
    report([], `expected keys with values, such as - command: [notify-send, Parley] or - url: ${proposed}`)
    return null
  }
  const strange = Object.keys(entry).filter((name) => !keys.includes(name))
  for (const name of strange) report([name], `unknown key${suggestion(name, keys)}`)
  const decoded = decode(NotifyEntry, entry, report, "ignore")
  if (decoded === null) return null
  const { command, on, stale, url } = decoded
  if ((command === undefined) === (url === undefined)) {
    report([], `one of command: [...] and url: ${proposed} is needed, and not both`)
    return null
  }
  const to =
    url !== undefined
      ? readUrl(url, context, report)
      : { _tag: "Command" as const, words: command as readonly [string, ...Array<string>] }
  return to === null || strange.length > 0
    ? null
    : { to, on: new Set(on ?? alertEvents), staleMillis: stale ?? usualStale }
}

/** The list `notify`; what is wrong with it is reported. */
export const readNotify = (
  written: unknown,
  context: Variables,
  report: Report
): ReadonlyArray<NotifyTarget> => {
  if (written === undefined || written === null) return []
  if (!Array.isArray(written)) {
    report([], "expected a list; each entry begins with - command: or - url:")
    return []
  }
  return written.flatMap(
    (entry, index) => readTarget(entry, context, (path, message) => report([index, ...path], message)) ?? []
  )
}
