import type { Facts, FieldFact } from "../kit/facts.ts"

export const title = "Convocore"

const api = "https://docs.convocore.ai/api-reference/v3"
const update = `${api}/conversations/update`
const exported = `${api}/conversations/export`
/** The vendor's own client, newer than the page of the list, which names no maximum. */
const client = "https://github.com/Moe03/convocore-mcp"

const each = (names: string, type: FieldFact): Record<string, FieldFact> =>
  Object.fromEntries(names.split(" ").map((name) => [name, type]))

export const facts = {
  endpoints: {
    agents: { is: "GET /agents", source: `${api}/agents/get` },
    list: { is: "GET /agents/{agent}/convos", source: `${api}/conversations/get` },
    detail: { is: "GET /agents/{agent}/convos/{id}", source: `${api}/conversations/get_id` },
    export: { is: "GET /agents/{agent}/convos/{id}/export", source: `${api}/conversations/export_single` },
    exports: { is: "GET /agents/{agent}/convos/export", source: exported },
    update: { is: "PATCH /agents/{agent}/convos/{id}", source: update }
  },
  credential: {
    is: { header: "authorization", prefix: "Bearer " },
    source: "https://docs.convocore.ai/authentication"
  },
  sizes: {
    cursorPage: { is: 20, source: client },
    /** No maximum is documented for pages by number; so many were seen to be given. */
    numberedPage: { is: 100, source: `${api}/conversations/get` },
    exportPage: { is: 50, source: exported },
    selected: { is: 200, source: exported }
  },
  rates: { exports: { is: { requests: 1_500, perMillis: 3_600_000 }, source: exported } },
  words: {
    /** The first four are in every list of the vendor's words, `completed` is in its example alone. */
    "conversation.state": {
      is: ["ai-chatting", "requested_chat", "human-chatting", "ended_chat", "completed"],
      source: update
    },
    "write.state": { is: ["ai-chatting", "requested_chat", "human-chatting", "ended_chat"], source: update },
    "turn.from": { is: ["user", "bot"], source: `${api}/conversations/export_single` }
  },
  records: {
    conversation: {
      is: {
        ID: "text",
        ...each(
          "userID userEmail userName userPhone userAddress userCompany userWebsite notes userProfilePic campaignId userImage socialHandle userOs userBrowser userPlatform state chatAssignedTo lang endReason notifyToUserId summary requestedTeamKey delegatedBy note funnelSummary title lastMessage",
          "text?"
        ),
        ...each(
          "messagesNum interactionsNum ts convoTimeSeconds firstMessageTS lastMessageTS lastModified sessionsNum ratingFrom5 totalUserInteractions averageLatency delegatedAt lastViewed leadScore funnelLastEvaluated",
          "number?"
        ),
        ...each(
          "isFollowingBusiness socialVerified isTyping isBlocked isTest funnelNotificationSent",
          "flag?"
        ),
        tags: "list?",
        handoffHistory: "list?",
        origin: "any?"
      },
      source: update
    },
    turn: { is: { from: "text", messages: "list" }, source: `${api}/conversations/export_single` },
    message: {
      is: { type: "text", ts: "text or number", payload: "object?" },
      source: `${api}/conversations/export_single`
    }
  }
} satisfies Facts
