import { missingFact } from "../../domain/Conversation.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Session.ts"
import type { Person } from "./person.ts"
import { makeRemembered } from "./remembered.ts"
import { names, pathWithout, type Traces, tells, tracesOf } from "./traces.ts"

/*
 * The first transaction of an erasure: from then on nothing of the person is stored, and which rows are to go is written
 * down by their keys alone. Whatever it takes to know what is theirs is done here, so that the rest can be done after a
 * death, by a process that knows nothing.
 */

/** In place of words that told of someone. */
const erasedWords = "(erased: it told of someone who was forgotten)"

/** Rows of each table that go, or whose words go. */
export type ErasureCounts = Readonly<Record<string, number>>

interface LedgerText {
  readonly key: string
  readonly connection: string
  readonly text: string
}

/** Rows of a table in which a text tells of the person, found by `isMet`. */
const met = (
  { prepare }: Session,
  sql: string,
  isMet: (row: LedgerText) => boolean
): ReadonlyArray<LedgerText> => {
  const found: Array<LedgerText> = []
  for (const row of prepare(sql).iterate() as IterableIterator<LedgerText>) if (isMet(row)) found.push(row)
  return found
}

/** What of a person stands in other rows than their own. */
const elsewhere = (session: Session, traces: Traces) => {
  const isNamed = ({ connection, text }: LedgerText): boolean => names(traces, connection, text)
  const isTold = ({ connection, text }: LedgerText): boolean => tells(traces, connection, text)
  const isPath = ({ connection, text }: LedgerText): boolean => pathWithout(traces, connection, text) !== null
  return {
    quarantine: met(
      session,
      `SELECT id AS key, connection, coalesce(conversation_provider_id, '') || char(10) || coalesce(provider_id, '')
         || char(10) || reason || char(10) || payload AS text FROM quarantine`,
      (row) => {
        const ids = traces.ids.get(row.connection)
        const [conversation = "", record = ""] = row.text.split("\n", 2)
        return ids?.has(conversation) === true || ids?.has(record) === true || isNamed(row)
      }
    ),
    hints: met(
      session,
      "SELECT subject AS key, connection, subject AS text FROM hints",
      ({ connection, text }) => {
        const { id } = JSON.parse(text) as { readonly id?: string }
        return id !== undefined && traces.ids.get(connection)?.has(id) === true
      }
    ),
    scans: met(session, "SELECT lane AS key, connection, cursor AS text FROM scans", isNamed),
    learned: met(
      session,
      "SELECT name AS key, connection, value AS text FROM learned",
      // A digest can be compared with an id.
      (row) => isNamed(row) || (row.key === missingFact && traces.ids.has(row.connection))
    ),
    pages: met(session, "SELECT id AS key, connection, path AS text FROM pages", isPath),
    requests_refused: met(
      session,
      "SELECT id AS key, connection, path AS text FROM requests_refused",
      isPath
    ),
    run_connections: met(
      session,
      `SELECT run_id || ' ' || lane AS key, connection, coalesce(error_message, '') || char(10) || coalesce(error_hint, '') AS text
       FROM run_connections WHERE error_message IS NOT NULL`,
      isTold
    )
  }
}

type Elsewhere = ReturnType<typeof elsewhere>

const clear = ({ prepare }: Session, traces: Traces, found: Elsewhere): void => {
  for (const { key } of found.quarantine) prepare("DELETE FROM quarantine WHERE id = ?").run(key)
  for (const { connection, key } of found.hints) {
    prepare("DELETE FROM hints WHERE connection = ? AND subject = ?").run(connection, key)
  }
  for (const { connection, key } of found.scans) {
    prepare("DELETE FROM scans WHERE connection = ? AND lane = ?").run(connection, key)
  }
  for (const { connection, key } of found.learned) {
    prepare("DELETE FROM learned WHERE connection = ? AND name = ?").run(connection, key)
  }
  for (const table of ["pages", "requests_refused"] as const) {
    for (const { connection, key, text } of found[table]) {
      prepare(`UPDATE ${table} SET path = ? WHERE id = ?`).run(pathWithout(traces, connection, text), key)
    }
  }
  for (const { connection, key } of found.run_connections) {
    const [run, lane] = key.split(" ")
    prepare(
      `UPDATE run_connections SET error_message = ?, error_hint = iif(error_hint IS NULL, NULL, '')
       WHERE run_id = ? AND connection = ? AND lane = ?`
    ).run(erasedWords, run, connection, lane)
  }
}

/** How much there is of theirs, by table. Writes nothing. */
export const countPerson = (session: Session, person: Person): ErasureCounts => {
  const { prepare } = session
  const found = elsewhere(session, tracesOf(session, person))
  const keys = JSON.stringify(person.conversations)
  const count = (sql: string): number => Number(prepare(sql).pluck().get(keys))
  const ofThese = "SELECT id FROM remote_conversations WHERE key IN (SELECT value FROM json_each(?))"
  return {
    contacts: person.contacts.length,
    conversations: person.conversations.length,
    messages: count(
      `SELECT count(*) FROM json_each(?) ids CROSS JOIN message_rows m
         ON m.key BETWEEN ids.value << 20 AND (ids.value << 20) + 1048575`
    ),
    raw_records: count(
      "SELECT count(*) FROM raw_rows WHERE conversation IN (SELECT value FROM json_each(?))"
    ),
    status_history: count(`SELECT count(*) FROM status_history WHERE conversation_id IN (${ofThese})`),
    status_changes: count(`SELECT count(*) FROM status_changes WHERE conversation_id IN (${ofThese})`),
    ...Object.fromEntries(Object.entries(found).map(([table, rows]) => [table, rows.length]))
  }
}

/** Notes which rows are to go, and that nothing of them is to come back. To be called inside of a transaction. */
export const addToErasure = (session: Session, erasure: number, person: Person): void => {
  const { prepare } = session
  const remembered = makeRemembered(session)
  const traces = tracesOf(session, person)
  clear(session, traces, elsewhere(session, traces))
  const note = prepare("INSERT OR IGNORE INTO erasure_rows (kind, key) VALUES (?, ?)")
  const ids = { contact: "remote_contacts", conversation: "remote_conversations" } as const
  for (const kind of ["contact", "conversation"] as const) {
    const idOf = prepare(`SELECT id FROM ${ids[kind]} WHERE key = ?`).pluck()
    for (const key of kind === "contact" ? person.contacts : person.conversations) {
      remembered.remember(erasure, kind, idOf.get(key) as string)
      note.run(kind, key)
    }
  }
  for (const identity of person.identities) remembered.remember(erasure, "identity", identity)
  prepare(
    `INSERT OR IGNORE INTO erasure_rows (kind, key)
     SELECT 'raw', key FROM raw_rows WHERE conversation IN (SELECT value FROM json_each(?))`
  ).run(JSON.stringify(person.conversations))
}

/** To be called inside of a transaction. Returns the erasure's number. */
export const beginPerson = (session: Session, person: Person, at: Timestamp): number => {
  const { lastInsertRowid } = session
    .prepare("INSERT INTO erasures (what, requested_at) VALUES ('person', ?)")
    .run(at)
  addToErasure(session, Number(lastInsertRowid), person)
  return Number(lastInsertRowid)
}

/** Of a connection, what goes with its rows and what it says of itself. */
const ofConnection = [
  "quarantine",
  "hints",
  "hint_counts",
  "scans",
  "scan_seen",
  "learned",
  "covered_ranges",
  "account_bindings",
  "alerts",
  "requests_refused"
] as const

/** How much there is of a connection, by table. Writes nothing. */
export const countConnection = ({ prepare }: Session, connection: string): ErasureCounts => {
  const count = (sql: string): number => Number(prepare(sql).pluck().get(connection))
  const keys = "SELECT key FROM remote_conversations WHERE connection = ?"
  const ids = "SELECT id FROM remote_conversations WHERE connection = ?"
  return {
    contacts: count("SELECT count(*) FROM remote_contacts WHERE connection = ?"),
    conversations: count("SELECT count(*) FROM remote_conversations WHERE connection = ?"),
    messages: count(
      "SELECT coalesce(sum(stored_messages), 0) FROM remote_conversations WHERE connection = ?"
    ),
    raw_records: count(`SELECT count(*) FROM raw_rows WHERE conversation IN (${keys})`),
    status_history: count(`SELECT count(*) FROM status_history WHERE conversation_id IN (${ids})`),
    status_changes: count(`SELECT count(*) FROM status_changes WHERE conversation_id IN (${ids})`),
    ...Object.fromEntries(
      ofConnection.map((table) => [table, count(`SELECT count(*) FROM ${table} WHERE connection = ?`)])
    ),
    pages: count("SELECT count(*) FROM pages WHERE connection = ?"),
    run_connections: count(
      "SELECT count(*) FROM run_connections WHERE error_message IS NOT NULL AND connection = ?"
    )
  }
}

/** Forgets a connection: what is kept is that there was one, and how much its runs did. To be called inside of a transaction. */
export const beginConnection = ({ prepare }: Session, connection: string, at: Timestamp): number => {
  const { lastInsertRowid } = prepare(
    "INSERT INTO erasures (what, connection, requested_at) VALUES ('connection', ?, ?)"
  ).run(connection, at)
  prepare("UPDATE connections SET forgotten_at = ?, last_complete_scan_at = NULL WHERE name = ?").run(
    at,
    connection
  )
  for (const table of ofConnection) prepare(`DELETE FROM ${table} WHERE connection = ?`).run(connection)
  prepare("UPDATE pages SET path = '…' WHERE connection = ?").run(connection)
  prepare(
    `UPDATE run_connections SET error_message = ?, error_hint = iif(error_hint IS NULL, NULL, '')
     WHERE connection = ? AND error_message IS NOT NULL`
  ).run(erasedWords, connection)
  prepare(
    `INSERT OR IGNORE INTO erasure_rows (kind, key)
     SELECT 'raw', w.key FROM raw_rows w JOIN remote_conversations r ON r.key = w.conversation WHERE r.connection = $connection
     UNION ALL SELECT 'conversation', key FROM remote_conversations WHERE connection = $connection
     UNION ALL SELECT 'contact', key FROM remote_contacts WHERE connection = $connection`
  ).run({ connection })
  return Number(lastInsertRowid)
}
