import { closeSync, openSync, writeSync } from "node:fs"
import { fileWriter, ParquetWriter, schemaFromColumnData } from "hyparquet-writer"
import packageJson from "../../package.json" with { type: "json" }
import type { Row, Value } from "../store/value.ts"
import type { ExportFormat } from "./exportFormats.ts"
import { csvLine, jsonValue } from "./rowText.ts"
import type { ColumnKind, ExportTable } from "./tables.ts"

/** Takes rows in batches; everything is in the file once it is finished. */
export interface RowFile {
  readonly write: (rows: ReadonlyArray<Row>) => void
  /** Completes the file. */
  readonly finish: () => void
  /** Lets go of a file that is not wanted any more. */
  readonly abandon: () => void
}

/** Only the owner reads what was said. */
const fileMode = 0o600

/** Writes the text in pieces of this many characters or more. */
const pieceSize = 1 << 20

const textFile = (path: string, head: string, line: (row: Row) => string): RowFile => {
  const file = openSync(path, "w", fileMode)
  let open = true
  let piece = head
  const flush = () => {
    for (let rest = Buffer.from(piece); rest.length > 0; ) rest = rest.subarray(writeSync(file, rest))
    piece = ""
  }
  const close = () => {
    if (open) closeSync(file)
    open = false
  }
  return {
    write: (rows) => {
      for (const row of rows) {
        piece += line(row)
        if (piece.length >= pieceSize) flush()
      }
    },
    finish: () => {
      flush()
      close()
    },
    abandon: close
  }
}

const jsonLine = ({ columns }: ExportTable) => {
  const keys = columns.map(({ name }) => `${JSON.stringify(name)}:`)
  return (row: Row): string =>
    `{${keys.map((key, index) => key + JSON.stringify(jsonValue(row[index] ?? null))).join(",")}}\n`
}

const parquetTypes = {
  text: "STRING",
  integer: "INT64",
  real: "DOUBLE",
  time: "TIMESTAMP"
} as const satisfies Record<ColumnKind, string>

const parquetValues: Readonly<Record<ColumnKind, (value: Exclude<Value, null>) => unknown>> = {
  text: (value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value)),
  integer: (value) => BigInt(value as number | bigint),
  real: Number,
  time: (value) => new Date(String(value))
}

/** Rows that stand together in the file, each column by itself. */
const rowGroupSize = 50_000

const parquetFile = (path: string, { columns, meaning, name }: ExportTable): RowFile => {
  // The library makes the file readable for everybody, unless it is there.
  closeSync(openSync(path, "w", fileMode))
  const columnData = (rows: ReadonlyArray<Row>) =>
    columns.map((column, index) => ({
      name: column.name,
      type: parquetTypes[column.kind],
      data: rows.map((row) => {
        const value = row[index] ?? null
        return value === null ? null : parquetValues[column.kind](value)
      })
    }))
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: schemaFromColumnData({ columnData: columnData([]) }),
    createdBy: `parley version ${packageJson.version}`,
    kvMetadata: [
      { key: "table", value: name },
      { key: "meaning", value: meaning }
    ]
  })
  let group: Array<Row> = []
  const flush = () => {
    if (group.length > 0) writer.write({ columnData: columnData(group), rowGroupSize })
    group = []
  }
  return {
    write: (rows) => {
      for (const row of rows) {
        group.push(row)
        if (group.length === rowGroupSize) flush()
      }
    },
    finish: () => {
      flush()
      writer.finish()
    },
    abandon: () => undefined
  }
}

export interface RowFileOptions {
  readonly format: ExportFormat
  /** CSV: begin with a byte order mark, which some spreadsheets need to see that the text is UTF-8. */
  readonly byteOrderMark: boolean
}

/** A new file of this table's rows, in place of one that is there. Throws what the file system throws. */
export const openRowFile = (path: string, table: ExportTable, options: RowFileOptions): RowFile => {
  switch (options.format) {
    case "csv": {
      const line = (row: Row): string => `${csvLine(row)}\r\n`
      const head = line(table.columns.map(({ name }) => name))
      return textFile(path, options.byteOrderMark ? `\ufeff${head}` : head, line)
    }
    case "ndjson":
      return textFile(path, "", jsonLine(table))
    case "parquet":
      return parquetFile(path, table)
  }
}
