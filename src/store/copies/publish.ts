import { randomUUID } from "node:crypto"
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import Sqlite from "better-sqlite3"
import { Clock, Effect, type Scope } from "effect"
import packageJson from "../../../package.json" with { type: "json" }
import { now } from "../../domain/Timestamp.ts"
import { syncFile, syncFolder } from "../../files/durable.ts"
import { Db } from "../Db.ts"
import { onFile } from "../onFile.ts"
import { inSnapshot, momentOf } from "../read/moment.ts"
import { StoreError } from "../StoreError.ts"
import { hashContent } from "./contentHash.ts"
import type { CopyNews, FileCopy } from "./fileCopies.ts"
import {
  type CopyManifest,
  hashBytes,
  type PublicationManifest,
  type PublishedManifest,
  putManifest,
  toPublishedManifest
} from "./manifest.ts"
import { copyPages } from "./pages.ts"
import { countedInPublication, stripForReaders, type Without } from "./published.ts"
import { setAside } from "./rotation.ts"
import { inSteps } from "./steps.ts"
import { copyAt, olderOwn, type Target, targetAt } from "./target.ts"
import { unfinishedBeside } from "./unfinished.ts"
import { damageIn } from "./verify.ts"

interface PublishOptions {
  /** The folder, absolute; made where it is missing. */
  readonly to: string
  /** How many publications to keep, this one included; null: older ones beside it are left alone. */
  readonly keep: number | null
  /** Of the published files: who may read them. */
  readonly mode: number
  readonly without: Without
}

interface Published {
  readonly manifest: PublishedManifest
  /** Absolute. */
  readonly path: string
  /** Nothing that readers see has changed since the publication that is there: nothing was written. */
  readonly isUnchanged: boolean
  readonly kept: ReadonlyArray<string>
  readonly deleted: ReadonlyArray<string>
  /** What to note in the mirror. */
  readonly news: CopyNews
}

const op = "publish"
const fileName = "parley.db"
const manifestName = "manifest.json"

/** Who may read the files may look into the folder. */
const folderMode = (mode: number): number =>
  0o700 | ((mode & 0o040) === 0 ? 0 : 0o050) | ((mode & 0o004) === 0 ? 0 : 0o005)

const prepareFolder = (folder: string, mode: number): void => {
  const stats = statSync(folder, { throwIfNoEntry: false })
  if (stats === undefined) {
    mkdirSync(folder)
    chmodSync(folder, folderMode(mode))
  } else if (!stats.isDirectory()) {
    throw new StoreError({
      op,
      kind: "not-a-file",
      message: `${folder} is not a folder`,
      hint: "Name a folder with --to."
    })
  }
}

/** The manifest of a publication that is in the folder; null: none is. Throws a `StoreError` where it is of something else. */
const manifestAt = (path: string): PublishedManifest | null => {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return null
  const manifest = stats.isFile() ? toPublishedManifest(readFileSync(path, "utf8")) : null
  if (manifest !== null) return manifest
  throw new StoreError({
    op,
    kind: "refused",
    message: `${path} is there already, and is not the manifest of a publication`,
    hint: "Move it away, or name another folder with --to. Nothing was written."
  })
}

/** What readers see of the mirror as it is now; where it is not what they have already, copied into `unfinished`. */
const copyMoment = Effect.fn("publish.copy")(function* (
  db: Db,
  without: Without,
  known: (content: string, schema: number) => Effect.Effect<PublishedManifest | null, StoreError>,
  unfinished: Effect.Effect<string, StoreError, Scope.Scope>
) {
  return yield* inSnapshot(
    db,
    op,
    Effect.gen(function* () {
      const made_at = now(yield* Clock.currentTimeMillis)
      const moment = yield* db.use(op, momentOf)
      const { database } = yield* db.use(op, (session) => session)
      const { sha256: content, tables } = yield* inSteps(op, db.path, () =>
        hashContent(database, countedInPublication(without), { withSchema: false })
      )
      const present = yield* known(content, moment.schema_version)
      if (present !== null) return { present }
      const path = yield* unfinished
      yield* copyPages(op, database, path)
      const manifest: PublicationManifest = {
        kind: "publication",
        format: 1,
        publication: randomUUID(),
        program: `parley ${packageJson.version}`,
        ...moment,
        made_at,
        without,
        content,
        tables
      }
      return { present: null, manifest, path }
    })
  )
})

/** Writes what readers get of a copied file into another one, which holds nothing else: no empty page, no deleted row. */
const compact = (copied: string, unfinished: string, manifest: PublicationManifest): void => {
  const database = new Sqlite(copied, { fileMustExist: true })
  try {
    // Nothing is lost with it: a death leaves nothing but unfinished files.
    database.pragma("journal_mode = OFF")
    database.pragma("synchronous = OFF")
    database.pragma("temp_store = MEMORY")
    stripForReaders(database, manifest.without)
    putManifest(database, manifest)
    database.prepare("VACUUM INTO ?").run(unfinished)
  } finally {
    database.close()
  }
}

/** Reads the new file again. Fails where anything of it is not as it is in the mirror. */
const prove = Effect.fn("publish.prove")(function* (
  source: string,
  unfinished: string,
  { content, without }: PublicationManifest
) {
  const fault = yield* inSteps(op, unfinished, function* () {
    const database = new Sqlite(unfinished, { readonly: true, fileMustExist: true })
    try {
      const [damage] = damageIn(database)
      if (damage !== undefined) return damage
      yield
      const found = yield* hashContent(database, countedInPublication(without), { withSchema: false })
      return found.sha256 === content ? null : "its rows are not those of the mirror"
    } finally {
      database.close()
    }
  })
  if (fault === null) return
  return yield* new StoreError({
    op,
    kind: "damaged",
    message: `nothing was published, because the copy of ${source} is not whole: ${fault}`,
    hint: "`parley doctor --full` says whether the mirror is damaged. What was published before is as it was."
  })
})

const publicationOf = (manifest: CopyManifest): string | null =>
  manifest.kind === "publication" ? manifest.publication : null

/** Deletes the oldest publications of a mirror, so that so many remain, the newest included. */
const prune = (target: Target, manifestPath: string, keep: number) => {
  const own = olderOwn(target)
  const deleted = own.slice(keep - 1)
  for (const older of deleted) {
    const stamp = basename(older, ".db").slice(basename(target.path, ".db").length)
    rmSync(join(dirname(older), `${basename(manifestPath, ".json")}${stamp}.json`), { force: true })
    rmSync(older, { force: true })
  }
  return { kept: own.slice(0, keep - 1), deleted }
}

/**
 * Gives the new file and its manifest their names, each at once: the file first, so that a manifest never speaks of a file
 * that is not there yet. Readers that have the older file open go on with it.
 */
const place = (
  target: Target,
  [unfinished, unfinishedManifest]: readonly [string, string],
  manifestPath: string,
  keep: number | null
) => {
  const before = copyAt(target)
  const isKept = before !== null && keep !== null && keep > 1
  const aside = isKept ? setAside(target.path, before.made_at) : null
  if (isKept && manifestAt(manifestPath) !== null) setAside(manifestPath, before.made_at)
  renameSync(unfinished, target.path)
  renameSync(unfinishedManifest, manifestPath)
  syncFolder(dirname(target.path))
  const renamed: CopyNews["renamed"] = aside === null ? [] : [{ from: target.path, to: aside }]
  return { renamed, ...(keep === null ? { kept: [], deleted: [] } : prune(target, manifestPath, keep)) }
}

/**
 * Writes what readers may see of the mirror, as it is at one moment, into a folder: a database without a log, which opens
 * where nothing can be written, and its manifest. Nothing is written where readers would see nothing new.
 */
export const publish = Effect.fn("publish")(function* ({ keep, mode, to, without }: PublishOptions) {
  const db = yield* Db
  const path = join(to, fileName)
  const manifestPath = join(to, manifestName)
  const target = yield* targetAt(op, "publication", path)
  const before = yield* onFile(op, to, () => {
    prepareFolder(to, mode)
    const found = copyAt(target)
    const manifest = manifestAt(manifestPath)
    return found === null || manifest?.publication !== publicationOf(found) ? null : manifest
  })
  /** What is there, if that is what would be written, and whole. */
  const known = (content: string, schema: number) =>
    Effect.gen(function* () {
      if (before?.content !== content || before.schema_version !== schema) return null
      if (before.without.join() !== without.join()) return null
      const { bytes, sha256 } = yield* inSteps(op, path, () => hashBytes(path, null))
      return bytes === before.bytes && sha256 === before.sha256 ? before : null
    })

  return yield* Effect.gen(function* () {
    const copied = yield* copyMoment(db, without, known, unfinishedBeside(op, path))
    if (copied.present !== null) {
      yield* onFile(op, to, () => {
        for (const file of [path, manifestPath]) chmodSync(file, mode)
      })
      const nothing = { kept: [], deleted: [], news: { renamed: [], deleted: [], written: [] } }
      return { manifest: copied.present, path, isUnchanged: true, ...nothing } satisfies Published
    }
    const unfinished = yield* unfinishedBeside(op, path)
    yield* onFile(op, path, () => compact(copied.path, unfinished, copied.manifest))
    yield* prove(db.path, unfinished, copied.manifest)
    const { bytes, sha256 } = yield* inSteps(op, unfinished, () => hashBytes(unfinished, null))
    const manifest: PublishedManifest = { ...copied.manifest, file: fileName, bytes, sha256 }
    const unfinishedManifest = yield* unfinishedBeside(op, manifestPath)
    const { deleted, kept, renamed } = yield* onFile(op, to, () => {
      writeFileSync(unfinishedManifest, `${JSON.stringify(manifest, null, 2)}\n`)
      for (const file of [unfinished, unfinishedManifest]) {
        syncFile(file)
        chmodSync(file, mode)
      }
      return place(target, [unfinished, unfinishedManifest], manifestPath, keep)
    })
    const { made_at: at, seq } = manifest
    const written: ReadonlyArray<FileCopy> = [{ kind: "publication", path, at, seq, sha256, bytes }]
    const news: CopyNews = { renamed, deleted, written }
    return { manifest, path, isUnchanged: false, kept, deleted, news } satisfies Published
  }).pipe(Effect.scoped)
})
