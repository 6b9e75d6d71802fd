import { oneLine, padEnd, padStart, textWidth, truncate } from "./width.ts"

export interface Column {
  readonly name: string
  /** Numbers are read at their right end. */
  readonly right?: boolean
}

export type Row = ReadonlyArray<string>

const gap = "  "

/** A column cut shorter than this tells nothing: then each row becomes a block of lines. */
const narrowest = 6

/** The widest cells are cut first, and only as far as is needed; null: there is no room for a table. */
export const columnWidths = (natural: ReadonlyArray<number>, room: number): ReadonlyArray<number> | null => {
  const available = room - gap.length * (natural.length - 1)
  const total = (cap: number): number => natural.reduce((sum, width) => sum + Math.min(width, cap), 0)
  let cap = Math.max(0, ...natural)
  while (cap > narrowest && total(cap) > available) cap -= 1
  return total(cap) <= available ? natural.map((width) => Math.min(width, cap)) : null
}

const naturalWidths = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<Row>): ReadonlyArray<number> =>
  columns.map(({ name }, index) =>
    rows.reduce((width, row) => Math.max(width, textWidth(row[index] ?? "")), textWidth(name))
  )

const lineOf = (
  cells: Row,
  columns: ReadonlyArray<Column>,
  widths: ReadonlyArray<number>,
  cut: boolean
): string =>
  columns
    .map(({ right }, index) => {
      const width = widths[index] ?? 0
      const cell = cut ? truncate(cells[index] ?? "", width) : (cells[index] ?? "")
      return right === true ? padStart(cell, width) : padEnd(cell, width)
    })
    .join(gap)
    .trimEnd()

const blocks = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<Row>,
  room: number
): ReadonlyArray<string> => {
  const labels = Math.max(0, ...columns.map(({ name }) => textWidth(name)))
  return rows.flatMap((row, index) => [
    ...(index === 0 ? [] : [""]),
    ...columns.map(({ name }, at) => truncate(`${padEnd(name, labels)}  ${row[at] ?? ""}`, room).trimEnd())
  ])
}

export interface TableWriter {
  readonly head: ReadonlyArray<string>
  readonly line: (row: Row) => ReadonlyArray<string>
}

/**
 * Decides how a table is laid out by its first rows, so that the rest can be written as it comes.
 * @param room columns of the terminal; null: there is none, and nothing is cut
 */
export const tableWriter = (
  columns: ReadonlyArray<Column>,
  sample: ReadonlyArray<Row>,
  room: number | null
): TableWriter => {
  const natural = naturalWidths(
    columns,
    sample.map((row) => row.map(oneLine))
  )
  const widths = room === null ? natural : columnWidths(natural, room)
  if (widths === null) {
    let first = true
    return {
      head: [],
      line: (row) => {
        const lines = blocks(columns, [row.map(oneLine)], room ?? 0)
        const result = first ? lines : ["", ...lines]
        first = false
        return result
      }
    }
  }
  const cut = room !== null
  const names = columns.map(({ name }) => name)
  return {
    head: [lineOf(names, columns, widths, cut), widths.map((width) => "-".repeat(width)).join(gap)],
    line: (row) => [lineOf(row.map(oneLine), columns, widths, cut)]
  }
}

/** The whole table as text. */
export const renderTable = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<Row>,
  room: number | null
): string => {
  const writer = tableWriter(columns, rows, room)
  return [...writer.head, ...rows.flatMap(writer.line)].join("\n")
}
