import { createHash } from "node:crypto"
import { closeSync, openSync, readSync, writeSync } from "node:fs"
import type Sqlite from "better-sqlite3"
import { Either, Schema } from "effect"

/** What a copy says of itself, inside of it. */
const common = {
  /** Of this page's form. */
  format: Schema.Literal(1),
  /** The program that wrote it: `parley 0.2.0`. */
  program: Schema.String,
  /** The mirror that it is of: mirror_identity.id. */
  mirror: Schema.String,
  schema_version: Schema.Int,
  /** The moment that it shows; UTC, ISO 8601. */
  made_at: Schema.String.pipe(Schema.brand("Timestamp")),
  /** The newest commit in it. */
  seq: Schema.Int,
  /** Of the rows, in hexadecimal: `hashContent`. */
  content: Schema.String,
  tables: Schema.Array(Schema.Struct({ table: Schema.String, rows: Schema.Int, sha256: Schema.String }))
}

const BackupManifest = Schema.Struct({ kind: Schema.Literal("backup"), ...common })
const PublicationManifest = Schema.Struct({
  kind: Schema.Literal("publication"),
  ...common,
  /** Random: the file and the manifest beside it that have the same one belong together. */
  publication: Schema.String,
  /** What readers of the mirror find and readers of this file do not. */
  without: Schema.Array(Schema.Literal("raw"))
})

/** What lies beside a publication, as a file of its own. */
const PublishedManifest = Schema.Struct({
  ...PublicationManifest.fields,
  /** The published file, in the same folder. */
  file: Schema.String,
  bytes: Schema.Int,
  /** Of the file's bytes, in hexadecimal. */
  sha256: Schema.String
})

export type PublishedManifest = typeof PublishedManifest.Type
export type BackupManifest = typeof BackupManifest.Type
export type PublicationManifest = typeof PublicationManifest.Type
export type CopyManifest = BackupManifest | PublicationManifest

const decode = Schema.decodeUnknownEither(Schema.parseJson(Schema.Union(BackupManifest, PublicationManifest)))

/** Null: it is something else. */
export const toPublishedManifest = (text: string): PublishedManifest | null =>
  Either.getOrNull(Schema.decodeUnknownEither(Schema.parseJson(PublishedManifest))(text))

/** Stands in the digest's place while it is computed. */
const noDigest = "0".repeat(64)

/** What a file says that it is a copy of; null: it says nothing, as a mirror does. Throws what SQLite throws. */
export const manifestIn = (database: Sqlite.Database): CopyManifest | null => {
  const hasTable = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'copy_manifest'").get()
  if (hasTable === undefined) return null
  const text = database.prepare("SELECT manifest FROM copy_manifest").pluck().get()
  return text === undefined ? null : Either.getOrNull(decode(text))
}

/** In the place of what was said there before. The digest of a backup is put in afterwards: `sealBackup`. */
export const putManifest = (database: Sqlite.Database, manifest: CopyManifest): void => {
  database.prepare("DELETE FROM copy_manifest").run()
  database
    .prepare("INSERT INTO copy_manifest (only_row, kind, digest, manifest) VALUES (1, ?, ?, ?)")
    .run(manifest.kind, manifest.kind === "backup" ? noDigest : null, JSON.stringify(manifest))
}

/** Where in a backup's bytes its digest stands. */
export interface DigestPlace {
  readonly offset: number
  readonly digest: string
}

/** Null: there is none. Throws what SQLite throws. */
export const digestPlace = (database: Sqlite.Database, path: string): DigestPlace | null => {
  const digest = database.prepare("SELECT digest FROM copy_manifest").pluck().get()
  if (typeof digest !== "string") return null
  const pageSize = Number(database.pragma("page_size", { simple: true }))
  const root = Number(
    database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'copy_manifest'").pluck().get()
  )
  const page = Buffer.alloc(pageSize)
  const start = (root - 1) * pageSize
  const file = openSync(path, "r")
  try {
    readSync(file, page, 0, pageSize, start)
  } finally {
    closeSync(file)
  }
  const at = page.indexOf(digest)
  return at === -1 ? null : { offset: start + at, digest }
}

interface BytesHash {
  /** Of the file as it is, in hexadecimal. */
  readonly sha256: string
  /** Of the file with the digits of its digest as zeros. */
  readonly digest: string
  readonly bytes: number
}

const pieceSize = 1 << 20

/** Reads the whole file, in steps. @param digestAt where its digest stands; null: it has none */
export function* hashBytes(path: string, digestAt: number | null): Generator<void, BytesHash> {
  const [plain, masked] = [createHash("sha256"), createHash("sha256")]
  const piece = Buffer.allocUnsafe(pieceSize)
  const file = openSync(path, "r")
  let bytes = 0
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      const part = piece.subarray(0, read)
      plain.update(part)
      if (digestAt !== null) {
        const from = Math.max(digestAt, bytes)
        const to = Math.min(digestAt + noDigest.length, bytes + read)
        if (from < to) part.fill("0", from - bytes, to - bytes)
        masked.update(part)
      }
      bytes += read
      yield
    }
  } finally {
    closeSync(file)
  }
  const sha256 = plain.digest("hex")
  return { sha256, digest: digestAt === null ? sha256 : masked.digest("hex"), bytes }
}

export const writeDigest = (path: string, { offset }: Pick<DigestPlace, "offset">, digest: string): void => {
  const file = openSync(path, "r+")
  try {
    writeSync(file, digest, offset, "latin1")
  } finally {
    closeSync(file)
  }
}
