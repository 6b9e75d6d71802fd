import type { Row, Value } from "../store/read/value.ts"

/** What spreadsheets take for the beginning of a formula, or skip to find one. */
const formula = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const csvField = (value: Value): string => {
  if (value === null) return ""
  if (value instanceof Uint8Array) return hex(value)
  if (typeof value !== "string") return String(value)
  const safe = formula.test(value) ? `'${value}` : value
  return safe === "" || /^\s|[",\r\n]|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * One line of CSV, RFC 4180, without its end. Null is an empty field; an empty text is quoted, so that they stay apart.
 * A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers are left as they are.
 */
export const csvLine = (row: Row): string => row.map(csvField).join(",")

/** The value as JSON can hold it: bytes in hexadecimal, and whole numbers too large for JSON's readers as text. */
export const jsonValue = (value: Value): null | number | string => {
  if (value instanceof Uint8Array) return hex(value)
  return typeof value === "bigint" ? value.toString() : value
}
