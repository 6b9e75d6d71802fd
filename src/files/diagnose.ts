import { accessSync, closeSync, constants, openSync, rmSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { codeOf } from "./faults.ts"

const codeFrom = (attempt: () => void): string | null => {
  try {
    attempt()
    return null
  } catch (cause) {
    return codeOf(cause)
  }
}

/** A database takes three files: itself, its log and the log's index; some more are wanted meanwhile. */
const filesWanted = 6

const openMany = (): void => {
  const opened: Array<number> = []
  try {
    while (opened.length < filesWanted) opened.push(openSync("/dev/null", constants.O_RDONLY))
  } finally {
    for (const file of opened) closeSync(file)
  }
}

/**
 * Why a database cannot be opened, as SQLite does not say: the system's code of the first thing that fails. Null: by
 * now nothing does. Leaves nothing behind.
 */
export const whyNotOpened = (path: string): string | null => {
  const folder = dirname(path)
  const probe = join(folder, `.parley-${process.pid}-${Date.now()}`)
  return (
    codeFrom(() => statSync(path, { throwIfNoEntry: false })) ??
    // Not opened: closing it would take away the locks of other connections of this process.
    codeFrom(() => accessSync(path, constants.R_OK)) ??
    (process.platform === "win32" ? null : codeFrom(openMany)) ??
    // SQLite creates a file beside it, of which the name may be too long where the database's is not.
    codeFrom(() => statSync(`${path}-journal`, { throwIfNoEntry: false })) ??
    codeFrom(() => accessSync(folder, constants.W_OK)) ??
    codeFrom(() => {
      closeSync(openSync(probe, "wx", 0o600))
      rmSync(probe, { force: true })
    })
  )
}
