import { Effect } from "effect"
import type { Rejected } from "../../domain/ProviderError.ts"
import { isWantedStatus, type Status, type StatusMap, type WantedStatus } from "../../domain/Status.ts"
import type { RequestedChange } from "../../domain/StatusChange.ts"
import type { Refusal } from "../Provider.ts"
import { notWritable } from "./answer.ts"

/**
 * @param reads the vendor's words and what they mean; any other word, and none, is `unknown`
 * @param write what to send for each word that this vendor takes
 * @param restores what to send for words that are read, where `write` does not have them
 */
export const statusMap = (
  reads: Readonly<Record<string, Status>>,
  write: StatusMap["write"],
  restores: NonNullable<StatusMap["restores"]> = {}
): StatusMap => {
  const words = new Map(Object.entries(reads))
  const written = Object.values(write).filter((word) => words.has(word))
  return {
    read: (word) => (word === null ? "unknown" : (words.get(word) ?? "unknown")),
    write,
    means: [...new Set(words.values())].filter(isWantedStatus),
    restores: { ...Object.fromEntries(written.map((word) => [word, word])), ...restores }
  }
}

/** What to send so that the vendor shows this word of its own again; null: it cannot be set. */
export const restoringWord = ({ restores = {}, write }: StatusMap, word: string): string | null => {
  if (Object.hasOwn(restores, word)) return restores[word] ?? null
  return Object.values(write).includes(word) ? word : null
}

/** What to send for the status that is wanted; undefined: none is, or it cannot be set. */
export const wordFor = (map: StatusMap, { providerStatus, status }: RequestedChange): string | undefined => {
  if (providerStatus !== undefined) return restoringWord(map, providerStatus) ?? undefined
  return status === null ? undefined : map.write[status]
}

/** The same, for a change that `refuse` let through: one without a word fails, and nothing is sent. */
export const requireWord = (
  title: string,
  map: StatusMap,
  requested: RequestedChange
): Effect.Effect<string, Rejected> => {
  const word = wordFor(map, requested)
  return word === undefined
    ? Effect.fail(notWritable(title, `the status "${requested.status}"`))
    : Effect.succeed(word)
}

/**
 * A connection's `statusMap`: canonical word → what to send for it. A word that means nothing else to this vendor is
 * then read back as what it was sent for, so that a change can be confirmed.
 */
export const withOverrides = (map: StatusMap, overrides: Readonly<Record<string, string>>): StatusMap => {
  const entries = Object.entries(overrides).filter((entry): entry is [WantedStatus, string] =>
    isWantedStatus(entry[0])
  )
  if (entries.length === 0) return map
  const meanings = new Map(entries.map(([status, word]) => [word, status]))
  return {
    ...map,
    read: (word) => {
      const known = map.read(word)
      return known === "unknown" && word !== null ? (meanings.get(word) ?? known) : known
    },
    write: { ...map.write, ...Object.fromEntries(entries) },
    means: [...new Set([...map.means, ...meanings.values()])]
  }
}

type ChangeField = "category" | "summary" | "title" | "tags"

const isAsked = (requested: RequestedChange, field: ChangeField): boolean => {
  const value = requested[field]
  return value !== null && value.length > 0
}

const changeFields: ReadonlyArray<ChangeField> = ["category", "summary", "title", "tags"]

/** What a vendor surely does not take, whatever its other rules: null where nothing of the kind was asked. */
export const refuseUnsupported = (
  requested: RequestedChange,
  vendor: {
    readonly title: string
    readonly write: StatusMap["write"]
    /** What it takes beside a status. */
    readonly fields: ReadonlyArray<ChangeField>
  }
): Refusal | null => {
  const takes = Object.keys(vendor.write).join(", ")
  const unsupported = changeFields.find(
    (field) => isAsked(requested, field) && !vendor.fields.includes(field)
  )
  if (unsupported !== undefined) {
    return {
      message: `${vendor.title} has no ${unsupported} to set`,
      hint: `leave the ${unsupported} out${vendor.fields.length === 0 ? "" : `; it takes: ${vendor.fields.join(", ")}`}`
    }
  }
  if (requested.status === null) {
    return vendor.fields.some((field) => isAsked(requested, field))
      ? null
      : { message: "nothing was requested", hint: `name a status: ${takes}` }
  }
  return requested.providerStatus === undefined && vendor.write[requested.status] === undefined
    ? {
        message: `${vendor.title} does not accept the status "${requested.status}"`,
        hint: `it takes: ${takes}`
      }
    : null
}
