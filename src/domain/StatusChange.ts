import type { Status, WantedStatus } from "./Status.ts"
import type { Timestamp } from "./Timestamp.ts"

/** `pending → sending → (queued ⇄) → sent → confirmed`, or one of the other three ends. `proposed`: it waits for approval. */
export type ChangeState =
  | "proposed"
  | "pending"
  | "sending"
  | "queued"
  | "sent"
  | "confirmed"
  | "rejected"
  | "conflict"
  | "cancelled"

/** What was requested here for a conversation at the vendor. */
export interface RequestedChange {
  readonly status: WantedStatus | null
  /** The vendor's own word that is to be shown again, as it is read; left out: any of its words for `status` will do. */
  readonly providerStatus?: string
  /** The name of a closing note, where the vendor takes one. */
  readonly category: string | null
  /** The note's text, only beside a category. */
  readonly summary: string | null
  /** The conversation's title, where the vendor takes one. */
  readonly title: string | null
  /** Where the vendor takes them: merged into what is there, never removed. */
  readonly tags: ReadonlyArray<string>
}

/** A requested change on its way to the vendor. */
export interface StatusChange {
  readonly id: number
  readonly connection: string
  readonly conversationId: string
  /** The vendor's id of the conversation. */
  readonly providerId: string
  readonly agentId: string | null
  /** What the mirror held when the change was requested. */
  readonly fromStatus: Status
  readonly requested: RequestedChange
  readonly state: ChangeState
  readonly attempts: number
  readonly notBefore: Timestamp | null
  readonly lastError: string | null
  readonly requestedAt: Timestamp
  readonly requestedBy: string
  readonly sentAt: Timestamp | null
}
