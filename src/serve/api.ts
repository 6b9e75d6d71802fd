import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import type { SqlFault } from "../store/read/sqlFaults.ts"
import type { StoreError } from "../store/StoreError.ts"

/*
 * The page's API. Times are UTC, ISO 8601 with milliseconds. Rows have the names of the mirror's tables.
 */

const { Boolean: Bool, Int, NullOr, Number: Num, String: Text, Struct, Unknown } = Schema
const optional = Schema.optionalWith
const list = Schema.Array
const record = Schema.Record({ key: Text, value: Unknown })

/** What is asked for. Another name is refused: a filter with a mistyped one would mean everything. */
const Asked = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Struct(fields).annotations({ parseOptions: { onExcessProperty: "error" } })

const explained = { message: Text, hint: Text }

/** What was written cannot be understood or carried out. */
export class Invalid extends Schema.TaggedError<Invalid>()(
  "Invalid",
  explained,
  HttpApiSchema.annotations({ status: 400 })
) {}

export class Missing extends Schema.TaggedError<Missing>()(
  "Missing",
  explained,
  HttpApiSchema.annotations({ status: 404 })
) {}

/** Understood, and refused as things are now. */
export class Refused extends Schema.TaggedError<Refused>()(
  "Refused",
  explained,
  HttpApiSchema.annotations({ status: 409 })
) {}

/** The mirror's file cannot be read or written now. */
export class Broken extends Schema.TaggedError<Broken>()(
  "Broken",
  explained,
  HttpApiSchema.annotations({ status: 503 })
) {}

export const toBroken = ({ hint, message }: StoreError): Broken => new Broken({ message, hint })

export const toInvalid = ({ hint, message }: SqlFault): Invalid => new Invalid({ message, hint })

const connectionSettings = Struct({
  name: Text,
  provider: Text,
  /** As people know the provider. */
  title: Text,
  /** What its status can be set to, with the provider's own word. */
  writable: Schema.Record({ key: Text, value: Text }),
  /** What else a change may carry: category, summary, title, tags. */
  fields: list(Text),
  push_brake: NullOr(Int)
})

const settings = Struct({
  version: Text,
  database: Text,
  time_zone: Text,
  /** Why nothing can be changed here; null: it can. */
  read_only: NullOr(Text),
  /** When runs happen, in words; null: only on request. */
  schedule: NullOr(Text),
  connections: list(connectionSettings)
})

const contact = Struct({ id: Text, name: NullOr(Text), email: NullOr(Text), phone: NullOr(Text) })

const listed = Struct({
  id: Text,
  connection: Text,
  provider: Text,
  channel: NullOr(Text),
  status: Text,
  remote_status: Text,
  change_state: NullOr(Text),
  title: NullOr(Text),
  contact: NullOr(contact),
  last_role: NullOr(Text),
  /** The beginning of the last message that has text, or of what a search found. */
  last_words: NullOr(Text),
  last_message_at: NullOr(Text),
  stored_messages: Int,
  complete: NullOr(Int),
  waiting_since: NullOr(Text),
  seq: Int
})

const filter = {
  connection: Schema.optional(Text),
  status: Schema.optional(Text),
  channel: Schema.optional(Text),
  /** `1`: only those in which someone waits for a person, the longest first. */
  waiting: Schema.optional(Text),
  q: Schema.optional(Text),
  since: Schema.optional(Text),
  until: Schema.optional(Text)
}

const limit = (most: number, otherwise: number) =>
  optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, most)), { default: () => otherwise })

const message = Struct({
  id: Text,
  position: Int,
  role: Text,
  provider_role: NullOr(Text),
  type: Text,
  content: NullOr(Text),
  sent_at: NullOr(Text),
  attributes: record
})

const hit = Struct({
  conversation_id: Text,
  message_id: Text,
  position: Int,
  role: Text,
  sent_at: NullOr(Text),
  connection: Text,
  title: NullOr(Text),
  name: NullOr(Text),
  /** What was said around the first hit, which is in brackets. */
  excerpt: Text
})

const conversations = HttpApiGroup.make("conversations")
  .add(
    HttpApiEndpoint.get("list", "/conversations")
      .setUrlParams(Asked({ ...filter, cursor: Schema.optional(Text), limit: limit(200, 50) }))
      .addSuccess(Struct({ items: list(listed), next: NullOr(Text) }))
  )
  .add(
    HttpApiEndpoint.get("one", "/conversations/:id")
      .setPath(Struct({ id: Text }))
      .addSuccess(record)
  )
  .add(
    HttpApiEndpoint.get("messages", "/conversations/:id/messages")
      .setPath(Struct({ id: Text }))
      .setUrlParams(
        Asked({
          /** `before:POSITION` or `after:POSITION`; left out: the newest. */
          cursor: Schema.optional(Text),
          limit: limit(1_000, 200)
        })
      )
      .addSuccess(Struct({ items: list(message), earlier: NullOr(Text), later: NullOr(Text) }))
  )
  .add(
    HttpApiEndpoint.get("why", "/conversations/:id/why")
      .setPath(Struct({ id: Text }))
      .addSuccess(record)
  )
  .add(
    HttpApiEndpoint.get("raw", "/conversations/:id/raw")
      .setPath(Struct({ id: Text }))
      .addSuccess(Struct({ items: list(record) }))
  )
  .add(
    HttpApiEndpoint.get("search", "/search")
      .setUrlParams(Asked({ q: Text, connection: Schema.optional(Text), limit: limit(200, 20) }))
      .addSuccess(Struct({ items: list(hit) }))
  )

const requested = {
  status: NullOr(Text),
  category: Schema.optional(Text),
  summary: Schema.optional(Text)
}

const change = record

const changes = HttpApiGroup.make("changes")
  .add(
    HttpApiEndpoint.get("list", "/changes")
      .setUrlParams(
        Asked({ all: Schema.optional(Text), connection: Schema.optional(Text), limit: limit(1_000, 100) })
      )
      .addSuccess(Struct({ items: list(change), total: Int }))
  )
  .add(
    HttpApiEndpoint.get("one", "/changes/:id")
      .setPath(Struct({ id: Schema.NumberFromString.pipe(Schema.int()) }))
      .addSuccess(change)
  )
  .add(
    HttpApiEndpoint.post("request", "/changes")
      .setPayload(
        Asked({
          ...requested,
          /** Which conversations: their ids, an SQL condition on `conversations`, or those that a filter lists. */
          ids: Schema.optional(list(Text)),
          where: Schema.optional(Text),
          filter: Schema.optional(Asked(filter)),
          /** Say what would be requested, and request nothing. */
          plan: optional(Bool, { default: () => false }),
          /** The number of changes, where a connection has more than are sent unconfirmed. */
          confirm: Schema.optional(Int)
        })
      )
      .addSuccess(record)
  )
  .add(
    HttpApiEndpoint.post("undo", "/changes/undo")
      .setPayload(
        Asked({ run: Int, plan: optional(Bool, { default: () => false }), confirm: Schema.optional(Int) })
      )
      .addSuccess(record)
  )
  .add(
    HttpApiEndpoint.post("act", "/changes/:id/:action")
      .setPath(
        Struct({
          id: Schema.NumberFromString.pipe(Schema.int()),
          action: Schema.Literal("cancel", "approve", "resolve", "retry")
        })
      )
      .setPayload(Asked({ keep: Schema.optional(Schema.Literal("local", "remote")) }))
      .addSuccess(change)
  )

const health = HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("status", "/status").addSuccess(
      Struct({ connections: list(record), copies: list(record) })
    )
  )
  .add(
    HttpApiEndpoint.get("runs", "/runs")
      .setUrlParams(Asked({ limit: limit(200, 30) }))
      .addSuccess(Struct({ items: list(record) }))
  )
  .add(
    HttpApiEndpoint.post("run", "/runs")
      .setPayload(Asked({ connections: Schema.optional(list(Text)) }))
      .addSuccess(Struct({ started: Bool }))
  )
  .add(
    HttpApiEndpoint.get("quarantine", "/quarantine")
      .setUrlParams(
        Asked({ all: Schema.optional(Text), connection: Schema.optional(Text), limit: limit(500, 100) })
      )
      .addSuccess(Struct({ items: list(record), total: Int }))
  )
  .add(
    HttpApiEndpoint.get("quarantined", "/quarantine/:id")
      .setPath(Struct({ id: Schema.NumberFromString.pipe(Schema.int()) }))
      .addSuccess(record)
  )
  .add(
    HttpApiEndpoint.post("dismiss", "/quarantine/dismiss")
      .setPayload(Asked({ ids: list(Int).pipe(Schema.minItems(1)) }))
      .addSuccess(record)
  )
  .add(HttpApiEndpoint.post("reread", "/quarantine/retry").setPayload(Asked({})).addSuccess(record))

const cell = Schema.Union(Schema.Null, Num, Text)

const analysis = HttpApiGroup.make("analysis")
  .add(
    HttpApiEndpoint.get("report", "/report")
      .setUrlParams(
        Asked({
          since: Schema.optional(Text),
          until: Schema.optional(Text),
          connection: Schema.optional(Text),
          compare: Schema.optional(Text)
        })
      )
      .addSuccess(record)
  )
  .add(
    HttpApiEndpoint.post("query", "/query")
      .setPayload(Asked({ sql: Text }))
      .addSuccess(Struct({ columns: list(Text), rows: list(list(cell)), more: Bool, millis: Num }))
  )
  .add(HttpApiEndpoint.get("dictionary", "/dictionary").addSuccess(Struct({ items: list(record) })))

const surroundings = HttpApiGroup.make("session")
  .add(
    HttpApiEndpoint.post("enter", "/session")
      .setPayload(Asked({ token: Text }))
      .addSuccess(Struct({ entered: Bool }))
  )
  .add(HttpApiEndpoint.get("settings", "/settings").addSuccess(settings))
  .add(
    HttpApiEndpoint.get("events", "/events").addSuccess(
      Text.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "text/event-stream" }))
    )
  )

export class Api extends HttpApi.make("parley")
  .add(surroundings)
  .add(conversations)
  .add(changes)
  .add(health)
  .add(analysis)
  .addError(Invalid)
  .addError(Missing)
  .addError(Refused)
  .addError(Broken)
  .prefix("/api")
  .annotate(OpenApi.Title, "Parley")
  .annotate(
    OpenApi.Description,
    "The mirror on this machine, and the outbox in front of the providers. Let in by a cookie that the printed token is exchanged for."
  ) {}

export type Listed = typeof listed.Type
export type Filter = { readonly [Key in keyof typeof filter]?: string | undefined }
export type TranscriptMessage = typeof message.Type
export type Settings = typeof settings.Type
