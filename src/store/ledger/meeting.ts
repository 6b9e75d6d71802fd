import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, statSync } from "node:fs"
import { dirname } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { refuseLaid } from "../../files/ownership.ts"

/*
 * A file of this user's in which copies of one mirror find out about each other. It is nothing but a help: where it cannot
 * be used, nothing is known of copies, and the work goes on.
 */

/** What a copy of a file does not share with it. */
export const placeOf = (file: string): string => {
  const { dev, ino } = statSync(file, { bigint: true })
  return createHash("sha256").update(`${dev}:${ino}`).digest("hex").slice(0, 16)
}

/** @param tables creates what is needed, where it is not there yet */
export const openMeeting = (path: string, tables: string): Sqlite.Database => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  refuseLaid(path)
  const database = new Sqlite(path, { timeout: 5_000 })
  chmodSync(path, 0o600)
  database.pragma("journal_mode = WAL")
  database.exec(tables)
  return database
}

/** Reads it, and creates nothing. Throws where it cannot be read. */
export const readMeeting = <A>(path: string, read: (database: Sqlite.Database) => A): A => {
  refuseLaid(path)
  const database = new Sqlite(path, { readonly: true, fileMustExist: true })
  try {
    return read(database)
  } finally {
    database.close()
  }
}

/** Null: it could not be done. */
export const helpful = <A>(f: () => A): Effect.Effect<A | null> =>
  Effect.sync(() => {
    try {
      return f()
    } catch {
      return null
    }
  })
