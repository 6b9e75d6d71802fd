import type { Timestamp } from "../domain/Timestamp.ts"
import type { Known, KnownWanted } from "../providers/Provider.ts"
import type { Session } from "./Db.ts"

/** How many of the newest message ids are told. */
const newestMessages = 10

interface KnownRow {
  readonly provider_id: string
  readonly id: string
  readonly fingerprint: string | null
  readonly agent_id: string | null
  readonly stored_messages: number
  readonly updated_at: Timestamp | null
  readonly deleted_at: string | null
  readonly observed_at: Timestamp
}

/** Looks up what is stored of conversations, by the vendor's ids. */
export const makeKnown = ({ prepare }: Session) => {
  const find = prepare(
    `SELECT ids.value AS provider_id, r.id, r.fingerprint, r.agent_id, r.stored_messages, r.updated_at, r.deleted_at,
       r.observed_at
     FROM json_each(?) ids CROSS JOIN remote_conversations r ON r.id = ? || ':' || ids.value`
  )
  const newest = prepare(
    `SELECT id FROM messages WHERE conversation_id = ? ORDER BY position DESC LIMIT ${newestMessages}`
  ).pluck()

  const newestOf = (row: KnownRow): ReadonlyArray<string> => {
    const messageIds = row.stored_messages === 0 ? [] : (newest.all(row.id) as ReadonlyArray<string>)
    return messageIds.map((id) => id.slice(row.id.length + 1))
  }

  return (
    connection: string,
    providerIds: ReadonlyArray<string>,
    { newestMessageIds }: KnownWanted = { newestMessageIds: false }
  ): ReadonlyMap<string, Known> => {
    const found = new Map<string, Known>()
    const rows = find.all(JSON.stringify(providerIds), connection) as ReadonlyArray<KnownRow>
    for (const row of rows) {
      found.set(row.provider_id, {
        providerId: row.provider_id,
        fingerprint: row.fingerprint,
        agentId: row.agent_id,
        storedMessages: row.stored_messages,
        updatedAt: row.updated_at,
        deleted: row.deleted_at !== null,
        observedAt: row.observed_at,
        ...(newestMessageIds && { newestMessageIds: newestOf(row) })
      })
    }
    return found
  }
}
