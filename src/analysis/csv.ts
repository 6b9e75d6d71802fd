/** What SQLite holds. */
export type Value = null | number | bigint | string | Uint8Array

/** What spreadsheets take for the beginning of a formula, or skip to find one. */
const formula = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/

/**
 * One field, RFC 4180. Null is an empty field; an empty text is quoted, so that they stay apart. A text that a
 * spreadsheet would run as a formula gets an apostrophe before it.
 */
const csvField = (value: Value): string => {
  if (value === null) return ""
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex")
  if (typeof value !== "string") return String(value)
  const safe = formula.test(value) ? `'${value}` : value
  return safe === "" || /^\s|[",\r\n]|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** One line with its end. */
export const csvLine = (row: ReadonlyArray<Value>): string => `${row.map(csvField).join(",")}\r\n`
