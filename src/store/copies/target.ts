import { lstatSync, readlinkSync, realpathSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { messageOf } from "../../domain/messageOf.ts"
import { codeOf } from "../../files/faults.ts"
import { Db } from "../Db.ts"
import { headerOf } from "../header.ts"
import { momentOf } from "../read/moment.ts"
import { StoreError } from "../StoreError.ts"
import { type CopyManifest, manifestIn } from "./manifest.ts"
import { olderCopies } from "./rotation.ts"

/** What is written, and of which mirror. */
export interface Target {
  readonly op: string
  readonly path: string
  readonly kind: CopyManifest["kind"]
  /** The mirror's file, and its identity. */
  readonly source: string
  readonly mirror: string
}

/** @param path where the copy is to be; absolute */
export const targetAt = (op: string, kind: Target["kind"], path: string) =>
  Effect.flatMap(Db, (db) =>
    db.use(op, (session): Target => ({ op, path, kind, source: db.path, mirror: momentOf(session).mirror }))
  )

const refuse = (op: string, message: string, hint: string): StoreError =>
  new StoreError({ op, kind: "refused", message, hint: `${hint} Nothing was written.` })

/** The path with every link on the way to its folder followed. */
const inRealFolder = (path: string): string => join(realpathSync(dirname(path)), basename(path))

/** The mirror's file and what SQLite keeps beside it. */
const isOfMirror = (path: string, source: string): boolean =>
  ["", "-wal", "-shm", "-journal"].some(
    (suffix) => inRealFolder(path) === `${realpathSync(source)}${suffix}` || isSameFile(path, source + suffix)
  )

const isSameFile = (one: string, other: string): boolean => {
  const [left, right] = [one, other].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }))
  return left !== undefined && right !== undefined && left.dev === right.dev && left.ino === right.ino
}

/** Opens a copy to read it. Throws what SQLite throws. */
export const openCopy = (path: string): Sqlite.Database =>
  new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 1_000 })

/** Why what a file says of itself cannot be read; otherwise what it says. */
const readManifest = (path: string): CopyManifest | null | { readonly fault: string } => {
  let database: Sqlite.Database | null = null
  try {
    database = openCopy(path)
    return manifestIn(database)
  } catch (cause) {
    if (codeOf(cause) === null) throw cause
    return { fault: messageOf(cause) }
  } finally {
    database?.close()
  }
}

const article = { backup: "a backup", publication: "a publication" } as const

/**
 * The copy of this mirror that is at the path, and may be replaced; null: nothing is. Throws a `StoreError` where anything
 * else is there, which stays as it is.
 */
export const copyAt = ({ kind, mirror, op, path, source }: Target): CopyManifest | null => {
  const folder = dirname(path)
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) {
    throw new StoreError({
      op,
      kind: "no-such-file",
      message: `the folder ${folder} does not exist`,
      hint: "Create it, or mount the disk that it should be on."
    })
  }
  if (isOfMirror(path, source)) throw refuse(op, `${path} is the mirror itself`, "Name another file.")
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return null
  if (stats.isSymbolicLink()) {
    throw refuse(op, `${path} is a symbolic link to ${readlinkSync(path)}`, "Name the file itself.")
  }
  if (!stats.isFile()) {
    throw refuse(op, `${path} is ${stats.isDirectory() ? "a folder" : "not a file"}`, "Name a file.")
  }
  if (stats.size === 0) return null
  const { hasLog, isParleys, isSqlite } = headerOf(path)
  const away = "Move it away, or name another file."
  if (!isSqlite || !isParleys) throw refuse(op, `${path} is another file, and no copy of this mirror`, away)
  const found = hasLog ? null : readManifest(path)
  if (found === null) throw refuse(op, `${path} is a mirror that is in use, or was`, away)
  if ("fault" in found) {
    throw refuse(op, `${path} is damaged, so that it cannot be said what it is: ${found.fault}`, away)
  }
  if (found.kind !== kind) {
    throw refuse(op, `${path} is ${article[found.kind]}, and not ${article[kind]}`, away)
  }
  if (found.mirror !== mirror) throw refuse(op, `${path} is ${article[kind]} of another mirror`, away)
  return found
}

/** Older copies of the mirror beside the newest, newest first. Others that have such names stay as they are. */
export const olderOwn = ({ kind, mirror, path }: Target): ReadonlyArray<string> =>
  olderCopies(path).filter((older) => {
    const manifest = readManifest(older)
    return manifest !== null && "kind" in manifest && manifest.kind === kind && manifest.mirror === mirror
  })
