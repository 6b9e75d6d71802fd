import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { type LastWords, makeLastWords } from "./transcript.ts"

/** A conversation in which someone waits for a person. */
export interface Waiting extends LastWords {
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
  readonly last_message_at: Timestamp | null
}

interface WaitingFilter {
  /** Null: every connection. */
  readonly connection: string | null
  readonly limit: number
}

/** Who waits for a person, the longest first, and how many there are in all. Texts are cut to `textLimit` characters. */
export const whoWaits = (
  session: Session,
  { connection, limit }: WaitingFilter,
  textLimit = 400
): { readonly total: number; readonly waiting: ReadonlyArray<Waiting> } => {
  const { prepare } = session
  const where = "WHERE (? IS NULL OR w.connection = ?)"
  const total = prepare(`SELECT count(*) FROM waiting_for_person w ${where}`)
    .pluck()
    .get(connection, connection) as number
  const rows = prepare(
    `SELECT w.conversation_id, w.connection, w.channel, w.title, k.name, k.email, k.phone, w.waiting_since,
       w.waiting_seconds, w.last_message_at
     FROM waiting_for_person w LEFT JOIN contacts k ON k.id = w.contact_id ${where}
     ORDER BY w.waiting_since IS NULL, w.waiting_since, w.conversation_id LIMIT ?`
  ).all(connection, connection, limit) as ReadonlyArray<Omit<Waiting, keyof LastWords>>
  const lastWords = makeLastWords(session, textLimit)
  return { total, waiting: rows.map((row) => ({ ...row, ...lastWords(row.conversation_id) })) }
}
