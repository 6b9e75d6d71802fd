import type Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { targetFault } from "../onFile.ts"
import { type StoreError, toStoreError } from "../StoreError.ts"

/** Pages copied at once: a few milliseconds. */
const pagesAtOnce = 1_000

class Stopped extends Error {}

/**
 * Copies a database page by page. The caller holds a transaction open on it, so that all pages are of one moment: without
 * one, SQLite would begin again whenever another process writes, and might never end. Writers are not kept waiting.
 * @param to a file that is empty
 */
export const copyPages = (
  op: string,
  database: Sqlite.Database,
  to: string
): Effect.Effect<void, StoreError> =>
  Effect.async((resume) => {
    let isStopped = false
    const copying = database.backup(to, {
      progress: () => {
        if (isStopped) throw new Stopped()
        return pagesAtOnce
      }
    })
    copying.then(
      () => resume(Effect.void),
      (cause: unknown) => {
        if (cause instanceof Stopped) return
        const fault = targetFault(op, to, cause) ?? toStoreError(op, database.name, cause)
        resume(fault === null ? Effect.die(cause) : Effect.fail(fault))
      }
    )
    return Effect.promise(() => {
      isStopped = true
      return copying.then(
        () => undefined,
        () => undefined
      )
    })
  })
