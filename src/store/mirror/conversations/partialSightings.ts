import type { Conversation } from "../../../domain/Conversation.ts"
import { parseExactly } from "../../../domain/exactJson.ts"
import type { Timestamp } from "../../../domain/Timestamp.ts"
import type { Sighting } from "../../../providers/Provider.ts"
import { isOlder } from "../../keep/retention.ts"
import type { PageContext } from "../context.ts"
import type { Content } from "./content.ts"

/** What a row says of parts that a sighting may leave out. */
export interface StoredParts {
  readonly last_message_at: Timestamp | null
  readonly declared_messages: number | null
  readonly expired_messages: number
  readonly raw_complete: 0 | 1
}

/** A sighting without the messages that are older than they are kept. */
export interface Shown extends Sighting {
  /** How many these are. */
  readonly expired: number
}

export const withoutExpired = (sighting: Sighting, before: number | null): Shown => {
  const { conversation, messages } = sighting
  if (before === null || messages === null) return { ...sighting, expired: 0 }
  const changed = conversation.lastMessageAt ?? conversation.updatedAt
  const of = changed === null ? null : Date.parse(changed)
  const items = messages.items.filter(
    ({ sentAt }) => !isOlder(sentAt === null ? null : Date.parse(sentAt), of, before)
  )
  const expired = messages.items.length - items.length
  return expired === 0 ? { ...sighting, expired } : { ...sighting, messages: { ...messages, items }, expired }
}

/** Records in a sighting: the conversation, its contact, its messages, and what of it did not decode. */
export const recordsIn = (sighting: Sighting): number =>
  1 +
  (sighting.contact === null ? 0 : 1) +
  (sighting.messages?.items.length ?? 0) +
  sighting.unreadable.length

/**
 * How many different messages a list of all of them must hold to prove that others are gone: as many as the vendor says
 * there are. What could not be read may be any of the others, so then no list proves it.
 */
export const mustList = ({ conversation, expired, unreadable }: Shown): number =>
  unreadable.length > 0 ? Number.POSITIVE_INFINITY : (conversation.declaredMessages ?? 0) - expired

/** Whether messages that the sighting does not show are gone. */
export const showsAll = (sighting: Shown): boolean => {
  const { messages } = sighting
  return (
    messages?.extent === "whole" &&
    new Set(messages.items.map(({ messageId }) => messageId)).size >= mustList(sighting)
  )
}

/** How many messages the provider has that were let go. */
export const expiredOf = (
  { replay }: PageContext,
  sighting: Shown,
  { expired_messages, raw_complete }: StoredParts
): number => {
  const isOfRows = replay !== null && raw_complete === 0
  if (isOfRows || sighting.messages?.extent !== "whole") return expired_messages
  return showsAll(sighting) ? sighting.expired : Math.max(sighting.expired, expired_messages)
}

/** Whether the conversation can be made again from its payloads: once some were let go, a listing that shows all brings them. */
export const rawCompleteOf = (
  context: PageContext,
  sighting: Shown,
  { raw_complete }: StoredParts
): 0 | 1 => {
  if (sighting.expired > 0) return 0
  return context.isListed && sighting.raw.length > 0 && showsAll(sighting) ? 1 : raw_complete
}

/**
 * Where stored messages stay that a sighting does not show, so does the time of the last one, if it gives none. What
 * could not be read may be the last one, so an earlier time beside it does not give it either. A count that was declared
 * stays where the vendor's records never have one.
 */
export const withKept = (sighting: Shown, stored: StoredParts): Conversation => {
  const { unreadable } = sighting
  const conversation =
    "declaredMessages" in sighting.conversation
      ? sighting.conversation
      : { ...sighting.conversation, declaredMessages: stored.declared_messages }
  const stated = conversation.lastMessageAt
  const kept = stored.last_message_at
  if (kept === null || (stated !== null && (unreadable.length === 0 || stated >= kept))) return conversation
  return showsAll(sighting) ? conversation : { ...conversation, lastMessageAt: kept }
}

/** The conversation as an answer shows it that may lack what only a list says: it takes nothing back. */
export const withHeld = (conversation: Conversation, held: Content): Conversation => {
  const said = Object.fromEntries(
    Object.entries(conversation).filter(([, value]) => value !== null)
  ) as Partial<Conversation>
  const { attributes, contactId, providerId, providerStatus, tags } = conversation
  return {
    ...held,
    ...said,
    contactId,
    providerId,
    providerStatus,
    tags,
    attributes: { ...(parseExactly(held.attributes) as Conversation["attributes"]), ...attributes }
  }
}

/** What a push has read is not in the payloads; only the reading of the vendor's word for a status may change. */
export const withLearned = (conversation: Conversation, learned: Content): Conversation => ({
  ...conversation,
  status: learned.providerStatus === conversation.providerStatus ? conversation.status : learned.status,
  providerStatus: learned.providerStatus,
  title: learned.title,
  tags: JSON.parse(learned.tags) as ReadonlyArray<string>,
  updatedAt: learned.updatedAt
})
