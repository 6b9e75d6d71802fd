import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"

/** A conversation in which someone waits for a person. */
export interface Waiting {
  readonly conversation_id: string
  readonly connection: string
  readonly channel: string | null
  readonly title: string | null
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  /** Null: not known. */
  readonly waiting_since: Timestamp | null
  readonly waiting_seconds: number | null
  /** Of the message that has text and came last. */
  readonly last_role: string | null
  readonly last_words: string | null
  readonly last_message_at: Timestamp | null
}

export interface WaitingFilter {
  /** Null: every connection. */
  readonly connection: string | null
  readonly limit: number
}

/** Who waits for a person, the longest first, and how many there are in all. Texts are cut to `textLimit` characters. */
export const whoWaits = (
  { prepare }: Session,
  { connection, limit }: WaitingFilter,
  textLimit = 400
): { readonly total: number; readonly waiting: ReadonlyArray<Waiting> } => {
  const where = "WHERE (? IS NULL OR w.connection = ?)"
  const total = prepare(`SELECT count(*) FROM waiting_for_person w ${where}`)
    .pluck()
    .get(connection, connection) as number
  const rows = prepare(
    `SELECT w.conversation_id, w.connection, w.channel, w.title, k.name, k.email, k.phone, w.waiting_since,
       w.waiting_seconds, w.last_message_at
     FROM waiting_for_person w LEFT JOIN contacts k ON k.id = w.contact_id ${where}
     ORDER BY w.waiting_since IS NULL, w.waiting_since, w.conversation_id LIMIT ?`
  ).all(connection, connection, limit) as ReadonlyArray<Omit<Waiting, "last_role" | "last_words">>
  const last = prepare(
    `SELECT role AS last_role, substr(content, 1, ?) AS last_words FROM messages
     WHERE conversation_id = ? AND content <> '' ORDER BY position DESC LIMIT 1`
  )
  return {
    total,
    waiting: rows.map((row) => {
      const words = last.get(textLimit, row.conversation_id) as
        | Pick<Waiting, "last_role" | "last_words">
        | undefined
      return { ...row, last_role: words?.last_role ?? null, last_words: words?.last_words ?? null }
    })
  }
}
