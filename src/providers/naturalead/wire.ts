import { Schema } from "effect"
import {
  addressId,
  count,
  countLike,
  decoder,
  flag,
  integer,
  isoTime,
  json,
  optional,
  text,
  textOrNumber,
  word
} from "../kit/decode.ts"

/** https://docs.naturalead.ai/api-reference/conversations/list-conversations: a message carries no id. */
export const Message = Schema.Struct({
  role: optional(word("agent", "user", "lead")),
  content: optional(text),
  timestamp: optional(isoTime),
  agentConfigId: optional(text)
})
export type Message = typeof Message.Type

/**
 * https://docs.naturalead.ai/api-reference/conversations/get-conversation, and each element of the list. Only the id
 * is insisted on; the page calls more fields required than a conversation needs to be kept.
 */
export const Conversation = Schema.Struct({
  _id: addressId,
  /** Text here, a whole number where leads are listed. */
  leadId: optional(textOrNumber),
  accountId: optional(text),
  agentConfigId: optional(text),
  channel: optional(word("whatsapp", "telegram", "email")),
  leadPhone: optional(text),
  status: optional(word("active", "completed", "handed_off", "dropped")),
  currentStageIndex: optional(integer),
  /** Decoded one by one, so that one unreadable message does not take the others with it. */
  messages: optional(Schema.Array(json)),
  messageCount: optional(count),
  createdAt: optional(isoTime),
  updatedAt: optional(isoTime),
  campaignId: optional(text),
  leadEmail: optional(text),
  currentStageName: optional(text),
  summary: optional(text),
  qualificationResult: optional(Schema.Struct({ qualified: optional(flag), reason: optional(text) }))
})
export type Conversation = typeof Conversation.Type

/** The fields that give a conversation's status: a fault in any other field is no reason not to know it. */
export const ConversationState = Conversation.pick("_id", "status", "updatedAt")
export type ConversationState = typeof ConversationState.Type

export const decodeConversation = decoder(Conversation)
export const decodeState = decoder(ConversationState)
export const decodeMessage = decoder(Message)

/**
 * https://docs.naturalead.ai/api-reference/overview: the page of the list shows a bare array, the overview says that
 * lists may come in an envelope under one of such names.
 */
export const listNames = ["conversations", "data", "items", "results"]

/** What an envelope says about the whole list. */
export const Envelope = Schema.Struct({ total: optional(countLike) })
export const decodeEnvelope = decoder(Envelope)
