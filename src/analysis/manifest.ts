import { createHash } from "node:crypto"
import { closeSync, openSync, readSync } from "node:fs"
import type { ExportFormat } from "./exportFormats.ts"

/** One file of an export. */
export interface ManifestFile {
  /** The file's name, in the manifest's folder. */
  readonly file: string
  readonly rows: number
  readonly bytes: number
  /** In hexadecimal. */
  readonly sha256: string
}

interface ManifestTable extends ManifestFile {
  readonly table: string
  /**
   * `all`: every row, which takes the place of all that an earlier export has of the table. `changes`: rows that are new or
   * changed, each of which takes the place of the row with the same `key`.
   */
  readonly content: "all" | "changes"
  /** The column that identifies a row; null: none does. */
  readonly key: string | null
}

/** `manifest.json`: written last, so that a folder with one is whole. */
export interface Manifest {
  /** The program that wrote it. */
  readonly program: string
  readonly schema_version: number
  /** Which mirror it is of (mirror_identity.id): numbers of commits of another one mean nothing here. */
  readonly mirror: string
  /** Every file shows the mirror as it was then; UTC, ISO 8601. */
  readonly snapshot_at: string
  /** The newest commit in it: the next `--since`. */
  readonly seq: number
  /** The commit after which changes were exported; null: everything was. */
  readonly since: number | null
  readonly format: ExportFormat
  readonly tables: ReadonlyArray<ManifestTable>
  /** Rows that are gone since the earlier export (table_name, id); null: everything was exported. */
  readonly deleted: ManifestFile | null
}

export const manifestName = "manifest.json"

const pieceSize = 1 << 20

/** The SHA-256 of a file's bytes, in hexadecimal. Throws what the file system throws. */
export const sha256Of = (path: string): string => {
  const hash = createHash("sha256")
  const piece = Buffer.allocUnsafe(pieceSize)
  const file = openSync(path, "r")
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      hash.update(piece.subarray(0, read))
    }
  } finally {
    closeSync(file)
  }
  return hash.digest("hex")
}
