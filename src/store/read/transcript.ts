import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { rawOf } from "../mirror/raw/rawRecords.ts"

/** Who a conversation is with. */
export interface TranscriptContact {
  readonly id: string
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
}

/** A conversation as a person reads it, without its messages. Times are UTC, ISO 8601. */
export interface TranscriptHead {
  readonly id: string
  readonly connection: string
  readonly provider: string
  readonly provider_id: string
  readonly channel: string | null
  /** What is wanted here, else what the provider holds. */
  readonly status: string
  readonly remote_status: string
  readonly provider_status: string | null
  readonly change_state: string | null
  readonly title: string | null
  readonly summary: string | null
  readonly qualified: 0 | 1 | null
  readonly tags: ReadonlyArray<string>
  readonly declared_messages: number | null
  readonly stored_messages: number
  readonly expired_messages: number
  readonly complete: 0 | 1 | null
  readonly started_at: Timestamp | null
  readonly last_message_at: Timestamp | null
  readonly updated_at: Timestamp | null
  readonly last_seen_at: Timestamp
  readonly deleted_at: Timestamp | null
  readonly merged_into: string | null
  readonly contact: TranscriptContact | null
}

export interface TranscriptMessage {
  readonly id: string
  /** Orders the messages of a conversation, and is the cursor of a page. */
  readonly position: number
  readonly role: string
  readonly provider_role: string | null
  readonly type: string
  readonly content: string | null
  readonly sent_at: Timestamp | null
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Messages in order. */
interface TranscriptPage {
  readonly messages: ReadonlyArray<TranscriptMessage>
  /** For `before`: there are older ones; null: there are none. */
  readonly earlier: number | null
  /** For `after`: there are newer ones; null: there are none. */
  readonly later: number | null
}

/** Which messages: before or after a position (itself not included), or, where neither is named, the newest. */
interface TranscriptWindow {
  readonly before?: number
  readonly after?: number
  readonly limit: number
}

interface HeadRow extends Omit<TranscriptHead, "tags" | "contact"> {
  readonly tags: string
  readonly contact_id: string | null
}

/** By itself: joined to the view of conversations, SQLite would read all contacts first. */
export const contactOf = ({ prepare }: Session, id: string): TranscriptContact | null =>
  (prepare("SELECT id, name, email, phone FROM contacts WHERE id = ?").get(id) as
    | TranscriptContact
    | undefined) ?? null

/** Of the message of a conversation that has text and came last. */
export interface LastWords {
  readonly last_role: string | null
  readonly last_words: string | null
}

/** Looks them up by the conversation's id, cut to so many characters. */
export const makeLastWords = ({ prepare }: Session, characters: number): ((id: string) => LastWords) => {
  const last = prepare(
    `SELECT role AS last_role, substr(content, 1, ?) AS last_words FROM messages
     WHERE conversation_id = ? AND content <> '' ORDER BY position DESC LIMIT 1`
  )
  const none: LastWords = { last_role: null, last_words: null }
  return (id) => (last.get(characters, id) as LastWords | undefined) ?? none
}

/** A conversation and its contact; null: the mirror has none of this id (`findConversation` finds it). */
export const transcriptHead = (session: Session, id: string): TranscriptHead | null => {
  const row = session
    .prepare(
      `SELECT c.id, c.connection, c.provider, c.provider_id, c.channel, c.status, c.remote_status, c.provider_status,
       c.change_state, c.title, c.summary, c.qualified, c.tags, c.declared_messages, c.stored_messages, c.expired_messages, c.complete,
       c.started_at, c.last_message_at, c.updated_at, c.last_seen_at, c.deleted_at, c.merged_into, c.contact_id
     FROM conversations c WHERE c.id = ?`
    )
    .get(id) as HeadRow | undefined
  if (row === undefined) return null
  const { contact_id, tags, ...rest } = row
  const contact = contact_id === null ? null : contactOf(session, contact_id)
  return { ...rest, tags: JSON.parse(tags) as ReadonlyArray<string>, contact }
}

interface MessageRow extends Omit<TranscriptMessage, "attributes"> {
  readonly attributes: string
}

/** A page of a conversation's messages, the oldest of the page first. */
export const transcriptPage = (
  { prepare }: Session,
  conversationId: string,
  { after, before, limit }: TranscriptWindow
): TranscriptPage => {
  const isForward = after !== undefined
  // One more than is shown: whether there are others.
  const found = (
    prepare(
      `SELECT id, position, role, provider_role, type, content, sent_at, attributes FROM messages
       WHERE conversation_id = ? AND position ${isForward ? ">" : "<"} ?
       ORDER BY position ${isForward ? "ASC" : "DESC"} LIMIT ?`
    ).all(conversationId, after ?? before ?? Number.MAX_SAFE_INTEGER, limit + 1) as ReadonlyArray<MessageRow>
  ).map((row) => ({ ...row, attributes: JSON.parse(row.attributes) as TranscriptMessage["attributes"] }))
  const shown = found.slice(0, limit)
  const messages = isForward ? shown : shown.reverse()
  const isMore = found.length > limit
  const first = messages[0]?.position ?? null
  const last = messages.at(-1)?.position ?? null
  return isForward
    ? { messages, earlier: after >= 0 ? first : null, later: isMore ? last : null }
    : { messages, earlier: isMore ? first : null, later: before === undefined ? null : last }
}

/** A payload as the provider sent it. */
interface TranscriptPayload {
  /** The adapter's word: `conversation`, `detail`, `message`, … */
  readonly kind: string
  readonly provider_id: string
  /** When the request left that brought it. */
  readonly observed_at: Timestamp
  /** JSON text, as it came. */
  readonly payload: string
}

/** The newest payloads that a conversation was made from. */
export const transcriptPayloads = (
  session: Session,
  { connection, provider_id }: Pick<TranscriptHead, "connection" | "provider_id">
): ReadonlyArray<TranscriptPayload> =>
  rawOf(session, connection, provider_id).map(({ kind, observedAt, payload, providerId }) => ({
    kind,
    provider_id: providerId,
    observed_at: observedAt,
    payload
  }))
