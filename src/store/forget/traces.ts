import { rawOf } from "../mirror/raw/rawRecords.ts"
import type { Session } from "../Session.ts"
import type { Person } from "./person.ts"
import { decodedPart } from "./remembered.ts"

/*
 * Where else than in its own rows something of a person may stand: in paths of requests, in words of errors, in cursors, in
 * records that did not decode.
 */

/** What a person is met by in such places. */
export interface Traces {
  /** The vendor's ids, by connection. */
  readonly ids: ReadonlyMap<string, ReadonlySet<string>>
  /** Addresses and numbers, as they are written anywhere, in lower case. */
  readonly reached: ReadonlyArray<string>
  /** Texts that tell who it is, in lower case: names, and all of their payloads that is no plain word. */
  readonly texts: ReadonlyArray<string>
}

/** Shorter texts are met everywhere. */
const shortest = 5

/** Payloads that are read for their texts, of each conversation, in characters: errors quote beginnings. */
const longestQuoted = 400

const isTelling = (text: string): boolean => text.length > shortest && /[\s\d@]/.test(text)

const textsIn = (value: unknown, found: Set<string>): void => {
  if (typeof value === "string") {
    if (isTelling(value)) found.add(value.slice(0, longestQuoted).toLowerCase())
  } else if (Array.isArray(value)) for (const one of value) textsIn(one, found)
  else if (typeof value === "object" && value !== null) {
    for (const one of Object.values(value)) textsIn(one, found)
  }
}

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}

const waysOfWriting = (value: string): ReadonlyArray<string> => {
  const digits = value.replace(/\D/g, "")
  const bare = value.includes("@") || digits.length < 7 ? [] : [digits]
  return [value, encodeURIComponent(value), ...bare].map((text) => text.toLowerCase())
}

export const tracesOf = (session: Session, { contacts, conversations, identities }: Person): Traces => {
  const { prepare } = session
  const contact = prepare(
    "SELECT connection, provider_id, name, email, phone, attributes FROM remote_contacts WHERE key = ?"
  )
  const conversation = prepare(
    `SELECT connection, provider_id, title, summary, qualification_reason, tags, attributes
     FROM remote_conversations WHERE key = ?`
  )
  const ids = new Map<string, Set<string>>()
  const reached = new Set(identities.flatMap(waysOfWriting))
  const texts = new Set<string>()
  const note = (row: Readonly<Record<string, string | null>>): void => {
    const { connection = "", provider_id } = row
    const known = ids.get(connection ?? "") ?? new Set()
    ids.set(connection ?? "", known.add(provider_id ?? ""))
    for (const name of ["title", "summary", "qualification_reason"]) textsIn(row[name], texts)
    for (const name of ["attributes", "tags"]) textsIn(parsed(row[name] ?? "null"), texts)
  }
  for (const key of contacts) {
    const row = contact.get(key) as Readonly<Record<string, string | null>>
    note(row)
    for (const value of [row.email, row.phone]) {
      for (const text of value == null ? [] : waysOfWriting(value)) reached.add(text)
    }
    if (row.name != null && row.name.trim().length >= shortest) texts.add(row.name.trim().toLowerCase())
  }
  for (const key of conversations) {
    const row = conversation.get(key) as Readonly<Record<string, string>>
    note(row)
    for (const { payload } of rawOf(session, row.connection ?? "", row.provider_id ?? "")) {
      textsIn(parsed(payload), texts)
    }
  }
  return { ids, reached: [...reached].filter((text) => text.length >= shortest), texts: [...texts] }
}

const holdsAny = (text: string, wanted: ReadonlyArray<string>): boolean => {
  const lower = text.toLowerCase()
  return wanted.some((one) => lower.includes(one))
}

/** Whether a text of a connection, such as a cursor or a record that did not decode, holds an id, an address or a number. */
export const names = ({ ids, reached }: Traces, connection: string, text: string): boolean =>
  holdsAny(text, reached) ||
  [...(ids.get(connection) ?? [])].some((id) => id.length >= shortest && text.includes(id))

/** Whether words tell of the person. */
export const tells = (traces: Traces, connection: string, text: string): boolean =>
  names(traces, connection, text) || holdsAny(text, traces.texts)

/** A path without what names the person; null: it does not. */
export const pathWithout = ({ ids, reached }: Traces, connection: string, path: string): string | null => {
  const own = ids.get(connection)
  let isTold = false
  const text = path.replace(/[^/?&=#]+/g, (part) => {
    const plain = decodedPart(part)
    if (own?.has(plain) !== true && !holdsAny(plain, reached)) return part
    isTold = true
    return "…"
  })
  return isTold ? text : null
}
