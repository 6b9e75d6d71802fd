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
