import type { Timestamp } from "../../domain/Timestamp.ts"
import { nextSeq } from "../commits.ts"
import type { Session } from "../Db.ts"
import { contentHash, makeStoredContent } from "../mirror/conversations/content.ts"

/** How many messages of a conversation a vendor declares outside of its records, as with its closing. */
export interface DeclaredCount {
  readonly connection: string
  /** The vendor's id of the conversation. */
  readonly providerId: string
  readonly messages: number
  /** Those sent before that moment are not counted among them; null: all are. */
  readonly since: Timestamp | null
}

/** Notes a count, together with the stored messages that it leaves out. To be called inside of a transaction. */
export const declare = (
  session: Session,
  { connection, messages, providerId, since }: DeclaredCount,
  at: Timestamp
): void => {
  const { prepare } = session
  const id = `${connection}:${providerId}`
  const row = prepare(
    "SELECT key, content_hash, declared_messages FROM remote_conversations WHERE id = ?"
  ).get(id) as { key: number; content_hash: string; declared_messages: number | null } | undefined
  if (row === undefined) return
  const before = prepare("SELECT count(*) FROM messages WHERE conversation_id = ? AND sent_at < ?")
    .pluck()
    .get(id, since ?? "")
  const total = messages + Number(before)
  if (row.declared_messages === total) return
  const storedContent = makeStoredContent(session)
  const isAsHashed = contentHash(storedContent(row.key)) === row.content_hash
  prepare("UPDATE remote_conversations SET declared_messages = ?, seq = ? WHERE key = ?").run(
    total,
    nextSeq(session, at, null),
    row.key
  )
  if (!isAsHashed) return
  prepare("UPDATE remote_conversations SET content_hash = ? WHERE key = ?").run(
    contentHash(storedContent(row.key)),
    row.key
  )
}
