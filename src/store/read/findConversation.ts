import { nearest } from "../../config/nearest.ts"
import { present } from "../../domain/present.ts"
import type { Status } from "../../domain/Status.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import { knownHash } from "../../privacy/key.ts"
import type { HashKind } from "../../privacy/policy.ts"
import type { Session } from "../Db.ts"
import { forgottenOn } from "../forget/remembered.ts"

/** A conversation of the mirror, as far as asking for a change needs it. */
export interface MirroredConversation {
  readonly id: string
  readonly connection: string
  readonly provider: string
  readonly status: Status
  readonly providerStatus: string | null
  readonly title: string | null
  readonly tags: ReadonlyArray<string>
  readonly deletedAt: Timestamp | null
  /** The conversation that it was merged into at the provider. */
  readonly mergedInto: string | null
}

/** Why an id names no single conversation, and which ones may be meant. */
interface NotFound {
  readonly message: string
  readonly hint: string
}

interface Row extends Omit<MirroredConversation, "tags"> {
  readonly tags: string
}

const columns = /* sql */ `
SELECT c.id, c.connection, c.provider, c.remote_status AS status, c.provider_status AS providerStatus, c.title, c.tags,
  c.deleted_at AS deletedAt, c.merged_into AS mergedInto
FROM conversations c`

const select = (
  session: Session,
  rest: string,
  ...parameters: ReadonlyArray<string>
): ReadonlyArray<MirroredConversation> =>
  (session.prepare(`${columns} ${rest}`).all(...parameters) as ReadonlyArray<Row>).map((row) => ({
    ...row,
    tags: JSON.parse(row.tags) as ReadonlyArray<string>
  }))

const quoted = (ids: ReadonlyArray<string>): string => ids.map((id) => `\`${id}\``).join(", ")

/** Rows looked at for a resembling id, and ids offered. */
const candidateLimit = 500
const offered = 3

/** Ids that resemble one that names nothing: the same id elsewhere, or one that begins or ends like it. */
const nearMatches = (session: Session, id: string): ReadonlyArray<string> => {
  const bare = id.slice(id.indexOf(":") + 1)
  const exact = session
    .prepare("SELECT id FROM conversations WHERE provider_id IN (?, ?) LIMIT ?")
    .pluck()
    .all(bare, id, offered) as ReadonlyArray<string>
  if (exact.length > 0) return exact
  const edge = Math.max(3, Math.floor(bare.length / 2))
  const candidates = session
    .prepare(
      "SELECT id FROM conversations WHERE instr(provider_id, ?) > 0 OR instr(provider_id, ?) > 0 LIMIT ?"
    )
    .pluck()
    .all(bare.slice(0, edge), bare.slice(-edge), candidateLimit) as ReadonlyArray<string>
  // Of the same id at two connections, the one of the connection that was named.
  const connection = id.slice(0, id.indexOf(":") + 1)
  const own = (candidate: string) => Number(candidate.startsWith(connection))
  const byBareId = new Map(
    candidates
      .toSorted((one, other) => own(one) - own(other))
      .map((candidate) => [candidate.slice(candidate.indexOf(":") + 1), candidate])
  )
  const near: Array<string> = []
  while (near.length < offered) {
    const best = nearest(bare, byBareId.keys())
    const found = best === null ? undefined : byBareId.get(best)
    if (best === null || found === undefined) break
    near.push(found)
    byBareId.delete(best)
  }
  return near
}

/** The connections that the mirror knows. */
export const connectionNames = (session: Session): ReadonlyArray<string> =>
  session.prepare("SELECT name FROM connections ORDER BY name").pluck().all() as ReadonlyArray<string>

const unknown = (session: Session, id: string): NotFound => {
  const forgotten = forgottenOn(session, id)
  if (forgotten !== null) {
    return {
      message: `\`${id}\` is of someone who was forgotten on ${forgotten.slice(0, 10)}`,
      hint: "Nothing of it is kept, and nothing that the provider shows of it is stored."
    }
  }
  const near = nearMatches(session, id)
  const connections = connectionNames(session)
  const connection = id.slice(0, Math.max(0, id.indexOf(":")))
  return {
    message:
      connection !== "" && !connections.includes(connection)
        ? `there is no connection \`${connection}\` in the mirror, so no conversation \`${id}\``
        : `there is no conversation \`${id}\` in the mirror`,
    hint:
      near.length > 0
        ? `Did you mean ${quoted(near)}?`
        : `Ids are written <connection>:<provider's id>; connections here: ${quoted(connections) || "none yet (run `parley sync` first)"}.`
  }
}

/** SQL: a phone number without separators; these are all that vendors put between digits. */
export const barePhone = (column: string): string =>
  ["' '", "'-'", "'('", "')'", "'.'"].reduce(
    (text, character) => `replace(${text}, ${character}, '')`,
    column
  )

/** SQL: whether two columns hold the same number; null where one of them is null. */
export const samePhone = (one: string, other: string): string => `${barePhone(one)} = ${barePhone(other)}`

/** SQL: whether a column holds one of these texts, in any writing: nearly all rows have the plain one, which the column's index finds. */
const isIn =
  (plain: (text: string) => string) =>
  (column: string, ...texts: ReadonlyArray<string>): string => {
    const sought = `IN (${texts.map(plain).join(", ")})`
    return `(${column} ${sought} OR ${column} <> ${plain(column)} AND ${plain(column)} ${sought})`
  }

/** SQL: whether a column holds one of these addresses, in capital letters or small ones. A text that is `?` is asked for twice. */
export const isAddress = isIn((text) => `lower(${text})`)

/** SQL: whether a column holds one of these phone numbers, with or without separators. A text that is `?` is asked for twice. */
export const isPhone = isIn(barePhone)

/** A value as it is stored where a connection's privacy hashes it; the value itself where nothing is hashed. */
export const hashedForm = (kind: HashKind, value: string): string => knownHash()?.(kind, value) ?? value

const noConnection = (connection: string, connections: ReadonlyArray<string>): NotFound => ({
  message: `there is no connection \`${connection}\` in the mirror`,
  hint: `Connections here: ${quoted(connections) || "none yet (run `parley sync` first)"}.`
})

/** At most so many are offered where one has to be chosen. */
const choices = 10

const oneOf = (found: ReadonlyArray<MirroredConversation>): string =>
  `Name one: ${found
    .slice(0, choices)
    .map((conversation) => `\`${conversation.id}\` (${conversation.status})`)
    .join(", ")}.`

const amount = (found: ReadonlyArray<unknown>): string =>
  found.length > choices ? `more than ${choices}` : String(found.length)

/**
 * The conversation of whom this address or number belongs to. Neither is repeated in a message.
 * @param connection empty: any
 */
const byContact = (
  session: Session,
  connection: string,
  kind: "email" | "phone",
  value: string
): MirroredConversation | NotFound => {
  const connections = connectionNames(session)
  if (connection !== "" && !connections.includes(connection)) return noConnection(connection, connections)
  const match = kind === "email" ? isAddress("k.email", "?", "?") : isPhone("k.phone", "?", "?")
  const written = [value, hashedForm(kind, value)]
  const found = select(
    session,
    `JOIN contacts k ON k.id = c.contact_id WHERE (? = '' OR k.connection = ?) AND ${match} ORDER BY c.id LIMIT ${choices + 1}`,
    connection,
    connection,
    ...written,
    ...written
  )
  const living = found.filter(({ deletedAt, mergedInto }) => deletedAt === null && mergedInto === null)
  const [only] = living.length > 0 ? living : found
  const whose = `that ${kind === "email" ? "address" : "number"}`
  const where = connection === "" ? "the mirror" : `\`${connection}\``
  if (only === undefined) {
    return {
      message: `no conversation of ${where} belongs to ${whose}`,
      hint: `Look it up: SELECT id, email, phone FROM contacts${connection === "" ? "" : ` WHERE connection = '${connection}'`}.`
    }
  }
  return living.length > 1
    ? { message: `${whose} belongs to ${amount(living)} conversations of ${where}`, hint: oneOf(living) }
    : only
}

/** The conversations whose id, with or without its connection, begins like this; at most one more than are offered. */
const byPrefix = (session: Session, id: string): ReadonlyArray<MirroredConversation> => {
  const connections = connectionNames(session)
  const named = connections.find((name) => id.startsWith(`${name}:`))
  const starts = present(
    named !== undefined && { connection: named, start: id.slice(named.length + 1) },
    ...connections.map((connection) => ({ connection, start: id }))
  )
  return starts
    .filter(({ start }) => start !== "")
    .flatMap(({ connection, start }) =>
      select(
        session,
        `WHERE c.connection = ? AND c.provider_id >= ? AND c.provider_id < ? LIMIT ${choices + 1}`,
        connection,
        start,
        `${start}\u{10ffff}`
      )
    )
}

interface FindOptions {
  /**
   * Whether the beginning of an id is enough where only one begins so, and the connection may be left out. Only for
   * reading: a change must never reach a conversation because another one is gone.
   */
  readonly byPrefix: boolean
}

/**
 * The conversation an id names: `<connection>:<provider's id>`, or `<connection>:email:<address>` and
 * `<connection>:phone:<number>` where that belongs to one conversation alone (without the connection: of all of them).
 */
export const findConversation = (
  session: Session,
  id: string,
  options: FindOptions = { byPrefix: false }
): MirroredConversation | NotFound => {
  const [exact] = select(session, "WHERE c.id = ?", id)
  if (exact !== undefined) return exact
  const [, connection = "", kind, value] = /^(?:([^:]*):)?(email|phone):(.+)$/.exec(id) ?? []
  if ((kind === "email" || kind === "phone") && value !== undefined)
    return byContact(session, connection, kind, value.trim())
  if (!options.byPrefix) return unknown(session, id)
  const found = byPrefix(session, id)
  const whole = found.filter((one) => one.id.slice(one.connection.length + 1) === id)
  const [only, ...others] = whole.length > 0 ? whole : found
  if (only === undefined) return unknown(session, id)
  if (others.length === 0) return only
  return {
    message:
      whole.length > 0
        ? `\`${id}\` is the id of ${amount(whole)} conversations, at different connections`
        : `${amount(found)} ids begin with \`${id}\``,
    hint: oneOf([only, ...others])
  }
}
