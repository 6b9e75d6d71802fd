import { hash } from "node:crypto"
import type { Attributes, Conversation, Json } from "../../domain/Conversation.ts"

const isRecord = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const sorted = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)])
  )
}

/** JSON text that is the same for equal values, in whatever order a vendor sends the keys. */
export const canonicalJson = (value: Json): string => JSON.stringify(sorted(value))

const isEmpty = (attributes: Attributes): boolean => {
  for (const _key in attributes) return false
  return true
}

/** JSON text of attributes as they came; most have none. */
export const attributesJson = (attributes: Attributes): string =>
  isEmpty(attributes) ? "{}" : JSON.stringify(attributes)

/** Whether a stored JSON text and a value say the same. */
export const sameJson = (stored: string, text: string, value: Json): boolean =>
  stored === text || canonicalJson(JSON.parse(stored) as Json) === canonicalJson(value)

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
