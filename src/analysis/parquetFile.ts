import { closeSync } from "node:fs"
import { fileWriter, ParquetWriter, schemaFromColumnData } from "hyparquet-writer"
import packageJson from "../../package.json" with { type: "json" }
import { createPrivate } from "../files/newFile.ts"
import type { Value } from "../store/read/value.ts"
import type { ColumnKind, ExportTable, RowFile } from "./tables.ts"

const types = {
  text: "STRING",
  integer: "INT64",
  boolean: "BOOLEAN",
  real: "DOUBLE",
  time: "TIMESTAMP"
} as const satisfies Record<ColumnKind, string>

const converted: Readonly<Record<ColumnKind, (value: Exclude<Value, null>) => unknown>> = {
  text: (value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value)),
  integer: (value) => BigInt(value as number | bigint),
  boolean: (value) => Number(value) === 1,
  real: Number,
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
  const empty = () =>
    columns.map((column) => ({ name: column.name, type: types[column.kind], data: [] as Array<unknown> }))
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: schemaFromColumnData({ columnData: empty() }),
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
      writer.finish()
    },
    abandon: () => undefined
  }
}
