import { nearest } from "../../config/nearest.ts"
import type { Status } from "../../domain/Status.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Session } from "../Db.ts"

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
export interface NotFound {
  readonly message: string
  readonly hint: string
}

interface Row extends Omit<MirroredConversation, "tags"> {
  readonly tags: string
}

const columns = /* sql */ `
SELECT r.id, r.connection, n.provider, r.status, r.provider_status AS providerStatus, r.title, r.tags,
  r.deleted_at AS deletedAt, r.merged_into AS mergedInto
FROM remote_conversations r JOIN connections n ON n.name = r.connection`

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
    .prepare("SELECT id FROM remote_conversations WHERE provider_id IN (?, ?) LIMIT ?")
    .pluck()
    .all(bare, id, offered) as ReadonlyArray<string>
  if (exact.length > 0) return exact
  const edge = Math.max(3, Math.floor(bare.length / 2))
  const candidates = session
    .prepare(
      "SELECT id FROM remote_conversations WHERE instr(provider_id, ?) > 0 OR instr(provider_id, ?) > 0 LIMIT ?"
    )
    .pluck()
    .all(bare.slice(0, edge), bare.slice(-edge), candidateLimit) as ReadonlyArray<string>
  const byBareId = new Map(
    candidates.map((candidate) => [candidate.slice(candidate.indexOf(":") + 1), candidate])
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

const connectionNames = (session: Session): ReadonlyArray<string> =>
  session.prepare("SELECT name FROM connections ORDER BY name").pluck().all() as ReadonlyArray<string>

const unknown = (session: Session, id: string): NotFound => {
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

/** The conversations of whom this address or number belongs to. Neither is repeated in a message. */
const byContact = (
  session: Session,
  connection: string,
  kind: string,
  value: string
): MirroredConversation | NotFound => {
  const connections = connectionNames(session)
  if (!connections.includes(connection)) {
    return {
      message: `there is no connection \`${connection}\` in the mirror`,
      hint: `Connections here: ${quoted(connections) || "none yet (run `parley sync` first)"}.`
    }
  }
  const match =
    kind === "email" ? "lower(k.email) = lower(?)" : `k.phone IS NOT NULL AND ${samePhone("k.phone", "?")}`
  const found = select(
    session,
    `JOIN remote_contacts k ON k.id = r.contact_id WHERE k.connection = ? AND ${match} ORDER BY r.id LIMIT 11`,
    connection,
    value
  )
  const living = found.filter(({ deletedAt, mergedInto }) => deletedAt === null && mergedInto === null)
  const [only] = living.length > 0 ? living : found
  if (only === undefined) {
    return {
      message: `no conversation of \`${connection}\` belongs to that ${kind === "email" ? "address" : "number"}`,
      hint: `Look it up: SELECT id, email, phone FROM contacts WHERE connection = '${connection}'.`
    }
  }
  if (living.length > 1) {
    return {
      message: `that ${kind === "email" ? "address" : "number"} belongs to ${living.length > 10 ? "more than 10" : living.length} conversations of \`${connection}\``,
      hint: `Name one: ${living
        .slice(0, 10)
        .map((conversation) => `\`${conversation.id}\` (${conversation.status})`)
        .join(", ")}.`
    }
  }
  return only
}

/**
 * The conversation an id names: `<connection>:<provider's id>`, or `<connection>:email:<address>` and
 * `<connection>:phone:<number>` where that belongs to one conversation alone.
 */
export const findConversation = (session: Session, id: string): MirroredConversation | NotFound => {
  const [exact] = select(session, "WHERE r.id = ?", id)
  if (exact !== undefined) return exact
  const [, connection, kind, value] = /^([^:]*):(email|phone):(.+)$/.exec(id) ?? []
  return connection !== undefined && kind !== undefined && value !== undefined
    ? byContact(session, connection, kind, value)
    : unknown(session, id)
}
