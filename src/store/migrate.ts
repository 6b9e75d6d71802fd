import type Sqlite from "better-sqlite3"
import packageJson from "../../package.json" with { type: "json" }
import { type Migration, migrations as released } from "./migrations/index.ts"
import { makeNewest, type NewestSchema, readNewest } from "./newest.ts"
import { StoreError } from "./StoreError.ts"

/** Marks a SQLite file as a mirror: "PARL", in the header of the file. */
export const applicationId = 0x5041524c

/** What kind of file a database is, read without changing it. */
export interface Identity {
  readonly _tag: "Empty" | "Mirror" | "Foreign"
  readonly version: number
}

/** In one transaction: another process may be creating the mirror meanwhile. */
export const identify = (database: Sqlite.Database): Identity =>
  database.transaction((): Identity => {
    const id = database.pragma("application_id", { simple: true })
    const version = Number(database.pragma("user_version", { simple: true }))
    if (id === applicationId) return { _tag: "Mirror", version }
    const objects = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get()
    return { _tag: id === 0 && version === 0 && objects === 0 ? "Empty" : "Foreign", version }
  })()

/** Throws where this program cannot work with the file: not a mirror, or made by a newer program. */
export const refuseForeign = (
  op: string,
  path: string,
  identity: Identity,
  migrations: ReadonlyArray<Migration> = released
): void => {
  if (identity._tag === "Foreign") {
    throw new StoreError({
      op,
      kind: "not-a-mirror",
      message: `${path} is a SQLite database, but not a mirror of Parley's`,
      hint: "Name another file with --db or `database:`; Parley creates it. This one was left as it is."
    })
  }
  if (identity.version > migrations.length) {
    throw new StoreError({
      op,
      kind: "newer-schema",
      message: `${path} was made by a newer Parley (schema ${identity.version}; this program knows ${migrations.length})`,
      hint: "Update Parley, or name another file with --db. This one was left as it is."
    })
  }
}

const createRecord = /* sql */ `
CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  program_version TEXT NOT NULL
) STRICT`

const note = (database: Sqlite.Database, { name, version }: Migration, appliedAt: string): void => {
  database
    .prepare("INSERT INTO migrations (version, name, applied_at, program_version) VALUES (?, ?, ?, ?)")
    .run(version, name, appliedAt, packageJson.version)
  database.pragma(`application_id = ${applicationId}`)
  database.pragma(`user_version = ${version}`)
}

/** Takes one step, unless another process just took it. */
const step = (
  database: Sqlite.Database,
  migration: Migration,
  appliedAt: string,
  report: (share: number) => void
): boolean => {
  if (Number(database.pragma("user_version", { simple: true })) >= migration.version) return false
  database.exec(createRecord)
  if (typeof migration.sql === "string") database.exec(migration.sql)
  else migration.sql(database, report)
  note(database, migration, appliedAt)
  const broken = database.pragma("foreign_key_check")
  if (Array.isArray(broken) && broken.length > 0) {
    throw new Error(`migration ${migration.version} (${migration.name}) leaves rows that refer to nothing`)
  }
  return true
}

/** Makes of an empty file what all steps would make of it, unless another process has begun. */
const takeAll = (
  database: Sqlite.Database,
  migrations: ReadonlyArray<Migration>,
  newest: NewestSchema,
  appliedAt: string
): boolean => {
  if (identify(database)._tag !== "Empty") return false
  makeNewest(database, newest)
  for (const migration of migrations) note(database, migration, appliedAt)
  return true
}

/**
 * Brings a file to the newest schema, each step in a transaction of its own, or an empty one at once. Several processes may
 * do so at once. Returns the versions that were applied here. `report` hears how far a long step is, from 0 to 1.
 */
export const migrate = (
  database: Sqlite.Database,
  appliedAt: string,
  migrations: ReadonlyArray<Migration> = released,
  report: (step: Migration, share: number) => void = () => {},
  described: () => NewestSchema | null = readNewest
): ReadonlyArray<number> => {
  const version = Number(database.pragma("user_version", { simple: true }))
  const pending = migrations.filter((migration) => migration.version > version)
  if (pending.length === 0) return []
  // A step may rebuild a table that others refer to; references are checked before it commits.
  database.pragma("foreign_keys = OFF")
  try {
    const newest = version === 0 ? described() : null
    const isAtOnce =
      newest?.version === migrations.length &&
      database.transaction(() => takeAll(database, migrations, newest, appliedAt)).immediate()
    if (isAtOnce) return migrations.map((migration) => migration.version)
    const applied: Array<number> = []
    for (const migration of pending) {
      if (
        database
          .transaction(() => step(database, migration, appliedAt, (share) => report(migration, share)))
          .immediate()
      ) {
        applied.push(migration.version)
      }
    }
    return applied
  } finally {
    database.pragma("foreign_keys = ON")
  }
}
