/*
 * What it costs to store what a provider gives, without a network, everything on, beside the plainest inserts of the
 * same messages (no search, raw payloads, ledger, history or comparison), measured in turn:
 *   npm run bench commit [conversations] [conversations a commit]
 * PARLEY_DIALOGUES names a file of dialogues (gzipped JSON lines); without it sentences are made up.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Layer } from "effect"
import type { Message } from "../src/domain/Conversation.ts"
import { now } from "../src/domain/Timestamp.ts"
import type { Page, Sighting } from "../src/providers/Provider.ts"
import { Db } from "../src/store/Db.ts"
import { Ledger } from "../src/store/ledger/Ledger.ts"
import { Mirror, SeenSet } from "../src/store/mirror/Mirror.ts"
import { madeUpDialogues, readDialogues } from "./support/largeMirror.ts"

const [conversations = 5_000, perCommit = 27] = process.argv.slice(2).map(Number)

const file = process.env.PARLEY_DIALOGUES
const dialogues = file === undefined ? madeUpDialogues : readDialogues(file)

const print = (line: string) => process.stdout.write(`${line}\n`)

const start = Date.UTC(2026, 0, 1)

const sightingOf = (index: number): Sighting => {
  const id = `conv_${((index * 2654435761) % 4294967296).toString(16)}_${index}`
  const began = start + index * 60_000
  const items = (dialogues[index % dialogues.length] ?? []).map(
    ([customer, content], position): Message => ({
      messageId: `msg_${index}_${position}`,
      providerId: `msg_${index}_${position}`,
      role: customer ? "customer" : "agent",
      providerRole: customer ? "user" : "assistant",
      type: "text",
      content,
      sentAt: now(began + position * 1000),
      sentAtSource: "timestamp",
      attributes: {}
    })
  )
  const payload = JSON.stringify({
    id,
    status: "active",
    lead: { id: `lead_${index}`, name: "Ann Example" },
    messages: items.map(({ providerId, providerRole, content, sentAt }) => ({
      id: providerId,
      role: providerRole,
      content,
      timestamp: sentAt
    }))
  })
  return {
    _tag: "Sighting",
    conversation: {
      providerId: id,
      contactId: `lead_${index}`,
      channel: "web",
      providerChannel: "webchat",
      status: "active",
      providerStatus: "active",
      agentId: "agent-1",
      campaignId: "campaign-7",
      title: null,
      summary: null,
      qualified: true,
      qualificationReason: "asked for a table",
      tags: [],
      attributes: { source: "landing-page", locale: "en" },
      declaredMessages: items.length,
      startedAt: now(began),
      lastMessageAt: now(began + items.length * 1000),
      updatedAt: now(began + items.length * 1000)
    },
    contact: {
      providerId: `lead_${index}`,
      name: "Ann Example",
      email: `ann${index}@example.com`,
      phone: null,
      attributes: {}
    },
    messages: { extent: "whole", items },
    unreadable: [],
    raw: [{ kind: "conversation", providerId: id, conversationId: id, payload }],
    fingerprint: `${index}:1`
  }
}

const pageOf = (items: Page["items"], requestedAt: number): Page => ({
  exchange: {
    operation: "list",
    method: "GET",
    path: "/conversations",
    status: 200,
    requestedAt,
    receivedAt: requestedAt + 9,
    bytes: 100_000
  },
  items,
  cursor: `after-${requestedAt}`,
  end: null,
  notices: [],
  learned: {}
})

const folder = mkdtempSync(join(tmpdir(), "parley-bench-"))
const path = join(folder, "bench.db")

const cpuSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Milliseconds of CPU. */
const plainInserts = (sightings: ReadonlyArray<Sighting>, file: string): number => {
  const database = new Sqlite(file)
  database.pragma("journal_mode = WAL")
  database.pragma("synchronous = NORMAL")
  database.exec(`CREATE TABLE conversations (id TEXT PRIMARY KEY, contact TEXT, channel TEXT, status TEXT, started_at TEXT);
    CREATE TABLE messages (id TEXT PRIMARY KEY, conversation TEXT, position INTEGER, role TEXT, content TEXT, sent_at TEXT);`)
  const conversation = database.prepare("INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?)")
  const message = database.prepare("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?)")
  const store = database.transaction((batch: ReadonlyArray<Sighting>) => {
    for (const { conversation: one, messages } of batch) {
      conversation.run(one.providerId, one.contactId, one.channel, one.status, one.startedAt)
      messages?.items.forEach(({ messageId, role, content, sentAt }, position) => {
        message.run(messageId, one.providerId, position, role, content, sentAt)
      })
    }
  })
  const before = process.cpuUsage()
  for (let from = 0; from < sightings.length; from += perCommit)
    store(sightings.slice(from, from + perCommit))
  const millis = cpuSince(before)
  database.close()
  return millis
}

const program = Effect.gen(function* () {
  const mirror = yield* Mirror
  const ledger = yield* Ledger
  yield* mirror.register({ name: "leads", provider: "naturalead", conflictPolicy: "manual", writable: {} })
  const runId = yield* ledger.startRun("bench")
  const sightings = Array.from({ length: conversations }, (_, index) => sightingOf(index))

  const messages = sightings.reduce((sum, sighting) => sum + (sighting.messages?.items.length ?? 0), 0)

  const plain = Math.min(
    ...[1, 2, 3].map((round) => plainInserts(sightings, join(folder, `plain-${round}.db`)))
  )
  print(`plain inserts: CPU ${Math.round(plain)} ms for ${messages} messages`)

  const pass = Effect.fn(function* (
    label: string,
    offset: number,
    map: (sighting: Sighting) => Page["items"][number]
  ) {
    const seen = new SeenSet()
    const pages: Array<Page> = []
    for (let from = 0; from < sightings.length; from += perCommit) {
      pages.push(pageOf(sightings.slice(from, from + perCommit).map(map), start + offset + from))
    }
    const began = performance.now()
    const cpu = process.cpuUsage()
    let longest = 0
    for (const page of pages) {
      const before = performance.now()
      yield* mirror.commit({
        runId,
        connection: "leads",
        lane: "sync",
        pages: [page],
        keepRaw: "newest",
        seen,
        scan: { scope: "{}", startedAt: now(start + offset) }
      })
      longest = Math.max(longest, performance.now() - before)
    }
    const millis = performance.now() - began
    const used = cpuSince(cpu)
    print(
      `${label.padEnd(34)} ${Math.round(messages / (used / 1000))
        .toLocaleString("en")
        .padStart(9)} messages/s of CPU  ` +
        `CPU ${Math.round(used)} ms (${(used / plain).toFixed(2)} × plain inserts), ${Math.round(millis)} ms, longest transaction ${longest.toFixed(1)} ms`
    )
  })

  yield* pass("new", 1e9, (sighting) => sighting)
  yield* pass("the same again, with details", 2e9, (sighting) => sighting)
  yield* pass("the same again, listed only", 3e9, ({ conversation }) => ({
    _tag: "Unchanged",
    providerId: conversation.providerId
  }))
  yield* pass("one message more, whole", 4e9, (sighting) => ({
    ...sighting,
    messages: {
      extent: "whole",
      items: [
        ...(sighting.messages?.items ?? []),
        { ...(sighting.messages?.items[0] as Message), messageId: "more" }
      ]
    }
  }))
  const ids = sightings.map((sighting) => sighting.conversation.providerId)
  const began = performance.now()
  for (let from = 0; from < ids.length; from += 100) yield* mirror.known("leads", ids.slice(from, from + 100))
  print(`known, 100 ids: ${((performance.now() - began) / (ids.length / 100)).toFixed(2)} ms`)
  print(`file: ${Math.round(statSync(path).size / 1e6)} MB`)
})

Effect.runPromise(
  program.pipe(
    Effect.provide(Layer.mergeAll(Mirror.Default, Ledger.Default).pipe(Layer.provideMerge(Db.layer(path))))
  )
).finally(() => rmSync(folder, { recursive: true, force: true }))
