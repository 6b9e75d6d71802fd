import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"

/** What a path leads to is no file that can be read to its end: a named pipe, a device, a socket. */
export class NotRegular extends Error {
  readonly code = "NOT_REGULAR"
}

/** Files that programs hand over on the spot: `--config <(sops -d secrets.yaml)`. */
const handedOver = /^\/(dev\/(fd\/|stdin$)|proc\/self\/fd\/)/

/**
 * A file's bytes. Never waits for a writer of a named pipe: fails with `NotRegular` there, unless the shell
 * made the pipe for this program. Throws what the file system throws.
 */
export const readRegular = (path: string): Buffer => {
  if (handedOver.test(path)) return readFileSync(path)
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (stats.isDirectory()) throw Object.assign(new Error("a folder"), { code: "EISDIR" })
    if (!stats.isFile()) throw new NotRegular(path)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}
