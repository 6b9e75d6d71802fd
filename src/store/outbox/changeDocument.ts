import type { OutboxChange } from "./Outbox.ts"

/** A change as a program reads it, with the names of the table `status_changes`. */
export const changeDocument = (change: OutboxChange) => ({
  id: change.id,
  conversation_id: change.conversationId,
  connection: change.connection,
  from_status: change.fromStatus,
  from_provider_status: change.fromProviderStatus,
  to_status: change.requested.status,
  to_provider_status: change.requested.providerStatus ?? null,
  category: change.requested.category,
  summary: change.requested.summary,
  title: change.requested.title,
  tags: change.requested.tags,
  state: change.state,
  attempts: change.attempts,
  not_before: change.notBefore,
  last_error: change.lastError,
  found: change.found?.providerStatus ?? null,
  requested_at: change.requestedAt,
  requested_by: change.requestedBy,
  sent_at: change.sentAt,
  ended_at: change.endedAt,
  resolved_at: change.resolvedAt
})
