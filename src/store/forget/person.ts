import { isHashed, normalizeEmail, normalizePhone } from "../../domain/phone.ts"
import { hashedForm, isAddress, isPhone } from "../read/findConversation.ts"
import type { Session } from "../Session.ts"
import { StoreError } from "../StoreError.ts"
import { forgottenOn } from "./remembered.ts"

/** Who is to be forgotten: by an id of the mirror, or by an address or a number as someone writes it. */
export interface PersonNamed {
  readonly by: "contact" | "conversation" | "email" | "phone"
  readonly value: string
}

/** All that is stored of a person, over all connections. */
export interface Person {
  /** Keys of rows. */
  readonly contacts: ReadonlyArray<number>
  readonly conversations: ReadonlyArray<number>
  /** Normalized addresses and numbers that no one else has, and the one that was named. */
  readonly identities: ReadonlyArray<string>
}

const refused = (message: string, hint: string): StoreError =>
  new StoreError({ op: "forget", kind: "refused", message, hint })

/** The address or number that was named, normalized, and as it is stored where it is hashed before; none: it is no such. */
const identitiesNamed = ({ by, value }: PersonNamed): ReadonlyArray<string> => {
  if (by !== "email" && by !== "phone") return []
  const identity = by === "email" ? normalizeEmail(value) : normalizePhone(value, null)
  return identity === null ? [] : [...new Set([identity, hashedForm(by, value)])]
}

/** Contacts that were named, before those that are the same person. */
const contactsNamed = (
  { prepare }: Session,
  named: PersonNamed,
  identities: ReadonlyArray<string>
): ReadonlyArray<number> => {
  const keys = (sql: string, ...values: ReadonlyArray<string>) =>
    prepare(sql)
      .pluck()
      .all(...values) as ReadonlyArray<number>
  const known = identities.flatMap((identity) =>
    keys("SELECT key FROM contact_identities WHERE value = ?", identity)
  )
  const written = named.value.trim()
  switch (named.by) {
    case "contact":
      return keys("SELECT key FROM remote_contacts WHERE id = ?", named.value)
    case "conversation":
      return keys(
        "SELECT k.key FROM remote_conversations r JOIN remote_contacts k ON k.id = r.contact_id WHERE r.id = ?",
        named.value
      )
    case "email":
      return [
        ...known,
        ...keys(`SELECT key FROM remote_contacts WHERE ${isAddress("email", "?")}`, written, written)
      ]
    case "phone":
      return [
        ...known,
        ...keys(`SELECT key FROM remote_contacts WHERE ${isPhone("phone", "?")}`, written, written)
      ]
  }
}

/** The contacts that are one person with these, their conversations, and those that were merged with them. */
const expand = ({ prepare }: Session, contacts: Iterable<number>, conversations: Iterable<number>) => {
  const people = prepare(
    "SELECT m.key FROM contact_people p JOIN contact_people m ON m.person = p.person WHERE p.key = ?"
  ).pluck()
  const had = prepare(
    "SELECT r.key FROM remote_contacts k JOIN remote_conversations r ON r.contact_id = k.id WHERE k.key = ?"
  ).pluck()
  const related = prepare(
    `SELECT o.key, k.key FROM remote_conversations r
       JOIN remote_conversations o ON o.id = r.id OR o.merged_into = r.id OR o.id = r.merged_into
       LEFT JOIN remote_contacts k ON k.id = o.contact_id
     WHERE r.key = ?`
  ).raw()
  const allContacts = new Set<number>()
  const allConversations = new Set<number>()
  const open: Array<() => void> = []
  const addContact = (key: number): void => {
    if (allContacts.has(key)) return
    allContacts.add(key)
    open.push(() => {
      for (const one of people.all(key)) addContact(one as number)
      for (const one of had.all(key)) addConversation(one as number)
    })
  }
  const addConversation = (key: number): void => {
    if (allConversations.has(key)) return
    allConversations.add(key)
    open.push(() => {
      for (const [one, owner] of related.all(key) as ReadonlyArray<readonly [number, number | null]>) {
        addConversation(one)
        if (owner !== null) addContact(owner)
      }
    })
  }
  for (const key of contacts) addContact(key)
  for (const key of conversations) addConversation(key)
  for (let next = open.pop(); next !== undefined; next = open.pop()) next()
  return { contacts: [...allContacts], conversations: [...allConversations] }
}

/** Addresses and numbers that none but these contacts have: one that others have, too, is an office's or a placeholder. */
const ownIdentities = ({ prepare }: Session, contacts: ReadonlyArray<number>): ReadonlyArray<string> => {
  const values = prepare("SELECT value FROM contact_identities WHERE key = ?").pluck()
  const holders = prepare("SELECT key FROM contact_identities WHERE value = ?").pluck()
  const theirs = new Set(contacts)
  const all = new Set(contacts.flatMap((key) => values.all(key) as ReadonlyArray<string>))
  return [...all].filter((value) =>
    (holders.all(value) as ReadonlyArray<number>).every((key) => theirs.has(key))
  )
}

/** An address or a number, and what it would be stored as if a connection's privacy hashed it. */
const waysOfKeeping = (identity: string): ReadonlyArray<string> =>
  isHashed(identity)
    ? [identity]
    : [identity, hashedForm(identity.includes("@") ? "email" : "phone", identity)]

/** Throws where an id names nothing, or what was named is no address or number. Writes nothing. */
export const findPerson = (session: Session, named: PersonNamed): Person => {
  const identities = identitiesNamed(named)
  const isAddress = named.by === "email" || named.by === "phone"
  if (isAddress && identities.length === 0) {
    throw refused(
      named.by === "email" ? "that is no e-mail address" : "that is no phone number",
      named.by === "email"
        ? "Write it as in ana@example.com."
        : "Write it with its country, such as +49 171 1234567, or as it is stored: SELECT id, phone FROM contacts."
    )
  }
  const direct = contactsNamed(session, named, identities)
  const conversations =
    named.by === "conversation"
      ? (session
          .prepare("SELECT key FROM remote_conversations WHERE id = ?")
          .pluck()
          .all(named.value) as ReadonlyArray<number>)
      : []
  if (!isAddress && direct.length + conversations.length === 0) {
    const on = forgottenOn(session, named.value)
    throw refused(
      on === null
        ? `there is no ${named.by} \`${named.value}\` in the mirror`
        : `\`${named.value}\` was forgotten on ${on.slice(0, 10)} already`,
      on === null
        ? `Ids are written <connection>:<provider's id>: SELECT id FROM ${named.by}s. A person can be named by --email or --phone, too.`
        : "Nothing of it is kept, and nothing that the provider shows of it is stored."
    )
  }
  const all = expand(session, direct, conversations)
  return {
    ...all,
    identities: [...new Set([...ownIdentities(session, all.contacts).flatMap(waysOfKeeping), ...identities])]
  }
}

/** Contacts whose number ends like the one that was named, and that are not taken for the same: a person may know better. */
export const similarContacts = (
  { prepare }: Session,
  { by, value }: PersonNamed,
  { contacts }: Person
): ReadonlyArray<string> => {
  const digits = value.replace(/\D/g, "")
  if (by !== "phone" || digits.length < 8) return []
  const theirs = new Set(contacts)
  const rows = prepare(
    `SELECT DISTINCT k.key, k.id FROM contact_identities i JOIN remote_contacts k ON k.key = i.key
     WHERE instr(i.value, '@') = 0 AND substr(i.value, -8) = ? ORDER BY k.id LIMIT 20`
  ).all(digits.slice(-8)) as ReadonlyArray<{ readonly key: number; readonly id: string }>
  return rows.filter(({ key }) => !theirs.has(key)).map(({ id }) => id)
}
