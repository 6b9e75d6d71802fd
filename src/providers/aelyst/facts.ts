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
