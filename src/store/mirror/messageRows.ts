import type { Message } from "../../domain/Conversation.ts"
import type { Session } from "../Db.ts"
import { attributesJson, sameJson } from "./canonical.ts"
import type { PageContext } from "./context.ts"
import { searchWords } from "./searchTokens.ts"

interface StoredMessage {
  readonly key: number
  readonly id: string
  readonly provider_id: string | null
  readonly position: number
  readonly role: string
  readonly provider_role: string | null
  readonly type: string
  readonly content: string | null
  readonly sent_at: string | null
  readonly sent_at_source: string | null
  readonly attributes: string
}

const sameMessage = (stored: StoredMessage, message: Message, position: number): boolean =>
  stored.position === position &&
  stored.content === message.content &&
  stored.role === message.role &&
  stored.provider_role === message.providerRole &&
  stored.provider_id === message.providerId &&
  stored.type === message.type &&
  stored.sent_at === message.sentAt &&
  stored.sent_at_source === message.sentAtSource &&
  sameJson(stored.attributes, attributesJson(message.attributes), message.attributes)

/** A message that is listed twice is one message; the second is counted as unchanged. */
const withoutRepeats = (context: PageContext, messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  const ids = new Set<string>()
  for (const message of messages) ids.add(message.messageId)
  if (ids.size === messages.length) return messages
  context.tally.unchanged += messages.length - ids.size
  return messages.filter((message) => ids.delete(message.messageId))
}

/**
 * Where stored messages stand that a list which is not the whole truth left out: each after the message that it
 * followed before. Both lists are ids in order; so is the result, which holds every id of both.
 */
export const mergedOrder = (
  listed: ReadonlyArray<string>,
  stored: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const isListed = new Set(listed)
  const followers = new Map<string | null, Array<string>>()
  let anchor: string | null = null
  for (const id of stored) {
    if (isListed.has(id)) {
      anchor = id
      continue
    }
    const group = followers.get(anchor)
    if (group === undefined) followers.set(anchor, [id])
    else group.push(id)
  }
  return [...(followers.get(null) ?? []), ...listed.flatMap((id) => [id, ...(followers.get(id) ?? [])])]
}

/** Writes messages and keeps the full-text index in step. One for each open database; `begin` and `end` frame a transaction. */
export const makeMessageRows = ({ prepare }: Session) => {
  const highestKey = prepare("SELECT coalesce(max(key), 0) FROM messages").pluck()
  const insertRow = prepare(
    `INSERT INTO messages (key, id, conversation_id, provider_id, position, role, provider_role, type, content, sent_at,
       sent_at_source, attributes, page_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const updateRow = prepare(
    `UPDATE messages SET provider_id = ?, position = ?, role = ?, provider_role = ?, type = ?, content = ?,
       sent_at = ?, sent_at_source = ?, attributes = ?, page_id = ? WHERE key = ?`
  )
  const movePosition = prepare("UPDATE messages SET position = ?, page_id = ? WHERE key = ?")
  const deleteRow = prepare("DELETE FROM messages WHERE key = ?")
  const bury = prepare(
    `INSERT INTO tombstones (table_name, row_id, seq) VALUES ('messages', ?, ?)
     ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq`
  )
  const storedOf = prepare(
    `SELECT key, id, provider_id, position, role, provider_role, type, content, sent_at, sent_at_source, attributes
     FROM messages WHERE conversation_id = ? ORDER BY position, key`
  )
  const insertWords = prepare("INSERT INTO message_words (key, words) VALUES (?, ?)")
  const deleteWords = prepare("DELETE FROM message_words WHERE key = ?")
  const indexRange = prepare(
    `INSERT INTO message_search (rowid, content)
     SELECT key, content FROM message_search_source WHERE key BETWEEN ? AND ?`
  )
  const unindex = prepare(
    `INSERT INTO message_search (message_search, rowid, content)
     SELECT 'delete', key, content FROM message_search_source WHERE key = ?`
  )

  let nextKey = 1
  let nextUnindexed = 1

  const begin = (): void => {
    nextKey = Number(highestKey.get()) + 1
    nextUnindexed = nextKey
  }

  /** Indexes what was inserted since the last time, in one statement. */
  const end = (): void => {
    if (nextUnindexed < nextKey) indexRange.run(nextUnindexed, nextKey - 1)
    nextUnindexed = nextKey
  }

  const writeWords = (key: number, content: string | null): void => {
    const words = content === null ? null : searchWords(content)
    if (words !== null) insertWords.run(key, words)
  }

  /** Inserts new messages in order, from `position` on. */
  const insertRows = (
    context: PageContext,
    conversationId: string,
    messages: ReadonlyArray<Message>,
    position: number
  ): void => {
    messages.forEach((message, index) => {
      insertRow.run(
        nextKey,
        `${conversationId}:${message.messageId}`,
        conversationId,
        message.providerId,
        position + index,
        message.role,
        message.providerRole,
        message.type,
        message.content,
        message.sentAt,
        message.sentAtSource,
        attributesJson(message.attributes),
        context.pageId
      )
      writeWords(nextKey, message.content)
      nextKey += 1
    })
    context.tally.inserted += messages.length
  }

  /** The index forgets a row by the very text it was given, so this comes before any change of the text. */
  const forget = (key: number): void => {
    if (key >= nextUnindexed) end()
    unindex.run(key)
    deleteWords.run(key)
  }

  const update = (context: PageContext, stored: StoredMessage, message: Message, position: number): void => {
    if (sameMessage(stored, message, position)) {
      context.tally.unchanged += 1
      return
    }
    const textChanged = stored.content !== message.content
    if (textChanged) forget(stored.key)
    updateRow.run(
      message.providerId,
      position,
      message.role,
      message.providerRole,
      message.type,
      message.content,
      message.sentAt,
      message.sentAtSource,
      attributesJson(message.attributes),
      context.pageId,
      stored.key
    )
    if (textChanged) {
      writeWords(stored.key, message.content)
      indexRange.run(stored.key, stored.key)
    }
    context.tally.updated += 1
  }

  const remove = (context: PageContext, stored: StoredMessage): void => {
    forget(stored.key)
    bury.run(stored.id, context.pageId)
    deleteRow.run(stored.key)
  }

  /** Messages of a conversation that has none yet. Returns how many are stored: a repeated one counts once. */
  const insertAll = (
    context: PageContext,
    conversationId: string,
    messages: ReadonlyArray<Message>
  ): number => {
    const unique = withoutRepeats(context, messages)
    insertRows(context, conversationId, unique, 0)
    return unique.length
  }

  /** The latest messages: known ones are brought up to date where they stand, new ones follow. Returns how many are stored. */
  const addNewest = (
    context: PageContext,
    conversationId: string,
    messages: ReadonlyArray<Message>
  ): number => {
    const stored = storedOf.all(conversationId) as ReadonlyArray<StoredMessage>
    const known = new Map(stored.map((row) => [row.id, row]))
    const fresh: Array<Message> = []
    for (const message of withoutRepeats(context, messages)) {
      const row = known.get(`${conversationId}:${message.messageId}`)
      if (row === undefined) fresh.push(message)
      else update(context, row, message, row.position)
    }
    insertRows(context, conversationId, fresh, (stored.at(-1)?.position ?? -1) + 1)
    return stored.length + fresh.length
  }

  /**
   * All the messages there are. Stored ones that are not among them go, unless there are fewer different ones than
   * `atLeast`: then the list left some out, and they keep their places. Returns how many are stored.
   */
  const replaceAll = (
    context: PageContext,
    conversationId: string,
    messages: ReadonlyArray<Message>,
    atLeast: number
  ): number => {
    const stored = storedOf.all(conversationId) as ReadonlyArray<StoredMessage>
    if (stored.length === 0) return insertAll(context, conversationId, messages)
    const listed = new Map(
      withoutRepeats(context, messages).map((message) => [`${conversationId}:${message.messageId}`, message])
    )
    const known = new Map(stored.map((row) => [row.id, row]))
    const goneIsGone = listed.size >= atLeast
    if (goneIsGone) for (const row of stored) if (!listed.has(row.id)) remove(context, row)
    const order = goneIsGone ? [...listed.keys()] : mergedOrder([...listed.keys()], [...known.keys()])
    let fresh: Array<Message> = []
    order.forEach((id, position) => {
      const message = listed.get(id)
      const row = known.get(id)
      if (row === undefined) {
        if (message !== undefined) fresh.push(message)
        return
      }
      insertRows(context, conversationId, fresh, position - fresh.length)
      fresh = []
      if (message !== undefined) update(context, row, message, position)
      else if (row.position !== position) movePosition.run(position, context.pageId, row.key)
    })
    insertRows(context, conversationId, fresh, order.length - fresh.length)
    return order.length
  }

  return { begin, end, insertAll, addNewest, replaceAll } as const
}

export type MessageRows = ReturnType<typeof makeMessageRows>
