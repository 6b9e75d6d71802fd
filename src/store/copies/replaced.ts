import { createHash } from "node:crypto"
import { realpathSync } from "node:fs"
import type Sqlite from "better-sqlite3"
import { Clock, Effect } from "effect"
import type { Timestamp } from "../../domain/Timestamp.ts"
import { Db } from "../Db.ts"
import { helpful, openMeeting, readMeeting } from "../ledger/meeting.ts"
import { identityOf } from "../read/moment.ts"
import { memory } from "./restored.ts"

/*
 * A mirror that another one has taken the place of: it was moved or deleted, or its disk is not mounted, and a run made a
 * new one where it had been.
 */

const table = /* sql */ `CREATE TABLE IF NOT EXISTS paths (
  path TEXT PRIMARY KEY, mirror TEXT NOT NULL, seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID`

const hashOf = (path: string): string => createHash("sha256").update(path).digest("hex").slice(0, 16)

const writing = (meeting: string, write: (database: Sqlite.Database) => void) =>
  helpful(() => {
    const database = openMeeting(meeting, table)
    try {
      write(database)
    } finally {
      database.close()
    }
  })

interface Former {
  readonly mirror: string
  /** Its newest commit that a run of this user has seen. */
  readonly at: Timestamp
}

const formerIn = (meeting: string, path: string) =>
  helpful(() =>
    readMeeting(meeting, (database) =>
      database
        .prepare<[string], Former>(
          "SELECT p.mirror, (SELECT max(s.at) FROM states s WHERE s.mirror = p.mirror) AS at FROM paths p WHERE p.path = ?"
        )
        .get(path)
    )
  )

/**
 * Notices, once, that another mirror was at this path before: when it was last used. Null: none is known of.
 * @param meeting a file in which this user's copies of mirrors find out about each other
 */
export const noticeReplaced = Effect.fn("replaced.notice")(function* (meeting: string) {
  const db = yield* Db
  const path = hashOf(realpathSync(db.path))
  const mirror = yield* db.use("replaced.notice", identityOf)
  const at = yield* Clock.currentTimeMillis
  const former = yield* formerIn(meeting, path)
  yield* writing(meeting, (database) => {
    database
      .prepare("INSERT OR REPLACE INTO paths (path, mirror, seen_at) VALUES (?, ?, ?)")
      .run(path, mirror, at)
    database.prepare("DELETE FROM paths WHERE seen_at < ?").run(at - memory)
  })
  return former?.mirror === mirror ? null : (former?.at ?? null)
})

/** The mirror at this path, which is still there, goes on purpose. */
export const leavePath = (meeting: string, path: string) =>
  writing(meeting, (database) => {
    database.prepare("DELETE FROM paths WHERE path = ?").run(hashOf(realpathSync(path)))
  })
