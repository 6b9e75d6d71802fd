import { renameSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import Sqlite from "better-sqlite3"
import { Clock, Effect } from "effect"
import packageJson from "../../../package.json" with { type: "json" }
import { now } from "../../domain/Timestamp.ts"
import { syncFile, syncFolder } from "../../files/durable.ts"
import { Db } from "../Db.ts"
import { onFile } from "../onFile.ts"
import { inSnapshot, momentOf } from "../read/moment.ts"
import { StoreError } from "../StoreError.ts"
import { hashContent } from "./contentHash.ts"
import type { CopyNews, FileCopy } from "./fileCopies.ts"
import { type BackupManifest, digestPlace, hashBytes, putManifest, writeDigest } from "./manifest.ts"
import { copyPages } from "./pages.ts"
import { setAside } from "./rotation.ts"
import { inSteps } from "./steps.ts"
import { copyAt, olderOwn, type Target, targetAt } from "./target.ts"
import { unfinishedBeside } from "./unfinished.ts"
import { countedInBackup, isIntact, verifyBackup } from "./verify.ts"

interface BackupOptions {
  /** Absolute. */
  readonly to: string
  /** How many good backups to keep, this one included; null: older ones beside it are left alone. */
  readonly keep: number | null
}

export interface Backup {
  readonly file: FileCopy
  readonly manifest: BackupManifest
  /** Older backups that stay, newest first. */
  readonly kept: ReadonlyArray<string>
  readonly deleted: ReadonlyArray<string>
  /** Older backups that are damaged: they do not count among those that are kept. */
  readonly damaged: ReadonlyArray<string>
  /** What to note in the mirror. */
  readonly news: CopyNews
}

const op = "backup"

/** Copies the mirror as it is now, and what it holds, into the empty file `unfinished`. */
const copyMoment = Effect.fn("backup.copy")(function* (db: Db, unfinished: string) {
  return yield* inSnapshot(
    db,
    op,
    Effect.gen(function* () {
      const made_at = now(yield* Clock.currentTimeMillis)
      const moment = yield* db.use(op, momentOf)
      const { database } = yield* db.use(op, (session) => session)
      const content = yield* inSteps(op, db.path, () =>
        hashContent(database, countedInBackup, { withSchema: true })
      )
      yield* copyPages(op, database, unfinished)
      return {
        kind: "backup",
        format: 1,
        program: `parley ${packageJson.version}`,
        ...moment,
        made_at,
        content: content.sha256,
        tables: content.tables
      } satisfies BackupManifest
    })
  )
})

/** Makes a copied file one that can be read without writing beside it, and lets it say what it is. */
const describe = (unfinished: string, manifest: BackupManifest) => {
  const database = new Sqlite(unfinished, { fileMustExist: true })
  try {
    // Nothing is lost with it: a death leaves nothing but an unfinished file.
    database.pragma("journal_mode = MEMORY")
    database.pragma("synchronous = OFF")
    putManifest(database, manifest)
    return digestPlace(database, unfinished)
  } finally {
    database.close()
  }
}

const seal = Effect.fn("backup.seal")(function* (unfinished: string, manifest: BackupManifest) {
  const place = yield* onFile(op, unfinished, () => describe(unfinished, manifest))
  if (place === null) return yield* Effect.die(new Error("the backup's digest has no place"))
  const { digest } = yield* inSteps(op, unfinished, () => hashBytes(unfinished, place.offset))
  yield* onFile(op, unfinished, () => {
    writeDigest(unfinished, place, digest)
    syncFile(unfinished)
  })
})

/** Reads the copy as `--verify` does. Fails where anything of it is not as it is in the mirror. */
const prove = Effect.fn("backup.prove")(function* (unfinished: string, { source, path }: Target) {
  const { bytes, faults, sha256 } = yield* verifyBackup(unfinished)
  const [first] = faults
  if (first === undefined && sha256 !== null) return { bytes, sha256 }
  return yield* new StoreError({
    op,
    kind: "damaged",
    message: `no backup was made, because the copy of ${source} is not whole: ${first}`,
    hint: `\`parley doctor --full\` says whether the mirror is damaged, or the disk of ${path} is at fault. What was there before is as it was.`
  })
})

/** Whether an older backup is good, to the last bit of its file. */
const isGood = (path: string) =>
  inSteps(op, path, () => isIntact(path)).pipe(Effect.catchTag("StoreError", () => Effect.succeed(false)))

/** Deletes the oldest of a mirror's backups, so that so many good ones remain beside the newest. */
const prune = Effect.fn("backup.prune")(function* (target: Target, keep: number) {
  const { path } = target
  const own = yield* onFile(op, path, () => olderOwn(target))
  if (own.length < keep) return { kept: own, deleted: [], damaged: [] }
  const kept: Array<string> = []
  const deleted: Array<string> = []
  const damaged: Array<string> = []
  for (const older of own) {
    if (kept.length + 1 >= keep) deleted.push(older)
    else if (yield* isGood(older)) kept.push(older)
    else damaged.push(older)
  }
  yield* onFile(op, path, () => {
    for (const older of deleted) rmSync(older, { force: true })
  })
  return { kept, deleted, damaged }
})

/** Gives the proved copy its name. Returns what became of files whose names changed. */
const place = (unfinished: string, target: Target, keep: number | null): CopyNews["renamed"] => {
  const { path } = target
  // Something else may have been put there meanwhile.
  const before = copyAt(target)
  const aside = before === null || keep === null || keep === 1 ? null : setAside(path, before.made_at)
  renameSync(unfinished, path)
  syncFolder(dirname(path))
  return aside === null ? [] : [{ from: path, to: aside }]
}

/**
 * Copies the mirror as it is at one moment, while others write, into one file that is proved before it takes its name: it
 * is read again from the disk, and every byte, SQLite's own structures and all rows are as they were in the mirror. Fails
 * and leaves everything as it was where that is not so, or where something is in the way.
 */
export const backUp = Effect.fn("backup")(function* ({ keep, to }: BackupOptions) {
  const db = yield* Db
  const target = yield* targetAt(op, "backup", to)
  yield* onFile(op, to, () => copyAt(target))
  return yield* Effect.gen(function* () {
    const unfinished = yield* unfinishedBeside(op, to)
    const manifest = yield* copyMoment(db, unfinished)
    yield* seal(unfinished, manifest)
    const { bytes, sha256 } = yield* prove(unfinished, target)
    const renamed = yield* onFile(op, to, () => place(unfinished, target, keep))
    const { damaged, deleted, kept } =
      keep === null ? { kept: [], deleted: [], damaged: [] } : yield* prune(target, keep)
    const { made_at: at, seq } = manifest
    const file: FileCopy = { kind: "backup", path: to, at, seq, sha256, bytes }
    const news: CopyNews = { renamed, deleted, written: [file] }
    return { file, manifest, kept, deleted, damaged, news } satisfies Backup
  }).pipe(Effect.scoped)
})
