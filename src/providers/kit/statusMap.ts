import { isWantedStatus, type Status, type StatusMap, type WantedStatus } from "../../domain/Status.ts"
import type { Wish } from "../../domain/StatusChange.ts"
import type { Refusal } from "../Provider.ts"

/**
 * @param reads the vendor's words and what they mean; any other word, and none, is `unknown`
 * @param write what to send for each word that this vendor takes
 */
export const statusMap = (reads: Readonly<Record<string, Status>>, write: StatusMap["write"]): StatusMap => {
  const words = new Map(Object.entries(reads))
  return { read: (word) => (word === null ? "unknown" : (words.get(word) ?? "unknown")), write }
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
    read: (word) => {
      const known = map.read(word)
      return known === "unknown" && word !== null ? (meanings.get(word) ?? known) : known
    },
    write: { ...map.write, ...Object.fromEntries(entries) }
  }
}

export type WishField = "category" | "summary" | "title" | "tags"

const isAsked = (wish: Wish, field: WishField): boolean => {
  const value = wish[field]
  return value !== null && value.length > 0
}

const wishFields: ReadonlyArray<WishField> = ["category", "summary", "title", "tags"]

/** What a vendor surely does not take, whatever its other rules: null where nothing of the kind was asked. */
export const refuseUnsupported = (
  wish: Wish,
  vendor: {
    readonly title: string
    readonly write: StatusMap["write"]
    /** What it takes beside a status. */
    readonly fields: ReadonlyArray<WishField>
  }
): Refusal | null => {
  const takes = Object.keys(vendor.write).join(", ")
  const unsupported = wishFields.find((field) => isAsked(wish, field) && !vendor.fields.includes(field))
  if (unsupported !== undefined) {
    return {
      message: `${vendor.title} has no ${unsupported} to set`,
      hint: `leave the ${unsupported} out${vendor.fields.length === 0 ? "" : `; it takes: ${vendor.fields.join(", ")}`}`
    }
  }
  if (wish.status === null) {
    return vendor.fields.some((field) => isAsked(wish, field))
      ? null
      : { message: "nothing was asked for", hint: `name a status: ${takes}` }
  }
  return vendor.write[wish.status] === undefined
    ? { message: `${vendor.title} cannot be asked for "${wish.status}"`, hint: `it takes: ${takes}` }
    : null
}
