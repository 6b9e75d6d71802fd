import type { ChangeState, RequestedChange } from "../../domain/StatusChange.ts"
import { type Timestamp, toMillis } from "../../domain/Timestamp.ts"
import type { RemoteState } from "../../providers/Provider.ts"
import type { OutboxChange } from "../../store/outbox/Outbox.ts"

/** Who wins where the provider's status has changed since a change was requested. */
export type ConflictPolicy = "manual" | "remote-wins" | "local-wins"

/** What becomes of a change, given what the provider was just read to hold. */
export type Decision =
  /** The provider holds it. */
  | { readonly _tag: "Confirm"; readonly reason: string }
  /** It surely was not applied: it may leave, or leave again. */
  | { readonly _tag: "Send"; readonly reason: string }
  /** The provider accepted it and does not show it yet. */
  | { readonly _tag: "Wait"; readonly reason: string }
  | {
      readonly _tag: "End"
      readonly state: "rejected" | "conflict" | "cancelled"
      readonly reason: string
    }

/** Milliseconds within which a change that the provider accepted must show; after that something undid it. */
const acceptedWithin = 10 * 60_000

/** How people write a status: the provider's own word, where it has one. */
export const inWords = (status: string, providerStatus: string | null): string =>
  providerStatus === null || providerStatus === status ? `\`${status}\`` : `\`${providerStatus}\` (${status})`

const wordsOf = (state: RemoteState): string => inWords(state.status, state.providerStatus)

/**
 * Whether the provider holds the status that is wanted. Two of its words may mean the same: either is fine, unless one of
 * them is to be shown again.
 */
export const hasStatus = ({ providerStatus, status }: RequestedChange, state: RemoteState): boolean =>
  providerStatus === undefined
    ? status === null || status === state.status
    : providerStatus === state.providerStatus

/** Whether the provider holds everything requested. Tags are merged there: others may stand beside ours. */
const hasAll = (requested: RequestedChange, state: RemoteState): boolean =>
  hasStatus(requested, state) &&
  (requested.title === null || requested.title === state.title) &&
  requested.tags.every((tag) => state.tags.includes(tag))

/**
 * Whether the provider's status is another than what the change was asked on. Its own words are compared, because two
 * of them may read as the same status and still not be the same thing: a person taking over a chat that was waiting.
 */
const movedAway = ({ fromProviderStatus, found }: OutboxChange, state: RemoteState): boolean =>
  state.providerStatus !== fromProviderStatus &&
  (found === null || state.providerStatus !== found.providerStatus)

const lost = (policy: ConflictPolicy, what: string): Decision => {
  switch (policy) {
    case "manual":
      return { _tag: "End", state: "conflict", reason: what }
    case "remote-wins":
      return { _tag: "End", state: "cancelled", reason: `${what}; the provider wins here` }
    case "local-wins":
      return { _tag: "Send", reason: `${what}; the change requested here wins` }
  }
}

/** Something about the conversation changed at the provider since it was read just before the change was sent. */
const touchedSince = ({ found }: OutboxChange, state: RemoteState): boolean =>
  found !== null &&
  found.updatedAt !== null &&
  state.updatedAt !== null &&
  found.updatedAt !== state.updatedAt

/** Vendors write the same moment in seconds and in milliseconds. */
const isSameMoment = (one: Timestamp, other: Timestamp | null): boolean =>
  other !== null &&
  (one === other ||
    ((one.endsWith(".000Z") || other.endsWith(".000Z")) && one.slice(0, 19) === other.slice(0, 19)))

/** The latest moment that a vendor's time may mean, epoch milliseconds: one in whole seconds means all of its second. */
const latestMoment = (time: Timestamp): number => toMillis(time) + (time.endsWith(".000Z") ? 999 : 0)

/**
 * The provider changed the conversation after the change was requested, by its own time of the last change. What the
 * mirror knew then, and what was read before an earlier sending, is no news; and its clock may differ from ours.
 */
const changedSinceRequest = (change: OutboxChange, { clockAhead = 0, updatedAt }: RemoteState): boolean =>
  updatedAt !== null &&
  !isSameMoment(updatedAt, change.fromUpdatedAt) &&
  !isSameMoment(updatedAt, change.found?.updatedAt ?? null) &&
  latestMoment(updatedAt) > toMillis(change.requestedAt) + clockAhead

/** Why a change that was never sent would overwrite something newer, though the status is what it was requested on. */
const outdated = (change: OutboxChange, state: RemoteState, elsewhere: Timestamp | null): string | null => {
  if (change.state !== "pending") return null
  const holds = `and holds ${wordsOf(state)}`
  if (changedSinceRequest(change, state)) {
    return `requested at ${change.requestedAt}, but the conversation was changed there at ${state.updatedAt} ${holds}`
  }
  const isUnknown = state.updatedAt === null && change.attempts === 0 && elsewhere !== null
  return isUnknown && change.requestedAt <= elsewhere
    ? `a copy or a newer state of this mirror may have sent it: the provider gives no time of its last change, ${holds}`
    : null
}

const notShown = (
  change: OutboxChange,
  state: RemoteState,
  policy: ConflictPolicy,
  at: Timestamp
): Decision => {
  const holds = `the provider holds ${wordsOf(state)}`
  switch (
    change.state as Exclude<ChangeState, "proposed" | "confirmed" | "rejected" | "conflict" | "cancelled">
  ) {
    case "pending":
      return { _tag: "Send", reason: holds }
    case "sending":
    case "queued":
      // Applied and then changed back looks the same as not applied, but for the time of the last change.
      return touchedSince(change, state)
        ? lost(
            policy,
            `it is not known whether the change was applied: ${holds}, and touched the conversation since`
          )
        : { _tag: "Send", reason: `${holds}: the change was not applied` }
    case "sent":
      return change.sentAt !== null && toMillis(at) - toMillis(change.sentAt) < acceptedWithin
        ? { _tag: "Wait", reason: `accepted, but ${holds} still` }
        : lost(policy, `the provider accepted the change, but later held ${wordsOf(state)} again`)
  }
}

/**
 * Decides about an open change. The answer depends on nothing but the arguments.
 * @param state read after whatever happened to the change last; null: the conversation does not exist there.
 * @param elsewhere until when another copy of the mirror pushed; null: none is known of
 */
export const decide = (
  change: OutboxChange,
  state: RemoteState | null,
  policy: ConflictPolicy,
  at: Timestamp,
  elsewhere: Timestamp | null = null
): Decision => {
  const { requested } = change
  if (state === null) {
    return { _tag: "End", state: "rejected", reason: "the conversation no longer exists at the provider" }
  }
  if (hasAll(requested, state) || (change.state === "sent" && hasStatus(requested, state))) {
    return { _tag: "Confirm", reason: `the provider holds ${wordsOf(state)}` }
  }
  if (movedAway(change, state) && !hasStatus(requested, state)) {
    return lost(
      policy,
      `requested on ${inWords(change.fromStatus, change.fromProviderStatus)}, but the provider holds ${wordsOf(state)}`
    )
  }
  const reason = hasStatus(requested, state) ? null : outdated(change, state, elsewhere)
  return reason === null ? notShown(change, state, policy, at) : lost(policy, reason)
}
