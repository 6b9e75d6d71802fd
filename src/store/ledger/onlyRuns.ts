import { existsSync, statSync } from "node:fs"
import Sqlite from "better-sqlite3"
import { identify } from "../migrate.ts"

const isEmptyFile = (path: string): boolean => statSync(path).size === 0 && !existsSync(`${path}-wal`)

const holdsNothing = (database: Sqlite.Database): boolean =>
  database.prepare("SELECT NOT EXISTS (SELECT 1 FROM conversations)").pluck().get() === 1

/**
 * Whether everything in a file came with runs of this one command. So it is in an empty file and in a mirror without
 * runs and conversations, which the command leaves where it dies early. False for a mirror of which it is not known how it
 * was filled, and for every other kind of file. Only reads.
 * @param path of something that exists
 */
export const isMirrorOf = (path: string, command: string): boolean => {
  if (!statSync(path).isFile()) return false
  if (isEmptyFile(path)) return true
  let database: Sqlite.Database | null = null
  try {
    database = new Sqlite(path, { readonly: true, fileMustExist: true })
    const identity = identify(database)
    if (identity._tag !== "Mirror") return identity._tag === "Empty"
    const commands = database.prepare("SELECT DISTINCT command FROM runs").pluck().all()
    if (commands.length === 0) return holdsNothing(database)
    return commands.length === 1 && commands[0] === command
  } catch (cause) {
    if (cause instanceof Sqlite.SqliteError) return false
    throw cause
  } finally {
    database?.close()
  }
}
