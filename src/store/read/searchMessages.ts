import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"

export interface SearchFilter {
  /** Plain words: all of them have to be in the message. */
  readonly words: string
  readonly connection: string | null
  readonly role: string | null
  readonly since: Timestamp | null
  readonly until: Timestamp | null
  readonly limit: number
}

export interface SearchHit {
  readonly messageId: string
  readonly conversationId: string
  readonly connection: string
  readonly position: number
  readonly role: string
  readonly sentAt: Timestamp | null
  readonly content: string
  /** What was said around the first hit. */
  readonly excerpt: string
}

/** Messages that hold all of the words, the newest first. */
export const searchMessages = (
  { prepare }: Session,
  { connection, limit, role, since, until, words }: SearchFilter
): ReadonlyArray<SearchHit> => {
  const match = (words.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).map((word) => `"${word}"`).join(" AND ")
  if (match === "") return []
  return prepare(
    `SELECT s.message_id AS messageId, s.conversation_id AS conversationId, c.connection, s.position, s.role,
       s.sent_at AS sentAt, s.content, s.excerpt
     FROM search_results s JOIN conversations c ON c.id = s.conversation_id
     WHERE s.search MATCH $match AND ($connection IS NULL OR c.connection = $connection)
       AND ($role IS NULL OR s.role = $role) AND ($since IS NULL OR s.sent_at >= $since)
       AND ($until IS NULL OR s.sent_at < $until)
     ORDER BY s.sent_at DESC LIMIT $limit`
  ).all({ match, connection, role, since, until, limit }) as ReadonlyArray<SearchHit>
}
