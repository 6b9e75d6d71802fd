import { type Plan, personOf } from "../../dialogues.ts"
import { hex, mix, pick, unit } from "../../random.ts"
import type { Fields } from "../../vendor.ts"
import { makeWorld, type World, type WorldInput } from "../../world.ts"
import { isoMillis } from "../times.ts"

/** A conversation as NaturaLead keeps it, without its messages. https://docs.naturalead.ai/api-reference/conversations/list-conversations */
export interface NaturaLeadConversation {
  _id: string
  leadId: string
  accountId: string
  agentConfigId: string
  channel: string
  leadPhone: string
  status: string
  currentStageIndex: number
  messageCount: number
  createdAt: string
  updatedAt: string
  campaignId?: string
  leadEmail?: string | null
  currentStageName?: string
  summary?: string | null
  qualificationResult?: { qualified: boolean; reason: string }
}

export interface NaturaLeadMessage {
  readonly role: string
  readonly content: string
  readonly timestamp: string
  readonly agentConfigId: string
}

/** What the documentation leaves open, and what an account can be like. */
export interface NaturaLeadOptions {
  apiKey: string
  /** What the key may do; a missing one is answered with 403. */
  scopes: ReadonlyArray<string>
  /**
   * What `skip` and `limit` do in the list. `capped`: at most `cap` rows whatever was asked; `truncated`: the first
   * `cap` rows, and `skip` is ignored.
   */
  paging: "ignored" | "honoured" | "capped" | "truncated"
  cap: number
  envelope: "bare" | "conversations" | "data"
  /** How many messages, the latest, stand in a list's row; null: all. */
  listMessages: number | null
  /** Direction of `messages`. */
  messageOrder: "oldest-first" | "newest-first"
  /** A status change moves `updatedAt`. */
  statusMovesUpdatedAt: boolean
  rateLimitHeaders: "separate" | "combined" | "none"
  /** Requests per minute. */
  limits: { global: number; key: number; account: number }
}

export interface NaturaLeadState {
  readonly seed: number
  readonly options: NaturaLeadOptions
  readonly world: World<NaturaLeadConversation, NaturaLeadMessage>
}

export const statuses = ["active", "completed", "handed_off", "dropped"]
const stages = ["Greeting", "Needs", "Qualification", "Offer", "Booking"]

export const conversationFields: Fields = {
  _id: "id",
  leadId: "text",
  accountId: "text",
  agentConfigId: "text",
  channel: "word",
  leadPhone: "text",
  status: "word",
  currentStageIndex: "number",
  messages: "list",
  messageCount: "number",
  createdAt: "time",
  updatedAt: "time",
  campaignId: "text",
  summary: "text",
  qualificationResult: "object"
}
export const messageFields: Fields = { role: "word", content: "text", timestamp: "time" }

const seconds = (millis: number) => Math.floor(millis / 1000)

const roles = { customer: "lead", agent: "agent", human: "human", system: "system" } as const

const statusOf = (plan: Plan): string =>
  plan.handedOff
    ? "handed_off"
    : pick(["active", "active", "completed", "completed", "dropped"], mix(plan.key, 51))

export const accountIdOf = (seed: number): string => hex(mix(seed, 900), 24)

interface Account {
  readonly id: string
  readonly agentConfigs: ReadonlyArray<string>
  readonly campaigns: ReadonlyArray<string>
}

const createConversation = (account: Account, plan: Plan, index: number): NaturaLeadConversation => {
  const person = personOf(plan.key)
  const status = statusOf(plan)
  const channel = pick(["whatsapp", "whatsapp", "telegram", "email"], mix(plan.key, 52))
  const stage = status === "completed" ? 4 : mix(plan.key, 53) % 4
  const conversation: NaturaLeadConversation = {
    _id: seconds(plan.startedAt).toString(16).padStart(8, "0") + hex(plan.key, 16),
    leadId: String(1 + (index - (index % 7 === 6 ? 1 : 0))),
    accountId: account.id,
    agentConfigId: pick(account.agentConfigs, mix(plan.key, 54)),
    channel,
    leadPhone: channel === "email" ? "" : person.phone,
    status,
    currentStageIndex: stage,
    messageCount: plan.count,
    createdAt: isoMillis(plan.startedAt),
    updatedAt: isoMillis(plan.lastAt)
  }
  if (mix(plan.key, 55) % 5 < 2) conversation.campaignId = pick(account.campaigns, mix(plan.key, 56))
  if (person.email !== null) conversation.leadEmail = person.email
  else if (mix(plan.key, 57) % 2 === 0) conversation.leadEmail = null
  if (mix(plan.key, 58) % 10 > 0) conversation.currentStageName = stages[stage] ?? "Greeting"
  if (status === "completed")
    conversation.summary = `${person.firstName} asked for an offer and agreed on a date.`
  else if (mix(plan.key, 59) % 8 === 0) conversation.summary = null
  if (status !== "active" && unit(mix(plan.key, 60)) < 0.7) {
    const qualified = status !== "dropped"
    conversation.qualificationResult = {
      qualified,
      reason: qualified ? "Budget and date fit." : "No answer after three messages."
    }
  }
  return conversation
}

export const makeNaturaLeadWorld = (input: WorldInput): NaturaLeadState["world"] => {
  const account: Account = {
    id: accountIdOf(input.seed),
    agentConfigs: [0, 1, 2].map((index) => hex(mix(input.seed, 910 + index), 24)),
    campaigns: [0, 1, 2, 3].map((index) => hex(mix(input.seed, 920 + index), 24))
  }
  return makeWorld<NaturaLeadConversation, NaturaLeadMessage>(input, {
    statuses,
    idOf: (conversation) => conversation._id,
    create: (plan, index) => createConversation(account, plan, index),
    message: (line, _position, conversation) => ({
      role: roles[line.by],
      content: line.text,
      timestamp: isoMillis(line.at),
      agentConfigId: conversation.agentConfigId
    }),
    said: (conversation, line, count) => {
      conversation.messageCount = count
      conversation.updatedAt = isoMillis(line.at)
    },
    statusChanged: (conversation, status, at) => {
      conversation.status = status
      conversation.updatedAt = isoMillis(at)
    }
  })
}
