-- Ten questions to a mirror. Every client of SQLite can ask them:
--   sqlite3 -readonly -box parley-demo.db < docs/questions.sql
-- What the tables, views and columns mean: SELECT * FROM dictionary;

-- 1. How many conversations does each channel bring, week by week?
SELECT date(day, 'weekday 0', '-6 days') AS week, coalesce(channel, 'not said') AS channel,
  sum(conversations) AS conversations, sum(messages) AS messages
FROM daily_volume
GROUP BY week, channel
ORDER BY week DESC, conversations DESC, channel
LIMIT 8;

-- 2. How long do customers wait for the first answer?
SELECT connection, coalesce(channel, 'not said') AS channel, conversations, median_seconds, p90_seconds
FROM response_times
WHERE measure = 'first_answer'
ORDER BY p90_seconds DESC, connection, channel
LIMIT 6;

-- 3. How do conversations end, and how many are handed to a person or abandoned?
SELECT connection, sum(conversations) AS conversations, sum(completed) AS completed,
  round(100.0 * sum(ever_handed_off) / sum(conversations), 1) AS handed_off_percent,
  CASE WHEN max(abandonment_rate) IS NOT NULL
    THEN round(100.0 * sum(abandoned) / sum(conversations), 1) END AS abandoned_percent
FROM outcomes
GROUP BY connection
ORDER BY connection;

-- 4. Who has been waiting for a person, and since when?
SELECT conversation_id, coalesce(channel, 'not said') AS channel, waiting_since, last_role, messages
FROM waiting_for_person
ORDER BY waiting_since, conversation_id
LIMIT 5;

-- 5. Which channels bring leads that qualify?
SELECT channel, sum(decided) AS decided, sum(qualified) AS qualified,
  round(100.0 * sum(qualified) / sum(decided), 1) AS qualified_percent
FROM qualification_outcomes
WHERE decided > 0
GROUP BY channel
ORDER BY qualified_percent DESC, decided DESC;

-- 6. When are we busiest?
SELECT CASE weekday WHEN 1 THEN 'Mon' WHEN 2 THEN 'Tue' WHEN 3 THEN 'Wed' WHEN 4 THEN 'Thu' WHEN 5 THEN 'Fri'
    WHEN 6 THEN 'Sat' ELSE 'Sun' END AS day,
  hour, customer_messages
FROM busiest_hours
ORDER BY customer_messages DESC, weekday, hour
LIMIT 5;

-- 7. Do agents alone complete as much as people do?
SELECT answered_by, sum(conversations) AS conversations,
  round(100.0 * sum(conversations * completion_rate) / sum(conversations), 1) AS completed_percent,
  round(sum(seconds_to_first_answer) / sum(answered_conversations)) AS seconds_to_first_answer
FROM agent_against_person
GROUP BY answered_by
ORDER BY conversations DESC;

-- 8. Who would rather talk to a person? Words of every language are found, also where no spaces stand between them.
SELECT conversation_id, sent_at, excerpt
FROM search_results
WHERE search MATCH 'person OR Menschen OR 人工 OR เจ้าหน้าที่ OR موظف' AND role = 'customer'
ORDER BY sent_at DESC, conversation_id
LIMIT 8;

-- 9. How current and how whole is all this?
SELECT connection, provider, last_attempt_outcome, newest_message_at, conversations, conversations_incomplete,
  changes_open, quarantined
FROM freshness
ORDER BY connection;

-- 10. Where does the newest message come from?
SELECT l.row_id AS message, l.command, l.lane, l.method, l.path, l.http_status, l.raw_kind
FROM lineage l
WHERE l.table_name = 'messages' AND l.row_id = (SELECT id FROM messages ORDER BY sent_at DESC, id LIMIT 1)
ORDER BY l.raw_kind;
