import { Effect } from "effect"
import { Db, type Session } from "../Db.ts"
import { headerOf } from "../header.ts"
import { attempt } from "../StoreError.ts"

/** A file, or a folder of files, that holds what the mirror held: only its owner can delete it. */
export interface FileCopy {
  readonly kind: "backup" | "publication" | "export" | "report"
  /** Absolute; of an export its folder. */
  readonly path: string
  /** The moment that it shows. */
  readonly at: string
  /** The newest commit in it. */
  readonly seq: number
  /** Of the file's bytes, in hexadecimal; null: it is a folder. */
  readonly sha256: string | null
  readonly bytes: number | null
}

/** What was written of this mirror and is not known to be gone, the newest first. */
export const fileCopies = ({ prepare }: Session): ReadonlyArray<FileCopy> =>
  prepare(
    "SELECT kind, path, at, seq, sha256, bytes FROM file_copies ORDER BY at DESC, path"
  ).all() as ReadonlyArray<FileCopy>

/** One copy was written, and no other changed. */
export const writtenOne = (copy: FileCopy): CopyNews => ({ renamed: [], deleted: [], written: [copy] })

/** What became of copies: written, given another name, deleted. In this order, each in the place of what was known of its path. */
export interface CopyNews {
  readonly renamed: ReadonlyArray<{ readonly from: string; readonly to: string }>
  readonly deleted: ReadonlyArray<string>
  readonly written: ReadonlyArray<FileCopy>
}

const note = ({ prepare }: Session, { deleted, renamed, written }: CopyNews): void => {
  const forget = prepare("DELETE FROM file_copies WHERE path = ?")
  for (const { from, to } of renamed) {
    forget.run(to)
    prepare("UPDATE file_copies SET path = ? WHERE path = ?").run(to, from)
  }
  for (const path of deleted) forget.run(path)
  for (const { at, bytes, kind, path, seq, sha256 } of written) {
    forget.run(path)
    prepare("INSERT INTO file_copies (kind, path, at, seq, sha256, bytes) VALUES (?, ?, ?, ?, ?, ?)").run(
      ...[kind, path, at, seq, sha256, bytes]
    )
  }
}

/**
 * Remembers in the mirror where copies of it are; backups and publications stay as they are, also where something is
 * exported from them. Where the mirror cannot be written (it is only lent for reading), the copy stays unknown, and that
 * is no fault of the copy.
 * @param path of the mirror, which this process has not open any more: so its log goes with this
 */
export const noteCopies = (path: string, news: CopyNews) =>
  Effect.gen(function* () {
    if (!(yield* attempt("copies.note", path, () => headerOf(path).hasLog))) return
    yield* Effect.provide(
      Effect.flatMap(Db, (db) => db.transaction("copies.note", (session) => note(session, news))),
      Db.layer(path, { mustExist: true })
    )
  }).pipe(
    Effect.catchTag("StoreError", ({ kind, message }) =>
      kind === "read-only"
        ? Effect.void
        : Effect.logWarning(`it could not be noted in the mirror where this copy is: ${message}`)
    )
  )
