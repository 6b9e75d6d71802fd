import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { runsOver, standingOutcome } from "../ledger/Ledger.ts"
import { type LastRunRow, makeLastRuns } from "./health/lastRuns.ts"
import { areSilent, makeNewsFacts, type NewsFacts } from "./health/newsFacts.ts"

/** How the sync of a connection is doing, without counting what it holds. Times are UTC, ISO 8601. */
export interface Health extends NewsFacts {
  readonly name: string
  readonly provider: string
  readonly last_complete_sync_at: Timestamp | null
  readonly newest_message_at: Timestamp | null
  readonly conversations_incomplete: number
  readonly changes_open: number
  readonly quarantined: number
  /** Its last push or its last pull: the one that failed, otherwise the later one. */
  readonly last_run: LastRunRow | null
  /** Whether webhooks that used to come do not come any more. */
  readonly hints_are_silent: boolean
}

/** Every connection that the mirror holds, by name. */
export const healthOf = (session: Session, atMillis: number): ReadonlyArray<Health> => {
  const { prepare } = session
  const rows = prepare(
    `SELECT connection AS name, provider, last_complete_sync_at,
       (SELECT max(c.last_message_at) FROM conversations c WHERE c.connection = f.connection AND c.last_message_at <= ?)
         AS newest_message_at,
       conversations_incomplete, changes_open, quarantined
     FROM freshness f ORDER BY connection`
  ).all(now(atMillis)) as ReadonlyArray<Omit<Health, "last_run" | "hints_are_silent" | keyof NewsFacts>>
  const newsOf = makeNewsFacts(session, atMillis)
  const lastRuns = makeLastRuns(session)
  const over = runsOver(session, atMillis)
  return rows.map((row) => {
    const [last] = lastRuns(row.name)
    const news = newsOf(row.name)
    return {
      ...row,
      ...news,
      hints_are_silent: news.hints !== null && areSilent(news.hints, atMillis),
      last_run:
        last === undefined ? null : { ...last, outcome: standingOutcome(last.outcome, last.run_id, over) }
    }
  })
}
