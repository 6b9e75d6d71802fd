import { Either } from "effect"
import {
  type Contact,
  type Conversation,
  type Json,
  type Message,
  normalizeChannel,
  normalizeRole
} from "../../domain/Conversation.ts"
import type { StatusMap } from "../../domain/Status.ts"
import { attributes } from "../attributes.ts"
import { type Fault, parseJson } from "../decode.ts"
import { digest } from "../digest.ts"
import { overlay } from "../overlay.ts"
import type { Messages, RawPayload, RemoteState, Sighting, Unreadable } from "../Provider.ts"
import { idOf, lastSentAt, unreadable } from "../page.ts"
import { statusMap as makeStatusMap } from "../statusWords.ts"
import {
  type ConversationState,
  type Detail,
  decodeDetail,
  decodeMessage,
  decodeRow,
  type Row,
  type Message as WireMessage
} from "./wire.ts"

/** https://docs.empfio.de/api/conversations: four words, and all four can be written. */
export const statusMap: StatusMap = makeStatusMap(
  { active: "active", escalated: "handed_off", completed: "completed", abandoned: "abandoned" },
  { active: "active", handed_off: "escalated", completed: "completed", abandoned: "abandoned" }
)

/** A payload and what it decodes to. */
export interface Read<A> {
  readonly raw: RawPayload
  readonly value: A
}

/** Everything the vendor's answers said of one conversation. */
export interface Parts {
  readonly row: Read<Row> | null
  readonly detail: Read<Detail> | null
  /** From the messages endpoint. */
  readonly messages: ReadonlyArray<Read<WireMessage>>
}

export type Kind = "conversation" | "detail" | "message"

/** Of a listed row, when its details were fetched. */
export const fingerprintOf = (rowPayload: string): string => digest(rowPayload)

/** The same, where the user wanted no messages: wanting them again fetches them. */
export const fingerprintWithoutMessages = (rowPayload: string): string =>
  `without-messages:${digest(rowPayload)}`

const whatsappKey = /^whatsapp_(\+\d{6,15})$/

/** `session_key` is a channel and what the channel knows the customer by; only WhatsApp's is surely a number. */
const phoneIn = (sessionKey: string | null): string | null =>
  sessionKey === null ? null : (whatsappKey.exec(sessionKey)?.[1] ?? null)

const filled = (value: string | null): string | null => (value === "" ? null : value)

const toMessage = (wire: WireMessage): Message => ({
  messageId: wire.id,
  providerId: wire.id,
  role: normalizeRole(wire.role),
  providerRole: wire.role,
  type: "text",
  content: wire.content,
  sentAt: wire.created_at,
  sentAtSource: wire.created_at === null ? null : "created_at",
  attributes: attributes(wire, ["metadata"])
})

/** By time, then by id; what carries no time comes last. */
const inOrderOfTime = (a: Message, b: Message): number => {
  if (a.sentAt !== b.sentAt) {
    if (a.sentAt === null) return 1
    if (b.sentAt === null) return -1
    return a.sentAt < b.sentAt ? -1 : 1
  }
  return a.messageId < b.messageId ? -1 : a.messageId > b.messageId ? 1 : 0
}

/** The readable messages of a list, each once and in the list's order, and the others as they came. */
export const readMessages = (conversationId: string, list: ReadonlyArray<unknown>) => {
  const read = new Map<string, { readonly value: WireMessage; readonly entry: Json }>()
  const faults: Array<Unreadable> = []
  for (const element of list) {
    const entry = element as Json
    const decoded = decodeMessage(entry)
    if (Either.isRight(decoded)) read.set(decoded.right.id, { value: decoded.right, entry })
    else {
      const record = { kind: "message", providerId: idOf(entry, "id"), conversationId }
      faults.push(unreadable({ ...record, payload: JSON.stringify(entry) }, decoded.left))
    }
  }
  return { read, faults }
}

/** Whether a conversation shows fewer messages than it says it has, so that the messages endpoint must be asked. */
export const isShort = (detail: Detail, declared: number | null): boolean =>
  detail.messages === null ? declared !== 0 : declared !== null && detail.messages.length < declared

interface AllMessages {
  readonly messages: Messages | null
  readonly faults: ReadonlyArray<Unreadable>
}

const noMessages: AllMessages = { messages: null, faults: [] }

const allMessages = (id: string, { detail, messages }: Parts, declared: number | null): AllMessages => {
  if (detail === null) return noMessages
  const { read, faults } = readMessages(id, detail.value.messages ?? [])
  const own = [...read.values()].map(({ value }) => toMessage(value))
  if (!isShort(detail.value, declared)) return { messages: { extent: "whole", items: own }, faults }
  if (messages.length === 0) {
    return own.length === 0
      ? { ...noMessages, faults }
      : { messages: { extent: "newest", items: own }, faults }
  }
  const further = messages.filter(({ value }) => !read.has(value.id)).map(({ value }) => toMessage(value))
  return { messages: { extent: "whole", items: [...own, ...further].sort(inOrderOfTime) }, faults }
}

const toContact = (wire: Row, contactId: string | null): Contact | null =>
  contactId === null
    ? null
    : {
        providerId: contactId,
        name: filled(wire.lead?.name ?? null),
        email: filled(wire.lead?.email ?? null),
        phone: phoneIn(wire.session_key),
        attributes: {}
      }

const toConversation = (
  wire: Row,
  contactId: string | null,
  messages: Messages | null,
  map: StatusMap
): Conversation => ({
  providerId: wire.id,
  contactId,
  channel: normalizeChannel(wire.channel),
  providerChannel: wire.channel,
  status: map.read(wire.status),
  providerStatus: wire.status,
  agentId: null,
  campaignId: null,
  title: null,
  summary: null,
  qualified: null,
  qualificationReason: null,
  tags: [],
  attributes: attributes(wire, ["session_key", "last_message_preview"]),
  declaredMessages: wire.message_count,
  startedAt: wire.created_at,
  lastMessageAt: wire.last_message_at ?? lastSentAt(messages?.items ?? []),
  updatedAt: wire.updated_at
})

/** The detail is the later word; what it leaves out, such as the lead's email, the row has said. */
const mergedRow = (row: Row, detail: Row): Row => {
  const lead = row.lead === null || detail.lead === null ? null : overlay(row.lead, detail.lead)
  return { ...overlay(row, detail), lead: lead ?? detail.lead ?? row.lead }
}

/** One conversation from everything that was said of it; at least a row or a detail. */
export const toSighting = (wire: Row, parts: Parts, map: StatusMap): Sighting => {
  const { messages, faults } = allMessages(wire.id, parts, wire.message_count)
  const contactId = filled(wire.lead_id) ?? filled(wire.lead?.id ?? null)
  const raw = [parts.row, parts.detail, ...parts.messages].flatMap((part) => part?.raw ?? [])
  return {
    _tag: "Sighting",
    conversation: toConversation(wire, contactId, messages, map),
    contact: toContact(wire, contactId),
    messages,
    unreadable: faults,
    raw,
    fingerprint: parts.row === null || parts.detail === null ? null : fingerprintOf(parts.row.raw.payload)
  }
}

/** What row and detail say together; null: there is neither. */
export const wireOf = ({ row, detail }: Pick<Parts, "row" | "detail">): Row | null => {
  if (row === null || detail === null) return detail?.value ?? row?.value ?? null
  return mergedRow(row.value, detail.value)
}

const readPayload = <A>(raw: RawPayload, decode: (value: unknown) => Either.Either<A, Fault>) =>
  parseJson(raw.payload).pipe(
    Either.flatMap(decode),
    Either.mapBoth({
      onLeft: (fault) => unreadable(raw, fault),
      onRight: (value): Read<A> => ({ raw, value })
    })
  )

const newest = (payloads: ReadonlyArray<RawPayload>, kind: Kind): RawPayload | undefined =>
  payloads.findLast((payload) => payload.kind === kind)

/** A sighting again from what was kept of it: rows and details, of each the last, and messages. */
export const interpret = (payloads: ReadonlyArray<RawPayload>, map: StatusMap): Sighting | Unreadable => {
  const [rowPayload, detailPayload] = [newest(payloads, "conversation"), newest(payloads, "detail")]
  const row = rowPayload === undefined ? Either.right(null) : readPayload(rowPayload, decodeRow)
  const detail = detailPayload === undefined ? Either.right(null) : readPayload(detailPayload, decodeDetail)
  if (Either.isLeft(row)) return row.left
  if (Either.isLeft(detail)) return detail.left
  const messages = payloads
    .filter(({ kind }) => kind === "message")
    .flatMap((payload) => Either.getOrElse(readPayload(payload, decodeMessage), () => []))
  const parts: Parts = { row: row.right, detail: detail.right, messages }
  const wire = wireOf(parts)
  if (wire !== null) return toSighting(wire, parts, map)
  const nothing = { kind: "conversation", providerId: null, conversationId: null, payload: "null" }
  return unreadable(nothing, { path: "$", reason: "no payload of a conversation" })
}

export const toRemoteState = (wire: ConversationState, map: StatusMap): RemoteState => ({
  status: map.read(wire.status),
  providerStatus: wire.status,
  updatedAt: wire.updated_at,
  title: null,
  tags: []
})
