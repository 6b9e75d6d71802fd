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
import { hex, mix, pick, uuid } from "../random.ts"
import { isoMillis, isoSeconds } from "../times.ts"
import { bearer, type Context, type Fields, type Route, retryAfterSeconds, type Vendor } from "../vendor.ts"
import { makeWorld, type WorldInput } from "../world.ts"

/** A conversation as Empfio lists it. https://docs.empfio.de/api/conversations */
export interface EmpfioConversation {
  id: string
  lead_id: string | null
  session_key: string
  channel: string
  status: string
  message_count: number
  created_at: string
  updated_at: string
  lead: { id: string; name: string; email: string | null } | null
  last_message_at: string | null
  last_message_preview: string | null
}

export interface EmpfioMessage {
  readonly id: string
  readonly conversation_id: string
  readonly role: string
  readonly content: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly created_at: string
}

/** What the documentation leaves open, and what an account can be like. */
export interface EmpfioOptions {
  email: string
  password: string
  /** Requests that a token from a login lives for; null: any number. */
  tokenRequests: number | null
  /** Seconds that it lives for, which the token then says itself; null: for ever. */
  tokenSeconds: number | null
  /** A token that needs no login and never ends. */
  token: string
  /** What `size` above 100 (and `limit` above 500) does. */
  tooLarge: "clamped" | "refused"
  /** A page past the end: no rows, or 404. */
  pastTheEnd: "empty" | "missing"
  order: "updated_at" | "created_at" | "none"
  /** What PATCH answers: the conversation, or 204 without a body. */
  patchAnswers: "body" | "nothing"
  /** At most so many messages, the oldest, in GET conversation; null: all. */
  detailMessages: number | null
  /** Direction of the messages endpoint. */
  messageOrder: "oldest-first" | "newest-first"
  statusMovesUpdatedAt: boolean
  /** How times are written: `2026-03-07T10:00:00Z`, with a fraction, or with an offset. */
  times: "plain" | "fraction" | "offset"
  /** None is documented; null: none is kept. */
  limit: { requests: number; perMillis: number } | null
}

export type Empfio = Vendor<EmpfioOptions, EmpfioConversation, EmpfioMessage>

const statuses = ["active", "completed", "escalated", "abandoned"]

const conversationFields: Fields = {
  id: "id",
  lead_id: "text",
  session_key: "text",
  channel: "word",
  status: "word",
  message_count: "number",
  created_at: "time",
  updated_at: "time",
  lead: "object",
  last_message_at: "time",
  last_message_preview: "text",
  messages: "list"
}
const messageFields: Fields = {
  id: "id",
  conversation_id: "text",
  role: "word",
  content: "text",
  metadata: "object",
  created_at: "time"
}

const roles = { customer: "user", agent: "assistant", human: "assistant", system: "system" } as const

const statusOf = (plan: Plan): string =>
  plan.handedOff ? "escalated" : pick(["active", "completed", "completed", "abandoned"], mix(plan.key, 51))

const preview = (text: string | null) =>
  text === null ? null : text.length > 40 ? `${text.slice(0, 37)}...` : text

const makeEmpfioWorld = (input: WorldInput, times: () => EmpfioOptions["times"]) => {
  const stamp = (millis: number): string => {
    const kind = times()
    if (kind === "plain") return `${isoSeconds(millis)}Z`
    return kind === "offset" ? `${isoSeconds(millis)}+00:00` : isoMillis(millis).replace("Z", "417Z")
  }
  const world = makeWorld<EmpfioConversation, EmpfioMessage>(input, {
    statuses,
    idOf: (conversation) => conversation.id,
    create: (plan, index, last) => {
      const person = personOf(plan.key)
      const channel = pick(["whatsapp", "whatsapp", "telegram", "web", "voice"], mix(plan.key, 52))
      const leadId = uuid(plan.key, 54)
      const known = index % 25 !== 9
      return {
        id: uuid(plan.key, 53),
        lead_id: known ? leadId : null,
        session_key: `${channel}_${person.phone}`,
        channel,
        status: statusOf(plan),
        message_count: plan.count,
        created_at: stamp(plan.startedAt),
        updated_at: stamp(plan.lastAt),
        lead: known ? { id: leadId, name: person.name, email: person.email } : null,
        last_message_at: plan.count === 0 ? null : stamp(plan.lastAt),
        last_message_preview: preview(last)
      }
    },
    message: (line, position, conversation) => ({
      id: uuid(Number.parseInt(conversation.id.slice(0, 8), 16), 1000 + position),
      conversation_id: conversation.id,
      role: roles[line.by],
      content: line.text,
      metadata: line.by === "customer" ? {} : { model: "agent-2", latency_ms: line.hash % 4000 },
      created_at: stamp(line.at)
    }),
    said: (conversation, line, count) => {
      conversation.message_count = count
      conversation.updated_at = stamp(line.at)
      conversation.last_message_at = stamp(line.at)
      conversation.last_message_preview = preview(line.text)
    },
    statusChanged: (conversation, status, at) => {
      conversation.status = status
      conversation.updated_at = stamp(at)
    }
  })
  return { world, stamp }
}

const newestFirst = (field: "updated_at" | "created_at") => (a: EmpfioConversation, b: EmpfioConversation) =>
  a[field] < b[field] ? 1 : a[field] > b[field] ? -1 : a.id < b.id ? -1 : 1

const tooLargeError = (name: string, value: number, most: number) => ({
  type: "less_than_equal",
  loc: ["query", name],
  msg: `Input should be less than or equal to ${most}`,
  input: String(value),
  ctx: { le: most }
})

const invalid = (name: string) =>
  json(422, {
    detail: [{ type: "int_parsing", loc: ["query", name], msg: "Input should be a valid integer" }]
  })

/** Empfio, https://docs.empfio.de. */
export const makeEmpfio = (input: WorldInput, chosen: Partial<EmpfioOptions> = {}): Empfio => {
  const options: EmpfioOptions = {
    email: "sync@salon.example",
    password: `pw-${hex(mix(input.seed, 931), 16)}`,
    tokenRequests: null,
    tokenSeconds: null,
    token: `et-${hex(mix(input.seed, 932), 32)}`,
    tooLarge: "clamped",
    pastTheEnd: "empty",
    order: "updated_at",
    patchAnswers: "body",
    detailMessages: null,
    messageOrder: "oldest-first",
    statusMovesUpdatedAt: true,
    times: "plain",
    limit: null,
    ...chosen
  }
  const { world, stamp } = makeEmpfioWorld(input, () => options.times)
  const tokens = new Map<string, { left: number; until: number | null }>()
  let logins = 0

  const windows = (): ReadonlyArray<Window> =>
    options.limit === null ? [] : [{ name: "account", key: "empfio account", ...options.limit }]

  const notAuthenticated = () =>
    json(401, { detail: "Could not validate credentials" }, { "www-authenticate": "Bearer" })
  const missing = () => json(404, { detail: "Conversation not found" })

  const login = (request: ParsedRequest) => (context: Context) => {
    const body = parseJson(request.body)
    if (!isRecord(body) || typeof body.email !== "string" || typeof body.password !== "string") {
      return json(422, { detail: [{ type: "missing", loc: ["body"], msg: "Field required" }] })
    }
    if (body.email !== options.email || body.password !== options.password) {
      return json(401, { detail: "Incorrect email or password" })
    }
    const until = options.tokenSeconds === null ? null : Math.floor(context.now / 1000) + options.tokenSeconds
    const claims = { sub: options.email, jti: logins, ...(until === null ? {} : { exp: until }) }
    const parts = [{ alg: "HS256", typ: "JWT" }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString("base64url")
    )
    const token = `${parts.join(".")}.${hex(mix(input.seed, 6000 + logins++), 43)}`
    tokens.set(token, { left: options.tokenRequests ?? Number.POSITIVE_INFINITY, until })
    return json(200, {
      access_token: token,
      token_type: "bearer",
      user_id: uuid(input.seed, 933),
      email: options.email,
      full_name: "Sync User",
      organization_id: uuid(input.seed, 934),
      organization_name: "Salon Example"
    })
  }

  const admitted = (request: ParsedRequest, now: number): boolean => {
    const text = bearer(request)
    if (text === options.token) return true
    const token = text === null ? undefined : tokens.get(text)
    if (token === undefined || token.left <= 0) return false
    if (token.until !== null && now >= token.until * 1000) return false
    token.left--
    return true
  }

  const ordered = () => {
    if (options.order === "none") return world.sorted("none", () => 0)
    return world.sorted(options.order, newestFirst(options.order))
  }

  const list = (request: ParsedRequest) => (context: Context) => {
    const page = integer(request.query.get("page"), 1)
    const asked = integer(request.query.get("size"), 20)
    if (!(page >= 1)) return invalid("page")
    if (!(asked >= 1)) return invalid("size")
    if (asked > 100 && options.tooLarge === "refused") {
      return json(422, { detail: [tooLargeError("size", asked, 100)] })
    }
    const size = Math.min(asked, 100)
    const filters = (["lead_id", "status", "channel"] as const).flatMap((name) => {
      const wanted = request.query.get(name)
      return wanted === null ? [] : [(one: EmpfioConversation) => one[name] === wanted]
    })
    const all = context.empty
      ? []
      : filters.length === 0
        ? ordered()
        : ordered().filter((one) => filters.every((keep) => keep(one)))
    const rows = all.slice((page - 1) * size, page * size)
    if (rows.length === 0 && page > 1 && options.pastTheEnd === "missing") {
      return json(404, { detail: "Page not found" })
    }
    const conversations = rows.map((row) => context.record(conversationFields, row.id, row))
    return json(200, { conversations, total: all.length, page, size })
  }

  const detail = (id: string) => (context: Context) => {
    const conversation = world.conversations.get(id)
    if (conversation === undefined) return missing()
    const { message_count: _, last_message_at: __, last_message_preview: ___, lead, ...rest } = conversation
    const messages = world
      .messages(id)
      .slice(0, options.detailMessages ?? undefined)
      .map((message) => context.record(messageFields, message.id, message))
    const brief = lead === null ? null : { id: lead.id, name: lead.name }
    return json(200, context.record(conversationFields, id, { ...rest, messages, lead: brief }))
  }

  const messages = (id: string, request: ParsedRequest) => (context: Context) => {
    if (!world.conversations.has(id)) return missing()
    const asked = integer(request.query.get("limit"), 100)
    const offset = integer(request.query.get("offset"), 0)
    if (!(asked >= 1)) return invalid("limit")
    if (!(offset >= 0)) return invalid("offset")
    if (asked > 500 && options.tooLarge === "refused") {
      return json(422, { detail: [tooLargeError("limit", asked, 500)] })
    }
    const all = context.empty ? [] : world.messages(id)
    if (options.messageOrder === "newest-first") all.reverse()
    const rows = all.slice(offset, offset + Math.min(asked, 500))
    return respond(
      200,
      inPieces(
        jsonArray(
          "",
          rows.map((message) => context.record(messageFields, message.id, message)),
          ""
        )
      )
    )
  }

  const changeStatus = (id: string, request: ParsedRequest) => (context: Context) => {
    const conversation = world.conversations.get(id)
    if (conversation === undefined) return missing()
    const body = parseJson(request.body)
    const status = isRecord(body) ? body.status : undefined
    if (typeof status !== "string" || !statuses.includes(status)) {
      const msg = "Input should be 'active', 'completed', 'escalated' or 'abandoned'"
      return json(422, { detail: [{ type: "literal_error", loc: ["body", "status"], msg }] })
    }
    conversation.status = status
    if (options.statusMovesUpdatedAt) conversation.updated_at = stamp(context.now)
    world.changed()
    world.effects.push({ conversationId: id, what: "status", detail: { status }, at: context.now })
    return options.patchAnswers === "nothing"
      ? respond(204, "")
      : json(200, context.record(conversationFields, id, conversation))
  }

  const leadOf = (one: EmpfioConversation) => {
    const phone = one.session_key.slice(one.session_key.indexOf("_") + 1)
    return {
      ...one.lead,
      phone,
      company: null,
      channel: one.channel,
      status: "contacted",
      created_at: one.created_at
    }
  }

  const leads = (request: ParsedRequest) => (context: Context) => {
    const page = integer(request.query.get("page"), 1)
    const size = Math.min(integer(request.query.get("size"), 20), 100)
    if (!(page >= 1) || !(size >= 1)) return invalid("page")
    const all = context.empty ? [] : ordered().filter((one) => one.lead !== null)
    const rows = all.slice((page - 1) * size, page * size).map(leadOf)
    return json(200, { leads: rows, total: all.length, page, size })
  }

  const lead = (id: string) => () => {
    const found = ordered().find((one) => one.lead_id === id)
    return found === undefined
      ? json(404, { detail: "Lead not found" })
      : json(200, { ...leadOf(found), preferred_services: [], metadata: {}, updated_at: found.updated_at })
  }

  const me = () => json(200, { id: uuid(input.seed, 933), email: options.email, full_name: "Sync User" })

  const route = (request: ParsedRequest): Route => {
    const make = (operation: string, run: Route["run"], id: string | null = null, write = false): Route => ({
      operation,
      write,
      conversationId: id,
      windows: windows(),
      run: (context) =>
        operation === "login" || admitted(request, context.now) ? run(context) : notAuthenticated()
    })
    const parts = request.path.split("/").slice(1)
    const [api, version, collection, id = "", action] = parts
    const call = `${request.method} ${parts.length}`
    if (api === "api" && version === "v1") {
      if (collection === "conversations") {
        if (call === "GET 3") return make("list", list(request))
        if (call === "GET 4") return make("detail", detail(id), id)
        if (call === "GET 5" && action === "messages") return make("messages", messages(id, request), id)
        if (call === "PATCH 4") return make("status", changeStatus(id, request), id, true)
      }
      if (collection === "auth" && call === "POST 4" && id === "login") return make("login", login(request))
      if (collection === "auth" && call === "GET 4" && id === "me") return make("me", me)
      if (collection === "leads" && call === "GET 3") return make("leads", leads(request))
      if (collection === "leads" && call === "GET 4") return make("lead", lead(id))
    }
    return make("unknown", () => json(404, { detail: "Not Found" }))
  }

  return {
    id: "empfio",
    prefix: "",
    options,
    world,
    route,
    error: (status, waitMillis) => {
      if (status === 401) return notAuthenticated()
      const headers =
        status === 429 && waitMillis !== undefined ? { "retry-after": retryAfterSeconds(waitMillis) } : {}
      return json(status, { detail: status === 429 ? "Too Many Requests" : `Error ${status}` }, headers)
    },
    limitHeaders: () => ({})
  }
}
