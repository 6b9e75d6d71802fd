import { hash } from "node:crypto"
import type { Attributes, Conversation, Json } from "../../domain/Conversation.ts"
import { canonicalJson, parseExactly, writeExactly } from "../../domain/exactJson.ts"

const isEmpty = (attributes: Attributes): boolean => {
  for (const _key in attributes) return false
  return true
}

/** JSON text of attributes as they came; most have none. */
export const attributesJson = (attributes: Attributes): string =>
  isEmpty(attributes) ? "{}" : writeExactly(attributes)

/** Whether a stored JSON text and a value say the same. */
export const sameJson = (stored: string, text: string, value: Json): boolean =>
  stored === text || canonicalJson(parseExactly(stored)) === canonicalJson(value)

/** In the place of a row's hash: a push has read something since the payloads came, so that the next sighting is news. */
export const learnedByPush = ""

/** Of everything in a conversation that is stored, `attributes` given as canonical JSON. */
export const conversationHash = (conversation: Conversation, tags: string, attributes: string): string =>
  hash(
    "sha1",
    JSON.stringify([
      conversation.contactId,
      conversation.channel,
      conversation.providerChannel,
      conversation.status,
      conversation.providerStatus,
      conversation.agentId,
      conversation.campaignId,
      conversation.title,
      conversation.summary,
      conversation.qualified,
      conversation.qualificationReason,
      tags,
      attributes,
      conversation.declaredMessages,
      conversation.startedAt,
      conversation.lastMessageAt,
      conversation.updatedAt
    ])
  )

/** Of a payload as it came, as text or as the bytes of its UTF-8. */
export const payloadHash = (payload: string | Buffer): string => hash("sha256", payload)
