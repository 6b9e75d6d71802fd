import type { Conversation } from "../../domain/Conversation.ts"
import type { Session } from "../Db.ts"
import { conversationHash } from "./canonical.ts"

type Hashed = Omit<Conversation, "qualified" | "tags" | "attributes" | "providerId"> & {
  readonly qualified: number | null
  readonly tags: string
  readonly attributes: string
}

/**
 * The hash of what a row really holds, which is not its `content_hash` if the file was edited by hand.
 * For `rebuild`, which trusts the payloads alone.
 */
export const makeStoredHash = ({ prepare }: Session) => {
  const select = prepare(
    `SELECT substr(contact_id, length(connection) + 2) AS contactId, channel, provider_channel AS providerChannel, status,
       provider_status AS providerStatus, agent_id AS agentId, campaign_id AS campaignId, title, summary, qualified,
       qualification_reason AS qualificationReason, tags, attributes, declared_messages AS declaredMessages,
       started_at AS startedAt, last_message_at AS lastMessageAt, updated_at AS updatedAt
     FROM remote_conversations WHERE key = ?`
  )
  return (key: number): string => {
    const row = select.get(key) as Hashed
    const qualified = row.qualified === null ? null : row.qualified === 1
    return conversationHash(
      { ...row, providerId: "", qualified, tags: [], attributes: {} },
      row.tags,
      row.attributes
    )
  }
}
