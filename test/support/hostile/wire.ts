import type { VendorId } from "../../../src/simulator/index.ts"

/*
 * What the four vendors say on the wire, as far as an opponent needs it: which call is which, where the records stand
 * in an answer, and what a record says of itself. Nothing here is shared with the adapters, which are on trial.
 */

/** A JSON token that is written as it stands: a number with more digits than JavaScript keeps, or text that is no JSON. */
export class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** JSON text of a value in which `Raw` tokens stand as they are. */
export const written = (value: unknown): string => {
  if (value instanceof Raw) return value.text
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, one]) => one !== undefined)
  return `{${fields.map(([name, one]) => `${JSON.stringify(name)}:${written(one)}`).join(",")}}`
}

export type Json = Record<string, unknown>

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Raw)

/** A scalar as the text that names it, every digit kept; null where it is none. */
export const scalar = (value: unknown): string | null =>
  value instanceof Raw
    ? value.text
    : typeof value === "string" || typeof value === "number"
      ? String(value)
      : null

/**
 * `list`: rows of conversations; `detail`: one of them; `messages`: of one conversation alone; `exports`: messages of
 * several; `status`: a write; `other`: logins, agents, accounts.
 */
export type Operation = "list" | "detail" | "messages" | "exports" | "status" | "other"

export interface Call {
  readonly operation: Operation
  /** The conversation that is asked for; null: none alone. */
  readonly id: string | null
}

export interface Shape {
  readonly call: (method: string, path: string) => Call
  /** The rows of an answer, to be changed in place; null: it has none. */
  readonly rows: (operation: Operation, value: unknown) => Array<unknown> | null
  /** The one record of an answer; null: it has none. */
  readonly record: (operation: Operation, value: unknown) => Json | null
  readonly id: string
  readonly word: string
  readonly words: ReadonlyArray<string>
  readonly times: ReadonlyArray<string>
  readonly texts: ReadonlyArray<string>
  /** Fields of which the wrong JSON type is certainly wrong. */
  readonly typed: ReadonlyArray<string>
  readonly numericIds: boolean
  readonly messagesOf: (record: Json) => Array<unknown> | null
}

const array = (value: unknown): Array<unknown> | null => (Array.isArray(value) ? value : null)
const field = (value: unknown, ...names: ReadonlyArray<string>): unknown =>
  isObject(value) ? names.map((name) => value[name]).find((one) => one !== undefined) : undefined
const object = (value: unknown): Json | null => (isObject(value) ? value : null)

const matched = (path: string, pattern: RegExp): string | null => {
  const found = pattern.exec(path)?.[1]
  if (found === undefined) return null
  try {
    return decodeURIComponent(found)
  } catch {
    return found
  }
}

const called = (path: string, patterns: ReadonlyArray<readonly [Operation, RegExp]>): Call => {
  for (const [operation, pattern] of patterns) {
    if (pattern.test(path)) return { operation, id: matched(path, pattern) }
  }
  return { operation: "other", id: null }
}

export const shapes: Readonly<Record<VendorId, Shape>> = {
  naturalead: {
    call: (method, path) =>
      called(path, [
        ["list", /^\/api\/conversations$/],
        [method === "GET" ? "other" : "status", /^\/api\/conversations\/([^/]+)\/status$/],
        ["detail", /^\/api\/conversations\/([^/]+)$/]
      ]),
    rows: (operation, value) =>
      operation === "list" ? (array(value) ?? array(field(value, "conversations", "data"))) : null,
    record: (operation, value) => (operation === "list" ? null : object(value)),
    id: "_id",
    word: "status",
    words: ["active", "completed", "handed_off", "dropped", "paused_by_ai"],
    times: ["createdAt", "updatedAt"],
    texts: ["summary", "leadEmail", "currentStageName"],
    typed: ["leadId", "messages", "messageCount"],
    numericIds: false,
    messagesOf: (record) => array(record.messages)
  },
  convocore: {
    call: (method, path) =>
      called(path, [
        ["list", /^\/v3\/agents\/[^/]+\/convos$/],
        ["exports", /^\/v3\/agents\/[^/]+\/convos\/export$/],
        ["messages", /^\/v3\/agents\/[^/]+\/convos\/([^/]+)\/export$/],
        [method === "GET" ? "detail" : "status", /^\/v3\/agents\/[^/]+\/convos\/([^/]+)$/]
      ]),
    rows: (operation, value) =>
      operation === "list" || operation === "exports" ? array(field(value, "data")) : null,
    record: (operation, value) =>
      operation === "list" || operation === "exports" ? null : object(field(value, "data")),
    id: "ID",
    word: "state",
    words: ["ai-chatting", "requested_chat", "human-chatting", "ended_chat", "completed", "parked"],
    times: ["ts", "firstMessageTS", "lastMessageTS", "lastModified"],
    texts: ["title", "summary", "userName", "userEmail", "userPhone", "lastMessage"],
    typed: ["userID", "tags", "messagesNum"],
    numericIds: false,
    messagesOf: (record) => array(record.turns)
  },
  empfio: {
    call: (method, path) =>
      called(path, [
        ["list", /^\/api\/v1\/conversations$/],
        ["messages", /^\/api\/v1\/conversations\/([^/]+)\/messages$/],
        [method === "GET" ? "detail" : "status", /^\/api\/v1\/conversations\/([^/]+)$/]
      ]),
    rows: (operation, value) =>
      operation === "list"
        ? array(field(value, "conversations"))
        : operation === "messages"
          ? array(value)
          : null,
    record: (operation, value) => (operation === "detail" || operation === "status" ? object(value) : null),
    id: "id",
    word: "status",
    words: ["active", "completed", "escalated", "abandoned", "resting"],
    times: ["created_at", "updated_at", "last_message_at"],
    texts: ["session_key", "last_message_preview"],
    typed: ["lead_id", "message_count", "lead"],
    numericIds: false,
    messagesOf: (record) => array(record.messages)
  },
  aelyst: {
    call: (method, path) =>
      called(path, [
        ["list", /^\/v1\/contact\/list$/],
        ["messages", /^\/v1\/contact\/id(?::|%3A)([^/]+)\/message\/list$/i],
        ["status", /^\/v1\/contact\/id(?::|%3A)([^/]+)\/conversation\/status$/i],
        [method === "GET" ? "detail" : "other", /^\/v1\/contact\/id(?::|%3A)([^/]+)$/i]
      ]),
    rows: (operation, value) =>
      operation === "list" || operation === "messages" ? array(field(value, "items")) : null,
    record: (operation, value) => (operation === "detail" ? object(value) : null),
    id: "id",
    word: "status",
    words: ["open", "closed", "blocked", "snoozed"],
    times: ["created_at"],
    texts: ["firstName", "lastName", "email", "phone", "lifecycle"],
    typed: ["firstName", "tags", "custom_fields"],
    numericIds: true,
    messagesOf: () => null
  }
}

/** The texts of a message, wherever a vendor writes them. */
const textsIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  return isObject(value) ? Object.values(value).flatMap(textsIn) : []
}

/** What one answer said of one conversation. */
export interface Saying {
  readonly id: string
  /** The vendor's word for its status; undefined: the answer is silent about it. */
  readonly word: string | null | undefined
  /** Every text in it, messages' texts among them. */
  readonly texts: ReadonlyArray<string>
  /** The record itself, to ask whether it was spoilt. */
  readonly record: unknown
}

/** The conversation that an exported transcript is of. */
const exportedId = (value: unknown): string | null =>
  scalar(field(field(field(value, "metadata"), "convo"), "id", "ID"))

/** Everything that an answer says of conversations. */
export const sayings = (vendor: VendorId, call: Call, value: unknown): ReadonlyArray<Saying> => {
  const shape = shapes[vendor]
  const rows = shape.rows(call.operation, value)
  if (call.operation === "messages") {
    return call.id === null ? [] : [{ id: call.id, word: undefined, texts: textsIn(value), record: value }]
  }
  const records = rows ?? [shape.record(call.operation, value)]
  return records.flatMap((record): ReadonlyArray<Saying> => {
    if (!isObject(record)) return []
    const id = call.operation === "exports" ? exportedId(record) : scalar(record[shape.id])
    if (id === null) return []
    const said = record[shape.word]
    const word = call.operation === "exports" ? undefined : said === null ? null : (scalar(said) ?? undefined)
    return [{ id, word, texts: textsIn(record), record }]
  })
}
