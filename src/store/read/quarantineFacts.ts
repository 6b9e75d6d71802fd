import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"

/** A record that did not decode, without its payload. */
export interface Quarantined {
  readonly id: number
  readonly connection: string
  readonly kind: string
  readonly provider_id: string | null
  /** The vendor's id of the conversation it belongs to. */
  readonly conversation_provider_id: string | null
  readonly reason: string
  /** JSON path in the payload. */
  readonly path: string
  /** How often it came. */
  readonly seen: number
  readonly first_seen_at: Timestamp
  readonly last_seen_at: Timestamp
  readonly resolved_at: Timestamp | null
  /** When it was dismissed. */
  readonly dismissed_at: Timestamp | null
}

/** The same with its payload, and the request that brought it last. */
export interface QuarantinedWhole extends Quarantined {
  readonly payload: string
  readonly request: {
    readonly run_id: number
    readonly operation: string
    readonly method: string
    readonly path: string
    readonly status: number
    readonly received_at: Timestamp
  }
}

const columns = `q.id, q.connection, q.kind, q.provider_id, q.conversation_provider_id, q.reason, q.path, q.seen,
  q.first_seen_at, q.last_seen_at, q.resolved_at, q.dismissed_at`

export interface QuarantineFilter {
  readonly connection: string | null
  /** Resolved ones as well. */
  readonly all: boolean
  readonly limit: number
}

/** The newest sightings first, and how many there are in all. */
export const listQuarantine = (
  { prepare }: Session,
  { all, connection, limit }: QuarantineFilter
): { readonly total: number; readonly records: ReadonlyArray<Quarantined> } => {
  const where = `FROM quarantine q WHERE (? OR q.resolved_at IS NULL) AND (? IS NULL OR q.connection = ?)`
  const asked = [all ? 1 : 0, connection, connection]
  return {
    total: prepare(`SELECT count(*) ${where}`)
      .pluck()
      .get(...asked) as number,
    records: prepare(`SELECT ${columns} ${where} ORDER BY q.last_seen_at DESC, q.id DESC LIMIT ?`).all(
      ...asked,
      limit
    ) as ReadonlyArray<Quarantined>
  }
}

/** Of one conversation, the open ones. */
export const quarantineOf = (
  { prepare }: Session,
  connection: string,
  providerId: string
): ReadonlyArray<Quarantined> =>
  prepare(
    `SELECT ${columns} FROM quarantine q
     WHERE q.connection = ? AND coalesce(q.conversation_provider_id, q.provider_id) = ? AND q.resolved_at IS NULL ORDER BY q.id`
  ).all(connection, providerId) as ReadonlyArray<Quarantined>

interface WholeRow extends Quarantined {
  readonly payload: string
  readonly run_id: number
  readonly operation: string
  readonly method: string
  readonly request_path: string
  readonly status: number
  readonly received_at: Timestamp
}

/** One of them, whole; null: there is none of this number. */
export const findQuarantined = ({ prepare }: Session, id: number): QuarantinedWhole | null => {
  const row = prepare(
    `SELECT ${columns}, q.payload, p.run_id, p.operation, p.method, p.path AS request_path, p.status, p.received_at
     FROM quarantine q JOIN pages p ON p.id = q.page_id WHERE q.id = ?`
  ).get(id) as WholeRow | undefined
  if (row === undefined) return null
  const { method, operation, received_at, request_path, run_id, status, ...rest } = row
  return { ...rest, request: { run_id, operation, method, path: request_path, status, received_at } }
}
