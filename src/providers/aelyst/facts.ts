import type { PersonalFields } from "../../privacy/policy.ts"
import type { Facts } from "../kit/facts.ts"

export const title = "Aelyst"

const docs = "https://developers.aelyst.ai"
const operation = (name: string): string => `${docs}/api/operations/${name}/`

export const facts = {
  endpoints: {
    list: { is: "POST /contact/list", source: operation("listcontacts") },
    detail: { is: "GET /contact/id:{contact}", source: operation("getcontact") },
    messages: { is: "GET /contact/id:{contact}/message/list", source: operation("listmessages") },
    message: { is: "GET /contact/id:{contact}/message/{message}", source: operation("getmessage") },
    status: {
      is: "POST /contact/id:{contact}/conversation/status",
      source: operation("updateconversationstatus")
    }
  },
  credential: { is: { header: "Authorization", prefix: "Bearer " }, source: `${docs}/` },
  sizes: {
    /** The page prints "below 100" beside "at most 100": this is right either way. */
    contacts: { is: 99, source: operation("listcontacts") },
    messages: { is: 50, source: operation("listmessages") },
    category: { is: 128, source: operation("updateconversationstatus") },
    summary: { is: 512, source: operation("updateconversationstatus") }
  },
  /** For each method and full path, ids included; the query is taken not to count. */
  rates: { path: { is: { requests: 5, perMillis: 1_000 }, source: `${docs}/` } },
  words: {
    "contact.status": { is: ["open", "closed", "blocked"], source: operation("getcontact") },
    "message.traffic": { is: ["outgoing", "incoming"], source: operation("getmessage") },
    "write.status": { is: ["open", "close"], source: operation("updateconversationstatus") }
  },
  records: {
    contact: {
      is: {
        id: "number",
        firstName: "text",
        lastName: "text?",
        phone: "text?",
        email: "text?",
        language: "text?",
        profilePic: "text?",
        countryCode: "text?",
        custom_fields: "list?",
        status: "text?",
        tags: "list?",
        assignee: "object?",
        lifecycle: "text?",
        created_at: "number?",
        isBlocked: "flag?"
      },
      source: operation("getcontact")
    },
    message: {
      is: {
        messageId: "number",
        channelMessageId: "text or number?",
        contactId: "number",
        channelId: "number",
        traffic: "text",
        message: "object",
        status: "list?",
        sender: "object?"
      },
      source: operation("getmessage")
    }
  }
} satisfies Facts

/**
 * https://developers.aelyst.ai/api/operations/getcontact/ and /getmessage/. A contact's id is a number that counts
 * contacts. What a channel calls a message may hold the number of who sent it.
 */
export const personal: PersonalFields = {
  items: "within",
  pagination: "within",
  next: "keep",
  previous: "keep",
  id: "keep",
  firstName: "name",
  lastName: "name",
  phone: "phone",
  email: "email",
  language: "keep",
  profilePic: "name",
  countryCode: "keep",
  custom_fields: "within",
  "custom_fields.name": "keep",
  "custom_fields.value": "open",
  status: "keep",
  "status.value": "keep",
  "status.timestamp": "keep",
  "status.message": "text",
  tags: "text",
  assignee: "within",
  lifecycle: "keep",
  created_at: "keep",
  isBlocked: "keep",
  messageId: "keep",
  channelMessageId: "contact",
  contactId: "keep",
  channelId: "keep",
  traffic: "keep",
  message: "within",
  type: "keep",
  text: "text",
  title: "text",
  messageTag: "keep",
  subject: "text",
  attachment: "within",
  url: "text",
  sender: "within",
  source: "keep",
  userId: "keep",
  teamId: "keep",
  timestamp: "keep",
  createdAt: "keep",
  sentAt: "keep"
}
