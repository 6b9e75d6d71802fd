import { chmodSync, closeSync, lstatSync, openSync, readlinkSync, statSync } from "node:fs"
import { dirname } from "node:path"
import Sqlite from "better-sqlite3"
import { Clock, Effect, Runtime } from "effect"
import { now, type Timestamp } from "../domain/Timestamp.ts"
import { codeOf } from "../files/faults.ts"
import { privateMode } from "../files/newFile.ts"
import { type Doubt, doubtsAbout } from "../files/ownership.ts"
import { refreshDerived } from "./derived/refresh.ts"
import { dictionaryRows, refreshDictionary } from "./dictionary.ts"
import { finishErasures } from "./forget/finish.ts"
import { headerOf, noteOpen } from "./header.ts"
import { identify, migrate, refuseForeign } from "./migrate.ts"
import { type Migration, migrations } from "./migrations/index.ts"
import { placeOf } from "./place.ts"
import { forWriting, makeSession, refuseNewer, type Session } from "./Session.ts"
import { attempt, StoreError } from "./StoreError.ts"
import { type VendorColumns, Vendors } from "./Vendors.ts"

export type { Session, Statement } from "./Session.ts"
export { StoreError, type StoreFault } from "./StoreError.ts"

export interface DbOptions {
  /** Opens an existing mirror for reading alone: it is neither created nor migrated. */
  readonly readOnly?: boolean
  /** Opens an existing mirror for writing; one that does not exist is refused rather than created. */
  readonly mustExist?: boolean
  /** How long a statement waits for another writer. */
  readonly busyTimeoutMillis?: number
}

/** Creates the file so that only its owner can read it, unless it is there; -wal and -shm inherit its mode. */
const create = (path: string): void => {
  try {
    closeSync(openSync(path, "wx", privateMode))
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause
  }
}

/** Removes the rights of others. */
const secure = (path: string): void => {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats?.isFile() && (stats.mode & 0o077) !== 0 && stats.uid === process.getuid?.()) {
      chmodSync(file, stats.mode & 0o700)
    }
  }
}

const lookFor = (op: string, path: string, mustExist: boolean): void => {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined && lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    throw new StoreError({
      op,
      kind: "not-a-file",
      message: `${path} is a symbolic link to ${readlinkSync(path)}, which does not exist`,
      hint: "Create what it should lead to, or remove the link; or name another file with --db or `database:`."
    })
  }
  if (stats === undefined) {
    const folder = dirname(path)
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) {
      throw new StoreError({
        op,
        kind: "no-such-file",
        message: `the folder ${folder} does not exist`,
        hint: `Create it (mkdir -p ${folder}), or name another file with --db or \`database:\`.`
      })
    }
    if (mustExist) {
      throw new StoreError({
        op,
        kind: "no-such-file",
        message: `there is no mirror at ${path} yet`,
        hint: "Run `parley sync` first, or name another file with --db or `database:`."
      })
    }
  } else if (!stats.isFile()) {
    throw new StoreError({
      op,
      kind: "not-a-file",
      message: `${path} is ${stats.isDirectory() ? "a folder" : "not a file"}`,
      hint: "Name a file with --db or `database:`."
    })
  }
}

/**
 * Refuses a file beside which the log of another one lies: the mirror that was there before. SQLite does not look whose it is,
 * and would mix both. Whoever writes with a log notes that in the file first, so it cannot be the file's own.
 */
const refuseStrayLog = (op: string, path: string): void => {
  const log = `${path}-wal`
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0) return
  const { hasLog, isSqlite } = headerOf(path)
  if (hasLog || !isSqlite) return
  throw new StoreError({
    op,
    kind: "refused",
    message: `${log} is the log of another file: of the mirror in whose place ${path} was put`,
    hint: `Move ${log} and ${path}-shm away, and run again. Nothing was changed.`
  })
}

/** What a file is, if it is a copy of a mirror and was not put to use since; null: it is a mirror. */
const copyKindOf = (database: Sqlite.Database): "backup" | "publication" | null => {
  const hasTable = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'copy_manifest'").get()
  if (hasTable === undefined) return null
  const kind = database.prepare("SELECT kind FROM copy_manifest").pluck().get()
  return kind === "backup" || kind === "publication" ? kind : null
}

const refusePublication = (op: string, path: string, database: Sqlite.Database): void => {
  if (copyKindOf(database) !== "publication") return
  throw new StoreError({
    op,
    kind: "refused",
    message: `${path} is a publication: it can only be read`,
    hint: "Name the mirror that it was made of, or publish again. This one was left as it is."
  })
}

const olderSchemaHints = {
  mirror: "Run `parley sync` or `parley push` once: it brings the file up to date.",
  backup:
    "Put a copy of it in a mirror's place and run `parley sync`, which brings that up to date; or read it with the Parley that made it.",
  publication: "Run `parley publish` again, with this Parley."
} as const

/** Looks at the file through a connection that cannot write: a file that is refused must stay as it was. */
const inspect = (op: string, path: string): void => {
  const probe = new Sqlite(path, { readonly: true, fileMustExist: true })
  try {
    refuseForeign(op, path, identify(probe))
    refusePublication(op, path, probe)
  } catch (cause) {
    // Left by a process that died while it created the file; a connection that can write puts it right.
    const code = cause instanceof Sqlite.SqliteError ? cause.code : ""
    if (!code.startsWith("SQLITE_READONLY") && !code.startsWith("SQLITE_CANTOPEN")) throw cause
  } finally {
    probe.close()
  }
}

/** Refuses what another user has laid in the mirror's place; gives what is only worth a warning. */
const refuseLaid = (op: string, path: string): ReadonlyArray<Doubt> => {
  const doubts = doubtsAbout(path)
  const fatal = doubts.find(({ isFatal }) => isFatal)
  if (fatal === undefined) return doubts
  throw new StoreError({ op, kind: "read-only", message: fatal.message, hint: fatal.hint })
}

/** Milliseconds that a step of the schema takes before it is worth a word. */
const briefMillis = 1_000

/** Says how far a step of the schema is, whenever a tenth more is done, unless it is done at once. */
const inTenths = (path: string, say: (message: string) => void) => {
  const begun = performance.now()
  let said = 0
  return ({ name, version }: Migration, share: number): void => {
    const tenths = Math.floor(share * 10)
    if (tenths <= said || performance.now() - begun < briefMillis) return
    said = tenths
    say(
      `bringing ${path} to schema ${version} (${name}): ${tenths * 10}%; if it is stopped, all is as before`
    )
  }
}

/** Pages from which on it is worth the time to make a file smaller: 40 MB. */
const manyPages = 10_000

/** Makes the file smaller where most of it is empty; where another program is at it, it stays as it is. */
const giveBack = (database: Sqlite.Database): void => {
  const pages = Number(database.pragma("page_count", { simple: true }))
  const empty = Number(database.pragma("freelist_count", { simple: true }))
  if (pages < manyPages || empty * 2 < pages) return
  try {
    database.exec("VACUUM")
  } catch (cause) {
    if (!(cause instanceof Sqlite.SqliteError)) throw cause
  }
}

const openForWriting = (
  op: string,
  path: string,
  {
    at,
    say,
    timeout,
    vendors
  }: {
    readonly at: Timestamp
    readonly say: (message: string) => void
    readonly timeout: number
    readonly vendors: VendorColumns
  }
): Sqlite.Database => {
  create(path)
  refuseStrayLog(op, path)
  inspect(op, path)
  secure(path)
  const database = new Sqlite(path, { fileMustExist: true, timeout })
  try {
    refuseForeign(op, path, identify(database))
    if (database.pragma("journal_mode", { simple: true }) !== "wal") database.pragma("journal_mode = WAL")
    forWriting(database)
    const applied = migrate(database, at, migrations, inTenths(path, say))
    if (applied.length > 0) giveBack(database)
    refreshDictionary(database, dictionaryRows(vendors))
    const session = makeSession(database)
    refreshDerived(session)
    const unfinished = finishErasures(session, at)
    if (unfinished !== null) say(`what was forgotten is not gone from ${path} yet: ${unfinished.reason}`)
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

const openForReading = (op: string, path: string, timeout: number): Sqlite.Database => {
  refuseStrayLog(op, path)
  const database = new Sqlite(path, { readonly: true, fileMustExist: true, timeout })
  try {
    const identity = identify(database)
    refuseForeign(op, path, identity)
    if (identity.version < migrations.length) {
      throw new StoreError({
        op,
        kind: "older-schema",
        message: `${path} has the schema of an older Parley (${identity.version}; this program reads ${migrations.length})`,
        hint: olderSchemaHints[copyKindOf(database) ?? "mirror"]
      })
    }
    database.pragma("query_only = ON")
    database.pragma("cache_size = -32000")
    database.pragma("temp_store = MEMORY")
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

/**
 * The mirror's file, open for as long as the scope. Everything is synchronous by construction: nothing can wait for a
 * vendor while a transaction is open.
 */
export class Db extends Effect.Service<Db>()("parley/Db", {
  scoped: Effect.fn("Db.open")(function* (path: string, options: DbOptions = {}) {
    const timeout = options.busyTimeoutMillis ?? 5_000
    const readOnly = options.readOnly ?? false
    const at = now(yield* Clock.currentTimeMillis)
    const doubts = yield* attempt("Db.open", path, () => {
      lookFor("Db.open", path, readOnly || (options.mustExist ?? false))
      return readOnly ? [] : refuseLaid("Db.open", path)
    })
    const vendors: VendorColumns = readOnly ? {} : yield* yield* Vendors
    for (const { message } of doubts) yield* Effect.logWarning(message)
    const runtime = yield* Effect.runtime<never>()
    const say = (message: string): void => Runtime.runSync(runtime)(Effect.logInfo(message))
    const { database } = yield* Effect.acquireRelease(
      attempt("Db.open", path, () => {
        const opened = readOnly
          ? openForReading("Db.open", path, timeout)
          : openForWriting("Db.open", path, { at, say, timeout, vendors })
        return { database: opened, closed: noteOpen(path) }
      }),
      ({ closed, database: opened }) =>
        Effect.sync(() => {
          opened.close()
          closed()
        })
    )

    const session = makeSession(database)

    /** Runs `f` outside of a transaction, so each of its statements commits by itself. */
    const use = <A>(op: string, f: (session: Session) => A): Effect.Effect<A, StoreError> =>
      attempt(op, path, () => f(session))

    const inTransaction = database.transaction((f: (session: Session) => unknown) => {
      if (!readOnly) refuseNewer(session, migrations.length)
      return f(session)
    })

    const place = placeOf(path)

    /** Runs `f` in one transaction that holds the write lock from its start: all of it is kept, or nothing. */
    const transaction = <A>(op: string, f: (session: Session) => A): Effect.Effect<A, StoreError> =>
      attempt(op, path, () => {
        if (!readOnly) place.check(op)
        return inTransaction.immediate(f) as A
      })

    /** Fails where the path no longer leads to this file; looks at most once a second, or `atOnce`. */
    const stillThere = (
      op: string,
      { atOnce }: { readonly atOnce: boolean }
    ): Effect.Effect<void, StoreError> => attempt(op, path, () => place[atOnce ? "checkNow" : "check"](op))

    return { path, readOnly, busyTimeoutMillis: timeout, use, transaction, stillThere } as const
  })
}) {
  /** @param path of the mirror; created where it does not exist, unless `readOnly` or `mustExist`. */
  static readonly layer = (path: string, options: DbOptions = {}) => Db.Default(path, options)
}
