import { statSync } from "node:fs"
import type Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { messageOf } from "../../domain/messageOf.ts"
import { present } from "../../domain/present.ts"
import { codeOf } from "../../files/faults.ts"
import { headerOf } from "../header.ts"
import { attempt, StoreError } from "../StoreError.ts"
import { type ContentHash, type Counted, hashContent, type TableHash } from "./contentHash.ts"
import { type BackupManifest, type DigestPlace, digestPlace, hashBytes, manifestIn } from "./manifest.ts"
import { inSteps } from "./steps.ts"
import { openCopy } from "./target.ts"

const op = "backup.verify"

/** What of a backup counts as its content: every table but the one in which it speaks of itself. */
export const countedInBackup: Counted = { table: (name) => name !== "copy_manifest", column: () => true }

/** What was found out about a backup. */
export interface Verified {
  /** What is wrong with it, a sentence each; empty: it is good. */
  readonly faults: ReadonlyArray<string>
  /** What it says of itself; null: that cannot be read. */
  readonly manifest: BackupManifest | null
  readonly bytes: number
  /** Of the whole file as it is, in hexadecimal; null: it could not be read to its end. */
  readonly sha256: string | null
}

const rows = (count: number): string => `${count} ${count === 1 ? "row" : "rows"}`

const differences = (was: ReadonlyArray<TableHash>, is: ReadonlyArray<TableHash>): ReadonlyArray<string> => [
  ...was.flatMap(({ rows: before, sha256, table }) => {
    const now = is.find((other) => other.table === table)
    if (now === undefined) return [`the table ${table} is not there`]
    if (now.sha256 === sha256) return []
    return [
      now.rows === before
        ? `rows of ${table} are not what was backed up`
        : `${table} has ${rows(now.rows)}, and ${before} were backed up`
    ]
  }),
  ...is
    .filter(({ table }) => !was.some((other) => other.table === table))
    .map(({ table }) => `the table ${table} was added`)
]

/** Why SQLite cannot do what was asked of a damaged file; throws what is no fault of SQLite's or the disk's. */
const said = (cause: unknown): string => {
  if (codeOf(cause) === null) throw cause
  return messageOf(cause)
}

/** SQLite's own check of how the file is built, at most ten lines; empty: nothing is wrong. */
export const damageIn = (database: Sqlite.Database): ReadonlyArray<string> => {
  try {
    return (
      database.pragma("integrity_check(10)") as ReadonlyArray<{ readonly integrity_check: string }>
    ).flatMap(({ integrity_check: line }) => (line === "ok" ? [] : [`SQLite: ${line.trim()}`]))
  } catch (cause) {
    return [`SQLite: ${said(cause)}`]
  }
}

/** The rows, where they can be read. */
function* contentOf(database: Sqlite.Database): Generator<void, ContentHash | string> {
  try {
    return yield* hashContent(database, countedInBackup, { withSchema: true })
  } catch (cause) {
    return said(cause)
  }
}

const open = (path: string): Sqlite.Database | string => {
  try {
    return openCopy(path)
  } catch (cause) {
    return said(cause)
  }
}

const describe = (database: Sqlite.Database, path: string) => {
  try {
    const manifest = manifestIn(database)
    return manifest === null || manifest.kind !== "backup"
      ? null
      : { manifest, place: digestPlace(database, path) }
  } catch (cause) {
    return said(cause)
  }
}

/** Compares everything in an open file with what it says of itself. */
function* compare(database: Sqlite.Database, path: string): Generator<void, Verified> {
  const found = describe(database, path)
  const { bytes, digest, sha256 } = yield* hashBytes(
    path,
    found === null || typeof found === "string" ? null : (found.place?.offset ?? null)
  )
  if (found === null || typeof found === "string") {
    const fault =
      found === null
        ? "it does not say what it is a backup of: `parley backup` did not write it, or it was put to use as a mirror"
        : `what it says of itself cannot be read: ${found}`
    return { faults: [fault, ...damageIn(database)], manifest: null, bytes, sha256 }
  }
  const { manifest, place } = found
  yield
  const damage = damageIn(database)
  yield
  const content = yield* contentOf(database)
  const changed =
    typeof content === "string"
      ? [`its rows cannot be read: ${content}`]
      : present(
          ...differences(manifest.tables, content.tables),
          content.sha256 !== manifest.content && "what it holds is not what was backed up"
        )
  const isSealed = place !== null && place.digest === digest
  const where =
    damage.length > 0 || changed.length > 0
      ? "its bytes are not those that were written"
      : "its bytes are not those that were written, in places where no row is: the file's header, unused space, or its digest"
  return { faults: present(!isSealed && where, ...damage, ...changed), manifest, bytes, sha256 }
}

/** What lies beside a file that is open for writing, or was put to use: SQLite would read it as a part of the file. */
const besides = ["-wal", "-journal"] as const

function* examine(path: string): Generator<void, Verified> {
  const bad = (fault: string): Verified => ({
    faults: [fault],
    manifest: null,
    bytes: statSync(path).size,
    sha256: null
  })
  const { hasLog, isSqlite } = headerOf(path)
  if (!isSqlite) return bad("it is no SQLite database, or its first bytes are damaged")
  for (const suffix of besides) {
    const size = statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0
    if (size > 0)
      return bad(
        `${path}${suffix} lies beside it, so another program writes to it, or it was in use as a mirror`
      )
  }
  if (hasLog) return bad("it was put to use as a mirror since, or its first bytes are damaged")
  const database = open(path)
  if (typeof database === "string") return bad(`SQLite cannot open it: ${database}`)
  try {
    return yield* compare(database, path)
  } finally {
    database.close()
  }
}

/** Whether a backup's bytes are those that were written. Reads the file, and none of its rows. Throws what SQLite throws. */
export function* isIntact(path: string): Generator<void, boolean> {
  const database = openCopy(path)
  let place: DigestPlace | null
  try {
    place = digestPlace(database, path)
  } finally {
    database.close()
  }
  return place !== null && (yield* hashBytes(path, place.offset)).digest === place.digest
}

/**
 * Whether a backup is what was backed up, to the last bit: its bytes, how SQLite finds it built, and all of its rows. Changes
 * nothing. Fails where there is no such file, or it cannot be opened at all.
 */
export const verifyBackup = Effect.fn("backup.verify")(function* (path: string) {
  const hint = "Name a file that `parley backup --to` wrote."
  const stats = yield* attempt(op, path, () => statSync(path, { throwIfNoEntry: false }))
  if (stats === undefined) {
    return yield* new StoreError({ op, kind: "no-such-file", message: `there is no file ${path}`, hint })
  }
  if (!stats.isFile()) {
    const what = stats.isDirectory() ? "a folder" : "not a file"
    return yield* new StoreError({ op, kind: "not-a-file", message: `${path} is ${what}`, hint })
  }
  return yield* inSteps(op, path, () => examine(path))
})
