import { oneLine } from "./safeText.ts"
import { padEnd, padStart, textWidth, truncate, wrap } from "./width.ts"

export interface Column {
  readonly name: string
  /** Numbers are read at their right end. */
  readonly right?: boolean
  /** Its cells are never cut, only its name is: where they do not fit, each row becomes a block of lines. */
  readonly whole?: boolean
  /** Left out of a table for which there is no room otherwise; those with the highest number first. */
  readonly spare?: number
}

/** A column of a table of things of one kind, and what it says of each. */
export interface ColumnOf<A> extends Column {
  readonly cell: (one: A) => string
}

/** Columns of which no cell may be cut. */
export const whole = <C extends Column>(columns: ReadonlyArray<C>): ReadonlyArray<C> =>
  columns.map((column) => ({ ...column, whole: true }))

export type Row = ReadonlyArray<string>

const gap = "  "

/** A column cut shorter than this is useless: each row then becomes a block of lines. */
const narrowest = 6

/**
 * The widest cells are cut first, and only as far as is needed; null: there is no room for a table.
 * @param least what each column needs at least; left out: nothing
 */
export const columnWidths = (
  natural: ReadonlyArray<number>,
  room: number,
  least: ReadonlyArray<number> = []
): ReadonlyArray<number> | null => {
  const available = room - gap.length * (natural.length - 1)
  const capped = (cap: number) => natural.map((width, at) => Math.max(least[at] ?? 0, Math.min(width, cap)))
  const fits = (cap: number): boolean => capped(cap).reduce((sum, width) => sum + width, 0) <= available
  let cap = Math.max(0, ...natural)
  while (cap > narrowest && !fits(cap)) cap -= 1
  return fits(cap) ? capped(cap) : null
}

const cellWidths = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<Row>): ReadonlyArray<number> =>
  columns.map((_column, index) =>
    rows.reduce((width, row) => Math.max(width, textWidth(row[index] ?? "")), 0)
  )

/** Which columns a table shows, by their places, and how wide each is. */
interface Layout {
  readonly shown: ReadonlyArray<number>
  readonly widths: ReadonlyArray<number>
}

/** Null: there is no room for a table. */
const layoutOf = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<Row>,
  room: number | null
): Layout | null => {
  const cells = cellWidths(columns, rows)
  const natural = columns.map(({ name }, at) => Math.max(textWidth(name), cells[at] ?? 0))
  const least = columns.map((column, at) => (column.whole === true ? (cells[at] ?? 0) : 0))
  let shown = columns.map((_column, at) => at)
  if (room === null) return { shown, widths: natural }
  const of = (values: ReadonlyArray<number>) => shown.map((at) => values[at] ?? 0)
  const isWhole = (at: number): boolean => columns[at]?.whole === true
  // A column less reads better than names that are cut.
  const readable = natural.map((width, at) => (isWhole(at) ? width : (least[at] ?? 0)))
  for (;;) {
    const isSpare = shown.some((at) => columns[at]?.spare !== undefined)
    const widths = columnWidths(of(natural), room, of(isSpare ? readable : least))
    if (widths !== null) return { shown, widths }
    const spare = shown.reduce<number | null>((most, at) => {
      const rank = columns[at]?.spare ?? 0
      return rank > 0 && rank >= (most === null ? 0 : (columns[most]?.spare ?? 0)) ? at : most
    }, null)
    if (spare === null) return null
    shown = shown.filter((at) => at !== spare)
  }
}

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
    ...columns.flatMap(({ name, whole }, at) => {
      const [head = "", ...more] =
        whole === true ? wrap(row[at] ?? "", room - labels - gap.length) : [row[at] ?? ""]
      const line = padEnd(name, labels) + gap + head
      const indent = " ".repeat(labels) + gap
      return [(whole === true ? line : truncate(line, room)).trimEnd(), ...more.map((text) => indent + text)]
    })
  ])
}

interface TableWriter {
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
  const clean = sample.map((row) => row.map(oneLine))
  const layout = layoutOf(columns, clean, room)
  if (layout === null) {
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
  const { shown, widths } = layout
  const kept = shown.flatMap((at) => columns[at] ?? [])
  const names = kept.map(({ name }) => name)
  return {
    head: [lineOf(names, kept, widths, cut), widths.map((width) => "-".repeat(width)).join(gap)],
    line: (row) => [
      lineOf(
        shown.map((at) => oneLine(row[at] ?? "")),
        kept,
        widths,
        cut
      )
    ]
  }
}

/** A table of things of one kind as text, a row for each. */
export const tableOf = <A>(
  columns: ReadonlyArray<ColumnOf<A>>,
  things: ReadonlyArray<A>,
  room: number | null
): string =>
  renderTable(
    columns,
    things.map((one) => columns.map(({ cell }) => cell(one))),
    room
  )

/** The whole table as text. */
export const renderTable = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<Row>,
  room: number | null
): string => {
  const writer = tableWriter(columns, rows, room)
  return [...writer.head, ...rows.flatMap(writer.line)].join("\n")
}
