import type { RequestedChange, StatusChange } from "../../src/domain/StatusChange.ts"
import { now } from "../../src/domain/Timestamp.ts"

/** What is requested: a status, and nothing else unless `rest` says so. */
export const requested = (
  status: RequestedChange["status"],
  rest: Partial<RequestedChange> = {}
): RequestedChange => ({ status, category: null, summary: null, title: null, tags: [], ...rest })

/** A change of a conversation, as it is handed to an adapter: about to be sent for the first time. */
export const statusChange = (
  connection: string,
  providerId: string,
  change: Pick<StatusChange, "requested"> & Partial<StatusChange>
): StatusChange => ({
  id: 1,
  connection,
  conversationId: `${connection}:${providerId}`,
  providerId,
  agentId: null,
  fromStatus: "active",
  state: "sending",
  attempts: 0,
  notBefore: null,
  lastError: null,
  requestedAt: now(0),
  requestedBy: "test",
  sentAt: null,
  ...change
})
