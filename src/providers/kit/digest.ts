import { hash } from "node:crypto"

/** A short text that stands for a longer one, or for its UTF-8 bytes: 132 bits, so that equal ones mean equal texts. */
export const digest = (text: string | Uint8Array): string => hash("sha256", text, "base64url").slice(0, 22)
