import { linkSync, lstatSync, readdirSync, renameSync } from "node:fs"
import { basename, dirname, extname, join } from "node:path"
import { codeOf } from "../../files/faults.ts"

/*
 * The newest copy has the name that was asked for. Older ones beside it carry the moment that they show, so that they sort
 * by it: backup.db, backup-20260307T100000000Z.db.
 */

const stampOf = (at: string): string => at.replace(/[-:.]/g, "")

const parts = (path: string) => {
  const ending = extname(path)
  return { ending, stem: basename(path, ending) }
}

/** The name of a copy that is not the newest any more. @param stamp of the moment that it shows */
const datedName = (path: string, stamp: string): string => {
  const { ending, stem } = parts(path)
  return join(dirname(path), `${stem}-${stamp}${ending}`)
}

/** The first free name from that moment on: a clock that was set back may show the same one again. */
const freeName = (path: string, at: string): string => {
  for (let millis = Date.parse(at); ; millis += 1) {
    const name = datedName(path, stampOf(new Date(millis).toISOString()))
    const stats = lstatSync(name, { throwIfNoEntry: false })
    // The same file under both names: a run died right after it gave it the second one.
    if (stats === undefined || stats.ino === lstatSync(path).ino) return name
  }
}

/** The moment in the name of an older copy: what `datedName` puts there; null: it is the name of something else. */
const stampIn = (path: string, name: string): string | null => {
  const { ending, stem } = parts(path)
  if (!name.startsWith(`${stem}-`) || !name.endsWith(ending)) return null
  const stamp = name.slice(stem.length + 1, name.length - ending.length)
  return /^\d{8}T\d{9}Z$/.test(stamp) ? stamp : null
}

/** Older copies beside the newest, newest first: their paths. */
export const olderCopies = (path: string): ReadonlyArray<string> =>
  readdirSync(dirname(path))
    .flatMap((name) => {
      const stamp = stampIn(path, name)
      return stamp === null ? [] : [{ name, stamp }]
    })
    .toSorted((left, right) => (left.stamp < right.stamp ? 1 : -1))
    .map(({ name }) => join(dirname(path), name))
    .filter((older) => lstatSync(older).isFile())

/** File systems without second names for a file. */
const cannotLink = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"])

/**
 * Gives the file at `path` its older name too, so that it stays when a new one takes its place; there is a file at `path` at
 * any moment. Returns the name. Throws what the file system throws.
 */
export const setAside = (path: string, at: string): string => {
  const dated = freeName(path, at)
  try {
    linkSync(path, dated)
  } catch (cause) {
    const code = codeOf(cause) ?? ""
    if (code === "EEXIST") return dated
    if (!cannotLink.has(code)) throw cause
    renameSync(path, dated)
  }
  return dated
}
