import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import { Redacted } from "effect"
import type { HintDelivery } from "../Provider.ts"

/*
 * Whether a webhook was signed with one of the keys. Every key is tried, so that the time tells nothing.
 */

/** A header that came exactly once. */
export const headerOf = ({ headers }: HintDelivery, name: string): string | null => {
  const value = headers[name]
  const [first, ...others] = value === undefined ? [] : typeof value === "string" ? [value] : value
  return first === undefined || others.length > 0 ? null : first
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest()

/** Whether a secret is one of these. Hashes are of one length. */
export const isOneOf = (given: string, secrets: ReadonlyArray<Redacted.Redacted>): boolean =>
  secrets
    .map((secret) => timingSafeEqual(sha256(given), sha256(Redacted.value(secret))))
    .some((isEqual) => isEqual)

/** What a signature stands for, in each notation that it may be written in; of another length it is none. */
const bytesOf = (signature: string, notations: ReadonlyArray<"hex" | "base64">): ReadonlyArray<Buffer> =>
  notations.flatMap((notation) => {
    const isWritten =
      notation === "hex" ? /^[0-9a-f]{64}$/i.test(signature) : /^[A-Za-z0-9+/]{43}=$/.test(signature)
    return isWritten ? [Buffer.from(signature, notation)] : []
  })

/** Whether a header holds the HMAC-SHA256 of the body as it came, under one of the keys. */
export const isMac = (
  delivery: HintDelivery,
  header: string,
  notations: ReadonlyArray<"hex" | "base64">,
  keys: ReadonlyArray<Redacted.Redacted>
): boolean => {
  const signatures = bytesOf(headerOf(delivery, header) ?? "", notations)
  return keys
    .map((key) => createHmac("sha256", Redacted.value(key)).update(delivery.body).digest())
    .flatMap((mac) => signatures.map((signature) => timingSafeEqual(mac, signature)))
    .some((isEqual) => isEqual)
}
