/** The zone's clock at a moment (UTC, ISO 8601), as seconds ahead of UTC. */
const ahead = (time: string): string =>
  `(SELECT z.seconds FROM zone_offsets z WHERE z.from_at <= ${time} ORDER BY z.from_at DESC LIMIT 1)`

/** A day after the newest commit: no message can be sent later. */
const latest = "strftime('%Y-%m-%dT%H:%M:%fZ', (SELECT at FROM commits ORDER BY seq DESC LIMIT 1), '+1 day')"

/** The newest change of a conversation that has not ended: what is wanted here. */
const requested = /* sql */ `(
      SELECT o.to_status FROM status_changes o
      WHERE o.conversation_id = r.id AND o.state IN ('pending', 'sending', 'queued', 'sent')
      ORDER BY o.id DESC LIMIT 1
    )`

/** What is counted: conversations that the provider still has as ones of their own. */
const present = "r.deleted_at IS NULL AND r.merged_into IS NULL"

/** A share of conversations with a status; null where the vendor has no word for it. */
const rateOf = (status: string, of = "sum(n)"): string => /* sql */ `CASE
    WHEN sum(n * (status = '${status}')) > 0
      OR NOT EXISTS (SELECT 1 FROM readable_statuses s WHERE s.connection = c.connection)
      OR EXISTS (SELECT 1 FROM readable_statuses s WHERE s.connection = c.connection AND s.status = '${status}')
    THEN round(sum(n * (status = '${status}')) * 1.0 / ${of}, 4)
  END`

/** One check of data_quality: conversations for which `where` holds. */
const check = (name: string, where: string, hint: string): string => /* sql */ `
SELECT r.connection, '${name}' AS "check", count(*) AS conversations, min(r.id) AS example_id, '${hint}' AS hint
FROM remote_conversations r JOIN conversation_activity a ON a.key = r.key
WHERE ${present} AND ${where} GROUP BY r.connection`

const checkRows = (name: string, where: string, hint: string): string => /* sql */ `
SELECT r.connection, '${name}', count(*), min(r.id), '${hint}'
FROM remote_conversations r
WHERE ${present} AND ${where} GROUP BY r.connection`

/**
 * The numbers that analysts count with, made anew: what the provider holds is what counts, what cannot be known is null, and
 * time is the business's own. `conversation_activity` is counted again by Node (`refreshDerived`).
 */
export const numbers = /* sql */ `
DROP VIEW agent_against_person;
DROP VIEW busiest_hours;
DROP VIEW qualification_outcomes;
DROP VIEW waiting_for_person;
DROP VIEW outcomes;
DROP VIEW response_times;
DROP VIEW daily_volume;
DROP VIEW conversation_facts;
DROP VIEW freshness;
DROP TABLE conversation_activity;

CREATE TABLE conversation_activity (
  -- Who spoke how often, and when: one row for each conversation with messages, kept in step with them.
  key INTEGER PRIMARY KEY REFERENCES remote_conversations (key) ON DELETE CASCADE,
  customer_messages INTEGER NOT NULL CHECK (customer_messages >= 0),
  agent_messages INTEGER NOT NULL CHECK (agent_messages >= 0),
  human_messages INTEGER NOT NULL CHECK (human_messages >= 0),
  unknown_messages INTEGER NOT NULL CHECK (unknown_messages >= 0),
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
  seconds_to_last_message REAL CHECK (seconds_to_last_message >= 0),
  untimed_messages INTEGER NOT NULL,
  future_times INTEGER NOT NULL,
  past_times INTEGER NOT NULL,
  negative_times INTEGER NOT NULL
) STRICT;

CREATE TABLE conversation_turns (
  key INTEGER NOT NULL REFERENCES remote_conversations (key) ON DELETE CASCADE,
  turn INTEGER NOT NULL CHECK (turn > 0),
  asked_at TEXT,
  answered_at TEXT,
  answered_by TEXT CHECK (answered_by IN ('agent', 'human')),
  seconds REAL CHECK (seconds >= 0),
  business_seconds REAL CHECK (business_seconds >= 0),
  PRIMARY KEY (key, turn)
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation_sessions (
  key INTEGER NOT NULL REFERENCES remote_conversations (key) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number > 0),
  started_at TEXT,
  ended_at TEXT,
  messages INTEGER NOT NULL,
  customer_messages INTEGER NOT NULL,
  agent_messages INTEGER NOT NULL,
  human_messages INTEGER NOT NULL,
  first_answer_seconds REAL CHECK (first_answer_seconds >= 0),
  first_answer_by TEXT CHECK (first_answer_by IN ('agent', 'human')),
  PRIMARY KEY (key, number)
) STRICT, WITHOUT ROWID;

-- Messages of each role by quarters of an hour since 1970, UTC: zones differ by whole quarters.
CREATE TABLE conversation_slots (
  key INTEGER NOT NULL REFERENCES remote_conversations (key) ON DELETE CASCADE,
  slot INTEGER NOT NULL,
  customer INTEGER NOT NULL,
  agent INTEGER NOT NULL,
  human INTEGER NOT NULL,
  system INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  PRIMARY KEY (key, slot)
) STRICT, WITHOUT ROWID;

-- People on our side by the vendor's id; empty: the vendor does not say who it was.
CREATE TABLE conversation_people (
  key INTEGER NOT NULL REFERENCES remote_conversations (key) ON DELETE CASCADE,
  author TEXT NOT NULL,
  messages INTEGER NOT NULL,
  first_answer_seconds REAL CHECK (first_answer_seconds >= 0),
  PRIMARY KEY (key, author)
) STRICT, WITHOUT ROWID;

-- How the business counts its time. While refresh_after is not null, conversations with greater keys are to be counted again.
CREATE TABLE analysis_clock (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  time_zone TEXT NOT NULL,
  business_hours TEXT,
  rules TEXT NOT NULL,
  refresh_after INTEGER
) STRICT;
INSERT INTO analysis_clock (only_row, time_zone, rules, refresh_after)
  VALUES (1, 'UTC', '', (SELECT 0 WHERE EXISTS (SELECT 1 FROM remote_conversations)));

-- From each moment on, the zone's clock is so many seconds ahead of UTC.
CREATE TABLE zone_offsets (
  from_second INTEGER PRIMARY KEY,
  from_at TEXT NOT NULL UNIQUE,
  seconds INTEGER NOT NULL
) STRICT;
INSERT INTO zone_offsets VALUES (-9007199254740991, '', 0);

-- Which statuses a connection's provider has words for.
CREATE TABLE readable_statuses (
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  status TEXT NOT NULL CHECK (status IN ('active', 'handed_off', 'completed', 'abandoned')),
  PRIMARY KEY (connection, status)
) STRICT, WITHOUT ROWID;

-- An outgoing message without a sender is of our side.
UPDATE messages SET role = 'agent' WHERE role = 'unknown' AND provider_role = 'outgoing';

CREATE VIEW conversation_facts AS
  -- One row for each conversation that the provider still has as one of its own: what the other views count.
  -- Seconds run from the customer's first message; those to completion end with a completed conversation's last.
SELECT
  conversation_id, connection, provider, channel, status, requested_status, agent_id, campaign_id, contact_id, title, qualified,
  date(started_at, ${ahead("started_at")} || ' seconds') AS day, started_at, last_message_at,
  messages, customer_messages, agent_messages, human_messages,
  first_customer_at, first_answer_at, first_answer_by, first_human_at, last_customer_at, last_role, unanswered_since,
  seconds_to_first_answer, seconds_to_person,
  CASE WHEN status = 'completed' THEN seconds_to_last_message END AS seconds_to_completion,
  status = 'handed_off' OR human_messages > 0 OR EXISTS (
    SELECT 1 FROM status_history h WHERE h.conversation_id = f.conversation_id AND h.to_status = 'handed_off'
  ) OR has_handoffs AS handed_off
FROM (
  SELECT
    r.id AS conversation_id, r.connection, n.provider, r.channel, r.status,
    ${requested} AS requested_status,
    r.agent_id, r.campaign_id, r.contact_id, r.title, r.qualified,
    coalesce(r.started_at, a.first_message_at) AS started_at, r.last_message_at,
    r.stored_messages AS messages,
    coalesce(a.customer_messages, 0) AS customer_messages,
    coalesce(a.agent_messages, 0) AS agent_messages,
    coalesce(a.human_messages, 0) AS human_messages,
    a.first_customer_at, a.first_answer_at, a.first_answer_by, a.first_human_at, a.last_customer_at, a.last_role,
    a.unanswered_since, a.seconds_to_first_answer, a.seconds_to_person, a.seconds_to_last_message,
    instr(r.attributes, '"$handoffs"') > 0 AS has_handoffs
  FROM remote_conversations r
  JOIN connections n ON n.name = r.connection
  LEFT JOIN conversation_activity a ON a.key = r.key
  WHERE ${present}
) f;

CREATE VIEW daily_volume AS
  -- Conversations by the day (in the configured zone) on which they started, and the messages that they hold.
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
  -- How the provider holds conversations, and which share was handed to a person, completed or abandoned (0 to 1).
  -- A rate is null where the provider has no word for it. Changes that are wanted here are counted beside, and in nothing else.
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
  ${rateOf("completed")} AS completion_rate,
  ${rateOf("abandoned")} AS abandonment_rate,
  sum(requested) AS changes_requested
FROM (
  SELECT connection, provider, channel, status, handed_off AS was_handed_off, count(*) AS n,
    count(requested_status) AS requested
  FROM conversation_facts GROUP BY connection, channel, status, handed_off
) c
GROUP BY connection, channel;

CREATE VIEW waiting_for_person AS
  -- Handed to a person, and no person had the last word. Longest waiting: ORDER BY waiting_since.
SELECT
  conversation_id, connection, provider, channel, contact_id, title, agent_id, campaign_id, waiting_since,
  round((julianday('now') - julianday(waiting_since)) * 86400) AS waiting_seconds,
  last_role, last_message_at, messages, requested_status
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

CREATE VIEW messages_by_hour AS
  -- Messages by the hour in which they were sent, on the configured zone's clock.
WITH slots AS (
  SELECT r.connection, r.channel, s.slot * 900 AS second, sum(s.customer) AS customer, sum(s.agent) AS agent,
    sum(s.human) AS human, sum(s.system) AS system, sum(s.unknown) AS unknown
  FROM conversation_slots s JOIN remote_conversations r ON r.key = s.key
  WHERE ${present}
  GROUP BY r.connection, r.channel, s.slot
),
hours AS MATERIALIZED (
  SELECT connection, channel, local - (local % 3600 + 3600) % 3600 AS local, sum(customer) AS customer, sum(agent) AS agent,
    sum(human) AS human, sum(system) AS system, sum(unknown) AS unknown
  FROM (
    SELECT *, second + (
      SELECT z.seconds FROM zone_offsets z WHERE z.from_second <= second ORDER BY z.from_second DESC LIMIT 1
    ) AS local FROM slots
  )
  GROUP BY 1, 2, 3
),
counted AS (
  SELECT connection, channel, 'customer' AS role, local, customer AS messages FROM hours WHERE customer > 0
  UNION ALL SELECT connection, channel, 'agent', local, agent FROM hours WHERE agent > 0
  UNION ALL SELECT connection, channel, 'human', local, human FROM hours WHERE human > 0
  UNION ALL SELECT connection, channel, 'system', local, system FROM hours WHERE system > 0
  UNION ALL SELECT connection, channel, 'unknown', local, unknown FROM hours WHERE unknown > 0
)
SELECT
  connection, channel, role,
  date(local, 'unixepoch') AS local_date,
  (local % 86400 + 86400) % 86400 / 3600 AS local_hour,
  -- 1970 began on a Thursday.
  ((local - (local % 86400 + 86400) % 86400) / 86400 % 7 + 10) % 7 + 1 AS weekday,
  messages
FROM counted;

CREATE VIEW busiest_hours AS
  -- Messages by weekday (1 Monday to 7 Sunday) and hour (0 to 23) on the configured zone's clock, over all of the mirror.
SELECT
  weekday, local_hour AS hour,
  sum(iif(role = 'customer', messages, 0)) AS customer_messages,
  sum(iif(role = 'agent', messages, 0)) AS agent_messages,
  sum(iif(role = 'human', messages, 0)) AS human_messages
FROM messages_by_hour
GROUP BY weekday, local_hour;

CREATE VIEW agent_against_person AS
  -- Conversations by who answered: agents alone, people alone, both, or nobody. Rates are shares, 0 to 1.
SELECT
  connection, provider, channel, answered_by,
  sum(n) AS conversations,
  sum(customer) AS customer_messages,
  sum(agent) AS agent_messages,
  sum(human) AS human_messages,
  sum(answered) AS answered_conversations,
  sum(waited) AS seconds_to_first_answer,
  round(sum(waited) / sum(answered), 3) AS mean_seconds_to_first_answer,
  ${rateOf("completed")} AS completion_rate,
  ${rateOf("abandoned")} AS abandonment_rate
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
) c
GROUP BY connection, channel, answered_by;

CREATE VIEW sessions AS
  -- A conversation cut where it paused for 24 hours or was opened again.
SELECT
  r.id || '#' || s.number AS session_id, r.id AS conversation_id, r.connection, r.channel, s.number, s.started_at, s.ended_at,
  s.messages, s.customer_messages, s.agent_messages, s.human_messages, s.first_answer_seconds, s.first_answer_by
FROM conversation_sessions s JOIN remote_conversations r ON r.key = s.key
WHERE ${present};

CREATE VIEW turns AS
  -- Each time that a customer waited: from the first message after our last answer to the next answer.
SELECT
  r.id AS conversation_id, r.connection, r.channel, t.turn, t.asked_at, t.answered_at, t.answered_by, t.seconds,
  t.business_seconds
FROM conversation_turns t JOIN remote_conversations r ON r.key = t.key
WHERE ${present};

CREATE VIEW handoffs AS
  -- Each time that a conversation was handed to a person: by the provider's own record of it, otherwise by its status,
  -- otherwise because a person wrote.
WITH recorded AS (
  SELECT r.key, r.id, r.connection, j.value AS handoff
  FROM remote_conversations r, json_each(r.attributes, '$."$handoffs"') j
  WHERE ${present} AND instr(r.attributes, '"$handoffs"') > 0
),
by_status AS (
  SELECT r.key, r.id, r.connection, iif(h.from_status IS NULL, NULL, h.observed_at) AS requested_at, (
      SELECT min(n.observed_at) FROM status_history n
      WHERE n.conversation_id = h.conversation_id AND n.id > h.id AND n.to_status <> 'handed_off'
    ) AS completed_at
  FROM status_history h JOIN remote_conversations r ON r.id = h.conversation_id
  WHERE h.to_status = 'handed_off' AND h.from_status IS NOT 'handed_off' AND ${present}
    AND instr(r.attributes, '"$handoffs"') = 0
)
SELECT
  id AS conversation_id, connection,
  handoff ->> '$.requested_at' AS requested_at,
  handoff ->> '$.accepted_at' AS accepted_at,
  handoff ->> '$.completed_at' AS completed_at,
  handoff ->> '$.accepted_by' AS accepted_by,
  'provider' AS evidence,
  iif(handoff ->> '$.accepted_at' >= handoff ->> '$.requested_at',
    round((julianday(handoff ->> '$.accepted_at') - julianday(handoff ->> '$.requested_at')) * 86400, 3), NULL) AS seconds_to_accept
FROM recorded
UNION ALL
SELECT
  s.id, s.connection, s.requested_at, t.answered_at, s.completed_at,
  iif(t.answered_at IS NULL, NULL, (
    SELECT nullif(p.author, '') FROM conversation_people p WHERE p.key = s.key ORDER BY p.messages DESC, p.author LIMIT 1)),
  'status',
  round((julianday(t.answered_at) - julianday(s.requested_at)) * 86400, 3)
FROM by_status s LEFT JOIN conversation_turns t ON t.key = s.key AND t.turn = (
  SELECT min(w.turn) FROM conversation_turns w
  WHERE w.key = s.key AND w.answered_by = 'human' AND (s.requested_at IS NULL OR w.answered_at >= s.requested_at)
    AND (s.completed_at IS NULL OR w.answered_at <= s.completed_at))
UNION ALL
SELECT
  r.id, r.connection, NULL, a.first_human_at, NULL,
  (SELECT nullif(p.author, '') FROM conversation_people p WHERE p.key = r.key ORDER BY p.messages DESC, p.author LIMIT 1),
  'message', NULL
FROM remote_conversations r JOIN conversation_activity a ON a.key = r.key
WHERE a.human_messages > 0 AND ${present} AND instr(r.attributes, '"$handoffs"') = 0
  AND NOT EXISTS (SELECT 1 FROM status_history h WHERE h.conversation_id = r.id AND h.to_status = 'handed_off');

CREATE VIEW human_agents AS
  -- People on our side who wrote, by the vendor's id. The median is nearest-rank, of conversations in which they were the
  -- first person to write after the customer did.
WITH wrote AS (
  SELECT r.connection, p.author, p.messages, p.first_answer_seconds AS seconds,
    row_number() OVER (
      PARTITION BY r.connection, p.author ORDER BY p.first_answer_seconds IS NULL, p.first_answer_seconds
    ) AS place,
    count(p.first_answer_seconds) OVER (PARTITION BY r.connection, p.author) AS answered
  FROM conversation_people p JOIN remote_conversations r ON r.key = p.key
  WHERE ${present}
),
known AS (
  SELECT connection, person ->> '$.id' AS id, max(person ->> '$.name') AS name, max(person ->> '$.email') AS email
  FROM (
    SELECT r.connection, r.attributes -> '$."$assignee"' AS person FROM remote_conversations r
    WHERE instr(r.attributes, '"$assignee"') > 0
  )
  GROUP BY 1, 2
)
SELECT
  w.connection, nullif(w.author, '') AS provider_id, k.name, k.email,
  count(*) AS conversations, sum(w.messages) AS messages,
  min(CASE WHEN w.place * 2 >= w.answered THEN w.seconds END) AS median_first_answer_seconds
FROM wrote w LEFT JOIN known k ON k.connection = w.connection AND k.id = w.author
GROUP BY w.connection, w.author;

CREATE VIEW data_quality AS
  -- What to distrust, by connection: how many conversations it concerns, one of them, and what it means.
${[
  check(
    "future times",
    "a.future_times > 0",
    "Messages are dated later than they were received by more than a day: durations leave these times out."
  ),
  check(
    "times before 2000",
    "a.past_times > 0",
    "Messages are dated as by a clock that was never set: durations leave these times out."
  ),
  check(
    "negative times",
    "a.negative_times > 0",
    "Answers are dated before what they answer: such durations are null."
  ),
  check(
    "no times",
    "a.untimed_messages > 0",
    "Messages have no time: they count in no duration and no hour."
  ),
  check(
    "unknown roles",
    "a.unknown_messages > 0",
    "The vendor does not say who wrote, or by a word that is not known: see messages.provider_role."
  ),
  checkRows(
    "unknown statuses",
    "r.status = 'unknown'",
    "The vendor gives no status, or a word that is not known: see conversations.provider_status."
  ),
  checkRows(
    "no messages",
    "r.declared_messages > 0 AND r.stored_messages = 0",
    "The vendor counts messages and none are in the mirror."
  ),
  checkRows(
    "messages missing",
    "r.stored_messages > 0 AND r.declared_messages > r.stored_messages",
    "The vendor counts more messages than are in the mirror."
  ),
  checkRows(
    "start not plausible",
    `(r.started_at < '2000-01-01' OR r.started_at > ${latest})`,
    "Conversations start before 2000 or in the future, by the word of the vendor."
  )
].join("\nUNION ALL\n")}
UNION ALL
SELECT l.connection, 'zone mismatch',
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = l.connection AND ${present}),
  NULL,
  'Times without a zone are read in another one than the provider writes: the zone that fits is ' || l.value || '.'
FROM learned l WHERE l.name = 'export-time-zone' AND l.value <> '';

CREATE VIEW freshness AS
SELECT
  n.name AS connection,
  n.provider,
  n.last_complete_scan_at AS last_complete_sync_at,
  (SELECT max(rc.started_at) FROM run_connections rc WHERE rc.connection = n.name AND rc.lane IN ('sync', 'backfill')) AS last_attempt_at,
  (SELECT rc.outcome FROM run_connections rc WHERE rc.connection = n.name AND rc.lane IN ('sync', 'backfill')
    ORDER BY rc.started_at DESC LIMIT 1) AS last_attempt_outcome,
  -- A time in the future is no message's.
  (SELECT max(r.last_message_at) FROM remote_conversations r
    WHERE r.connection = n.name AND r.last_message_at <= ${latest}) AS newest_message_at,
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = n.name AND r.deleted_at IS NULL AND r.merged_into IS NULL) AS conversations,
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = n.name
    AND r.declared_messages > r.stored_messages AND r.deleted_at IS NULL AND r.merged_into IS NULL) AS conversations_incomplete,
  (SELECT count(*) FROM status_changes c INDEXED BY status_changes_open
    CROSS JOIN remote_conversations r ON r.id = c.conversation_id
    WHERE r.connection = n.name AND c.state IN ('pending', 'sending', 'queued', 'sent')) AS changes_open,
  (SELECT count(*) FROM quarantine q
    WHERE q.connection = n.name AND q.resolved_at IS NULL AND q.dismissed_at IS NULL) AS quarantined
FROM connections n;
`
