import { facts } from "../../../providers/convocore/facts.ts"
import { inPieces, integer, json, jsonArray, respond, type SimulatedResponse } from "../../http.ts"
import type { Window } from "../../limits.ts"
import type { Call } from "../../routing.ts"
import type { Context } from "../../vendor.ts"
import {
  held,
  invalid,
  listed,
  missing,
  ok,
  readCursor,
  refuse,
  startAfter,
  thin,
  writeCursor
} from "./answers.ts"
import { messageFields, toTurns } from "./transcript.ts"
import { type ConvocoreConversation, type ConvocoreOptions, type ConvocoreState, toMillis } from "./world.ts"

/** Exports of a workspace count together. */
export const exportWindow = (options: ConvocoreOptions): Window => ({
  name: "export",
  key: "convocore export",
  requests: options.exportLimit,
  perMillis: facts.rates.exports.is.perMillis
})

const addon = "Chat Export API addon required. Subscribe to chat-export-api to use this endpoint."

/** Why exports are refused to this workspace, or null. */
const gate = ({ options }: ConvocoreState): SimulatedResponse | null => {
  if (options.access === "addon") return refuse(403, addon)
  return options.access === "unpaid" ? refuse(403, "Exporting conversations needs a paid workspace.") : null
}

/** One conversation with its turns. */
const exported = (state: ConvocoreState, conversation: ConvocoreConversation, context: Context) => {
  const { world, options } = state
  const shown = world.mirrored(conversation, context.now)
  const messages = world.messagesOf(conversation).slice(0, shown.messagesNum)
  const { ID, ...convo } = options.thinRows ? thin(shown) : shown
  const turns = toTurns(messages, (message, position) =>
    context.record(messageFields, `${ID}/${position}`, message)
  )
  return { metadata: { feedback: "Unset", convo: { id: ID, ...convo }, sessions: [] }, turns }
}

/** Those of the conversations in which a customer wrote something. */
function* spoken(state: ConvocoreState, rows: ReadonlyArray<ConvocoreConversation>, context: Context) {
  for (const row of rows) {
    const one = exported(state, row, context)
    if (!one.turns.some((turn) => turn.from === "user")) continue
    state.billed++
    yield one
  }
}

const done = "Conversations exported successfully"

/** https://docs.convocore.ai/api-reference/v3/conversations/export */
export const exportOne = (state: ConvocoreState, { params }: Call, context: Context): SimulatedResponse => {
  const refused = gate(state)
  if (refused !== null) return refused
  const conversation = held(state, params.agent ?? "", params.id ?? "")
  if (conversation === undefined) return missing()
  state.billed++
  return ok("Conversation exported successfully", exported(state, conversation, context))
}

const exportSelected = (
  state: ConvocoreState,
  agent: string,
  ids: ReadonlyArray<string>,
  context: Context
): SimulatedResponse => {
  const most = facts.sizes.selected.is
  if (ids.length > most) return invalid(["convoIds"], `At most ${most} conversation ids`)
  const { world } = state
  const rows = ids.flatMap((id) => {
    const conversation = world.agentOf(id) === agent ? world.conversations.get(id) : undefined
    return conversation === undefined || context.empty ? [] : [conversation]
  })
  const head = `{"success":true,"message":"${done}","mode":"selected","source":"supabase","data":`
  const remainingHour = context.room(exportWindow(state.options))
  const tail = `,"rateLimit":${JSON.stringify({ remainingHour })}}`
  return respond(200, inPieces(jsonArray(head, spoken(state, rows, context), tail)))
}

const byTime = (a: ConvocoreConversation, b: ConvocoreConversation) =>
  toMillis(a.ts) - toMillis(b.ts) || (a.ID < b.ID ? -1 : 1)

/** The query of a paginated export; a response where it is refused. */
const pageOf = ({ query }: Call["request"]) => {
  const limit = integer(query.get("limit"), 20)
  const sort = query.get("sort") ?? "desc"
  const from = integer(query.get("fromTs"), 0)
  const to = integer(query.get("toTs"), 9_999_999_999)
  const cursorText = query.get("cursor")
  const cursor = cursorText === null ? null : readCursor(cursorText)
  const most = facts.sizes.exportPage.is
  if (!(limit >= 1 && limit <= most)) return invalid(["limit"], `Expected a number from 1 to ${most}`)
  if (sort !== "asc" && sort !== "desc") return invalid(["sort"], "Expected asc or desc")
  if (Number.isNaN(from) || Number.isNaN(to)) return invalid(["fromTs"], "Expected a unix timestamp")
  if (cursorText !== null && cursor === null) return invalid(["cursor"], "Invalid cursor")
  return { limit, sort, from: toMillis(from), to: toMillis(to), cursor } as const
}

const exportPage = (
  state: ConvocoreState,
  { request, params }: Call,
  context: Context
): SimulatedResponse => {
  const page = pageOf(request)
  if ("status" in page) return page
  const { limit, sort, from, to, cursor } = page
  const down = (context.empty ? [] : listed(state, params.agent ?? "")).filter(
    (one) => toMillis(one.ts) >= from && toMillis(one.ts) <= to
  )
  const all = sort === "desc" ? down : [...down].sort(byTime)
  const start = startAfter(all, cursor, sort)
  const rows = all.slice(start, start + limit)
  const last = rows.at(-1)
  const hasMore = start + rows.length < all.length
  const data = [...spoken(state, rows, context)]
  const included = 50_000
  return json(200, {
    success: true,
    message: done,
    mode: "paginated",
    source: "supabase",
    limit,
    hasMore,
    nextCursor: hasMore && last !== undefined ? writeCursor(last) : null,
    scannedConvoCount: rows.length,
    query: { sort, fromTs: request.query.get("fromTs"), toTs: request.query.get("toTs") },
    usage: {
      periodKey: new Date(context.now).toISOString().slice(0, 7),
      billableUsedThisRequest: data.length,
      billableUsedThisPeriod: state.billed,
      includedQuota: included,
      billableRemainingThisPeriod: Math.max(0, included - state.billed)
    },
    rateLimit: { remainingHour: context.room(exportWindow(state.options)) },
    data
  })
}

/** The same page: `convoIds` for a selection, otherwise by pages, or as an older text has it, everything at once. */
export const exportMany = (state: ConvocoreState, call: Call, context: Context): SimulatedResponse => {
  const refused = gate(state)
  if (refused !== null) return refused
  const agent = call.params.agent ?? ""
  const selected = call.request.query.get("convoIds")
  if (selected !== null) {
    const ids = selected.split(",").filter((id) => id !== "")
    return exportSelected(state, agent, ids, context)
  }
  if (state.options.bulkExport === "paginated") return exportPage(state, call, context)
  const rows = context.empty ? [] : listed(state, agent)
  const head = `{"success":true,"message":"${done}","data":`
  return respond(200, inPieces(jsonArray(head, spoken(state, rows, context), "}")))
}
