import {
  inPieces,
  integer,
  isRecord,
  json,
  jsonArray,
  type ParsedRequest,
  parseJson,
  respond
} from "../http.ts"
import type { Window } from "../limits.ts"
import { hex, mix } from "../random.ts"
import { bearer, type Context, type Route, retryAfterSeconds, type Vendor } from "../vendor.ts"
import type { WorldInput } from "../world.ts"
import { type ConvocoreMessage, messageFields, toTurns } from "./convocoreExport.ts"
import {
  type ConvocoreBirth,
  type ConvocoreConversation,
  type ConvocoreOptions,
  type ConvocoreWorld,
  conversationFields,
  makeConvocoreWorld,
  toMillis
} from "./convocoreWorld.ts"

export interface Convocore extends Vendor<ConvocoreOptions, ConvocoreConversation, ConvocoreMessage> {
  readonly world: ConvocoreWorld
}

const texts = [
  [
    "userName",
    "userEmail",
    "userPhone",
    "userAddress",
    "userCompany",
    "userWebsite",
    "notes",
    "userProfilePic"
  ],
  ["title", "state", "chatAssignedTo"]
].flat()

/** Accepted in a PATCH, but not changed by it. */
const inert =
  "ID userID campaignId userImage socialHandle userOs userBrowser whatsappPhoneNumberId whatsappBusinessNumber whatsappDisplayPhoneNumber whatsappBusinessAccountId userPlatform lang endReason notifyToUserId summary requestedTeamKey delegatedBy note funnelSummary lastMessage messagesNum interactionsNum ts convoTimeSeconds firstMessageTS lastMessageTS lastModified sessionsNum ratingFrom5 totalUserInteractions averageLatency delegatedAt lastViewed leadScore funnelLastEvaluated isFollowingBusiness socialVerified isTyping isBlocked isTest funnelNotificationSent origin capturedVariables campaignCalls sessions metrics funnelStepsMatched funnelScoreHistory funnelExtractedData nodesInfo vapi voice detailedCost handoffHistory".split(
    " "
  )

const accepted = new Set([...texts, "tags", ...inert])

const states = ["requested_chat", "human-chatting", "ai-chatting", "ended_chat"]

const ok = (message: string, data: unknown, more: object = {}) =>
  json(200, { success: true, message, data, ...more })

const codes: Readonly<Record<number, string>> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  429: "TOO_MANY_REQUESTS",
  500: "INTERNAL_SERVER_ERROR"
}

const refuse = (
  status: number,
  message: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {}
) => json(status, { message, code: codes[status] ?? "INTERNAL_SERVER_ERROR", ...more }, headers)

const invalid = (path: ReadonlyArray<string>, message: string) =>
  refuse(400, "Input validation failed", { issues: [{ path, message }] })

const newestFirst = (a: ConvocoreConversation, b: ConvocoreConversation) =>
  toMillis(b.ts) - toMillis(a.ts) || (a.ID < b.ID ? -1 : 1)

const thin = (row: ConvocoreConversation) => {
  const { state: _, lastModified: __, title: ___, summary: ____, lastMessage: _____, ...rest } = row
  const { capturedVariables: ______, handoffHistory: _______, tokenUsage: ________, ...kept } = rest
  return kept
}

/** A cursor names the last row that was given. */
const writeCursor = (row: ConvocoreConversation) =>
  Buffer.from(`${toMillis(row.ts)}:${row.ID}`).toString("base64url")
const readCursor = (text: string): { ts: number; id: string } | null => {
  const [, ts, id] = /^(\d+):(.+)$/.exec(Buffer.from(text, "base64url").toString("utf8")) ?? []
  return ts === undefined || id === undefined ? null : { ts: Number(ts), id }
}

/** Convocore, https://docs.convocore.ai, version 3 of its API. */
export const makeConvocore = (
  input: WorldInput,
  chosen: Partial<ConvocoreOptions> & Partial<ConvocoreBirth> = {}
): Convocore => {
  const { agents = 2, ghosts = 0, units = "mixed", ts = "start", ...given } = chosen
  const options: ConvocoreOptions = {
    token: `vg-${hex(mix(input.seed, 936), 40)}`,
    paging: "cursor",
    thinRows: true,
    access: "allowed",
    bulkExport: "paginated",
    completed: "accepted",
    exportTimeZone: "UTC",
    mirrorLagMillis: 0,
    exportLimit: 1500,
    ...given
  }
  const world = makeConvocoreWorld(input, { agents, ghosts, units, ts }, () => options)
  let billed = 0

  const exportWindow = (): Window => ({
    name: "export",
    key: "convocore export",
    requests: options.exportLimit,
    perMillis: 3_600_000
  })

  const listed = (agentId: string) =>
    world.sorted(agentId, newestFirst, (one) => world.agentOf(one.ID) === agentId && one.messagesNum > 0)

  const after = (
    rows: ReadonlyArray<ConvocoreConversation>,
    cursor: { ts: number; id: string },
    descending: boolean
  ) => {
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      const row = rows[middle] as ConvocoreConversation
      const behind = toMillis(row.ts) - cursor.ts
      const order = behind === 0 ? (row.ID <= cursor.id ? -1 : 1) : descending ? -behind : behind
      if (order <= 0) low = middle + 1
      else high = middle
    }
    return low
  }

  const list = (agentId: string, request: ParsedRequest) => (context: Context) => {
    const page = integer(request.query.get("page"), 1)
    const asked = integer(request.query.get("limit"), 20)
    const cursorText = request.query.get("cursor")
    if (!(page >= 1)) return invalid(["page"], "Expected a positive number")
    if (!(asked >= 1)) return invalid(["limit"], "Expected a positive number")
    const all = context.empty ? [] : listed(agentId)
    const render = (row: ConvocoreConversation) => {
      const shown = world.mirrored(row, context.now)
      return context.record(conversationFields, row.ID, options.thinRows ? thin(shown) : shown)
    }
    const message = "Conversations retrieved successfully"
    if (options.paging === "page") {
      const limit = Math.min(asked, 100)
      return ok(message, all.slice((page - 1) * limit, page * limit).map(render))
    }
    if (asked > 20) return invalid(["limit"], "Number must be less than or equal to 20")
    if (page > 1 && cursorText === null) return invalid(["page"], "page > 1 needs a cursor")
    const cursor = cursorText === null ? null : readCursor(cursorText)
    if (cursorText !== null && cursor === null) return invalid(["cursor"], "Invalid cursor")
    const start = cursor === null ? 0 : after(all, cursor, true)
    const rows = all.slice(start, start + asked)
    const last = rows.at(-1)
    const hasMore = start + rows.length < all.length
    const nextCursor = hasMore && last !== undefined ? writeCursor(last) : null
    return ok(message, rows.map(render), { hasMore, nextCursor, limit: asked })
  }

  const held = (agentId: string, id: string): ConvocoreConversation | undefined =>
    world.isGhost(id) || world.agentOf(id) !== agentId ? undefined : world.conversations.get(id)
  const missing = () => refuse(404, "Conversation not found")

  const detail = (agentId: string, id: string) => (context: Context) => {
    const conversation = held(agentId, id)
    return conversation === undefined
      ? missing()
      : ok("Conversation retrieved successfully", context.record(conversationFields, id, conversation))
  }

  const exported = (conversation: ConvocoreConversation, context: Context) => {
    billed++
    const { ID, ...shown } = world.mirrored(conversation, context.now)
    const messages = world.messagesOf(conversation).slice(0, shown.messagesNum)
    const turns = toTurns(messages, (message, position) =>
      context.record(messageFields, `${ID}/${position}`, message)
    )
    return {
      metadata: {
        feedback: "Unset",
        convo: { id: ID, ...(options.thinRows ? thin({ ID, ...shown }) : shown), ID: undefined },
        sessions: []
      },
      turns
    }
  }

  const exportGate =
    (run: Route["run"]): Route["run"] =>
    (context) => {
      if (options.access === "addon") {
        return refuse(
          403,
          "Chat Export API addon required. Subscribe to chat-export-api to use this endpoint."
        )
      }
      return options.access === "unpaid"
        ? refuse(403, "Exporting conversations needs a paid workspace.")
        : run(context)
    }

  const exportOne = (agentId: string, id: string) => (context: Context) => {
    const conversation = held(agentId, id)
    return conversation === undefined
      ? missing()
      : ok("Conversation exported successfully", exported(conversation, context))
  }

  const spoken = (conversation: ConvocoreConversation) =>
    world.lines(conversation.ID).some((line) => line.by === "customer")

  function* exportedAll(rows: ReadonlyArray<ConvocoreConversation>, context: Context) {
    for (const row of rows) if (spoken(row)) yield exported(row, context)
  }

  const exportSelected = (agentId: string, ids: ReadonlyArray<string>, context: Context) => {
    if (ids.length > 200) return invalid(["convoIds"], "At most 200 conversation ids")
    const rows = ids.flatMap((id) => {
      const conversation = world.agentOf(id) === agentId ? world.conversations.get(id) : undefined
      return conversation === undefined || context.empty ? [] : [conversation]
    })
    const head =
      '{"success":true,"message":"Conversations exported successfully","mode":"selected","source":"supabase","data":'
    return respond(
      200,
      inPieces(jsonArray(head, exportedAll(rows, context), `,"rateLimit":${remainingHour(context)}}`))
    )
  }

  const remainingHour = (context: Context) => JSON.stringify({ remainingHour: context.room(exportWindow()) })

  const exportPage = (agentId: string, request: ParsedRequest, context: Context) => {
    const { query } = request
    const limit = integer(query.get("limit"), 20)
    const sort = query.get("sort") ?? "desc"
    const from = integer(query.get("fromTs"), 0)
    const to = integer(query.get("toTs"), 9_999_999_999)
    const cursorText = query.get("cursor")
    const cursor = cursorText === null ? null : readCursor(cursorText)
    if (!(limit >= 1 && limit <= 50)) return invalid(["limit"], "Expected a number from 1 to 50")
    if (sort !== "asc" && sort !== "desc") return invalid(["sort"], "Expected asc or desc")
    if (Number.isNaN(from) || Number.isNaN(to)) return invalid(["fromTs"], "Expected a unix timestamp")
    if (cursorText !== null && cursor === null) return invalid(["cursor"], "Invalid cursor")
    const down = context.empty
      ? []
      : listed(agentId).filter(
          (one) => toMillis(one.ts) >= toMillis(from) && toMillis(one.ts) <= toMillis(to)
        )
    const byTime = (a: ConvocoreConversation, b: ConvocoreConversation) =>
      toMillis(a.ts) - toMillis(b.ts) || (a.ID < b.ID ? -1 : 1)
    const all = sort === "desc" ? down : [...down].sort(byTime)
    const start = cursor === null ? 0 : after(all, cursor, sort === "desc")
    const rows = all.slice(start, start + limit)
    const last = rows.at(-1)
    const hasMore = start + rows.length < all.length
    const data = [...exportedAll(rows, context)]
    const usage = { periodKey: new Date(context.now).toISOString().slice(0, 7), includedQuota: 50_000 }
    return json(200, {
      success: true,
      message: "Conversations exported successfully",
      mode: "paginated",
      source: "supabase",
      limit,
      hasMore,
      nextCursor: hasMore && last !== undefined ? writeCursor(last) : null,
      scannedConvoCount: rows.length,
      query: { sort, fromTs: query.get("fromTs"), toTs: query.get("toTs") },
      usage: { ...usage, billableUsedThisRequest: data.length, billableUsedThisPeriod: billed },
      rateLimit: { remainingHour: context.room(exportWindow()) },
      data
    })
  }

  const exportMany = (agentId: string, request: ParsedRequest) => (context: Context) => {
    const selected = request.query.get("convoIds")
    if (selected !== null)
      return exportSelected(
        agentId,
        selected.split(",").filter((id) => id !== ""),
        context
      )
    if (options.bulkExport === "paginated") return exportPage(agentId, request, context)
    const head = '{"success":true,"message":"Conversations exported successfully","data":'
    return respond(
      200,
      inPieces(jsonArray(head, exportedAll(context.empty ? [] : listed(agentId), context), "}"))
    )
  }

  const patchFault = (wanted: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(wanted)) {
      if (!accepted.has(key)) return invalid(["conversation"], `Unrecognized key(s) in object: '${key}'`)
      if (texts.includes(key) && typeof value !== "string")
        return invalid(["conversation", key], "Expected string")
    }
    const { tags, state } = wanted
    if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === "string"))) {
      return invalid(["conversation", "tags"], "Expected array of strings")
    }
    const allowed = options.completed === "accepted" ? [...states, "completed"] : states
    return state === undefined || allowed.includes(String(state))
      ? null
      : invalid(
          ["conversation", "state"],
          `Invalid enum value. Expected ${states.map((one) => `'${one}'`).join(" | ")}`
        )
  }

  const patch = (agentId: string, id: string, request: ParsedRequest) => (context: Context) => {
    const body = parseJson(request.body)
    if (!isRecord(body) || !isRecord(body.conversation)) return invalid(["conversation"], "Required")
    const extra = Object.keys(body).find((key) => key !== "conversation")
    if (extra !== undefined) return invalid([], `Unrecognized key(s) in object: '${extra}'`)
    const wanted = body.conversation
    const fault = patchFault(wanted)
    if (fault !== null) return fault
    const conversation = held(agentId, id)
    if (conversation === undefined) return missing()
    world.modify(conversation, context.now, () => {
      for (const key of texts) if (key in wanted) Object.assign(conversation, { [key]: wanted[key] })
      if (Array.isArray(wanted.tags)) conversation.tags = [...new Set([...conversation.tags, ...wanted.tags])]
    })
    world.effects.push({ conversationId: id, what: "status", detail: { ...wanted }, at: context.now })
    return ok(
      `Successfully updated conversation: ${id}`,
      context.record(conversationFields, id, conversation)
    )
  }

  const forbidden = (id: string, what: string) => (context: Context) => {
    world.effects.push({ conversationId: id, what, detail: {}, at: context.now })
    return json(200, { success: true, message: "Done" })
  }

  const agentObject = (id: string) => ({
    ID: id,
    title: `Simulated ${id}`,
    ownerID: "workspace-1",
    SECRET_API_KEY: `vg-agent-${hex(mix(input.seed, 937), 24)}`
  })

  const agentList = () => {
    const data = world.agentIds.map(agentObject)
    return ok("Agents retrieved successfully", data, { total: data.length, totalPages: 1, currentPage: 1 })
  }

  const agentSearch = () => {
    const found = world.agentIds.map(agentObject)
    return json(200, {
      agents: found,
      starredAgents: [],
      total: found.length,
      totalStarred: 0,
      page: 1,
      limit: 20,
      hasMore: false
    })
  }

  const guarded =
    (request: ParsedRequest, run: Route["run"]): Route["run"] =>
    (context) => {
      if (bearer(request) !== options.token) return refuse(401, "Unauthorized workspace scope")
      if (options.access === "plan") {
        return refuse(403, "The API needs the Business plan or higher: https://convocore.ai/billing")
      }
      return run(context)
    }

  const route = (request: ParsedRequest): Route => {
    const make = (operation: string, run: Route["run"], id: string | null = null, write = false): Route => ({
      operation,
      write,
      conversationId: id,
      windows: operation === "export" || operation === "bulk export" ? [exportWindow()] : [],
      run: guarded(request, run)
    })
    const parts = request.path.split("/").slice(1)
    const [version, collection, agentId = "", convos, id = "", action] = parts
    const call = `${request.method} ${parts.length}`
    if (version === "v3" && collection === "agents") {
      if (call === "GET 2") return make("agents", agentList)
      if (call === "GET 3" && agentId === "search") return make("agents", agentSearch)
      if (!world.agentIds.includes(agentId)) return make("unknown", () => refuse(404, "Agent not found"))
      if (call === "GET 3")
        return make("agent", () => ok("Agent retrieved successfully", agentObject(agentId)))
      if (convos === "convos") {
        if (call === "GET 4") return make("list", list(agentId, request))
        if (call === "GET 5" && id === "export")
          return make("bulk export", exportGate(exportMany(agentId, request)))
        if (call === "GET 5") return make("detail", detail(agentId, id), id)
        if (call === "GET 6" && action === "export")
          return make("export", exportGate(exportOne(agentId, id)), id)
        if (call === "PATCH 5") return make("status", patch(agentId, id, request), id, true)
        if (call === "PATCH 6" && action === "messages")
          return make("replace messages", forbidden(id, "replace messages"), id, true)
        if (call === "POST 6" && action === "send") return make("send", forbidden(id, "send"), id, true)
        if (call === "POST 6" && action === "assign") return make("assign", forbidden(id, "assign"), id, true)
        if (call === "DELETE 5") return make("delete", forbidden(id, "delete"), id, true)
      }
    }
    const message = `Route ${request.method} ${request.path} not found`
    return make("unknown", () => json(404, { error: { code: "NOT_FOUND", message } }))
  }

  return {
    id: "convocore",
    prefix: "/v3",
    options,
    world,
    route,
    error: (status, waitMillis) => {
      if (status !== 429) return refuse(status, codes[status] ?? "Internal server error")
      const wait = retryAfterSeconds(waitMillis ?? 60_000)
      return refuse(429, `Rate limit exceeded. Try again in ${wait} seconds.`, {}, { "retry-after": wait })
    },
    limitHeaders: () => ({})
  }
}
