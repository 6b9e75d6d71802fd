import { Redacted } from "effect"
import type { ProviderRequest } from "../../http/contract.ts"
import { route } from "../kit/facts.ts"
import { facts } from "./facts.ts"

/** The vendor's own words. */
export type ConversationStatus = "active" | "completed" | "escalated" | "abandoned"
export type Channel = "whatsapp" | "telegram" | "web" | "voice"

/** The largest page of the list, and of the messages. */
export const largestPage = facts.sizes.page.is
export const mostMessages = facts.sizes.messages.is

const atMost = (wanted: number | undefined, most: number): number | undefined =>
  wanted === undefined ? undefined : Math.min(wanted, most)

export interface ListOptions {
  /** From 1. Left out: the first. */
  readonly page?: number
  /** At most `largestPage`. Left out: 20. */
  readonly size?: number
  readonly leadId?: string
  readonly status?: ConversationStatus
  readonly channel?: Channel
}

/** https://docs.empfio.de/api/conversations. There is no filter by time, and the order is not documented. */
export const listConversations = (options: ListOptions = {}): ProviderRequest => ({
  operation: "list conversations",
  ...route(facts.endpoints.list),
  query: {
    page: options.page,
    size: atMost(options.size, facts.sizes.page.is),
    lead_id: options.leadId,
    status: options.status,
    channel: options.channel
  },
  // A page past the end may be answered with 404; the first page may not.
  mayBeMissing: (options.page ?? 1) > 1
})

/** https://docs.empfio.de/api/conversations: with all its messages, in chronological order. */
export const getConversation = (id: string): ProviderRequest => ({
  operation: "get a conversation",
  ...route(facts.endpoints.detail, { id }),
  mayBeMissing: true
})

interface MessagesOptions {
  /** At most `mostMessages`. Left out: 100. */
  readonly limit?: number
  readonly offset?: number
}

/** https://docs.empfio.de/api/conversations: a bare list, whose order is not documented. */
export const getMessages = (id: string, options: MessagesOptions = {}): ProviderRequest => ({
  operation: "get messages",
  ...route(facts.endpoints.messages, { id }),
  query: { limit: atMost(options.limit, facts.sizes.messages.is), offset: options.offset },
  mayBeMissing: true
})

/** https://docs.empfio.de/api/conversations. What it answers is not documented. */
export const updateStatus = (id: string, status: string): ProviderRequest => ({
  operation: "update a conversation's status",
  ...route(facts.endpoints.status, { id }),
  body: { status }
})

/** https://docs.empfio.de/api/authentication: who the token belongs to. Most of its fields are not documented. */
export const whoAmI = (): ProviderRequest => ({
  operation: "ask who the token belongs to",
  ...route(facts.endpoints.me),
  mayBeMissing: "path"
})

/** https://docs.empfio.de/api/authentication */
export const logIn = (email: string, password: Redacted.Redacted): ProviderRequest => ({
  operation: "log in",
  ...route(facts.endpoints.login),
  body: { email, password: Redacted.value(password) }
})
