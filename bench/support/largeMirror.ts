import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { nextSeq } from "../../src/store/commits.ts"
import type { Session } from "../../src/store/Db.ts"
import { makeActivityRows } from "../../src/store/mirror/activity.ts"
import { messagesPerConversation } from "../../src/store/mirror/messageRows.ts"
import { makeBlockWriter } from "../../src/store/mirror/raw/rawBlocks.ts"
import { searchWords } from "../../src/store/mirror/searchTokens.ts"

/** What people said, oldest first: true where the customer speaks. */
type Dialogue = ReadonlyArray<readonly [customer: boolean, text: string]>

/** Gzipped JSON lines, `{"turns": [[0, "customer says"], [1, "assistant says"], ...]}`. */
export const readDialogues = (path: string): ReadonlyArray<Dialogue> =>
  gunzipSync(readFileSync(path))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      (JSON.parse(line) as { readonly turns: ReadonlyArray<readonly [number, string]> }).turns.map(
        ([speaker, text]) => [speaker === 0, text] as const
      )
    )

/** For machines without the dialogues: sentences of four languages, about as long as what people write. */
export const madeUpDialogues: ReadonlyArray<Dialogue> = Array.from({ length: 997 }, (_, index) =>
  Array.from({ length: 4 + ((index * 7) % 29) }, (_, turn) => {
    const texts = [
      "Do you have a table for two on Friday at half past seven?",
      "Ich würde gerne einen Termin für nächste Woche vereinbaren.",
      "我想预约明天下午三点的时间可以吗",
      "Merci, c'est confirmé pour samedi matin à dix heures."
    ]
    return [turn % 2 === 0, `${texts[(index + turn) % texts.length]} (${index}/${turn})`] as const
  })
)

/** A number in [0, 1) that is always the same for the same seed. */
const chance = (seed: number): number => {
  let x = (seed + 0x9e3779b9) | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32
}

const pick = <const A>(list: ReadonlyArray<A> & { readonly 0: A }, share: number): A =>
  list[Math.floor(share * list.length)] ?? list[0]

const connections = [
  {
    name: "leads",
    provider: "naturalead",
    words: { active: "active", handed_off: "handed_off", completed: "completed", abandoned: "dropped" }
  },
  {
    name: "support",
    provider: "convocore",
    words: {
      active: "ai-chatting",
      handed_off: "requested_chat",
      completed: "ended_chat",
      abandoned: "ai-chatting"
    }
  },
  {
    name: "salon",
    provider: "empfio",
    words: { active: "active", handed_off: "escalated", completed: "completed", abandoned: "abandoned" }
  },
  {
    name: "inbox",
    provider: "aelyst",
    words: { active: "open", handed_off: "open", completed: "closed", abandoned: "closed" }
  }
] as const

const channels = ["whatsapp", "web", "messenger", "voice", "telegram", "email"] as const
const hour = 3_600_000
const day = 24 * hour

const isoOf = (millis: number): string => new Date(millis).toISOString()

const statusOf = (share: number) =>
  share < 0.18 ? "active" : share < 0.32 ? "handed_off" : share < 0.78 ? "completed" : "abandoned"

/** When a conversation starts: within `days` before `now`, more by day than by night, more on weekdays. */
const startOf = (seed: number, now: number, days: number): number => {
  for (let attempt = 0; ; attempt += 1) {
    const at = now - Math.floor(chance(seed + attempt * 7919) * days * day) - 2 * day
    const date = new Date(at)
    const busy =
      (0.12 + Math.exp(-((date.getUTCHours() - 11) ** 2) / 24)) * (date.getUTCDay() % 6 === 0 ? 0.45 : 1)
    if (attempt > 12 || chance(seed + attempt * 104_729 + 1) < busy) return at
  }
}

export interface LargeMirrorOptions {
  /** At least so many; the last conversation is whole. */
  readonly messages: number
  readonly dialogues: ReadonlyArray<Dialogue>
  /** Epoch milliseconds: no message is later. */
  readonly now: number
  readonly days: number
}

/**
 * Fills an empty mirror through its tables, as syncs would have: four connections, pages, raw payloads, the full-text
 * index. The same options give the same rows. Returns how many conversations there are.
 */
export const fillMirror = (session: Session, options: LargeMirrorOptions): number => {
  const { prepare } = session
  const { dialogues, now } = options
  const at = isoOf(now)
  const insertConnection = prepare(
    "INSERT INTO connections (name, provider, first_seen_at, last_complete_scan_at) VALUES (?, ?, ?, ?)"
  )
  const insertRun = prepare(
    "INSERT INTO runs (command, started_at, finished_at, outcome, exit_code, host, pid) VALUES ('backfill', ?, ?, 'complete', 0, 'bench', 1)"
  )
  const insertRunConnection = prepare(
    `INSERT INTO run_connections (run_id, connection, lane, outcome, started_at, finished_at, requests, pages)
     VALUES (?, ?, 'backfill', 'complete', ?, ?, 100, 100)`
  )
  const insertPage = prepare(
    `INSERT INTO pages (id, run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
       received, inserted, updated, unchanged, filtered, quarantined)
     VALUES (?, ?, ?, 'backfill', 'list', 'GET', '/conversations', 200, ?, ?, 100000, 500, 500, 0, 0, 0, 0)`
  )
  const insertContact = prepare(
    `INSERT INTO remote_contacts (id, connection, provider_id, name, email, phone, observed_at, first_seen_at, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const insertConversation = prepare(
    `INSERT INTO remote_conversations (id, connection, provider_id, contact_id, channel, provider_channel, status,
       provider_status, agent_id, campaign_id, title, summary, qualified, qualification_reason, tags, attributes,
       declared_messages, stored_messages, started_at, last_message_at, updated_at, observed_at, first_seen_at,
       content_hash, page_id, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const insertMessage = prepare(
    `INSERT INTO message_rows (key, kind, position, id, content, sent_at, seq) VALUES (?, ?, ?, ?, ?, ?, ?)`
  )
  const noteChange = prepare("INSERT INTO message_changes (seq, conversation) VALUES (?, ?)")
  const insertKind = prepare(
    "INSERT INTO message_kinds (role, type, provider_role, sent_at_source, names_itself) VALUES (?, 'text', ?, 'timestamp', 1)"
  )
  const kinds = new Map(
    (["customer", "agent", "human"] as const).map((role) => [
      role,
      Number(insertKind.run(role, role).lastInsertRowid)
    ])
  )
  const insertWords = prepare("INSERT INTO message_words (key, words) VALUES (?, ?)")
  const insertRaw = prepare(
    `INSERT INTO raw_rows (key, conversation, kind, hash, observed_at, page_id, block, start, length)
     VALUES (?, ?, 1, x'00', ?, ?, ?, ?, ?)`
  )
  prepare("INSERT INTO raw_kinds (key, kind) VALUES (1, 'conversation')").run()
  const blocks = makeBlockWriter({ prepare })
  blocks.begin()
  const insertHistory = prepare(
    `INSERT INTO status_history (conversation_id, from_status, to_status, provider_status, origin, observed_at, run_id, seq)
     VALUES (?, NULL, ?, ?, 'provider', ?, ?, ?)`
  )
  const insertChange = prepare(
    "INSERT INTO status_changes (conversation_id, from_status, to_status, requested_at, requested_by) VALUES (?, ?, ?, ?, 'bench')"
  )
  const activity = makeActivityRows({ prepare })
  const runId = Number(insertRun.run(at, at).lastInsertRowid)
  for (const { name, provider } of connections) {
    insertConnection.run(name, provider, at, at)
    insertRunConnection.run(runId, name, at, at)
  }

  const newPage = (connection: string): number => {
    const seq = nextSeq(session, at, runId)
    insertPage.run(seq, runId, connection, at, at)
    return seq
  }

  let conversations = 0
  let messages = 0
  let pageId = 0
  while (messages < options.messages) {
    const seed = conversations * 131
    const connection = pick(connections, chance(seed))
    if (conversations % 25 === 0) pageId = newPage(connection.name)
    const dialogue = dialogues[conversations % dialogues.length] ?? []
    const providerId = `c${String(conversations).padStart(8, "0")}`
    const id = `${connection.name}:${providerId}`
    const status = statusOf(chance(seed + 1))
    const channel = pick(channels, chance(seed + 2) ** 1.6)
    const startedAt = startOf(seed + 9_000_001, now, options.days)
    const pace = 8_000 + chance(seed + 3) ** 4 * 900_000
    const takeOver =
      status === "handed_off" && chance(seed + 4) < 0.5 ? Math.floor(dialogue.length * 0.6) : Infinity
    let sentAt = startedAt
    const rows = dialogue.map(([customer, text], position) => {
      if (position > 0)
        sentAt = Math.min(now, sentAt + Math.floor(pace * (0.2 + chance(seed + position * 17))))
      const role = customer ? "customer" : position >= takeOver ? "human" : "agent"
      return { role, providerRole: role, content: text, sentAt: isoOf(sentAt), attributes: {} } as const
    })
    const qualified =
      connection.provider === "naturalead" && status === "completed" ? Number(chance(seed + 5) < 0.6) : null
    const contactId = `${connection.name}:p${providerId}`
    insertContact.run(
      contactId,
      connection.name,
      `p${providerId}`,
      `Person ${conversations}`,
      `person.${conversations}@example.com`,
      null,
      at,
      at,
      pageId
    )
    insertConversation.run(
      id,
      connection.name,
      providerId,
      contactId,
      channel,
      channel,
      status,
      connection.words[status],
      `agent-${conversations % 7}`,
      conversations % 3 === 0 ? `campaign-${conversations % 11}` : null,
      `Conversation ${conversations}`,
      null,
      qualified,
      qualified === null ? null : "as agreed",
      "[]",
      JSON.stringify({
        accountId: "665f1a2b3c4d5e6f7a8b9c0d",
        currentStageIndex: 3,
        currentStageName: "Offer",
        leadPhone: "+10005550100"
      }),
      rows.length,
      rows.length,
      isoOf(startedAt),
      isoOf(sentAt),
      isoOf(sentAt),
      at,
      at,
      "hash",
      pageId,
      pageId
    )
    insertHistory.run(id, status, connection.words[status], at, runId, pageId)
    rows.forEach((row, position) => {
      messages += 1
      const key = (conversations + 1) * messagesPerConversation + position
      const messageId = `m${String(position).padStart(4, "0")}`
      const sent = Date.parse(row.sentAt)
      insertMessage.run(key, kinds.get(row.role), position, messageId, row.content, sent, pageId)
      const words = searchWords(row.content)
      if (words !== null) insertWords.run(key, words)
    })
    activity.write(conversations + 1, rows)
    noteChange.run(pageId, conversations + 1)
    const payload = JSON.stringify(rows.map(({ content, role, sentAt }) => ({ role, content, sentAt })))
    const { block, key, length, start } = blocks.add(Buffer.from(payload))
    insertRaw.run(key, conversations + 1, now, pageId, block, start, length)
    if (conversations % 1000 === 7)
      insertChange.run(id, status, status === "completed" ? "active" : "completed", at)
    conversations += 1
  }
  blocks.end()
  prepare("INSERT INTO message_search (rowid, content) SELECT key, content FROM message_search_source").run()
  return conversations
}
