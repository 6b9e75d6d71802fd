import { groupBy } from "../../domain/groupBy.ts"
import type { Status } from "../../domain/Status.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { inFlightStates, newestOf, type OutboxChange, openStates, selectChanges } from "./changeRows.ts"

/** What a run changed in one conversation, and what has happened to it since. */
export interface Changed {
  readonly conversationId: string
  readonly connection: string
  /** The run's changes that the provider holds or held, oldest first; at least one. */
  readonly changes: readonly [OutboxChange, ...Array<OutboxChange>]
  /** What the mirror holds now. */
  readonly now: { readonly status: Status; readonly providerStatus: string | null }
  /** A later change of another run that was sent as well; null: there is none. */
  readonly later: OutboxChange | null
  /** When the mirror saw that the status was changed at the provider after the run; null: it was not. */
  readonly movedAt: Timestamp | null
  /** A change of the conversation that is open; null: none is. */
  readonly open: OutboxChange | null
}

/** Everything that an undo of a run has to know. */
export interface ChangedByRun {
  readonly changed: ReadonlyArray<Changed>
  /** Changes that the run sent, and that are still on their way. */
  readonly onTheirWay: ReadonlyArray<OutboxChange>
  /** Changes that were requested before the run ended, at connections that it pushed, and that were not sent yet. */
  readonly pending: ReadonlyArray<OutboxChange>
}

const sentBy =
  "c.id IN (SELECT change_id FROM change_events WHERE run_id = ? AND state IN ('sending', 'confirmed'))"

const changedIn = (session: Session, changes: Changed["changes"], runId: number): Changed => {
  const [first] = changes
  const { connection, conversationId } = first
  const last = changes.at(-1) ?? first
  const now = session
    .prepare("SELECT status, provider_status AS providerStatus FROM remote_conversations WHERE id = ?")
    .get(conversationId) as Changed["now"]
  const [later = null] = selectChanges(
    session,
    `WHERE c.conversation_id = ? AND c.id > ? AND c.state = 'confirmed' AND c.attempts > 0 AND NOT ${sentBy}
     ORDER BY c.id DESC LIMIT 1`,
    conversationId,
    last.id,
    runId
  )
  const movedAt = session
    .prepare(
      `SELECT max(observed_at) FROM status_history
       WHERE conversation_id = ? AND origin = 'provider' AND from_status IS NOT NULL AND observed_at > ?`
    )
    .pluck()
    .get(conversationId, last.endedAt ?? last.requestedAt) as Timestamp | null
  const open = newestOf(session, conversationId, openStates)
  return { conversationId, connection, changes, now, later, movedAt, open }
}

/** What a run changed at these connections, and what of it is not over. */
export const changedBy = (
  session: Session,
  runId: number,
  connections: ReadonlyArray<string>
): ChangedByRun => {
  const names = JSON.stringify(connections)
  const here = "r.connection IN (SELECT value FROM json_each(?))"
  const confirmed = selectChanges(
    session,
    `WHERE c.state = 'confirmed' AND c.attempts > 0 AND ${sentBy} AND ${here} ORDER BY c.id`,
    runId,
    names
  )
  const grouped = groupBy(confirmed, ({ conversationId }) => conversationId)
  return {
    changed: [...grouped.values()].map((group) => changedIn(session, group, runId)),
    onTheirWay: selectChanges(
      session,
      `WHERE c.state IN ${inFlightStates} AND ${sentBy} AND ${here} ORDER BY c.id`,
      runId,
      names
    ),
    pending: selectChanges(
      session,
      `WHERE c.state = 'pending' AND ${here}
         AND r.connection IN (SELECT connection FROM run_connections WHERE run_id = ? AND lane = 'push')
         AND c.requested_at <= (SELECT coalesce(finished_at, '9999') FROM runs WHERE id = ?)
       ORDER BY c.id`,
      names,
      runId,
      runId
    )
  }
}

/** The newest run that sent changes at these connections; null: none did. */
export const lastSender = (session: Session, connections: ReadonlyArray<string>): number | null =>
  session
    .prepare(
      `SELECT max(e.run_id) FROM change_events e
       CROSS JOIN status_changes c ON c.id = e.change_id CROSS JOIN remote_conversations r ON r.id = c.conversation_id
       WHERE e.state = 'sending' AND r.connection IN (SELECT value FROM json_each(?))`
    )
    .pluck()
    .get(JSON.stringify(connections)) as number | null
