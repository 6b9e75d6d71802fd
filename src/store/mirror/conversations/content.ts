import { hash } from "node:crypto"
import type { Conversation } from "../../../domain/Conversation.ts"
import { canonicalJson } from "../../../domain/exactJson.ts"
import type { Session } from "../../Db.ts"

/** What a vendor says of a conversation, nearly as its columns have it. */
export interface Content extends Omit<Conversation, "providerId" | "tags" | "attributes"> {
  /** JSON. */
  readonly tags: string
  /** Canonical JSON. */
  readonly attributes: string
}

/** As SQLite has it. */
export interface StoredContent extends Omit<Content, "qualified"> {
  readonly qualified: 0 | 1 | null
}

/** The columns, in the order that `contentHash` has always had: hashes are stored. */
const columns: Readonly<Record<keyof Content, string>> = {
  contactId: "contact_id",
  channel: "channel",
  providerChannel: "provider_channel",
  status: "status",
  providerStatus: "provider_status",
  agentId: "agent_id",
  campaignId: "campaign_id",
  title: "title",
  summary: "summary",
  qualified: "qualified",
  qualificationReason: "qualification_reason",
  tags: "tags",
  attributes: "attributes",
  declaredMessages: "declared_messages",
  startedAt: "started_at",
  lastMessageAt: "last_message_at",
  updatedAt: "updated_at"
}

const fields = Object.keys(columns) as ReadonlyArray<keyof Content>

export const contentColumns: ReadonlyArray<string> = Object.values(columns)

const valuesOf = (content: Content) => fields.map((field) => content[field] ?? null)

export const contentOf = (conversation: Conversation): Content => ({
  ...conversation,
  tags: JSON.stringify(conversation.tags),
  attributes: canonicalJson(conversation.attributes)
})

/** What to write into `contentColumns`. @param contactId the key of the contact's row */
export const rowValues = (content: Content, contactId: string | null) =>
  valuesOf({ ...content, contactId }).map((value) => (typeof value === "boolean" ? Number(value) : value))

/** What to select for a `Content` from the alias `r` of `remote_conversations`, but for its `contactId`. */
export const selectedContent = fields
  .filter((field) => field !== "contactId")
  .map((field) => `r.${columns[field]} AS ${field}`)
  .join(", ")

/** In the place of a row's hash: a push has read something since the payloads came, so that the next sighting is news. */
export const learnedByPush = ""

export const contentHash = (content: Content): string => hash("sha1", JSON.stringify(valuesOf(content)))

/** What the row with a key holds, with the vendor's id of the contact. */
export const makeStoredContent = ({ prepare }: Session) => {
  const select = prepare(
    `SELECT substr(r.contact_id, length(r.connection) + 2) AS contactId, ${selectedContent}
     FROM remote_conversations r WHERE r.key = ?`
  )
  return (key: number): Content => {
    const row = select.get(key) as StoredContent
    return { ...row, qualified: row.qualified === null ? null : row.qualified === 1 }
  }
}
