import type { Status } from "./Status.ts"
import type { Timestamp } from "./Timestamp.ts"

/** Who wrote a message, on whichever side. */
export type Role = "customer" | "agent" | "human" | "system" | "unknown"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/** Every field that has no column of its own, under the vendor's name; `ownAttributes` are beside them. */
export type Attributes = JsonObject

/** Attributes that are named here, and the same for every vendor: what analysts' tables are made from. */
export const ownAttributes = {
  /** Of any record: an object of the fields that the vendor does not document. */
  other: "$other",
  /** Of a message of a person on our side: the vendor's id of that person. */
  author: "$author",
  /** Of a conversation: a list of `RecordedHandoff`. */
  handoffs: "$handoffs",
  /** Of a conversation: the `Person` it is assigned to. */
  assignee: "$assignee"
} as const

/** A hand-off to a person that the vendor recorded. A type and not an interface: it is JSON. */
export type RecordedHandoff = {
  readonly requested_at: Timestamp | null
  readonly accepted_at: Timestamp | null
  readonly completed_at: Timestamp | null
  /** The vendor's id of who accepted. */
  readonly accepted_by: string | null
}

/** Somebody on our side, as the vendor tells of them. */
export type Person = {
  /** The vendor's id. */
  readonly id: string | null
  readonly name: string | null
  readonly email: string | null
}

/**
 * A conversation as a vendor was seen to hold it. Ids are the vendor's own, as text, unique within the connection;
 * the store prefixes them with the connection's name.
 */
export interface Conversation {
  readonly providerId: string
  /** The vendor's id of the contact, or null where it names none. */
  readonly contactId: string | null
  /** The normalized word; `providerChannel` is the vendor's. */
  readonly channel: string | null
  readonly providerChannel: string | null
  readonly status: Status
  /** The vendor's own word, verbatim; null where it sent none. */
  readonly providerStatus: string | null
  readonly agentId: string | null
  readonly campaignId: string | null
  readonly title: string | null
  readonly summary: string | null
  readonly qualified: boolean | null
  readonly qualificationReason: string | null
  readonly tags: ReadonlyArray<string>
  readonly attributes: Attributes
  /**
   * How many messages the vendor says there are; null where it does not say. Left out: none of its records ever says, and
   * what was declared in another way stays.
   */
  readonly declaredMessages?: number | null
  readonly startedAt: Timestamp | null
  readonly lastMessageAt: Timestamp | null
  /** The vendor's time of its last change, which orders sightings; null where the vendor has none. */
  readonly updatedAt: Timestamp | null
}

export interface Message {
  /** Unique within the conversation and the same on every sighting: the vendor's id, or one made from the content. */
  readonly messageId: string
  /** The vendor's id; null where it gives none. */
  readonly providerId: string | null
  readonly role: Role
  readonly providerRole: string | null
  /** The vendor's word: text, attachment, … */
  readonly type: string
  /** What was said, as text; null where the message has none (an image without a caption). */
  readonly content: string | null
  readonly sentAt: Timestamp | null
  /** Where `sentAt` was taken from, in the vendor's names, e.g. `timestamp`, `status[0].timestamp`, `messageId`. */
  readonly sentAtSource: string | null
  readonly attributes: Attributes
}

/**
 * The kind under which an unreadable answer is kept that was to bring a conversation's messages: with the next one that
 * can be read, all is well. Its id is the conversation's.
 */
export const messageListKind = "message-list"

/**
 * The kind under which a conversation is kept that is listed again although the provider says that it does not exist by
 * its id. Nothing can be read of it offline: it is settled once an answer shows it, or once it is no longer listed. Its
 * id is the conversation's.
 */
export const missingDetailKind = "missing-detail"

/** What adapters call a record as a list shows it. */
export const listedKinds = ["conversation", "contact"] as const

/** What is learned of a connection: digests of the ids that its last scans missed so, as a JSON list. */
export const missingFact = "missing-by-id"

/** A field that is null here was not said; it does not erase what an earlier sighting said. */
export interface Contact {
  readonly providerId: string
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly attributes: Attributes
  /**
   * True: this is the vendor's own record of the contact, so that what it leaves out is not there any more. Left out: a
   * conversation tells of its contact, and what it does not say may have been said elsewhere.
   */
  readonly isWhole?: boolean
}

const channels: Readonly<Record<string, string>> = {
  web: "web",
  "web-chat": "web",
  webchat: "web",
  facebook: "messenger",
  messenger: "messenger",
  vapi: "voice",
  telephony: "voice",
  voice: "voice"
}

/** The normalized channel; an unmapped word stays as it is. WhatsApp's carriers all carry its name. */
export const normalizeChannel = (vendorWord: string | null): string | null => {
  if (vendorWord === null || vendorWord === "") return null
  const word = vendorWord.toLowerCase()
  return word.includes("whatsapp") ? "whatsapp" : (channels[word] ?? vendorWord)
}

const roles: Readonly<Record<string, Role>> = {
  incoming: "customer",
  user: "customer",
  lead: "customer",
  customer: "customer",
  agent: "agent",
  bot: "agent",
  assistant: "agent",
  ai_agent: "agent",
  workflow: "agent",
  broadcast: "agent",
  api: "agent",
  human: "human",
  system: "system"
}

/** The shared part of the map; a vendor whose word means something else (`human` for the customer) says so itself. */
export const normalizeRole = (vendorWord: string | null): Role =>
  vendorWord === null ? "unknown" : (roles[vendorWord.toLowerCase()] ?? "unknown")
