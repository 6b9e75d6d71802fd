import type { Status } from "../../domain/Status.ts"
import type { RequestedChange } from "../../domain/StatusChange.ts"
import type { Timestamp } from "../../domain/Timestamp.ts"
import type { Refusal } from "../../providers/Provider.ts"
import type { Session } from "../Db.ts"
import { findConversation, type MirroredConversation } from "../read/findConversation.ts"
import {
  changeById,
  encodeFields,
  inFlightStates,
  newestOf,
  type OutboxChange,
  recordStep
} from "./changeRows.ts"

export interface Request {
  /** Of the conversation, in any of the forms `findConversation` takes. */
  readonly id: string
  readonly requested: RequestedChange
  /** For the change's story: `set-status`, `push --undo 12`. */
  readonly requestedBy: string
  /** Someone has to approve it before it is sent; left out: no one has. */
  readonly isProposal?: boolean
  /** The check of the change by the provider of this connection, before anything is sent. */
  readonly refuse: (requested: RequestedChange, connection: string) => Refusal | null
}

export type Asked =
  /** It is in the outbox. `replaced` was pending and is cancelled; `heldBackBy` is on its way and goes first. */
  | {
      readonly _tag: "Asked"
      readonly change: OutboxChange
      readonly replaced: OutboxChange | null
      readonly heldBackBy: OutboxChange | null
    }
  /** The same change is open already. */
  | { readonly _tag: "AlreadyAsked"; readonly change: OutboxChange }
  /** The mirror already holds it. `takenBack` was a pending change to something else, and is cancelled. */
  | {
      readonly _tag: "NothingToDo"
      readonly conversationId: string
      readonly status: Status
      readonly takenBack: OutboxChange | null
    }
  | ({ readonly _tag: "Refused" } & Refusal)

const isSameRequest = (one: RequestedChange, other: RequestedChange): boolean =>
  one.status === other.status &&
  one.providerStatus === other.providerStatus &&
  one.category === other.category &&
  one.summary === other.summary &&
  one.title === other.title &&
  JSON.stringify(one.tags) === JSON.stringify(other.tags)

/** The statuses that a connection's provider accepts, with its own words. */
const writableStatuses = (session: Session, connection: string): ReadonlyMap<string, string> =>
  new Map(
    session
      .prepare("SELECT status, provider_status FROM writable_statuses WHERE connection = ? ORDER BY status")
      .raw()
      .all(connection) as ReadonlyArray<[string, string]>
  )

const cannotTake = (
  session: Session,
  { connection, provider }: { readonly connection: string; readonly provider: string },
  status: string
): Refusal | null => {
  const writable = writableStatuses(session, connection)
  if (writable.has(status)) return null
  const words = [...writable].map(([word, written]) => (word === written ? word : `${word} (\`${written}\`)`))
  return {
    message: `\`${status}\` cannot be written to \`${connection}\`: ${provider} has no such status to set`,
    hint: words.length === 0 ? "Nothing can be written there." : `It takes ${words.join(", ")}.`
  }
}

/** Cancels a pending change. */
export const withdraw = (session: Session, change: OutboxChange, reason: string, at: Timestamp): void => {
  session
    .prepare("UPDATE status_changes SET state = 'cancelled', ended_at = ?, last_error = ? WHERE id = ?")
    .run(at, reason, change.id)
  recordStep(session, change.id, { at, state: "cancelled", detail: reason, runId: null })
}

/** A request that has passed every rule, and what it meets in the outbox. */
export interface Admissible {
  readonly _tag: "Admissible"
  readonly conversation: MirroredConversation
  /** Not sent yet: it is replaced. */
  readonly pending: OutboxChange | null
  /** On its way: the new change follows it. */
  readonly inFlight: OutboxChange | null
}

/** What would become of a request. `takesBack` is pending, and would be cancelled. */
export type Verdict =
  | Admissible
  | Extract<Asked, { _tag: "AlreadyAsked" | "Refused" }>
  | {
      readonly _tag: "NothingToDo"
      readonly conversation: MirroredConversation
      readonly takesBack: OutboxChange | null
    }

/** Decides about a request by the rules of one open change per conversation. Writes nothing. */
export const judge = (session: Session, request: Request): Verdict => {
  const conversation = findConversation(session, request.id)
  if ("message" in conversation) return { _tag: "Refused", ...conversation }
  const { requested } = request
  const refuse = (refusal: Refusal): Verdict => ({ _tag: "Refused", ...refusal })
  if (requested.status === null && encodeFields(requested) === null) {
    return refuse({ message: "nothing was requested", hint: "Name a status, a title or a tag." })
  }
  if (conversation.deletedAt !== null) {
    return refuse({
      message: `\`${conversation.id}\` no longer exists at the provider (since ${conversation.deletedAt})`,
      hint: "Its status cannot be changed."
    })
  }
  if (conversation.mergedInto !== null) {
    return refuse({
      message: `\`${conversation.id}\` was merged into \`${conversation.mergedInto}\` at the provider`,
      hint: "Request the status of that one."
    })
  }
  const pending = newestOf(session, conversation.id, "('pending')")
  const inFlight = newestOf(session, conversation.id, inFlightStates)
  const newest = pending ?? inFlight
  if (newest !== null && isSameRequest(newest.requested, requested))
    return { _tag: "AlreadyAsked", change: newest }

  const held =
    (requested.providerStatus === undefined
      ? requested.status === null || requested.status === conversation.status
      : requested.providerStatus === conversation.providerStatus) &&
    (requested.title === null || requested.title === conversation.title) &&
    requested.tags.every((tag) => conversation.tags.includes(tag))
  if (held && inFlight === null) return { _tag: "NothingToDo", conversation, takesBack: pending }
  const refusal =
    (requested.status === null || requested.providerStatus !== undefined
      ? null
      : cannotTake(session, conversation, requested.status)) ??
    request.refuse(requested, conversation.connection)
  return refusal === null ? { _tag: "Admissible", conversation, pending, inFlight } : refuse(refusal)
}

const insert = (
  session: Session,
  { conversation, inFlight, pending }: Admissible,
  { isProposal = false, requested, requestedBy }: Request,
  at: Timestamp
): Asked => {
  const proposal = newestOf(session, conversation.id, "('proposed')")
  if (proposal !== null) withdraw(session, proposal, "replaced by a newer request", at)
  // What is pending stays until the proposal is approved.
  const replaced = isProposal ? null : pending
  if (replaced !== null) withdraw(session, replaced, "replaced by a newer request", at)
  const id = session
    .prepare(
      `INSERT INTO status_changes
        (conversation_id, from_status, from_provider_status, to_status, to_provider_status, category, summary, fields,
         requested_at, requested_by, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`
    )
    .pluck()
    .get(
      conversation.id,
      conversation.status,
      conversation.providerStatus,
      requested.status,
      requested.providerStatus ?? null,
      requested.category,
      requested.summary,
      encodeFields(requested),
      at,
      requestedBy,
      isProposal ? "proposed" : "pending"
    ) as number
  const change = changeById(session, id)
  if (change === null) throw new Error(`change ${id} is not there right after it was written`)
  return { _tag: "Asked", change, replaced, heldBackBy: inFlight }
}

/** A proposed change becomes pending, in place of one that is. Runs inside a transaction. */
export const approve = (session: Session, change: OutboxChange, at: Timestamp): void => {
  const pending = newestOf(session, change.conversationId, "('pending')")
  if (pending !== null) withdraw(session, pending, `replaced by change ${change.id}`, at)
  session.prepare("UPDATE status_changes SET state = 'pending' WHERE id = ?").run(change.id)
  recordStep(session, change.id, { at, state: "pending", detail: "approved", runId: null })
}

/** Does what `judge` has decided, in the same transaction. A refusal writes nothing. */
export const carryOut = (session: Session, verdict: Verdict, request: Request, at: Timestamp): Asked => {
  switch (verdict._tag) {
    case "Admissible":
      return insert(session, verdict, request, at)
    case "NothingToDo": {
      const { conversation, takesBack } = verdict
      // A proposal takes nothing back: that is for who approves.
      if (takesBack !== null && request.isProposal !== true) withdraw(session, takesBack, "taken back", at)
      return {
        _tag: "NothingToDo",
        conversationId: conversation.id,
        status: conversation.status,
        takenBack: request.isProposal === true ? null : takesBack
      }
    }
    default:
      return verdict
  }
}

/** Puts a change into the outbox, by the rules of one open change per conversation. Runs inside a transaction. */
export const askForChange = (session: Session, request: Request, at: Timestamp): Asked =>
  carryOut(session, judge(session, request), request, at)
