import { type Plan, personOf } from "../../dialogues.ts"
import { mix, pick } from "../../random.ts"
import type { Fields } from "../../vendor.ts"
import { makeWorld, type World, type WorldInput } from "../../world.ts"
import { type AelystMessage, renderMessage } from "./messages.ts"

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
  largestLimit: number | null
  /** Incoming messages carry `status` and `sender` too. */
  incomingDetails: boolean
  /** What message ids are made of. */
  messageIds: "seconds" | "micros" | "sequence"
  /** Requests per second for each method and path. */
  limit: number
}

export interface AelystState {
  readonly options: AelystOptions
  readonly world: World<AelystContact, AelystMessage>
}

export const contactFields: Fields = {
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

export const users = [
  { id: 5001, firstName: "Kate", lastName: "Ong", email: "kate@inbox.example" },
  { id: 5002, firstName: "Daniel", lastName: "Berg", email: "daniel@inbox.example" }
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

/** `options` are looked at again for every record, because they may change. */
export const makeAelystWorld = (input: WorldInput, options: AelystOptions): AelystState["world"] =>
  makeWorld<AelystContact, AelystMessage>(input, {
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
