import { hash } from "node:crypto"
import type { Attributes, Json } from "../../domain/Conversation.ts"
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

/** Of a payload as it came, as text or as the bytes of its UTF-8. */
export const payloadHash = (payload: string | Buffer): string => hash("sha256", payload)
