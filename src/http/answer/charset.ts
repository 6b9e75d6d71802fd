import { isUtf8 } from "node:buffer"

/*
 * JSON is UTF-8. What is in front of a vendor may still answer in another charset, and read as UTF-8 every letter beyond
 * ASCII of it would be lost without a word. A label alone proves nothing, since many name a charset that is not theirs: it
 * counts only where the bytes are not UTF-8.
 */

/** The charset that a `Content-Type` names, by its standard name; null: none, UTF-8, or one that nobody knows. */
const labelled = (contentType: string | undefined): string | null => {
  const name = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType ?? "")?.[1]
  try {
    const encoding = name === undefined ? "utf-8" : new TextDecoder(name).encoding
    return encoding === "utf-8" ? null : encoding
  } catch {
    return null
  }
}

/** UTF-16 by its mark, or by the zeros that the ASCII at the beginning of a JSON text has in it (RFC 4627, section 3). */
const utf16 = ([first, second]: Uint8Array): string | null => {
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return "utf-16le"
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? "utf-16be" : null
}

/** As a stream: Node 22 takes windows-1252 for ISO-8859-1 where it decodes all at once, and loses quotes and dashes. */
const decodedAs = (charset: string, bytes: Uint8Array): string => {
  const decoder = new TextDecoder(charset)
  return decoder.decode(bytes, { stream: true }) + decoder.decode()
}

/** A body as text, without a byte order mark. */
export const textOf = (bytes: Buffer, contentType: string | undefined): string => {
  const charset = utf16(bytes) ?? (isUtf8(bytes) ? null : labelled(contentType))
  if (charset !== null) return decodedAs(charset, bytes)
  const text = bytes.toString("utf8")
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** Bytes of a body, piece by piece, as UTF-8. */
export interface Recoder {
  readonly push: (piece: Uint8Array) => Uint8Array
  /** What is left once the last piece came. */
  readonly end: () => Uint8Array
}

/** Where a last character begins that may not be whole; the length: none does. */
const wholeUntil = (bytes: Uint8Array): number => {
  for (let at = bytes.length - 1; at >= 0 && at > bytes.length - 4; at--) {
    const byte = bytes[at] ?? 0
    if (byte < 0x80) break
    if (byte >= 0xc0) return at
  }
  return bytes.length
}

/** @param first the body's first piece @returns null: it is UTF-8, as far as anything tells */
export const recoderOf = (first: Uint8Array, contentType: string | undefined): Recoder | null => {
  const wide = utf16(first)
  const charset = wide ?? labelled(contentType)
  if (charset === null) return null
  const decoder = new TextDecoder(charset)
  let isOther = wide !== null
  let held: Uint8Array = new Uint8Array()
  const decoded = (bytes?: Uint8Array): Uint8Array =>
    Buffer.from(bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true }))
  return {
    push: (piece) => {
      if (isOther) return decoded(piece)
      const bytes = Buffer.concat([held, piece])
      const whole = wholeUntil(bytes)
      held = bytes.subarray(whole)
      if (isUtf8(bytes.subarray(0, whole))) return bytes.subarray(0, whole)
      isOther = true
      held = new Uint8Array()
      return decoded(bytes)
    },
    end: () => (isOther ? decoded() : Buffer.from(decodedAs(charset, held)))
  }
}
