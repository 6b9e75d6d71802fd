import { csvLine, jsonValue } from "../../analysis/rowText.ts"
import type { Row, Value } from "../../store/read/value.ts"
import { jsonText, oneLine } from "./safeText.ts"
import { tableWriter } from "./table.ts"

export const formats = ["table", "csv", "json", "ndjson"] as const
export type QueryFormat = (typeof formats)[number]

/** Turns rows into text as they come. Every piece ends with a line break. */
export interface RowWriter {
  readonly begin: (sample: ReadonlyArray<Row>) => string
  readonly row: (row: Row, index: number) => string
  readonly end: (rows: number) => string
}

const cellText = (value: Value): string => {
  if (value === null) return "NULL"
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  return oneLine(String(value))
}

/** Two columns of one name would be one key: `id`, `id_2`. */
const uniqueNames = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const taken = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let number = 2; taken.has(unique); number++) unique = `${name}_${number}`
    taken.add(unique)
    return unique
  })
}

const objectText = (names: ReadonlyArray<string>, row: Row): string =>
  jsonText(Object.fromEntries(names.map((name, index) => [name, jsonValue(row[index] ?? null)])))

const table = (columns: ReadonlyArray<string>, room: number | null): RowWriter => {
  let writer = tableWriter([], [], room)
  return {
    begin: (sample) => {
      const isNumber = (index: number) =>
        sample.length > 0 &&
        sample.every((row) => ["number", "bigint"].includes(typeof row[index]) || row[index] === null)
      writer = tableWriter(
        columns.map((name, index) => ({ name: oneLine(name), right: isNumber(index) })),
        sample.map((row) => row.map(cellText)),
        room
      )
      return writer.head.map((line) => `${line}\n`).join("")
    },
    row: (row) => `${writer.line(row.map(cellText)).join("\n")}\n`,
    end: () => ""
  }
}

/** @param room columns of the terminal; null: a file or a pipe, where nothing is cut */
export const rowWriter = (
  format: QueryFormat,
  columns: ReadonlyArray<string>,
  room: number | null
): RowWriter => {
  const names = uniqueNames(columns)
  switch (format) {
    case "table":
      return table(columns, room)
    case "csv":
      return {
        begin: () => `${csvLine(columns)}\n`,
        row: (row) => `${csvLine(row)}\n`,
        end: () => ""
      }
    case "json":
      return {
        begin: () => "[",
        row: (row, index) => `${index === 0 ? "\n" : ",\n"}  ${objectText(names, row)}`,
        end: (rows) => (rows === 0 ? "]\n" : "\n]\n")
      }
    case "ndjson":
      return { begin: () => "", row: (row) => `${objectText(names, row)}\n`, end: () => "" }
  }
}
