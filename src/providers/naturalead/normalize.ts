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
import { type Fault, filled } from "../kit/decode.ts"
import { digest } from "../kit/digest.ts"
import { isNewestFirst } from "../kit/order.ts"
import { lastSentAt, unreadable, withoutPayload } from "../kit/page.ts"
import { statusMap as makeStatusMap } from "../kit/statusMap.ts"
import { decoded, type Written, written, writtenId } from "../kit/written.ts"
import type { ColumnSources, RawPayload, RemoteState, Sighting, Unreadable } from "../Provider.ts"
import {
  Conversation as ConversationSchema,
  type ConversationState,
  decodeConversation,
  decodeMessage,
  Message as MessageSchema,
  type Conversation as WireConversation,
  type Message as WireMessage
} from "./wire.ts"

/** The only kind of payload: a conversation with its messages. */
export const kind = "conversation"

/**
 * https://docs.naturalead.ai/api-reference/conversations/update-status: the words a conversation has, and the three
 * that can be requested.
 */
export const statusMap: StatusMap = makeStatusMap(
  { active: "active", handed_off: "handed_off", completed: "completed", dropped: "abandoned" },
  { handed_off: "handed_off", completed: "completed", abandoned: "dropped" }
)

/**
 * Of the bytes that show a conversation: the same bytes need not be looked at twice. They are another story where the
 * user wants no messages, so that wanting them again fetches them.
 */
export const fingerprintOf = (bytes: Uint8Array | string, messages = true): string =>
  messages ? digest(bytes) : `without-messages:${digest(bytes)}`

interface Numbered {
  readonly times: Map<string, number>
  readonly conversationId: string
}

/**
 * NaturaLead gives messages no id, so one is made from what a message is. Equal messages of one conversation are
 * distinguished by their number among equals, which appended messages do not change.
 */
const messageId = (
  numbered: Numbered,
  sentAt: string | null,
  role: string | null,
  content: string | null
) => {
  const key = digest(JSON.stringify([numbered.conversationId, sentAt, role, content]))
  const time = (numbered.times.get(key) ?? 0) + 1
  numbered.times.set(key, time)
  return time === 1 ? key : `${key}-${time}`
}

interface ReadMessages {
  readonly items: ReadonlyArray<Message>
  readonly unreadable: ReadonlyArray<Unreadable>
}

/** The readable messages, oldest first, and the others as they came. */
export const readMessages = (conversationId: string, list: ReadonlyArray<Json>): ReadMessages => {
  const faults: Array<Unreadable> = []
  const read: Array<{ readonly wire: WireMessage; readonly others: Attributes }> = []
  for (const entry of list) {
    const result = decodeMessage(entry)
    if (Either.isRight(result)) {
      read.push({ wire: result.right, others: undocumented(entry, MessageSchema) })
      continue
    }
    const record = { kind: "message", providerId: null, conversationId, payload: writeExactly(entry) }
    faults.push(unreadable(record, result.left))
  }
  if (isNewestFirst(read.map(({ wire }) => wire.timestamp))) read.reverse()
  const numbered: Numbered = { conversationId, times: new Map() }
  const items = read.map(
    ({ others, wire }): Message => ({
      messageId: messageId(numbered, wire.timestamp, wire.role, wire.content),
      providerId: null,
      role: normalizeRole(wire.role),
      providerRole: wire.role,
      type: "text",
      content: wire.content,
      sentAt: wire.timestamp,
      sentAtSource: wire.timestamp === null ? null : "timestamp",
      attributes: allOf(attributes(wire, ["agentConfigId"]), others)
    })
  )
  return { items, unreadable: faults }
}

const toContact = (wire: WireConversation): Contact | null =>
  filled(wire.leadId) === null
    ? null
    : {
        providerId: wire.leadId ?? "",
        name: null,
        email: filled(wire.leadEmail),
        phone: filled(wire.leadPhone),
        attributes: {}
      }

/** As it came, of a record that decodes. */
const recordIn = ({ value }: Written) => Either.getOrNull(value) as JsonObject

const toConversation = (
  wire: WireConversation,
  record: JsonObject,
  messages: ReadonlyArray<Message>,
  map: StatusMap
): Conversation => ({
  providerId: wire._id,
  contactId: filled(wire.leadId),
  channel: normalizeChannel(wire.channel),
  providerChannel: wire.channel,
  status: map.read(wire.status),
  providerStatus: wire.status,
  agentId: filled(wire.agentConfigId),
  campaignId: filled(wire.campaignId),
  title: null,
  summary: wire.summary,
  qualified: wire.qualificationResult?.qualified ?? null,
  qualificationReason: wire.qualificationResult?.reason ?? null,
  tags: [],
  attributes: allOf(
    attributes(record, ["accountId", "currentStageIndex", "currentStageName"]),
    undocumented(record, ConversationSchema)
  ),
  declaredMessages: wire.messageCount,
  startedAt: wire.createdAt,
  lastMessageAt: lastSentAt(messages),
  updatedAt: wire.updatedAt
})

/** Whether a response shows fewer messages than it says there are, so that the conversation must be requested by id. */
export const isShort = (sighting: Sighting): boolean =>
  (sighting.messages?.items.length ?? 0) + sighting.unreadable.length <
  (sighting.conversation.declaredMessages ?? 0)

const notAConversation = (record: Written, fault: Fault): Unreadable => {
  const id = writtenId(record, "_id")
  const payload = record.text
  return unreadable({ kind, providerId: id, conversationId: id, payload }, fault)
}

/**
 * One payload as a sighting.
 * @param map the connection's status words
 * @param fingerprint of the bytes that the list showed; left out: of the payload
 */
export const interpretPayload = (
  payload: string,
  map: StatusMap,
  fingerprint?: string
): Sighting | Unreadable => {
  const record = written(payload)
  const conversation = decoded(record, decodeConversation)
  if (Either.isLeft(conversation)) return notAConversation(record, conversation.left)
  const wire = conversation.right
  const messages = wire.messages === null ? null : readMessages(wire._id, wire.messages)
  return {
    _tag: "Sighting",
    conversation: toConversation(wire, recordIn(record), messages?.items ?? [], map),
    contact: toContact(wire),
    messages: messages === null ? null : { extent: "whole", items: messages.items },
    unreadable: messages?.unreadable ?? [],
    raw: [{ kind, providerId: wire._id, conversationId: wire._id, payload }],
    fingerprint: fingerprint ?? fingerprintOf(payload)
  }
}

/** A sighting again from what was kept of it. Of several payloads the last counts. */
export const interpret = (payloads: ReadonlyArray<RawPayload>, map: StatusMap): Sighting | Unreadable => {
  const kept = payloads.filter((payload) => payload.kind === kind).at(-1)
  return kept === undefined ? withoutPayload(kind) : interpretPayload(kept.payload, map)
}

export const toRemoteState = (wire: ConversationState, map: StatusMap): RemoteState => ({
  status: map.read(wire.status),
  providerStatus: wire.status,
  updatedAt: wire.updatedAt,
  title: null,
  tags: []
})

/** Where each column comes from, as JSON paths of the raw records. */
export const columns: ColumnSources = {
  "conversations.provider_id": "$._id",
  "conversations.contact_id": "$.leadId",
  "conversations.provider_channel": "$.channel",
  "conversations.remote_status": "$.status",
  "conversations.provider_status": "$.status",
  "conversations.agent_id": "$.agentConfigId",
  "conversations.campaign_id": "$.campaignId",
  "conversations.summary": "$.summary",
  "conversations.qualified": "$.qualificationResult.qualified",
  "conversations.qualification_reason": "$.qualificationResult.reason",
  "conversations.attributes": "$",
  "conversations.declared_messages": "$.messageCount",
  "conversations.started_at": "$.createdAt",
  "conversations.last_message_at": "$.messages[*].timestamp",
  "conversations.updated_at": "$.updatedAt",
  "messages.role": "$.messages[*].role",
  "messages.provider_role": "$.messages[*].role",
  "messages.content": "$.messages[*].content",
  "messages.sent_at": "$.messages[*].timestamp",
  "messages.attributes": "$.messages[*]",
  "contacts.provider_id": "$.leadId",
  "contacts.email": "$.leadEmail",
  "contacts.phone": "$.leadPhone",
  "account_bindings.account": "accountId of each conversation"
}
