import { dirname } from "node:path"
import { Data, Effect } from "effect"
import { whyNotOpened } from "../files/diagnose.ts"
import { codeOf, type FileFault, fileFaultOf, fileFaults } from "../files/faults.ts"

/** What the mirror's file could not do. `message` says what happened where, `hint` what to do next. */
export class StoreError extends Data.TaggedError("StoreError")<{
  /** What was being done, e.g. `Mirror.commit`. */
  readonly op: string
  readonly kind: StoreFault
  readonly message: string
  readonly hint: string
  readonly cause?: unknown
}> {}

export type StoreFault =
  | "not-a-database"
  | "not-a-mirror"
  | "newer-schema"
  | "older-schema"
  | "damaged"
  | "disk-full"
  | "read-only"
  | "locked"
  | "no-such-file"
  | "not-a-file"
  | "moved"
  | "refused"
  | "other"

interface Explanation {
  readonly kind: StoreFault
  readonly message: string
  readonly hint: string
}

const elsewhere = "or name another file with --db or `database:`"

const ofFile = (path: string, { advice, kind, what }: FileFault): Explanation => ({
  kind,
  message: `${path} cannot be opened: ${what}`,
  hint: `${advice}, ${elsewhere}.`
})

/** SQLite does not say why. A mirror that can be read needs files beside it all the same, and its folder may be closed. */
const cannotOpen = (path: string): Explanation => {
  const code = whyNotOpened(path)
  const fault = code === null ? undefined : fileFaults[code]
  if (fault !== undefined && fault.kind !== "read-only") return ofFile(path, fault)
  return {
    kind: "read-only",
    message: `${path} cannot be opened: ${fault?.what ?? "permission denied"}`,
    hint: `This user must be able to read and write the file, its -wal and -shm files, and its folder (${dirname(path)}), even to read the mirror. Without, a copy can be read: \`parley publish --to FOLDER\`, run by the mirror's owner, makes one that opens in any folder; or, while no run is under way, cp ${path} FOLDER. Give the copy with --db.`
  }
}

const diskFull = (path: string): Explanation => ({
  kind: "disk-full",
  message: `the disk that holds ${path} is full, or this user's share of it`,
  hint: "Make room (df -h and quota -s show where) and run again: everything committed so far is kept."
})

/** A code like SQLite's own, of an error that is thrown where a newer program has changed the schema meanwhile. */
export const schemaIsNewer = "PARLEY_NEWER"

/** SQLite's result codes that mean one thing to a user; extended codes are found by the part before their last `_`. */
const explanations: Readonly<Record<string, (path: string) => Explanation>> = {
  [schemaIsNewer]: (path) => ({
    kind: "newer-schema",
    message: `${path} was brought to a newer schema by another Parley while this one had it open`,
    hint: "End this program and start the newer Parley in its place: all that was committed before is kept."
  }),
  SQLITE_NOTADB: (path) => ({
    kind: "not-a-database",
    message: `${path} is not a SQLite database`,
    hint: "Name another file with --db or `database:`; Parley creates it."
  }),
  SQLITE_CORRUPT: (path) => ({
    kind: "damaged",
    message: `${path} is damaged: its content contradicts itself`,
    hint: `Stop all runs, save what can be read (sqlite3 ${path} .recover), move the file away, put the newest good backup in its place if there is one, and run \`parley sync\`: what is missing is fetched. Changes that were not pushed are in the table status_changes.`
  }),
  SQLITE_FULL: diskFull,
  // The index of the log has no room to be made or to grow in.
  SQLITE_IOERR_SHMSIZE: diskFull,
  SQLITE_READONLY: (path) => ({
    kind: "read-only",
    message: `${path} cannot be written`,
    hint: "Check the permissions of the file, of its -wal and -shm files, and of its folder."
  }),
  SQLITE_PERM: (path) => ({
    kind: "read-only",
    message: `${path} cannot be opened: permission denied`,
    hint: "Check the permissions of the file and of its folder."
  }),
  SQLITE_BUSY: (path) => ({
    kind: "locked",
    message: `${path} is locked: another program has been writing to it for too long`,
    hint: "End the other program's transaction (a database browser with unsaved edits, for example) and run again."
  }),
  SQLITE_LOCKED: (path) => ({
    kind: "locked",
    message: `${path} is locked by another statement of this program`,
    hint: "Run again."
  }),
  SQLITE_CANTOPEN: cannotOpen,
  // The index of the log cannot be made or renewed, which reading needs, too.
  SQLITE_READONLY_CANTINIT: cannotOpen,
  SQLITE_READONLY_CANTLOCK: cannotOpen,
  SQLITE_READONLY_RECOVERY: cannotOpen,
  SQLITE_READONLY_DIRECTORY: cannotOpen,
  SQLITE_IOERR: (path) => ({
    kind: "other",
    message: `the disk that holds ${path} reported a fault`,
    hint: "Check the disk, and that no quota and no limit on the size of files (ulimit -f) is reached; on a network drive, move the mirror to a local one. Everything committed so far is kept."
  }),
  SQLITE_TOOBIG: () => ({
    kind: "other",
    message: "a value is larger than this program can hold at once (512 MB)",
    hint: "Nothing was written. A query can ask for a part of it: substr(column, 1, 1000), length(column)."
  })
}

const explain = (code: string, path: string): Explanation | null => {
  for (let name = code; name.includes("_"); name = name.slice(0, name.lastIndexOf("_"))) {
    const explanation = explanations[name]
    if (explanation !== undefined) return explanation(path)
  }
  return null
}

/** Puts an error of SQLite, or of the file system around it, into words; null: not one of theirs, so a fault of the program. */
export const toStoreError = (op: string, path: string, cause: unknown): StoreError | null => {
  if (cause instanceof StoreError) return cause
  const code = codeOf(cause)
  if (code === null) return null
  const explanation = explain(code, path)
  if (explanation !== null) return new StoreError({ op, ...explanation, cause })
  // Texts of triggers and constraints, and of SQL that a person typed: SQLite's own words are the clearest.
  if (code.startsWith("SQLITE_")) {
    const message = cause instanceof Error ? cause.message : code
    return new StoreError({ op, kind: "refused", message, hint: "Nothing was changed.", cause })
  }
  const fault = fileFaultOf(cause)
  return fault === null ? null : new StoreError({ op, ...ofFile(path, fault), cause })
}

/** Fails with what was thrown where `toError` knows it; anything else thrown is a defect. */
export const attemptOr = <A>(
  f: () => A,
  toError: (cause: unknown) => StoreError | null
): Effect.Effect<A, StoreError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      const error = toError(cause)
      return error === null ? Effect.die(cause) : Effect.fail(error)
    }
  })

/** Fails with a `StoreError` where SQLite or the file system objects. */
export const attempt = <A>(op: string, path: string, f: () => A): Effect.Effect<A, StoreError> =>
  attemptOr(f, (cause) => toStoreError(op, path, cause))
