import { Clock, Effect } from "effect"
import { now } from "../../domain/Timestamp.ts"
import type { Db } from "../Db.ts"
import { type Due, findDue, nothingDue, partsOf } from "./apply.ts"
import { isForEver, retentionOf } from "./retention.ts"

/** How much was let go, or is due. */
export interface LetGo {
  readonly messages: number
  readonly payloads: number
  /** Records that were in quarantine and could be read later. */
  readonly quarantine: number
  /** Requests, refused ones included. */
  readonly requests: number
  readonly runs: number
}

const sum = (rows: ReadonlyArray<readonly [number, number]>): number =>
  rows.reduce((total, [, count]) => total + count, 0)

export const amountOf = ({ messages, pages, raw, refused, resolved, runs }: Due): LetGo => ({
  messages: sum(messages),
  payloads: sum(raw),
  quarantine: resolved,
  requests: pages.length + refused,
  runs: runs.length
})

/**
 * Lets go what is older than it is kept, in small transactions; others may write in between. Returns what was due, and whether all of it
 * is gone.
 * @param withinMillis after so long the rest is left to the next time; null: never
 * @param clockAhead milliseconds by which this machine's clock is ahead of what is taken for the time
 */
export const letGo = (db: Db) =>
  Effect.fn("keep.letGo")(function* (withinMillis: number | null, clockAhead = 0) {
    const began = yield* Clock.currentTimeMillis
    const at = now(began - clockAhead)
    const work = yield* db.use("keep.find", (session) => {
      const retention = retentionOf(session)
      if (isForEver(retention)) return null
      const due = findDue(session, at, retention)
      return { due, parts: partsOf(session, at, due, retention) }
    })
    if (work === null) return { due: amountOf(nothingDue), isDone: true }
    const done = db.use("keep.part", ({ database }) => {
      const { done: isDone, value: part } = work.parts.next()
      if (isDone === true) return true
      // To look for what refers to a page that goes, SQLite would read every row; what does was looked up before.
      database.pragma("foreign_keys = OFF")
      try {
        database.transaction(part).immediate()
      } finally {
        database.pragma("foreign_keys = ON")
      }
      return false
    })
    let isDone = false
    while (!isDone && (withinMillis === null || (yield* Clock.currentTimeMillis) - began < withinMillis)) {
      isDone = yield* Effect.zipLeft(done, Effect.yieldNow())
    }
    return { due: amountOf(work.due), isDone }
  })
