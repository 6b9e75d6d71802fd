import { Either } from "effect"
import {
  type Attributes,
  type Contact,
  type Conversation,
  type Json,
  type JsonObject,
  type Message,
  normalizeChannel,
  normalizeRole
} from "../../domain/Conversation.ts"
import { writeExactly } from "../../domain/exactJson.ts"
import type { StatusMap } from "../../domain/Status.ts"
import { allOf, attributes, undocumented } from "../kit/attributes.ts"
import { type Decode, type Fault, filled, parseJson } from "../kit/decode.ts"
import { digest } from "../kit/digest.ts"
import { isNewestFirst, withLaterWord } from "../kit/order.ts"
import { overlay } from "../kit/overlay.ts"
import { lastSentAt, unreadable, withoutPayload } from "../kit/page.ts"
import { statusMap as makeStatusMap } from "../kit/statusMap.ts"
import { decoded, elementsIn, listIn, type Written, writtenId } from "../kit/written.ts"
import type { ColumnSources, Messages, RawPayload, RemoteState, Sighting, Unreadable } from "../Provider.ts"
import {
  type ConversationState,
  type Detail,
  Detail as DetailSchema,
  decodeDetail,
  decodeMessage,
  decodeRow,
  Message as MessageSchema,
  type Row,
  type Message as WireMessage
} from "./wire.ts"

/** https://docs.empfio.de/api/conversations: four words, and all four can be written. */
export const statusMap: StatusMap = makeStatusMap(
  { active: "active", escalated: "handed_off", completed: "completed", abandoned: "abandoned" },
  { active: "active", handed_off: "escalated", completed: "completed", abandoned: "abandoned" }
)

/** A payload, what it says, and what that decodes to. */
export interface Read<A> {
  readonly raw: RawPayload
  readonly json: Json
  readonly value: A
}

/** A row of the list. `fingerprint` left out: it was not needed yet. */
export interface ReadRow extends Read<Row> {
  readonly fingerprint?: string
}

/** Everything the vendor's answers said of one conversation. */
export interface Parts {
  readonly row: ReadRow | null
  readonly detail: Read<Detail> | null
  /** From the messages endpoint, as it gave them. */
  readonly messages: Omit<Read<ReadonlyArray<Written>>, "json"> | null
}

type Kind = "conversation" | "detail" | "messages"

export const rawPayload = (kind: Kind, id: string, conversationId: string, payload: string): RawPayload => ({
  kind,
  providerId: id,
  conversationId,
  payload
})

/** Of what a listed row says, when its details were fetched. */
export const fingerprintOf = (row: Json): string => digest(writeExactly(row))

/** The same of a row as it was written. @param asWritten the digest of its text */
export const fingerprintOfWritten = ({ text, value }: Written, asWritten: string): string => {
  if (Either.isLeft(value)) return asWritten
  const again = writeExactly(value.right)
  return again === text ? asWritten : digest(again)
}

/** The same, where the user wanted no messages: wanting them again fetches them. */
export const withoutMessages = (fingerprint: string): string => `without-messages:${fingerprint}`

const whatsappKey = /^whatsapp_(\+\d{6,15}|hash:[\w-]{22})$/

/** `session_key` is a channel and what the channel knows the customer by; only WhatsApp's is surely a number. */
const phoneIn = (sessionKey: string | null): string | null =>
  sessionKey === null ? null : (whatsappKey.exec(sessionKey)?.[1] ?? null)

const toMessage = (wire: WireMessage, entry: Written): Message => ({
  messageId: wire.id,
  providerId: wire.id,
  role: normalizeRole(wire.role),
  providerRole: wire.role,
  type: "text",
  content: wire.content,
  sentAt: wire.created_at,
  sentAtSource: wire.created_at === null ? null : "created_at",
  attributes: allOf(
    attributes(wire, ["metadata"]),
    undocumented(Either.getOrNull(entry.value), MessageSchema)
  )
})

/** Ids are UUIDs, which may be written in either case. */
const isSameId = (one: string, other: string): boolean =>
  one === other || one.toLowerCase() === other.toLowerCase()

const ofConversation = (
  id: string,
  message: Either.Either<WireMessage, Fault>
): Either.Either<WireMessage, Fault> =>
  Either.isLeft(message) || isSameId(filled(message.right.conversation_id) ?? id, id)
    ? message
    : Either.left({ path: "$.conversation_id", reason: "a message of another conversation" })

interface ReadMessages {
  readonly items: ReadonlyArray<Message>
  readonly faults: ReadonlyArray<Unreadable>
}

/** The readable messages of a list, each once and in the list's order, and the others as they came. */
const readMessages = (conversationId: string, list: ReadonlyArray<Written>): ReadMessages => {
  const items = new Map<string, Message>()
  const faults = new Map<string, Unreadable>()
  for (const entry of list) {
    const message = ofConversation(conversationId, decoded(entry, decodeMessage))
    if (Either.isRight(message)) items.set(message.right.id, toMessage(message.right, entry))
    else {
      const payload = entry.text
      const record = { kind: "message", providerId: writtenId(entry, "id"), conversationId, payload }
      faults.set(payload, unreadable(record, message.left))
    }
  }
  return { items: [...items.values()], faults: [...faults.values()] }
}

/** By time; at the same time, and without one, they stay in the order they came in. */
const inOrderOfTime = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  let last = ""
  return messages
    .map((message) => {
      last = message.sentAt ?? last
      return { message, at: last }
    })
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ message }) => message)
}

/** The endpoint's order is not documented: where it gives newest first, the list is turned around. */
const oldestFirst = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> =>
  isNewestFirst(messages.map(({ sentAt }) => sentAt)) ? [...messages].reverse() : messages

/** What the detail and the endpoint show, together. */
const united = (shown: ReadMessages, further: ReadMessages): ReadMessages => {
  const ids = new Set(further.items.map(({ messageId }) => messageId))
  const payloads = new Set(further.faults.map(({ payload }) => payload))
  const onlyShown = shown.items.filter(({ messageId }) => !ids.has(messageId))
  return {
    items: inOrderOfTime([...oldestFirst(further.items), ...onlyShown]),
    faults: [...further.faults, ...shown.faults.filter(({ payload }) => !payloads.has(payload))]
  }
}

/** Whether a conversation shows fewer messages than it says it has, so that the messages endpoint must be asked. */
export const isShort = (detail: Detail, declared: number | null): boolean =>
  detail.messages === null ? declared !== 0 : declared !== null && detail.messages.length < declared

interface AllMessages {
  readonly messages: Messages | null
  readonly faults: ReadonlyArray<Unreadable>
}

const allMessages = (id: string, { detail, messages }: Parts, declared: number | null): AllMessages => {
  if (detail === null) return { messages: null, faults: [] }
  const listed = (detail.value.messages ?? []) as ReadonlyArray<Json>
  const shown = readMessages(id, elementsIn(detail.raw.payload, "messages", listed))
  if (!isShort(detail.value, declared)) {
    return { messages: { extent: "whole", items: shown.items }, faults: shown.faults }
  }
  if (messages === null || messages.value.length === 0) {
    const items = shown.items.length === 0 ? null : shown.items
    return { messages: items === null ? null : { extent: "newest", items }, faults: shown.faults }
  }
  const { items, faults } = united(shown, readMessages(id, messages.value))
  return { messages: { extent: "whole", items }, faults }
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
  others: Attributes,
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
  attributes: allOf(attributes(wire, ["session_key", "last_message_preview"]), others),
  declaredMessages: wire.message_count,
  startedAt: wire.created_at,
  lastMessageAt: wire.last_message_at ?? lastSentAt(messages?.items ?? []),
  updatedAt: wire.updated_at
})

export const leadIdOf = (wire: Row): string | null => filled(wire.lead_id) ?? filled(wire.lead?.id ?? null)

/** The detail is the later word; what it leaves out, such as the email of the same lead, the row has said. */
const mergedRow = (row: Row, detail: Row): Row => {
  const [listed, shown] = [leadIdOf(row), leadIdOf(detail)]
  const isSameLead = listed === null || shown === null || listed === shown
  const lead =
    row.lead === null || detail.lead === null || !isSameLead ? null : overlay(row.lead, detail.lead)
  return { ...overlay(row, detail), lead: lead ?? detail.lead ?? (isSameLead ? row.lead : null) }
}

/** A row that says another status than the detail will say so again: it does not tell that nothing has changed. */
const isAgreed = ({ detail, row }: Parts): boolean =>
  row !== null &&
  detail !== null &&
  (row.value.status === null || detail.value.status === null || row.value.status === detail.value.status)

/** What row and detail say that is not documented, the detail's word before the row's. */
const othersIn = ({ detail, row }: Parts): Attributes =>
  undocumented(
    { ...(row?.json as JsonObject | undefined), ...(detail?.json as JsonObject | undefined) },
    DetailSchema
  )

/** One conversation from everything that was said of it; at least a row or a detail. */
export const toSighting = (wire: Row, parts: Parts, map: StatusMap): Sighting => {
  const { messages, faults } = allMessages(wire.id, parts, wire.message_count)
  const contactId = leadIdOf(wire)
  const raw = [parts.row, parts.detail, parts.messages].flatMap((part) => part?.raw ?? [])
  return {
    _tag: "Sighting",
    conversation: toConversation(wire, contactId, messages, othersIn(parts), map),
    contact: toContact(wire, contactId),
    messages,
    unreadable: faults,
    raw,
    fingerprint:
      parts.row !== null && isAgreed(parts) ? (parts.row.fingerprint ?? fingerprintOf(parts.row.json)) : null
  }
}

/** What row and detail say together; null: there is neither. */
export const wireOf = ({ row, detail }: Pick<Parts, "row" | "detail">): Row | null => {
  if (row === null || detail === null) return detail?.value ?? row?.value ?? null
  return mergedRow(row.value, detail.value)
}

/** A payload whose JSON was read already. */
export const readAs = <A>(
  raw: RawPayload,
  said: Either.Either<Json, Fault>,
  decode: Decode<A>
): Either.Either<Read<A>, Fault> =>
  Either.flatMap(said, (json) => Either.map(decode(json), (value) => ({ raw, json, value })))

const readPayload = <A>(raw: RawPayload, decode: Decode<A>) =>
  Either.mapLeft(readAs(raw, parseJson(raw.payload), decode), (fault) => unreadable(raw, fault))

const readMessageList = (raw: RawPayload | undefined): Either.Either<Parts["messages"], Unreadable> => {
  if (raw === undefined) return Either.right(null)
  const list = listIn(raw.payload)
  return list === null
    ? Either.left(unreadable(raw, { path: "$", reason: "expected a list" }))
    : Either.right({ raw, value: list.elements })
}

/** A sighting again from what was kept of it: of each kind of payload the last. */
export const interpret = (payloads: ReadonlyArray<RawPayload>, map: StatusMap): Sighting | Unreadable => {
  const read = <A>(kind: Kind, decode: Decode<A>) => {
    const payload = payloads.findLast((candidate) => candidate.kind === kind)
    return payload === undefined ? Either.right(null) : readPayload(payload, decode)
  }
  const row = read("conversation", decodeRow)
  const detail = read("detail", decodeDetail)
  const messages = readMessageList(payloads.findLast(({ kind }) => kind === "messages"))
  if (Either.isLeft(row)) return row.left
  if (Either.isLeft(detail)) return detail.left
  if (Either.isLeft(messages)) return messages.left
  const parts: Parts = { row: row.right, detail: detail.right, messages: messages.right }
  const wire = wireOf(parts)
  if (wire === null) return withoutPayload("conversation")
  const whole = toSighting(wire, parts, map)
  return withLaterWord(parts, whole, ({ value }) => toSighting(value, { ...parts, detail: null }, map))
}

export const toRemoteState = (wire: ConversationState, map: StatusMap): RemoteState => ({
  status: map.read(wire.status),
  providerStatus: wire.status,
  updatedAt: wire.updated_at,
  title: null,
  tags: []
})

/** Where each column comes from, as JSON paths of the raw records. */
export const columns: ColumnSources = {
  "conversations.provider_id": "$.id",
  "conversations.contact_id": "$.lead_id",
  "conversations.provider_channel": "$.channel",
  "conversations.remote_status": "$.status",
  "conversations.provider_status": "$.status",
  "conversations.attributes": "$",
  "conversations.declared_messages": "$.message_count",
  "conversations.started_at": "$.created_at",
  "conversations.last_message_at": "$.last_message_at",
  "conversations.updated_at": "$.updated_at",
  "messages.provider_id": "$.messages[*].id",
  "messages.role": "$.messages[*].role",
  "messages.provider_role": "$.messages[*].role",
  "messages.content": "$.messages[*].content",
  "messages.sent_at": "$.messages[*].created_at",
  "messages.attributes": "$.messages[*].metadata",
  "contacts.provider_id": "$.lead_id",
  "contacts.name": "$.lead.name",
  "contacts.email": "$.lead.email",
  "contacts.phone": "$.session_key",
  "contacts.attributes": "$.lead",
  "account_bindings.account": "organization_id of the login"
}
