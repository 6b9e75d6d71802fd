import type { Line } from "../../dialogues.ts"
import { mix, pick } from "../../random.ts"
import type { Fields } from "../../vendor.ts"

/** https://developers.aelyst.ai/api/operations/getmessage/ */
export interface AelystMessage {
  readonly messageId: number
  readonly channelMessageId: string | number
  readonly contactId: number
  readonly channelId: number
  readonly traffic: "incoming" | "outgoing"
  readonly message: Readonly<Record<string, unknown>>
  readonly status?: ReadonlyArray<{ value: string; timestamp: number; message?: string }>
  readonly sender?: Readonly<Record<string, unknown>>
}

export const messageFields: Fields = {
  messageId: "id",
  contactId: "number",
  channelId: "number",
  traffic: "word",
  message: "object",
  status: "list",
  sender: "object"
}

interface Shape {
  readonly incomingDetails: boolean
  readonly messageIds: "seconds" | "micros" | "sequence"
}

const incoming = (line: Line): Readonly<Record<string, unknown>> => {
  switch (mix(line.hash, 71) % 40) {
    case 0:
      return {
        type: "attachment",
        attachment: { type: "image", url: `https://files.example/${line.hash}.jpg` }
      }
    case 1:
      return { type: "location", latitude: 52.52, longitude: 13.405 }
    case 2:
      return { type: "unsupported" }
    case 3:
      return { type: "email", text: line.text, subject: "Re: your question" }
    default:
      return { type: "text", text: line.text }
  }
}

const outgoing = (line: Line): Readonly<Record<string, unknown>> => {
  switch (mix(line.hash, 71) % 40) {
    case 0:
      return { type: "quick_reply", title: line.text, replies: ["Yes", "No"] }
    case 1:
      return { type: "whatsapp_template", template: { name: "reminder", languageCode: "en" } }
    case 2:
      return { type: "text", text: line.text, messageTag: "ACCOUNT_UPDATE" }
    default:
      return { type: "text", text: line.text }
  }
}

const senderOf = (line: Line): Readonly<Record<string, unknown>> => {
  if (line.by === "human") return { source: "user", userId: 5001, teamId: 77 }
  if (line.by === "system") return { source: "workflow", workflowId: 12 }
  return pick(
    [
      { source: "ai_agent" },
      { source: "ai_agent" },
      { source: "api" },
      { source: "broadcast", broadcastHistoryId: 9 }
    ],
    mix(line.hash, 72)
  )
}

const idOf = (line: Line, position: number, contactId: number, kind: Shape["messageIds"]): number => {
  if (kind === "sequence") return contactId * 10_000 + position + 1
  return kind === "micros" ? line.at * 1000 + (position % 1000) : line.tick
}

export const renderMessage = (
  line: Line,
  position: number,
  contactId: number,
  shape: Shape
): AelystMessage => {
  const customer = line.by === "customer"
  const sent = Math.floor(line.at / 1000)
  const shared = {
    messageId: idOf(line, position, contactId, shape.messageIds),
    channelMessageId: line.hash % 2 === 0 ? `wamid.${line.hash.toString(36)}` : line.hash,
    contactId,
    channelId: 1,
    traffic: customer ? ("incoming" as const) : ("outgoing" as const),
    message: customer ? incoming(line) : outgoing(line)
  }
  if (customer && !shape.incomingDetails) return shared
  if (customer)
    return { ...shared, status: [{ value: "delivered", timestamp: sent }], sender: { source: "contact" } }
  const failed = mix(line.hash, 73) % 60 === 0
  return {
    ...shared,
    status: failed
      ? [
          { value: "pending", timestamp: sent },
          { value: "failed", timestamp: sent + 4, message: "Window closed" }
        ]
      : [
          { value: "sent", timestamp: sent },
          { value: "delivered", timestamp: sent + 1 },
          { value: "read", timestamp: sent + 30 }
        ],
    sender: senderOf(line)
  }
}
