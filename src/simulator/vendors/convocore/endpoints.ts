import { isRecord } from "../../../domain/isRecord.ts"
import { facts } from "../../../providers/convocore/facts.ts"
import { integer, json, parseJson, type SimulatedResponse } from "../../http.ts"
import { hex, mix } from "../../random.ts"
import type { Call, Endpoint } from "../../routing.ts"
import type { Context } from "../../vendor.ts"
import { held, invalid, listed, missing, ok, readCursor, startAfter, thin, writeCursor } from "./answers.ts"
import { exportMany, exportOne } from "./exports.ts"
import { type ConvocoreConversation, type ConvocoreState, conversationFields } from "./world.ts"

/** https://docs.convocore.ai/api-reference/v3/conversations/get */
const list = (state: ConvocoreState, { request, params }: Call, context: Context): SimulatedResponse => {
  const { world, options } = state
  const page = integer(request.query.get("page"), 1)
  const asked = integer(request.query.get("limit"), 20)
  const cursorText = request.query.get("cursor")
  const cursor = cursorText === null ? null : readCursor(cursorText)
  if (!(page >= 1)) return invalid(["page"], "Expected a positive number")
  if (!(asked >= 1)) return invalid(["limit"], "Expected a positive number")
  const all = context.empty ? [] : listed(state, params.agent ?? "")
  const render = (row: ConvocoreConversation) => {
    const shown = world.mirrored(row, context.now)
    return context.record(conversationFields, row.ID, options.thinRows ? thin(shown) : shown)
  }
  const message = "Conversations retrieved successfully"
  if (options.paging === "page") {
    const limit = Math.min(asked, facts.sizes.numberedPage.is)
    return ok(message, all.slice((page - 1) * limit, page * limit).map(render))
  }
  const most = facts.sizes.cursorPage.is
  if (asked > most) return invalid(["limit"], `Number must be less than or equal to ${most}`)
  if (page > 1 && cursorText === null) return invalid(["page"], "page > 1 needs a cursor")
  if (cursorText !== null && cursor === null) return invalid(["cursor"], "Invalid cursor")
  const start = startAfter(all, cursor, "desc")
  const rows = all.slice(start, start + asked)
  const last = rows.at(-1)
  const hasMore = start + rows.length < all.length
  const nextCursor = hasMore && last !== undefined ? writeCursor(last) : null
  return ok(message, rows.map(render), { hasMore, nextCursor, limit: asked })
}

/** https://docs.convocore.ai/api-reference/v3/conversations/get_id */
const detail = (state: ConvocoreState, { params }: Call, context: Context): SimulatedResponse => {
  const conversation = held(state, params.agent ?? "", params.id ?? "")
  return conversation === undefined
    ? missing()
    : ok(
        "Conversation retrieved successfully",
        context.record(conversationFields, conversation.ID, conversation)
      )
}

const changeable = [
  "userName",
  "userEmail",
  "userPhone",
  "userAddress",
  "userCompany",
  "userWebsite",
  "notes",
  "userProfilePic",
  "title",
  "state",
  "chatAssignedTo"
]

/** Accepted in a PATCH, but not changed by it. */
const inert =
  "ID userID campaignId userImage socialHandle userOs userBrowser whatsappPhoneNumberId whatsappBusinessNumber whatsappDisplayPhoneNumber whatsappBusinessAccountId userPlatform lang endReason notifyToUserId summary requestedTeamKey delegatedBy note funnelSummary lastMessage messagesNum interactionsNum ts convoTimeSeconds firstMessageTS lastMessageTS lastModified sessionsNum ratingFrom5 totalUserInteractions averageLatency delegatedAt lastViewed leadScore funnelLastEvaluated isFollowingBusiness socialVerified isTyping isBlocked isTest funnelNotificationSent origin capturedVariables campaignCalls sessions metrics funnelStepsMatched funnelScoreHistory funnelExtractedData nodesInfo vapi voice detailedCost handoffHistory"

const accepted = new Set([...changeable, "tags", ...inert.split(" ")])

const states = (): ReadonlyArray<string> => facts.words["write.state"].is

/** What is wrong with the fields of a PATCH, or null. */
const fault = (wanted: Record<string, unknown>, takesCompleted: boolean): SimulatedResponse | null => {
  for (const [key, value] of Object.entries(wanted)) {
    if (!accepted.has(key)) return invalid(["conversation"], `Unrecognized key(s) in object: '${key}'`)
    if (changeable.includes(key) && typeof value !== "string") {
      return invalid(["conversation", key], "Expected string")
    }
  }
  const { tags, state } = wanted
  if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === "string"))) {
    return invalid(["conversation", "tags"], "Expected array of strings")
  }
  const allowed = takesCompleted ? [...states(), "completed"] : states()
  if (state === undefined || allowed.includes(String(state))) return null
  const words = states()
    .map((one) => `'${one}'`)
    .join(" | ")
  return invalid(["conversation", "state"], `Invalid enum value. Expected ${words}`)
}

/** https://docs.convocore.ai/api-reference/v3/conversations/update: tags are merged, the rest is replaced. */
const update = (state: ConvocoreState, { request, params }: Call, context: Context): SimulatedResponse => {
  const { world, options } = state
  const body = parseJson(request.body)
  if (!isRecord(body) || !isRecord(body.conversation)) return invalid(["conversation"], "Required")
  const extra = Object.keys(body).find((key) => key !== "conversation")
  if (extra !== undefined) return invalid([], `Unrecognized key(s) in object: '${extra}'`)
  const wanted = body.conversation
  const refused = fault(wanted, options.completed === "accepted")
  if (refused !== null) return refused
  const conversation = held(state, params.agent ?? "", params.id ?? "")
  if (conversation === undefined) return missing()
  const { ID } = conversation
  world.modify(conversation, context.now, () => {
    for (const key of changeable) if (key in wanted) Object.assign(conversation, { [key]: wanted[key] })
    if (Array.isArray(wanted.tags)) conversation.tags = [...new Set([...conversation.tags, ...wanted.tags])]
  })
  world.applied({ conversationId: ID, what: "status", detail: { ...wanted }, at: context.now })
  return ok(`Successfully updated conversation: ${ID}`, context.record(conversationFields, ID, conversation))
}

/** Calls that a synchronization never makes: carried out as a note in the effects. */
const noted =
  (what: string) =>
  ({ world }: ConvocoreState, { params }: Call, context: Context): SimulatedResponse => {
    world.effects.push({ conversationId: params.id ?? "", what, detail: {}, at: context.now })
    return json(200, { success: true, message: "Done" })
  }

/** An agent holds a secret, as the vendor's does. */
const agentObject = (seed: number, id: string) => ({
  ID: id,
  title: `Simulated ${id}`,
  ownerID: "workspace-1",
  SECRET_API_KEY: `vg-agent-${hex(mix(seed, 937), 24)}`
})

const agents = ({ seed, world }: ConvocoreState): SimulatedResponse => {
  const data = world.agentIds.map((id) => agentObject(seed, id))
  return ok("Agents retrieved successfully", data, { total: data.length, totalPages: 1, currentPage: 1 })
}

const searchAgents = ({ seed, world }: ConvocoreState): SimulatedResponse => {
  const found = world.agentIds.map((id) => agentObject(seed, id))
  const counts = { total: found.length, totalStarred: 0, page: 1, limit: 20, hasMore: false }
  return json(200, { agents: found, starredAgents: [], ...counts })
}

const agent = ({ seed }: ConvocoreState, { params }: Call): SimulatedResponse =>
  ok("Agent retrieved successfully", agentObject(seed, params.agent ?? ""))

const documented = ({ is }: { readonly is: string }): string => is.replace(" ", " /v3")

const convos = "/v3/agents/{agent}/convos"

export const endpoints: ReadonlyArray<Endpoint<ConvocoreState>> = [
  { call: documented(facts.endpoints.agents), operation: "agents", answer: agents },
  { call: "GET /v3/agents/search", operation: "agents", answer: searchAgents },
  { call: "GET /v3/agents/{agent}", operation: "agent", answer: agent },
  { call: documented(facts.endpoints.list), operation: "list", answer: list },
  { call: documented(facts.endpoints.exports), operation: "bulk export", answer: exportMany },
  { call: documented(facts.endpoints.detail), operation: "detail", answer: detail },
  { call: documented(facts.endpoints.export), operation: "export", answer: exportOne },
  { call: documented(facts.endpoints.update), operation: "status", write: true, answer: update },
  {
    call: `PATCH ${convos}/{id}/messages`,
    operation: "replace messages",
    write: true,
    answer: noted("replace messages")
  },
  { call: `POST ${convos}/{id}/send`, operation: "send", write: true, answer: noted("send") },
  { call: `POST ${convos}/{id}/assign`, operation: "assign", write: true, answer: noted("assign") },
  { call: `DELETE ${convos}/{id}`, operation: "delete", write: true, answer: noted("delete") }
]
