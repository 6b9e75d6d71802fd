import type { Effect } from "effect"
import { codeOf, fileFaultOf, fileFaults } from "../files/faults.ts"
import { attemptOr, StoreError } from "./StoreError.ts"

/** What SQLite says where a file that it writes a copy to cannot take it, in the system's words. */
const codesOfSqlite: Readonly<Record<string, string>> = {
  SQLITE_FULL: "ENOSPC",
  SQLITE_IOERR_WRITE: "EIO",
  SQLITE_IOERR_FSYNC: "EIO",
  SQLITE_IOERR_TRUNCATE: "EIO",
  SQLITE_READONLY: "EROFS"
}

/**
 * What something thrown means for the file or folder at `path` that is written there; null: it is a fault of the program.
 */
export const targetFault = (op: string, path: string, cause: unknown): StoreError | null => {
  if (cause instanceof StoreError) return cause
  const fault = fileFaultOf(cause) ?? fileFaults[codesOfSqlite[codeOf(cause) ?? ""] ?? ""]
  if (fault === undefined) return null
  const { advice, kind, what } = fault
  return new StoreError({
    op,
    kind,
    message: `${path} cannot be written: ${what}`,
    hint: `${advice}, or name another place.`,
    cause
  })
}

/** Works on the file or folder at `path`, which is no mirror; errors of the file system name the path. */
export const onFile = <A>(op: string, path: string, f: () => A): Effect.Effect<A, StoreError> =>
  attemptOr(f, (cause) => targetFault(op, path, cause))
