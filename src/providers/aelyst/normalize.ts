import { Either } from "effect"
import {
  type Contact,
  type Conversation,
  type Json,
  type JsonObject,
  type Message,
  normalizeRole,
  ownAttributes,
  type Person,
  type Role
} from "../../domain/Conversation.ts"
import type { StatusMap } from "../../domain/Status.ts"
import { fromMillis, type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import { allOf, attributes, noAttributes, undocumented } from "../kit/attributes.ts"
import { digest } from "../kit/digest.ts"
import { lastSentAt, unreadable, withoutPayload } from "../kit/page.ts"
import { statusMap as makeStatusMap } from "../kit/statusMap.ts"
import { decoded, notation, type Written, written, writtenId } from "../kit/written.ts"
import type { ColumnSources, RawPayload, RemoteState, Sighting, Unreadable } from "../Provider.ts"
import {
  Contact as ContactSchema,
  type ContactState,
  decodeContact,
  decodeMessage,
  Message as MessageSchema,
  type Contact as WireContact,
  type Message as WireMessage
} from "./wire.ts"

/**
 * https://developers.aelyst.ai/api/operations/updateconversationstatus/: what is read as `closed` is written as `close`.
 * Every other word says nothing about a conversation.
 */
export const statusMap: StatusMap = makeStatusMap(
  { open: "active", closed: "completed" },
  { active: "open", completed: "close" },
  { closed: "close" }
)

const asObject = (json: Json): JsonObject => json as JsonObject

const filled = (value: string | null): string | null => (value === null || value.trim() === "" ? null : value)

const fullName = (first: string | null, last: string | null): string | null =>
  filled([first, last].filter((part) => filled(part) !== null).join(" "))

const contactAttributes = [
  "firstName",
  "lastName",
  "language",
  "profilePic",
  "countryCode",
  "custom_fields",
  "created_at"
] as const

const conversationAttributes = ["assignee", "lifecycle", "isBlocked"] as const

const toContact = (wire: WireContact, json: JsonObject): Contact => ({
  providerId: wire.id,
  name: fullName(wire.firstName, wire.lastName),
  email: filled(wire.email),
  phone: filled(wire.phone),
  attributes: allOf(attributes(json, contactAttributes), undocumented(json, ContactSchema)),
  isWhole: true
})

/** A contact has one conversation, which is nothing but its status: they share an id. */
const toConversation = (wire: WireContact, json: JsonObject, map: StatusMap): Conversation => ({
  providerId: wire.id,
  contactId: wire.id,
  channel: null,
  providerChannel: null,
  status: map.read(wire.status),
  providerStatus: wire.status,
  agentId: null,
  campaignId: null,
  title: null,
  summary: null,
  qualified: null,
  qualificationReason: null,
  tags: wire.tags ?? [],
  attributes: allOf(attributes(json, conversationAttributes), assigneeIn(wire)),
  startedAt: wire.created_at,
  lastMessageAt: null,
  updatedAt: null
})

interface Sent {
  readonly at: Timestamp | null
  readonly source: string | null
}

const explicitTimes = ["timestamp", "createdAt", "created_at", "sentAt"] as const

/** What one unit of a message id could be worth, in milliseconds: a second, a millisecond, a microsecond. */
const units = [1000, 1, 0.001]

/** Instants, in milliseconds, between which a message id may be one: no such service is older. */
const earliestId = Date.UTC(2010, 0, 1)
const latestId = Date.UTC(2100, 0, 1)

/** A message is not older than its contact; clocks and clumsy imports are allowed a day. */
const slack = 24 * 60 * 60_000

/** The instant a message id is made of, where it can be one; null: it is just a number. */
const timeInId = (messageId: string, contactSince: Timestamp | null): Timestamp | null => {
  if (!/^\d{10,16}$/.test(messageId)) return null
  const earliest = contactSince === null ? earliestId : Math.max(earliestId, toMillis(contactSince) - slack)
  const millis = units.map((unit) => Number(messageId) * unit).find((at) => at >= earliest && at < latestId)
  return millis === undefined ? null : fromMillis(Math.floor(millis))
}

/** The documented message has no time of its own, so the best there is is taken, and named. */
const sentAt = (wire: WireMessage, contactSince: Timestamp | null): Sent => {
  for (const source of explicitTimes) {
    const at = wire[source]
    if (at !== null) return { at, source }
  }
  let earliest: Sent = { at: null, source: null }
  wire.status?.forEach(({ timestamp: at }, index) => {
    if (at !== null && (earliest.at === null || at < earliest.at)) {
      earliest = { at, source: `status[${index}].timestamp` }
    }
  })
  if (earliest.at !== null) return earliest
  const at = timeInId(wire.messageId, contactSince)
  return { at, source: at === null ? null : "messageId" }
}

/** A person of the workspace: a user in its own inbox, or one who answered from the channel's app. */
const people: ReadonlySet<string> = new Set(["user", "echo"])

const roleOf = (wire: WireMessage): { readonly role: Role; readonly providerRole: string | null } => {
  const source = wire.sender?.source ?? null
  if (wire.traffic === "incoming") return { role: "customer", providerRole: wire.traffic }
  if (source === null)
    return { role: wire.traffic === "outgoing" ? "agent" : "unknown", providerRole: wire.traffic }
  return { role: people.has(source) ? "human" : normalizeRole(source), providerRole: source }
}

/** Who of our people a message is from, by the vendor's id. */
const authorIn = (wire: WireMessage, role: Role): JsonObject => {
  const author = wire.sender?.userId ?? null
  return role === "human" && author !== null ? { [ownAttributes.author]: author } : noAttributes
}

/** Whom a contact is assigned to; deleted users come as an empty object, or as a word. */
const assigneeIn = ({ assignee }: WireContact): JsonObject => {
  if (assignee === null || typeof assignee === "string" || assignee.id === null) return noAttributes
  const { email, firstName, id, lastName } = assignee
  const person: Person = { id, name: fullName(firstName, lastName), email: filled(email) }
  return { [ownAttributes.assignee]: person }
}

const messageAttributes = [
  "channelMessageId",
  "channelId",
  "traffic",
  "message",
  "status",
  "sender",
  "replyTo",
  ...explicitTimes
]

/** What is in a message beside its text. */
const contentAttributes = (json: JsonObject): JsonObject | null => {
  const { type: _type, text: _text, ...rest } = asObject(json.message ?? {})
  return Object.keys(rest).length === 0 ? null : rest
}

const toMessage = (wire: WireMessage, json: JsonObject, contactSince: Timestamp | null): Message => {
  const { at, source } = sentAt(wire, contactSince)
  const record: JsonObject = { ...json, message: contentAttributes(json) }
  const speaker = roleOf(wire)
  return {
    messageId: wire.messageId,
    providerId: wire.messageId,
    ...speaker,
    type: wire.message?.type ?? "unknown",
    content: wire.message?.text ?? wire.message?.title ?? null,
    sentAt: at,
    sentAtSource: source,
    attributes: allOf(
      attributes(record, messageAttributes),
      undocumented(json, MessageSchema, messageAttributes),
      authorIn(wire, speaker.role)
    )
  }
}

interface Read {
  readonly wire: WireMessage
  readonly json: JsonObject
}

/** By value, of whole numbers in digits alone, however long. */
const compareDigits = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)

/**
 * Payloads come in the vendor's order, oldest first. One that was replaced later may have lost its place when they are
 * read back; where ids rise with time, as numbers given out in turn do, they show it.
 */
const inTheirOrder = (messages: ReadonlyArray<Read>): ReadonlyArray<Read> => {
  const ids = messages.map(({ wire }) => wire.messageId.replace(/^0+(?=.)/, ""))
  const falls = ids.filter((id, index) => compareDigits(id, ids[index - 1] ?? "") < 0).length
  if (falls === 0 || falls * 4 > ids.length) return messages
  return messages
    .map((message, index) => ({ message, id: ids[index] ?? "" }))
    .sort((a, b) => compareDigits(a.id, b.id))
    .map(({ message }) => message)
}

interface ReadMessages {
  readonly items: ReadonlyArray<Message>
  readonly unreadable: ReadonlyArray<Unreadable>
}

const readMessages = (payloads: ReadonlyArray<RawPayload>, contactSince: Timestamp | null): ReadMessages => {
  const faults: Array<Unreadable> = []
  const read = payloads.flatMap((raw): ReadonlyArray<Read> => {
    const message = written(raw.payload)
    const read = decoded(message, decodeMessage)
    if (Either.isRight(read)) return [{ wire: read.right, json: asObject(Either.getOrNull(message.value)) }]
    faults.push(unreadable({ ...raw, providerId: writtenId(message, "messageId") }, read.left))
    return []
  })
  const items = inTheirOrder(read).map(({ wire, json }) => toMessage(wire, json, contactSince))
  return { items, unreadable: faults }
}

/** How many of the newest messages a fingerprint covers, and so how many a sync asks for of a known conversation. */
export const watchedMessages = 10

const newestAs = (messages: ReadonlyArray<string>): string =>
  messages.length === 0 ? "-" : digest(messages.slice(-watchedMessages).map(notation).join("\n"))

/** @param messages payloads, oldest first */
export const fingerprintOf = (contact: string, messages: ReadonlyArray<string>): string =>
  `${digest(notation(contact))}.${newestAs(messages)}`

/** Whether the newest messages are those that a fingerprint covers. */
export const showsAgain = (fingerprint: string | null, messages: ReadonlyArray<string>): boolean =>
  fingerprint?.endsWith(`.${newestAs(messages)}`) === true

/** Whether a fingerprint covers this very contact, together with messages. */
export const coversMessages = (fingerprint: string | null, contact: string): boolean =>
  fingerprint?.startsWith(`${digest(notation(contact))}.`) === true && !fingerprint.endsWith(".-")

/** The payload of a contact as it is kept. */
export const contactPayload = (contactId: string, payload: string): RawPayload => ({
  kind: "contact",
  providerId: contactId,
  conversationId: contactId,
  payload
})

/** The payload of a message as it is kept; one whose id cannot be read is known by what it holds. */
export const messagePayload = (contactId: string, message: Written): RawPayload => {
  const payload = message.text
  const providerId = writtenId(message, "messageId") ?? `without-id:${digest(payload)}`
  return { kind: "message", providerId, conversationId: contactId, payload }
}

/** A contact that can be read, or what is wrong with it. */
export const readContact = (contact: Written): WireContact | Unreadable => {
  const read = decoded(contact, decodeContact)
  if (Either.isRight(read)) return read.right
  const id = writtenId(contact, "id")
  return unreadable({ kind: "contact", providerId: id, conversationId: id, payload: contact.text }, read.left)
}

/**
 * A contact and the messages that came with it, oldest first, as a sighting. Without any messages it says nothing about
 * them; with some it says that they are the newest. The caller knows more.
 */
export const interpret = (payloads: ReadonlyArray<RawPayload>, map: StatusMap): Sighting | Unreadable => {
  const contact = payloads.filter(({ kind }) => kind === "contact").at(-1)
  if (contact === undefined) return withoutPayload("contact")
  const shown = written(contact.payload)
  const wire = readContact(shown)
  if (!("custom_fields" in wire))
    return {
      ...wire,
      providerId: contact.providerId,
      conversationId: wire.conversationId ?? contact.conversationId
    }
  const record = asObject(Either.getOrNull(shown.value))
  const raw = payloads.filter(({ kind }) => kind === "message")
  const { items, unreadable: faults } = readMessages(raw, wire.created_at)
  return {
    _tag: "Sighting",
    conversation: { ...toConversation(wire, record, map), lastMessageAt: lastSentAt(items) },
    contact: toContact(wire, record),
    messages: raw.length === 0 ? null : { extent: "newest", items },
    unreadable: faults,
    raw: [contact, ...raw],
    fingerprint: fingerprintOf(
      contact.payload,
      raw.map(({ payload }) => payload)
    )
  }
}

export const toRemoteState = (wire: ContactState, map: StatusMap): RemoteState => ({
  status: map.read(wire.status),
  providerStatus: wire.status,
  updatedAt: null,
  title: null,
  tags: wire.tags ?? []
})

/** Where each column comes from, as JSON paths of the raw records. */
export const columns: ColumnSources = {
  "conversations.provider_id": "$.id",
  "conversations.contact_id": "$.id",
  "conversations.remote_status": "$.status",
  "conversations.provider_status": "$.status",
  "conversations.tags": "$.tags",
  "conversations.attributes": "$",
  "conversations.declared_messages":
    "$.conversation.incomingMessageCount, $.conversation.outgoingMessageCount (webhook conversation.closed)",
  "conversations.started_at": "$.created_at",
  "conversations.last_message_at": "$.status[*].timestamp, $.messageId",
  "messages.provider_id": "$.messageId",
  "messages.role": "$.traffic, $.sender.source",
  "messages.provider_role": "$.sender.source",
  "messages.type": "$.message.type",
  "messages.content": "$.message.text",
  "messages.sent_at": "$.status[*].timestamp, $.messageId",
  "messages.attributes": "$",
  "contacts.provider_id": "$.id",
  "contacts.name": "$.firstName, $.lastName",
  "contacts.email": "$.email",
  "contacts.phone": "$.phone",
  "contacts.attributes": "$"
}
