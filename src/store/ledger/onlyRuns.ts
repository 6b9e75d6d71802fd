import { statSync } from "node:fs"
import Sqlite from "better-sqlite3"
import { identify } from "../migrate.ts"

/**
 * Whether a file is a mirror in which everything came with runs of this one command. False for a mirror that no run
 * has filled, and for every other kind of file. Only reads.
 * @param path of something that exists
 */
export const isMirrorOf = (path: string, command: string): boolean => {
  if (!statSync(path).isFile()) return false
  let database: Sqlite.Database | null = null
  try {
    database = new Sqlite(path, { readonly: true, fileMustExist: true })
    if (identify(database)._tag !== "Mirror") return false
    const commands = database.prepare("SELECT DISTINCT command FROM runs").pluck().all()
    return commands.length === 1 && commands[0] === command
  } catch (cause) {
    if (cause instanceof Sqlite.SqliteError) return false
    throw cause
  } finally {
    database?.close()
  }
}
