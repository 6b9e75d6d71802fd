import { hash } from "node:crypto"
import type { Json } from "../../domain/Conversation.ts"

/** A short text that stands for a longer one, or for its UTF-8 bytes: 132 bits, so that equal ones mean equal texts. */
export const digest = (text: string | Uint8Array): string => hash("sha256", text, "base64url").slice(0, 22)

/** JSON text that does not depend on the order in which an object's fields came. */
export const canonical = (value: Json): string =>
  JSON.stringify(value, (_key, inner: Json) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  )
