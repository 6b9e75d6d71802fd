import type { PersonalFields } from "../../privacy/policy.ts"
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

/**
 * https://docs.convocore.ai/api-reference/v3/conversations/update, the exports, and the envelopes around them. Agents
 * carry secrets and are never stored.
 */
export const personal: PersonalFields = {
  data: "within",
  hasMore: "keep",
  nextCursor: "keep",
  limit: "keep",
  agents: "within",
  totalPages: "keep",
  currentPage: "keep",
  agentId: "keep",
  ownerID: "keep",
  ID: "keep",
  id: "keep",
  userID: "contact",
  userEmail: "email",
  userName: "name",
  userPhone: "phone",
  userAddress: "name",
  userCompany: "name",
  userWebsite: "name",
  notes: "text",
  note: "text",
  userProfilePic: "name",
  userImage: "name",
  socialHandle: "name",
  campaignId: "keep",
  isFollowingBusiness: "keep",
  socialVerified: "keep",
  userOs: "keep",
  userBrowser: "keep",
  origin: "keep",
  whatsappPhoneNumberId: "keep",
  whatsappBusinessNumber: "phone",
  whatsappDisplayPhoneNumber: "phone",
  whatsappBusinessAccountId: "keep",
  messagesNum: "keep",
  interactionsNum: "keep",
  ts: "keep",
  tags: "text",
  convoTimeSeconds: "keep",
  firstMessageTS: "keep",
  lastMessageTS: "keep",
  userPlatform: "keep",
  state: "keep",
  chatAssignedTo: "contact",
  handoffHistory: "within",
  requestedAt: "keep",
  acceptedAt: "keep",
  completedAt: "keep",
  acceptedBy: "contact",
  organizationId: "keep",
  requestedTeamKey: "keep",
  teamIds: "keep",
  teamKeys: "keep",
  isTyping: "keep",
  lastModified: "keep",
  sessionsNum: "keep",
  lang: "keep",
  vapi: "within",
  cost: "keep",
  callDuration: "keep",
  recordingUrl: "text",
  callerPhoneNumber: "phone",
  calleePhoneNumber: "phone",
  callStatus: "keep",
  callError: "text",
  ratingFrom5: "keep",
  totalUserInteractions: "keep",
  isBlocked: "keep",
  nodesInfo: "within",
  currentNode: "keep",
  capturedVariables: "open",
  campaignCalls: "open",
  sessions: "open",
  endReason: "text",
  isTest: "keep",
  metrics: "open",
  notifyToUserId: "contact",
  averageLatency: "keep",
  voice: "within",
  latestSessionId: "keep",
  listenUrl: "text",
  listenUrlUNIX: "keep",
  detailedCost: "within",
  totalCreditsConsumed: "keep",
  speechGenCost: "keep",
  transcriberCost: "keep",
  twilioCost: "keep",
  llmCost: "keep",
  summary: "text",
  delegatedBy: "contact",
  delegatedAt: "keep",
  lastViewed: "keep",
  leadScore: "keep",
  funnelStepsMatched: "open",
  funnelScoreHistory: "open",
  funnelNotificationSent: "keep",
  funnelLastEvaluated: "keep",
  funnelExtractedData: "open",
  funnelSummary: "text",
  title: "text",
  lastMessage: "text",
  metadata: "within",
  feedback: "keep",
  convo: "within",
  turns: "within",
  from: "keep",
  session_id: "keep",
  isAIGenerated: "keep",
  messages: "within",
  mid: "contact",
  sourceLabel: "open",
  sendError: "open",
  replyTo: "open",
  type: "keep",
  item: "within",
  payload: "within",
  buttons: "within",
  "buttons.name": "text",
  message: "text",
  aiGenerated: "keep"
}
