import { hash } from "node:crypto"
import type { Attributes, Message } from "../../domain/Conversation.ts"
import { parseExactly } from "../../domain/exactJson.ts"
import type { Sighting } from "../../providers/Provider.ts"
import { nextSeq } from "../commits.ts"
import { makePeopleRows } from "../derived/people.ts"
import { payloadHash } from "../mirror/canonical.ts"
import { type StoredContent, selectedContent } from "../mirror/conversations/content.ts"
import { makeBlockReader, makeBlockWriter, type Place } from "../mirror/raw/rawBlocks.ts"
import type { Session } from "../Session.ts"

/*
 * What was stored before a connection had its privacy, made to follow it. Each function is called inside of a transaction of
 * its own, and does a part that takes little time.
 */

/** What is kept of a value. */
export interface Keeping {
  /** Of the JSON text of a record. */
  readonly json: (text: string) => string
  readonly value: (
    value: string | null,
    fieldClass: "name" | "email" | "phone" | "text" | "contact"
  ) => string | null
  /** Of what a vendor or this program says of a failure. */
  readonly words: (text: string) => string
}

interface RawRow extends Place {
  readonly key: number
  readonly kind: number
  readonly provider_id: string | null
  readonly newest: number
  readonly observed_at: number
  readonly shown_at: number | null
  readonly page_id: number
}

/** Payloads of a conversation, of every version. `fingerprint` left out: it stays. */
interface RawChange {
  readonly key: number
  readonly fingerprint?: string | null
}

export const applyToRaw = (session: Session, changes: ReadonlyArray<RawChange>, { json }: Keeping): void => {
  const { prepare } = session
  const rows = prepare(
    `SELECT key, kind, provider_id, newest, observed_at, shown_at, page_id, block, start, length FROM raw_rows
     WHERE conversation = ? ORDER BY key`
  )
  const remove = prepare("DELETE FROM raw_rows WHERE key = ?")
  const insert = prepare(
    `INSERT INTO raw_rows (key, conversation, kind, provider_id, hash, newest, observed_at, shown_at, page_id, block, start, length)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const mark = prepare("UPDATE remote_conversations SET fingerprint = ? WHERE key = ?")
  const read = makeBlockReader(session)
  const blocks = makeBlockWriter(session)
  blocks.begin()
  for (const { fingerprint, key } of changes) {
    for (const row of rows.all(key) as ReadonlyArray<RawRow>) {
      const text = read(row).toString("utf8")
      const kept = json(text)
      if (kept === text) continue
      const plain = Buffer.from(kept)
      remove.run(row.key)
      blocks.drop(row)
      const place = blocks.add(plain)
      insert.run(
        place.key,
        key,
        row.kind,
        row.provider_id,
        hash("sha256", plain, "buffer"),
        row.newest,
        row.observed_at,
        row.shown_at,
        row.page_id,
        place.block,
        place.start,
        place.length
      )
    }
    if (fingerprint !== undefined) mark.run(fingerprint, key)
  }
  blocks.end()
}

/** The next conversations that cannot be made again from payloads, by their keys. */
export const withoutRaw = (
  { prepare }: Session,
  connection: string,
  after: number,
  limit: number
): ReadonlyArray<number> =>
  prepare(
    `SELECT key FROM remote_conversations r WHERE +connection = ? AND key > ?
       AND (raw_complete = 0 OR NOT EXISTS (SELECT 1 FROM raw_rows w WHERE w.conversation = r.key AND w.newest = 1))
     ORDER BY key LIMIT ?`
  )
    .pluck()
    .all(connection, after, limit) as ReadonlyArray<number>

interface ConversationRow extends Omit<StoredContent, "contactId"> {
  readonly providerId: string
  readonly id: string
  readonly contact: string | null
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  /** The contact's attributes. */
  readonly details: string | null
}

interface MessageRow extends Omit<Message, "attributes" | "messageId"> {
  readonly id: string
  readonly attributes: string
}

const attributesIn = (text: string): Attributes => parseExactly(text) as Attributes

/** What is stored of a conversation of which there are no payloads, as a sighting that says what is to be kept of it. */
export const keptSighting = (session: Session, key: number, { json, value }: Keeping): Sighting => {
  const { prepare } = session
  const row = prepare(
    `SELECT r.id, r.provider_id AS providerId, k.provider_id AS contact, k.name, k.email, k.phone,
       k.attributes AS details, ${selectedContent}
     FROM remote_conversations r LEFT JOIN remote_contacts k ON k.id = r.contact_id WHERE r.key = ?`
  ).get(key) as ConversationRow
  const messages = prepare(
    `SELECT id, provider_id AS providerId, role, provider_role AS providerRole, type, content, sent_at AS sentAt,
       sent_at_source AS sentAtSource, attributes
     FROM messages WHERE conversation_id = ? ORDER BY position`
  ).all(row.id) as ReadonlyArray<MessageRow>
  const { attributes, contact, details, email, id, name, phone, qualified, tags, ...rest } = row
  const contactId = value(contact, "contact")
  return {
    _tag: "Sighting",
    conversation: {
      ...rest,
      contactId,
      title: value(rest.title, "text"),
      summary: value(rest.summary, "text"),
      qualificationReason: value(rest.qualificationReason, "text"),
      qualified: qualified === null ? null : qualified === 1,
      tags: (JSON.parse(tags) as ReadonlyArray<string>).flatMap((tag) => value(tag, "text") ?? []),
      attributes: attributesIn(json(attributes))
    },
    // Under another id it is another contact, which nothing is known of yet.
    contact:
      contactId === null || contactId === contact
        ? null
        : {
            providerId: contactId,
            name: value(name, "name"),
            email: value(email, "email"),
            phone: value(phone, "phone"),
            attributes: attributesIn(json(details ?? "{}"))
          },
    messages: {
      extent: "whole",
      items: messages.map(({ attributes, id: messageId, ...message }) => ({
        ...message,
        messageId: messageId.slice(id.length + 1),
        content: value(message.content, "text"),
        attributes: attributesIn(json(attributes))
      }))
    },
    unreadable: [],
    raw: [],
    fingerprint: null
  }
}

interface ContactRow {
  readonly id: string
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly attributes: string
}

/** The next contacts by their ids. Returns the last one's; null: there are no more. */
export const applyToContacts = (
  session: Session,
  at: string,
  { connection, after, limit, runId }: { connection: string; after: string; limit: number; runId: number },
  { json, value }: Keeping
): string | null => {
  const { prepare } = session
  const rows = prepare(
    `SELECT id, name, email, phone, attributes FROM remote_contacts WHERE +connection = ? AND id > ? ORDER BY id LIMIT ?`
  ).all(connection, after, limit) as ReadonlyArray<ContactRow>
  const update = prepare(
    "UPDATE remote_contacts SET name = ?, email = ?, phone = ?, attributes = ?, seq = ? WHERE id = ?"
  )
  const seq = nextSeq(session, at, runId)
  for (const row of rows) {
    const [name, email, phone] = [
      value(row.name, "name"),
      value(row.email, "email"),
      value(row.phone, "phone")
    ]
    const attributes = json(row.attributes)
    const isSame =
      name === row.name && email === row.email && phone === row.phone && attributes === row.attributes
    if (!isSame) update.run(name, email, phone, attributes, seq, row.id)
  }
  makePeopleRows(session).since(seq)
  return rows.length < limit ? null : (rows.at(-1)?.id ?? null)
}

/** Contacts under whose former ids no conversation is any more. */
export const dropFormerContacts = (
  { prepare }: Session,
  connection: string,
  isFormer: (id: string) => boolean
): void => {
  const rows = prepare(
    `SELECT key, provider_id FROM remote_contacts k WHERE connection = ?
       AND NOT EXISTS (SELECT 1 FROM remote_conversations r WHERE r.contact_id = k.id)`
  )
    .raw()
    .all(connection) as ReadonlyArray<readonly [number, string]>
  const identities = prepare("DELETE FROM contact_identities WHERE key = ?")
  const people = prepare("DELETE FROM contact_people WHERE key = ?")
  const contact = prepare("DELETE FROM remote_contacts WHERE key = ?")
  // The id is what was not to be stored.
  const tombstone = prepare("DELETE FROM tombstones WHERE table_name = 'contacts' AND row_id = ?")
  for (const [key, id] of rows) {
    if (!isFormer(id)) continue
    identities.run(key)
    people.run(key)
    contact.run(key)
    tombstone.run(`${connection}:${id}`)
  }
}

/** What is in quarantine or was, what changes found at the provider, and what was said of failures. */
export const applyToWords = (
  { prepare }: Session,
  connection: string,
  { json, value, words }: Keeping
): void => {
  const quarantine = prepare("UPDATE quarantine SET payload = ?, payload_hash = ?, reason = ? WHERE id = ?")
  for (const { id, payload, reason } of prepare(
    "SELECT id, payload, reason FROM quarantine WHERE connection = ?"
  ).all(connection) as ReadonlyArray<{ id: number; payload: string; reason: string }>) {
    const kept = json(payload)
    const said = words(reason)
    if (kept !== payload || said !== reason) quarantine.run(kept, payloadHash(kept), said, id)
  }
  const changes = prepare("UPDATE status_changes SET found = ? WHERE id = ?")
  for (const { found, id } of prepare(
    `SELECT c.id, c.found FROM status_changes c JOIN remote_conversations r ON r.id = c.conversation_id
     WHERE r.connection = ? AND c.found IS NOT NULL`
  ).all(connection) as ReadonlyArray<{ id: number; found: string }>) {
    // Older versions wrote down a contact's address and number beside it.
    const { providerStatus, status, tags, title, updatedAt } = JSON.parse(found) as {
      readonly [name: string]: unknown
      readonly tags?: ReadonlyArray<string>
      readonly title?: string | null
    }
    const kept = JSON.stringify({
      status,
      providerStatus,
      updatedAt,
      title: value(title ?? null, "text"),
      tags: (tags ?? []).flatMap((tag) => value(tag, "text") ?? [])
    })
    if (kept !== found) changes.run(kept, id)
  }
  const said = (select: string, update: string): void => {
    const write = prepare(update)
    for (const [text, ...key] of prepare(select).raw().all(connection) as ReadonlyArray<
      readonly [string, ...ReadonlyArray<number | string>]
    >) {
      const kept = words(text)
      if (kept !== text) write.run(kept, ...key)
    }
  }
  said(
    "SELECT error_message, run_id, connection, lane FROM run_connections WHERE connection = ? AND error_message IS NOT NULL",
    "UPDATE run_connections SET error_message = ? WHERE run_id = ? AND connection = ? AND lane = ?"
  )
  said(
    `SELECT c.last_error, c.id FROM status_changes c JOIN remote_conversations r ON r.id = c.conversation_id
     WHERE r.connection = ? AND c.last_error IS NOT NULL`,
    "UPDATE status_changes SET last_error = ? WHERE id = ?"
  )
  said(
    `SELECT e.detail, e.id FROM change_events e JOIN status_changes c ON c.id = e.change_id
     JOIN remote_conversations r ON r.id = c.conversation_id WHERE r.connection = ? AND e.detail IS NOT NULL`,
    "UPDATE change_events SET detail = ? WHERE id = ?"
  )
  said(
    "SELECT path, id FROM requests_refused WHERE connection = ?",
    "UPDATE requests_refused SET path = ? WHERE id = ?"
  )
}
