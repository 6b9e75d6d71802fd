import type { ProviderRequest } from "../../http/contract.ts"

/** The vendor's own words. */
export const statuses = ["active", "completed", "handed_off", "dropped"] as const
export type ConversationStatus = (typeof statuses)[number]

export interface ListOptions {
  readonly status?: ConversationStatus
  /** In phone, email or message content, at most 100 characters. The page does not name the parameter. */
  readonly search?: { readonly parameter: string; readonly text: string }
  /** Not on the list's page; the overview says that lists which are paged take them. */
  readonly skip?: number
  readonly limit?: number
}

const longestSearch = 100

/**
 * https://docs.naturalead.ai/api-reference/conversations/list-conversations. Without options: every conversation of the
 * account with all its messages. A search is cut to the 100 characters that the vendor takes.
 */
export const listConversations = (options: ListOptions = {}): ProviderRequest => ({
  operation: "list conversations",
  method: "GET",
  path: "/conversations",
  query: {
    status: options.status,
    ...(options.search === undefined
      ? {}
      : { [options.search.parameter]: options.search.text.slice(0, longestSearch) }),
    skip: options.skip,
    limit: options.limit
  }
})

/** https://docs.naturalead.ai/api-reference/conversations/get-conversation */
export const getConversation = (id: string): ProviderRequest => ({
  operation: "get a conversation",
  method: "GET",
  path: `/conversations/${encodeURIComponent(id)}`,
  mayBeMissing: true
})

/** https://docs.naturalead.ai/api-reference/conversations/update-status. `active` cannot be asked for. */
export const updateStatus = (id: string, status: string): ProviderRequest => ({
  operation: "update a conversation's status",
  method: "PATCH",
  path: `/conversations/${encodeURIComponent(id)}/status`,
  body: { status }
})
