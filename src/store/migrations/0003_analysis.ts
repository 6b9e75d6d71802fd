interface Origin {
  /** The table as analysts know it. */
  readonly table: string
  readonly rowId: string
  readonly conversationId: string
  readonly connection: string
  readonly runId: string
  readonly from: string
  /** Joins the raw records, as w. */
  readonly raw: string
}

/** The raw records of conversation r: all of them, or for one message those that can hold it. */
const rawOf = "w.newest = 1 AND w.connection = r.connection AND w.conversation_provider_id = r.provider_id"

/** One arm for each table. SQLite looks only into the rows that are asked for, if every arm is a plain join. */
const origins: ReadonlyArray<Origin> = [
  {
    table: "conversations",
    rowId: "r.id",
    conversationId: "r.id",
    connection: "r.connection",
    runId: "p.run_id",
    from: "remote_conversations r JOIN pages p ON p.id = r.page_id JOIN runs u ON u.id = p.run_id",
    raw: rawOf
  },
  {
    table: "messages",
    rowId: "m.id",
    conversationId: "m.conversation_id",
    connection: "r.connection",
    runId: "p.run_id",
    from: `messages m JOIN remote_conversations r ON r.id = m.conversation_id
  JOIN pages p ON p.id = m.page_id JOIN runs u ON u.id = p.run_id`,
    raw: `${rawOf} AND (w.kind <> 'message' OR m.provider_id IS NULL OR w.provider_id = m.provider_id)`
  },
  {
    table: "contacts",
    rowId: "r.contact_id",
    conversationId: "r.id",
    connection: "r.connection",
    runId: "p.run_id",
    from: "remote_conversations r JOIN pages p ON p.id = r.page_id JOIN runs u ON u.id = p.run_id",
    raw: `r.contact_id IS NOT NULL AND ${rawOf}`
  },
  {
    table: "status_history",
    rowId: "CAST(h.id AS TEXT)",
    conversationId: "h.conversation_id",
    connection: "r.connection",
    runId: "h.run_id",
    from: `status_history h JOIN remote_conversations r ON r.id = h.conversation_id JOIN runs u ON u.id = h.run_id
  LEFT JOIN pages p ON p.id = -1`,
    raw: rawOf
  },
  {
    table: "status_changes",
    rowId: "CAST(e.change_id AS TEXT)",
    conversationId: "r.id",
    connection: "r.connection",
    runId: "e.run_id",
    from: `change_events e JOIN status_changes s ON s.id = e.change_id JOIN remote_conversations r ON r.id = s.conversation_id
  JOIN runs u ON u.id = e.run_id LEFT JOIN pages p ON p.id = -1`,
    raw: "w.key = -1"
  },
  {
    table: "quarantine",
    rowId: "CAST(q.id AS TEXT)",
    conversationId: "r.id",
    connection: "q.connection",
    runId: "p.run_id",
    from: `quarantine q JOIN pages p ON p.id = q.page_id JOIN runs u ON u.id = p.run_id
  LEFT JOIN remote_conversations r ON r.id = q.connection || ':' || q.conversation_provider_id`,
    raw: "w.key = -1"
  },
  {
    table: "raw_records",
    rowId: "CAST(v.key AS TEXT)",
    conversationId: "r.id",
    connection: "v.connection",
    runId: "p.run_id",
    from: `raw_records v JOIN pages p ON p.id = v.page_id JOIN runs u ON u.id = p.run_id
  LEFT JOIN remote_conversations r ON r.id = v.connection || ':' || v.conversation_provider_id`,
    raw: "w.key = v.key"
  }
]

const lineageOf = (origin: Origin): string => /* sql */ `SELECT
  '${origin.table}' AS table_name, ${origin.rowId} AS row_id, ${origin.conversationId} AS conversation_id,
  ${origin.connection} AS connection, ${origin.runId} AS run_id, u.command, u.started_at AS run_started_at,
  p.id AS page_id, p.lane, p.operation, p.method, p.path, p.status AS http_status, p.requested_at, p.received_at,
  w.key AS raw_key, w.kind AS raw_kind, w.provider_id AS raw_provider_id, w.hash AS raw_hash,
  w.encoding AS raw_encoding, w.observed_at AS raw_observed_at
FROM ${origin.from}
  LEFT JOIN raw_records w ON ${origin.raw}`

/**
 * What analysts read: who spoke when in each conversation, views for what is asked most, and the dictionary. A comment
 * stands inside of its statement, so that SQLite keeps it where the analyst looks: `.schema outcomes`.
 */
export const analysis = /* sql */ `
CREATE TABLE conversation_activity (
  -- Who spoke how often, and when: one row for each conversation with messages, kept in step with them.
  key INTEGER PRIMARY KEY REFERENCES remote_conversations (key) ON DELETE CASCADE,
  customer_messages INTEGER NOT NULL CHECK (customer_messages >= 0),
  agent_messages INTEGER NOT NULL CHECK (agent_messages >= 0),
  human_messages INTEGER NOT NULL CHECK (human_messages >= 0),
  first_message_at TEXT,
  first_customer_at TEXT,
  first_answer_at TEXT,
  first_answer_by TEXT CHECK (first_answer_by IN ('agent', 'human')),
  first_human_at TEXT,
  last_customer_at TEXT,
  last_role TEXT CHECK (last_role IN ('customer', 'agent', 'human')),
  unanswered_since TEXT,
  seconds_to_first_answer REAL CHECK (seconds_to_first_answer >= 0),
  seconds_to_person REAL CHECK (seconds_to_person >= 0),
  seconds_to_last_message REAL CHECK (seconds_to_last_message >= 0)
) STRICT;

-- Whether a conversation was ever handed over, without reading its history.
CREATE INDEX status_history_handed_off ON status_history (conversation_id) WHERE to_status = 'handed_off';

-- Messages of a time, and how many there were of each role, without reading their texts.
CREATE INDEX messages_by_time ON messages (sent_at, role);

CREATE TABLE dictionary (
  -- What every table and column means. Parley writes it; SELECT * FROM dictionary WHERE table_name = 'messages'
  table_name TEXT NOT NULL,
  column_name TEXT,
  meaning TEXT NOT NULL,
  unit TEXT,
  null_means TEXT,
  source TEXT CHECK (source IS NULL OR json_valid(source)),
  example TEXT
) STRICT;
CREATE UNIQUE INDEX dictionary_by_name ON dictionary (table_name, coalesce(column_name, ''));

CREATE VIEW conversation_facts AS
  -- One row for each conversation that the provider still has: what the other views count.
  -- Seconds run from the customer's first message; those to completion end with a completed conversation's last.
SELECT
  conversation_id, connection, provider, channel, status, agent_id, campaign_id, contact_id, title, qualified,
  substr(started_at, 1, 10) AS day, started_at, last_message_at,
  messages, customer_messages, agent_messages, human_messages,
  first_customer_at, first_answer_at, first_answer_by, first_human_at, last_customer_at, last_role, unanswered_since,
  seconds_to_first_answer, seconds_to_person,
  CASE WHEN status = 'completed' THEN seconds_to_last_message END AS seconds_to_completion,
  remote_status = 'handed_off' OR human_messages > 0 OR EXISTS (
    SELECT 1 FROM status_history h WHERE h.conversation_id = f.conversation_id AND h.to_status = 'handed_off'
  ) AS handed_off
FROM (
  SELECT
    r.id AS conversation_id, r.connection, n.provider, r.channel,
    coalesce((
      SELECT o.to_status FROM status_changes o
      WHERE o.conversation_id = r.id AND o.state IN ('pending', 'sending', 'queued', 'sent')
      ORDER BY o.id DESC LIMIT 1
    ), r.status) AS status,
    r.status AS remote_status, r.agent_id, r.campaign_id, r.contact_id, r.title, r.qualified,
    coalesce(r.started_at, a.first_message_at) AS started_at, r.last_message_at,
    r.stored_messages AS messages,
    coalesce(a.customer_messages, 0) AS customer_messages,
    coalesce(a.agent_messages, 0) AS agent_messages,
    coalesce(a.human_messages, 0) AS human_messages,
    a.first_customer_at, a.first_answer_at, a.first_answer_by, a.first_human_at, a.last_customer_at, a.last_role,
    a.unanswered_since, a.seconds_to_first_answer, a.seconds_to_person, a.seconds_to_last_message
  FROM remote_conversations r
  JOIN connections n ON n.name = r.connection
  LEFT JOIN conversation_activity a ON a.key = r.key
  WHERE r.deleted_at IS NULL
) f;

CREATE VIEW daily_volume AS
  -- Conversations by the day (UTC) on which they started, and the messages that they hold.
SELECT day, connection, provider, channel, status, count(*) AS conversations, sum(messages) AS messages
FROM conversation_facts
GROUP BY day, connection, channel, status;

CREATE VIEW response_times AS
  -- How long it took, in seconds, to the first answer (of an agent or a person), to the first person and to completion.
WITH times AS (
  SELECT f.connection, f.provider, f.channel, m.measure,
    CASE m.measure
      WHEN 'first_answer' THEN f.seconds_to_first_answer
      WHEN 'first_person' THEN f.seconds_to_person
      ELSE f.seconds_to_completion
    END AS seconds
  FROM conversation_facts f
  CROSS JOIN (SELECT 'first_answer' AS measure UNION ALL SELECT 'first_person' UNION ALL SELECT 'completion') m
),
ranked AS (
  SELECT *, cume_dist() OVER (PARTITION BY measure, connection, channel ORDER BY seconds) AS share
  FROM times WHERE seconds IS NOT NULL
)
SELECT
  measure, connection, provider, channel,
  count(*) AS conversations,
  min(CASE WHEN share >= 0.5 THEN seconds END) AS median_seconds,
  min(CASE WHEN share >= 0.9 THEN seconds END) AS p90_seconds,
  round(avg(seconds), 3) AS mean_seconds,
  max(seconds) AS longest_seconds
FROM ranked
GROUP BY measure, connection, channel;

CREATE VIEW outcomes AS
  -- How conversations stand, and which share was handed to a person, completed or abandoned (0 to 1, of all of them).
SELECT
  connection, provider, channel,
  sum(n) AS conversations,
  sum(n * (status = 'active')) AS active,
  sum(n * (status = 'handed_off')) AS handed_off,
  sum(n * (status = 'completed')) AS completed,
  sum(n * (status = 'abandoned')) AS abandoned,
  sum(n * (status = 'unknown')) AS unknown,
  sum(n * was_handed_off) AS ever_handed_off,
  round(sum(n * was_handed_off) * 1.0 / sum(n), 4) AS hand_off_rate,
  round(sum(n * (status = 'completed')) * 1.0 / sum(n), 4) AS completion_rate,
  round(sum(n * (status = 'abandoned')) * 1.0 / sum(n), 4) AS abandonment_rate
FROM (
  SELECT connection, provider, channel, status, handed_off AS was_handed_off, count(*) AS n
  FROM conversation_facts GROUP BY connection, channel, status, handed_off
)
GROUP BY connection, channel;

CREATE VIEW waiting_for_person AS
  -- Handed to a person, and no person had the last word. Longest waiting: ORDER BY waiting_since.
SELECT
  conversation_id, connection, provider, channel, contact_id, title, agent_id, campaign_id, waiting_since,
  round((julianday('now') - julianday(waiting_since)) * 86400) AS waiting_seconds,
  last_role, last_message_at, messages
FROM (
  SELECT *, coalesce(unanswered_since, last_message_at, started_at) AS waiting_since
  FROM conversation_facts
  WHERE status = 'handed_off' AND last_role IS NOT 'human'
);

CREATE VIEW qualification_outcomes AS
  -- Leads that turned out qualified or not; the rate is the share (0 to 1) of those that were decided.
SELECT
  connection, provider, channel, campaign_id,
  count(*) AS conversations,
  count(qualified) AS decided,
  coalesce(sum(qualified), 0) AS qualified,
  coalesce(sum(NOT qualified), 0) AS not_qualified,
  count(*) - count(qualified) AS undecided,
  round(avg(qualified), 4) AS qualified_rate
FROM conversation_facts
GROUP BY connection, channel, campaign_id;

CREATE VIEW busiest_hours AS
  -- Messages by weekday (1 Monday to 7 Sunday) and hour (0 to 23), UTC, over all of the mirror.
  -- Walks from hour to hour along the index messages_by_time, so that no text is read and nothing is sorted.
WITH RECURSIVE hours (hour) AS (
  SELECT (SELECT substr(min(sent_at), 1, 13) FROM messages)
  UNION ALL
  SELECT (SELECT substr(min(sent_at), 1, 13) FROM messages WHERE sent_at > hours.hour || '~')
  FROM hours WHERE hours.hour IS NOT NULL
),
counted AS MATERIALIZED (
  SELECT hour, (
    SELECT json_array(sum(role = 'customer'), sum(role = 'agent'), sum(role = 'human'))
    FROM messages WHERE sent_at BETWEEN hour AND hour || '~'
  ) AS counts
  FROM hours WHERE hour IS NOT NULL
)
SELECT
  (CAST(strftime('%w', substr(hour, 1, 10)) AS INTEGER) + 6) % 7 + 1 AS weekday,
  CAST(substr(hour, 12, 2) AS INTEGER) AS hour,
  sum(counts ->> 0) AS customer_messages,
  sum(counts ->> 1) AS agent_messages,
  sum(counts ->> 2) AS human_messages
FROM counted
GROUP BY 1, 2;

CREATE VIEW agent_against_person AS
  -- Conversations by who answered: agents alone, people alone, both, or nobody. Rates are shares, 0 to 1.
SELECT
  connection, provider, channel, answered_by,
  sum(n) AS conversations,
  sum(customer) AS customer_messages,
  sum(agent) AS agent_messages,
  sum(human) AS human_messages,
  round(sum(waited) / sum(answered), 3) AS mean_seconds_to_first_answer,
  round(sum(n * (status = 'completed')) * 1.0 / sum(n), 4) AS completion_rate,
  round(sum(n * (status = 'abandoned')) * 1.0 / sum(n), 4) AS abandonment_rate
FROM (
  SELECT
    connection, provider, channel, status,
    CASE
      WHEN agent_messages > 0 AND human_messages > 0 THEN 'both'
      WHEN agent_messages > 0 THEN 'agent'
      WHEN human_messages > 0 THEN 'human'
      ELSE 'nobody'
    END AS answered_by,
    count(*) AS n,
    sum(customer_messages) AS customer, sum(agent_messages) AS agent, sum(human_messages) AS human,
    sum(seconds_to_first_answer) AS waited, count(seconds_to_first_answer) AS answered
  FROM conversation_facts GROUP BY connection, channel, status, answered_by
)
GROUP BY connection, channel, answered_by;

CREATE VIEW open_changes AS
  -- What somebody here asked for and the provider has not confirmed yet.
SELECT
  s.id AS change_id, s.conversation_id, r.connection, n.provider,
  r.status AS remote_status, s.to_status, s.category, s.fields, s.state, s.attempts, s.not_before, s.last_error,
  s.requested_at, s.requested_by, s.sent_at,
  round((julianday('now') - julianday(s.requested_at)) * 86400) AS open_seconds
FROM status_changes s
JOIN remote_conversations r ON r.id = s.conversation_id
JOIN connections n ON n.name = r.connection
WHERE s.state IN ('pending', 'sending', 'queued', 'sent');

CREATE VIEW lineage AS
  -- Where a row came from: the request (page) that last changed it, its run, and the raw records kept of it.
  -- SELECT * FROM lineage WHERE table_name = 'messages' AND row_id = '…'
${origins.map(lineageOf).join("\nUNION ALL\n")};
`
