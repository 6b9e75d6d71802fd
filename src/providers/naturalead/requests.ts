import type { ProviderRequest } from "../../http/contract.ts"
import { route } from "../kit/facts.ts"
import { facts } from "./facts.ts"

export interface ListOptions {
  /** One of the vendor's words. */
  readonly status?: string
  /** In phone, email or message content, at most 100 characters. The page does not name the parameter. */
  readonly search?: { readonly parameter: string; readonly text: string }
  /** Not on the list's page; the overview says that lists which are paged take them. */
  readonly skip?: number
  readonly limit?: number
}

/**
 * https://docs.naturalead.ai/api-reference/conversations/list-conversations. Without options: every conversation of the
 * account with all its messages. A search is cut to the 100 characters that the vendor takes.
 */
export const listConversations = (options: ListOptions = {}): ProviderRequest => ({
  operation: "list conversations",
  ...route(facts.endpoints.list),
  query: {
    status: options.status,
    ...(options.search === undefined
      ? {}
      : { [options.search.parameter]: options.search.text.slice(0, facts.sizes.search.is) }),
    skip: options.skip,
    limit: options.limit === undefined ? undefined : Math.min(options.limit, facts.sizes.page.is)
  }
})

/** https://docs.naturalead.ai/api-reference/conversations/get-conversation */
export const getConversation = (id: string): ProviderRequest => ({
  operation: "get a conversation",
  ...route(facts.endpoints.detail, { id }),
  mayBeMissing: true
})

/** https://docs.naturalead.ai/api-reference/conversations/update-status. `active` cannot be requested. */
export const updateStatus = (id: string, status: string): ProviderRequest => ({
  operation: "update a conversation's status",
  ...route(facts.endpoints.status, { id }),
  body: { status }
})
