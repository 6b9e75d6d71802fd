import type { Session } from "../Session.ts"

/** A stored message, as far as it takes to let it go. */
export interface GoingMessage {
  readonly key: number
  /** Unique within the conversation. */
  readonly id: string
  readonly kind: number
  readonly seq: number
}

/** The keys that a conversation's messages may have, from the first to the last. */
export const messageKeys = (conversation: number): readonly [first: number, last: number] => [
  conversation * 2 ** 20,
  conversation * 2 ** 20 + 2 ** 20 - 1
]

/**
 * Takes stored messages away: out of the search index, by the very text that it was given, and with a tombstone each. What
 * only they had in common is noted, for `removeKinds`. To be called inside of a transaction.
 */
export const makeRemoveMessages = ({ prepare }: Session) => {
  const unindex = prepare(
    `INSERT INTO message_search (message_search, rowid, content)
     SELECT 'delete', key, content FROM message_search_source WHERE key = ?`
  )
  // The row's trigger leaves a newer one alone.
  const bury = prepare(
    `INSERT INTO tombstones (table_name, row_id, seq) VALUES ('messages', ?, ?)
     ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq`
  )
  const removeWords = prepare("DELETE FROM message_words WHERE key = ?")
  const removeRow = prepare("DELETE FROM message_rows WHERE key = ?")
  const removeChange = prepare("DELETE FROM message_changes WHERE seq = ? AND conversation = ?")
  const note = prepare("INSERT OR IGNORE INTO erasure_rows (kind, key) VALUES ('message_kind', ?)")
  return (
    conversation: { readonly key: number; readonly id: string },
    going: ReadonlyArray<GoingMessage>,
    seq: number
  ) => {
    for (const message of going) {
      unindex.run(message.key)
      bury.run(`${conversation.id}:${message.id}`, seq)
      removeWords.run(message.key)
      removeRow.run(message.key)
      note.run(message.kind)
    }
    const left = prepare("SELECT 1 FROM message_rows WHERE key BETWEEN ? AND ? AND seq = ? LIMIT 1").pluck()
    for (const changed of new Set(going.map((message) => message.seq))) {
      if (left.get(...messageKeys(conversation.key), changed) === undefined)
        removeChange.run(changed, conversation.key)
    }
  }
}

/** Forgets what only messages had in common that are gone. To be called inside of a transaction. */
export const removeKinds = ({ prepare }: Session): void => {
  const noted = prepare("SELECT key FROM erasure_rows WHERE kind = 'message_kind'").pluck().all()
  if (noted.length === 0) return
  const used = new Set(prepare("SELECT DISTINCT kind FROM message_rows").pluck().all())
  for (const key of noted) if (!used.has(key)) prepare("DELETE FROM message_kinds WHERE key = ?").run(key)
  prepare("DELETE FROM erasure_rows WHERE kind = 'message_kind'").run()
}
