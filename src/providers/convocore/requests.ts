import type { ProviderRequest } from "../../http/contract.ts"
import { route } from "../kit/facts.ts"
import { facts } from "./facts.ts"

/** The largest page that was seen to be given by number, and the largest that is given with a cursor. */
export const largestPage = facts.sizes.numberedPage.is
export const largestCursorPage = facts.sizes.cursorPage.is

/** https://docs.convocore.ai/api-reference/v3/agents/get. Pages are not documented, but the vendor's client knows them. */
export const listAgents = (page = 1): ProviderRequest => ({
  operation: "list agents",
  ...route(facts.endpoints.agents),
  ...(page === 1 ? {} : { query: { page } })
})

export type ListOptions =
  | { readonly page: number; readonly limit: number }
  /** An answer's `nextCursor`; `page` may then not be sent. */
  | { readonly cursor: string; readonly limit: number }

const largestOf = (options: ListOptions): number =>
  "cursor" in options ? facts.sizes.cursorPage.is : facts.sizes.numberedPage.is

/** https://docs.convocore.ai/api-reference/v3/conversations/get: newest first; there is no filter. */
export const listConversations = (agentId: string, options: ListOptions): ProviderRequest => ({
  operation: "list conversations",
  ...route(facts.endpoints.list, { agent: agentId }),
  query: { ...options, limit: Math.min(options.limit, largestOf(options)) },
  mayBeMissing: true
})

/** https://docs.convocore.ai/api-reference/v3/conversations/get_id: without messages. */
export const getConversation = (agentId: string, id: string): ProviderRequest => ({
  operation: "get a conversation",
  ...route(facts.endpoints.detail, { agent: agentId, id }),
  mayBeMissing: true
})

/** Each exported conversation may be billed. Times are Unix seconds or milliseconds, inclusive, of a conversation's `ts`. */
export interface ExportOptions {
  /** Only these: selected mode, which is not paged. No id may hold a comma. */
  readonly convoIds?: ReadonlyArray<string>
  /** At most 50. Left out: 20. */
  readonly limit?: number
  readonly sort?: "desc" | "asc"
  readonly fromTs?: number
  readonly toTs?: number
  readonly cursor?: string
  readonly format?: "json" | "csv"
}

/** https://docs.convocore.ai/api-reference/v3/conversations/export */
export const exportConversations = (agentId: string, options: ExportOptions = {}): ProviderRequest => {
  const { convoIds, ...query } = options
  return {
    operation: "export conversations",
    ...route(facts.endpoints.exports, { agent: agentId }),
    query: {
      ...query,
      ...(query.limit === undefined ? {} : { limit: Math.min(query.limit, facts.sizes.exportPage.is) }),
      convoIds: convoIds?.slice(0, facts.sizes.selected.is).join(",")
    }
  }
}

/** https://docs.convocore.ai/api-reference/v3/conversations/export_single */
export const exportConversation = (
  agentId: string,
  id: string,
  options: Pick<ExportOptions, "format"> = {}
): ProviderRequest => ({
  operation: "export a conversation",
  ...route(facts.endpoints.export, { agent: agentId, id }),
  query: { format: options.format },
  mayBeMissing: true
})

export const isExport = ({ path }: ProviderRequest): boolean => path.endsWith("/export")

/** What a PATCH may change; the vendor merges tags into those that are there. */
export interface ConversationChange {
  readonly state?: string
  readonly title?: string
  readonly tags?: ReadonlyArray<string>
}

/** https://docs.convocore.ai/api-reference/v3/conversations/update: changes what is named, and answers with all of it. */
export const updateConversation = (
  agentId: string,
  id: string,
  conversation: ConversationChange
): ProviderRequest => ({
  operation: "update a conversation",
  ...route(facts.endpoints.update, { agent: agentId, id }),
  body: { conversation }
})
