import { Either, Schema } from "effect"
import {
  addressId,
  count,
  type Decode,
  decoder,
  epochTime,
  type Fault,
  flag,
  id,
  integerLike,
  json,
  jsonObject,
  number,
  optional,
  text,
  textOrNumber,
  word
} from "../kit/decode.ts"

const texts = Schema.Array(text)
const anyList = Schema.Array(json)
/** The page's example has the text `<array>` in these places: taken as it is. */
const listInWords = Schema.Union(anyList, text)

const Handoff = Schema.Struct({
  requestedAt: optional(number),
  acceptedAt: optional(number),
  completedAt: optional(number),
  acceptedBy: optional(text),
  organizationId: optional(text),
  requestedTeamKey: optional(text),
  teamIds: optional(texts),
  teamKeys: optional(texts)
})

/**
 * A conversation, as the list and the detail show it; the list leaves more out. Nothing is promised but an id, which is
 * `ID` nearly everywhere. What the page leaves untyped is taken as it comes.
 * https://docs.convocore.ai/api-reference/v3/conversations/update
 */
export const Conversation = Schema.Struct({
  ID: optional(addressId),
  id: optional(addressId),
  userID: optional(text),
  userEmail: optional(text),
  userName: optional(text),
  userPhone: optional(text),
  userAddress: optional(text),
  userCompany: optional(text),
  userWebsite: optional(text),
  notes: optional(text),
  userProfilePic: optional(text),
  campaignId: optional(text),
  userImage: optional(text),
  socialHandle: optional(text),
  isFollowingBusiness: optional(flag),
  socialVerified: optional(flag),
  userOs: optional(text),
  userBrowser: optional(text),
  origin: optional(json),
  whatsappPhoneNumberId: optional(text),
  whatsappBusinessNumber: optional(text),
  whatsappDisplayPhoneNumber: optional(text),
  whatsappBusinessAccountId: optional(text),
  messagesNum: optional(count),
  interactionsNum: optional(number),
  ts: optional(epochTime),
  tags: optional(texts),
  convoTimeSeconds: optional(number),
  firstMessageTS: optional(epochTime),
  lastMessageTS: optional(epochTime),
  userPlatform: optional(text),
  state: optional(word("requested_chat", "human-chatting", "ai-chatting", "ended_chat", "completed")),
  chatAssignedTo: optional(text),
  handoffHistory: optional(Schema.Array(Handoff)),
  isTyping: optional(flag),
  lastModified: optional(epochTime),
  sessionsNum: optional(number),
  lang: optional(text),
  vapi: optional(
    Schema.Struct({
      cost: optional(number),
      callDuration: optional(number),
      recordingUrl: optional(text),
      callerPhoneNumber: optional(text),
      calleePhoneNumber: optional(text),
      callStatus: optional(text),
      callError: optional(text)
    })
  ),
  ratingFrom5: optional(number),
  totalUserInteractions: optional(number),
  isBlocked: optional(flag),
  nodesInfo: optional(Schema.Struct({ currentNode: optional(text) })),
  capturedVariables: optional(json),
  campaignCalls: optional(listInWords),
  sessions: optional(listInWords),
  endReason: optional(text),
  isTest: optional(flag),
  metrics: optional(listInWords),
  notifyToUserId: optional(text),
  averageLatency: optional(number),
  voice: optional(
    Schema.Struct({
      latestSessionId: optional(text),
      listenUrl: optional(text),
      listenUrlUNIX: optional(number)
    })
  ),
  detailedCost: optional(
    Schema.Struct({
      totalCreditsConsumed: optional(number),
      speechGenCost: optional(number),
      transcriberCost: optional(number),
      twilioCost: optional(number),
      llmCost: optional(number)
    })
  ),
  summary: optional(text),
  requestedTeamKey: optional(text),
  delegatedBy: optional(text),
  delegatedAt: optional(number),
  lastViewed: optional(number),
  note: optional(text),
  leadScore: optional(number),
  funnelStepsMatched: optional(anyList),
  funnelScoreHistory: optional(anyList),
  funnelNotificationSent: optional(flag),
  funnelLastEvaluated: optional(number),
  funnelExtractedData: optional(jsonObject),
  funnelSummary: optional(text),
  title: optional(text),
  lastMessage: optional(text)
})
export type Conversation = typeof Conversation.Type

/** The fields that give a conversation's status: a fault in any other field is no reason not to know it. */
export const ConversationState = Conversation.pick(
  "ID",
  "id",
  "state",
  "title",
  "tags",
  "lastModified",
  "lastMessageTS"
)
export type ConversationState = typeof ConversationState.Type

/**
 * The list. Version A of its page has neither total nor end; the vendor's own client gets `hasMore`, `nextCursor` and
 * `limit` as well. https://docs.convocore.ai/api-reference/v3/conversations/get
 */
export const List = Schema.Struct({
  data: Schema.Array(Schema.Unknown),
  hasMore: optional(flag),
  nextCursor: optional(textOrNumber),
  limit: optional(integerLike)
})

/** One conversation, what a PATCH answers, and one export; several exports come as a list. https://docs.convocore.ai/api-reference/v3/conversations/get_id */
export const One = Schema.Struct({ data: jsonObject })

/** What an export holds of one conversation. Turns are decoded one by one, and so are their messages. */
export const Export = Schema.Struct({
  metadata: optional(
    Schema.Struct({
      feedback: optional(word("Positive", "Negative", "Unset")),
      convo: optional(Schema.Struct({ id: optional(id), ID: optional(id) })),
      sessions: optional(anyList)
    })
  ),
  turns: optional(Schema.Array(Schema.Unknown))
})
export type Export = typeof Export.Type

const speaker = word("user", "bot", "human", "system")

/** Exports show `from` and `messages`; what is stored, and so perhaps what newer exports show, has more. */
export const Turn = Schema.Struct({
  from: optional(speaker),
  ts: optional(textOrNumber),
  session_id: optional(textOrNumber),
  isAIGenerated: optional(flag),
  /** Without it nothing says whether anything was said. */
  messages: Schema.Array(Schema.Unknown)
})
export type Turn = typeof Turn.Type

const messageFields = {
  from: optional(speaker),
  ts: optional(json),
  mid: optional(textOrNumber),
  isAIGenerated: optional(flag),
  sourceLabel: optional(text),
  sendError: optional(jsonObject),
  replyTo: optional(jsonObject)
}

const TextPayload = Schema.Struct({
  message: optional(text),
  feedback: optional(word("Positive", "Negative", "Unset")),
  aiGenerated: optional(flag)
})

/** A message of type `text`, the only one whose payload is documented. */
export const TextMessage = Schema.Struct({
  ...messageFields,
  type: optional(word("text")),
  payload: optional(TextPayload),
  item: optional(Schema.Struct({ type: optional(text), payload: optional(TextPayload) }))
})

/** Any other: its payload is taken as it comes. */
export const OtherMessage = Schema.Struct({
  ...messageFields,
  type: optional(word("launch", "choice", "visual", "cardV2", "debug:tell", "info:default", "end")),
  payload: optional(json),
  item: optional(json)
})
export type Message = typeof OtherMessage.Type

/**
 * Agents, of which only the ids are read: they carry the workspace's secrets. Lists of this API come under `data`,
 * `agents`, or bare. https://docs.convocore.ai/api-reference/v3/agents/get
 */
export const AgentPage = Schema.Struct({
  data: optional(Schema.Array(Schema.Unknown)),
  agents: optional(Schema.Array(Schema.Unknown)),
  totalPages: optional(integerLike),
  currentPage: optional(integerLike),
  hasMore: optional(flag)
})
export type AgentPage = typeof AgentPage.Type

export interface Identified<A> {
  readonly id: string
  readonly wire: A
}

interface Ids {
  readonly ID: string | null
  readonly id: string | null
}

/** With its id, which must be there under one of its names. */
const identified =
  <A extends Ids>(decode: Decode<A>) =>
  (value: unknown): Either.Either<Identified<A>, Fault> =>
    Either.flatMap(decode(value), (wire) => {
      const id = wire.ID ?? wire.id
      return id === null
        ? Either.left({ path: "$.ID", reason: "missing, expected text or a number that is not empty" })
        : Either.right({ id, wire })
    })

export const decodeConversation = identified(decoder(Conversation))
export const decodeState = identified(decoder(ConversationState))
export const decodeList = decoder(List)
export const decodeOne = decoder(One)
export const decodeExport = decoder(Export)
export const decodeTurn = decoder(Turn)
export const decodeTextMessage = decoder(TextMessage)
export const decodeOtherMessage = decoder(OtherMessage)
export const decodeAgentPage = decoder(AgentPage)
