import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { connectionNames } from "./findConversation.ts"
import { contactOf, type LastWords, makeLastWords, type TranscriptContact } from "./transcript.ts"

/*
 * Lists of conversations that stay quick however many there are: a page begins after the last row of the one before, and
 * each connection is read along its own order in time.
 */

/** Which conversations. Null: whatever it is. Those that are gone at the provider are never listed. */
export interface ConversationFilter {
  readonly connection: string | null
  readonly status: string | null
  readonly channel: string | null
  /** Only those in which someone waits for a person. */
  readonly waiting: boolean
  /** Conversations found by a search, in order; null: all. */
  readonly among: ReadonlyArray<string> | null
  /** By their last message, from and before. */
  readonly since: Timestamp | null
  readonly until: Timestamp | null
}

/** Where a page ended: the value that orders the list (null sorts last), and an id. */
export interface ListPlace {
  readonly at: string | null
  readonly id: string
}

interface ListedConversation extends LastWords {
  readonly id: string
  readonly connection: string
  readonly provider: string
  readonly channel: string | null
  readonly status: string
  readonly remote_status: string
  readonly change_state: string | null
  readonly title: string | null
  readonly contact: TranscriptContact | null
  readonly last_message_at: Timestamp | null
  readonly stored_messages: number
  readonly complete: 0 | 1 | null
  readonly waiting_since: Timestamp | null
  readonly seq: number
}

/** Characters of the last words. */
const wordsLength = 200

interface Row extends Omit<ListedConversation, "contact" | keyof LastWords | "waiting_since"> {
  readonly contact_id: string | null
}

type Key = readonly [id: string, at: Timestamp | null]

/** Condition and parameters for what a filter says of a row of `conversations c`. */
const conditions = (filter: ConversationFilter) => {
  const parts: Array<string> = ["c.deleted_at IS NULL", "c.merged_into IS NULL"]
  const values: Array<string> = []
  const add = (sql: string, value: string | null): void => {
    if (value === null) return
    parts.push(sql)
    values.push(value)
  }
  add("c.status = ?", filter.status)
  add("c.channel = ?", filter.channel)
  add("c.last_message_at >= ?", filter.since)
  add("c.last_message_at < ?", filter.until)
  return { sql: parts.join(" AND "), values }
}

/** One connection's newest, after a place. What has no time comes after all that has one. */
const keysOf = (
  { prepare }: Session,
  connection: string,
  filter: ConversationFilter,
  after: ListPlace | null,
  limit: number
): ReadonlyArray<Key> => {
  const { sql, values } = conditions(filter)
  const select = `SELECT c.id, c.last_message_at FROM conversations c WHERE c.connection = ? AND ${sql}`
  const timed = (): ReadonlyArray<Key> => {
    if (after !== null && after.at === null) return []
    const place = after === null ? [] : [after.at, after.id]
    return prepare(
      `${select} AND c.last_message_at IS NOT NULL ${after === null ? "" : "AND (c.last_message_at, c.id) < (?, ?)"}
       ORDER BY c.last_message_at DESC, c.id DESC LIMIT ?`
    )
      .raw()
      .all(connection, ...values, ...place, limit) as ReadonlyArray<Key>
  }
  const dated = timed()
  if (dated.length === limit || filter.since !== null || filter.until !== null) return dated
  const place = after !== null && after.at === null ? [after.id] : []
  const undated = prepare(
    `${select} AND c.last_message_at IS NULL ${place.length === 0 ? "" : "AND c.id < ?"} ORDER BY c.id DESC LIMIT ?`
  )
    .raw()
    .all(connection, ...values, ...place, limit - dated.length) as ReadonlyArray<Key>
  return [...dated, ...undated]
}

/** Newest first, those without a time last; by id where times are the same. */
const byTime = ([id, at]: Key, [otherId, otherAt]: Key): number => {
  if (at !== otherAt) return (at ?? "") < (otherAt ?? "") ? 1 : -1
  return id < otherId ? 1 : -1
}

const waitingKeys = (
  { prepare }: Session,
  filter: ConversationFilter,
  after: ListPlace | null,
  limit: number
): ReadonlyArray<Key> => {
  const { sql, values } = conditions(filter)
  const order = "coalesce(w.waiting_since, '~')"
  const place = after === null ? [] : [after.at ?? "~", after.id]
  return prepare(
    `SELECT c.id, w.waiting_since FROM waiting_for_person w JOIN conversations c ON c.id = w.conversation_id
     WHERE ${sql} AND (? IS NULL OR w.connection = ?)
       ${after === null ? "" : `AND (${order}, c.id) > (?, ?)`}
     ORDER BY ${order}, c.id LIMIT ?`
  )
    .raw()
    .all(...values, filter.connection, filter.connection, ...place, limit) as ReadonlyArray<Key>
}

/** Of those that a search found, in its order. */
const foundKeys = (
  { prepare }: Session,
  filter: ConversationFilter,
  among: ReadonlyArray<string>,
  after: ListPlace | null,
  limit: number
): ReadonlyArray<Key> => {
  const { sql, values } = conditions(filter)
  const rest = after === null ? among : among.slice(among.indexOf(after.id) + 1)
  const one = prepare(
    `SELECT c.id, c.last_message_at FROM conversations c WHERE c.id = ? AND ${sql} AND (? IS NULL OR c.connection = ?)`
  ).raw()
  const keys: Array<Key> = []
  for (const id of rest) {
    const key = one.get(id, ...values, filter.connection, filter.connection) as Key | undefined
    if (key !== undefined) keys.push(key)
    if (keys.length === limit) break
  }
  return keys
}

const keysAfter = (
  session: Session,
  filter: ConversationFilter,
  after: ListPlace | null,
  limit: number
): ReadonlyArray<Key> => {
  if (filter.among !== null) return foundKeys(session, filter, filter.among, after, limit)
  if (filter.waiting) return waitingKeys(session, filter, after, limit)
  const connections = filter.connection === null ? connectionNames(session) : [filter.connection]
  return connections
    .flatMap((connection) => keysOf(session, connection, filter, after, limit))
    .sort(byTime)
    .slice(0, limit)
}

/** Looks up conversations as they are now; null: there is none of that id. */
export const makeRowOf = (session: Session) => {
  const { prepare } = session
  const select = prepare(
    `SELECT c.id, c.connection, c.provider, c.channel, c.status, c.remote_status, c.change_state, c.title,
       c.last_message_at, c.stored_messages, c.complete, c.seq, c.contact_id
     FROM conversations c WHERE c.id = ?`
  )
  const lastWords = makeLastWords(session, wordsLength)
  return (id: string, waitingSince: Timestamp | null = null): ListedConversation | null => {
    const row = select.get(id) as Row | undefined
    if (row === undefined) return null
    const { contact_id, ...rest } = row
    return {
      ...rest,
      contact: contact_id === null ? null : contactOf(session, contact_id),
      ...lastWords(id),
      waiting_since: waitingSince
    }
  }
}

/** The ids that a filter lists, at most so many. */
export const listIds = (session: Session, filter: ConversationFilter, most: number): ReadonlyArray<string> =>
  keysAfter(session, filter, null, most).map(([id]) => id)

/** A page of conversations: the newest first, or, of those that wait, the longest. `next`: null where there are no more. */
export const listConversations = (
  session: Session,
  filter: ConversationFilter,
  after: ListPlace | null,
  limit: number
): { readonly items: ReadonlyArray<ListedConversation>; readonly next: ListPlace | null } => {
  const keys = keysAfter(session, filter, after, limit + 1)
  const shown = keys.slice(0, limit)
  const rowOf = makeRowOf(session)
  const last = shown.at(-1)
  return {
    items: shown.flatMap(([id, at]) => rowOf(id, filter.waiting ? at : null) ?? []),
    next: keys.length <= limit || last === undefined ? null : { id: last[0], at: last[1] }
  }
}
