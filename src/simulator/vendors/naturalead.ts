import { type Plan, personOf } from "../dialogues.ts"
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
import { hex, mix, pick, unit } from "../random.ts"
import { isoMillis } from "../times.ts"
import { bearer, type Context, type Fields, type Route, retryAfterSeconds, type Vendor } from "../vendor.ts"
import { makeWorld, type WorldInput } from "../world.ts"

/** A conversation as NaturaLead keeps it, without its messages. https://docs.naturalead.ai/api-reference/conversations/list-conversations */
export interface NaturaLeadConversation {
  _id: string
  leadId: string
  accountId: string
  agentConfigId: string
  channel: string
  leadPhone: string
  status: string
  currentStageIndex: number
  messageCount: number
  createdAt: string
  updatedAt: string
  campaignId?: string
  leadEmail?: string | null
  currentStageName?: string
  summary?: string | null
  qualificationResult?: { qualified: boolean; reason: string }
}

export interface NaturaLeadMessage {
  readonly role: string
  readonly content: string
  readonly timestamp: string
  readonly agentConfigId: string
}

/** What the documentation leaves open, and what an account can be like. */
export interface NaturaLeadOptions {
  apiKey: string
  /** What the key may do; a missing one is answered with 403. */
  scopes: ReadonlyArray<string>
  /**
   * What `skip` and `limit` do in the list. `capped`: at most `cap` rows whatever was asked; `truncated`: the first
   * `cap` rows, and `skip` is ignored.
   */
  paging: "ignored" | "honoured" | "capped" | "truncated"
  cap: number
  envelope: "bare" | "conversations" | "data"
  /** How many messages, the latest, stand in a list's row; null: all. */
  listMessages: number | null
  /** Direction of `messages`. */
  messageOrder: "oldest-first" | "newest-first"
  /** A status change moves `updatedAt`. */
  statusMovesUpdatedAt: boolean
  rateLimitHeaders: "separate" | "combined" | "none"
  /** Requests per minute. */
  limits: { global: number; key: number; account: number }
}

export type NaturaLead = Vendor<NaturaLeadOptions, NaturaLeadConversation, NaturaLeadMessage>

const statuses = ["active", "completed", "handed_off", "dropped"]
const settable = ["completed", "handed_off", "dropped"]
const stages = ["Greeting", "Needs", "Qualification", "Offer", "Booking"]

const conversationFields: Fields = {
  _id: "id",
  leadId: "text",
  accountId: "text",
  agentConfigId: "text",
  channel: "word",
  leadPhone: "text",
  status: "word",
  currentStageIndex: "number",
  messages: "list",
  messageCount: "number",
  createdAt: "time",
  updatedAt: "time",
  campaignId: "text",
  summary: "text",
  qualificationResult: "object"
}
const messageFields: Fields = { role: "word", content: "text", timestamp: "time" }

const seconds = (millis: number) => Math.floor(millis / 1000)

const roles = { customer: "lead", agent: "agent", human: "human", system: "system" } as const

const statusOf = (plan: Plan): string =>
  plan.handedOff
    ? "handed_off"
    : pick(["active", "active", "completed", "completed", "dropped"], mix(plan.key, 51))

const makeNaturaLeadWorld = (input: WorldInput) => {
  const accountId = hex(mix(input.seed, 900), 24)
  const agentConfigs = [0, 1, 2].map((index) => hex(mix(input.seed, 910 + index), 24))
  const campaigns = [0, 1, 2, 3].map((index) => hex(mix(input.seed, 920 + index), 24))
  return makeWorld<NaturaLeadConversation, NaturaLeadMessage>(input, {
    statuses,
    idOf: (conversation) => conversation._id,
    create: (plan, index) => {
      const person = personOf(plan.key)
      const status = statusOf(plan)
      const channel = pick(["whatsapp", "whatsapp", "telegram", "email"], mix(plan.key, 52))
      const stage = status === "completed" ? 4 : mix(plan.key, 53) % 4
      const conversation: NaturaLeadConversation = {
        _id: seconds(plan.startedAt).toString(16).padStart(8, "0") + hex(plan.key, 16),
        leadId: String(1 + (index - (index % 7 === 6 ? 1 : 0))),
        accountId,
        agentConfigId: pick(agentConfigs, mix(plan.key, 54)),
        channel,
        leadPhone: channel === "email" ? "" : person.phone,
        status,
        currentStageIndex: stage,
        messageCount: plan.count,
        createdAt: isoMillis(plan.startedAt),
        updatedAt: isoMillis(plan.lastAt)
      }
      if (mix(plan.key, 55) % 5 < 2) conversation.campaignId = pick(campaigns, mix(plan.key, 56))
      if (person.email !== null) conversation.leadEmail = person.email
      else if (mix(plan.key, 57) % 2 === 0) conversation.leadEmail = null
      if (mix(plan.key, 58) % 10 > 0) conversation.currentStageName = stages[stage] ?? "Greeting"
      if (status === "completed")
        conversation.summary = `${person.firstName} asked for an offer and agreed on a date.`
      else if (mix(plan.key, 59) % 8 === 0) conversation.summary = null
      if (status !== "active" && unit(mix(plan.key, 60)) < 0.7) {
        const qualified = status !== "dropped"
        conversation.qualificationResult = {
          qualified,
          reason: qualified ? "Budget and date fit." : "No answer after three messages."
        }
      }
      return conversation
    },
    message: (line, _position, conversation) => ({
      role: roles[line.by],
      content: line.text,
      timestamp: isoMillis(line.at),
      agentConfigId: conversation.agentConfigId
    }),
    said: (conversation, line, count) => {
      conversation.messageCount = count
      conversation.updatedAt = isoMillis(line.at)
    },
    statusChanged: (conversation, status, at) => {
      conversation.status = status
      conversation.updatedAt = isoMillis(at)
    }
  })
}

const noKey =
  "Authentication required. Provide an API key via X-API-Key header or Authorization: Bearer header."

/** NaturaLead, https://docs.naturalead.ai. */
export const makeNaturaLead = (input: WorldInput, chosen: Partial<NaturaLeadOptions> = {}): NaturaLead => {
  const world = makeNaturaLeadWorld(input)
  const options: NaturaLeadOptions = {
    apiKey: `nl_test_${hex(mix(input.seed, 930), 64)}`,
    scopes: ["conversations:view", "conversations:change_status", "leads:view"],
    paging: "ignored",
    cap: 100,
    envelope: "bare",
    listMessages: null,
    messageOrder: "oldest-first",
    statusMovesUpdatedAt: true,
    rateLimitHeaders: "separate",
    limits: { global: 1000, key: 500, account: 2000 },
    ...chosen
  }

  const windows = (): ReadonlyArray<Window> => [
    { name: "global", key: "naturalead global", requests: options.limits.global, perMillis: 60_000 },
    { name: "key", key: "naturalead key", requests: options.limits.key, perMillis: 60_000 },
    { name: "account", key: "naturalead account", requests: options.limits.account, perMillis: 60_000 }
  ]

  const whole = (conversation: NaturaLeadConversation, context: Context, latest: number | null) => {
    const all = world.messagesOf(conversation)
    const kept = latest === null || all.length <= latest ? all : all.slice(all.length - latest)
    const messages = kept.map((message, position) =>
      context.record(messageFields, `${conversation._id}/${position}`, message)
    )
    if (options.messageOrder === "newest-first") messages.reverse()
    return context.record(conversationFields, conversation._id, { ...conversation, messages })
  }

  const list = (request: ParsedRequest) => (context: Context) => {
    const wanted = request.query.get("status")
    if (wanted !== null && !statuses.includes(wanted)) {
      return json(400, { error: `Invalid status. Must be one of: ${statuses.join(", ")}` })
    }
    const all = context.empty
      ? []
      : [...world.conversations.values()].filter((one) => wanted === null || one.status === wanted)
    const askedSkip = integer(request.query.get("skip"), 0)
    const askedLimit = integer(request.query.get("limit"), 50)
    if (options.paging === "honoured" || options.paging === "capped") {
      if (!(askedSkip >= 0) || !(askedLimit >= 1))
        return json(400, { error: "skip and limit must be positive" })
    }
    const [skip, limit] = {
      ignored: [0, all.length],
      honoured: [askedSkip, askedLimit],
      capped: [askedSkip, Math.min(askedLimit, options.cap)],
      truncated: [0, options.cap]
    }[options.paging] as [number, number]
    const rows = all.slice(skip, skip + limit)
    const [head, tail] = {
      bare: ["", ""],
      conversations: ['{"conversations":', `,"total":${all.length}}`],
      data: ['{"data":', `,"total":${all.length},"skip":${skip},"limit":${limit}}`]
    }[options.envelope] as [string, string]
    function* values() {
      for (const row of rows) yield whole(row, context, options.listMessages)
    }
    return respond(200, inPieces(jsonArray(head, values(), tail)))
  }

  const missing = () => json(404, { error: "Conversation not found" })

  const detail = (id: string) => (context: Context) => {
    const conversation = world.conversations.get(id)
    return conversation === undefined ? missing() : json(200, whole(conversation, context, null))
  }

  const changeStatus = (id: string, request: ParsedRequest) => (context: Context) => {
    const conversation = world.conversations.get(id)
    const body = parseJson(request.body)
    if (!isRecord(body)) return json(400, { error: "Invalid JSON body" })
    const status = body.status
    if (typeof status !== "string") return json(400, { error: "status is required" })
    if (!settable.includes(status)) {
      return json(400, { error: `Invalid status. Must be one of: ${settable.join(", ")}` })
    }
    if (conversation === undefined) return missing()
    conversation.status = status
    if (options.statusMovesUpdatedAt) conversation.updatedAt = isoMillis(context.now)
    world.changed()
    world.effects.push({ conversationId: id, what: "status", detail: { status }, at: context.now })
    return json(200, whole(conversation, context, null))
  }

  const leads = (context: Context) => {
    const seen = new Set<string>()
    const rows: Array<object> = []
    for (const one of context.empty ? [] : world.conversations.values()) {
      if (rows.length >= 100) break
      if (seen.has(one.leadId)) continue
      seen.add(one.leadId)
      const person = { phone: one.leadPhone, email: one.leadEmail ?? "", accountId: one.accountId }
      rows.push({
        id: Number(one.leadId),
        name: `Lead ${one.leadId}`,
        ...person,
        status: "contacted",
        source: "api"
      })
    }
    return json(200, rows)
  }

  const guarded =
    (request: ParsedRequest, scope: string | null, run: Route["run"]): Route["run"] =>
    (context) => {
      const key = request.headers["x-api-key"] ?? bearer(request)
      if (key === null) return json(401, { error: noKey })
      if (key !== options.apiKey) return json(401, { error: "Invalid or expired API key" })
      if (scope !== null && !options.scopes.includes(scope)) {
        return json(403, {
          error: "Forbidden",
          message: `API key does not have the required scope (requires: ${scope}).`
        })
      }
      return run(context)
    }

  const forbidden = (id: string, what: string) => (context: Context) => {
    world.effects.push({ conversationId: id, what, detail: {}, at: context.now })
    return json(200, { success: true })
  }

  const route = (request: ParsedRequest): Route => {
    const make = (
      operation: string,
      scope: string | null,
      run: Route["run"],
      id: string | null = null,
      write = false
    ): Route => ({
      operation,
      write,
      conversationId: id,
      windows: windows(),
      run: guarded(request, scope, run)
    })
    const parts = request.path.split("/").slice(1)
    const [api, collection, id = "", action] = parts
    const call = `${request.method} ${parts.length}`
    if (api === "api" && collection === "conversations") {
      if (call === "GET 2") return make("list", "conversations:view", list(request))
      if (call === "POST 3" && id === "start") return make("start", null, forbidden("", "start"), null, true)
      if (call === "POST 4" && action === "send") return make("send", null, forbidden(id, "send"), id, true)
      if (call === "GET 3") return make("detail", "conversations:view", detail(id), id)
      if (call === "PATCH 4" && action === "status") {
        return make("status", "conversations:change_status", changeStatus(id, request), id, true)
      }
    }
    if (api === "api" && call === "GET 2" && collection === "leads") return make("leads", "leads:view", leads)
    if (api === "api" && call === "GET 3" && collection === "accounts" && id === "current") {
      const account = { _id: hex(mix(input.seed, 900), 24), name: "Simulated account" }
      return make("account", null, () => json(200, { ...account, webhookToken: hex(input.seed, 32) }))
    }
    return make("unknown", null, () => json(404, { error: "Not found" }))
  }

  const tooMany: Readonly<Record<string, string>> = {
    global: "Too many requests, please try again later",
    key: "API key rate limit exceeded, please try again later",
    account: "Account rate limit exceeded, please try again later"
  }

  return {
    id: "naturalead",
    prefix: "/api",
    options,
    world,
    route,
    error: (status, waitMillis = 60_000, window) => {
      if (status === 429) {
        const error = tooMany[window?.name ?? "key"]
        return json(429, { error }, { "retry-after": retryAfterSeconds(waitMillis) })
      }
      if (status === 403)
        return json(403, { error: "Forbidden", message: "You do not have permission to perform this action" })
      return json(status, { error: status === 401 ? "Invalid or expired API key" : `Error ${status}` })
    },
    limitHeaders: (counted, limiter, now) => {
      const window = counted.find((one) => one.name === "key")
      if (window === undefined || options.rateLimitHeaders === "none") return {}
      const { remaining, resetMillis } = limiter.room(window, now)
      const reset = retryAfterSeconds(resetMillis)
      return options.rateLimitHeaders === "combined"
        ? { ratelimit: `limit=${window.requests}, remaining=${remaining}, reset=${reset}` }
        : {
            "ratelimit-limit": String(window.requests),
            "ratelimit-remaining": String(remaining),
            "ratelimit-reset": reset
          }
    }
  }
}
