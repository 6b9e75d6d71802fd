import type { Json, Message } from "../../domain/Conversation.ts"
import { isRecord } from "../../domain/isRecord.ts"
import { includes } from "../../domain/TimeRange.ts"
import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { Exchange } from "../../http/client.ts"
import {
  type Item,
  type Known,
  type Page,
  type PullScope,
  pageSize,
  type RawPayload,
  type SoughtById,
  type Unreadable
} from "../Provider.ts"
import { type Fault, numberText } from "./decode.ts"
import { heldOrUnreadable } from "./depth.ts"

type PageParts = Pick<Page, "exchange" | "items"> & Partial<Page>

/** A page with everything that is not said left empty. */
export const page = (parts: PageParts): Page => ({
  cursor: null,
  end: null,
  notices: [],
  learned: {},
  ...parts,
  items: parts.items.map(heldOrUnreadable)
})

/** One conversation was requested by its id, and there is one. */
export const oneFound: SoughtById = { found: 1, missing: [] }

/** The same page, which says nothing about those before it: some of them are missing. */
export const withoutPlace = (given: Page): Page => ({ ...given, cursor: null, end: null })

/** How many records an item is: conversations, messages, contacts, and what could not be read of them. */
const recordsIn = (item: Item): number =>
  item._tag === "Sighting"
    ? 1 + (item.contact === null ? 0 : 1) + (item.messages?.items.length ?? 0) + item.unreadable.length
    : 1

/**
 * One response as pages of at most `pageSize` records, at least one page; a conversation larger than that is a page of
 * its own. The first carries the response's bytes. What concerns the whole response (cursor, end, notices, what was
 * learned) is on the last, so that nothing counts as done before everything is stored.
 */
export const pages = (parts: PageParts): ReadonlyArray<Page> => {
  const chunks: Array<Array<Item>> = [[]]
  let records = 0
  for (const item of parts.items) {
    const more = recordsIn(item)
    if (records > 0 && records + more > pageSize) {
      chunks.push([])
      records = 0
    }
    chunks.at(-1)?.push(item)
    records += more
  }
  const continued = { ...parts.exchange, bytes: 0 }
  return chunks.map((items, index) => {
    const exchange = index === 0 ? parts.exchange : continued
    return index === chunks.length - 1 ? page({ ...parts, exchange, items }) : page({ exchange, items })
  })
}

/**
 * The exchange of answers that were put together: the status of each conversation was requested no earlier than with the
 * first of `sources`, however much later the rest came. So the page claims to be no newer than what decides.
 */
export const datedBy = (last: Exchange, sources: ReadonlyArray<Exchange>): Exchange => ({
  ...last,
  requestedAt: sources.reduce((first, { requestedAt }) => Math.min(first, requestedAt), last.requestedAt)
})

/**
 * A record that did not decode, whole, with its fault. `conversationId` null: not known. SQLite's functions take NUL for
 * the end of a text, so that the payload is kept without.
 */
export const unreadable = (
  record: Pick<RawPayload, "kind" | "payload"> & {
    readonly providerId: string | null
    readonly conversationId: string | null
  },
  fault: Fault
): Unreadable => ({
  kind: record.kind,
  providerId: record.providerId,
  conversationId: record.conversationId,
  payload: record.payload.replaceAll("\0", "\ufffd"),
  reason: fault.reason,
  path: fault.path
})

/** What is made of no payload at all. @param subject of which one is needed */
export const withoutPayload = (subject: "conversation" | "contact"): Unreadable =>
  unreadable(
    { kind: subject, providerId: null, conversationId: null, payload: "null" },
    { path: "$", reason: `no payload of a ${subject}` }
  )

/** The same as an item of a page. */
export const unreadableItem = (record: Parameters<typeof unreadable>[0], fault: Fault): Item => ({
  _tag: "Unreadable",
  unreadable: unreadable(record, fault)
})

/** The id of a record that may not decode: text or a number under `field`, as text; else null. */
export const idOf = (record: Json | undefined, field: string): string | null => {
  if (!isRecord(record)) return null
  const id = record[field]
  return typeof id === "string" ? id || null : (numberText(id) ?? null)
}

/** Whether a conversation lies outside of what is requested. One without a known start is inside. */
export const isOutside = (
  startedAt: Timestamp | null,
  scope: Pick<PullScope, "since" | "until" | "covered">
): boolean =>
  startedAt !== null &&
  (!includes(scope, startedAt) || scope.covered.some((range) => includes(range, startedAt)))

/** Milliseconds after which what was learned of an account is tried again. */
const lessonHolds = 24 * 60 * 60_000

/** What was learned under a name, while that holds; else null. @param now epoch milliseconds */
export const lessonOf = (
  { learned }: Pick<PullScope, "learned">,
  name: string,
  now: number
): string | null => {
  const lesson = learned.get(name)
  return lesson !== undefined && now - toMillis(lesson.at) < lessonHolds ? lesson.value : null
}

/** Whether this very scan has stored it, before it was interrupted. */
export const isStoredByScan = (
  { startedAt }: Pick<PullScope, "startedAt">,
  known: Known | null | undefined
): boolean =>
  startedAt !== undefined &&
  known?.observedAt !== undefined &&
  known.observedAt >= startedAt &&
  !known.deleted

/** When the last of these messages was sent; null: none carries a time. */
export const lastSentAt = (messages: ReadonlyArray<Message>): Timestamp | null => {
  let last: Timestamp | null = null
  for (const { sentAt } of messages) if (sentAt !== null && (last === null || sentAt > last)) last = sentAt
  return last
}
