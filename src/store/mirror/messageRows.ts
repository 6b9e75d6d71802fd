import type { Message } from "../../domain/Conversation.ts"
import { toMillis } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"
import { sameJson } from "./canonical.ts"
import type { PageContext } from "./context.ts"
import { searchWords } from "./searchTokens.ts"
import { attributesOf } from "./thread/HandedMessage.ts"

/**
 * A message's key is its conversation's key times this, and a number below it: so a conversation's messages lie together,
 * and no other index leads to them.
 */
export const messagesPerConversation = 2 ** 20

interface StoredMessage {
  readonly key: number
  readonly id: string
  readonly provider_id: string | null
  readonly position: number
  readonly role: string
  readonly provider_role: string | null
  readonly type: string
  readonly content: string | null
  /** Epoch milliseconds. */
  readonly sent_at: number | null
  readonly sent_at_source: string | null
  readonly attributes: string | null
}

const millisOf = (message: Message): number | null =>
  message.sentAt === null ? null : toMillis(message.sentAt)

/** JSON text of attributes as they are stored; null: none. */
const storedAttributes = (message: Message): string | null => {
  const text = attributesOf(message)
  return text === "{}" ? null : text
}

const hasAttributes = (message: Message, stored: string): boolean => {
  const text = attributesOf(message)
  return text === stored || sameJson(stored, text, message.attributes)
}

const sameMessage = (stored: StoredMessage, message: Message, position: number): boolean =>
  stored.position === position &&
  stored.content === message.content &&
  stored.role === message.role &&
  stored.provider_role === message.providerRole &&
  stored.provider_id === message.providerId &&
  stored.type === message.type &&
  stored.sent_at === millisOf(message) &&
  stored.sent_at_source === message.sentAtSource &&
  hasAttributes(message, stored.attributes ?? "{}")

/** A message that is listed twice is one message; the second is counted as unchanged. */
export const withoutRepeats = (
  context: PageContext,
  messages: ReadonlyArray<Message>
): ReadonlyArray<Message> => {
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

const refuseTooMany = (messages: number): void => {
  if (messages > messagesPerConversation / 2) {
    throw new Error(
      `a conversation of ${messages} messages is more than a mirror can hold (${messagesPerConversation / 2})`
    )
  }
}

/** What many messages have in common. */
interface Kind {
  readonly key: number
  readonly role: string
  readonly type: string
  readonly provider_role: string | null
  readonly sent_at_source: string | null
  /** 1: the message's id is the vendor's own. */
  readonly names_itself: number
  /** JSON; null: the message's row has them, or there are none. */
  readonly attributes: string | null
}

/** Attributes that so many messages of one transaction have are kept once for all of them. */
const commonFrom = 3
/** No longer ones, in characters, and no more of them. */
const longestCommon = 200
const mostCommon = 1_000

/** Keeps once what many messages have in common. `begin` is called when a transaction begins. */
const makeKinds = ({ prepare }: Session) => {
  const all = prepare("SELECT * FROM message_kinds")
  const insert = prepare(
    `INSERT INTO message_kinds (role, type, provider_role, sent_at_source, names_itself, attributes)
     VALUES (?, ?, ?, ?, ?, ?)`
  )
  /** By their attributes; null: not read yet. */
  let known: Map<string | null, Array<Kind>> | null = null
  const seen = new Map<string, number>()

  const read = (): Map<string | null, Array<Kind>> => {
    const found = new Map<string | null, Array<Kind>>([[null, []]])
    for (const kind of all.all() as ReadonlyArray<Kind>) {
      const others = found.get(kind.attributes)
      if (others === undefined) found.set(kind.attributes, [kind])
      else others.push(kind)
    }
    return found
  }

  const isCommon = (kinds: Map<string | null, Array<Kind>>, attributes: string): boolean => {
    if (kinds.has(attributes)) return true
    if (attributes.length > longestCommon || kinds.size > mostCommon) return false
    const times = (seen.get(attributes) ?? 0) + 1
    seen.set(attributes, times)
    return times >= commonFrom
  }

  return {
    /** Others may have added some, and a transaction that was rolled back has taken its own with it. */
    begin: (): void => {
      known = null
      seen.clear()
    },

    /** @param attributes of the message, JSON; null: none */
    of: (
      { messageId, providerId, providerRole, role, sentAtSource, type }: Message,
      attributes: string | null
    ): Kind => {
      known ??= read()
      const common = attributes !== null && isCommon(known, attributes) ? attributes : null
      const named = messageId === providerId ? 1 : 0
      const kinds = known.get(common) ?? []
      for (const kind of kinds) {
        const isSame =
          kind.role === role &&
          kind.type === type &&
          kind.provider_role === providerRole &&
          kind.sent_at_source === sentAtSource &&
          kind.names_itself === named
        if (isSame) return kind
      }
      const values = [role, type, providerRole, sentAtSource, named, common] as const
      const kind = {
        key: Number(insert.run(...values).lastInsertRowid),
        role,
        type,
        provider_role: providerRole,
        sent_at_source: sentAtSource,
        names_itself: named,
        attributes: common
      }
      kinds.push(kind)
      known.set(common, kinds)
      return kind
    }
  } as const
}

/** Writes messages and keeps the full-text index in step. One for each open database; `begin` and `end` frame a transaction. */
export const makeMessageRows = (session: Session) => {
  const { prepare } = session
  const kinds = makeKinds(session)
  const insertRow = prepare(
    `INSERT INTO message_rows (key, kind, position, id, provider_id, content, sent_at, attributes, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const updateRow = prepare(
    `UPDATE message_rows SET kind = ?, position = ?, provider_id = ?, content = ?, sent_at = ?, attributes = ?, seq = ?,
       page_id = NULL WHERE key = ?`
  )
  const movePosition = prepare("UPDATE message_rows SET position = ?, seq = ?, page_id = NULL WHERE key = ?")
  const deleteRow = prepare("DELETE FROM message_rows WHERE key = ?")
  const noteChange = prepare("INSERT OR IGNORE INTO message_changes (seq, conversation) VALUES (?, ?)")
  const bury = prepare(
    `INSERT INTO tombstones (table_name, row_id, seq)
     SELECT 'messages', r.id || ':' || ?, ? FROM remote_conversations r WHERE r.key = ?
     ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq`
  )
  const storedOf = prepare(
    `SELECT m.key, m.id, iif(k.names_itself, m.id, m.provider_id) AS provider_id, m.position, k.role, k.provider_role, k.type,
       m.content, m.sent_at, k.sent_at_source, coalesce(m.attributes, k.attributes) AS attributes
     FROM message_rows m JOIN message_kinds k ON k.key = m.kind WHERE m.key BETWEEN ? AND ? ORDER BY m.position, m.key`
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

  /** What is stored and not yet in the index: all keys from the first to the last. */
  let unindexed: Array<{ readonly first: number; last: number; readonly isNew: boolean }> = []

  const begin = (): void => {
    unindexed = []
    kinds.begin()
  }

  /** Indexes what was inserted since the last time. */
  const end = (): void => {
    for (const { first, last } of unindexed) indexRange.run(first, last)
    unindexed = []
  }

  const isUnindexed = (key: number): boolean =>
    unindexed.some(({ first, last }) => key >= first && key <= last)

  /** @param isNew its conversation is: it had the greatest key, so nothing lies between the messages of two of them */
  const noteUnindexed = (key: number, isNew: boolean): void => {
    const range = unindexed.at(-1)
    if (range !== undefined && (range.last + 1 === key || (isNew && range.isNew && key > range.last)))
      range.last = key
    else if (!isUnindexed(key)) unindexed.push({ first: key, last: key, isNew })
  }

  const writeWords = (key: number, content: string | null): void => {
    const words = content === null ? null : searchWords(content)
    if (words !== null) insertWords.run(key, words)
  }

  /** The index forgets a row by the very text it was given, so this comes before any change of the text. */
  const forget = (key: number): void => {
    if (isUnindexed(key)) end()
    unindex.run(key)
    deleteWords.run(key)
  }

  /** Messages of one conversation that has some already. Whatever is changed is noted at the end. */
  const open = (context: PageContext, conversation: number) => {
    const base = conversation * messagesPerConversation
    const stored = storedOf.all(base, base + messagesPerConversation - 1) as ReadonlyArray<StoredMessage>
    const taken = new Set(stored.map(({ key }) => key))
    const written = context.tally.inserted + context.tally.updated
    let free = base
    let isChanged = false

    const insert = (message: Message, position: number): void => {
      while (taken.has(free)) free += 1
      insertAt(context, free, message, position, false)
      free += 1
    }

    const update = (row: StoredMessage, message: Message, position: number): void => {
      if (sameMessage(row, message, position)) {
        context.tally.unchanged += 1
        return
      }
      const textChanged = row.content !== message.content
      if (textChanged) forget(row.key)
      const attributes = storedAttributes(message)
      const kind = kinds.of(message, attributes)
      updateRow.run(
        kind.key,
        position,
        message.providerId === message.messageId ? null : message.providerId,
        message.content,
        millisOf(message),
        kind.attributes === null ? attributes : null,
        context.pageId,
        row.key
      )
      if (textChanged) {
        writeWords(row.key, message.content)
        indexRange.run(row.key, row.key)
      }
      context.tally.updated += 1
    }

    const remove = (row: StoredMessage): void => {
      forget(row.key)
      bury.run(row.id, context.pageId, conversation)
      deleteRow.run(row.key)
    }

    const move = (row: StoredMessage, position: number): void => {
      movePosition.run(position, context.pageId, row.key)
      isChanged = true
    }

    const close = (): void => {
      if (isChanged || context.tally.inserted + context.tally.updated > written) {
        noteChange.run(context.pageId, conversation)
      }
    }

    return { stored, insert, update, remove, move, close } as const
  }

  const insertAt = (
    context: PageContext,
    key: number,
    message: Message,
    position: number,
    isNew: boolean
  ): void => {
    const { content, messageId, providerId } = message
    const attributes = storedAttributes(message)
    const kind = kinds.of(message, attributes)
    insertRow.run(
      key,
      kind.key,
      position,
      messageId,
      providerId === messageId ? null : providerId,
      content,
      millisOf(message),
      kind.attributes === null ? attributes : null,
      context.pageId
    )
    writeWords(key, content)
    noteUnindexed(key, isNew)
    context.tally.inserted += 1
  }

  /** Messages of a conversation that was just inserted, each once. */
  const insertAll = (context: PageContext, conversation: number, messages: ReadonlyArray<Message>): void => {
    if (messages.length === 0) return
    refuseTooMany(messages.length)
    const base = conversation * messagesPerConversation
    messages.forEach((message, position) => {
      insertAt(context, base + position, message, position, true)
    })
    noteChange.run(context.pageId, conversation)
  }

  /** The latest messages: known ones are brought up to date where they stand, new ones follow. Returns how many are stored. */
  const addNewest = (
    context: PageContext,
    conversation: number,
    messages: ReadonlyArray<Message>
  ): number => {
    const rows = open(context, conversation)
    const known = new Map(rows.stored.map((row) => [row.id, row]))
    let position = (rows.stored.at(-1)?.position ?? -1) + 1
    refuseTooMany(position + messages.length)
    for (const message of withoutRepeats(context, messages)) {
      const row = known.get(message.messageId)
      if (row !== undefined) rows.update(row, message, row.position)
      else {
        rows.insert(message, position)
        position += 1
      }
    }
    rows.close()
    return position
  }

  /**
   * All the messages there are. Stored ones that are not among them go, unless there are fewer different ones than
   * `atLeast`: then the list left some out, and they keep their places. Returns how many are stored.
   */
  const replaceAll = (
    context: PageContext,
    conversation: number,
    messages: ReadonlyArray<Message>,
    atLeast: number
  ): number => {
    const rows = open(context, conversation)
    const listed = new Map(withoutRepeats(context, messages).map((message) => [message.messageId, message]))
    const known = new Map(rows.stored.map((row) => [row.id, row]))
    const goneIsGone = listed.size >= atLeast
    if (goneIsGone) for (const row of rows.stored) if (!listed.has(row.id)) rows.remove(row)
    const order = goneIsGone ? [...listed.keys()] : mergedOrder([...listed.keys()], [...known.keys()])
    refuseTooMany(order.length)
    order.forEach((id, position) => {
      const message = listed.get(id)
      const row = known.get(id)
      if (row === undefined) {
        if (message !== undefined) rows.insert(message, position)
      } else if (message !== undefined) rows.update(row, message, position)
      else if (row.position !== position) rows.move(row, position)
    })
    rows.close()
    return order.length
  }

  return { begin, end, insertAll, addNewest, replaceAll } as const
}

export type MessageRows = ReturnType<typeof makeMessageRows>
