import { utc, yesOrNo } from "../store/dictionary/entry.ts"
import { dictionary, type TableEntry } from "../store/dictionary.ts"
import type { Row } from "../store/read/value.ts"

/** What a column holds, for formats that want to know: text, whole numbers, 0 or 1, numbers, or moments (UTC). */
export type ColumnKind = "text" | "integer" | "boolean" | "real" | "time"

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
  /** Reads the rows that run $run or a later one brought or changed; $since is when it began. Null: always all rows. */
  readonly sinceSql: string | null
}

const wholeNumbers: ReadonlySet<string> = new Set(["count", "milliseconds", "bytes"])
const numbers: ReadonlySet<string> = new Set(["seconds", "share, 0 to 1"])

const kindOf = ({ example, unit }: TableEntry["columns"][string]): ColumnKind => {
  if (unit === utc) return "time"
  if (unit === yesOrNo) return "boolean"
  if (unit !== undefined && wholeNumbers.has(unit)) return "integer"
  if (unit !== undefined && numbers.has(unit)) return "real"
  return typeof example === "number" ? "integer" : "text"
}

const pagesSince = "SELECT id FROM pages WHERE run_id >= $run"

const conversationsSince = `
  SELECT id FROM remote_conversations WHERE page_id IN (${pagesSince}) OR deleted_in_run >= $run
  UNION SELECT conversation_id FROM status_history WHERE run_id >= $run
  UNION SELECT conversation_id FROM status_changes WHERE max(requested_at, coalesce(sent_at, ''), coalesce(ended_at, '')) >= $since
  UNION SELECT conversation_id FROM messages WHERE page_id IN (${pagesSince})`

/** For tables whose rows are known to belong to a run. What is missing here is small, or counts over everything. */
const since: Readonly<Record<string, string>> = {
  conversations: `id IN (${conversationsSince})`,
  conversation_facts: `conversation_id IN (${conversationsSince})`,
  messages: `page_id IN (${pagesSince})`,
  contacts: `id IN (SELECT id FROM remote_contacts WHERE max(observed_at, first_seen_at) >= $since)`,
  status_history: "run_id >= $run",
  status_changes:
    "max(requested_at, coalesce(sent_at, ''), coalesce(ended_at, ''), coalesce(resolved_at, '')) >= $since",
  change_events: "at >= $since OR run_id >= $run",
  runs: "id >= $run",
  run_connections: "run_id >= $run",
  pages: "run_id >= $run",
  quarantine: `page_id IN (${pagesSince}) OR resolved_at >= $since`,
  lineage: "run_id >= $run"
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

/** As large as all other tables together, and quickly asked in the mirror: only where it is named. */
const onlyNamed: ReadonlySet<string> = new Set(["lineage"])

const toTable = ({ columns, meaning, table }: TableEntry): ExportTable => {
  const names = Object.keys(columns)
  const select = `SELECT ${names.join(", ")} FROM ${table}`
  const by = order[table] === undefined ? "" : ` ORDER BY ${order[table]}`
  return {
    name: table,
    meaning,
    columns: names.map((name) => ({ name, kind: kindOf(columns[name] ?? { meaning: "" }) })),
    sql: select + by,
    sinceSql: since[table] === undefined ? null : `${select} WHERE ${since[table]}${by}`
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

/** Takes rows in batches; everything is in the file once it is finished. */
export interface RowFile {
  readonly write: (rows: ReadonlyArray<Row>) => void
  /** Completes the file. */
  readonly finish: () => void
  /** Lets go of a file that is not wanted any more. */
  readonly abandon: () => void
}
