import type { PersonalFields } from "../../privacy/policy.ts"
import type { Facts } from "../kit/facts.ts"

export const title = "Empfio"

const page = "https://docs.empfio.de/api/conversations"
const authentication = "https://docs.empfio.de/api/authentication"

const conversation = {
  id: "text",
  /** Null is not ruled out: an agent may talk before there is a lead. */
  lead_id: "text?",
  session_key: "text",
  channel: "text",
  status: "text",
  created_at: "text",
  updated_at: "text",
  lead: "object?"
} as const

export const facts = {
  endpoints: {
    list: { is: "GET /api/v1/conversations", source: page },
    detail: { is: "GET /api/v1/conversations/{id}", source: page },
    messages: { is: "GET /api/v1/conversations/{id}/messages", source: page },
    status: { is: "PATCH /api/v1/conversations/{id}", source: page },
    me: { is: "GET /api/v1/auth/me", source: authentication },
    login: { is: "POST /api/v1/auth/login", source: authentication }
  },
  credential: { is: { header: "authorization", prefix: "Bearer " }, source: authentication },
  sizes: {
    page: { is: 100, source: page },
    messages: { is: 500, source: page }
  },
  rates: {},
  words: {
    "conversation.status": { is: ["active", "completed", "escalated", "abandoned"], source: page },
    "conversation.channel": { is: ["whatsapp", "telegram", "web", "voice"], source: page },
    "message.role": { is: ["user", "assistant", "system"], source: page },
    "write.status": { is: ["active", "completed", "escalated", "abandoned"], source: page }
  },
  records: {
    conversation: {
      is: {
        ...conversation,
        message_count: "number",
        last_message_at: "text?",
        last_message_preview: "text?"
      },
      source: page
    },
    detail: { is: { ...conversation, messages: "list" }, source: page },
    message: {
      is: {
        id: "text",
        conversation_id: "text",
        role: "text",
        content: "text",
        metadata: "object?",
        created_at: "text"
      },
      source: page
    }
  }
} satisfies Facts

/** https://docs.empfio.de/api/conversations and, of the account, https://docs.empfio.de/api/authentication. */
export const personal: PersonalFields = {
  conversations: "within",
  total: "keep",
  page: "keep",
  size: "keep",
  id: "keep",
  lead_id: "contact",
  session_key: "channel",
  channel: "keep",
  status: "keep",
  message_count: "keep",
  created_at: "keep",
  updated_at: "keep",
  lead: "within",
  "lead.id": "contact",
  name: "name",
  email: "email",
  last_message_at: "keep",
  last_message_preview: "text",
  messages: "within",
  conversation_id: "keep",
  role: "keep",
  content: "text",
  metadata: "open",
  user: "within",
  organization: "within",
  organization_id: "keep"
}
