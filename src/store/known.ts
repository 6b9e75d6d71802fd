import type { Timestamp } from "../domain/Timestamp.ts"
import type { Known } from "../providers/Provider.ts"
import type { Session } from "./Db.ts"

/** How many of the newest message ids are told. */
const newestMessages = 10

interface KnownRow {
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
    `SELECT id, fingerprint, agent_id, stored_messages, updated_at, deleted_at, observed_at
     FROM remote_conversations WHERE id = ?`
  )
  const newest = prepare(
    `SELECT id FROM messages WHERE conversation_id = ? ORDER BY position DESC LIMIT ${newestMessages}`
  ).pluck()

  return (connection: string, providerIds: ReadonlyArray<string>): ReadonlyMap<string, Known> => {
    const found = new Map<string, Known>()
    for (const providerId of providerIds) {
      const row = find.get(`${connection}:${providerId}`) as KnownRow | undefined
      if (row === undefined) continue
      const messageIds = row.stored_messages === 0 ? [] : (newest.all(row.id) as ReadonlyArray<string>)
      found.set(providerId, {
        providerId,
        fingerprint: row.fingerprint,
        agentId: row.agent_id,
        storedMessages: row.stored_messages,
        newestMessageIds: messageIds.map((id) => id.slice(row.id.length + 1)),
        updatedAt: row.updated_at,
        deleted: row.deleted_at !== null,
        observedAt: row.observed_at
      })
    }
    return found
  }
}
