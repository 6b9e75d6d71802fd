import type { Timestamp } from "../../domain/Timestamp.ts"
import { nextSeq } from "../commits.ts"
import type { Session } from "../Db.ts"
import { barePhone, isAddress, isPhone, samePhone } from "../read/findConversation.ts"
import { latestBelieved } from "./staleness.ts"

/** A conversation that another one may have been merged into, by the address or the number that both contacts have. */
export interface MergeCandidate {
  /** The vendor's id. */
  readonly providerId: string
  /** As the vendor writes it; null: it is not the same. */
  readonly email: string | null
  /** Without what stands between the digits; null: it is not the same. */
  readonly phone: string | null
}

/**
 * Conversations of the same connection that began no later, are still there, and whose contact has the same e-mail address
 * or phone number. It takes no look at the provider, so it proves nothing.
 * @param providerId of a conversation that no longer exists at the provider
 */
export const mergeCandidates = (
  { prepare }: Session,
  connection: string,
  providerId: string
): ReadonlyArray<MergeCandidate> =>
  prepare(
    `WITH gone AS (
       SELECT g.connection, g.started_at, k.id, k.email, k.phone
       FROM remote_conversations g JOIN remote_contacts k ON k.id = g.contact_id WHERE g.id = ?
     ),
     alike AS (
       SELECT k.id, k.email, k.phone FROM gone JOIN remote_contacts k
         ON ${isAddress("k.email", "gone.email")} AND k.connection = gone.connection
       UNION
       SELECT k.id, k.email, k.phone FROM gone JOIN remote_contacts k
         ON ${isPhone("k.phone", "gone.phone")} AND k.connection = gone.connection
     )
     SELECT r.provider_id AS providerId, iif(lower(alike.email) = lower(gone.email), alike.email, NULL) AS email,
       iif(${samePhone("alike.phone", "gone.phone")}, ${barePhone("alike.phone")}, NULL) AS phone
     FROM gone JOIN alike ON alike.id <> gone.id JOIN remote_conversations r ON r.contact_id = alike.id
     WHERE r.deleted_at IS NULL AND r.merged_into IS NULL AND coalesce(r.started_at <= gone.started_at, 1)
     ORDER BY r.started_at, r.id LIMIT 10`
  ).all(`${connection}:${providerId}`) as ReadonlyArray<MergeCandidate>

/** What the provider has answered of a conversation that no longer exists by its own id. */
export interface Merge {
  readonly connection: string
  readonly providerId: string
  /** The vendor's id of the one it was merged into. */
  readonly into: string
  /** When it was requested by its own id. */
  readonly askedAt: Timestamp
}

/** Notes a merge, unless the conversation was seen since. To be called inside of a transaction. */
export const markMerged = (
  session: Session,
  { askedAt, connection, into, providerId }: Merge,
  at: Timestamp
): void => {
  session
    .prepare(
      `UPDATE remote_conversations
     SET merged_into = ?, merged_at = ?, deleted_at = NULL, deleted_in_run = NULL, seq = ?
     WHERE id = ? AND merged_into IS NULL AND (observed_at <= ? OR observed_at > ?)`
    )
    .run(
      `${connection}:${into}`,
      askedAt,
      nextSeq(session, at, null),
      `${connection}:${providerId}`,
      askedAt,
      latestBelieved(at)
    )
}
