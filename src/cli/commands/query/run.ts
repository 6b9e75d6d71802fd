import { Clock, Effect, Option, Ref } from "effect"
import { spellDuration } from "../../../config/units.ts"
import { Db } from "../../../store/Db.ts"
import { type QueryProcess, startQuery } from "../../../store/read/QueryProcess.ts"
import { columnsOf, explainRun, SqlFault } from "../../../store/read/sqlFaults.ts"
import { readingMirror } from "../../configuration.ts"
import { LimitReached, UsageError } from "../../errors.ts"
import { exitCodes } from "../../exitCodes.ts"
import { noteFailure } from "../../failure.ts"
import { Globals } from "../../globals.ts"
import { Host } from "../../Host.ts"
import { readInput } from "../../input.ts"
import { counted } from "../../terminal/numbers.ts"
import { Output } from "../../terminal/Output.ts"
import { type QueryFormat, type RowWriter, rowWriter } from "../../terminal/rows.ts"
import { jsonText } from "../../terminal/safeText.ts"
import type { QueryInput } from "./index.ts"
import { type QueryLimits, readLimits, spellSize } from "./limits.ts"

/** Rows that are read and written at once; a table's columns are laid out by the first of these. */
const batchSize = 500

/** How long a statement waits for another program's lock, in milliseconds. */
const busyTimeoutMillis = 5_000

interface Written {
  readonly rows: number
  /** There are more, which were not requested. */
  readonly more: boolean
}

const soFar = (rows: number): string =>
  rows === 0 ? "" : `, and ${counted(rows, "row")} of its result were written`

const outOfSpace = (rows: number, maxBytes: number): LimitReached =>
  new LimitReached({
    kind: "space_limit",
    message: `the query was stopped: SQLite put more than ${spellSize(maxBytes)} into temporary files for it${soFar(rows)}`,
    hint: "allow more with --max-temp 5GB, or select less: fewer columns, or an order that an index has; EXPLAIN QUERY PLAN shows where a TEMP B-TREE is built"
  })

const outOfTime = (rows: number, maxMillis: number): LimitReached =>
  new LimitReached({
    kind: "time_limit",
    message: `the query was stopped: SQLite worked on it for ${spellDuration(maxMillis)}${soFar(rows)}`,
    hint: "allow more with --max-time 10m, or select less; EXPLAIN QUERY PLAN shows which tables it reads whole"
  })

/** Takes rows from the process that reads, whose time for all of them together is limited. Null: it is used up. */
const timed = (query: QueryProcess, maxMillis: number) => {
  let left = maxMillis
  return Effect.fn("query.take")(function* (most: number) {
    const began = yield* Clock.currentTimeMillis
    const rows = yield* query.take(most).pipe(Effect.timeoutOption(left))
    left -= (yield* Clock.currentTimeMillis) - began
    return Option.getOrNull(rows)
  })
}

/** Writes every row as it is read, so that a result may be larger than memory, and counts them in `written`. */
const write = Effect.fn("query.write")(function* (
  query: QueryProcess,
  writer: RowWriter,
  { maxMillis, maxRows }: QueryLimits,
  written: Ref.Ref<number>
) {
  const output = yield* Output
  const take = timed(query, maxMillis)
  for (;;) {
    const before = yield* Ref.get(written)
    // One more than is written: only so it is known whether there are more.
    const most = Math.min(batchSize, maxRows - before + 1)
    const batch = yield* take(most)
    if (batch === null) return yield* outOfTime(before, maxMillis)
    const rows = batch.slice(0, maxRows - before)
    const count = before + rows.length
    const head = before === 0 ? writer.begin(rows) : ""
    const isLast = batch.length < most || rows.length < batch.length
    const text = head + rows.map((row, index) => writer.row(row, before + index)).join("")
    yield* Ref.set(written, count)
    const isRead = yield* output.piece(isLast ? text + writer.end(count) : text)
    if (isLast || !isRead) return { rows: count, more: rows.length < batch.length } satisfies Written
  }
})

const leftOut = (rows: number, now: number, asEvent: boolean): string =>
  asEvent
    ? jsonText({ event: "rows_left_out", at: new Date(now).toISOString(), rows })
    : `(the first ${counted(rows, "row")}; there are more: --max-rows none shows all of them)`

const run = Effect.fn("query")(function* (sql: string, format: QueryFormat, limits: QueryLimits) {
  const db = yield* Db
  const output = yield* Output
  const { queryProgram } = yield* Host
  const { progress, quiet } = yield* Globals
  const columns = yield* db.use("query", (session) => columnsOf(session, sql))
  if (columns instanceof SqlFault) return yield* new UsageError(columns)
  const writer = rowWriter(format, columns, yield* output.resultColumns)
  const written = yield* Ref.make(0)
  const result = yield* startQuery(queryProgram, db.path, sql, {
    busyTimeoutMillis,
    maxTemporaryBytes: limits.maxTemporaryBytes
  }).pipe(
    Effect.flatMap((query) => write(query, writer, limits, written)),
    Effect.scoped,
    Effect.catchTag("TemporaryFilesFull", () =>
      Effect.flatMap(Ref.get(written), (rows) => Effect.fail(outOfSpace(rows, limits.maxTemporaryBytes)))
    ),
    Effect.mapError((failure) =>
      failure._tag === "StoreError" && failure.kind === "refused"
        ? new UsageError(explainRun(failure.message, sql))
        : failure
    ),
    // A result that breaks off stays without its end, so that no program takes it for whole.
    Effect.catchAll((failure) =>
      Effect.flatMap(Ref.get(written), (rows) => (rows === 0 ? Effect.fail(failure) : noteFailure(failure)))
    )
  )
  if (typeof result === "number") return result
  const now = yield* Clock.currentTimeMillis
  if (result.more) yield* output.note(leftOut(result.rows, now, progress === "json"))
  else if (format === "table" && !quiet) yield* output.note(`(${counted(result.rows, "row")})`)
  return exitCodes.complete
})

const sqlOf = Effect.fn("query.sql")(function* ({ file, sql }: QueryInput) {
  if (file !== null && sql !== null) {
    return yield* new UsageError({ message: "there is SQL beside --file", hint: "leave one of them out" })
  }
  if (file !== null) return yield* readInput("--file", file)
  if (sql !== null) return sql === "-" ? yield* readInput("SQL", "-") : sql
  return yield* new UsageError({
    message: "there is no SQL",
    hint: "write parley query 'SELECT …', or --file FILE; SELECT * FROM dictionary lists tables and columns"
  })
})

export const query = Effect.fn("query.verb")(function* (input: QueryInput) {
  const { json } = yield* Globals
  const format = input.format ?? (json ? "json" : "table")
  if (json && format !== "json" && format !== "ndjson") {
    return yield* new UsageError({
      message: `--json and --format ${format} contradict each other`,
      hint: "leave one of them out"
    })
  }
  const limits = yield* readLimits(input, format)
  return yield* readingMirror(run(yield* sqlOf(input), format, limits))
})
