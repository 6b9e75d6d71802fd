import type { Conversation } from "../../../domain/Conversation.ts"
import type { Sighting } from "../../../providers/Provider.ts"
import type { Session } from "../../Db.ts"
import { makeStatusHistory } from "../../outbox/statusHistory.ts"
import type { ActivityRows } from "../activity.ts"
import type { ContactRows } from "../contactRows.ts"
import type { PageContext, Unchanged } from "../context.ts"
import { type MessageRows, withoutRepeats } from "../messageRows.ts"
import type { QuarantineRows } from "../quarantineRows.ts"
import { messageKind, type RawRows } from "../raw/rawRecords.ts"
import { isStale, type RecentReadings, type StoredTimes, storedSpan } from "../staleness.ts"
import {
  contentColumns,
  contentHash,
  contentOf,
  learnedByPush,
  makeStoredContent,
  rowValues
} from "./content.ts"
import {
  expiredOf,
  mustList,
  rawCompleteOf,
  recordsIn,
  type Shown,
  type StoredParts,
  showsAll,
  withHeld,
  withKept,
  withLearned,
  withoutExpired
} from "./partialSightings.ts"

/** Whether a stored conversation is thought to be there still. */
interface Standing {
  readonly key: number
  readonly missing_since: string | null
  readonly deleted_at: string | null
  /** When it was found to be merged into another one. */
  readonly merged_at: string | null
}

/** The same as an array, which costs a fraction of an object: one for every conversation that is listed. */
type ListedRow = readonly [
  key: number,
  missingSince: string | null,
  deletedAt: string | null,
  mergedAt: string | null
]

/** The columns of a `Standing`. */
const standing = "r.key, r.missing_since, r.deleted_at, r.merged_at"

/** What is written of one that is there. */
const present =
  "missing_since = NULL, deleted_at = NULL, deleted_in_run = NULL, merged_into = NULL, merged_at = NULL"

interface StoredConversation extends Standing, StoredTimes, StoredParts {
  readonly status: string
  readonly provider_status: string | null
  readonly fingerprint: string | null
  readonly content_hash: string
  readonly stored_messages: number
}

/** That it is gone, or merged, is proven by an answer; only what was requested later can disprove it. */
const isBeforeProof = (
  { deleted_at, merged_at }: Standing,
  { believed, requestedAt }: PageContext
): boolean => {
  const provenAt = deleted_at ?? merged_at
  return provenAt !== null && requestedAt < provenAt && provenAt <= believed
}

/** Whether the vendor has shown it to be where it is expected. */
const isPresent = ({ deleted_at, merged_at, missing_since }: Standing): boolean =>
  missing_since === null && deleted_at === null && merged_at === null

interface ConversationParts {
  readonly contacts: ContactRows
  readonly messages: MessageRows
  readonly activity: ActivityRows
  readonly quarantine: QuarantineRows
  readonly raw: RawRows
  readonly recent: RecentReadings
}

/** Writes conversations and all that a sighting carries for them. */
export const makeConversationRows = (session: Session, parts: ConversationParts) => {
  const { prepare } = session
  const { contacts, messages, activity, quarantine, raw, recent } = parts
  const storedContent = makeStoredContent(session)
  const find = prepare(
    `SELECT ${standing}, r.status, r.provider_status, r.last_message_at, r.updated_at, r.observed_at, r.answered_at,
       r.fingerprint, r.content_hash, r.stored_messages, r.declared_messages,
       r.expired_messages, r.raw_complete
     FROM remote_conversations r WHERE r.id = ?`
  )
  const findListed = prepare(
    `SELECT ${standing}
     FROM json_each(?) ids CROSS JOIN remote_conversations r ON r.id = ? || ':' || ids.value`
  ).raw()
  const findGone = prepare(
    `SELECT ${standing} FROM json_each(?) keys CROSS JOIN remote_conversations r ON r.key = keys.value
     WHERE r.missing_since IS NOT NULL OR r.deleted_at IS NOT NULL OR r.merged_at IS NOT NULL`
  ).raw()
  const insertRow = prepare(
    `INSERT INTO remote_conversations (id, connection, provider_id, stored_messages, observed_at, answered_at,
       first_seen_at, fingerprint, page_id, seq, expired_messages, raw_complete, content_hash, ${contentColumns.join(", ")})
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${contentColumns.map(() => "?").join(", ")})`
  )
  const updateRow = prepare(
    `UPDATE remote_conversations SET content_hash = ?, seq = ?, ${contentColumns.map((name) => `${name} = ?`).join(", ")}
     WHERE key = ?`
  )
  const touch = prepare(
    `UPDATE remote_conversations SET stored_messages = ?, expired_messages = ?, raw_complete = ?, fingerprint = ?, observed_at = ?, answered_at = ?, page_id = ?,
       seq = ?, ${present} WHERE key = ?`
  )
  const selectContact = prepare("SELECT contact_id FROM remote_conversations WHERE key = ?").pluck()
  const setStored = prepare(
    "UPDATE remote_conversations SET stored_messages = ?, expired_messages = ?, seq = ? WHERE key = ?"
  )
  const revive = prepare(`UPDATE remote_conversations SET seq = ?, ${present} WHERE key = ?`)
  const recordStatus = makeStatusHistory(session)
  // A change of ours that was confirmed, and that the history does not know yet.
  const untoldChange = prepare(
    `SELECT 1 FROM status_changes c
     WHERE c.conversation_id = ? AND c.state = 'confirmed' AND c.to_status = ?
       AND c.id = (SELECT max(id) FROM status_changes o WHERE o.conversation_id = c.conversation_id AND o.sent_at IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM status_history h WHERE h.conversation_id = c.conversation_id AND h.observed_at >= c.sent_at)`
  ).pluck()

  const contactOf = (context: PageContext, sighting: Shown): string | null => {
    const { contact, conversation } = sighting
    const written = contact === null ? null : contacts.write(context, contact, conversation)
    if (conversation.contactId === null) return null
    return conversation.contactId === contact?.providerId
      ? written
      : contacts.writeUnknown(context, conversation.contactId)
  }

  const insert = (context: PageContext, id: string, sighting: Shown): number => {
    const { conversation, fingerprint } = sighting
    const content = contentOf(conversation)
    const items = withoutRepeats(context, sighting.messages?.items ?? [])
    const contactId = contactOf(context, sighting)
    const { lastInsertRowid } = insertRow.run(
      id,
      context.connection,
      conversation.providerId,
      items.length,
      context.requestedAt,
      context.answeredAt,
      context.now,
      fingerprint,
      context.pageId,
      context.pageId,
      sighting.expired,
      sighting.expired === 0 ? 1 : 0,
      contentHash(content),
      ...rowValues(content, contactId)
    )
    const key = Number(lastInsertRowid)
    context.tally.inserted += 1
    recordStatus({
      conversationId: id,
      from: null,
      to: conversation.status,
      providerStatus: conversation.providerStatus,
      origin: "provider",
      observedAt: context.requestedAt,
      runId: context.runId,
      seq: context.pageId
    })
    messages.insertAll(context, key, items)
    if (items.length > 0) activity.write(key, items)
    return key
  }

  /** Returns how many messages are stored. */
  const writeMessages = (
    context: PageContext,
    id: string,
    sighting: Shown,
    stored: StoredConversation
  ): number => {
    if (sighting.messages === null) return stored.stored_messages
    const { tally } = context
    const { conversation } = sighting
    const { extent, items } = sighting.messages
    const written = tally.inserted + tally.updated
    const count =
      extent === "whole"
        ? messages.replaceAll(context, stored.key, items, mustList(sighting))
        : messages.addNewest(context, stored.key, items)
    const isSame = count === stored.stored_messages && written === tally.inserted + tally.updated
    if (count === 0 && !isSame) activity.remove(stored.key)
    else if (!isSame) activity.refresh(stored.key, id)
    // Where it was opened again, a new session may begin.
    else if (count > 0 && conversation.status !== stored.status) activity.refresh(stored.key, id)
    return count
  }

  /** Payloads of messages that are gone at the vendor would bring them back with the next rebuild. */
  const dropRawMessages = (
    context: PageContext,
    sighting: Shown,
    { key, stored_messages }: StoredConversation,
    count: number
  ): void => {
    const { messages } = sighting
    const mayHaveGone = count < stored_messages || sighting.raw.some(({ kind }) => kind === messageKind)
    if (!mayHaveGone || messages === null || !showsAll(sighting)) return
    raw.forgetMessages(
      context,
      key,
      messages.items.map(({ providerId }) => providerId)
    )
  }

  const noteStatus = (
    context: PageContext,
    id: string,
    stored: StoredConversation,
    conversation: Conversation
  ) => {
    const { status, providerStatus } = conversation
    if (stored.status === status && stored.provider_status === providerStatus) return
    const isOurs = stored.status !== status && untoldChange.get(id, status) !== undefined
    const origin = isOurs ? "local" : "provider"
    const { pageId, requestedAt, runId } = context
    recordStatus({
      conversationId: id,
      from: stored.status,
      to: status,
      providerStatus,
      origin,
      observedAt: requestedAt,
      runId,
      seq: pageId
    })
  }

  const refresh = (context: PageContext, id: string, stored: StoredConversation, sighting: Shown): void => {
    const { tally } = context
    // Only the list may say it, and what the list said is not among the payloads any more.
    const lacksListed = stored.raw_complete === 0 && !context.isListed && context.replay === null
    const kept = withKept(sighting, stored)
    const shown = lacksListed ? withHeld(kept, storedContent(stored.key)) : kept
    const isLearned = context.replay !== null && stored.content_hash === learnedByPush
    const conversation = isLearned ? withLearned(shown, storedContent(stored.key)) : shown
    const contactId = contactOf(context, sighting)
    const content = contentOf(conversation)
    const newHash = contentHash(content)
    // A row that is compared may not even be what its hash says.
    const isDoubted = context.replay !== null || context.lookedUp !== null
    const isSame =
      newHash === (isDoubted ? contentHash(storedContent(stored.key)) : stored.content_hash) &&
      conversation.status === stored.status &&
      conversation.providerStatus === stored.provider_status
    const wasGone = context.replay === null && (stored.deleted_at ?? stored.merged_at) !== null
    if (!isSame) {
      noteStatus(context, id, stored, conversation)
      const contactBefore = selectContact.get(stored.key) as string | null
      updateRow.run(
        isLearned ? learnedByPush : newHash,
        context.pageId,
        ...rowValues(content, contactId),
        stored.key
      )
      if (contactBefore !== null && contactBefore !== contactId) contacts.left(context, contactBefore)
    }
    tally[isSame && !wasGone ? "unchanged" : "updated"] += 1
    const count = writeMessages(context, id, sighting, stored)
    const expired = expiredOf(context, sighting, stored)
    const isCounted = count === stored.stored_messages && expired === stored.expired_messages
    if (context.replay !== null) {
      if (!isCounted) setStored.run(count, expired, context.pageId, stored.key)
      return
    }
    dropRawMessages(context, sighting, stored, count)
    const rawComplete = rawCompleteOf(context, sighting, stored)
    const isUntouched =
      isSame &&
      isCounted &&
      rawComplete === stored.raw_complete &&
      sighting.fingerprint === stored.fingerprint &&
      isPresent(stored) &&
      stored.observed_at <= context.believed
    const { answeredAt, believed, pageId, requestedAt } = context
    if (isUntouched) recent.note(stored.key, { requestedAt, answeredAt }, believed)
    else
      touch.run(
        count,
        expired,
        rawComplete,
        sighting.fingerprint,
        requestedAt,
        answeredAt,
        pageId,
        pageId,
        stored.key
      )
  }

  /** Whether other payloads of the conversation were stored since those were read that the page was made from. */
  const isReplayOvertaken = ({ connection, replay }: PageContext, providerId: string): boolean => {
    const madeFrom = replay?.get(providerId)
    return madeFrom !== undefined && madeFrom !== raw.version(connection, providerId)
  }

  /** Whether what is stored of a conversation was read later. */
  const isOld = (
    context: PageContext,
    { providerId, updatedAt }: Conversation,
    stored: StoredConversation
  ): boolean => {
    if (isBeforeProof(stored, context)) return true
    // It was looked up as it is, and only then requested: no clock can contradict that.
    if (context.lookedUp?.get(providerId) === stored.observed_at) return false
    const { answeredAt, believed, overwrites, requestedAt } = context
    const span = recent.latest(stored.key, storedSpan(stored, believed), believed)
    const held = { updatedAt: stored.updated_at, ...span }
    return isStale({ updatedAt: overwrites ? null : updatedAt, requestedAt, answeredAt }, held, believed)
  }

  /** Payloads hold the messages that are let go: none are kept of a conversation that has such. */
  const writeRaw = (context: PageContext, key: number, sighting: Shown): void => {
    if (sighting.expired === 0) raw.write(context, key, sighting)
    else raw.removeAll(context, key)
  }

  /** Returns the row's key; null: there is none. */
  const write = (context: PageContext, seen: Sighting): number | null => {
    const { tally } = context
    const sighting = withoutExpired(seen, context.messagesBefore)
    const { conversation } = sighting
    tally.filtered += sighting.expired
    const id = `${context.connection}:${conversation.providerId}`
    tally.conversations += 1
    tally.messages += sighting.messages?.items.length ?? 0
    const stored = find.get(id) as StoredConversation | undefined
    if (isReplayOvertaken(context, conversation.providerId)) {
      tally.unchanged += recordsIn(sighting)
      return stored?.key ?? null
    }
    if (stored === undefined) {
      const key = insert(context, id, sighting)
      quarantine.settle(context, sighting)
      // Also of a replay: what was in quarantine is nowhere else.
      writeRaw(context, key, sighting)
      return key
    }
    if (context.replay === null && isOld(context, conversation, stored)) {
      tally.unchanged += recordsIn(sighting)
      tally.overtaken += 1
      exists(stored, context)
      return stored.key
    }
    refresh(context, id, stored, sighting)
    quarantine.settle(context, sighting)
    if (context.replay === null) writeRaw(context, stored.key, sighting)
    return stored.key
  }

  /** The vendor still lists it, whatever else is said. */
  const exists = (stored: Standing, context: PageContext): void => {
    if (!isPresent(stored) && !isBeforeProof(stored, context)) revive.run(context.pageId, stored.key)
  }

  const exist = (context: PageContext, rows: ReadonlyArray<ListedRow>): void => {
    for (const [key, missing_since, deleted_at, merged_at] of rows) {
      exists({ key, missing_since, deleted_at, merged_at }, context)
    }
  }

  /** Conversations that were listed and not looked into. Returns the keys of the rows that there are. */
  const listed = (context: PageContext, providerIds: ReadonlyArray<string>): ReadonlyArray<number> => {
    if (providerIds.length === 0) return []
    const rows = findListed.all(JSON.stringify(providerIds), context.connection) as ReadonlyArray<ListedRow>
    exist(context, rows)
    return rows.map(([key]) => key)
  }

  /** Conversations that the list proves to be as stored. Returns the keys of the rows that there are. */
  const unchanged = (context: PageContext, items: ReadonlyArray<Unchanged>): ReadonlyArray<number> => {
    const keys: Array<number> = []
    const others: Array<string> = []
    for (const { key, providerId } of items) {
      if (key === undefined) others.push(providerId)
      else keys.push(key)
    }
    if (keys.length > 0) exist(context, findGone.all(JSON.stringify(keys)) as ReadonlyArray<ListedRow>)
    keys.push(...listed(context, others))
    const { answeredAt, believed, requestedAt } = context
    const span = { requestedAt, answeredAt }
    for (const key of keys) recent.note(key, span, believed)
    return keys
  }

  /** Whether a newer sighting of the conversation is stored. */
  const isOvertaken = (context: PageContext, providerId: string): boolean => {
    if (isReplayOvertaken(context, providerId)) return true
    const id = `${context.connection}:${providerId}`
    const stored = find.get(id) as StoredConversation | undefined
    if (stored === undefined) return false
    const { requestedAt } = recent.latest(stored.key, storedSpan(stored, context.believed), context.believed)
    return context.requestedAt < requestedAt
  }

  return { write, listed, unchanged, isOvertaken } as const
}
