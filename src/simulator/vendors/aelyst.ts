import { type Plan, personOf } from "../dialogues.ts"
import { integer, isRecord, json, type ParsedRequest, parseJson } from "../http.ts"
import type { Window } from "../limits.ts"
import { hex, mix, pick } from "../random.ts"
import { bearer, type Context, type Fields, type Route, retryAfterSeconds, type Vendor } from "../vendor.ts"
import { makeWorld, type WorldInput } from "../world.ts"
import { type AelystMessage, messageFields, renderMessage } from "./aelystMessages.ts"

/** A contact, which is also its one conversation. https://developers.aelyst.ai/api/operations/getcontact/ */
export interface AelystContact {
  id: number
  firstName: string
  lastName: string | null
  phone: string | null
  email: string | null
  language: string | null
  profilePic: string | null
  countryCode: string | null
  custom_fields: Array<{ name: string; value: string | null }> | null
  status: string | null
  tags: Array<string>
  assignee: { id: number; firstName: string; lastName: string; email: string } | null
  lifecycle: string | null
  created_at: number
  isBlocked: boolean
}

/** What the documentation leaves open, and what a workspace can be like. */
export interface AelystOptions {
  token: string
  /** Whether `GET /contact/{identifier}/message/list` exists. */
  messageList: "present" | "absent"
  /** Whether the row that a cursor names comes again. */
  cursor: "exclusive" | "inclusive"
  contactOrder: "ascending" | "descending"
  /** Page links lack `/v1`, as in the documentation's examples. */
  linksDropVersion: boolean
  /** Limit headers on every answer, not only on 429. */
  headersAlways: boolean
  /** The largest `limit` that is accepted; the documentation prints "< 100". */
  largestLimit: number
  /** Incoming messages carry `status` and `sender` too. */
  incomingDetails: boolean
  /** What message ids are made of. */
  messageIds: "seconds" | "micros" | "sequence"
  /** Requests per second for each method and path. */
  limit: number
}

export type Aelyst = Vendor<AelystOptions, AelystContact, AelystMessage>

const contactFields: Fields = {
  id: "id",
  firstName: "text",
  lastName: "text",
  phone: "text",
  email: "text",
  language: "text",
  custom_fields: "list",
  status: "word",
  tags: "list",
  assignee: "object",
  lifecycle: "text",
  created_at: "time"
}

const users = [
  { id: 5001, firstName: "Kate", lastName: "Ong", email: "kate@inbox.example" },
  { id: 5002, firstName: "Daniel", lastName: "Berg", email: "daniel@inbox.example" }
]

const closingNotes = [
  { category: "Booked", description: "The customer booked." },
  { category: "No answer", description: null },
  { category: "Spam", description: "Not a customer." }
]

const statusOf = (plan: Plan, index: number): string | null => {
  if (index % 50 === 13) return null
  return index % 25 === 6 ? "blocked" : pick(["open", "closed"], mix(plan.key, 51))
}

const createContact = (plan: Plan, index: number): AelystContact => {
  const person = personOf(plan.key)
  const status = statusOf(plan, index)
  const vip = mix(plan.key, 57) % 9 === 0
  return {
    id: 100_000 + index * 3,
    firstName: person.firstName,
    lastName: mix(plan.key, 52) % 8 === 0 ? null : person.lastName,
    phone: mix(plan.key, 53) % 12 === 0 ? null : person.phone,
    email: person.email,
    language: person.language.code,
    profilePic: null,
    countryCode: person.language.country,
    custom_fields:
      mix(plan.key, 54) % 3 === 0
        ? null
        : [
            { name: "Branch", value: pick(["North", "South"], mix(plan.key, 55)) },
            { name: "Birthday", value: mix(plan.key, 56) % 2 === 0 ? null : "1990-04-17" }
          ],
    status,
    tags: vip ? ["vip", "returning"] : [],
    assignee: plan.handedOff ? pick(users, mix(plan.key, 58)) : null,
    lifecycle: pick([null, "New Lead", "Hot Lead", "Customer"], mix(plan.key, 59)),
    created_at: Math.floor(plan.startedAt / 1000),
    isBlocked: status === "blocked"
  }
}

const fault = (code: number, message: string, headers: Readonly<Record<string, string>> = {}) =>
  json(code, { code, message }, headers)

const messages: Readonly<Record<number, string>> = {
  400: "Validation error.",
  401: "UN_AUTHORIZED",
  404: "Contact not found",
  429: "Too Many Requests",
  449: "Your request cannot be processed at the moment as it is currently in queue. Please try again in a few minutes.",
  500: "Unexpected error occurred"
}
const refuse = (code: number) => fault(code, messages[code] ?? "Unexpected error occurred")

const ascending = (a: AelystContact, b: AelystContact) => a.id - b.id

/** Aelyst, https://developers.aelyst.ai. */
export const makeAelyst = (input: WorldInput, chosen: Partial<AelystOptions> = {}): Aelyst => {
  const options: AelystOptions = {
    token: `ae-${hex(mix(input.seed, 935), 40)}`,
    messageList: "present",
    cursor: "exclusive",
    contactOrder: "ascending",
    linksDropVersion: true,
    headersAlways: true,
    largestLimit: 99,
    incomingDetails: false,
    messageIds: "seconds",
    limit: 5,
    ...chosen
  }

  const world = makeWorld<AelystContact, AelystMessage>(input, {
    statuses: ["open", "closed", "blocked"],
    idOf: (contact) => String(contact.id),
    create: createContact,
    message: (line, position, contact) => renderMessage(line, position, contact.id, options),
    // A contact has no count and no time of change: only its status says that something happened.
    said: (contact, line) => {
      if (line.by === "customer" && contact.status === "closed") contact.status = "open"
    },
    statusChanged: (contact, status) => {
      contact.status = status
      contact.isBlocked = status === "blocked"
    }
  })

  const find = (identifier: string): AelystContact | undefined => {
    const colon = identifier.indexOf(":")
    const kind = identifier.slice(0, colon)
    const value = identifier.slice(colon + 1)
    if (kind === "id") return world.conversations.get(value)
    if (kind !== "email" && kind !== "phone") return undefined
    for (const contact of world.sorted("ascending", ascending)) if (contact[kind] === value) return contact
    return undefined
  }

  const limitOf = (request: ParsedRequest): number | null => {
    const limit = integer(request.query.get("limit"), 10)
    return limit >= 1 && limit <= options.largestLimit ? limit : null
  }

  /** One page of a list that is sorted by a number. A negative cursor asks for the page before. */
  const page = <A>(
    request: ParsedRequest,
    all: ReadonlyArray<A>,
    idOf: (row: A) => number,
    keepsVersion: boolean
  ): { rows: ReadonlyArray<A>; pagination: { next: string; previous: string } } | null => {
    const limit = limitOf(request)
    const cursor = integer(request.query.get("cursorId"), 0)
    if (limit === null || Number.isNaN(cursor)) return null
    const down = all.length > 1 && idOf(all[0] as A) > idOf(all[1] as A)
    const before = (id: number, mark: number) => (down ? id > mark : id < mark)
    let start = 0
    let end = all.length
    const mark = Math.abs(cursor)
    const skips = (id: number) => before(id, mark) || (options.cursor === "exclusive" && id === mark)
    while (mark !== 0 && start < end) {
      const middle = (start + end) >> 1
      const id = idOf(all[middle] as A)
      if (cursor < 0 ? before(id, mark) : skips(id)) start = middle + 1
      else end = middle
    }
    if (cursor < 0) start = Math.max(0, start - limit)
    const rows = all.slice(start, start + limit)
    const version = options.linksDropVersion && !keepsVersion ? "" : "/v1"
    const link = (id: number) =>
      `${request.origin}${version}${request.path.slice(3)}?limit=${limit}&cursorId=${id}`
    const last = rows.at(-1)
    const following = all[start + rows.length]
    const first = rows[0]
    const next =
      last === undefined || following === undefined
        ? ""
        : idOf(options.cursor === "exclusive" ? last : following)
    return {
      rows,
      pagination: {
        next: next === "" ? "" : link(next),
        previous: start === 0 || first === undefined ? "" : link(-idOf(first))
      }
    }
  }

  const list = (request: ParsedRequest) => (context: Context) => {
    if (!isRecord(parseJson(request.body))) return refuse(400)
    const up = world.sorted("ascending", ascending)
    const all = options.contactOrder === "ascending" ? up : [...up].reverse()
    const found = page(request, context.empty ? [] : all, (contact) => contact.id, false)
    if (found === null) return refuse(400)
    const items = found.rows.map((contact) => context.record(contactFields, String(contact.id), contact))
    return json(200, { items, pagination: found.pagination })
  }

  const withContact =
    (
      identifier: string,
      answer: (contact: AelystContact, context: Context) => ReturnType<Route["run"]>
    ): Route["run"] =>
    (context) => {
      const contact = find(identifier)
      return contact === undefined ? refuse(404) : answer(contact, context)
    }

  const listMessages = (identifier: string, request: ParsedRequest) => (context: Context) => {
    const contact = find(identifier)
    if (contact === undefined) return refuse(404)
    const all = context.empty ? [] : world.messagesOf(contact).reverse()
    const found = page(request, all, (message) => message.messageId, true)
    if (found === null) return refuse(400)
    const items = found.rows.map((message) =>
      context.record(messageFields, String(message.messageId), message)
    )
    return json(200, { items, pagination: found.pagination })
  }

  const message = (identifier: string, messageId: string) =>
    withContact(identifier, (contact, context) => {
      const found = world.messagesOf(contact).find((one) => String(one.messageId) === messageId)
      return found === undefined
        ? fault(404, "Message not found")
        : json(200, context.record(messageFields, messageId, found))
    })

  const changeStatus = (identifier: string, request: ParsedRequest) =>
    withContact(identifier, (contact, context) => {
      const body = parseJson(request.body)
      if (!isRecord(body) || (body.status !== "open" && body.status !== "close")) return refuse(400)
      const { status, category = "", summary = "" } = body
      if (typeof category !== "string" || typeof summary !== "string") return refuse(400)
      if ([...category].length > 128 || [...summary].length > 512) return refuse(400)
      contact.status = status === "close" ? "closed" : "open"
      const note = category === "" ? {} : { category, ...(summary === "" ? {} : { summary }) }
      const conversationId = String(contact.id)
      world.effects.push({ conversationId, what: "status", detail: { status, ...note }, at: context.now })
      return json(200, { contactId: contact.id })
    })

  const effect = (identifier: string, what: string) =>
    withContact(identifier, (contact, context) => {
      world.effects.push({ conversationId: String(contact.id), what, detail: {}, at: context.now })
      return json(200, { contactId: contact.id })
    })

  const channels = [{ id: 1, name: "WhatsApp", source: "whatsapp_cloud", created_at: 1_600_000_000 }]
  const collection = (request: ParsedRequest, rows: ReadonlyArray<object>) => (context: Context) => {
    const found = page(
      request,
      context.empty ? [] : rows.map((row, index) => ({ row, index })),
      (one) => one.index + 1,
      false
    )
    return found === null
      ? refuse(400)
      : json(200, { items: found.rows.map((one) => one.row), pagination: found.pagination })
  }

  const route = (request: ParsedRequest): Route => {
    const identify = (identifier: string) => {
      const contact = find(identifier)
      return contact === undefined ? identifier : String(contact.id)
    }
    const make = (
      operation: string,
      run: Route["run"],
      identifier: string | null = null,
      write = false
    ): Route => ({
      operation,
      write,
      conversationId: identifier === null ? null : identify(identifier),
      windows: [
        {
          name: "path",
          key: `aelyst ${request.method} ${request.path}`,
          requests: options.limit,
          perMillis: 1000
        } satisfies Window
      ],
      run: (context) => (bearer(request) === options.token ? run(context) : refuse(401))
    })
    const parts = request.path.split("/").slice(1)
    const [version, kind, identifier = "", action = "", last = ""] = parts
    const call = `${request.method} ${parts.length}`
    if (version === "v1" && kind === "contact") {
      if (call === "POST 3" && identifier === "list") return make("list", list(request))
      if (call === "GET 3") {
        const answer = (contact: AelystContact, context: Context) =>
          json(200, context.record(contactFields, String(contact.id), contact))
        return make("detail", withContact(identifier, answer), identifier)
      }
      if (call === "GET 5" && action === "message" && last === "list") {
        const run =
          options.messageList === "present"
            ? listMessages(identifier, request)
            : () => fault(404, "Not Found")
        return make("messages", run, identifier)
      }
      if (call === "GET 5" && action === "message")
        return make("message", message(identifier, last), identifier)
      if (call === "GET 4" && action === "channels")
        return make(
          "channels",
          withContact(identifier, (_, context) => collection(request, channels)(context)),
          identifier
        )
      if (call === "POST 5" && action === "conversation" && last === "status") {
        return make("status", changeStatus(identifier, request), identifier, true)
      }
      if (call === "POST 5" && last === "assignee")
        return make("assign", effect(identifier, "assign"), identifier, true)
      if (call === "POST 4" && action === "message")
        return make("send", effect(identifier, "send"), identifier, true)
      if (call === "POST 4" && action === "comment")
        return make("comment", effect(identifier, "comment"), identifier, true)
      if (call === "POST 4" && action === "tag")
        return make("tag", effect(identifier, "tag"), identifier, true)
    }
    if (version === "v1" && kind === "space" && call === "GET 3") {
      if (identifier === "user")
        return make(
          "users",
          collection(
            request,
            users.map((one) => ({ ...one, role: "agent", team: null, restrictions: [] }))
          )
        )
      if (identifier === "closing_notes") return make("closing notes", collection(request, closingNotes))
      if (identifier === "channel") return make("channels", collection(request, channels))
    }
    return make("unknown", () => fault(404, "Not Found"))
  }

  return {
    id: "aelyst",
    prefix: "/v1",
    options,
    world,
    route,
    error: (status, waitMillis, window) => {
      const headers =
        status === 429 && waitMillis !== undefined
          ? {
              "retry-after": retryAfterSeconds(waitMillis),
              "x-ratelimit-limit": String(window?.requests ?? options.limit),
              "x-ratelimit-remaining": "0"
            }
          : {}
      return fault(status, messages[status] ?? "Unexpected error occurred", headers)
    },
    limitHeaders: (windows, limiter, now) => {
      const window = windows[0]
      if (window === undefined || !options.headersAlways) return {}
      return {
        "x-ratelimit-limit": String(window.requests),
        "x-ratelimit-remaining": String(limiter.room(window, now).remaining)
      }
    }
  }
}
