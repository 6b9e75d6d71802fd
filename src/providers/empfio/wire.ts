import { Schema } from "effect"
import {
  addressId,
  count,
  decoder,
  id,
  integerLike,
  isoTime,
  jsonObject,
  optional,
  text,
  word
} from "../kit/decode.ts"

/** `{id, name, email}` in the list, `{id, name}` where one conversation is requested. */
const Lead = Schema.Struct({ id: optional(text), name: optional(text), email: optional(text) })

const conversationFields = {
  id: addressId,
  lead_id: optional(text),
  session_key: optional(text),
  channel: optional(word("whatsapp", "telegram", "web", "voice")),
  status: optional(word("active", "completed", "escalated", "abandoned")),
  message_count: optional(count),
  created_at: optional(isoTime),
  updated_at: optional(isoTime),
  lead: optional(Lead),
  last_message_at: optional(isoTime),
  last_message_preview: optional(text)
}

/** A row of the list. https://docs.empfio.de/api/conversations */
export const Row = Schema.Struct(conversationFields)
export type Row = typeof Row.Type

/**
 * One conversation. Its example lacks `message_count` and the last message's time and preview, and has `messages`,
 * which are decoded one by one, so that an unreadable one does not take the others with it.
 * https://docs.empfio.de/api/conversations
 */
export const Detail = Schema.Struct({
  ...conversationFields,
  messages: optional(Schema.Array(Schema.Unknown))
})
export type Detail = typeof Detail.Type

/** When a conversation began: of a row that is as it was stored, nothing else is read. */
const Beginning = Row.pick("created_at")

/** The fields that give a conversation's status: a fault in any other field is no reason not to know it. */
export const ConversationState = Row.pick("id", "status", "updated_at")
export type ConversationState = typeof ConversationState.Type

/** https://docs.empfio.de/api/conversations */
export const Message = Schema.Struct({
  id,
  conversation_id: optional(text),
  role: optional(word("user", "assistant", "system")),
  content: optional(text),
  metadata: optional(jsonObject),
  created_at: optional(isoTime)
})
export type Message = typeof Message.Type

/** The list. Without `total` or `size` it is read all the same. https://docs.empfio.de/api/conversations */
export const List = Schema.Struct({
  conversations: Schema.Array(Schema.Unknown),
  total: optional(integerLike),
  page: optional(integerLike),
  size: optional(integerLike)
})
export type List = typeof List.Type

/** https://docs.empfio.de/api/authentication: no time of expiry is documented. */
export const Login = Schema.Struct({ access_token: Schema.NonEmptyString, token_type: optional(text) })

export const decodeRow = decoder(Row)
export const decodeBeginning = decoder(Beginning)
export const decodeDetail = decoder(Detail)
export const decodeState = decoder(ConversationState)
export const decodeMessage = decoder(Message)
export const decodeList = decoder(List)
export const decodeLogin = decoder(Login)
