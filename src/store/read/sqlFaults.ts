import { Data } from "effect"
import { nearest, suggestion } from "../../config/nearest.ts"
import { messageOf } from "../../domain/messageOf.ts"
import type { Session } from "../Db.ts"
import { dictionary } from "../dictionary.ts"

/** What is wrong with SQL that a person wrote, and what to write instead. */
export class SqlFault extends Data.TaggedError("SqlFault")<{
  readonly message: string
  readonly hint: string
}> {}

const tablesIn = ({ prepare }: Session): ReadonlyArray<string> =>
  prepare(
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT GLOB 'message_search_*' ORDER BY 1"
  )
    .pluck()
    .all() as ReadonlyArray<string>

/** What is known of the tables that SQL reads from; of one alone, where a column is written with its name or alias. */
const tablesRead = (sql: string, qualifier: string | undefined) => {
  // A column may be called as a table is: `messages` of conversation_facts.
  const sources = sql.slice(Math.max(0, sql.search(/\bfrom\b/i)))
  const reads = (after: string) =>
    dictionary.filter(({ table }) =>
      new RegExp(`(?:\\bfrom\\b|\\bjoin\\b|,)\\s*["\`[]?${table}\\b${after}`, "i").test(sources)
    )
  const own =
    qualifier === undefined || !/^\w+$/.test(qualifier)
      ? []
      : [
          ...reads(`["\`\\]]?\\s+(?:as\\s+)?${qualifier}\\b`),
          ...dictionary.filter(({ table }) => table === qualifier)
        ]
  return own.length > 0 ? own : reads("")
}

/** The column that was most likely meant, among those of the tables that the SQL reads. */
const columnHint = (written: string, sql: string): string => {
  const [word = written, qualifier] = written.replaceAll('"', "").split(".").reverse()
  const named = tablesRead(sql, qualifier)
  const near = nearest(
    word,
    // A column of this name is in another of the tables: it is not what was meant.
    named.flatMap(({ columns }) => Object.keys(columns)).filter((name) => name !== word)
  )
  if (near !== null) return `did you mean "${near}"?`
  const [table] = named
  return table === undefined
    ? "SELECT * FROM dictionary lists tables and columns"
    : `${table.table} has: ${Object.keys(table.columns).join(", ")}`
}

const matchHint =
  'a search is words, "a phrase", AND, OR, NOT, or word*; put words with other signs in double quotes: MATCH \'"e-mail"\''

const groupHint =
  "SQLite makes excerpts only while it searches: group (SELECT * FROM search_results WHERE search MATCH '…' LIMIT -1) instead"

const generalHint = "SELECT * FROM dictionary explains tables and columns; the SQL is that of SQLite"

const refuseWriting = new SqlFault({
  message: "query only reads, and this is not a SELECT",
  hint: "to change a status: parley set-status ID STATUS, or UPDATE conversations from any SQLite client"
})

/** What SQLite says of this SQL when it is read, and what to do about it. */
const explainSql = (message: string, sql: string, session: Session): SqlFault => {
  const fault = (hint: string, text = message) => new SqlFault({ message: text, hint })
  const table = /^no such table: (?:main\.)?(.+)$/.exec(message)?.[1]
  if (/^cannot modify /.test(message)) return refuseWriting
  if (table !== undefined) {
    return fault(suggestion(table, tablesIn(session)).slice(2), `there is no table ${table}`)
  }
  if (/should this be a string literal/.test(message)) return fault("put texts in 'single quotes'")
  const column = /^no such column: (\S+)/.exec(message)?.[1]
  if (column !== undefined) return fault(columnHint(column, sql), `there is no column ${column}`)
  const near = /^near (".*"): syntax error$/s.exec(message)?.[1]
  if (near !== undefined) return fault(generalHint, `the SQL is not right near ${near}`)
  if (message === "incomplete input") return fault(generalHint, "the SQL ends too early")
  if (/more than one statement/.test(message))
    return fault("give one at a time", "there is more than one statement in it")
  if (/parameter values/.test(message))
    return fault("write the value in its place", "there is a ? or :name in it")
  if (/contains no statements/.test(message))
    return fault("write parley query 'SELECT …'", "there is no SQL in it")
  return fault(generalHint)
}

/** The same for what SQLite says while it runs: the words of a search are read only then. */
export const explainRun = (message: string, sql: string): SqlFault => {
  const isSearch =
    /\bmatch\b/i.test(sql) && /^(fts5:|no such column|unterminated string|unknown special)/.test(message)
  if (isSearch) return new SqlFault({ message, hint: matchHint })
  return new SqlFault({ message, hint: /requested context/.test(message) ? groupHint : generalHint })
}

/** The names of the columns of a SELECT, or what is wrong with it. Runs nothing of it. */
export const columnsOf = (session: Session, sql: string): ReadonlyArray<string> | SqlFault => {
  try {
    const statement = session.database.prepare(sql)
    if (!statement.reader || !statement.readonly) return refuseWriting
    // Rejects a parameter that has no value.
    statement.iterate().return?.()
    return statement.columns().map(({ name }) => name)
  } catch (cause) {
    return explainSql(messageOf(cause), sql, session)
  }
}
