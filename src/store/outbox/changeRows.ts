import type { Status, WantedStatus } from "../../domain/Status.ts"
import type { ChangeState, RequestedChange, StatusChange } from "../../domain/StatusChange.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { RemoteState } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"

/** A change with everything the outbox keeps of it. */
export interface OutboxChange extends StatusChange {
  /** The provider's own word when the change was requested; null: it had sent none. */
  readonly fromProviderStatus: string | null
  /** What the provider was read to hold just before the change was last sent; null: never sent. */
  readonly found: RemoteState | null
  /** The provider's time of its last change, as the mirror knew it when the change was requested; null: not known. */
  readonly fromUpdatedAt: Timestamp | null
  /** When the provider first refused it in a way that may not be about it alone; null: it was not. */
  readonly refusedAt: Timestamp | null
  readonly endedAt: Timestamp | null
  /** When its conflict or rejection was resolved. */
  readonly resolvedAt: Timestamp | null
}

/** One step of a change's story. `detail` is the vendor's words, or ours. */
export interface ChangeEvent {
  readonly at: Timestamp
  readonly state: ChangeState
  readonly detail: string | null
  readonly runId: number | null
}

/** States of a change that has not ended. In flight: the provider may know of it. */
export const openStates = "('pending', 'sending', 'queued', 'sent')"
export const inFlightStates = "('sending', 'queued', 'sent')"

/** Open changes are few among all conversations: this join order begins with them. */
export const openChanges = /* sql */ `status_changes c INDEXED BY status_changes_open
  CROSS JOIN remote_conversations r ON r.id = c.conversation_id`

interface Row {
  readonly id: number
  readonly connection: string
  readonly conversation_id: string
  readonly provider_id: string
  readonly agent_id: string | null
  readonly from_status: Status
  readonly from_provider_status: string | null
  readonly from_updated_at: Timestamp | null
  readonly to_status: WantedStatus | null
  readonly to_provider_status: string | null
  readonly category: string | null
  readonly summary: string | null
  readonly fields: string | null
  readonly state: ChangeState
  readonly attempts: number
  readonly not_before: Timestamp | null
  readonly last_error: string | null
  readonly requested_at: Timestamp
  readonly requested_by: string
  readonly sent_at: Timestamp | null
  readonly found: string | null
  readonly refused_at: Timestamp | null
  readonly ended_at: Timestamp | null
  readonly resolved_at: Timestamp | null
}

const columns = /* sql */ `
SELECT c.id, r.connection, c.conversation_id, r.provider_id, r.agent_id, c.from_status, c.from_provider_status, c.from_updated_at,
  c.to_status, c.to_provider_status, c.category, c.summary, c.fields, c.state, c.attempts, c.not_before, c.last_error, c.requested_at, c.requested_by,
  c.sent_at, c.found, c.refused_at, c.ended_at, c.resolved_at
FROM`
/** Changes are few among all conversations as well, however many have ended. */
export const everyChange = "status_changes c CROSS JOIN remote_conversations r ON r.id = c.conversation_id"

/** The requested fields that have no column of their own, as JSON; null: none. */
export const encodeFields = (requested: RequestedChange): string | null =>
  requested.title === null && requested.tags.length === 0
    ? null
    : JSON.stringify({
        ...(requested.title === null ? {} : { title: requested.title }),
        ...(requested.tags.length === 0 ? {} : { tags: requested.tags })
      })

interface Fields {
  readonly title?: string
  readonly tags?: ReadonlyArray<string>
}

const toChange = (row: Row): OutboxChange => {
  const fields = row.fields === null ? {} : (JSON.parse(row.fields) as Fields)
  return {
    id: row.id,
    connection: row.connection,
    conversationId: row.conversation_id,
    providerId: row.provider_id,
    agentId: row.agent_id,
    fromStatus: row.from_status,
    fromProviderStatus: row.from_provider_status,
    requested: {
      status: row.to_status,
      ...(row.to_provider_status === null ? {} : { providerStatus: row.to_provider_status }),
      category: row.category,
      summary: row.summary,
      title: fields.title ?? null,
      tags: fields.tags ?? []
    },
    state: row.state,
    attempts: row.attempts,
    notBefore: row.not_before,
    lastError: row.last_error,
    requestedAt: row.requested_at,
    requestedBy: row.requested_by,
    sentAt: row.sent_at,
    found: row.found === null ? null : (JSON.parse(row.found) as RemoteState),
    fromUpdatedAt: row.from_updated_at,
    refusedAt: row.refused_at,
    endedAt: row.ended_at,
    resolvedAt: row.resolved_at
  }
}

const select = (
  session: Session,
  from: string,
  rest: string,
  parameters: ReadonlyArray<string | number>
): ReadonlyArray<OutboxChange> =>
  (session.prepare(`${columns} ${from} ${rest}`).all(...parameters) as ReadonlyArray<Row>).map(toChange)

/** @param rest what follows FROM: a WHERE on `c` (the change) and `r` (its conversation), an ORDER, a LIMIT. */
export const selectChanges = (
  session: Session,
  rest: string,
  ...parameters: ReadonlyArray<string | number>
): ReadonlyArray<OutboxChange> => select(session, everyChange, rest, parameters)

/** How many there are. @param rest as for `selectChanges` */
export const countChanges = (
  session: Session,
  rest: string,
  ...parameters: ReadonlyArray<string | number>
): number =>
  session
    .prepare(`SELECT count(*) FROM ${everyChange} ${rest}`)
    .pluck()
    .get(...parameters) as number

/** Every open change of a connection, in the order in which they are worked on. */
export const selectOpenChanges = (session: Session, connection: string): ReadonlyArray<OutboxChange> =>
  select(
    session,
    openChanges,
    `WHERE r.connection = ? AND c.state IN ${openStates} ORDER BY c.conversation_id, c.state = 'pending', c.id`,
    [connection]
  )

/** The newest change of a conversation in one of these states; null: there is none. @param states such as `openStates` */
export const newestOf = (session: Session, conversationId: string, states: string): OutboxChange | null =>
  selectChanges(
    session,
    `WHERE c.conversation_id = ? AND c.state IN ${states} ORDER BY c.id DESC LIMIT 1`,
    conversationId
  )[0] ?? null

export const changeById = (session: Session, id: number): OutboxChange | null =>
  selectChanges(session, "WHERE c.id = ?", id)[0] ?? null

/** Adds a step to a change's history. */
export const recordStep = (
  session: Session,
  changeId: number,
  event: { at: Timestamp; state: ChangeState; detail: string | null; runId: number | null }
): void => {
  session
    .prepare("INSERT INTO change_events (change_id, at, state, detail, run_id) VALUES (?, ?, ?, ?, ?)")
    .run(changeId, event.at, event.state, event.detail, event.runId)
}
