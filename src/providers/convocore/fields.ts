import { ownAttributes, type Person, type RecordedHandoff } from "../../domain/Conversation.ts"
import { fromEpoch, toMillis } from "../../domain/Timestamp.ts"
import { filled } from "../kit/decode.ts"
import type { Conversation } from "./wire.ts"

/*
 * Where the fields go that have no column. https://docs.convocore.ai/api-reference/v3/conversations/update
 */

/** About the person rather than the conversation. */
export const personal = [
  "userAddress",
  "userCompany",
  "userWebsite",
  "userProfilePic",
  "userImage",
  "socialHandle",
  "isFollowingBusiness",
  "socialVerified"
] as const

/** Every documented field without a column. */
export const others = [
  ...personal,
  "notes",
  "userOs",
  "userBrowser",
  "whatsappPhoneNumberId",
  "whatsappBusinessNumber",
  "whatsappDisplayPhoneNumber",
  "whatsappBusinessAccountId",
  "interactionsNum",
  "ts",
  "convoTimeSeconds",
  "userPlatform",
  "chatAssignedTo",
  "handoffHistory",
  "isTyping",
  "sessionsNum",
  "lang",
  "vapi",
  "ratingFrom5",
  "totalUserInteractions",
  "isBlocked",
  "nodesInfo",
  "capturedVariables",
  "campaignCalls",
  "sessions",
  "endReason",
  "isTest",
  "metrics",
  "notifyToUserId",
  "averageLatency",
  "voice",
  "detailedCost",
  "requestedTeamKey",
  "delegatedBy",
  "delegatedAt",
  "lastViewed",
  "note",
  "leadScore",
  "funnelStepsMatched",
  "funnelScoreHistory",
  "funnelNotificationSent",
  "funnelLastEvaluated",
  "funnelExtractedData",
  "funnelSummary",
  "lastMessage"
] as const

/** Have a column where the conversation names a contact. */
export const contactColumns = ["userName", "userEmail", "userPhone"] as const

/*
 * Who on our side talked, and when: https://docs.convocore.ai/api-reference/v3/conversations/update (handoffHistory).
 */

/** A stretch in which a person had taken over. Epoch milliseconds; both may be infinite. */
export interface TakenOver {
  readonly from: number
  readonly until: number
  /** The vendor's id; null: not said. */
  readonly by: string | null
}

type Handoffs = Pick<Conversation, "chatAssignedTo" | "handoffHistory" | "state">

const timeOf = (epoch: number | null) => (epoch === null ? null : fromEpoch(epoch))

const recordedHandoffs = ({ handoffHistory }: Handoffs): ReadonlyArray<RecordedHandoff> =>
  (handoffHistory ?? []).map(({ acceptedAt, acceptedBy, completedAt, requestedAt }) => ({
    requested_at: timeOf(requestedAt),
    accepted_at: timeOf(acceptedAt),
    completed_at: timeOf(completedAt),
    accepted_by: filled(acceptedBy)
  }))

/**
 * From each acceptance to its end. Where a person is said to talk and no acceptance is recorded, from the last request on,
 * or else all the time.
 */
export const takenOver = (wire: Handoffs): ReadonlyArray<TakenOver> => {
  const handoffs = recordedHandoffs(wire)
  const accepted = handoffs.flatMap(({ accepted_at, accepted_by, completed_at }) =>
    accepted_at === null
      ? []
      : [
          {
            // Exports write times in whole seconds.
            from: Math.floor(toMillis(accepted_at) / 1000) * 1000,
            until: completed_at === null ? Number.POSITIVE_INFINITY : toMillis(completed_at),
            by: accepted_by
          }
        ]
  )
  if (accepted.length > 0 || wire.state !== "human-chatting") return accepted
  const requested = handoffs.flatMap(({ requested_at }) =>
    requested_at === null ? [] : [toMillis(requested_at)]
  )
  const from = requested.length === 0 ? Number.NEGATIVE_INFINITY : Math.max(...requested)
  return [{ from, until: Number.POSITIVE_INFINITY, by: filled(wire.chatAssignedTo) }]
}

/** The stretch that a moment (epoch milliseconds; null: not known) lies in. */
export const stretchAt = (stretches: ReadonlyArray<TakenOver>, at: number | null): TakenOver | undefined =>
  stretches.findLast(({ from, until }) => at === null || (at >= from && at <= until))

/** What analysts' tables are made from. */
export const handoffAttributes = (wire: Handoffs) => {
  const handoffs = recordedHandoffs(wire)
  const id = filled(wire.chatAssignedTo)
  const assignee: Person = { id, name: null, email: null }
  return {
    ...(handoffs.length === 0 ? {} : { [ownAttributes.handoffs]: handoffs }),
    ...(id === null ? {} : { [ownAttributes.assignee]: assignee })
  }
}
