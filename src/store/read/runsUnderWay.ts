import type { Session } from "../Db.ts"
import { runsOver } from "../ledger/Ledger.ts"

/** What a run that is on has done with a connection so far. */
interface RunUnderWay {
  readonly run_id: number
  readonly command: string
  readonly connection: string | null
  readonly lane: string | null
  readonly started_at: string
  readonly pages: number
  readonly received: number
  readonly inserted: number
  readonly updated: number
  readonly conversations: number
  readonly messages: number
}

/** Runs whose process lives, a row for each connection that is not through. */
export const runsUnderWay = (session: Session): ReadonlyArray<RunUnderWay> => {
  const over = runsOver(session, Date.now())
  return (
    session
      .prepare(
        `SELECT u.id AS run_id, u.command, c.connection, c.lane, coalesce(c.started_at, u.started_at) AS started_at,
           coalesce(c.pages, 0) AS pages, coalesce(c.received, 0) AS received, coalesce(c.inserted, 0) AS inserted,
           coalesce(c.updated, 0) AS updated, coalesce(c.conversations, 0) AS conversations,
           coalesce(c.messages, 0) AS messages
         FROM runs u LEFT JOIN run_connections c ON c.run_id = u.id AND c.outcome = 'running'
         WHERE u.outcome = 'running' ORDER BY u.id, c.connection`
      )
      .all() as ReadonlyArray<RunUnderWay>
  ).filter(({ run_id }) => !over.has(run_id))
}

/** The `seq` of the newest commit; 0: there was none. */
export const newestCommit = ({ prepare }: Session): number =>
  Number(prepare("SELECT seq FROM commits ORDER BY seq DESC LIMIT 1").pluck().get() ?? 0)
