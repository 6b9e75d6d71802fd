import { closeSync } from "node:fs"
import type { SchemaElement } from "hyparquet"
import { fileWriter, ParquetWriter, schemaFromColumnData } from "hyparquet-writer"
import packageJson from "../../package.json" with { type: "json" }
import { createPrivate } from "../files/newFile.ts"
import type { Value } from "../store/read/value.ts"
import type { ColumnKind, ExportTable, RowFile } from "./tables.ts"

/** https://github.com/apache/parquet-format/blob/master/LogicalTypes.md */
const types: Readonly<Record<ColumnKind, Omit<SchemaElement, "name">>> = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  json: { type: "BYTE_ARRAY", logical_type: { type: "JSON" } },
  integer: { type: "INT64" },
  boolean: { type: "BOOLEAN" },
  real: { type: "DOUBLE" },
  date: { type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } },
  time: {
    type: "INT64",
    converted_type: "TIMESTAMP_MILLIS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" }
  }
}

const encoder = new TextEncoder()
const dayMillis = 86_400_000

const converted: Readonly<Record<ColumnKind, (value: Exclude<Value, null>) => unknown>> = {
  text: (value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value)),
  // The text as it is: read and written again, long numbers would lose digits.
  json: (value) => encoder.encode(String(value)),
  integer: (value) => BigInt(value as number | bigint),
  boolean: (value) => Number(value) === 1,
  real: Number,
  date: (value) => Math.floor(Date.parse(String(value)) / dayMillis),
  time: (value) => new Date(String(value))
}

/** Rows that stand together in the file, each column by itself. All of them are in memory until they are written. */
const groupRows = 10_000

/** Characters of text after which a group ends with fewer rows. */
const groupCharacters = 4_000_000

/**
 * A Parquet file, written row group by row group, so that memory does not grow with the table. Throws what the file
 * system throws.
 */
export const parquetFile = (path: string, { columns, meaning, name }: ExportTable): RowFile => {
  // The library makes a new file readable for everyone.
  closeSync(createPrivate(path))
  const empty = () => columns.map((column) => ({ name: column.name, data: [] as Array<unknown> }))
  const schemaOverrides = Object.fromEntries(
    columns.map((column) => [
      column.name,
      { name: column.name, repetition_type: "OPTIONAL" as const, ...types[column.kind] }
    ])
  )
  const schema = schemaFromColumnData({ columnData: empty(), schemaOverrides })
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema,
    createdBy: `parley version ${packageJson.version}`,
    kvMetadata: [
      { key: "table", value: name },
      { key: "meaning", value: meaning }
    ]
  })
  let group = empty()
  let rowsInGroup = 0
  let characters = 0
  const flush = () => {
    if (rowsInGroup > 0) writer.write({ columnData: group, rowGroupSize: rowsInGroup })
    group = empty()
    rowsInGroup = 0
    characters = 0
  }
  return {
    write: (rows) => {
      for (const row of rows) {
        columns.forEach(({ kind }, index) => {
          const value = row[index] ?? null
          if (typeof value === "string") characters += value.length
          group[index]?.data.push(value === null ? null : converted[kind](value))
        })
        rowsInGroup += 1
        if (rowsInGroup === groupRows || characters >= groupCharacters) flush()
      }
    },
    finish: () => {
      flush()
      // Readers look for the older mark, but the library would convert the text to JSON once more.
      for (const element of schema) {
        if (element.logical_type?.type === "JSON") element.converted_type = "JSON"
      }
      writer.finish()
    },
    abandon: () => undefined
  }
}
