import { closeSync, fsyncSync, openSync } from "node:fs"

/** Waits until a file's bytes are on the disk. */
export const syncFile = (path: string): void => {
  const file = openSync(path, "r+")
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Waits until a folder's names are on the disk, where the system can. */
export const syncFolder = (path: string): void => {
  if (process.platform === "win32") return
  const folder = openSync(path, "r")
  try {
    fsyncSync(folder)
  } catch (cause) {
    // Some network drives have no way to do that.
    if (!(cause instanceof Error && "code" in cause && (cause.code === "EINVAL" || cause.code === "ENOTSUP")))
      throw cause
  } finally {
    closeSync(folder)
  }
}
