import { createHash } from "node:crypto"
import { realpathSync } from "node:fs"
import { Effect } from "effect"
import type { Timestamp } from "../../domain/Timestamp.ts"
import { Db } from "../Db.ts"
import { helpful, openMeeting, readMeeting } from "../ledger/meeting.ts"
import { identityOf } from "../read/moment.ts"

/*
 * A mirror that another one has taken the place of: it was moved or deleted, or its disk is not mounted, and a run made a
 * new one where it had been.
 */

const table = /* sql */ `CREATE TABLE IF NOT EXISTS homes (path TEXT PRIMARY KEY, mirror TEXT NOT NULL) STRICT, WITHOUT ROWID`

const homeOf = (path: string): string => createHash("sha256").update(path).digest("hex").slice(0, 16)

const writing = (meeting: string, sql: string, ...parameters: ReadonlyArray<string>) =>
  helpful(() => {
    const database = openMeeting(meeting, table)
    try {
      database.prepare(sql).run(...parameters)
    } finally {
      database.close()
    }
  })

interface Former {
  readonly mirror: string
  /** Its newest commit that a run of this user has seen. */
  readonly at: Timestamp
}

const formerIn = (meeting: string, home: string) =>
  helpful(() =>
    readMeeting(meeting, (database) =>
      database
        .prepare<[string], Former>(
          `SELECT h.mirror, (SELECT max(s.at) FROM states s WHERE s.mirror = h.mirror) AS at FROM homes h WHERE h.path = ?`
        )
        .get(home)
    )
  )

/**
 * Notices, once, that another mirror was at this path before: when it was last used. Null: none is known of.
 * @param meeting a file in which this user's copies of mirrors find out about each other
 */
export const noticeReplaced = Effect.fn("replaced.notice")(function* (meeting: string) {
  const db = yield* Db
  const home = homeOf(realpathSync(db.path))
  const mirror = yield* db.use("replaced.notice", identityOf)
  const former = yield* formerIn(meeting, home)
  if (former?.mirror === mirror) return null
  yield* writing(meeting, "INSERT OR REPLACE INTO homes (path, mirror) VALUES (?, ?)", home, mirror)
  return former?.at ?? null
})

/** The mirror at this path, which is still there, goes on purpose. */
export const leaveHome = (meeting: string, path: string) =>
  writing(meeting, "DELETE FROM homes WHERE path = ?", homeOf(realpathSync(path)))
