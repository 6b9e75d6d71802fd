import { closeSync, writeSync } from "node:fs"
import { createPrivate } from "../files/newFile.ts"
import type { Row } from "../store/read/value.ts"
import type { ExportFormat } from "./exportFormats.ts"
import { parquetFile } from "./parquetFile.ts"
import { type CsvOptions, csvLine, jsonText } from "./rowText.ts"
import type { ExportTable, RowFile } from "./tables.ts"

/** Writes the text in pieces of this many characters or more. */
const pieceSize = 1 << 20

const textFile = (path: string, head: string, line: (row: Row) => string): RowFile => {
  const file = createPrivate(path)
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
  return (row: Row): string => `{${keys.map((key, index) => key + jsonText(row[index] ?? null)).join(",")}}\n`
}

interface RowFileOptions extends CsvOptions {
  readonly format: ExportFormat
  /** CSV: begin with a byte order mark, which some spreadsheets need to see that the text is UTF-8. */
  readonly byteOrderMark: boolean
}

/** A new file of this table's rows; nothing may be there. Throws what the file system throws. */
export const openRowFile = (path: string, table: ExportTable, options: RowFileOptions): RowFile => {
  switch (options.format) {
    case "csv": {
      const line = (row: Row): string => `${csvLine(row, options)}\r\n`
      const head = line(table.columns.map(({ name }) => name))
      return textFile(path, options.byteOrderMark ? `\ufeff${head}` : head, line)
    }
    case "ndjson":
      return textFile(path, "", jsonLine(table))
    case "parquet":
      return parquetFile(path, table)
  }
}
