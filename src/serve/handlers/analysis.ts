import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Clock, Duration, Effect } from "effect"
import { readReport } from "../../analysis/report/data.ts"
import { reportPage } from "../../analysis/report/page.ts"
import { now } from "../../domain/Timestamp.ts"
import { Db } from "../../store/Db.ts"
import { startQuery } from "../../store/read/QueryProcess.ts"
import { columnsOf, explainRun, SqlFault } from "../../store/read/sqlFaults.ts"
import type { Value } from "../../store/read/value.ts"
import { Api, Invalid, toBroken, toInvalid } from "../api.ts"
import { reading, Serving } from "../Serving.ts"

const reportData = Effect.gen(function* () {
  const at = now(yield* Clock.currentTimeMillis)
  return yield* reading((session) => session.database.transaction(() => readReport(session, at)).deferred())
})

/** Its plots have their style in themselves; it runs nothing, and is shown in a frame of the page. */
const reportHeaders = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox",
  "x-frame-options": "SAMEORIGIN"
}

/** The report as `parley report` writes it. */
export const reportDocument = Effect.map(reportData, (data) =>
  HttpServerResponse.text(reportPage(data), {
    contentType: "text/html; charset=utf-8",
    headers: reportHeaders
  })
)

/** What one query may take. */
const maxRows = 1_000
const maxMillis = 60_000
const maxTemporaryBytes = 2 ** 30
const busyTimeoutMillis = 5_000

/** Queries at once; others wait for their turn. */
const atOnce = Effect.unsafeMakeSemaphore(2)

/** Numbers that JSON cannot hold exactly, and bytes, as text. */
const cellOf = (value: Value): string | number | null => {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex")}'`
  if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)))
    return String(value)
  return value
}

export const analysis = HttpApiBuilder.group(Api, "analysis", (handlers) =>
  handlers
    .handle("report", () => Effect.map(reportData, (data) => ({ ...data })))
    .handle("query", ({ payload: { sql } }) =>
      Effect.gen(function* () {
        const { queryProgram, reader } = yield* Serving
        const columns = yield* reading((session) => columnsOf(session, sql))
        if (columns instanceof SqlFault) return yield* toInvalid(columns)
        const path = (yield* Effect.provide(Db, reader)).path
        const [time, rows] = yield* startQuery(queryProgram, path, sql, {
          busyTimeoutMillis,
          maxTemporaryBytes
        }).pipe(
          Effect.flatMap((query) => query.take(maxRows + 1)),
          Effect.scoped,
          Effect.timeoutFail({
            duration: maxMillis,
            onTimeout: () =>
              new Invalid({
                message: `the query was stopped: SQLite worked on it for ${maxMillis / 1000} seconds`,
                hint: "select less, or use `parley query` with --max-time"
              })
          }),
          Effect.catchTags({
            TemporaryFilesFull: () =>
              new Invalid({
                message: "the query was stopped: it put more than 1 GB into temporary files",
                hint: "select less: fewer columns, or an order that an index has"
              }),
            StoreError: (error) =>
              error.kind === "refused" ? toInvalid(explainRun(error.message, sql)) : toBroken(error)
          }),
          Effect.timed,
          atOnce.withPermits(1)
        )
        return {
          columns,
          rows: rows.slice(0, maxRows).map((row) => row.map(cellOf)),
          more: rows.length > maxRows,
          millis: Math.round(Duration.toMillis(time))
        }
      })
    )
    .handle("dictionary", () =>
      reading(({ prepare }) => ({
        items: prepare(
          "SELECT table_name, column_name, meaning, unit, null_means, example FROM dictionary"
        ).all() as ReadonlyArray<Record<string, unknown>>
      }))
    )
)
