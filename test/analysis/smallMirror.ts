import { Effect } from "effect"
import type { Role } from "../../src/domain/Conversation.ts"
import type { Status } from "../../src/domain/Status.ts"
import { Db, type Session } from "../../src/store/Db.ts"
import { makeActivityRows } from "../../src/store/mirror/activity.ts"
import { messagesPerConversation } from "../../src/store/mirror/messageRows.ts"
import { searchWords } from "../../src/store/mirror/searchTokens.ts"
import { temporaryFile } from "../store/fixtures.ts"
import { editableViews } from "../support/editableViews.ts"

/** Seconds after a Saturday morning, UTC. */
export const at = (seconds: number): string =>
  new Date(Date.UTC(2026, 2, 7, 10) + seconds * 1000).toISOString()

/** Who said what, and when: seconds after the same morning, or null where nobody knows. */
export type Line = readonly [role: Role, second: number | null, content?: string]

export interface Talk {
  readonly connection?: "leads" | "salon"
  readonly id: string
  readonly channel?: string | null
  readonly status?: Status
  readonly qualified?: 0 | 1 | null
  readonly campaign?: string | null
  readonly startedAt?: string | null
  readonly lines?: ReadonlyArray<Line>
  readonly pageId?: number
  readonly deletedAt?: string | null
  readonly title?: string
}

/** Two connections, a finished run with a page for each, and nothing else: pages 1 (leads) and 2 (salon). */
const begin = ({ database }: Session): void => {
  database.exec(`
    INSERT INTO connections (name, provider, first_seen_at, last_complete_scan_at)
      VALUES ('leads', 'naturalead', '${at(0)}', '${at(0)}'), ('salon', 'empfio', '${at(0)}', NULL);
    INSERT INTO writable_statuses VALUES ('leads', 'completed', 'completed'), ('salon', 'completed', 'completed');`)
  run({ database })
}

/** One more run, with a page for each connection. */
export const run = ({ database }: Pick<Session, "database">, startedAt = at(0)): void => {
  editableViews(database)
  const { lastInsertRowid: id } = database
    .prepare(
      `INSERT INTO runs (command, started_at, finished_at, outcome, exit_code, host, pid)
       VALUES ('sync', ?, ?, 'complete', 0, 'here', 1)`
    )
    .run(startedAt, startedAt)
  for (const connection of ["leads", "salon"]) {
    database
      .prepare(
        `INSERT INTO run_connections (run_id, connection, lane, outcome, started_at, finished_at)
         VALUES (?, ?, 'sync', 'complete', ?, ?)`
      )
      .run(id, connection, startedAt, startedAt)
    database
      .prepare(
        `INSERT INTO pages (run_id, connection, lane, operation, method, path, status, requested_at, received_at, bytes,
           received, inserted, updated, unchanged, filtered, quarantined)
         VALUES (?, ?, 'sync', 'list', 'GET', '/conversations', 200, ?, ?, 10, 0, 0, 0, 0, 0, 0)`
      )
      .run(id, connection, startedAt, startedAt)
  }
}

export const talk = (session: Session, said: Talk): string => {
  const { prepare } = session
  editableViews(session.database)
  const { connection = "leads", lines = [], status = "active" } = said
  const id = `${connection}:${said.id}`
  const pageId = said.pageId ?? (connection === "leads" ? 1 : 2)
  const times = lines.flatMap(([, second]) => (second === null ? [] : [second]))
  const contactId = `${connection}:p-${said.id}`
  const startedAt = said.startedAt === undefined ? at(Math.min(...times, 0)) : said.startedAt
  prepare(
    `INSERT INTO remote_contacts (id, connection, provider_id, name, observed_at, first_seen_at) VALUES (?, ?, ?, ?, ?, ?)`
  ).run(contactId, connection, `p-${said.id}`, '=Alex, "the" Kim', at(0), at(0))
  const { lastInsertRowid } = prepare(
    `INSERT INTO remote_conversations (id, connection, provider_id, contact_id, channel, provider_channel, status,
       provider_status, campaign_id, title, qualified, stored_messages, started_at, last_message_at, observed_at,
       first_seen_at, deleted_at, content_hash, page_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'hash', ?)`
  ).run(
    id,
    connection,
    said.id,
    contactId,
    said.channel === undefined ? "web" : said.channel,
    said.channel === undefined ? "web" : said.channel,
    status,
    status,
    said.campaign ?? null,
    said.title ?? null,
    said.qualified ?? null,
    lines.length,
    startedAt,
    times.length === 0 ? null : at(Math.max(...times)),
    at(0),
    at(0),
    said.deletedAt ?? null,
    pageId
  )
  prepare(
    `INSERT INTO status_history (conversation_id, to_status, provider_status, origin, observed_at, run_id)
     VALUES (?, ?, ?, 'provider', ?, (SELECT run_id FROM pages WHERE id = ?))`
  ).run(id, status, status, at(0), pageId)
  lines.forEach(([role, second, content = "Hello"], position) => {
    const key = Number(lastInsertRowid) * messagesPerConversation + position
    prepare(
      `INSERT INTO messages (id, conversation_id, provider_id, position, role, type, content, sent_at, page_id)
       VALUES (?, ?, ?, ?, ?, 'text', ?, ?, ?)`
    ).run(
      `${id}:m${position}`,
      id,
      `m${position}`,
      position,
      role,
      content,
      second === null ? null : at(second),
      pageId
    )
    const words = searchWords(content)
    if (words !== null) prepare("INSERT INTO message_words (key, words) VALUES (?, ?)").run(key, words)
    prepare(
      "INSERT INTO message_search (rowid, content) SELECT key, content FROM message_search_source WHERE key = ?"
    ).run(key)
  })
  if (lines.length > 0) makeActivityRows(session).refresh(Number(lastInsertRowid), id)
  return id
}

/** Runs `f` on a fresh mirror of two connections; the file's path comes second. */
export const withMirror = <A>(f: (session: Session, path: string) => A) =>
  Effect.flatMap(temporaryFile, (path) =>
    Effect.provide(
      Effect.flatMap(Db, (db) =>
        db.use("test", (session) => {
          begin(session)
          return f(session, path)
        })
      ),
      Db.layer(path)
    )
  )

/** A fresh file with what `fill` writes into it, closed. */
export const mirrorFile = (fill: (session: Session) => void) =>
  Effect.tap(temporaryFile, (path) =>
    Effect.provide(
      Effect.flatMap(Db, (db) =>
        db.use("test", (session) => {
          begin(session)
          fill(session)
        })
      ),
      Db.layer(path)
    )
  )
