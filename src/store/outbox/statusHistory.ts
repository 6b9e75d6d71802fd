import type { Session } from "../Session.ts"

/** A status that a conversation was seen to have. */
interface SeenStatus {
  readonly conversationId: string
  /** Null: it was not seen before. */
  readonly from: string | null
  readonly to: string
  readonly providerStatus: string | null
  readonly origin: "provider" | "local"
  readonly observedAt: string
  readonly runId: number
  readonly seq: number
}

/** Writes rows of `status_history`. A status that a change of ours is about to set is ours, whoever sees it first. */
export const makeStatusHistory = ({ prepare }: Pick<Session, "prepare">) => {
  const underWay = prepare(
    "SELECT 1 FROM status_changes WHERE conversation_id = ? AND to_status = ? AND state IN ('sending', 'queued', 'sent')"
  ).pluck()
  const insert = prepare(
    `INSERT INTO status_history (conversation_id, from_status, to_status, provider_status, origin, observed_at, run_id, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
  )
  return (seen: SeenStatus): void => {
    const { conversationId, from, observedAt, providerStatus, runId, seq, to } = seen
    const origin = from !== null && underWay.get(conversationId, to) !== undefined ? "local" : seen.origin
    insert.run(conversationId, from, to, providerStatus, origin, observedAt, runId, seq)
  }
}
