import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Likeness } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"

/*
 * Which account a connection belongs to, and what in the mirror shows that it still does.
 */

/** The account that a connection is bound to. */
export interface AccountBinding {
  /** The vendor's id of it; null: the vendor did not say. */
  readonly account: string | null
  /** `rebind`: a person accepted another account than before. */
  readonly reason: "first" | "rebind"
  readonly boundAt: Timestamp
  readonly runId: number | null
}

/** A stored conversation, with the fields that distinguish one account from another. */
export interface HeldConversation extends Likeness {
  readonly providerId: string
  readonly agentId: string | null
}

export const accountBinding = ({ prepare }: Session, connection: string): AccountBinding | null => {
  const row = prepare(
    `SELECT account, reason, bound_at AS boundAt, run_id AS runId FROM account_bindings
     WHERE connection = ? ORDER BY id DESC LIMIT 1`
  ).get(connection) as AccountBinding | undefined
  return row ?? null
}

/**
 * Binds a connection, unless another process has just bound it to an account of its own; `rebind` takes the place of
 * whatever there is, once in a run. A binding that did not name its account is completed. To be called inside of a
 * transaction. Returns what the connection is bound to then.
 */
export const bindAccount = (session: Session, connection: string, wanted: AccountBinding): AccountBinding => {
  const { prepare } = session
  const { account, boundAt, reason, runId } = wanted
  const before = accountBinding(session, connection)
  const isDone = before?.reason === "rebind" && before.runId === runId
  if (before !== null && (reason === "first" || isDone)) {
    if (before.account !== null || account === null) return before
    prepare(
      "UPDATE account_bindings SET account = ? WHERE id = (SELECT max(id) FROM account_bindings WHERE connection = ?)"
    ).run(account, connection)
    return { ...before, account }
  }
  prepare(
    "INSERT INTO account_bindings (connection, account, reason, bound_at, run_id) VALUES (?, ?, ?, ?, ?)"
  ).run(connection, account, reason, boundAt, runId)
  return wanted
}

/**
 * Forgets what was listed, how far scans have come, and what was learned: all of it is of the former account. To be called
 * inside of a transaction.
 */
export const forgetListed = ({ prepare }: Session, connection: string): void => {
  for (const table of ["scans", "scan_seen", "covered_ranges", "learned"]) {
    prepare(`DELETE FROM ${table} WHERE connection = ?`).run(connection)
  }
}

/** Whether any conversation is held that was seen since then. @param since UTC; null: ever */
export const holdsAny = ({ prepare }: Session, connection: string, since: Timestamp | null): boolean =>
  prepare(
    "SELECT 1 FROM remote_conversations WHERE connection = ? AND observed_at >= coalesce(?, '') LIMIT 1"
  ).get(connection, since) !== undefined

const held = `SELECT r.provider_id AS providerId, r.agent_id AS agentId, r.started_at AS startedAt, c.phone, c.email
  FROM remote_conversations r LEFT JOIN remote_contacts c ON c.id = r.contact_id`

/**
 * Conversations that the vendor should still have, of those seen since then: the newest, and as many at random.
 * @param since UTC; null: ever
 */
export const heldSample = (
  { prepare }: Session,
  connection: string,
  since: Timestamp | null,
  half: number
): ReadonlyArray<HeldConversation> => {
  const chosen = (order: string) =>
    prepare(
      `${held} WHERE r.connection = ? AND r.deleted_at IS NULL AND r.merged_into IS NULL AND r.observed_at >= coalesce(?, '')
       ORDER BY ${order} LIMIT ?`
    ).all(connection, since, half) as ReadonlyArray<HeldConversation>
  const all = [...chosen("r.last_message_at DESC"), ...chosen("random()")]
  return [...new Map(all.map((one) => [one.providerId, one])).values()]
}

/** What is held of these (the vendor's ids), seen since then; unknown ids are absent. @param since UTC; null: ever */
export const heldOf = (
  { prepare }: Session,
  connection: string,
  providerIds: ReadonlyArray<string>,
  since: Timestamp | null
): ReadonlyMap<string, HeldConversation> => {
  const rows = prepare(
    `${held} JOIN json_each(?) ids ON r.id = ? || ':' || ids.value WHERE r.observed_at >= coalesce(?, '')`
  ).all(JSON.stringify(providerIds), connection, since) as ReadonlyArray<HeldConversation>
  return new Map(rows.map((row) => [row.providerId, row]))
}

/**
 * Whether a person has accepted another account and no scan has listed all of it since: then what the list lacks is the
 * former account's.
 */
export const isNewlyAccepted = ({ prepare }: Session, connection: string): boolean =>
  prepare(
    `SELECT 1 FROM (SELECT * FROM account_bindings WHERE connection = $connection ORDER BY id DESC LIMIT 1) b
       JOIN runs r ON r.id = b.run_id JOIN connections c ON c.name = b.connection
     WHERE b.reason = 'rebind' AND coalesce(c.last_complete_scan_at, '') < r.started_at`
  ).get({ connection }) !== undefined
