import type { Row, Value } from "../store/read/value.ts"

/** What spreadsheets take for the beginning of a formula, or skip to find one. */
const formula = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** What spreadsheets can make nothing of but a number: a plus sign, digits, and what stands between digits. */
const phone = /^\+\d[\d ()./-]*$/

export interface CsvOptions {
  /** Telephone numbers begin with their plus sign; a spreadsheet shows them as numbers. */
  readonly plainPhones: boolean
}

const csvField = (value: Value, { plainPhones }: CsvOptions): string => {
  if (value === null) return ""
  if (value instanceof Uint8Array) return hex(value)
  if (typeof value !== "string") return String(value)
  const isSafe = !formula.test(value) || (plainPhones && phone.test(value))
  const safe = isSafe ? value : `'${value}`
  return safe === "" || /^\s|[",\r\n]|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * One line of CSV, RFC 4180, without its end. Null is an empty field; an empty text is quoted, so that they stay apart.
 * A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers are left as they are.
 */
export const csvLine = (row: Row, options: CsvOptions = { plainPhones: false }): string =>
  row.map((value) => csvField(value, options)).join(",")

/** The value as JSON can hold it: bytes in hexadecimal, and whole numbers too large for JSON's readers as text. */
export const jsonValue = (value: Value): null | number | string => {
  if (value instanceof Uint8Array) return hex(value)
  return typeof value === "bigint" ? value.toString() : value
}

/** The same as JSON text, but a whole number is a number however large, so that a column keeps its type. */
export const jsonText = (value: Value): string =>
  typeof value === "bigint" ? value.toString() : JSON.stringify(jsonValue(value))
