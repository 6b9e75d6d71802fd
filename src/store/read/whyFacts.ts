import { present } from "../../domain/present.ts"
import { now, type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { runsOver, standingOutcome } from "../ledger/Ledger.ts"
import { type Quarantined, quarantineOf } from "./quarantineFacts.ts"

/** The row of the view `conversations`, as far as its synchronization goes. */
interface WhyConversation {
  readonly id: string
  readonly connection: string
  readonly provider: string
  readonly provider_id: string
  readonly status: string
  readonly remote_status: string
  readonly provider_status: string | null
  readonly change_state: string | null
  readonly declared_messages: number | null
  readonly stored_messages: number
  readonly expired_messages: number
  readonly complete: 0 | 1 | null
  readonly started_at: Timestamp | null
  readonly last_message_at: Timestamp | null
  readonly updated_at: Timestamp | null
  readonly first_seen_at: Timestamp
  readonly last_seen_at: Timestamp
  readonly deleted_at: Timestamp | null
  readonly merged_into: string | null
  /** The first complete scan that did not list it. */
  readonly missing_since: Timestamp | null
}

/** The request whose answer last changed something here. */
interface WhyRequest {
  readonly run_id: number
  readonly command: string
  readonly lane: string
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly requested_at: Timestamp
  readonly received_at: Timestamp
}

interface WhyChange {
  readonly id: number
  readonly from_status: string
  readonly to_status: string | null
  readonly state: string
  readonly attempts: number
  readonly not_before: Timestamp | null
  readonly last_error: string | null
  readonly requested_at: Timestamp
  readonly requested_by: string
  readonly sent_at: Timestamp | null
  readonly ended_at: Timestamp | null
  readonly resolved_at: Timestamp | null
  readonly events: ReadonlyArray<{
    readonly at: Timestamp
    readonly state: string
    readonly detail: string | null
    readonly run_id: number | null
  }>
}

interface WhyHistory {
  readonly from_status: string | null
  readonly to_status: string
  readonly provider_status: string | null
  readonly origin: string
  readonly observed_at: Timestamp
  readonly run_id: number
}

/** What will be done next, when (null: with the next run, whenever that is), and by which command. */
interface NextAttempt {
  readonly what: string
  readonly at: Timestamp | null
  readonly command: string
}

export interface Why {
  /** Null: no sighting of it could be read yet. */
  readonly conversation: WhyConversation | null
  readonly last_request: WhyRequest | null
  /** The last run that spoke with the conversation's provider. */
  readonly last_run: {
    readonly run_id: number
    readonly lane: string
    readonly outcome: string
    readonly started_at: Timestamp
    readonly error_message: string | null
  } | null
  readonly history: ReadonlyArray<WhyHistory>
  readonly quarantine: ReadonlyArray<Quarantined>
  /** The newest first. */
  readonly changes: ReadonlyArray<WhyChange>
  readonly next: ReadonlyArray<NextAttempt>
}

const conversationOf = ({ prepare }: Session, id: string): WhyConversation | null =>
  (prepare(
    `SELECT c.id, c.connection, c.provider, c.provider_id, c.status, c.remote_status, c.provider_status, c.change_state,
       c.declared_messages, c.stored_messages, c.expired_messages, c.complete, c.started_at, c.last_message_at, c.updated_at,
       c.first_seen_at, c.last_seen_at, c.deleted_at, c.merged_into, r.missing_since
     FROM conversations c JOIN remote_conversations r ON r.id = c.id WHERE c.id = ?`
  ).get(id) as WhyConversation | undefined) ?? null

const lastRequestOf = ({ prepare }: Session, id: string): WhyRequest | null =>
  (prepare(
    `SELECT p.run_id, u.command, p.lane, p.operation, p.method, p.path, p.status, p.requested_at, p.received_at
     FROM pages p JOIN runs u ON u.id = p.run_id
     WHERE p.id = (SELECT max(page_id) FROM (
       SELECT page_id FROM remote_conversations WHERE id = ?
       UNION ALL SELECT max(page_id) FROM messages WHERE conversation_id = ?))`
  ).get(id, id) as WhyRequest | undefined) ?? null

const changesOf = ({ prepare }: Session, id: string): ReadonlyArray<WhyChange> => {
  const changes = prepare(
    `SELECT id, from_status, to_status, state, attempts, not_before, last_error, requested_at, requested_by, sent_at,
       ended_at, resolved_at FROM status_changes WHERE conversation_id = ? ORDER BY id DESC`
  ).all(id) as ReadonlyArray<Omit<WhyChange, "events">>
  const events = prepare(
    "SELECT at, state, detail, run_id FROM change_events WHERE change_id = ? ORDER BY id"
  )
  return changes.map((change) => ({ ...change, events: events.all(change.id) as WhyChange["events"] }))
}

const lastRunOf = (session: Session, connection: string, atMillis: number): Why["last_run"] => {
  const found = session
    .prepare(
      `SELECT run_id, lane, outcome, started_at, error_message FROM run_connections
     WHERE connection = ? AND lane <> 'push' ORDER BY run_id DESC, started_at DESC LIMIT 1`
    )
    .get(connection) as NonNullable<Why["last_run"]> | undefined
  if (found === undefined) return null
  return { ...found, outcome: standingOutcome(found.outcome, found.run_id, runsOver(session, atMillis)) }
}

const later = (timestamp: Timestamp | null, at: number): Timestamp | null =>
  timestamp !== null && toMillis(timestamp) > at ? timestamp : null

const changeAttempt = (change: WhyChange, at: number): ReadonlyArray<NextAttempt> => {
  const when = later(change.not_before, at)
  switch (change.state) {
    case "pending":
      return [
        {
          what: `the change to ${change.to_status ?? "its fields"} is sent`,
          at: when,
          command: "parley push"
        }
      ]
    case "sending":
      return [{ what: "it is read what became of the change", at: when, command: "parley push" }]
    case "queued":
      return [
        { what: "the provider is asked whether it applied the change", at: when, command: "parley push" }
      ]
    case "sent":
      return [
        { what: "the change is confirmed by what the provider shows", at: when, command: "parley sync" }
      ]
    default:
      return []
  }
}

const pullAttempts = (
  conversation: WhyConversation | null,
  quarantine: ReadonlyArray<Quarantined>
): ReadonlyArray<NextAttempt> => {
  const next = (what: string): NextAttempt => ({ what, at: null, command: "parley sync" })
  const faulty = quarantine.length > 0 ? [next("what is in quarantine is read again if it comes again")] : []
  if (conversation === null) return faulty
  if ((conversation.deleted_at ?? conversation.merged_into) !== null) {
    return [next("nothing, unless the provider lists it again")]
  }
  return present(
    ...faulty,
    conversation.complete === 0 && next("its missing messages are requested"),
    conversation.missing_since !== null && next("the provider is asked by its id whether it still exists"),
    ...(conversation.complete === 0 || conversation.missing_since !== null
      ? []
      : [next("it is fetched again if the provider shows a change")])
  )
}

/** All that is known of one conversation's synchronization; null: nothing is. */
export const whyFacts = (
  session: Session,
  conversation: { readonly id: string; readonly connection: string; readonly providerId: string },
  atMillis: number
): Why | null => {
  const { connection, id, providerId } = conversation
  const row = conversationOf(session, id)
  const quarantine = quarantineOf(session, connection, providerId)
  if (row === null && quarantine.length === 0) return null
  const changes = changesOf(session, id)
  const history = session
    .prepare(
      `SELECT from_status, to_status, provider_status, origin, observed_at, run_id FROM status_history
       WHERE conversation_id = ? ORDER BY observed_at, id`
    )
    .all(id) as ReadonlyArray<WhyHistory>
  return {
    conversation: row,
    last_request: lastRequestOf(session, id),
    last_run: lastRunOf(session, connection, atMillis),
    history,
    quarantine,
    changes,
    next: [
      ...changes.flatMap((change) => changeAttempt(change, toMillis(now(atMillis)))),
      ...pullAttempts(row, quarantine)
    ]
  }
}
