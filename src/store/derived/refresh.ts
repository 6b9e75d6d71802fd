import { makeActivityRows } from "../mirror/activity.ts"
import { searchWords } from "../mirror/searchTokens.ts"
import type { Session } from "../Session.ts"
import { makePeopleRows } from "./people.ts"

/** Rows that are done again in one transaction, so that no other writer waits for long. */
const conversationsAtOnce = 200
const messagesAtOnce = 2_000
const contactsAtOnce = 1_000

/**
 * Goes on where the last process came to, in many short transactions. Nothing is done, and no lock taken, where all is done.
 * @param column of analysis_clock: the key after which rows are to be done; null: none
 * @param next does rows after this key; gives the last one's, and null at the end
 */
const inSteps = (
  { database, prepare }: Session,
  column: "people_after" | "refresh_after" | "words_after",
  next: (after: number) => number | null
): void => {
  const place = prepare(`SELECT ${column} FROM analysis_clock`).pluck()
  const come = prepare(`UPDATE analysis_clock SET ${column} = ?`)
  const step = database.transaction(() => {
    const after = place.get()
    if (after === null) return
    come.run(next(Number(after)))
  })
  while (place.get() !== null) step.immediate()
}

/** Counts conversations again. */
const countAgain = (session: Session): void => {
  const { prepare } = session
  const rows = prepare(
    "SELECT key, id, stored_messages FROM remote_conversations WHERE key > ? ORDER BY key LIMIT ?"
  ).raw()
  const activity = makeActivityRows(session)
  inSteps(session, "refresh_after", (after) => {
    activity.begin()
    const some = rows.all(after, conversationsAtOnce) as ReadonlyArray<
      readonly [key: number, id: string, messages: number]
    >
    for (const [key, id, messages] of some) if (messages > 0) activity.refresh(key, id)
    return some.length < conversationsAtOnce ? null : (some.at(-1)?.[0] ?? null)
  })
}

/** Cuts the words of messages again. The index forgets a row by the very text it was given. */
const cutAgain = (session: Session): void => {
  const { prepare } = session
  const rows = prepare(
    `SELECT m.key, m.content, w.words FROM messages m LEFT JOIN message_words w ON w.key = m.key
     WHERE m.key > ? ORDER BY m.key LIMIT ?`
  ).raw()
  const forget = prepare(
    `INSERT INTO message_search (message_search, rowid, content)
     SELECT 'delete', key, content FROM message_search_source WHERE key = ?`
  )
  const index = prepare(
    "INSERT INTO message_search (rowid, content) SELECT key, content FROM message_search_source WHERE key = ?"
  )
  const remove = prepare("DELETE FROM message_words WHERE key = ?")
  const insert = prepare("INSERT INTO message_words (key, words) VALUES (?, ?)")
  inSteps(session, "words_after", (after) => {
    const some = rows.all(after, messagesAtOnce) as ReadonlyArray<
      readonly [key: number, content: string | null, words: string | null]
    >
    for (const [key, content, before] of some) {
      const words = content === null ? null : searchWords(content)
      if (words === before) continue
      forget.run(key)
      remove.run(key)
      if (words !== null) insert.run(key, words)
      index.run(key)
    }
    return some.length < messagesAtOnce ? null : (some.at(-1)?.[0] ?? null)
  })
}

/** Makes again what is derived from messages and was made by another version, or for another time zone. */
export const refreshDerived = (session: Session): void => {
  countAgain(session)
  cutAgain(session)
  const people = makePeopleRows(session)
  inSteps(session, "people_after", (after) => people.after(after, contactsAtOnce))
}
