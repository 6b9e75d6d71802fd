import { randomBytes } from "node:crypto"
import type Sqlite from "better-sqlite3"

const tables = /* sql */ `
-- With which it is remembered who was forgotten: it goes with the file and its backups, and never with what is published.
CREATE TABLE hash_key (
  only_row INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

-- Requests to forget someone. One that is not finished is finished by the next program that opens the file for writing.
CREATE TABLE erasures (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  what TEXT NOT NULL CHECK (what IN ('person', 'connection')),
  -- Null: of all connections.
  connection TEXT REFERENCES connections (name),
  requested_at TEXT NOT NULL,
  -- When the last of their rows was gone; what rows have left in free space goes after that.
  erased_at TEXT,
  finished_at TEXT,
  CHECK (finished_at IS NULL OR erased_at IS NOT NULL)
) STRICT;
CREATE INDEX erasures_open ON erasures (id) WHERE finished_at IS NULL;

-- Keyed hashes of what a forgotten person is known by: ids, addresses, numbers.
CREATE TABLE forgotten (
  hash TEXT NOT NULL,
  erasure INTEGER NOT NULL REFERENCES erasures (id),
  PRIMARY KEY (hash, erasure)
) STRICT, WITHOUT ROWID;

-- Rows that are still to go, by their keys.
CREATE TABLE erasure_rows (
  kind TEXT NOT NULL CHECK (kind IN ('raw', 'conversation', 'contact', 'message_kind')),
  key INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- Until it is taken up again (sync --rebind), nothing of a forgotten connection is stored.
ALTER TABLE connections ADD COLUMN forgotten_at TEXT;

-- How long things are kept, milliseconds; null: for ever. Each run writes down what the configuration says.
CREATE TABLE retention (
  only_row INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  messages INTEGER CHECK (messages > 0),
  raw INTEGER CHECK (raw > 0),
  ledger INTEGER CHECK (ledger > 0)
) STRICT;
INSERT INTO retention DEFAULT VALUES;

-- Messages that the provider has and that were let go because of their age.
ALTER TABLE remote_conversations ADD COLUMN expired_messages INTEGER NOT NULL DEFAULT 0 CHECK (expired_messages >= 0);
-- 0: some of its payloads were let go because of their age, and it cannot be made again from the others.
ALTER TABLE remote_conversations ADD COLUMN raw_complete INTEGER NOT NULL DEFAULT 1 CHECK (raw_complete IN (0, 1));
DROP INDEX remote_conversations_incomplete;
CREATE INDEX remote_conversations_incomplete ON remote_conversations (connection)
  WHERE declared_messages > stored_messages + expired_messages AND deleted_at IS NULL;
DROP INDEX remote_conversations_counts;
CREATE INDEX remote_conversations_counts ON remote_conversations
  (connection, deleted_at, merged_into, first_seen_at, stored_messages, expired_messages, declared_messages);
CREATE INDEX message_rows_by_page ON message_rows (page_id) WHERE page_id IS NOT NULL;

-- Earlier versions kept the phone number and the address of whose status was changed.
UPDATE status_changes SET found = json_remove(found, '$.likeness') WHERE json_type(found, '$.likeness') IS NOT NULL;
`

/** Makes a view again with another text, and its triggers as they are, or with another text, too. */
const remake = (database: Sqlite.Database, view: string, change: (sql: string) => string): void => {
  const texts = database
    .prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = ? ORDER BY type = 'view' DESC, rowid")
    .pluck()
    .all(view) as ReadonlyArray<string>
  const changed = texts.map(change)
  if (changed[0] === undefined || changed[0] === texts[0])
    throw new Error(`the view ${view} is not as expected`)
  database.exec(`DROP VIEW ${view}`)
  for (const sql of changed) database.exec(sql)
}

/** Who was forgotten, how long things are kept, and that a conversation is complete without what was let go. */
export const forgetting = (database: Sqlite.Database): void => {
  database.exec(tables)
  database.prepare("INSERT INTO hash_key (key) VALUES (?)").run(randomBytes(32))
  remake(database, "conversations", (sql) =>
    sql
      .replace(
        "r.stored_messages >= r.declared_messages",
        "r.stored_messages + r.expired_messages >= r.declared_messages"
      )
      .replace("r.merged_into, r.seq\n", "r.merged_into, r.seq, r.expired_messages\n")
      .replace(/\b(NEW|OLD)\.seq\)/g, "$1.seq, $1.expired_messages)")
  )
  remake(database, "freshness", (sql) =>
    sql.replace(
      "r.declared_messages > r.stored_messages",
      "r.declared_messages > r.stored_messages + r.expired_messages"
    )
  )
  remake(database, "data_quality", (sql) =>
    sql
      .replace(
        "r.declared_messages > 0 AND r.stored_messages = 0",
        "r.declared_messages > r.expired_messages AND r.stored_messages = 0"
      )
      .replace(
        "r.declared_messages > r.stored_messages",
        "r.declared_messages > r.stored_messages + r.expired_messages"
      )
  )
}
