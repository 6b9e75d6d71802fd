import { randomBytes } from "node:crypto"
import { closeSync, fchmodSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs"

/** Only the owner reads what was said. */
export const privateMode = 0o600

/** A name beside `path` that no one can have created beforehand; renaming it moves nothing. */
export const unfinishedName = (path: string): string => `${path}.part-${randomBytes(6).toString("hex")}`

/** Opens a file for writing that does not exist yet; a link in its place is not followed. Throws `EEXIST` otherwise. */
export const createPrivate = (path: string): number => {
  const file = openSync(path, "wx", privateMode)
  fchmodSync(file, privateMode)
  return file
}

/** Puts a text in place of what is at `path`, whole or not at all. Throws what the file system throws. */
export const replaceWith = (path: string, text: string): void => {
  const unfinished = unfinishedName(path)
  const file = createPrivate(unfinished)
  try {
    try {
      writeFileSync(file, text)
    } finally {
      closeSync(file)
    }
    renameSync(unfinished, path)
  } catch (cause) {
    rmSync(unfinished, { force: true })
    throw cause
  }
}
