import type { Timestamp } from "../domain/Timestamp.ts"
import type { Known, KnownWanted } from "../providers/Provider.ts"
import type { Session } from "./Db.ts"

/** How many of the newest message ids are told. */
const newestMessages = 10

/** As an array: SQLite is asked for every conversation that is listed, and an object costs as much as finding its row. */
type KnownRow = readonly [
  providerId: string,
  fingerprint: string | null,
  agentId: string | null,
  storedMessages: number,
  updatedAt: Timestamp | null,
  deletedAt: string | null,
  observedAt: Timestamp
]

/** Looks up what is stored of conversations, by the vendor's ids. */
export const makeKnown = ({ prepare }: Session) => {
  const find = prepare(
    `SELECT ids.value, r.fingerprint, r.agent_id, r.stored_messages, r.updated_at, r.deleted_at, r.observed_at
     FROM json_each(?) ids CROSS JOIN remote_conversations r ON r.id = ? || ':' || ids.value`
  ).raw()
  const newest = prepare(
    `SELECT id FROM messages WHERE conversation_id = ? ORDER BY position DESC LIMIT ${newestMessages}`
  ).pluck()

  const newestOf = (id: string): ReadonlyArray<string> =>
    (newest.all(id) as ReadonlyArray<string>).map((messageId) => messageId.slice(id.length + 1))

  return (
    connection: string,
    providerIds: ReadonlyArray<string>,
    { newestMessageIds }: KnownWanted = { newestMessageIds: false }
  ): ReadonlyMap<string, Known> => {
    const found = new Map<string, Known>()
    const rows = find.all(JSON.stringify(providerIds), connection) as ReadonlyArray<KnownRow>
    for (const row of rows) {
      const [providerId, fingerprint, agentId, storedMessages, updatedAt, deletedAt, observedAt] = row
      const known = {
        providerId,
        fingerprint,
        agentId,
        storedMessages,
        updatedAt,
        deleted: deletedAt !== null,
        observedAt
      }
      if (!newestMessageIds) found.set(providerId, known)
      else {
        const ids = storedMessages === 0 ? [] : newestOf(`${connection}:${providerId}`)
        found.set(providerId, { ...known, newestMessageIds: ids })
      }
    }
    return found
  }
}
