import { now, type Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { runsOver, standingOutcome } from "../ledger/Ledger.ts"
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
  /** Its last run that was not turned away by another one. */
  readonly last_run: {
    readonly run_id: number
    readonly lane: string
    readonly outcome: string
    readonly started_at: Timestamp
    readonly error_kind: string | null
    readonly error_message: string | null
    readonly error_hint: string | null
  } | null
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
  const lastRun = prepare(
    `SELECT run_id, lane, outcome, started_at, error_kind, error_message, error_hint FROM run_connections
     WHERE connection = ? AND lane <> 'hints' AND error_kind IS NOT 'busy'
     ORDER BY run_id DESC, error_kind IS NULL, started_at DESC LIMIT 1`
  )
  const over = runsOver(session, atMillis)
  return rows.map((row) => {
    const last = lastRun.get(row.name) as NonNullable<Health["last_run"]> | undefined
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
