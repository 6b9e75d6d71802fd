import { isRecord } from "../../../domain/isRecord.ts"
import { facts } from "../../../providers/empfio/facts.ts"
import {
  inPieces,
  integer,
  json,
  jsonArray,
  type ParsedRequest,
  parseJson,
  respond,
  type SimulatedResponse
} from "../../http.ts"
import { uuid } from "../../random.ts"
import type { Call, Endpoint } from "../../routing.ts"
import type { Context } from "../../vendor.ts"
import {
  conversationFields,
  type EmpfioConversation,
  type EmpfioOptions,
  type EmpfioState,
  messageFields
} from "./world.ts"

const missing = () => json(404, { detail: "Conversation not found" })

const invalid = (name: string, msg = "Input should be a valid integer") =>
  json(422, { detail: [{ type: "int_parsing", loc: ["query", name], msg }] })

/** A whole number from the query within its bounds; a response where it is refused. */
const bounded = (
  { query }: ParsedRequest,
  name: string,
  bounds: { otherwise: number; least: number; most: number },
  tooLarge: EmpfioOptions["tooLarge"]
): number | SimulatedResponse => {
  const { otherwise, least, most } = bounds
  const value = integer(query.get(name), otherwise)
  if (!(value >= least)) return invalid(name)
  if (value <= most) return value
  if (tooLarge === "clamped") return most
  const msg = `Input should be less than or equal to ${most}`
  const issue = {
    type: "less_than_equal",
    loc: ["query", name],
    msg,
    input: String(value),
    ctx: { le: most }
  }
  return json(422, { detail: [issue] })
}

const anyPage = { otherwise: 1, least: 1, most: Number.MAX_SAFE_INTEGER }
const pageSizes = () => ({ otherwise: 20, least: 1, most: facts.sizes.page.is })

const newestFirst = (field: "updated_at" | "created_at") => (a: EmpfioConversation, b: EmpfioConversation) =>
  a[field] < b[field] ? 1 : a[field] > b[field] ? -1 : a.id < b.id ? -1 : 1

const ordered = ({ world, options }: EmpfioState): ReadonlyArray<EmpfioConversation> =>
  options.order === "none"
    ? world.sorted("none", () => 0)
    : world.sorted(options.order, newestFirst(options.order))

const filtered = (all: ReadonlyArray<EmpfioConversation>, { query }: ParsedRequest) => {
  const filters = (["lead_id", "status", "channel"] as const).flatMap((name) => {
    const wanted = query.get(name)
    return wanted === null ? [] : [(one: EmpfioConversation) => one[name] === wanted]
  })
  return filters.length === 0 ? all : all.filter((one) => filters.every((keep) => keep(one)))
}

/** https://docs.empfio.de/api/conversations, "List conversations". */
const list = (state: EmpfioState, { request }: Call, context: Context): SimulatedResponse => {
  const { options } = state
  const page = bounded(request, "page", anyPage, options.tooLarge)
  const size = bounded(request, "size", pageSizes(), options.tooLarge)
  if (typeof page !== "number") return page
  if (typeof size !== "number") return size
  const all = context.empty ? [] : filtered(ordered(state), request)
  const rows = all.slice((page - 1) * size, page * size)
  if (rows.length === 0 && page > 1 && options.pastTheEnd === "missing") {
    return json(404, { detail: "Page not found" })
  }
  const conversations = rows.map((row) => context.record(conversationFields, row.id, row))
  return json(200, { conversations, total: all.length, page, size })
}

/** "Get a conversation": without counts, and without the lead's email. */
const detail = ({ world, options }: EmpfioState, { params }: Call, context: Context): SimulatedResponse => {
  const conversation = world.conversations.get(params.id ?? "")
  if (conversation === undefined) return missing()
  const { message_count: _, last_message_at: __, last_message_preview: ___, lead, ...rest } = conversation
  const messages = world
    .messagesOf(conversation)
    .slice(0, options.detailMessages ?? undefined)
    .map((message) => context.record(messageFields, message.id, message))
  const brief = lead === null ? null : { id: lead.id, name: lead.name }
  return json(200, context.record(conversationFields, rest.id, { ...rest, messages, lead: brief }))
}

/** "Get messages": a bare array. */
const messages = (
  { world, options }: EmpfioState,
  { request, params }: Call,
  context: Context
): SimulatedResponse => {
  const conversation = world.conversations.get(params.id ?? "")
  if (conversation === undefined) return missing()
  const limit = bounded(
    request,
    "limit",
    { otherwise: 100, least: 1, most: facts.sizes.messages.is },
    options.tooLarge
  )
  const offset = bounded(request, "offset", { ...anyPage, otherwise: 0, least: 0 }, options.tooLarge)
  if (typeof limit !== "number") return limit
  if (typeof offset !== "number") return offset
  const all = context.empty ? [] : world.messagesOf(conversation)
  if (options.messageOrder === "newest-first") all.reverse()
  const rows = all
    .slice(offset, offset + limit)
    .map((message) => context.record(messageFields, message.id, message))
  return respond(200, inPieces(jsonArray("", rows, "")))
}

/** "Update conversation status". */
const changeStatus = (state: EmpfioState, { request, params }: Call, context: Context): SimulatedResponse => {
  const { world, options, stamp } = state
  const conversation = world.conversations.get(params.id ?? "")
  if (conversation === undefined) return missing()
  const body = parseJson(request.body)
  const status = isRecord(body) ? body.status : undefined
  if (typeof status !== "string" || !facts.words["write.status"].is.includes(status)) {
    const msg = "Input should be 'active', 'completed', 'escalated' or 'abandoned'"
    return json(422, { detail: [{ type: "literal_error", loc: ["body", "status"], msg }] })
  }
  conversation.status = status
  if (options.statusMovesUpdatedAt) conversation.updated_at = stamp(context.now)
  world.changed()
  const { id } = conversation
  world.applied({ conversationId: id, what: "status", detail: { status }, at: context.now })
  return options.patchAnswers === "nothing"
    ? respond(204, "")
    : json(200, context.record(conversationFields, id, conversation))
}

const leadOf = (one: EmpfioConversation) => {
  const phone = one.session_key.slice(one.session_key.indexOf("_") + 1)
  const rest = { company: null, channel: one.channel, status: "contacted", created_at: one.created_at }
  return { ...one.lead, phone, ...rest }
}

/** https://docs.empfio.de/api/leads */
const leads = (state: EmpfioState, { request }: Call, context: Context): SimulatedResponse => {
  const { tooLarge } = state.options
  const page = bounded(request, "page", anyPage, tooLarge)
  const size = bounded(request, "size", pageSizes(), tooLarge)
  if (typeof page !== "number") return page
  if (typeof size !== "number") return size
  const all = context.empty ? [] : ordered(state).filter((one) => one.lead !== null)
  const rows = all.slice((page - 1) * size, page * size).map(leadOf)
  return json(200, { leads: rows, total: all.length, page, size })
}

const lead = (state: EmpfioState, { params }: Call): SimulatedResponse => {
  const found = ordered(state).find((one) => one.lead_id === params.lead)
  if (found === undefined) return json(404, { detail: "Lead not found" })
  return json(200, { ...leadOf(found), preferred_services: [], metadata: {}, updated_at: found.updated_at })
}

const me = ({ seed, options }: EmpfioState): SimulatedResponse =>
  json(200, { id: uuid(seed, 933), email: options.email, full_name: "Sync User" })

export const endpoints: ReadonlyArray<Endpoint<EmpfioState>> = [
  { call: facts.endpoints.list.is, operation: "list", answer: list },
  { call: facts.endpoints.detail.is, operation: "detail", answer: detail },
  { call: facts.endpoints.messages.is, operation: "messages", answer: messages },
  { call: facts.endpoints.status.is, operation: "status", write: true, answer: changeStatus },
  { call: facts.endpoints.me.is, operation: "me", answer: me },
  { call: "GET /api/v1/leads", operation: "leads", answer: leads },
  { call: "GET /api/v1/leads/{lead}", operation: "lead", answer: lead }
]
