import { Effect, Option } from "effect"
import { suggestion } from "../config/nearest.ts"
import { Db, type Session } from "../store/Db.ts"
import { readingMirror } from "./configuration.ts"
import { UsageError } from "./errors.ts"
import { exitCodes } from "./exitCodes.ts"
import { Globals } from "./globals.ts"
import { counted } from "./render/numbers.ts"
import { Output } from "./render/Output.ts"
import { type QueryFormat, rowWriter, type Value } from "./render/rows.ts"
import type { QueryInput } from "./verbs/query.ts"

/** Rows that are looked at before a table's columns are laid out. */
const sampleSize = 500

/** Rows between two looks at whether anybody still reads. */
const stride = 500

interface Prepared {
  readonly columns: ReadonlyArray<string>
  readonly rows: IterableIterator<ReadonlyArray<Value>>
}

const namesIn = ({ prepare }: Session): ReadonlyArray<string> =>
  prepare(
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT GLOB 'message_search_*' ORDER BY 1"
  )
    .pluck()
    .all() as ReadonlyArray<string>

/** What SQLite says, and what to do about it. */
const explain = (cause: unknown, session: Session): UsageError => {
  const message = cause instanceof Error ? cause.message : String(cause)
  const table = /^no such table: (?:main\.)?(.+)$/.exec(message)?.[1]
  if (table !== undefined) {
    const hint = suggestion(table, namesIn(session)).slice(2)
    return new UsageError({ message, hint })
  }
  if (/more than one statement/.test(message)) {
    return new UsageError({ message: "there is more than one statement in it", hint: "give one at a time" })
  }
  if (/parameter values/.test(message)) {
    return new UsageError({ message: "there is a ? or :name in it", hint: "write the value in its place" })
  }
  if (/contains no statements/.test(message)) {
    return new UsageError({ message: "there is no SQL in it", hint: "write parley query 'SELECT …'" })
  }
  return new UsageError({
    message,
    hint: "SELECT * FROM dictionary explains tables and columns; the SQL is that of SQLite"
  })
}

const refuseWriting = new UsageError({
  message: "query only reads, and this is no SELECT",
  hint: "to change a status: parley set-status ID STATUS, or UPDATE conversations from any SQLite client"
})

const prepareQuery = (session: Session, sql: string): Prepared | UsageError => {
  try {
    const statement = session.database.prepare<Array<unknown>, ReadonlyArray<Value>>(sql)
    if (!statement.reader || !statement.readonly) return refuseWriting
    const columns = statement.columns().map(({ name }) => name)
    return { columns, rows: statement.raw().iterate() }
  } catch (cause) {
    return explain(cause, session)
  }
}

/** The next rows, at most so many; fewer: there are no more. */
const take = (rows: Prepared["rows"], most: number): ReadonlyArray<ReadonlyArray<Value>> => {
  const taken: Array<ReadonlyArray<Value>> = []
  while (taken.length < most) {
    const next = rows.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

/** Writes every row as it is read, so that a result may be larger than memory; returns their number. */
const write = Effect.fn("query.write")(function* ({ columns, rows }: Prepared, format: QueryFormat) {
  const db = yield* Db
  const output = yield* Output
  const writer = rowWriter(format, columns, yield* output.resultColumns)
  let batch = yield* db.use("query", () => take(rows, sampleSize))
  let count = 0
  let open = yield* output.piece(writer.begin(batch))
  while (open && batch.length > 0) {
    const before = count
    open = yield* output.piece(batch.map((row, index) => writer.row(row, before + index)).join(""))
    count += batch.length
    batch = yield* db.use("query", () => take(rows, stride))
    yield* Effect.yieldNow()
  }
  yield* output.piece(writer.end(count))
  return count
})

const run = Effect.fn("query")(function* (sql: string, format: QueryFormat) {
  const db = yield* Db
  const output = yield* Output
  const { quiet } = yield* Globals
  const prepared = yield* db.use("query", (session) => prepareQuery(session, sql))
  if (prepared instanceof UsageError) return yield* prepared
  const count = yield* write(prepared, format).pipe(
    Effect.ensuring(Effect.sync(() => prepared.rows.return?.()))
  )
  if (format === "table" && !quiet) yield* output.note(`(${counted(count, "row")})`)
  return exitCodes.complete
})

export const query = ({ format, sql }: QueryInput) =>
  Effect.flatMap(Globals, ({ json }) =>
    readingMirror(
      run(
        sql,
        Option.getOrElse(format, () => (json ? "json" : "table"))
      )
    )
  )
