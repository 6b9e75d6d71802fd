import { missingDetailKind } from "../../domain/Conversation.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Known, KnownWanted } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"
import { makeRemembered } from "../forget/remembered.ts"
import { messagesPerConversation } from "../mirror/messageRows.ts"
import { latestBelieved } from "../mirror/staleness.ts"

/** How many of the newest message ids are returned. */
const newestMessages = 10

type KnownRow = readonly [
  index: number,
  key: number,
  fingerprint: string | null,
  agentId: string | null,
  storedMessages: number,
  startedAt: Timestamp | null,
  updatedAt: Timestamp | null,
  deletedAt: string | null,
  mergedAt: string | null,
  observedAt: Timestamp,
  isUnread: 0 | 1
]

/** A conversation that is as it is shown, and of which nothing is stored. */
export const knownAsShown = (providerId: string, fingerprint: string | null): Known => ({
  providerId,
  fingerprint,
  agentId: null,
  storedMessages: 0,
  updatedAt: null,
  deleted: false
})

/**
 * Looks up what is stored of conversations, by the vendor's ids. Those of someone who was forgotten are unchanged for ever,
 * whatever the list shows: nothing of them need be requested.
 */
export const makeKnown = (session: Session) => {
  const { prepare } = session
  const forgotten = makeRemembered(session)
  // As one text: every conversation that is listed is looked up, and to take values over one by one costs as much again.
  const find = prepare(
    `SELECT json_group_array(json_array(ids.key, r.key, r.fingerprint, r.agent_id, r.stored_messages + r.expired_messages, r.started_at,
       r.updated_at, r.deleted_at, r.merged_at, r.observed_at, r.fingerprint IS NULL AND EXISTS (
         SELECT 1 FROM quarantine q
         WHERE q.connection = r.connection AND q.conversation_provider_id = ids.value AND q.resolved_at IS NULL
           AND q.kind <> '${missingDetailKind}')))
     FROM json_each(?) ids CROSS JOIN remote_conversations r ON r.id = ? || ':' || ids.value`
  ).pluck()
  const newest = prepare(
    `SELECT id FROM message_rows WHERE key BETWEEN ? AND ? ORDER BY position DESC LIMIT ${newestMessages}`
  ).pluck()

  const newestOf = (key: number): ReadonlyArray<string> => {
    const first = key * messagesPerConversation
    return newest.all(first, first + messagesPerConversation - 1) as ReadonlyArray<string>
  }

  return (
    connection: string,
    providerIds: ReadonlyArray<string>,
    now: Timestamp,
    { newestMessageIds, shownAs }: KnownWanted = { newestMessageIds: false }
  ): ReadonlyMap<string, Known> => {
    const believed = latestBelieved(now)
    const found = new Map<string, Known>()
    const rows = String(find.get(JSON.stringify(providerIds), connection))
    for (const row of JSON.parse(rows) as ReadonlyArray<KnownRow>) {
      const [
        index,
        key,
        fingerprint,
        agentId,
        storedMessages,
        startedAt,
        updatedAt,
        deletedAt,
        mergedAt,
        observedAt,
        isUnread
      ] = row
      const providerId = providerIds[index] ?? ""
      const known = {
        providerId,
        key,
        fingerprint,
        agentId,
        storedMessages,
        startedAt,
        updatedAt,
        deleted: (deletedAt ?? mergedAt) !== null,
        ...(isUnread === 1 ? { isUnread: true as const } : {}),
        ...(observedAt > believed ? {} : { observedAt })
      }
      if (!newestMessageIds) found.set(providerId, known)
      else {
        const ids = storedMessages === 0 ? [] : newestOf(key)
        found.set(providerId, { ...known, newestMessageIds: ids })
      }
    }
    if (shownAs !== undefined && found.size < providerIds.length && forgotten.isAny()) {
      for (const providerId of providerIds) {
        if (found.has(providerId) || forgotten.find("conversation", `${connection}:${providerId}`) === null)
          continue
        found.set(providerId, knownAsShown(providerId, shownAs(providerId)[0] ?? null))
      }
    }
    return found
  }
}
