import type { Attributes, Contact } from "../domain/Conversation.ts"
import { canonicalJson, sameJson } from "./canonical.ts"
import type { PageContext } from "./context.ts"
import type { Session } from "./Db.ts"
import type { RecentObservations } from "./staleness.ts"

interface StoredContact {
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly attributes: string
  readonly observed_at: string
}

const merged = (newer: Attributes, older: Attributes): Attributes => {
  const said = Object.entries(newer).filter(([, value]) => value !== null)
  return { ...older, ...Object.fromEntries(said) }
}

/** Writes contacts. What a sighting does not say erases nothing; what an older one says only fills gaps. */
export const makeContactRows = ({ prepare }: Session, recent: RecentObservations) => {
  const find = prepare("SELECT name, email, phone, attributes, observed_at FROM remote_contacts WHERE id = ?")
  const insert = prepare(
    `INSERT INTO remote_contacts (id, connection, provider_id, name, email, phone, attributes, observed_at, first_seen_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const update = prepare(
    "UPDATE remote_contacts SET name = ?, email = ?, phone = ?, attributes = ?, observed_at = ? WHERE id = ?"
  )
  const insertUnknown = prepare(
    `INSERT INTO remote_contacts (id, connection, provider_id, observed_at, first_seen_at)
     VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
  )

  /** Returns the contact's id in the mirror. */
  const write = (context: PageContext, contact: Contact): string => {
    const { connection, requestedAt, tally } = context
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
        context.now
      )
      tally.inserted += 1
      tally.contacts += 1
      return id
    }
    const isOlder = requestedAt < recent.latest(`contact:${id}`, stored.observed_at)
    const pick = (held: string | null, said: string | null) => (isOlder ? (held ?? said) : (said ?? held))
    const held = JSON.parse(stored.attributes) as Attributes
    const attributes = isOlder ? merged(held, contact.attributes) : merged(contact.attributes, held)
    const name = pick(stored.name, contact.name)
    const email = pick(stored.email, contact.email)
    const phone = pick(stored.phone, contact.phone)
    const text = canonicalJson(attributes)
    const isSame =
      name === stored.name &&
      email === stored.email &&
      phone === stored.phone &&
      sameJson(stored.attributes, text, attributes)
    if (isSame) {
      recent.note(`contact:${id}`, requestedAt)
      tally.unchanged += 1
    } else {
      update.run(name, email, phone, text, isOlder ? stored.observed_at : requestedAt, id)
      tally.updated += 1
      tally.contacts += 1
    }
    return id
  }

  /** A contact of whom nothing but the id was said. */
  const writeUnknown = (context: PageContext, providerId: string): string => {
    const id = `${context.connection}:${providerId}`
    insertUnknown.run(id, context.connection, providerId, context.requestedAt, context.now)
    return id
  }

  return { write, writeUnknown } as const
}

export type ContactRows = ReturnType<typeof makeContactRows>
