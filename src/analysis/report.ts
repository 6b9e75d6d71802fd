import { hash } from "node:crypto"
import { closeSync, lstatSync, openSync, readSync } from "node:fs"
import { Clock, Effect } from "effect"
import { now } from "../domain/Timestamp.ts"
import { replaceWith } from "../files/newFile.ts"
import type { FileCopy } from "../store/copies/fileCopies.ts"
import { Db, StoreError } from "../store/Db.ts"
import { onFile } from "../store/onFile.ts"
import { momentOf } from "../store/read/moment.ts"
import { everything, type ReportScope, readReport } from "./report/data.ts"
import { reportMark, reportPage } from "./report/page.ts"

const isReport = (path: string): boolean => {
  const file = openSync(path, "r")
  try {
    const begin = Buffer.alloc(reportMark.length)
    readSync(file, begin, 0, begin.length, 0)
    return begin.toString("utf8") === reportMark
  } finally {
    closeSync(file)
  }
}

/**
 * Writes the report of the mirror as it is now. An earlier report is replaced; any other file is left alone, unless
 * `overwrite`. Returns what was written.
 */
export const writeReport = Effect.fn("report")(function* (
  path: string,
  overwrite: boolean,
  scope: ReportScope = everything
) {
  const db = yield* Db
  const at = now(yield* Clock.currentTimeMillis)
  yield* onFile("report", path, () => {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && !overwrite && !(stats.isFile() && isReport(path))) {
      throw new StoreError({
        op: "report",
        kind: "refused",
        message: `${path} exists already, and is not a report of Parley's`,
        hint: "Name another file, or replace it with --overwrite. Nothing was written."
      })
    }
  })
  const { data, seq } = yield* db.use("report", (session) =>
    session.database
      .transaction(() => ({ data: readReport(session, at, scope), seq: momentOf(session).seq }))
      .deferred()
  )
  const written = yield* onFile("report", path, () => {
    const page = reportPage(data)
    replaceWith(path, page)
    return { bytes: Buffer.byteLength(page), sha256: hash("sha256", page, "hex") }
  })
  return { kind: "report", path, at, seq, ...written } satisfies FileCopy
})
