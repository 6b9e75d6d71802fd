import { isHashed, normalizeEmail, normalizePhone } from "../../domain/phone.ts"
import type { Session } from "../Session.ts"

/** An address that more contacts share is a placeholder, or an office's, and says nothing of who they are. */
const mostAlike = 50

interface ContactRow {
  readonly key: number
  readonly email: string | null
  readonly phone: string | null
  readonly country: string | null
}

/** By what a contact is known wherever else it is met: its number and its address, normalized. */
export const identitiesOf = ({ country, email, phone }: Omit<ContactRow, "key">): ReadonlyArray<string> => {
  const number = phone === null || isHashed(phone) ? phone : normalizePhone(phone, country)
  const address = email === null || isHashed(email) ? email : normalizeEmail(email)
  return [number, address].filter((value) => value !== null)
}

/**
 * Keeps `contact_people` in step with contacts: those that share a phone number or an e-mail address, directly or through
 * others, are one person, who is known by the least of their keys. To be called inside of a transaction.
 */
export const makePeopleRows = ({ prepare }: Pick<Session, "prepare">) => {
  const contacts = "SELECT key, email, phone, attributes ->> '$.countryCode' AS country FROM remote_contacts"
  const changed = prepare(`${contacts} WHERE seq >= ? ORDER BY seq, key`)
  const some = prepare(`${contacts} WHERE key > ? ORDER BY key LIMIT ?`)
  const chosen = prepare(`${contacts} WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key`)
  const values = prepare("SELECT value FROM contact_identities WHERE key = ? ORDER BY value").pluck()
  const add = prepare("INSERT INTO contact_identities (value, key) VALUES (?, ?)")
  const remove = prepare("DELETE FROM contact_identities WHERE key = ?")
  const holders = prepare(`SELECT key FROM contact_identities WHERE value = ? LIMIT ${mostAlike + 1}`).pluck()
  const personOf = prepare("SELECT person FROM contact_people WHERE key = ?").pluck()
  const membersOf = prepare("SELECT key FROM contact_people WHERE person = ?").pluck()
  const put = prepare(
    "INSERT INTO contact_people (key, person) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET person = excluded.person"
  )

  /** The contacts that share an address; none where so many do that it says nothing. */
  const alike = (value: string): ReadonlyArray<number> => {
    const keys = holders.all(value) as ReadonlyArray<number>
    return keys.length > mostAlike ? [] : keys
  }

  /** Whoever is one person with any of the contacts, was so, or shares an address with somebody who is. */
  const concerned = (first: Iterable<number>): ReadonlySet<number> => {
    const all = new Set<number>(first)
    // A set goes on with what is added to it meanwhile.
    for (const key of all) {
      const person = personOf.get(key)
      if (person !== undefined) for (const member of membersOf.all(person)) all.add(member as number)
      for (const value of values.all(key) as ReadonlyArray<string>) {
        for (const holder of alike(value)) all.add(holder)
      }
    }
    return all
  }

  const write = (contacts: ReadonlyArray<ContactRow>): void => {
    const moved: Array<number> = []
    const others = new Set<number>()
    for (const contact of contacts) {
      const before = values.all(contact.key) as ReadonlyArray<string>
      const now = [...new Set(identitiesOf(contact))].sort()
      const known = personOf.get(contact.key)
      if (known !== undefined && before.join(" ") === now.join(" ")) continue
      if (before.length > 0) remove.run(contact.key)
      for (const value of now) add.run(value, contact.key)
      // Most are new, and no one else has their address.
      if (
        known === undefined &&
        before.length === 0 &&
        now.every((value) => holders.all(value).length === 1)
      ) {
        put.run(contact.key, contact.key)
        continue
      }
      moved.push(contact.key)
      // Where an address comes to be shared by too many, all of them part.
      for (const value of [...before, ...now])
        for (const holder of holders.all(value)) others.add(holder as number)
    }
    if (moved.length === 0) return
    const all = concerned([...moved, ...others])
    const person = new Map<number, number>()
    for (const start of [...all].sort((a, b) => a - b)) {
      if (person.has(start)) continue
      person.set(start, start)
      const open = [start]
      for (let key = open.pop(); key !== undefined; key = open.pop()) {
        for (const value of values.all(key) as ReadonlyArray<string>) {
          for (const holder of alike(value)) {
            if (person.has(holder)) continue
            person.set(holder, start)
            open.push(holder)
          }
        }
      }
    }
    for (const [key, start] of person) if (personOf.get(key) !== start) put.run(key, start)
  }

  return {
    /** These contacts, whose person is not known any more. */
    again: (keys: ReadonlyArray<number>): void =>
      write(chosen.all(JSON.stringify(keys)) as ReadonlyArray<ContactRow>),
    /** Those that were written by the commits from this number on. */
    since: (seq: number): void => write(changed.all(seq) as ReadonlyArray<ContactRow>),
    /** Some contacts after a key; gives the last one's key, and null at the end. */
    after: (key: number, limit: number): number | null => {
      const rows = some.all(key, limit) as ReadonlyArray<ContactRow>
      write(rows)
      return rows.length < limit ? null : (rows.at(-1)?.key ?? null)
    }
  } as const
}
