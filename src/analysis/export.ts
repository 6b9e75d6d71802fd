import { lstatSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { Clock, Effect } from "effect"
import packageJson from "../../package.json" with { type: "json" }
import { replaceWith, unfinishedName } from "../files/newFile.ts"
import { Db, StoreError } from "../store/Db.ts"
import { onFile } from "../store/onFile.ts"
import { inSnapshot, momentOf } from "../store/read/moment.ts"
import type { Row } from "../store/read/value.ts"
import type { ExportFormat } from "./exportFormats.ts"
import { loadSql } from "./loadSql.ts"
import { type Manifest, type ManifestFile, manifestName, sha256Of } from "./manifest.ts"
import { datasetteMetadata } from "./metadata.ts"
import { openRowFile } from "./rowFile.ts"
import { deletedRows, type ExportTable, exportable, exportedByDefault, type RowFile } from "./tables.ts"

/*
 * The mirror as files, one a table. All of them show the same moment: they are read in one transaction, written under
 * temporary names, and get their own names once the last one is complete; then the manifest says that all are there.
 */

export interface ExportOptions {
  /** The folder; made where it is missing. */
  readonly to: string
  readonly format: ExportFormat
  /** Only what was changed after this commit, for tables where that is known, and what is gone; null: everything. */
  readonly since: number | null
  /** Names of tables and views; none: those that are exported by default. */
  readonly tables: ReadonlyArray<string>
  /** Files of the same names may be replaced. */
  readonly overwrite: boolean
  readonly byteOrderMark: boolean
  /** CSV: see `CsvOptions`. */
  readonly plainPhones: boolean
}

const metadataName = "metadata.json"
const loadName = "load.sql"

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Rows read at once; between two batches other work has its turn. */
const batchSize = 2_000

const refuse = (message: string, hint: string) =>
  new StoreError({ op: "export", kind: "refused", message, hint })

const chosenTables = (names: ReadonlyArray<string>): ReadonlyArray<ExportTable> | StoreError => {
  if (names.length === 0) return exportedByDefault
  const unknown = names.find((name) => !exportable.some((table) => table.name === name))
  return unknown === undefined
    ? exportable.filter(({ name }) => names.includes(name))
    : refuse(
        `there is no table ${unknown} to export`,
        `Tables: ${exportable.map(({ name }) => name).join(", ")}.`
      )
}

const take = (rows: IterableIterator<Row>): ReadonlyArray<Row> => {
  const batch: Array<Row> = []
  while (batch.length < batchSize) {
    const next = rows.next()
    if (next.done === true) break
    batch.push(next.value)
  }
  return batch
}

const writeTable = Effect.fn("export.table")(function* (
  db: Db,
  table: ExportTable,
  path: string,
  options: ExportOptions
) {
  const { since } = options
  const rows = yield* db.use("export", ({ database }) => {
    const statement = (sql: string) => database.prepare<Array<unknown>, Row>(sql).raw()
    return since === null || table.changes === null
      ? statement(table.sql).iterate()
      : statement(table.changes.sql).iterate({ since })
  })
  const write = (file: RowFile) =>
    Effect.gen(function* () {
      let count = 0
      for (;;) {
        const batch = yield* db.use("export", () => take(rows))
        if (batch.length === 0) break
        yield* onFile("export", path, () => file.write(batch))
        count += batch.length
        yield* Effect.yieldNow()
      }
      yield* onFile("export", path, () => file.finish())
      return count
    })
  return yield* Effect.acquireUseRelease(
    onFile("export", path, () => openRowFile(path, table, options)),
    write,
    (file) =>
      Effect.sync(() => {
        rows.return?.()
        file.abandon()
      })
  )
})

const refuseSince = (since: number | null, seq: number) =>
  since === null || (since >= 0 && since <= seq)
    ? Effect.void
    : Effect.fail(
        refuse(
          `there is no commit ${since} in this mirror: the newest is ${seq}`,
          "Take `seq` of the manifest.json of an earlier export of this mirror, or leave out --since to export everything."
        )
      )

/** Refuses to write where files are in the way that must not be replaced. */
const refuseReplacing = (paths: ReadonlyArray<string>, overwrite: boolean): void => {
  const inTheWay = paths.filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined)
  if (inTheWay.length === 0 || overwrite) return
  const more = inTheWay.length > 1 ? `, and ${inTheWay.length - 1} more` : ""
  throw refuse(
    `${inTheWay[0]} exists already${more}`,
    "Name another folder, or replace the files with --overwrite. Nothing was written."
  )
}

/**
 * Writes the chosen tables, how to load them, and what Datasette wants to know of them; the manifest last, so that a folder
 * with one is whole. Fails with `refused` where files are in the way, or no commit has the number `since`.
 */
export const exportMirror = Effect.fn("export")(function* (options: ExportOptions) {
  const db = yield* Db
  const { format, since, to } = options
  const tables = chosenTables(options.tables)
  if (tables instanceof StoreError) return yield* tables
  const files = since === null ? tables : [...tables, deletedRows]
  const nameOf = (table: ExportTable) => `${table.name}.${format}`
  const pathOf = (name: string) => join(to, name)
  const unfinished = new Map(files.map((table) => [table, unfinishedName(pathOf(nameOf(table)))]))
  yield* onFile("export", to, () => {
    mkdirSync(to, { recursive: true, mode: 0o700 })
    const names = [...files.map(nameOf), metadataName, loadName, manifestName]
    refuseReplacing(names.map(pathOf), options.overwrite)
  })

  const write = Effect.gen(function* () {
    const moment = yield* db.use("export", momentOf)
    yield* refuseSince(since, moment.seq)
    const snapshot_at = new Date(yield* Clock.currentTimeMillis).toISOString()
    const written = yield* Effect.forEach([...unfinished], ([table, path]) =>
      Effect.gen(function* () {
        const rows = yield* writeTable(db, table, path, options)
        const file = yield* onFile("export", path, (): ManifestFile => {
          return { file: nameOf(table), rows, bytes: statSync(path).size, sha256: sha256Of(path) }
        })
        return { table, file }
      })
    )
    const manifest: Manifest = {
      program: `parley ${packageJson.version}`,
      ...moment,
      snapshot_at,
      since,
      format,
      tables: written.flatMap(({ file, table: { changes, name } }) =>
        name === deletedRows.name
          ? []
          : [
              {
                table: name,
                ...file,
                content: since === null || changes === null ? ("all" as const) : ("changes" as const),
                key: changes?.key ?? null
              }
            ]
      ),
      deleted: written.find(({ table }) => table === deletedRows)?.file ?? null
    }
    yield* onFile("export", to, () => {
      // From here to the new manifest the folder holds files of two moments, and none that says it is whole.
      rmSync(pathOf(manifestName), { force: true })
      for (const [table, path] of unfinished) renameSync(path, pathOf(nameOf(table)))
      replaceWith(pathOf(metadataName), json(datasetteMetadata(db.path)))
      replaceWith(pathOf(loadName), loadSql(manifest, tables, deletedRows))
      replaceWith(pathOf(manifestName), json(manifest))
    })
    return manifest
  })
  return yield* inSnapshot(db, "export", write).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        for (const path of unfinished.values()) rmSync(path, { force: true })
      })
    )
  )
})
