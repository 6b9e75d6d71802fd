import type { Timestamp } from "../../domain/Timestamp.ts"
import { nextSeq } from "../commits.ts"
import { makePeopleRows } from "../derived/people.ts"
import { makeBlockWriter } from "../mirror/raw/rawBlocks.ts"
import { type GoingMessage, makeRemoveMessages, messageKeys } from "../mirror/removeMessages.ts"
import type { Session } from "../Session.ts"
import { makeRemembered } from "./remembered.ts"

/*
 * Takes the rows of an erasure away in many small transactions, each of which leaves a mirror that others can work with.
 * What is left to do is in the file, so that whoever opens it next can go on.
 */

/** Messages that go in one transaction. */
const messagesAtOnce = 200

/** What is counted of a conversation, by its key. */
const derived = [
  "conversation_activity",
  "conversation_turns",
  "conversation_sessions",
  "conversation_slots",
  "conversation_people"
] as const

const digitsOf = (text: string): string => text.replace(/\D/g, "")

/** Whether an id tells who it is: vendors make ids of telephone numbers and addresses. */
const tellsWho = (id: string, phone: string | null): boolean => {
  const digits = phone === null ? "" : digitsOf(phone)
  return (
    id.includes("@") ||
    (digits.length >= 7 && digitsOf(id).includes(digits)) ||
    /(?:^|:)\+?\d{9,15}(?:$|:)/.test(id)
  )
}

/**
 * To be called inside of a transaction, with references switched off: to look for what refers to a conversation that goes,
 * SQLite would read all payloads' rows. Gives false where nothing is left.
 */
export const makeErase = (session: Session): ((at: Timestamp) => boolean) => {
  const { prepare } = session
  const remembered = makeRemembered(session)
  const blocks = makeBlockWriter(session)
  const next = prepare("SELECT key FROM erasure_rows WHERE kind = ? LIMIT 1").pluck()
  const done = prepare("DELETE FROM erasure_rows WHERE kind = ? AND key = ?")
  const note = prepare("INSERT OR IGNORE INTO erasure_rows (kind, key) VALUES (?, ?)")
  const people = makePeopleRows(session)
  const removeMessages = makeRemoveMessages(session)

  /** All payloads of one block that are to go. */
  const eraseRaw = (key: number): void => {
    const block = prepare("SELECT block FROM raw_rows WHERE key = ?").pluck().get(key) as number | undefined
    const rows = prepare(
      `SELECT w.key FROM raw_rows w JOIN erasure_rows e ON e.kind = 'raw' AND e.key = w.key
       WHERE w.key BETWEEN $block AND $block + (SELECT rows FROM raw_blocks WHERE key = $block) - 1 AND w.block = $block
         AND w.conversation IN (SELECT key FROM erasure_rows WHERE kind = 'conversation')`
    )
      .pluck()
      .all({ block: block ?? -1 }) as ReadonlyArray<number>
    for (const one of rows) {
      prepare("DELETE FROM raw_rows WHERE key = ?").run(one)
      done.run("raw", one)
    }
    if (block !== undefined) blocks.shrink(block)
    done.run("raw", key)
  }

  /** The id under which it is told that a row is gone: its own, unless that tells who it was. */
  const buriedId = (connection: string, id: string, phone: string | null): string =>
    tellsWho(id, phone) ? `${connection}:#${remembered.hashOf("conversation", id)}` : id

  /** Some messages of a conversation, and the conversation itself with the last of them. */
  const eraseConversation = (key: number, at: Timestamp): void => {
    const conversation = prepare(
      `SELECT r.id, r.connection, k.phone FROM remote_conversations r LEFT JOIN remote_contacts k ON k.id = r.contact_id
       WHERE r.key = ?`
    ).get(key) as
      | { readonly id: string; readonly connection: string; readonly phone: string | null }
      | undefined
    if (conversation === undefined) return void done.run("conversation", key)
    const { connection, id, phone } = conversation
    const seq = nextSeq(session, at, null)
    const rows = prepare(
      `SELECT key, id, kind, seq FROM message_rows WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ${messagesAtOnce}`
    ).all(...messageKeys(key)) as ReadonlyArray<GoingMessage>
    removeMessages({ key, id }, rows, seq)
    for (const row of rows) {
      const messageId = `${id}:${row.id}`
      rename("messages", messageId, buriedId(connection, messageId, phone))
    }
    if (rows.length === messagesAtOnce) return
    prepare(
      "DELETE FROM change_events WHERE change_id IN (SELECT id FROM status_changes WHERE conversation_id = ?)"
    ).run(id)
    prepare("DELETE FROM status_changes WHERE conversation_id = ?").run(id)
    prepare("DELETE FROM status_history WHERE conversation_id = ?").run(id)
    for (const table of derived) prepare(`DELETE FROM ${table} WHERE key = ?`).run(key)
    prepare("UPDATE remote_conversations SET merged_into = NULL WHERE merged_into = ?").run(id)
    prepare("DELETE FROM remote_conversations WHERE key = ?").run(key)
    rename("conversations", id, buriedId(connection, id, phone))
    renameOlder(connection, id, phone)
    done.run("conversation", key)
  }

  const rename = (table: string, from: string, to: string): void => {
    if (from === to) return
    prepare("UPDATE OR REPLACE tombstones SET row_id = ? WHERE table_name = ? AND row_id = ?").run(
      to,
      table,
      from
    )
  }

  /** Messages that were gone before. */
  const renameOlder = (connection: string, id: string, phone: string | null): void => {
    const older = prepare(
      "SELECT row_id FROM tombstones WHERE table_name = 'messages' AND row_id BETWEEN ? AND ?"
    )
      .pluck()
      .all(`${id}:`, `${id};`) as ReadonlyArray<string>
    for (const one of older) rename("messages", one, buriedId(connection, one, phone))
  }

  const eraseContact = (key: number): void => {
    const contact = prepare("SELECT id, connection, phone FROM remote_contacts WHERE key = ?").get(key) as
      | { readonly id: string; readonly connection: string; readonly phone: string | null }
      | undefined
    if (contact === undefined) return void done.run("contact", key)
    const { connection, id, phone } = contact
    const had = prepare("SELECT key FROM remote_conversations WHERE contact_id = ?").pluck().all(id)
    if (had.length > 0) {
      // One that came to be theirs meanwhile.
      for (const one of had as ReadonlyArray<number>) {
        note.run("conversation", one)
        for (const row of prepare("SELECT key FROM raw_rows WHERE conversation = ?").pluck().all(one)) {
          note.run("raw", row)
        }
      }
      return
    }
    prepare("DELETE FROM contact_identities WHERE key = ?").run(key)
    prepare("DELETE FROM contact_people WHERE key = ?").run(key)
    prepare("DELETE FROM remote_contacts WHERE key = ?").run(key)
    rename("contacts", id, buriedId(connection, id, phone))
    // Whom they were one person with is another person by now.
    const others = prepare("DELETE FROM contact_people WHERE person = ? RETURNING key").pluck().all(key)
    people.again(others as ReadonlyArray<number>)
    done.run("contact", key)
  }

  return (at) => {
    const raw = next.get("raw") as number | undefined
    if (raw !== undefined) eraseRaw(raw)
    const conversation = raw === undefined ? (next.get("conversation") as number | undefined) : undefined
    if (conversation !== undefined) eraseConversation(conversation, at)
    const contact =
      raw === undefined && conversation === undefined
        ? (next.get("contact") as number | undefined)
        : undefined
    if (contact !== undefined) eraseContact(contact)
    return (raw ?? conversation ?? contact) !== undefined
  }
}
