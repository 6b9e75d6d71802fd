import { lstatSync, readlinkSync, statSync } from "node:fs"
import { dirname } from "node:path"

/** Why a database should not be filled. `isFatal` false: it may be intended, and is worth a warning. */
export interface Doubt {
  readonly isFatal: boolean
  readonly message: string
  readonly hint: string
}

/** What SQLite keeps beside a database, and reads as part of it. */
const companions = ["-wal", "-shm", "-journal"] as const

const superuser = 0

const described = (uid: number): string => (uid === superuser ? "root" : `the user with the number ${uid}`)

const linkDoubt = (path: string, uid: number): Doubt | null => {
  const link = lstatSync(path, { throwIfNoEntry: false })
  if (link === undefined || !link.isSymbolicLink() || link.uid === uid || link.uid === superuser) return null
  return {
    isFatal: true,
    message: `${path} is a symbolic link to ${readlinkSync(path)}, made by ${described(link.uid)}`,
    hint: "Name the file itself, if that is where it should be; or remove the link."
  }
}

const companionDoubt = (file: string, owners: ReadonlySet<number>): Doubt | null => {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return null
  const what = stats.isSymbolicLink()
    ? `is a symbolic link to ${readlinkSync(file)}`
    : stats.isFile()
      ? owners.has(stats.uid)
        ? null
        : `belongs to ${described(stats.uid)}`
      : "is no file"
  if (what === null) return null
  return {
    isFatal: true,
    message: `${file} ${what}, and would be read as a part of the database`,
    hint: "Find out who put it there; remove it, or use a folder that no one else can write to."
  }
}

/**
 * What speaks against filling a database: links and files that another user has laid in its place, to read what is
 * stored or to have something else overwritten. Empty where all is as it should be, and on systems without owners.
 * @param path of the database, which need not exist
 */
export const doubtsAbout = (
  path: string,
  uid: number | undefined = process.getuid?.()
): ReadonlyArray<Doubt> => {
  if (uid === undefined) return []
  const link = linkDoubt(path, uid)
  if (link !== null) return [link]
  const stats = statSync(path, { throwIfNoEntry: false })
  const owners = new Set([uid, superuser, stats?.uid ?? uid])
  const laid = companions
    .map((suffix) => companionDoubt(path + suffix, owners))
    .filter((doubt) => doubt !== null)
  if (stats === undefined || stats.uid === uid) return laid
  return [
    ...laid,
    {
      isFatal: uid !== superuser,
      message: `${path} belongs to ${described(stats.uid)}, who can read whatever is stored in it`,
      hint: "Run this as its owner, take it over (chown), or name another file; check the permissions of its folder, too."
    }
  ]
}

/**
 * Throws if another user created the file's folder, or the file: what processes of this user share could be read and
 * changed there.
 */
export const refuseLaid = (file: string): void => {
  const folder = dirname(file)
  const uid = process.getuid?.()
  const owner = statSync(folder).uid
  if (uid !== undefined && owner !== uid && owner !== superuser && uid !== superuser) {
    throw new Error(`the folder ${folder} belongs to another user`)
  }
  const fatal = doubtsAbout(file).find(({ isFatal }) => isFatal)
  if (fatal !== undefined) throw new Error(fatal.message)
}
