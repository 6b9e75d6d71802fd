import type { ChangeState } from "../../domain/StatusChange.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { RemoteState } from "../../providers/Provider.ts"
import { nextSeq } from "../commits.ts"
import type { Session } from "../Db.ts"
import { learnedByPush } from "../mirror/conversations/content.ts"
import { isStale, latestBelieved, type StoredTimes, spanOf, storedReading } from "../mirror/staleness.ts"
import {
  changeById,
  everyChange,
  newestOf,
  type OutboxChange,
  openChanges,
  openStates,
  recordStep,
  selectChanges
} from "./changeRows.ts"
import { makeStatusHistory } from "./statusHistory.ts"

/** When a step is taken, and by which run. */
export interface Moment {
  readonly at: Timestamp
  readonly runId: number
}

/**
 * What a read or an answer showed, and between which instants of our clock it was read. The answer to a write counts as
 * requested when it came: what was requested before may show what was there before the write.
 */
export interface Observation {
  readonly state: RemoteState
  readonly requestedAt: Timestamp
  readonly answeredAt: Timestamp
}

interface Columns {
  readonly attempts?: number
  readonly not_before?: Timestamp | null
  readonly last_error?: string | null
  readonly sent_at?: Timestamp
  readonly found?: string
  readonly refused_at?: Timestamp
  readonly ended_at?: Timestamp
}

/**
 * Moves a change on: one statement and one event. Gives the change as it is then; null: it was no longer what it was when
 * the caller looked, and nothing was written. So do all steps below.
 */
const move = (
  session: Session,
  change: OutboxChange,
  state: ChangeState,
  columns: Columns,
  detail: string | null,
  { at, runId }: Moment
): OutboxChange | null => {
  const entries = Object.entries(columns)
  const assignments = ["state = ?", "seq = ?", ...entries.map(([name]) => `${name} = ?`)].join(", ")
  const { changes } = session
    .prepare(`UPDATE status_changes SET ${assignments} WHERE id = ? AND state = ? AND attempts = ?`)
    .run(
      state,
      nextSeq(session, at, runId),
      ...entries.map(([, value]) => value),
      change.id,
      change.state,
      change.attempts
    )
  if (changes === 0) return null
  recordStep(session, change.id, { at, state, detail, runId })
  return changeById(session, change.id)
}

interface MirrorRow extends StoredTimes {
  readonly status: string
  readonly provider_status: string | null
}

/**
 * Writes what was seen into the mirror, by the rule of every sighting: an older one never overwrites a newer one. The
 * row's fingerprint and hash are forgotten, so that the next listing looks at the conversation again: it may go back
 * to exactly what the provider showed before our change.
 */
const observe = (
  session: Session,
  change: OutboxChange,
  seen: Observation,
  origin: "provider" | "local",
  { at, runId }: Moment
): void => {
  const { conversationId, requested } = change
  const { state } = seen
  const { tags, title } = state.kept ?? state
  const span = spanOf(seen.requestedAt, seen.answeredAt)
  const believed = latestBelieved(at)
  const row = session
    .prepare(
      "SELECT status, provider_status, updated_at, observed_at, answered_at FROM remote_conversations WHERE id = ?"
    )
    .get(conversationId) as MirrorRow
  if (isStale({ updatedAt: state.updatedAt, ...span }, storedReading(row, believed), believed)) return
  const seq = nextSeq(session, at, runId)
  session
    .prepare(
      `UPDATE remote_conversations
       SET status = ?, provider_status = ?, updated_at = coalesce(?, updated_at), observed_at = ?, answered_at = ?,
         title = CASE WHEN ? THEN ? ELSE title END, tags = CASE WHEN ? THEN ? ELSE tags END,
         content_hash = ?, fingerprint = NULL, seq = ?
       WHERE id = ?`
    )
    .run(
      state.status,
      state.providerStatus,
      state.updatedAt,
      span.requestedAt,
      span.answeredAt,
      requested.title === null ? 0 : 1,
      title,
      requested.tags.length === 0 ? 0 : 1,
      JSON.stringify(tags),
      learnedByPush,
      seq,
      conversationId
    )
  if (row.status === state.status && row.provider_status === state.providerStatus) return
  makeStatusHistory(session)({
    conversationId,
    from: row.status,
    to: state.status,
    providerStatus: state.providerStatus,
    origin,
    observedAt: span.requestedAt,
    runId,
    seq
  })
}

/** What a change remembers of what the provider held: nothing that tells of a person. */
const foundText = ({ providerStatus, status, tags, title, updatedAt }: RemoteState): string =>
  JSON.stringify({ status, providerStatus, updatedAt, title, tags })

/** The request is about to leave: from here on the provider may know of the change. */
export const markSending = (
  session: Session,
  change: OutboxChange,
  found: RemoteState,
  detail: string,
  moment: Moment
): OutboxChange | null =>
  move(
    session,
    change,
    "sending",
    {
      attempts: change.attempts + 1,
      not_before: null,
      last_error: null,
      sent_at: moment.at,
      found: foundText(found)
    },
    detail,
    moment
  )

/** The provider said yes, but does not show it yet. */
export const markSent = (
  session: Session,
  change: OutboxChange,
  detail: string,
  moment: Moment
): OutboxChange | null =>
  move(session, change, "sent", { not_before: null, last_error: null, sent_at: moment.at }, detail, moment)

/** The provider put the request into a queue of its own; nothing is asked before `notBefore`. */
export const markQueued = (
  session: Session,
  change: OutboxChange,
  notBefore: Timestamp,
  detail: string,
  moment: Moment
): OutboxChange | null =>
  move(session, change, "queued", { not_before: notBefore, last_error: detail }, detail, moment)

/** What went wrong, where the change stays what it is. @param notBefore nothing is tried again before this. */
export const markTrouble = (
  session: Session,
  change: OutboxChange,
  notBefore: Timestamp | null,
  detail: string,
  moment: Moment
): OutboxChange | null =>
  move(session, change, change.state, { not_before: notBefore, last_error: detail }, detail, moment)

/**
 * What a change that was held back behind a confirmed one may stand on: what the provider showed, where that is surely our
 * own doing; its time too, where the answer to the write itself showed it. What someone there did meanwhile is neither.
 */
export type Basis = "status and time" | "status" | "none"

/** The provider holds what was requested. @param basis for a change that was held back behind it */
export const markConfirmed = (
  session: Session,
  change: OutboxChange,
  seen: Observation,
  basis: Basis,
  detail: string,
  moment: Moment
): OutboxChange | null => {
  const columns = { not_before: null, last_error: null, ended_at: moment.at }
  const confirmed = move(session, change, "confirmed", columns, detail, moment)
  if (confirmed === null) return null
  observe(session, change, seen, change.attempts > 0 ? "local" : "provider", moment)
  if (basis === "none") return confirmed
  const { providerStatus, status, updatedAt } = seen.state
  session
    .prepare(
      `UPDATE status_changes
       SET from_status = ?, from_provider_status = ?, from_updated_at = CASE WHEN ? THEN ? ELSE from_updated_at END
       WHERE conversation_id = ? AND state = 'pending'`
    )
    .run(status, providerStatus, basis === "status and time" ? 1 : 0, updatedAt, change.conversationId)
  return confirmed
}

/** Ended without being what the provider holds. @param seen what it holds instead, where it was read. */
export const markEnded = (
  session: Session,
  change: OutboxChange,
  state: "rejected" | "conflict" | "cancelled",
  seen: Observation | null,
  reason: string,
  moment: Moment
): OutboxChange | null => {
  const columns = { not_before: null, last_error: reason, ended_at: moment.at }
  const ended = move(session, change, state, columns, reason, moment)
  if (ended !== null && seen !== null) observe(session, change, seen, "provider", moment)
  return ended
}

/**
 * The provider surely did not apply it: it may be sent again, unless a newer change is waiting behind it, which then
 * replaces it. @param notBefore the earliest time to try; null: with the next push.
 */
export const markPending = (
  session: Session,
  change: OutboxChange,
  notBefore: Timestamp | null,
  detail: string,
  moment: Moment,
  more: Columns = {}
): OutboxChange | null => {
  const newer = newestOf(session, change.conversationId, "('pending')")
  if (newer !== null && newer.id > change.id) {
    return markEnded(session, change, "cancelled", null, `${detail}; replaced by change ${newer.id}`, moment)
  }
  const columns = { not_before: notBefore, last_error: detail, ...more }
  return move(session, change, "pending", columns, detail, moment)
}

/**
 * The provider refused a request for it, in a way that may not be about it alone. It waits, and others go before it.
 * @param isWrite the write was refused, so that it was not applied; otherwise it stays what it is
 */
export const markRefused = (
  session: Session,
  change: OutboxChange,
  isWrite: boolean,
  detail: string,
  moment: Moment
): OutboxChange | null => {
  const refused = { refused_at: change.refusedAt ?? moment.at }
  if (isWrite) return markPending(session, change, null, detail, moment, refused)
  const columns = { not_before: null, last_error: detail, ...refused }
  return move(session, change, change.state, columns, detail, moment)
}

/** Whether the provider accepted a write of the connection that was sent after `since`. */
export const hasAcceptedSince = (session: Session, connection: string, since: Timestamp): boolean =>
  session
    .prepare(
      `SELECT 1 FROM ${everyChange}
       WHERE r.connection = ? AND c.sent_at > ? AND c.attempts > 0 AND c.state IN ('sent', 'confirmed') LIMIT 1`
    )
    .get(connection, since) !== undefined

/** Whether open changes of the connection wait because they were refused, other than these. */
export const hasRefused = (session: Session, connection: string, otherThan: ReadonlyArray<number>): boolean =>
  session
    .prepare(
      `SELECT 1 FROM ${openChanges}
       WHERE r.connection = ? AND c.state IN ${openStates} AND c.refused_at IS NOT NULL
         AND c.id NOT IN (SELECT value FROM json_each(?)) LIMIT 1`
    )
    .get(connection, JSON.stringify(otherThan)) !== undefined

/** Whether another open change of the connection was sent, and is not known to be applied either. */
export const hasOthersSent = (session: Session, { connection, id }: OutboxChange): boolean =>
  session
    .prepare(
      `SELECT 1 FROM ${openChanges}
       WHERE r.connection = ? AND c.state IN ${openStates} AND c.attempts > 0 AND c.id <> ? LIMIT 1`
    )
    .get(connection, id) !== undefined

/** Conversations with a change that may be worked on at `at`, oldest first, those that were refused last. */
export const dueConversations = (
  session: Session,
  connection: string,
  at: Timestamp
): ReadonlyArray<string> =>
  session
    .prepare(
      `SELECT c.conversation_id FROM ${openChanges}
       WHERE r.connection = ? AND c.state IN ${openStates} AND (c.not_before IS NULL OR c.not_before <= ?)
       GROUP BY c.conversation_id ORDER BY max(c.refused_at IS NOT NULL), min(c.id)`
    )
    .pluck()
    .all(connection, at) as ReadonlyArray<string>

/** The change of a conversation that is to be worked on now: one on its way goes before one that waits behind it. */
export const dueChange = (session: Session, conversationId: string, at: Timestamp): OutboxChange | null => {
  const [first] = selectChanges(
    session,
    `WHERE c.conversation_id = ? AND c.state IN ${openStates} ORDER BY c.state = 'pending', c.id LIMIT 1`,
    conversationId
  )
  return first === undefined || (first.notBefore !== null && first.notBefore > at) ? null : first
}
