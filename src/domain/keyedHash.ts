import { createHmac } from "node:crypto"

/**
 * Stands for a text that must not be kept: 22 characters (128 bits of HMAC-SHA-256, base64url), the same for the same key,
 * kind and text. Without the key nothing can be tried against it.
 * @param kind of text, so that a number never equals an address: `email`, `phone`, …
 * @param text normalized (`normalizeEmail`, `normalizePhone`), so that two ways of writing it are the same
 */
export const keyedHash = (key: Uint8Array, kind: string, text: string): string =>
  createHmac("sha256", key).update(`${kind}\n${text}`).digest("base64url").slice(0, 22)
