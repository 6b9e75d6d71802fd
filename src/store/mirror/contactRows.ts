import type { Attributes, Contact, Conversation } from "../../domain/Conversation.ts"
import { canonicalJson, parseExactly } from "../../domain/exactJson.ts"
import type { Session } from "../Db.ts"
import { sameJson } from "./canonical.ts"
import type { PageContext } from "./context.ts"

interface StoredContact {
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly attributes: string
}

const merged = (newer: Attributes, older: Attributes): Attributes => {
  const said = Object.entries(newer).filter(([, value]) => value !== null)
  return { ...older, ...Object.fromEntries(said) }
}

/** The vendor's own time of a conversation, UTC, ISO 8601; empty where it has none that is believed. */
const timeOf = (
  { lastMessageAt, startedAt, updatedAt }: Pick<Conversation, "lastMessageAt" | "startedAt" | "updatedAt">,
  believed: string
): string => [updatedAt, lastMessageAt, startedAt].find((time) => time !== null && time <= believed) ?? ""

/** The same of a stored conversation. */
const storedTime = `CASE WHEN updated_at <= $believed THEN updated_at WHEN last_message_at <= $believed THEN last_message_at
  WHEN started_at <= $believed THEN started_at ELSE '' END`

/**
 * Writes contacts. What a sighting does not say erases nothing, unless it is the vendor's own record of the contact.
 * Where conversations of one contact describe it differently, the conversation with the latest time of the vendor's counts
 * (of equals the one with the greater id; a time ahead of our clock is none, and one that is gone does not count) and the
 * others only fill gaps, so that the order in which they arrive does not matter, nor how often. Where the time of the one
 * that counted goes back, its word stands until the one that counts now is fetched again, which the next listing does.
 */
export const makeContactRows = ({ prepare }: Session) => {
  const find = prepare("SELECT name, email, phone, attributes FROM remote_contacts WHERE id = ?")
  const insert = prepare(
    `INSERT INTO remote_contacts (id, connection, provider_id, name, email, phone, attributes, observed_at, first_seen_at, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const update = prepare(
    `UPDATE remote_contacts SET name = ?, email = ?, phone = ?, attributes = ?,
       observed_at = CASE WHEN observed_at > ? THEN ? ELSE max(observed_at, ?) END, seq = ?
     WHERE id = ?`
  )
  const insertUnknown = prepare(
    `INSERT INTO remote_contacts (id, connection, provider_id, observed_at, first_seen_at, seq)
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
  )
  const findLater = prepare(
    `SELECT key FROM remote_conversations WHERE contact_id = $contact AND id <> $id AND deleted_at IS NULL
       AND merged_into IS NULL AND (${storedTime}, id) > ($time, $id)
     ORDER BY ${storedTime} DESC, id DESC LIMIT 1`
  ).pluck()
  const fetchAgain = prepare("UPDATE remote_conversations SET fingerprint = NULL WHERE key = ?")
  const fetchLatest = prepare(
    `UPDATE remote_conversations SET fingerprint = NULL WHERE key = (
       SELECT key FROM remote_conversations WHERE contact_id = $contact AND deleted_at IS NULL AND merged_into IS NULL
       ORDER BY ${storedTime} DESC, id DESC LIMIT 1)`
  )
  const timeBefore = prepare(
    `SELECT ${storedTime} FROM remote_conversations WHERE id = $id AND contact_id = $contact`
  ).pluck()

  /** Returns the contact's id in the mirror. */
  const write = (context: PageContext, contact: Contact, conversation: Conversation): string => {
    const { believed, connection, requestedAt, tally } = context
    const id = `${connection}:${contact.providerId}`
    const stored = find.get(id) as StoredContact | undefined
    if (stored === undefined) {
      insert.run(
        id,
        connection,
        contact.providerId,
        contact.name,
        contact.email,
        contact.phone,
        canonicalJson(contact.attributes),
        requestedAt,
        context.now,
        context.pageId
      )
      tally.inserted += 1
      tally.contacts += 1
      return id
    }
    const held = parseExactly(stored.attributes) as Attributes
    const { isWhole = false } = contact
    const described = (counts: boolean) => {
      const pick = (held: string | null, said: string | null) =>
        isWhole ? said : counts ? (said ?? held) : (held ?? said)
      const others = counts ? merged(contact.attributes, held) : merged(held, contact.attributes)
      const attributes = isWhole ? contact.attributes : others
      const name = pick(stored.name, contact.name)
      const email = pick(stored.email, contact.email)
      const phone = pick(stored.phone, contact.phone)
      const text = canonicalJson(attributes)
      const isSame =
        name === stored.name &&
        email === stored.email &&
        phone === stored.phone &&
        sameJson(stored.attributes, text, attributes)
      return { name, email, phone, text, isSame }
    }
    const isOutranked = (): boolean => {
      const whose = { contact: id, id: `${connection}:${conversation.providerId}`, believed }
      const laterThan = (time: string) => findLater.get({ ...whose, time }) as number | undefined
      const latest = laterThan(timeOf(conversation, believed))
      if (latest === undefined) return false
      const before = timeBefore.get(whose) as string | undefined
      if (before === undefined || laterThan(before) !== undefined) return true
      fetchAgain.run(latest)
      return false
    }
    const whole = described(true)
    const { email, isSame, name, phone, text } = whole.isSame || !isOutranked() ? whole : described(false)
    if (isSame) tally.unchanged += 1
    else {
      update.run(name, email, phone, text, believed, requestedAt, requestedAt, context.pageId, id)
      tally.updated += 1
      tally.contacts += 1
    }
    return id
  }

  /** A contact of whom nothing but the id was said. */
  const writeUnknown = (context: PageContext, providerId: string): string => {
    const id = `${context.connection}:${providerId}`
    const { connection, now, pageId, requestedAt } = context
    insertUnknown.run(id, connection, providerId, requestedAt, now, pageId)
    return id
  }

  /** A conversation is another contact's now: what it said of this one stands until the one that counts is fetched again. */
  const left = ({ believed }: PageContext, contact: string): void => {
    fetchLatest.run({ contact, believed })
  }

  return { write, writeUnknown, left } as const
}

export type ContactRows = ReturnType<typeof makeContactRows>
