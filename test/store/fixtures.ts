import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Clock, Effect, Layer, TestClock } from "effect"
import type { Contact, Conversation, Message } from "../../src/domain/Conversation.ts"
import { now, type Timestamp } from "../../src/domain/Timestamp.ts"
import type { Item, Page, RawPayload, Sighting, Unreadable } from "../../src/providers/Provider.ts"
import { Db, type DbOptions } from "../../src/store/Db.ts"
import { Leases } from "../../src/store/ledger/Leases.ts"
import { Ledger } from "../../src/store/ledger/Ledger.ts"
import { type CommitInput, Mirror } from "../../src/store/mirror/Mirror.ts"
import { layMirror } from "../support/mirrorTemplate.ts"

/** A folder that is gone when the scope closes. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-store-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

export const temporaryFile = Effect.map(temporaryFolder, (folder) => join(folder, "mirror.db"))

export const storeLayer = (path: string, options: DbOptions = {}) =>
  Layer.mergeAll(Mirror.Default, Ledger.Default, Leases.Default).pipe(
    Layer.provideMerge(Db.layer(path, options))
  )

/** Everything of the store on a fresh file. */
export const freshStore = Layer.unwrapScoped(
  Effect.map(Effect.tap(temporaryFile, layMirror), (path) => storeLayer(path))
)

/** An instant a number of seconds after a fixed one, UTC. */
export const at = (seconds: number): Timestamp => now(atMillis(seconds))
export const atMillis = (seconds: number): number => Date.UTC(2026, 2, 7, 10) + seconds * 1000

export const conversation = (fields: Partial<Conversation> = {}): Conversation => ({
  providerId: "c1",
  contactId: null,
  channel: "web",
  providerChannel: "webchat",
  status: "active",
  providerStatus: "active",
  agentId: "agent-1",
  campaignId: null,
  title: null,
  summary: null,
  qualified: null,
  qualificationReason: null,
  tags: [],
  attributes: {},
  declaredMessages: null,
  startedAt: at(0),
  lastMessageAt: null,
  updatedAt: null,
  ...fields
})

export const message = (fields: Partial<Message> = {}): Message => ({
  messageId: "m1",
  providerId: fields.messageId ?? "m1",
  role: "customer",
  providerRole: "user",
  type: "text",
  content: "Hello",
  sentAt: at(1),
  sentAtSource: "timestamp",
  attributes: {},
  ...fields
})

/** One message for each text, `m0`, `m1`, … */
export const messagesOf = (...texts: ReadonlyArray<string>): ReadonlyArray<Message> =>
  texts.map((content, index) => message({ messageId: `m${index}`, content, sentAt: at(index) }))

export const contact = (fields: Partial<Contact> = {}): Contact => ({
  providerId: "p1",
  name: null,
  email: null,
  phone: null,
  attributes: {},
  ...fields
})

export const raw = (payload: string, fields: Partial<RawPayload> = {}): RawPayload => ({
  kind: "conversation",
  providerId: "c1",
  conversationId: "c1",
  payload,
  ...fields
})

export const unreadable = (fields: Partial<Unreadable> = {}): Unreadable => ({
  kind: "message",
  providerId: "m1",
  conversationId: "c1",
  reason: 'expected a number, got "twelve"',
  path: "$.messages[3].timestamp",
  payload: '{"id":"m1"}',
  ...fields
})

export const sighting = (
  fields: Partial<Conversation> = {},
  rest: Partial<Omit<Sighting, "_tag" | "conversation">> = {}
): Sighting => ({
  _tag: "Sighting",
  conversation: conversation(fields),
  contact: null,
  messages: null,
  unreadable: [],
  raw: [],
  fingerprint: null,
  ...rest
})

/** A page whose request was sent `seconds` after the fixed instant. */
export const page = (
  seconds: number,
  items: ReadonlyArray<Item>,
  fields: Partial<Omit<Page, "exchange" | "items">> = {}
): Page => ({
  exchange: {
    operation: "list conversations",
    method: "GET",
    path: "/conversations",
    status: 200,
    requestedAt: atMillis(seconds),
    receivedAt: atMillis(seconds) + 50,
    bytes: 1000
  },
  items,
  cursor: null,
  end: null,
  notices: [],
  learned: {},
  ...fields
})

export const leads = {
  name: "leads",
  provider: "naturalead",
  conflictPolicy: "manual",
  writable: { handed_off: "handed_off", completed: "completed", abandoned: "dropped" }
} as const

/** The present of tests that do not set it: an hour after the fixed instant. A clock that is never set shows 1970. */
export const present = Effect.flatMap(Clock.currentTimeMillis, (millis) =>
  millis === 0 ? TestClock.setTime(atMillis(3600)) : Effect.void
)

/** Registers `leads` and starts a run; gives a commit with everything that a test does not care about filled in. */
export const started = Effect.gen(function* () {
  const mirror = yield* Mirror
  const ledger = yield* Ledger
  yield* present
  yield* mirror.register(leads)
  const runId = yield* ledger.startRun("sync")
  const commit = (pages: ReadonlyArray<Page>, rest: Partial<CommitInput> = {}) =>
    mirror.commit({
      runId,
      connection: "leads",
      lane: "sync",
      pages,
      scan: null,
      keepRaw: "newest",
      seen: null,
      ...rest
    })
  return { runId, commit, mirror, ledger }
})

/** Rows of a query, read through the store's own connection. */
export const rows = (sql: string, ...parameters: ReadonlyArray<unknown>) =>
  Effect.flatMap(Db, (db) =>
    db.use(
      "test",
      ({ database }) => database.prepare(sql).all(...parameters) as Array<Record<string, unknown>>
    )
  )

export const values = (sql: string, ...parameters: ReadonlyArray<unknown>) =>
  Effect.flatMap(Db, (db) =>
    db.use("test", ({ database }) =>
      database
        .prepare(sql)
        .pluck()
        .all(...parameters)
    )
  )

/** Rows written since the file was opened by this connection: what must not grow where nothing is written. */
export const writtenRows = Effect.map(values("SELECT total_changes()"), ([count]) => Number(count))

/** What must hold of every mirror at any time; empty where it does. */
export const faultsOf = (database: Sqlite.Database): ReadonlyArray<string> => {
  const faults: Array<string> = []
  const integrity = database.pragma("integrity_check", { simple: true })
  if (integrity !== "ok") faults.push(`integrity_check: ${integrity}`)
  const broken = database.pragma("foreign_key_check") as ReadonlyArray<unknown>
  if (broken.length > 0) faults.push(`foreign_key_check: ${JSON.stringify(broken)}`)
  try {
    database.exec("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)")
  } catch (cause) {
    faults.push(`message_search: ${cause}`)
  }
  const checks: Readonly<Record<string, string>> = {
    "stored_messages is wrong": `SELECT id FROM remote_conversations r
      WHERE stored_messages <> (SELECT count(*) FROM messages m WHERE m.conversation_id = r.id)`,
    "a message without its conversation": `SELECT key FROM message_rows m
      WHERE NOT EXISTS (SELECT 1 FROM remote_conversations r WHERE r.key = m.key >> 20)`,
    "a message's change is not noted": `SELECT key FROM message_rows m
      WHERE NOT EXISTS (SELECT 1 FROM message_changes g WHERE g.seq = m.seq AND g.conversation = m.key >> 20)`,
    "a payload is not in its block": `SELECT w.key FROM raw_rows w LEFT JOIN raw_blocks b ON b.key = w.block
      WHERE b.key IS NULL OR w.start + w.length > b.size OR w.key NOT BETWEEN b.key AND b.key + b.rows - 1`,
    "a block does not know what of it is unused": `SELECT b.key FROM raw_blocks b
      WHERE b.size - b.unused <> (SELECT coalesce(sum(w.length), 0) FROM raw_rows w WHERE w.block = b.key)
        OR b.unused * 2 >= b.size AND b.size > 0`,
    "two messages in one place": `SELECT conversation_id FROM messages GROUP BY conversation_id, position HAVING count(*) > 1`,
    "positions with gaps": `SELECT conversation_id FROM messages GROUP BY conversation_id
      HAVING max(position) <> count(*) - 1`,
    "who spoke is out of step": `SELECT r.id FROM remote_conversations r
      LEFT JOIN conversation_activity a ON a.key = r.key
      WHERE (r.stored_messages = 0) <> (a.key IS NULL) OR coalesce(a.customer_messages, 0) <> (
        SELECT count(*) FROM messages m WHERE m.conversation_id = r.id AND m.role = 'customer')`,
    "sessions do not add up": `SELECT r.id FROM remote_conversations r WHERE r.stored_messages <> coalesce((
      SELECT sum(messages) FROM conversation_sessions s WHERE s.key = r.key), 0)`,
    "a contact is no one": `SELECT k.id FROM remote_contacts k
      WHERE NOT EXISTS (SELECT 1 FROM contact_people p WHERE p.key = k.key)`,
    "history does not end with the status": `SELECT r.id FROM remote_conversations r WHERE r.status <> (
      SELECT to_status FROM status_history h WHERE h.conversation_id = r.id ORDER BY h.id DESC LIMIT 1)`,
    "a page does not balance": `SELECT id FROM pages
      WHERE received <> inserted + updated + unchanged + filtered + quarantined`,
    "the run's counts are not its pages'": `SELECT c.run_id FROM run_connections c
      WHERE c.received <> (SELECT coalesce(sum(received), 0) FROM pages p
        WHERE p.run_id = c.run_id AND p.connection = c.connection AND p.lane = c.lane)`
  }
  for (const [fault, sql] of Object.entries(checks)) {
    const found = database.prepare(sql).pluck().all()
    if (found.length > 0) faults.push(`${fault}: ${JSON.stringify(found)}`)
  }
  return faults
}

export const faults = Effect.flatMap(Db, (db) => db.use("test", ({ database }) => faultsOf(database)))

/** Another program's look at the file. */
export const openBeside = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new Sqlite(path)),
    (database) => Effect.sync(() => database.close())
  )
