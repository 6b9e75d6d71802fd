import { Schema } from "effect"
import {
  anyTime,
  decoder,
  epochTime,
  flag,
  json,
  number,
  numericId,
  optional,
  text,
  textOrNumber,
  word
} from "../kit/decode.ts"

/** https://developers.aelyst.ai/api/operations/getcontact/: the name is all that it calls required beside the id. */
const CustomField = Schema.Struct({
  name: text,
  value: optional(Schema.Union(text, number, flag))
})

/** The page requires all four inside; deleted users were seen as an empty object and as a word. */
const Assignee = Schema.Union(
  Schema.Struct({
    id: optional(numericId),
    firstName: optional(text),
    lastName: optional(text),
    email: optional(text)
  }),
  text
)

/** https://developers.aelyst.ai/api/operations/getcontact/, and each item of the list. */
export const Contact = Schema.Struct({
  id: numericId,
  firstName: optional(text),
  lastName: optional(text),
  phone: optional(text),
  email: optional(text),
  language: optional(text),
  profilePic: optional(text),
  countryCode: optional(text),
  custom_fields: optional(Schema.Array(CustomField)),
  /** Of the one conversation a contact has. What is written as `close` reads `closed`. */
  status: optional(word("open", "closed", "blocked")),
  tags: optional(Schema.Array(text)),
  assignee: optional(Assignee),
  lifecycle: optional(text),
  /** Unix seconds. */
  created_at: optional(epochTime),
  isBlocked: optional(flag)
})
export type Contact = typeof Contact.Type

/** The kinds of content are an open set; these are the fields of the documented ones that are read here. */
const Content = Schema.Struct({
  type: optional(
    word("text", "attachment", "quick_reply", "email", "custom_payload", "whatsapp_template", "location")
  ),
  text: optional(text),
  /** Of a quick reply. */
  title: optional(text),
  messageTag: optional(text),
  subject: optional(text),
  attachment: optional(Schema.Struct({ type: optional(text), url: optional(text) }))
})

/** https://developers.aelyst.ai/api/operations/getmessage/: what happened to a message, in Unix seconds. */
const Delivery = Schema.Struct({
  value: optional(word("pending", "sent", "delivered", "read", "failed")),
  timestamp: optional(epochTime),
  message: optional(text)
})

const Sender = Schema.Struct({
  source: optional(word("user", "ai_agent", "workflow", "api", "broadcast", "echo")),
  /** Text by its type, numbers in its example. */
  userId: optional(textOrNumber),
  teamId: optional(textOrNumber)
})

/**
 * https://developers.aelyst.ai/api/operations/getmessage/. A message is documented without a time of its own; the four
 * names it might have are read all the same.
 */
export const Message = Schema.Struct({
  messageId: numericId,
  channelMessageId: optional(textOrNumber),
  contactId: optional(numericId),
  channelId: optional(numericId),
  traffic: optional(word("incoming", "outgoing")),
  message: optional(Content),
  status: optional(Schema.Array(Delivery)),
  sender: optional(Sender),
  timestamp: optional(anyTime),
  createdAt: optional(anyTime),
  created_at: optional(anyTime),
  sentAt: optional(anyTime)
})
export type Message = typeof Message.Type

/** https://developers.aelyst.ai/api/operations/listclosingnotes/: every list comes like this. */
export const List = Schema.Struct({
  items: Schema.Array(json),
  pagination: optional(Schema.Struct({ next: optional(textOrNumber) }))
})

/** https://developers.aelyst.ai/api/operations/updateconversationstatus/ */
export const StatusUpdated = Schema.Struct({ contactId: optional(numericId) })

/** The fields that give a conversation's status: a fault in any other field is no reason not to know it. */
export const ContactState = Contact.pick("id", "status", "tags")
export type ContactState = typeof ContactState.Type

/** What distinguishes a contact from one of the same id in another workspace; each is read by itself. */
export const decodeLikeness = {
  startedAt: decoder(Contact.pick("created_at")),
  phone: decoder(Contact.pick("phone")),
  email: decoder(Contact.pick("email"))
}

export const decodeContact = decoder(Contact)
export const decodeState = decoder(ContactState)
export const decodeMessage = decoder(Message)
export const decodeList = decoder(List)
export const decodeStatusUpdated = decoder(StatusUpdated)
