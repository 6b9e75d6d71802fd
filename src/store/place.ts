import { type BigIntStats, statSync } from "node:fs"
import { StoreError } from "./StoreError.ts"

/** Milliseconds between two looks at where the file is, while much is written. */
const lookEvery = 1_000

const lookAt = (path: string): BigIntStats | undefined =>
  statSync(path, { bigint: true, throwIfNoEntry: false })

/**
 * Watches the path of an open file. SQLite keeps writing to a file that was renamed, deleted or replaced, and no one
 * would find at the path what was stored.
 */
export interface Place {
  /** Throws a `StoreError` where the path no longer leads to the file that was opened; looks at most once a second. */
  readonly check: (op: string) => void
  /** The same, and looks at once. */
  readonly checkNow: (op: string) => void
}

/** @param path of a file that was just opened */
export const placeOf = (path: string): Place => {
  const opened = lookAt(path)
  let lookedAt = performance.now()
  const checkNow = (op: string): void => {
    lookedAt = performance.now()
    const found = lookAt(path)
    if (opened === undefined || (found?.dev === opened.dev && found.ino === opened.ino)) return
    throw new StoreError({
      op,
      kind: "moved",
      message: `the mirror at ${path} was ${found === undefined ? "renamed or deleted" : "replaced by another file"} while this run wrote to it: what it stored is not there`,
      hint: "Put the file back where it was, or run again: what is missing at that path is fetched again. End all runs before you move a mirror."
    })
  }
  return {
    check: (op) => {
      if (performance.now() - lookedAt >= lookEvery) checkNow(op)
    },
    checkNow
  }
}
