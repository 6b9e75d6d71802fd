import type { Item, Messages, Page, Sighting } from "../../../providers/Provider.ts"
import type { CommitInput } from "../commit.ts"
import type { Totals } from "../tally.ts"
import { addTexts, fieldsOfMessage, HandedMessage } from "./HandedMessage.ts"

/**
 * A commit on its way to the thread that writes. Many small objects cost more to hand over than their JSON text, and texts
 * less by themselves: so payloads and the fields of messages, which are nearly all of it, are lists of texts.
 */
export interface CommitJob extends Omit<CommitInput, "pages" | "seen"> {
  /** Of the pages, without their payloads and messages; of the messages their number. */
  readonly json: string
  /** The payloads, in the pages' order. */
  readonly payloads: ReadonlyArray<string>
  /** The messages, in the pages' order: the texts of each (`addTexts`), one after the other. */
  readonly messages: ReadonlyArray<string | null>
  /** Whether what the pages list counts as met by the scan. */
  readonly countsAsSeen: boolean
  /** UTC, ISO 8601. */
  readonly now: string
}

/** What became of it, or SQLite's error. `code` null: a fault of the program. */
export type CommitReply =
  | { readonly _tag: "Committed"; readonly totals: Totals }
  | { readonly _tag: "Failed"; readonly code: string | null; readonly message: string }

/** What the thread is started with. */
export interface CommitThreadSettings {
  readonly path: string
  readonly busyTimeoutMillis: number
  /** The newest schema that the program knows. */
  readonly knownSchema: number
}

/** What of a sighting is JSON. */
interface PackedSighting extends Omit<Sighting, "messages" | "raw"> {
  readonly messages: { readonly extent: Messages["extent"]; readonly items: number } | null
  readonly raw: ReadonlyArray<Omit<Sighting["raw"][number], "payload">>
}

interface PackedPage extends Omit<Page, "items"> {
  readonly items: ReadonlyArray<Exclude<Item, Sighting> | PackedSighting>
}

export const packJob = (input: CommitInput, now: string): CommitJob => {
  const { pages, seen, ...rest } = input
  const payloads: Array<string> = []
  const texts: Array<string | null> = []
  const pack = (item: Item): PackedPage["items"][number] => {
    if (item._tag !== "Sighting") return item
    const { messages } = item
    for (const one of messages?.items ?? []) addTexts(texts, one)
    const raw = item.raw.map(({ payload, ...kept }) => {
      payloads.push(payload)
      return kept
    })
    return {
      ...item,
      raw,
      messages: messages === null ? null : { extent: messages.extent, items: messages.items.length }
    }
  }
  const packed: ReadonlyArray<PackedPage> = pages.map((page) => ({ ...page, items: page.items.map(pack) }))
  return {
    ...rest,
    json: JSON.stringify(packed),
    payloads,
    messages: texts,
    countsAsSeen: seen !== null,
    now
  }
}

/** The pages as they were. */
export const unpackPages = ({ json, messages: texts, payloads }: CommitJob): ReadonlyArray<Page> => {
  let nextPayload = 0
  let nextText = -fieldsOfMessage
  const message = (): HandedMessage => {
    nextText += fieldsOfMessage
    return new HandedMessage(texts, nextText)
  }
  const unpack = (item: PackedPage["items"][number]): Item => {
    if (item._tag !== "Sighting") return item
    const { messages } = item
    const raw = item.raw.map((kept) => {
      nextPayload += 1
      return { ...kept, payload: payloads[nextPayload - 1] ?? "" }
    })
    const items = Array.from({ length: messages?.items ?? 0 }, message)
    return { ...item, raw, messages: messages === null ? null : { extent: messages.extent, items } }
  }
  const pages = JSON.parse(json) as ReadonlyArray<PackedPage>
  return pages.map((page) => ({ ...page, items: page.items.map(unpack) }))
}
