import { type Plan, personOf } from "../../dialogues.ts"
import { mix, pick, uuid } from "../../random.ts"
import type { Fields } from "../../vendor.ts"
import { makeWorld, type World, type WorldInput } from "../../world.ts"
import { isoMillis, isoSeconds } from "../times.ts"

/** A conversation as Empfio lists it. https://docs.empfio.de/api/conversations */
export interface EmpfioConversation {
  id: string
  lead_id: string | null
  session_key: string
  channel: string
  status: string
  message_count: number
  created_at: string
  updated_at: string
  lead: { id: string; name: string; email: string | null } | null
  last_message_at: string | null
  last_message_preview: string | null
}

export interface EmpfioMessage {
  readonly id: string
  readonly conversation_id: string
  readonly role: string
  readonly content: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly created_at: string
}

/** What the documentation leaves open, and what an account can be like. */
export interface EmpfioOptions {
  email: string
  password: string
  /** Requests that a token from a login lives for; null: any number. */
  tokenRequests: number | null
  /** Seconds that it lives for, which the token then says itself; null: forever. */
  tokenSeconds: number | null
  /** A token that needs no login and never ends. */
  token: string
  /** What `size` above 100 (and `limit` above 500) does. */
  tooLarge: "clamped" | "refused"
  /** A page past the end: no rows, or 404. */
  pastTheEnd: "empty" | "missing"
  order: "updated_at" | "created_at" | "none"
  /** What PATCH answers: the conversation, or 204 without a body. */
  patchAnswers: "body" | "nothing"
  /** At most so many messages, the oldest, in GET conversation; null: all. */
  detailMessages: number | null
  /** Direction of the messages endpoint. */
  messageOrder: "oldest-first" | "newest-first"
  statusMovesUpdatedAt: boolean
  /** How times are written: `2026-03-07T10:00:00Z`, with a fraction, or with an offset. */
  times: "plain" | "fraction" | "offset"
  /** None is documented; null: none is kept. */
  limit: { requests: number; perMillis: number } | null
}

export interface EmpfioState {
  readonly seed: number
  readonly options: EmpfioOptions
  readonly world: World<EmpfioConversation, EmpfioMessage>
  /** Epoch milliseconds as the options have times written. */
  readonly stamp: (millis: number) => string
}

export const statuses = ["active", "completed", "escalated", "abandoned"]

export const conversationFields: Fields = {
  id: "id",
  lead_id: "text",
  session_key: "text",
  channel: "word",
  status: "word",
  message_count: "number",
  created_at: "time",
  updated_at: "time",
  lead: "object",
  last_message_at: "time",
  last_message_preview: "text",
  messages: "list"
}
export const messageFields: Fields = {
  id: "id",
  conversation_id: "text",
  role: "word",
  content: "text",
  metadata: "object",
  created_at: "time"
}

const roles = { customer: "user", agent: "assistant", human: "assistant", system: "system" } as const

const statusOf = (plan: Plan): string =>
  plan.handedOff ? "escalated" : pick(["active", "completed", "completed", "abandoned"], mix(plan.key, 51))

const preview = (text: string | null) =>
  text === null ? null : text.length > 40 ? `${text.slice(0, 37)}...` : text

/** `times` is asked again for every record, because options may change. */
export const makeEmpfioWorld = (
  input: WorldInput,
  times: () => EmpfioOptions["times"]
): Pick<EmpfioState, "world" | "stamp"> => {
  const stamp = (millis: number): string => {
    const kind = times()
    if (kind === "plain") return `${isoSeconds(millis)}Z`
    return kind === "offset" ? `${isoSeconds(millis)}+00:00` : isoMillis(millis).replace("Z", "417Z")
  }
  const world = makeWorld<EmpfioConversation, EmpfioMessage>(input, {
    statuses,
    idOf: (conversation) => conversation.id,
    create: (plan, index, last) => {
      const person = personOf(plan.key)
      const channel = pick(["whatsapp", "whatsapp", "telegram", "web", "voice"], mix(plan.key, 52))
      const leadId = uuid(plan.key, 54)
      const known = index % 25 !== 9
      return {
        id: uuid(plan.key, 53),
        lead_id: known ? leadId : null,
        session_key: `${channel}_${person.phone}`,
        channel,
        status: statusOf(plan),
        message_count: plan.count,
        created_at: stamp(plan.startedAt),
        updated_at: stamp(plan.lastAt),
        lead: known ? { id: leadId, name: person.name, email: person.email } : null,
        last_message_at: plan.count === 0 ? null : stamp(plan.lastAt),
        last_message_preview: preview(last)
      }
    },
    message: (line, position, conversation) => ({
      id: uuid(Number.parseInt(conversation.id.slice(0, 8), 16), 1000 + position),
      conversation_id: conversation.id,
      role: roles[line.by],
      content: line.text,
      metadata: line.by === "customer" ? {} : { model: "agent-2", latency_ms: line.hash % 4000 },
      created_at: stamp(line.at)
    }),
    said: (conversation, line, count) => {
      conversation.message_count = count
      conversation.updated_at = stamp(line.at)
      conversation.last_message_at = stamp(line.at)
      conversation.last_message_preview = preview(line.text)
    },
    statusChanged: (conversation, status, at) => {
      conversation.status = status
      conversation.updated_at = stamp(at)
    }
  })
  return { world, stamp }
}
