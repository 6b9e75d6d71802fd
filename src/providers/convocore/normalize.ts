import { Either } from "effect"
import {
  type Contact,
  type Conversation,
  type Json,
  type JsonObject,
  normalizeChannel
} from "../../domain/Conversation.ts"
import { canonicalJson } from "../../domain/exactJson.ts"
import { isRecord } from "../../domain/isRecord.ts"
import type { StatusMap } from "../../domain/Status.ts"
import { allOf, attributes, undocumented } from "../kit/attributes.ts"
import { type Fault, filled, parseJson } from "../kit/decode.ts"
import { digest } from "../kit/digest.ts"
import { withLaterWord } from "../kit/order.ts"
import { overlay } from "../kit/overlay.ts"
import { unreadable, withoutPayload } from "../kit/page.ts"
import { statusMap as makeStatusMap } from "../kit/statusMap.ts"
import type { ColumnSources, RawPayload, RemoteState, Sighting, Unreadable } from "../Provider.ts"
import { agentIn } from "./address.ts"
import { readExport } from "./export.ts"
import { contactColumns, handoffAttributes, others, personal, takenOver } from "./fields.ts"
import {
  Conversation as ConversationSchema,
  type ConversationState,
  decodeConversation,
  type Conversation as WireConversation
} from "./wire.ts"

/**
 * The words that the vendor's schemas list, and `completed`, which only its example shows. There is none for an
 * abandoned conversation. https://docs.convocore.ai/api-reference/v3/conversations/update
 */
export const statusMap: StatusMap = makeStatusMap(
  {
    "ai-chatting": "active",
    requested_chat: "handed_off",
    "human-chatting": "handed_off",
    completed: "completed",
    ended_chat: "completed"
  },
  { active: "ai-chatting", handed_off: "requested_chat", completed: "completed" },
  { "human-chatting": "human-chatting", ended_chat: "ended_chat" }
)

/** How this connection's words and times are read. */
export interface Reading {
  readonly map: StatusMap
  /** The zone of exported times, which do not name theirs. */
  readonly timeZone: string
}

export type Kind = "conversation" | "detail" | "export"

/**
 * A payload as it is kept. The vendor's objects do not say which agent they belong to, so that the id they are kept
 * under is the agent's and their own: `agent-1/DL2kG9YWdZpGGOn`.
 */
export const rawPayload = (
  kind: Kind,
  agentId: string,
  id: string,
  conversationId: string,
  payload: string
): RawPayload => ({ kind, providerId: `${agentId}/${id}`, conversationId, payload })

/** A conversation as the list or the detail shows it. */
export interface Shown {
  readonly raw: RawPayload
  readonly value: Json
  readonly wire: WireConversation
}

interface Exported {
  readonly raw: RawPayload
  readonly value: Json
}

/** Everything the vendor's answers said of one conversation; at least a row or a detail. */
export interface Parts {
  readonly agentId: string
  /** As the mirror knows it: the vendor's id, or with the agent's where two agents hold the same one. */
  readonly providerId: string
  readonly row: Shown | null
  readonly detail: Shown | null
  readonly exported: Exported | null
}

/** Fields that change when a person merely opens the conversation. */
const volatile = new Set(["isTyping", "lastViewed"])

/** Of a listed row: another one means that the details must be fetched. */
export const rowMark = (value: Json): string =>
  digest(
    canonicalJson(
      isRecord(value)
        ? Object.fromEntries(Object.entries(value).filter(([name]) => !volatile.has(name)))
        : value
    )
  )

/** Of everything that messages move or are read by: another one means that they must be exported again. */
export const messagesMark = (wire: WireConversation): string =>
  digest(
    canonicalJson([
      wire.messagesNum,
      wire.interactionsNum,
      wire.sessionsNum,
      wire.totalUserInteractions,
      wire.lastMessage,
      // Written in seconds one time and in milliseconds another.
      wire.lastMessageTS?.slice(0, 19) ?? null,
      // Which messages are a person's.
      takenOver(wire).length === 0
        ? false
        : takenOver(wire).map(({ by, from, until }) => [by, `${from}`, `${until}`])
    ])
  )

/** Instead of a mark: the messages were not exported, or not to their end. */
export const noMessagesMark = "-"

/** Behind the marks: nothing that was read of it said its state. */
const stateless = "stateless"

/** @param state the conversation's, as it is stored */
export const fingerprintOf = (row: string, messages: string, state: string | null): string =>
  [row, messages, ...(state === null ? [stateless] : [])].join(".")

export const marksIn = (fingerprint: string) => {
  const [row = "", messages = noMessagesMark, last] = fingerprint.split(".")
  return { row, messages, hasState: last !== stateless }
}

/** Instead of a mark: the messages are those that were had when the row looked like this. */
export const listedMark = "listed"

/** The fingerprint by which the list alone shows a conversation again. */
export const listedAs = (fingerprint: string): string => {
  const { messages, row } = marksIn(fingerprint)
  return fingerprintOf(row, messages === noMessagesMark ? noMessagesMark : listedMark, "")
}

/** What row and detail say together, the detail being the later word. */
export const wireOf = ({ row, detail }: Pick<Parts, "row" | "detail">): WireConversation | null => {
  if (row === null || detail === null) return detail?.wire ?? row?.wire ?? null
  return overlay(row.wire, detail.wire)
}

/** Row and detail as they came, the detail's word before the row's. */
const recordOf = ({ row, detail }: Parts): JsonObject =>
  overlay((row?.value ?? {}) as JsonObject, (detail?.value ?? {}) as JsonObject)

const toContact = (wire: WireConversation, record: JsonObject, contactId: string | null): Contact | null =>
  contactId === null
    ? null
    : {
        providerId: contactId,
        name: filled(wire.userName),
        email: filled(wire.userEmail),
        phone: filled(wire.userPhone),
        attributes: attributes(record, personal)
      }

const toConversation = (
  wire: WireConversation,
  record: JsonObject,
  parts: Parts,
  contactId: string | null,
  map: StatusMap
): Conversation => {
  const origin = typeof wire.origin === "string" ? wire.origin : null
  const homeless = [
    ...others,
    ...(contactId === null ? contactColumns : []),
    ...(origin === null ? ["origin"] : [])
  ]
  return {
    providerId: parts.providerId,
    contactId,
    channel: normalizeChannel(origin),
    providerChannel: origin,
    status: map.read(wire.state),
    providerStatus: wire.state,
    agentId: parts.agentId,
    campaignId: filled(wire.campaignId),
    title: filled(wire.title),
    summary: filled(wire.summary),
    qualified: null,
    qualificationReason: null,
    tags: wire.tags ?? [],
    attributes: allOf(
      attributes(record, homeless),
      undocumented(record, ConversationSchema),
      handoffAttributes(wire)
    ),
    declaredMessages: wire.messagesNum,
    startedAt: wire.firstMessageTS ?? wire.ts,
    lastMessageAt: wire.lastMessageTS,
    updatedAt: wire.lastModified ?? wire.lastMessageTS
  }
}

/** One conversation from everything that was said of it. `fingerprint`: as if the export showed all there is. */
export const toSighting = (wire: WireConversation, parts: Parts, { map, timeZone }: Reading): Sighting => {
  const record = recordOf(parts)
  const contactId = filled(wire.userID)
  const { row, detail, exported, providerId } = parts
  const read =
    exported === null
      ? { items: null, unreadable: [] }
      : readExport(exported.value, exported.raw.providerId, {
          conversationId: providerId,
          timeZone,
          takenOver: takenOver(wire),
          declared: wire.messagesNum
        })
  const messages = exported === null ? noMessagesMark : messagesMark(wire)
  return {
    _tag: "Sighting",
    conversation: toConversation(wire, record, parts, contactId, map),
    contact: toContact(wire, record, contactId),
    messages: read.items === null ? null : { extent: "whole", items: read.items },
    unreadable: read.unreadable,
    raw: [row, detail, exported].flatMap((part) => part?.raw ?? []),
    fingerprint: row === null ? null : fingerprintOf(rowMark(row.value), messages, wire.state)
  }
}

const readPayload = <A>(raw: RawPayload, read: (value: Json) => Either.Either<A, Fault>) =>
  Either.mapLeft(Either.flatMap(parseJson(raw.payload), read), (fault) => unreadable(raw, fault))

const readShown = (raw: RawPayload) =>
  readPayload(raw, (value) =>
    Either.map(decodeConversation(value), ({ wire }): Shown => ({ raw, value, wire }))
  )

const none = Either.right(null)

/** A sighting again from what was kept of it: of each kind of payload the last. */
export const interpret = (payloads: ReadonlyArray<RawPayload>, reading: Reading): Sighting | Unreadable => {
  const last = (kind: Kind) => payloads.findLast((payload) => payload.kind === kind)
  const [rowPayload, detailPayload, exportPayload] = [last("conversation"), last("detail"), last("export")]
  const row = rowPayload === undefined ? none : readShown(rowPayload)
  const detail = detailPayload === undefined ? none : readShown(detailPayload)
  const exported =
    exportPayload === undefined
      ? none
      : readPayload(exportPayload, (value) => Either.right<Exported>({ raw: exportPayload, value }))
  if (Either.isLeft(row)) return row.left
  if (Either.isLeft(detail)) return detail.left
  if (Either.isLeft(exported)) return exported.left
  const wire = wireOf({ row: row.right, detail: detail.right })
  const raw = (detail.right ?? row.right)?.raw
  if (wire === null || raw === undefined) return withoutPayload("conversation")
  const parts: Parts = {
    agentId: agentIn(raw),
    providerId: raw.conversationId,
    row: row.right,
    detail: detail.right,
    exported: exported.right
  }
  const whole = toSighting(wire, parts, reading)
  return withLaterWord(parts, whole, (row) => toSighting(row.wire, { ...parts, detail: null }, reading))
}

export const toRemoteState = (wire: ConversationState, map: StatusMap): RemoteState => ({
  status: map.read(wire.state),
  providerStatus: wire.state,
  updatedAt: wire.lastModified ?? wire.lastMessageTS,
  title: filled(wire.title),
  tags: wire.tags ?? []
})

/** Where each column comes from, as JSON paths of the raw records. */
export const columns: ColumnSources = {
  "conversations.provider_id": "$.ID",
  "conversations.contact_id": "$.userID",
  "conversations.provider_channel": "$.origin",
  "conversations.remote_status": "$.state",
  "conversations.provider_status": "$.state",
  "conversations.campaign_id": "$.campaignId",
  "conversations.title": "$.title",
  "conversations.summary": "$.summary",
  "conversations.tags": "$.tags",
  "conversations.attributes": "$",
  "conversations.declared_messages": "$.messagesNum",
  "conversations.started_at": "$.firstMessageTS, $.ts",
  "conversations.last_message_at": "$.lastMessageTS",
  "conversations.updated_at": "$.lastModified",
  "messages.role": "$.turns[*].from, $.turns[*].messages[*].payload.aiGenerated",
  "messages.provider_role": "$.turns[*].from",
  "messages.type": "$.turns[*].messages[*].type",
  "messages.content": "$.turns[*].messages[*].payload.message",
  "messages.sent_at": "$.turns[*].messages[*].ts",
  "messages.attributes": "$.turns[*].messages[*]",
  "contacts.provider_id": "$.userID",
  "contacts.name": "$.userName",
  "contacts.email": "$.userEmail",
  "contacts.phone": "$.userPhone",
  "contacts.attributes": "$",
  "account_bindings.account": "ownerID of the agents: the workspace"
}
