import { Either } from "effect"
import { fromEpoch, type Timestamp } from "../../domain/Timestamp.ts"
import { isAddressable } from "./address.ts"
import { parseJson } from "./decode.ts"
import { fieldText, written, writtenId } from "./written.ts"

/*
 * What a webhook's body says, read without a loss of digits, and never failing.
 */

/** The object under a field, as it was written; null: there is none. */
export const objectIn = (text: string, field: string): string | null => {
  const found = fieldText(text, field)
  return found?.startsWith("{") === true ? found : null
}

/** The id under a field, where a request can carry it. */
export const hintedId = (text: string | null, field: string): string | null => {
  const id = text === null ? null : writtenId(written(text), field)
  return id !== null && isAddressable(id) ? id : null
}

/** A text under a field. */
export const textIn = (text: string | null, field: string): string | null => {
  const value = text === null ? null : fieldText(text, field)
  const parsed = value === null ? null : Either.getOrNull(parseJson(value))
  return typeof parsed === "string" ? parsed : null
}

/** A count under a field. */
export const countIn = (text: string | null, field: string): number | null => {
  const value = text === null ? null : fieldText(text, field)
  const count = value !== null && /^\d{1,9}$/.test(value) ? Number(value) : null
  return count
}

/** A time under a field, in Unix seconds or milliseconds. */
export const timeIn = (text: string | null, field: string): Timestamp | null => {
  const value = text === null ? null : fieldText(text, field)
  return value !== null && /^\d{9,14}$/.test(value) ? fromEpoch(Number(value)) : null
}

/** One of the words that a vendor documents, or `other`: what is written down of an event holds no other text. */
export const wordOf = (word: string | null, words: ReadonlyArray<string>): string =>
  word !== null && words.includes(word) ? word : "other"
