import type Sqlite from "better-sqlite3"
import { analysis } from "./dictionary/analysis.ts"
import type { TableEntry } from "./dictionary/entry.ts"
import { ledger } from "./dictionary/ledger.ts"
import { marts } from "./dictionary/marts.ts"
import { outbox } from "./dictionary/outbox.ts"
import { records } from "./dictionary/records.ts"
import type { VendorColumns } from "./Vendors.ts"

export type { ColumnEntry, TableEntry } from "./dictionary/entry.ts"

/** Tables that the promised views read. */
export const behindViews: ReadonlySet<string> = new Set([
  "analysis_clock",
  "commits",
  "contact_identities",
  "contact_people",
  "conversation_activity",
  "conversation_people",
  "conversation_sessions",
  "conversation_slots",
  "conversation_turns",
  "message_changes",
  "message_kinds",
  "message_rows",
  "message_words",
  "raw_blocks",
  "raw_kinds",
  "raw_rows",
  "remote_contacts",
  "remote_conversations",
  "tombstones"
])

/** Every table and view that analysts may rely on, in the order in which they meet them. */
export const dictionary: ReadonlyArray<TableEntry> = [...records, ...analysis, ...marts, ...outbox, ...ledger]

/** A row of the table `dictionary`: column_name null for the table itself, source as JSON text. */
type DictionaryRow = readonly [
  tableName: string,
  columnName: string | null,
  meaning: string,
  unit: string | null,
  nullMeans: string | null,
  source: string | null,
  example: string | null
]

/** `{"inbox":"$.id"}`, as JSON text; null: no vendor says it. */
const sourceOf = (vendors: VendorColumns, column: string): string | null => {
  const paths = Object.entries(vendors).flatMap(([vendor, columns]) => {
    const path = columns[column]
    return path === undefined ? [] : [[vendor, path]]
  })
  return paths.length === 0 ? null : JSON.stringify(Object.fromEntries(paths))
}

export const dictionaryRows = (vendors: VendorColumns): ReadonlyArray<DictionaryRow> =>
  dictionary.flatMap(({ columns, example, meaning, table }) => [
    [table, null, meaning, null, null, null, example ?? null] as const,
    ...Object.entries(columns).map(
      ([name, column]) =>
        [
          table,
          name,
          column.meaning,
          column.unit ?? null,
          column.nullMeans ?? null,
          sourceOf(vendors, `${table}.${name}`),
          column.example === undefined ? null : String(column.example)
        ] as const
    )
  ])

const columns = "table_name, column_name, meaning, unit, null_means, source, example"

/**
 * Brings the file's dictionary to this program's texts, in one transaction. Writes nothing, and takes no lock, where
 * they are the same already. To be called once the schema is the newest. Returns whether anything was written.
 */
export const refreshDictionary = (database: Sqlite.Database, rows: ReadonlyArray<DictionaryRow>): boolean => {
  const stored = database.prepare(`SELECT ${columns} FROM dictionary ORDER BY rowid`).raw()
  const isSame = () => JSON.stringify(stored.all()) === JSON.stringify(rows)
  if (isSame()) return false
  return database
    .transaction(() => {
      // Another process may have been faster.
      if (isSame()) return false
      database.prepare("DELETE FROM dictionary").run()
      const insert = database.prepare(`INSERT INTO dictionary (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
      for (const row of rows) insert.run(...row)
      return true
    })
    .immediate()
}
