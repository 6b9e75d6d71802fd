import type { Timestamp } from "../../../domain/Timestamp.ts"
import type { Session } from "../../Db.ts"

/** The last time a lane worked on a connection. */
export interface LastRunRow {
  readonly run_id: number
  readonly command: string
  readonly lane: string
  readonly outcome: string
  readonly started_at: Timestamp
  readonly finished_at: Timestamp | null
  readonly error_kind: string | null
  readonly error_message: string | null
  readonly error_hint: string | null
}

/** One that found the connection held by another run is none: it could not do what it was for. Webhooks are beside the runs. */
const lastOf = (which: string): string => `
SELECT c.run_id, u.command, c.lane, c.outcome, c.started_at, c.finished_at, c.error_kind, c.error_message, c.error_hint
FROM run_connections c JOIN runs u ON u.id = c.run_id
WHERE c.connection = $connection AND c.lane <> 'hints' AND ${which} AND NOT EXISTS (
  SELECT 1 FROM run_connections b WHERE b.run_id = c.run_id AND b.connection = c.connection AND b.error_kind = 'busy')
ORDER BY c.run_id DESC, c.error_kind IS NULL, c.started_at DESC LIMIT 1`

/** One that is under way, or was stopped, does not say whether what failed before works again. */
const saysNothingYet = "c.outcome IN ('running', 'interrupted') AND c.error_kind IS NULL"

/** A push says nothing about a pull that fails, and a pull that had nothing to request says nothing at all. */
const lastRuns = `
SELECT * FROM (
  SELECT * FROM (${lastOf(`c.lane = 'push' AND NOT (${saysNothingYet})`)})
  UNION ALL SELECT * FROM (${lastOf(`c.lane <> 'push' AND NOT (${saysNothingYet}) AND NOT (c.outcome = 'complete' AND c.requests = 0)`)})
  UNION ALL SELECT * FROM (${lastOf(saysNothingYet)}))
ORDER BY error_kind IS NULL, run_id DESC, started_at DESC`

/**
 * How the last push and the last pull of a connection ended, at most one of each, and what began or was stopped since: what
 * failed first, then the latest first.
 */
export const makeLastRuns = ({ prepare }: Session): ((connection: string) => ReadonlyArray<LastRunRow>) => {
  const statement = prepare(lastRuns)
  return (connection) => statement.all({ connection }) as ReadonlyArray<LastRunRow>
}
