import { isRecord } from "../../../domain/isRecord.ts"
import { facts } from "../../../providers/aelyst/facts.ts"
import { json, parseJson, type SimulatedResponse } from "../../http.ts"
import type { Call, Endpoint } from "../../routing.ts"
import type { Context } from "../../vendor.ts"
import { messageFields } from "./messages.ts"
import { pageOf } from "./paging.ts"
import { type AelystContact, type AelystState, contactFields, users } from "./world.ts"

const messages: Readonly<Record<number, string>> = {
  400: "Validation error.",
  401: "UN_AUTHORIZED",
  404: "Contact not found",
  429: "Too Many Requests",
  449: "Your request cannot be processed at the moment as it is currently in queue. Please try again in a few minutes."
}

/** The envelope of every error; without a message, the documented one. */
export const refuse = (
  code: number,
  message = messages[code] ?? "Unexpected error occurred",
  headers: Readonly<Record<string, string>> = {}
): SimulatedResponse => json(code, { code, message }, headers)

const ascending = ({ world }: AelystState) => world.sorted("ascending", (a, b) => a.id - b.id)

/** The contact that `id:…`, `email:…` or `phone:…` names: of several, the first. */
export const find = (state: AelystState, identifier: string): AelystContact | undefined => {
  const colon = identifier.indexOf(":")
  const kind = identifier.slice(0, colon)
  const value = identifier.slice(colon + 1)
  if (kind === "id") return state.world.conversations.get(value)
  return kind === "email" || kind === "phone"
    ? ascending(state).find((contact) => contact[kind] === value)
    : undefined
}

type Answer = Endpoint<AelystState>["answer"]

const withContact =
  (
    answer: (state: AelystState, contact: AelystContact, call: Call, context: Context) => SimulatedResponse
  ): Answer =>
  (state, call, context) => {
    const contact = find(state, call.params.identifier ?? "")
    return contact === undefined ? refuse(404) : answer(state, contact, call, context)
  }

/** https://developers.aelyst.ai/api/operations/listcontacts/. Search and filter are taken, and keep everything. */
const list: Answer = (state, { request }, context) => {
  if (!isRecord(parseJson(request.body))) return refuse(400)
  const { options } = state
  const up = context.empty ? [] : ascending(state)
  const rows = options.contactOrder === "ascending" ? up : [...up].reverse()
  const page = pageOf(request, rows, (contact) => contact.id, options, !options.linksDropVersion)
  if (page === null) return refuse(400)
  const items = page.items.map((contact) => context.record(contactFields, String(contact.id), contact))
  return json(200, { ...page, items })
}

/** https://developers.aelyst.ai/api/operations/getcontact/ */
const detail = withContact((_state, contact, _call, context) =>
  json(200, context.record(contactFields, String(contact.id), contact))
)

/** https://developers.aelyst.ai/api/operations/listmessages/. Newest first, as an API that is its like has it. */
const listMessages: Answer = (state, call, context) =>
  state.options.messageList === "absent"
    ? refuse(404, "Not Found")
    : withContact(({ world, options }, contact, { request }) => {
        const rows = context.empty ? [] : world.messagesOf(contact).reverse()
        const page = pageOf(
          request,
          rows,
          (message) => message.messageId,
          options,
          true,
          facts.sizes.messages.is
        )
        if (page === null) return refuse(400)
        const items = page.items.map((message) =>
          context.record(messageFields, String(message.messageId), message)
        )
        return json(200, { ...page, items })
      })(state, call, context)

/** https://developers.aelyst.ai/api/operations/getmessage/ */
const message = withContact(({ world }, contact, { params }, context) => {
  const found = world.messagesOf(contact).find((one) => String(one.messageId) === params.message)
  return found === undefined
    ? refuse(404, "Message not found")
    : json(200, context.record(messageFields, String(found.messageId), found))
})

/** https://developers.aelyst.ai/api/operations/updateconversationstatus/ */
const changeStatus = withContact(({ world }, contact, { request }, context) => {
  const body = parseJson(request.body)
  if (!isRecord(body) || !facts.words["write.status"].is.includes(String(body.status))) return refuse(400)
  const { status, category = "", summary = "" } = body
  if (typeof category !== "string" || typeof summary !== "string") return refuse(400)
  if ([...category].length > facts.sizes.category.is) return refuse(400)
  if ([...summary].length > facts.sizes.summary.is) return refuse(400)
  contact.status = status === "close" ? "closed" : "open"
  // A summary without a category is not used.
  const note = category === "" ? {} : { category, ...(summary === "" ? {} : { summary }) }
  const conversationId = String(contact.id)
  world.applied({ conversationId, what: "status", detail: { status, ...note }, at: context.now })
  return json(200, { contactId: contact.id })
})

/** Calls that a synchronization never makes: carried out as a note in the effects. */
const noted = (what: string) =>
  withContact(({ world }, contact, _call, context) => {
    world.effects.push({ conversationId: String(contact.id), what, detail: {}, at: context.now })
    return json(200, { contactId: contact.id })
  })

const collection =
  (all: ReadonlyArray<object>): Answer =>
  ({ options }, { request }, context) => {
    const rows = (context.empty ? [] : all).map((row, at) => ({ row, id: at + 1 }))
    const page = pageOf(request, rows, (one) => one.id, options, !options.linksDropVersion)
    return page === null ? refuse(400) : json(200, { ...page, items: page.items.map((one) => one.row) })
  }

const channels = [{ id: 1, name: "WhatsApp", source: "whatsapp_cloud", created_at: 1_600_000_000 }]

const closingNotes = [
  { category: "Booked", description: "The customer booked." },
  { category: "No answer", description: null },
  { category: "Spam", description: "Not a customer." }
]

const agents = users.map((user) => ({ ...user, role: "agent", team: null, restrictions: [] }))

const contact = "/v1/contact/{identifier}"

/** An endpoint of the vendor's pages; a contact may be named by more than its id. */
const documented = ({ is }: { readonly is: string }): string =>
  is.replace(" ", " /v1").replace("id:{contact}", "{identifier}")

export const endpoints: ReadonlyArray<Endpoint<AelystState>> = [
  { call: documented(facts.endpoints.list), operation: "list", answer: list },
  { call: documented(facts.endpoints.detail), operation: "detail", answer: detail },
  { call: documented(facts.endpoints.messages), operation: "messages", answer: listMessages },
  { call: documented(facts.endpoints.message), operation: "message", answer: message },
  {
    call: `GET ${contact}/channels`,
    operation: "contact channels",
    answer: withContact((state, _contact, call, context) => collection(channels)(state, call, context))
  },
  { call: documented(facts.endpoints.status), operation: "status", write: true, answer: changeStatus },
  {
    call: `POST ${contact}/conversation/assignee`,
    operation: "assign",
    write: true,
    answer: noted("assign")
  },
  { call: `POST ${contact}/message`, operation: "send", write: true, answer: noted("send") },
  { call: `POST ${contact}/comment`, operation: "comment", write: true, answer: noted("comment") },
  { call: `POST ${contact}/tag`, operation: "tag", write: true, answer: noted("tag") },
  { call: "GET /v1/space/user", operation: "users", answer: collection(agents) },
  { call: "GET /v1/space/closing_notes", operation: "closing notes", answer: collection(closingNotes) },
  { call: "GET /v1/space/channel", operation: "channels", answer: collection(channels) }
]
