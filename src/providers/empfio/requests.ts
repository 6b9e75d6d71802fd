import { Redacted } from "effect"
import type { ProviderRequest } from "../../http/contract.ts"

/** The vendor's own words. */
export type ConversationStatus = "active" | "completed" | "escalated" | "abandoned"
export type Channel = "whatsapp" | "telegram" | "web" | "voice"

/** The largest page of the list, and of the messages. */
export const largestPage = 100
export const mostMessages = 500

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
  method: "GET",
  path: "/api/v1/conversations",
  query: {
    page: options.page,
    size: options.size,
    lead_id: options.leadId,
    status: options.status,
    channel: options.channel
  },
  // A page past the end may be answered with 404; the first page may not.
  mayBeMissing: (options.page ?? 1) > 1
})

const conversationPath = (id: string) => `/api/v1/conversations/${encodeURIComponent(id)}`

/** https://docs.empfio.de/api/conversations: with all its messages, in chronological order. */
export const getConversation = (id: string): ProviderRequest => ({
  operation: "get a conversation",
  method: "GET",
  path: conversationPath(id),
  mayBeMissing: true
})

export interface MessagesOptions {
  /** At most `mostMessages`. Left out: 100. */
  readonly limit?: number
  readonly offset?: number
}

/** https://docs.empfio.de/api/conversations: a bare list, whose order is not documented. */
export const getMessages = (id: string, options: MessagesOptions = {}): ProviderRequest => ({
  operation: "get messages",
  method: "GET",
  path: `${conversationPath(id)}/messages`,
  query: { limit: options.limit, offset: options.offset },
  mayBeMissing: true
})

/** https://docs.empfio.de/api/conversations. What it answers is not documented. */
export const updateStatus = (id: string, status: string): ProviderRequest => ({
  operation: "update a conversation's status",
  method: "PATCH",
  path: conversationPath(id),
  body: { status }
})

/** https://docs.empfio.de/api/authentication: who the token belongs to. Most of its fields are not documented. */
export const whoAmI: ProviderRequest = {
  operation: "ask who the token belongs to",
  method: "GET",
  path: "/api/v1/auth/me",
  mayBeMissing: "path"
}

/** https://docs.empfio.de/api/authentication */
export const logIn = (email: string, password: Redacted.Redacted): ProviderRequest => ({
  operation: "log in",
  method: "POST",
  path: "/api/v1/auth/login",
  body: { email, password: Redacted.value(password) }
})
