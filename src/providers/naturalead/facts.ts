import type { PersonalFields } from "../../privacy/policy.ts"
import type { Facts } from "../kit/facts.ts"

export const title = "NaturaLead"

const docs = "https://docs.naturalead.ai"
const api = `${docs}/api-reference`
const list = `${api}/conversations/list-conversations`
const minute = 60_000

export const facts = {
  endpoints: {
    list: { is: "GET /conversations", source: list },
    detail: { is: "GET /conversations/{id}", source: `${api}/conversations/get-conversation` },
    status: { is: "PATCH /conversations/{id}/status", source: `${api}/conversations/update-status` }
  },
  credential: { is: { header: "X-API-Key", prefix: "" }, source: `${docs}/authentication` },
  sizes: {
    /** Of lists that are paged; the page of conversations names no parameter. */
    page: { is: 100, source: `${api}/leads/list-leads` },
    search: { is: 100, source: list }
  },
  rates: {
    key: { is: { requests: 500, perMillis: minute }, source: `${docs}/rate-limits` },
    account: { is: { requests: 2_000, perMillis: minute }, source: `${docs}/rate-limits` },
    address: { is: { requests: 1_000, perMillis: minute }, source: `${docs}/rate-limits` }
  },
  words: {
    "conversation.status": { is: ["active", "completed", "handed_off", "dropped"], source: list },
    "conversation.channel": { is: ["whatsapp", "telegram", "email"], source: list },
    "write.status": {
      is: ["completed", "handed_off", "dropped"],
      source: `${api}/conversations/update-status`
    }
  },
  records: {
    conversation: {
      is: {
        _id: "text",
        leadId: "text",
        accountId: "text",
        agentConfigId: "text",
        channel: "text",
        leadPhone: "text",
        status: "text",
        currentStageIndex: "number",
        messages: "list",
        messageCount: "number",
        createdAt: "text",
        updatedAt: "text",
        campaignId: "text?",
        leadEmail: "text?",
        currentStageName: "text?",
        summary: "text?",
        qualificationResult: "object?"
      },
      source: list
    },
    message: {
      is: { role: "text", content: "text", timestamp: "text", agentConfigId: "text?" },
      source: list
    }
  }
} satisfies Facts

/** https://docs.naturalead.ai/api-reference/conversations/get-conversation, and the envelopes that lists may come in. */
export const personal: PersonalFields = {
  conversations: "within",
  data: "within",
  items: "within",
  results: "within",
  total: "keep",
  _id: "keep",
  leadId: "contact",
  accountId: "keep",
  agentConfigId: "keep",
  channel: "keep",
  leadPhone: "phone",
  leadEmail: "email",
  status: "keep",
  currentStageIndex: "keep",
  currentStageName: "keep",
  messages: "within",
  role: "keep",
  content: "text",
  timestamp: "keep",
  messageCount: "keep",
  createdAt: "keep",
  updatedAt: "keep",
  campaignId: "keep",
  summary: "text",
  qualificationResult: "within",
  qualified: "keep",
  reason: "text"
}
