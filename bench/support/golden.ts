import type { Session } from "../../src/store/Db.ts"

/** A question that is asked every day, and how long its answer may take. */
export interface Golden {
  readonly name: string
  readonly sql: string
  /** Milliseconds it may take. */
  readonly within: number
}

/** Milliseconds for what an index finds. */
export const lookup = 20
/** Milliseconds for what counts over everything. */
export const view = 1_000

/** Tables of what is counted with each commit, fetched whole. */
const marts: ReadonlyArray<Golden> = [
  "turns",
  "sessions",
  "handoffs",
  "messages_by_hour",
  "people",
  "human_agents",
  "data_quality",
  "outcomes",
  "daily_volume"
].map((table) => ({ name: `all of ${table}`, within: view, sql: `SELECT * FROM ${table}` }))

export const golden: ReadonlyArray<Golden> = [
  ...marts,
  { name: "one conversation", within: lookup, sql: "SELECT * FROM conversations WHERE id = $conversation" },
  {
    name: "its messages, in order",
    within: lookup,
    sql: "SELECT position, role, sent_at, content FROM messages WHERE conversation_id = $conversation ORDER BY position"
  },
  {
    name: "one message by its id",
    within: lookup,
    sql: "SELECT role, content FROM messages WHERE conversation_id = $conversation AND id = $message"
  },
  {
    name: "conversations of an address",
    within: lookup,
    sql: "SELECT c.id, c.status FROM contacts k JOIN conversations c ON c.contact_id = k.id WHERE k.email = $email"
  },
  {
    name: "full-text search, best first",
    within: lookup,
    sql: "SELECT conversation_id, excerpt FROM search_results WHERE search MATCH 'vegetarian AND cheap' ORDER BY rank LIMIT 20"
  },
  {
    name: "full-text search for a frequent word, newest first",
    within: lookup,
    sql: `SELECT m.conversation_id, snippet(message_search, 0, '[', ']', '…', 12) FROM message_search s
          JOIN messages m ON m.key = s.rowid WHERE message_search MATCH 'restaurant' ORDER BY s.rowid DESC LIMIT 20`
  },
  {
    name: "messages of one hour",
    within: lookup,
    sql: `SELECT role, sent_at, content FROM messages WHERE sent_at BETWEEN $hour AND $hour || '~' AND conversation_id IN (
            SELECT id FROM conversations WHERE started_at <= $hour || '~' AND last_message_at >= $hour) ORDER BY sent_at`
  },
  {
    name: "what changed lately at one connection",
    within: lookup,
    sql: "SELECT id, status, updated_at FROM conversations WHERE connection = 'support' AND updated_at > $lately ORDER BY updated_at DESC LIMIT 100"
  },
  {
    name: "where a message came from",
    within: lookup,
    sql: "SELECT * FROM lineage WHERE table_name = 'messages' AND conversation_id = $conversation AND row_id = $message"
  },
  {
    name: "volume by day of the last week",
    within: view,
    sql: "SELECT day, channel, sum(conversations), sum(messages) FROM daily_volume WHERE day >= substr($lately, 1, 10) GROUP BY day, channel"
  },
  {
    name: "time to the first answer",
    within: view,
    sql: "SELECT connection, channel, median_seconds, p90_seconds FROM response_times WHERE measure = 'first_answer'"
  },
  {
    name: "who waits for a person, longest first",
    within: view,
    sql: "SELECT conversation_id, waiting_since FROM waiting_for_person ORDER BY waiting_since LIMIT 20"
  },
  {
    name: "busiest hours",
    within: view,
    sql: "SELECT weekday, hour, customer_messages FROM busiest_hours ORDER BY customer_messages DESC LIMIT 10"
  }
]

/** What the queries are asked about: something from the middle of the mirror. */
export const parametersOf = ({ prepare }: Session): Readonly<Record<string, string>> => {
  const one = (sql: string) => String(prepare(sql).pluck().get())
  const conversation = one(
    "SELECT id FROM remote_conversations WHERE key = (SELECT max(key) / 2 FROM remote_conversations)"
  )
  return {
    conversation,
    message: `${conversation}:m0001`,
    email: one("SELECT email FROM remote_contacts WHERE key = (SELECT max(key) / 2 FROM remote_contacts)"),
    hour: one(
      "SELECT substr(started_at, 1, 13) FROM remote_conversations WHERE key = (SELECT max(key) / 2 FROM remote_conversations)"
    ),
    lately: "2026-02-28T00:00:00.000Z"
  }
}

export const withValues = (sql: string, parameters: Readonly<Record<string, string>>): string =>
  sql.replace(/\$(\w+)/g, (_, name: string) => `'${(parameters[name] ?? "").replaceAll("'", "''")}'`)
