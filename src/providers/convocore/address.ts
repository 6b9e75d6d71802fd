import type { RawPayload } from "../Provider.ts"

/*
 * Conversations of two agents may have the same id. The mirror holds one of them by the vendor's id and the other by the
 * vendor's with `@` and the agent's. An id that ends like this by itself always gets another such ending, so that what is
 * taken off again is only what was put on.
 */

/** Where a conversation is at the vendor. */
export interface Address {
  readonly agentId: string
  /** The vendor's. */
  readonly id: string
  /** The mirror's. */
  readonly providerId: string
}

export const idWithAgent = (id: string, agentId: string): string => `${id}@${agentId}`

export const isWithAgent = (id: string, agentId: string): boolean => id.endsWith(`@${agentId}`)

export const addressOf = (providerId: string, agentId: string): Address => ({
  agentId,
  id: isWithAgent(providerId, agentId) ? providerId.slice(0, -idWithAgent("", agentId).length) : providerId,
  providerId
})

/**
 * Those that were created by the vendor's API are named after their agent, and were seen to be listed and never found by
 * their id: a 404 says nothing of them.
 */
export const isNeverFound = (agentId: string, id: string): boolean => id.startsWith(`${agentId}_`)

/** The agent that a stored payload is of: payloads are kept by the agent's id, a slash and the conversation's. */
export const agentIn = ({ conversationId, providerId }: RawPayload): string => {
  for (let slash = providerId.indexOf("/"); slash !== -1; slash = providerId.indexOf("/", slash + 1)) {
    const agentId = providerId.slice(0, slash)
    if (addressOf(conversationId, agentId).id === providerId.slice(slash + 1)) return agentId
  }
  return providerId.slice(0, providerId.indexOf("/"))
}
