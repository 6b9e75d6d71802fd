import { lstatSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { replaceWith, unfinishedName } from "../files/newFile.ts"
import { Db, StoreError } from "../store/Db.ts"
import type { Row } from "../store/read/value.ts"
import type { ExportFormat } from "./exportFormats.ts"
import { onFile } from "./files.ts"
import { datasetteMetadata } from "./metadata.ts"
import { openRowFile } from "./rowFile.ts"
import { type ExportTable, exportable, exportedByDefault, type RowFile } from "./tables.ts"

/*
 * The mirror as files, one a table. All of them show the same moment: they are read in one transaction, written under
 * temporary names, and get their own names once the last one is complete.
 */

export interface ExportOptions {
  /** The folder; made where it is missing. */
  readonly to: string
  readonly format: ExportFormat
  /** Only what this run or a later one brought or changed, for tables where that is known. */
  readonly sinceRun: number | null
  /** Names of tables and views; none: those that are exported by default. */
  readonly tables: ReadonlyArray<string>
  /** Files of the same names may be replaced. */
  readonly overwrite: boolean
  readonly byteOrderMark: boolean
}

export interface ExportedFile {
  readonly table: string
  readonly file: string
  readonly rows: number
  readonly bytes: number
}

const metadataName = "metadata.json"

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

/** Everything inside sees the mirror as it is now, whatever a sync commits meanwhile. */
const inSnapshot = <A, E, R>(db: Db, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    db.use("export", ({ database, prepare }) => {
      database.exec("BEGIN")
      prepare("SELECT count(*) FROM connections").get()
    }),
    () => effect,
    () => Effect.ignore(db.use("export", ({ database }) => database.exec("COMMIT")))
  )

const writeTable = Effect.fn("export.table")(function* (
  db: Db,
  table: ExportTable,
  path: string,
  options: ExportOptions,
  since: { readonly run: number; readonly since: string } | null
) {
  const rows = yield* db.use("export", ({ database }) => {
    const sql = since === null ? table.sql : (table.sinceSql ?? table.sql)
    const statement = database.prepare<Array<unknown>, Row>(sql).raw()
    return since === null || table.sinceSql === null ? statement.iterate() : statement.iterate(since)
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

/** When the run began that the export starts with. */
const beginning = (db: Db, run: number) =>
  Effect.flatMap(
    db.use(
      "export",
      ({ prepare }) =>
        prepare("SELECT started_at FROM runs WHERE id = ?").pluck().get(run) as string | undefined
    ),
    (since) =>
      since === undefined
        ? Effect.fail(refuse(`there is no run ${run}`, "`parley runs` lists them."))
        : Effect.succeed({ run, since })
  )

/** Writes the chosen tables, and what Datasette wants to know of them. Fails with `refused` where files are in the way. */
export const exportMirror = Effect.fn("export")(function* (options: ExportOptions) {
  const db = yield* Db
  const tables = chosenTables(options.tables)
  if (tables instanceof StoreError) return yield* tables
  const pathOf = (name: string) => join(options.to, `${name}.${options.format}`)
  const metadata = join(options.to, metadataName)
  const unfinished = new Map(tables.map(({ name }) => [name, unfinishedName(pathOf(name))]))
  const temporary = (name: string): string => unfinished.get(name) ?? unfinishedName(pathOf(name))
  yield* onFile("export", options.to, () => {
    mkdirSync(options.to, { recursive: true, mode: 0o700 })
    const inTheWay = [...tables.map(({ name }) => pathOf(name)), metadata].filter(
      (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined
    )
    if (inTheWay.length > 0 && !options.overwrite) {
      const more = inTheWay.length > 1 ? `, and ${inTheWay.length - 1} more` : ""
      throw refuse(
        `${inTheWay[0]} is there already${more}`,
        "Name another folder, or replace the files with --overwrite. Nothing was written."
      )
    }
  })

  const write = Effect.gen(function* () {
    const since = options.sinceRun === null ? null : yield* beginning(db, options.sinceRun)
    const counts = yield* Effect.forEach(tables, (table) =>
      Effect.map(writeTable(db, table, temporary(table.name), options, since), (rows) => ({
        table: table.name,
        rows
      }))
    )
    return yield* onFile("export", options.to, (): ReadonlyArray<ExportedFile> => {
      for (const { name } of tables) renameSync(temporary(name), pathOf(name))
      replaceWith(metadata, `${JSON.stringify(datasetteMetadata(db.path), null, 2)}\n`)
      return counts.map(({ rows, table }) => ({
        table,
        file: pathOf(table),
        rows,
        bytes: statSync(pathOf(table)).size
      }))
    })
  })
  return yield* inSnapshot(db, write).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        for (const path of unfinished.values()) rmSync(path, { force: true })
      })
    )
  )
})
