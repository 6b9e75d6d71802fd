import { localDayUnit, utc, yesOrNo } from "../store/dictionary/entry.ts"
import { dictionary, type TableEntry } from "../store/dictionary.ts"
import type { Row } from "../store/read/value.ts"

/** What a column holds, for formats that want to know: text, JSON, whole numbers, 0 or 1, numbers, days or moments (UTC). */
export type ColumnKind = "text" | "json" | "integer" | "boolean" | "real" | "date" | "time"

export interface ExportColumn {
  readonly name: string
  readonly kind: ColumnKind
}

export interface ExportTable {
  readonly name: string
  readonly meaning: string
  readonly columns: ReadonlyArray<ExportColumn>
  /** Reads every row. */
  readonly sql: string
  /** Which rows are known to have changed. Null: the table is small, or counts over others, and is always read whole. */
  readonly changes: {
    /** The column that identifies a row. */
    readonly key: string
    /** Reads the rows that were changed after the commit $since. */
    readonly sql: string
  } | null
}

const wholeNumbers: ReadonlySet<string> = new Set(["count", "milliseconds", "bytes", "hour"])
const numbers: ReadonlySet<string> = new Set(["seconds", "share, 0 to 1"])
const json = /^JSON( object| array.*)?$/

const kindOf = ({ example, unit }: TableEntry["columns"][string]): ColumnKind => {
  if (unit === utc) return "time"
  if (unit === yesOrNo) return "boolean"
  if (unit === localDayUnit) return "date"
  if (unit !== undefined && json.test(unit)) return "json"
  if (unit !== undefined && wholeNumbers.has(unit)) return "integer"
  if (unit !== undefined && numbers.has(unit)) return "real"
  return typeof example === "number" ? "integer" : "text"
}

/** What identifies a row of a table whose rows are known to have changed since a commit, and which of them have. */
const changed: Readonly<
  Record<
    string,
    { readonly key: string; readonly where: string; readonly by: string; readonly from?: string }
  >
> = {
  conversations: { key: "id", where: "seq > $since", by: "seq" },
  messages: { key: "id", where: "seq > $since", by: "seq", from: "messages_by_change" },
  contacts: { key: "id", where: "seq > $since", by: "seq" },
  status_history: { key: "id", where: "seq > $since", by: "seq" },
  status_changes: { key: "id", where: "seq > $since", by: "seq" },
  // A page is a commit, and does not change after it.
  pages: { key: "id", where: "id > $since", by: "id" }
}

const order: Readonly<Record<string, string>> = {
  conversations: "id",
  conversation_facts: "conversation_id",
  contacts: "id",
  messages: "key",
  pages: "id"
}

/** Searching messages, and payloads that only the mirror can unpack: nothing to have in a file. */
const never: ReadonlySet<string> = new Set(["message_search", "raw_records", "search_results"])

/** As large as all other tables together, and quickly asked in the mirror: only where they are named. */
const onlyNamed: ReadonlySet<string> = new Set(["change_feed", "lineage"])

const toTable = ({ columns, meaning, table }: TableEntry): ExportTable => {
  const names = Object.keys(columns)
  const select = `SELECT ${names.map((name) => `"${name}"`).join(", ")}`
  const of = changed[table]
  const by = order[table] === undefined ? "" : ` ORDER BY ${order[table]}`
  return {
    name: table,
    meaning,
    columns: names.map((name) => ({ name, kind: kindOf(columns[name] ?? { meaning: "" }) })),
    sql: `${select} FROM ${table}${by}`,
    changes:
      of === undefined
        ? null
        : { key: of.key, sql: `${select} FROM ${of.from ?? table} WHERE ${of.where} ORDER BY ${of.by}` }
  }
}

/** Every table and view that can be exported. */
export const exportable: ReadonlyArray<ExportTable> = dictionary
  .filter(({ table }) => !never.has(table))
  .map(toTable)

/** Those that are exported where none is named. */
export const exportedByDefault: ReadonlyArray<ExportTable> = exportable.filter(
  ({ name }) => !onlyNamed.has(name)
)

/** Rows that are gone from the mirror, of all tables whose changes are known. */
export const deletedRows: ExportTable = {
  name: "deleted",
  meaning: "Rows that are gone since the earlier export: table_name names the table, id the row.",
  columns: [
    { name: "table_name", kind: "text" },
    { name: "id", kind: "text" }
  ],
  sql: "SELECT table_name, row_id FROM tombstones WHERE false",
  // What the feed calls deleted is gone, but a conversation that its provider deleted: the mirror keeps its row.
  changes: {
    key: "id",
    sql: `SELECT f.table_name, f.row_id FROM change_feed f
      WHERE f.seq > $since AND f.op = 'delete' AND NOT (
        f.table_name = 'conversations' AND EXISTS (SELECT 1 FROM remote_conversations r WHERE r.id = f.row_id))
      ORDER BY f.seq`
  }
}

/** Takes rows in batches; everything is in the file once it is finished. */
export interface RowFile {
  readonly write: (rows: ReadonlyArray<Row>) => void
  /** Completes the file. */
  readonly finish: () => void
  /** Lets go of a file that is not wanted any more. */
  readonly abandon: () => void
}
