import type Sqlite from "better-sqlite3"
import { schemaIsNewer } from "./StoreError.ts"

export type Statement = Sqlite.Statement<Array<unknown>, unknown>

/** What works on an open file is given: its statements, and the file itself. */
export interface Session {
  /** Each SQL text is prepared once for as long as the file is open; `pluck` and `raw` stay with the statement. */
  readonly prepare: (sql: string) => Statement
  /** For what is not a prepared statement: `exec`, `pragma`, `backup`. */
  readonly database: Sqlite.Database
}

export const makeSession = (database: Sqlite.Database): Session => {
  const statements = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare<Array<unknown>, unknown>(sql)
    statements.set(sql, statement)
    return statement
  }
  return { prepare, database }
}

/** How every connection that writes works with the file. */
export const forWriting = (database: Sqlite.Database): void => {
  database.pragma("synchronous = NORMAL")
  database.pragma("foreign_keys = ON")
  database.pragma("temp_store = MEMORY")
  database.pragma("cache_size = -12000")
  // 64 MB of log: each checkpoint waits for the disk, and a backfill would wait a hundred times otherwise.
  database.pragma("wal_autocheckpoint = 16000")
  database.pragma("journal_size_limit = 67108864")
}

/** How a connection works with the file whose pages are written by another one. */
export const lookingUp = ({ database }: Session): void => {
  database.pragma("cache_size = -4000")
}

/**
 * Throws where a newer program has changed the schema since this one opened the file: what is written as before may lack
 * what the newer one relies on. To be called inside of a transaction.
 * @param known the newest schema that this program knows
 */
export const refuseNewer = ({ prepare }: Session, known: number): void => {
  const version = Number(prepare("PRAGMA user_version").pluck().get())
  if (version > known) throw Object.assign(new Error(`the schema is ${version}`), { code: schemaIsNewer })
}
