import { HttpApiBuilder, HttpServerRequest, HttpServerResponse } from "@effect/platform"
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
import { connectionNamed, given, instant } from "./parameters.ts"

interface Scope {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly connection?: string | undefined
  readonly compare?: string | undefined
}

const reportData = (asked: Scope) =>
  Effect.gen(function* () {
    const at = now(yield* Clock.currentTimeMillis)
    const since = yield* instant("since", asked.since)
    const until = yield* instant("until", asked.until)
    if (since !== null && until !== null && since >= until) {
      return yield* new Invalid({
        message: "since is not before until",
        hint: "name an earlier since, or a later until"
      })
    }
    const compare = given(asked.compare) !== null && since !== null
    const scope = { since, until, connection: yield* connectionNamed(asked.connection), compare }
    return yield* reading((session) =>
      session.database.transaction(() => readReport(session, at, scope)).deferred()
    )
  })

/** Its plots have their style in themselves; it runs nothing, and is shown in a frame of the page. */
const reportHeaders = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox",
  "x-frame-options": "SAMEORIGIN"
}

/** The report as `parley report` writes it, of what the request's address names. */
export const reportDocument = Effect.gen(function* () {
  const { url } = yield* HttpServerRequest.HttpServerRequest
  const { searchParams } = new URL(url, "http://localhost")
  const data = yield* reportData(Object.fromEntries(searchParams))
  return HttpServerResponse.text(reportPage(data), {
    contentType: "text/html; charset=utf-8",
    headers: reportHeaders
  })
}).pipe(
  Effect.catchAll(({ hint, message }) =>
    HttpServerResponse.text(`${message}: ${hint}`, { status: 400, headers: reportHeaders })
  )
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
    .handle("report", ({ urlParams }) => Effect.map(reportData(urlParams), (data) => ({ ...data })))
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
