import { hash } from "node:crypto"
import { brotliCompressSync, constants, inflateSync } from "node:zlib"
import type Sqlite from "better-sqlite3"

/*
 * Messages and payloads in a third of the space: a message's key says whose it is and needs no index beside it, texts that
 * repeat are kept once, times are numbers, and the payloads of a commit lie in one compressed block. Readers see views.
 */

const prepare = /* sql */ `
DROP VIEW search_results;
DROP VIEW lineage;
DROP VIEW change_feed;
DROP TABLE message_search;
DROP VIEW message_search_source;
DROP TRIGGER remote_conversations_renamed;
DROP TRIGGER messages_changed;
DROP TRIGGER messages_gone;
DROP TRIGGER messages_renamed;
-- Which conversations were going on at a time: messages of a time are theirs.
DROP INDEX remote_conversations_by_start;
CREATE INDEX remote_conversations_by_start ON remote_conversations (started_at, last_message_at);
PRAGMA legacy_alter_table = ON;
ALTER TABLE messages RENAME TO old_messages;
ALTER TABLE message_words RENAME TO old_message_words;
ALTER TABLE raw_records RENAME TO old_raw_records;
PRAGMA legacy_alter_table = OFF;

-- What many messages have in common.
CREATE TABLE message_kinds (
  key INTEGER PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('customer', 'agent', 'human', 'system', 'unknown')),
  type TEXT NOT NULL,
  provider_role TEXT,
  sent_at_source TEXT,
  -- 1: the message's id is the vendor's own.
  names_itself INTEGER NOT NULL CHECK (names_itself IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX message_kinds_by_words ON message_kinds (role, type, provider_role, sent_at_source, names_itself);

CREATE TABLE message_rows (
  -- The conversation's key times 1048576, and a number: so the messages of a conversation lie together.
  key INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL REFERENCES message_kinds (key),
  position INTEGER NOT NULL CHECK (position >= 0),
  -- Epoch milliseconds.
  sent_at INTEGER,
  -- The commit that last changed the row, and the page that did so before, where the commit is no page's.
  seq INTEGER NOT NULL,
  page_id INTEGER,
  -- Unique within the conversation.
  id TEXT NOT NULL,
  -- Null: none, or the same as id.
  provider_id TEXT,
  -- Null: none.
  attributes TEXT CHECK (attributes IS NULL OR json_valid(attributes)),
  content TEXT
) STRICT;

-- In which conversations each commit changed messages that are there still.
CREATE TABLE message_changes (
  seq INTEGER NOT NULL,
  conversation INTEGER NOT NULL,
  PRIMARY KEY (seq, conversation)
) STRICT, WITHOUT ROWID;

-- Texts in scripts that are written without spaces, cut into words for the index.
CREATE TABLE message_words (
  key INTEGER PRIMARY KEY REFERENCES message_rows (key) ON DELETE CASCADE,
  words TEXT NOT NULL
) STRICT;
CREATE VIEW message_search_source AS
  SELECT m.key, coalesce(w.words, m.content) AS content FROM message_rows m LEFT JOIN message_words w ON w.key = m.key;
CREATE VIRTUAL TABLE message_search USING fts5 (
  content, content = 'message_search_source', content_rowid = 'key',
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
-- Each commit adds a small segment to the index; merging 16 at once costs a pull less than merging 4, again and again.
INSERT INTO message_search (message_search, rank) VALUES ('automerge', 16);
UPDATE analysis_clock SET words_after = 0 WHERE words_after IS NOT NULL;

CREATE TABLE raw_kinds (key INTEGER PRIMARY KEY, kind TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE raw_blocks (
  -- The key of its first row; the others follow it.
  key INTEGER PRIMARY KEY,
  encoding TEXT NOT NULL CHECK (encoding IN ('json', 'brotli')),
  rows INTEGER NOT NULL,
  -- Bytes before it was compressed, and those of them that no row has any more.
  size INTEGER NOT NULL,
  unused INTEGER NOT NULL,
  content BLOB NOT NULL
) STRICT;

CREATE TABLE raw_rows (
  key INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES remote_conversations (key),
  kind INTEGER NOT NULL REFERENCES raw_kinds (key),
  -- Null: the conversation's own.
  provider_id TEXT,
  hash BLOB NOT NULL,
  newest INTEGER NOT NULL DEFAULT 1 CHECK (newest IN (0, 1)),
  -- Epoch milliseconds.
  observed_at INTEGER NOT NULL,
  page_id INTEGER NOT NULL REFERENCES pages (id),
  block INTEGER NOT NULL,
  -- Bytes within the block.
  start INTEGER NOT NULL,
  length INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX raw_rows_newest ON raw_rows (conversation, kind, coalesce(provider_id, 0)) WHERE newest = 1;
`

const toMillis = (text: string): string =>
  `CAST(strftime('%s', ${text}) AS INTEGER) * 1000 + CAST(substr(${text}, 21, 3) AS INTEGER)`

/** Epoch milliseconds as the text that readers see. */
export const toText = (millis: string): string =>
  `strftime('%Y-%m-%dT%H:%M:%fZ', ${millis} / 1000.0, 'unixepoch')`

const moveKinds = /* sql */ `
INSERT INTO message_kinds (role, type, provider_role, sent_at_source, names_itself)
  SELECT DISTINCT role, type, provider_role, sent_at_source, coalesce(provider_id = substr(id, length(conversation_id) + 2), 0)
  FROM old_messages;
CREATE TEMP TABLE moved (old INTEGER PRIMARY KEY, new INTEGER NOT NULL);
`

/** Of the conversations with keys between two values, in order. */
const moveMessages: ReadonlyArray<string> = [
  "DELETE FROM moved WHERE $first <= $last",
  `INSERT INTO moved
   SELECT m.key, (r.key << 20) + row_number() OVER (PARTITION BY r.key ORDER BY m.position, m.key) - 1
   FROM remote_conversations r CROSS JOIN old_messages m ON m.conversation_id = r.id
   WHERE r.key BETWEEN $first AND $last`,
  `INSERT INTO message_rows (key, kind, position, sent_at, seq, page_id, id, provider_id, attributes, content)
   SELECT v.new, k.key, m.position, ${toMillis("m.sent_at")}, m.seq, iif(m.edited_seq > m.page_id, m.page_id, NULL),
     substr(m.id, length(m.conversation_id) + 2), iif(k.names_itself, NULL, m.provider_id), nullif(m.attributes, '{}'),
     m.content
   FROM moved v CROSS JOIN old_messages m ON m.key = v.old JOIN message_kinds k
     ON k.role = m.role AND k.type = m.type AND k.provider_role IS m.provider_role AND k.sent_at_source IS m.sent_at_source
     AND k.names_itself = coalesce(m.provider_id = substr(m.id, length(m.conversation_id) + 2), 0)
   WHERE $first <= $last ORDER BY v.new`,
  `INSERT INTO message_words (key, words)
   SELECT v.new, w.words FROM moved v CROSS JOIN old_message_words w ON w.key = v.old
   WHERE $first <= $last ORDER BY v.new`,
  `INSERT OR IGNORE INTO message_changes (seq, conversation)
   SELECT seq, key >> 20 FROM message_rows WHERE key BETWEEN $first << 20 AND ($last << 20) + 1048575`,
  `INSERT INTO message_search (rowid, content)
   SELECT key, content FROM message_search_source WHERE key BETWEEN $first << 20 AND ($last << 20) + 1048575`
]

/** Conversations, or payloads, that are moved at once. */
const atOnce = 500

interface OldRaw {
  readonly key: number
  readonly conversation: number
  readonly conversation_provider_id: string
  readonly kind: string
  readonly provider_id: string
  readonly hash: string
  readonly newest: number
  readonly encoding: string
  readonly payload: Buffer
  readonly observed_at: string
  readonly page_id: number
}

const brotli = (plain: Buffer): Buffer =>
  brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })

/** @param done is called with how many rows were moved by now */
const moveRaw = (database: Sqlite.Database, done: (rows: number) => void): void => {
  database.exec("INSERT INTO raw_kinds (kind) SELECT DISTINCT kind FROM old_raw_records ORDER BY 1")
  const kinds = new Map(
    database.prepare("SELECT kind, key FROM raw_kinds").raw().all() as ReadonlyArray<[string, number]>
  )
  const next = database.prepare(
    `SELECT w.*, r.key AS conversation FROM old_raw_records w
       CROSS JOIN remote_conversations r ON r.id = w.connection || ':' || w.conversation_provider_id
     WHERE w.key > ? ORDER BY w.key LIMIT ${atOnce}`
  )
  const insertRow = database.prepare("INSERT INTO raw_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
  const insertBlock = database.prepare("INSERT INTO raw_blocks VALUES (?, 'brotli', ?, ?, 0, ?)")
  let after = -1
  let key = 1
  for (;;) {
    const rows = next.all(after) as ReadonlyArray<OldRaw>
    if (rows.length === 0) return
    const block = key
    const payloads: Array<Buffer> = []
    let start = 0
    for (const row of rows) {
      const plain = row.encoding === "deflate" ? inflateSync(row.payload) : row.payload
      const digest = /^[0-9a-f]{64}$/.test(row.hash)
        ? Buffer.from(row.hash, "hex")
        : hash("sha256", plain, "buffer")
      const providerId = row.provider_id === row.conversation_provider_id ? null : row.provider_id
      const kind = kinds.get(row.kind)
      const observedAt = Date.parse(row.observed_at)
      insertRow.run(
        ...[key, row.conversation, kind, providerId, digest, row.newest, observedAt, row.page_id],
        ...[block, start, plain.length]
      )
      payloads.push(plain)
      start += plain.length
      key += 1
    }
    insertBlock.run(block, rows.length, start, brotli(Buffer.concat(payloads)))
    after = rows.at(-1)?.key ?? after
    done(key - 1)
  }
}

const now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
const newest = "(SELECT max(seq) FROM commits)"
const messageId = "(SELECT r.id FROM remote_conversations r WHERE r.key = OLD.key >> 20) || ':' || OLD.id"

interface Origin {
  /** The table as analysts know it. */
  readonly table: string
  readonly rowId: string
  readonly conversationId: string
  readonly connection: string
  readonly runId: string
  readonly from: string
  /** Joins the raw rows, as w. */
  readonly raw: string
}

/** The newest raw rows of conversation r. */
const rawOf = "w.newest = 1 AND w.conversation = r.key"

const pageOf = "JOIN pages p ON p.id = r.page_id JOIN runs u ON u.id = p.run_id"

/** One arm for each table. SQLite looks only into the rows that are asked for, if every arm is a plain join. */
const origins: ReadonlyArray<Origin> = [
  {
    table: "conversations",
    rowId: "r.id",
    conversationId: "r.id",
    connection: "r.connection",
    runId: "p.run_id",
    from: `remote_conversations r ${pageOf}`,
    raw: rawOf
  },
  {
    table: "messages",
    rowId: "CAST(r.id || ':' || m.id AS TEXT)",
    conversationId: "r.id",
    connection: "r.connection",
    runId: "p.run_id",
    from: `remote_conversations r JOIN message_rows m ON m.key BETWEEN r.key << 20 AND (r.key << 20) + 1048575
  JOIN message_kinds k ON k.key = m.kind JOIN pages p ON p.id = coalesce(m.page_id, m.seq) JOIN runs u ON u.id = p.run_id`,
    raw: `${rawOf} AND (w.kind <> (SELECT key FROM raw_kinds WHERE kind = 'message') OR iif(k.names_itself, m.id, m.provider_id) IS NULL
    OR coalesce(w.provider_id, r.provider_id) = iif(k.names_itself, m.id, m.provider_id))`
  },
  {
    table: "contacts",
    rowId: "r.contact_id",
    conversationId: "r.id",
    connection: "r.connection",
    runId: "p.run_id",
    from: `remote_conversations r ${pageOf}`,
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
    connection: "r.connection",
    runId: "p.run_id",
    from: `raw_rows v JOIN pages p ON p.id = v.page_id JOIN runs u ON u.id = p.run_id
  JOIN remote_conversations r ON r.key = v.conversation`,
    raw: "w.key = v.key"
  }
]

const selectMessages = (seq: string): string => /* sql */ `SELECT
  m.key, CAST(r.id || ':' || m.id AS TEXT) AS id, r.id AS conversation_id,
  iif(t.names_itself, m.id, m.provider_id) AS provider_id, m.position, t.role, t.provider_role, t.type, m.content,
  ${toText("m.sent_at")} AS sent_at, t.sent_at_source, coalesce(m.attributes, '{}') AS attributes,
  coalesce(m.page_id, m.seq) AS page_id, ${seq} AS seq`

const lineageOf = (origin: Origin): string => /* sql */ `SELECT
  '${origin.table}' AS table_name, ${origin.rowId} AS row_id, ${origin.conversationId} AS conversation_id,
  ${origin.connection} AS connection, ${origin.runId} AS run_id, u.command, u.started_at AS run_started_at,
  p.id AS page_id, p.lane, p.operation, p.method, p.path, p.status AS http_status, p.requested_at, p.received_at,
  w.key AS raw_key, (SELECT kind FROM raw_kinds WHERE key = w.kind) AS raw_kind,
  coalesce(w.provider_id, (SELECT provider_id FROM remote_conversations c WHERE c.key = w.conversation)) AS raw_provider_id,
  lower(hex(w.hash)) AS raw_hash, (SELECT encoding FROM raw_blocks WHERE key = w.block) AS raw_encoding,
  ${toText("w.observed_at")} AS raw_observed_at
FROM ${origin.from}
  LEFT JOIN raw_rows w ON ${origin.raw}`

const finish = /* sql */ `
DROP TABLE moved;
DROP TABLE old_message_words;
DROP TABLE old_messages;
DROP TABLE old_raw_records;

CREATE VIEW messages AS
  -- What was said. By conversation_id and by key it is found at once; an id begins with its conversation_id.
${selectMessages("m.seq")}
FROM message_rows m
JOIN remote_conversations r ON r.key = m.key >> 20 AND m.key BETWEEN r.key << 20 AND (r.key << 20) + 1048575
LEFT JOIN message_kinds t ON t.key = m.kind;

-- The same, found by seq.
CREATE VIEW messages_by_change AS
${selectMessages("g.seq")}
FROM message_changes g
CROSS JOIN remote_conversations r ON r.key = g.conversation
CROSS JOIN message_rows m ON m.key BETWEEN r.key << 20 AND (r.key << 20) + 1048575 AND m.seq = g.seq
LEFT JOIN message_kinds t ON t.key = m.kind;

CREATE VIEW raw_records AS
  -- Payloads as they came. parley show ID --raw prints them; encoding says how payload is to be read.
SELECT
  w.key, r.connection, k.kind, coalesce(w.provider_id, r.provider_id) AS provider_id,
  r.provider_id AS conversation_provider_id, lower(hex(w.hash)) AS hash, w.newest, b.encoding,
  iif(b.encoding = 'json', substr(b.content, w.start + 1, w.length), b.content) AS payload,
  w.start AS payload_start, w.length AS payload_length, ${toText("w.observed_at")} AS observed_at, w.page_id
FROM raw_rows w
JOIN remote_conversations r ON r.key = w.conversation
JOIN raw_kinds k ON k.key = w.kind
JOIN raw_blocks b ON b.key = w.block;

CREATE TRIGGER message_rows_changed
AFTER UPDATE OF kind, position, sent_at, id, provider_id, attributes, content ON message_rows WHEN NEW.seq = OLD.seq
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE message_rows SET seq = ${newest}, page_id = coalesce(NEW.page_id, NEW.seq) WHERE key = NEW.key;
  INSERT OR IGNORE INTO message_changes (seq, conversation) VALUES (${newest}, NEW.key >> 20);
END;
-- A row that goes leaves a tombstone, unless the writer has left a newer one itself; so does an id that becomes another.
CREATE TRIGGER message_rows_gone AFTER DELETE ON message_rows
WHEN NOT EXISTS (
  SELECT 1 FROM tombstones t WHERE t.table_name = 'messages' AND t.row_id = ${messageId} AND t.seq > OLD.seq)
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  INSERT INTO tombstones (table_name, row_id, seq)
    SELECT 'messages', ${messageId}, ${newest} WHERE ${messageId} IS NOT NULL
    ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq;
END;
CREATE TRIGGER message_rows_renamed AFTER UPDATE OF key, id ON message_rows WHEN NEW.id <> OLD.id OR NEW.key >> 20 <> OLD.key >> 20
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  INSERT INTO tombstones (table_name, row_id, seq)
    SELECT 'messages', ${messageId}, ${newest} WHERE ${messageId} IS NOT NULL
    ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq;
END;
CREATE TRIGGER remote_conversations_renamed AFTER UPDATE OF id ON remote_conversations WHEN NEW.id <> OLD.id
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  INSERT INTO tombstones (table_name, row_id, seq) VALUES ('conversations', OLD.id, ${newest})
    ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq;
  INSERT INTO tombstones (table_name, row_id, seq)
    SELECT 'messages', OLD.id || ':' || m.id, ${newest} FROM message_rows m
    WHERE m.key BETWEEN OLD.key << 20 AND (OLD.key << 20) + 1048575
    ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq;
  UPDATE message_rows SET page_id = coalesce(page_id, seq), seq = ${newest}
    WHERE key BETWEEN OLD.key << 20 AND (OLD.key << 20) + 1048575;
  INSERT OR IGNORE INTO message_changes (seq, conversation) VALUES (${newest}, OLD.key);
END;
CREATE TRIGGER remote_conversations_emptied BEFORE DELETE ON remote_conversations
WHEN EXISTS (SELECT 1 FROM message_rows m WHERE m.key BETWEEN OLD.key << 20 AND (OLD.key << 20) + 1048575)
BEGIN
  SELECT RAISE(ABORT, 'a conversation cannot be deleted before its messages');
END;

CREATE VIEW change_feed AS
  -- The latest change of each row, in the order of commits: rows that were committed together have the same seq.
  -- SELECT * FROM change_feed WHERE seq > ? ORDER BY seq
  -- A column has one affinity in all parts (a literal and '' || x have none), or SQLite would scan them all.
SELECT r.seq, c.at, iif(r.deleted_at IS NULL, 'upsert', 'delete') AS op, 'conversations' AS table_name, r.id AS row_id, c.run_id
FROM remote_conversations r LEFT JOIN commits c ON c.seq = r.seq
UNION ALL
SELECT m.seq, c.at, 'upsert', 'messages', m.id, c.run_id
FROM messages_by_change m LEFT JOIN commits c ON c.seq = m.seq
UNION ALL
SELECT k.seq, c.at, 'upsert', 'contacts', k.id, c.run_id
FROM remote_contacts k LEFT JOIN commits c ON c.seq = k.seq
UNION ALL
SELECT s.seq, c.at, 'upsert', 'status_changes', CAST(s.id AS TEXT), c.run_id
FROM status_changes s LEFT JOIN commits c ON c.seq = s.seq
UNION ALL
SELECT h.seq, c.at, 'upsert', 'status_history', CAST(h.id AS TEXT), h.run_id
FROM status_history h LEFT JOIN commits c ON c.seq = h.seq
UNION ALL
SELECT t.seq, c.at, 'delete', '' || t.table_name, t.row_id, c.run_id
FROM tombstones t LEFT JOIN commits c ON c.seq = t.seq
WHERE CASE t.table_name
  WHEN 'messages' THEN NOT EXISTS (
    -- The id of a conversation may hold any character: the longest one that a message's id begins with is tried last.
    SELECT 1 FROM remote_conversations r
    JOIN message_rows m ON m.key BETWEEN r.key << 20 AND (r.key << 20) + 1048575
    WHERE r.id IN (
      WITH RECURSIVE ends (at) AS (
        SELECT instr(t.row_id, ':')
        UNION ALL
        SELECT at + instr(substr(t.row_id, at + 1), ':') FROM ends WHERE instr(substr(t.row_id, at + 1), ':') > 0)
      SELECT substr(t.row_id, 1, at - 1) FROM ends)
    AND m.id = substr(t.row_id, length(r.id) + 2))
  WHEN 'conversations' THEN NOT EXISTS (SELECT 1 FROM remote_conversations r WHERE r.id = t.row_id)
  WHEN 'contacts' THEN NOT EXISTS (SELECT 1 FROM remote_contacts k WHERE k.id = t.row_id)
  WHEN 'status_changes' THEN NOT EXISTS (SELECT 1 FROM status_changes s WHERE s.id = CAST(t.row_id AS INTEGER))
  ELSE NOT EXISTS (SELECT 1 FROM status_history h WHERE h.id = CAST(t.row_id AS INTEGER))
END;

CREATE VIEW search_results AS
  -- Messages that a full-text search finds, each with an excerpt: what was said around its first hit, which is in [ ].
  -- SELECT conversation_id, excerpt FROM search_results WHERE search MATCH 'table AND friday' ORDER BY rank LIMIT 20
  -- The index holds cut words of scripts that are written without spaces; the excerpt is of the message itself.
SELECT
  s.message_search AS search, s.rank AS rank, s.rowid AS key, m.id AS message_id, m.conversation_id, m.position, m.role,
  m.sent_at,
  (
    SELECT iif(hit > 41, '…' || substr(before, instr(before, ' ') + 1), before)
      || iif(hit > 0, '[' || term || ']', '')
      || iif(length(after) > 60, coalesce(nullif(rtrim(after, replace(after, ' ', '')), ''), after) || '…', after)
    FROM (
      SELECT term, hit,
        substr(m.content, max(hit - 40, 1), min(max(hit - 1, 0), 40)) AS before,
        substr(m.content, iif(hit > 0, hit + length(term), 1), 61) AS after
      FROM (
        SELECT term, iif(term = '', 0, instr(m.content, term)) AS hit
        FROM (
          -- Words that stand together in the message are apart in the index.
          SELECT iif(instr(m.content, marked), marked, replace(marked, ' ', '')) AS term
          FROM (
            SELECT substr(text, instr(text, char(2)) + 1, instr(text, char(3)) - instr(text, char(2)) - 1) AS marked
            FROM (SELECT highlight(message_search, 0, char(2), char(3)) AS text)
          )
        )
      )
    )
  ) AS excerpt,
  m.content
FROM message_search s JOIN messages m ON m.key = s.rowid;

CREATE VIEW lineage AS
  -- Where a row came from: the request (page) that last changed it, its run, and the raw records kept of it. A message is
  -- found at once where its conversation_id is given too.
  -- SELECT * FROM lineage WHERE table_name = 'messages' AND conversation_id = '…' AND row_id = '…'
${origins.map(lineageOf).join("\nUNION ALL\n")};
`

/** @param report is called with what is done by now, from 0 to 1 */
export const packed = (database: Sqlite.Database, report: (share: number) => void): void => {
  database.exec(prepare)
  database.exec(moveKinds)
  const count = (sql: string): number => Number(database.prepare(sql).pluck().get())
  const last = count("SELECT coalesce(max(key), 0) FROM remote_conversations")
  const payloads = count("SELECT coalesce(max(key), 0) FROM old_raw_records")
  const statements = moveMessages.map((sql) => database.prepare(sql))
  for (let first = 0; first <= last; first += atOnce) {
    for (const statement of statements) statement.run({ first, last: first + atOnce - 1 })
    if (last > 0) report((0.7 * first) / last)
  }
  moveRaw(database, (moved) => report(0.7 + (0.25 * moved) / payloads))
  database.exec(finish)
}
