import { isRecord } from "../../../domain/isRecord.ts"
import { facts } from "../../../providers/naturalead/facts.ts"
import { inPieces, integer, json, jsonArray, parseJson, respond, type SimulatedResponse } from "../../http.ts"
import { hex } from "../../random.ts"
import type { Call, Endpoint } from "../../routing.ts"
import type { Context } from "../../vendor.ts"
import { isoMillis } from "../times.ts"
import {
  accountIdOf,
  conversationFields,
  messageFields,
  type NaturaLeadConversation,
  type NaturaLeadOptions,
  type NaturaLeadState
} from "./world.ts"

const settable = (): ReadonlyArray<string> => facts.words["write.status"].is
const statuses = (): ReadonlyArray<string> => facts.words["conversation.status"].is

const invalidStatus = (allowed: ReadonlyArray<string>) =>
  json(400, { error: `Invalid status. Must be one of: ${allowed.join(", ")}` })

const missing = () => json(404, { error: "Conversation not found" })

/** A conversation as it is sent, with its messages or only the latest of them. */
const whole = (
  { world, options }: NaturaLeadState,
  conversation: NaturaLeadConversation,
  context: Context,
  latest: number | null
) => {
  const all = world.messagesOf(conversation)
  const kept = latest === null || all.length <= latest ? all : all.slice(all.length - latest)
  const messages = kept.map((message, position) =>
    context.record(messageFields, `${conversation._id}/${position}`, message)
  )
  if (options.messageOrder === "newest-first") messages.reverse()
  return context.record(conversationFields, conversation._id, { ...conversation, messages })
}

/** From where, and how many rows, of `all`; null where what was requested is refused. */
const slice = ({ query }: Call["request"], options: NaturaLeadOptions, all: number) => {
  const skip = integer(query.get("skip"), 0)
  const limit = integer(query.get("limit"), 50)
  const valid = skip >= 0 && limit >= 1
  switch (options.paging) {
    case "ignored":
      return { skip: 0, limit: all }
    case "truncated":
      return { skip: 0, limit: options.cap }
    case "honoured":
      return valid ? { skip, limit } : null
    case "capped":
      return valid ? { skip, limit: Math.min(limit, options.cap) } : null
  }
}

const envelope = (kind: NaturaLeadOptions["envelope"], total: number, skip: number, limit: number) => {
  switch (kind) {
    case "bare":
      return { head: "", tail: "" }
    case "conversations":
      return { head: '{"conversations":', tail: `,"total":${total}}` }
    case "data":
      return { head: '{"data":', tail: `,"total":${total},"skip":${skip},"limit":${limit}}` }
  }
}

/** https://docs.naturalead.ai/api-reference/conversations/list-conversations. Made while it is sent. */
const list = (state: NaturaLeadState, { request }: Call, context: Context): SimulatedResponse => {
  const { world, options } = state
  const wanted = request.query.get("status")
  if (wanted !== null && !statuses().includes(wanted)) return invalidStatus(statuses())
  const held = context.empty ? [] : [...world.conversations.values()]
  const all = wanted === null ? held : held.filter((one) => one.status === wanted)
  const part = slice(request, options, all.length)
  if (part === null) return json(400, { error: "skip and limit must be positive" })
  const { skip, limit } = part
  function* rows() {
    for (const row of all.slice(skip, skip + limit)) yield whole(state, row, context, options.listMessages)
  }
  const { head, tail } = envelope(options.envelope, all.length, skip, limit)
  return respond(200, inPieces(jsonArray(head, rows(), tail)))
}

/** https://docs.naturalead.ai/api-reference/conversations/get-conversation */
const detail = (state: NaturaLeadState, { params }: Call, context: Context): SimulatedResponse => {
  const conversation = state.world.conversations.get(params.id ?? "")
  return conversation === undefined ? missing() : json(200, whole(state, conversation, context, null))
}

/** https://docs.naturalead.ai/api-reference/conversations/update-status */
const changeStatus = (
  state: NaturaLeadState,
  { request, params }: Call,
  context: Context
): SimulatedResponse => {
  const { world, options } = state
  const body = parseJson(request.body)
  if (!isRecord(body)) return json(400, { error: "Invalid JSON body" })
  const { status } = body
  if (typeof status !== "string") return json(400, { error: "status is required" })
  if (!settable().includes(status)) return invalidStatus(settable())
  const conversation = world.conversations.get(params.id ?? "")
  if (conversation === undefined) return missing()
  conversation.status = status
  if (options.statusMovesUpdatedAt) conversation.updatedAt = isoMillis(context.now)
  world.changed()
  world.applied({
    conversationId: conversation._id,
    what: "status",
    detail: { status },
    at: context.now
  })
  return json(200, whole(state, conversation, context, null))
}

/** https://docs.naturalead.ai/api-reference/leads/list-leads, at most 100. */
const leads = ({ world }: NaturaLeadState, _call: Call, context: Context): SimulatedResponse => {
  const rows = new Map<string, object>()
  for (const one of context.empty ? [] : world.conversations.values()) {
    if (rows.size >= 100) break
    const { leadId, leadPhone, leadEmail, accountId } = one
    const person = { id: Number(leadId), name: `Lead ${leadId}`, phone: leadPhone, email: leadEmail ?? "" }
    if (!rows.has(leadId)) rows.set(leadId, { ...person, accountId, status: "contacted", source: "api" })
  }
  return json(200, [...rows.values()])
}

/** Holds a secret, as the vendor's does. */
const account = ({ seed }: NaturaLeadState): SimulatedResponse =>
  json(200, { _id: accountIdOf(seed), name: "Simulated account", webhookToken: hex(seed, 32) })

/** Calls that reach a customer and that a synchronization never makes: carried out as a note in the effects. */
const reachCustomer =
  (what: string) =>
  ({ world }: NaturaLeadState, { params }: Call, context: Context): SimulatedResponse => {
    world.effects.push({ conversationId: params.id ?? "", what, detail: {}, at: context.now })
    return json(200, { success: true })
  }

const view = "conversations:view"
const change = "conversations:change_status"

/** The permission that a key needs for it; null: any key will do. */
interface NaturaLeadEndpoint extends Endpoint<NaturaLeadState> {
  readonly scope: string | null
}

const documented = ({ is }: { readonly is: string }): string => is.replace(" ", " /api")

const writing = { write: true, scope: null } as const

export const endpoints: ReadonlyArray<NaturaLeadEndpoint> = [
  { call: documented(facts.endpoints.list), operation: "list", scope: view, answer: list },
  { call: "POST /api/conversations/start", operation: "start", ...writing, answer: reachCustomer("start") },
  { call: documented(facts.endpoints.detail), operation: "detail", scope: view, answer: detail },
  { call: "POST /api/conversations/{id}/send", operation: "send", ...writing, answer: reachCustomer("send") },
  {
    call: documented(facts.endpoints.status),
    operation: "status",
    write: true,
    scope: change,
    answer: changeStatus
  },
  { call: "GET /api/leads", operation: "leads", scope: "leads:view", answer: leads },
  { call: "GET /api/accounts/current", operation: "account", scope: null, answer: account }
]
