/** The inward river: what the providers were last seen to hold, the ledger of how it got here, and what did not decode. */
export const mirror = /* sql */ `
CREATE TABLE connections (
  name TEXT PRIMARY KEY CHECK (name <> '' AND name NOT GLOB '*[^a-z0-9-]*'),
  provider TEXT NOT NULL,
  conflict_policy TEXT NOT NULL DEFAULT 'manual' CHECK (conflict_policy IN ('manual', 'remote-wins', 'local-wins')),
  first_seen_at TEXT NOT NULL,
  -- When the last scan that enumerated everything began: whatever was not missing from it was there at that time.
  last_complete_scan_at TEXT
) STRICT, WITHOUT ROWID;

-- What each connection's provider can be asked for, and the word it is asked with.
CREATE TABLE writable_statuses (
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  status TEXT NOT NULL CHECK (status IN ('active', 'handed_off', 'completed', 'abandoned')),
  provider_status TEXT NOT NULL,
  PRIMARY KEY (connection, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE learned (
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  learned_at TEXT NOT NULL,
  PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  command TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  outcome TEXT NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'complete', 'partial', 'failed', 'interrupted')),
  exit_code INTEGER,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  -- When the process started, in its system's own terms: its number alone may be another's by now.
  process_start TEXT,
  CHECK ((outcome = 'running') = (finished_at IS NULL))
) STRICT;

CREATE INDEX runs_open ON runs (id) WHERE outcome = 'running';

CREATE TABLE run_connections (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  connection TEXT NOT NULL REFERENCES connections (name),
  lane TEXT NOT NULL CHECK (lane IN ('push', 'sync', 'backfill', 'verify')),
  outcome TEXT NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'complete', 'partial', 'failed', 'interrupted')),
  started_at TEXT NOT NULL,
  finished_at TEXT,
  requests INTEGER NOT NULL DEFAULT 0,
  rate_limited INTEGER NOT NULL DEFAULT 0,
  queued INTEGER NOT NULL DEFAULT 0,
  waited_ms INTEGER NOT NULL DEFAULT 0,
  pages INTEGER NOT NULL DEFAULT 0,
  received INTEGER NOT NULL DEFAULT 0,
  inserted INTEGER NOT NULL DEFAULT 0,
  updated INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  filtered INTEGER NOT NULL DEFAULT 0,
  quarantined INTEGER NOT NULL DEFAULT 0,
  conversations INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0,
  changes_confirmed INTEGER NOT NULL DEFAULT 0,
  changes_queued INTEGER NOT NULL DEFAULT 0,
  changes_rejected INTEGER NOT NULL DEFAULT 0,
  changes_conflict INTEGER NOT NULL DEFAULT 0,
  changes_pending INTEGER NOT NULL DEFAULT 0,
  error_kind TEXT,
  error_message TEXT,
  error_hint TEXT,
  PRIMARY KEY (run_id, connection, lane),
  CHECK (received = inserted + updated + unchanged + filtered + quarantined),
  CHECK ((outcome = 'running') = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX run_connections_by_connection ON run_connections (connection, lane, run_id);

CREATE TABLE pages (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  connection TEXT NOT NULL REFERENCES connections (name),
  lane TEXT NOT NULL,
  operation TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  status INTEGER NOT NULL,
  requested_at TEXT NOT NULL,
  received_at TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  received INTEGER NOT NULL,
  inserted INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  filtered INTEGER NOT NULL,
  quarantined INTEGER NOT NULL,
  CHECK (received = inserted + updated + unchanged + filtered + quarantined),
  CHECK (min(inserted, updated, unchanged, filtered, quarantined) >= 0)
) STRICT;
CREATE INDEX pages_by_run ON pages (run_id, connection);

-- An unfinished scan, and where the next run takes it up. Gone once the scan has ended.
CREATE TABLE scans (
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  -- What was asked for: a scan goes on only for the same question.
  scope TEXT NOT NULL,
  cursor TEXT NOT NULL,
  started_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (connection, lane)
) STRICT, WITHOUT ROWID;

-- What a scan has met, until it is finished: one bit for each remote_conversations.key, 8192 to a block.
CREATE TABLE scan_seen (
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  lane TEXT NOT NULL,
  block INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  bits BLOB NOT NULL,
  PRIMARY KEY (connection, lane, block)
) STRICT, WITHOUT ROWID;

-- One run for each connection and lane. A lease that is not renewed expires.
CREATE TABLE leases (
  connection TEXT NOT NULL,
  lane TEXT NOT NULL,
  owner TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  acquired_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (connection, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE remote_contacts (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  connection TEXT NOT NULL REFERENCES connections (name),
  provider_id TEXT NOT NULL,
  name TEXT,
  email TEXT,
  phone TEXT,
  attributes TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(attributes)),
  observed_at TEXT NOT NULL,
  first_seen_at TEXT NOT NULL,
  CHECK (id = connection || ':' || provider_id)
) STRICT;
CREATE INDEX remote_contacts_by_email ON remote_contacts (email) WHERE email IS NOT NULL;
CREATE INDEX remote_contacts_by_phone ON remote_contacts (phone) WHERE phone IS NOT NULL;

CREATE TABLE remote_conversations (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  connection TEXT NOT NULL REFERENCES connections (name),
  provider_id TEXT NOT NULL,
  contact_id TEXT REFERENCES remote_contacts (id),
  channel TEXT,
  provider_channel TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'handed_off', 'completed', 'abandoned', 'unknown')),
  provider_status TEXT,
  agent_id TEXT,
  campaign_id TEXT,
  title TEXT,
  summary TEXT,
  qualified INTEGER CHECK (qualified IN (0, 1)),
  qualification_reason TEXT,
  tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
  attributes TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(attributes)),
  declared_messages INTEGER CHECK (declared_messages >= 0),
  stored_messages INTEGER NOT NULL DEFAULT 0 CHECK (stored_messages >= 0),
  started_at TEXT,
  last_message_at TEXT,
  updated_at TEXT,
  -- When the request was sent whose answer the row shows: orders sightings that the vendor's own time does not.
  observed_at TEXT NOT NULL,
  first_seen_at TEXT NOT NULL,
  -- The first complete scan that did not list it; not yet proof that it is gone.
  missing_since TEXT,
  deleted_at TEXT,
  -- The run that was told that it is gone.
  deleted_in_run INTEGER REFERENCES runs (id),
  -- What the vendor's list showed when the details were fetched; null: fetch them again.
  fingerprint TEXT,
  -- Of the normalized record, to tell a change from a repeat.
  content_hash TEXT NOT NULL,
  -- The page that last changed the row.
  page_id INTEGER NOT NULL REFERENCES pages (id),
  CHECK (id = connection || ':' || provider_id)
) STRICT;
CREATE INDEX remote_conversations_by_status ON remote_conversations (connection, status);
CREATE INDEX remote_conversations_by_update ON remote_conversations (connection, updated_at);
CREATE INDEX remote_conversations_by_last_message ON remote_conversations (connection, last_message_at);
CREATE INDEX remote_conversations_by_start ON remote_conversations (started_at);
CREATE INDEX remote_conversations_by_contact ON remote_conversations (contact_id);
CREATE INDEX remote_conversations_incomplete ON remote_conversations (connection)
  WHERE declared_messages > stored_messages AND deleted_at IS NULL;
CREATE INDEX remote_conversations_missing ON remote_conversations (connection) WHERE missing_since IS NOT NULL;

CREATE TABLE messages (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  conversation_id TEXT NOT NULL REFERENCES remote_conversations (id),
  provider_id TEXT,
  position INTEGER NOT NULL CHECK (position >= 0),
  role TEXT NOT NULL CHECK (role IN ('customer', 'agent', 'human', 'system', 'unknown')),
  provider_role TEXT,
  type TEXT NOT NULL,
  content TEXT,
  sent_at TEXT,
  sent_at_source TEXT,
  attributes TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(attributes)),
  page_id INTEGER NOT NULL REFERENCES pages (id)
) STRICT;
CREATE INDEX messages_by_conversation ON messages (conversation_id, position);

-- Texts in scripts that are written without spaces, cut into words for the index.
CREATE TABLE message_words (
  key INTEGER PRIMARY KEY REFERENCES messages (key) ON DELETE CASCADE,
  words TEXT NOT NULL
) STRICT;
CREATE VIEW message_search_source AS
  SELECT m.key, coalesce(w.words, m.content) AS content FROM messages m LEFT JOIN message_words w ON w.key = m.key;
CREATE VIRTUAL TABLE message_search USING fts5 (
  content, content = 'message_search_source', content_rowid = 'key', tokenize = 'unicode61 remove_diacritics 2'
);
-- Each commit adds a small segment to the index; merging 16 at once costs a pull less than merging 4, again and again.
INSERT INTO message_search (message_search, rank) VALUES ('automerge', 16);

CREATE TABLE raw_records (
  key INTEGER PRIMARY KEY,
  connection TEXT NOT NULL REFERENCES connections (name),
  kind TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  -- The vendor's id of the conversation it belongs to.
  conversation_provider_id TEXT NOT NULL,
  hash TEXT NOT NULL,
  newest INTEGER NOT NULL DEFAULT 1 CHECK (newest IN (0, 1)),
  encoding TEXT NOT NULL CHECK (encoding IN ('json', 'deflate')),
  payload BLOB NOT NULL,
  observed_at TEXT NOT NULL,
  page_id INTEGER NOT NULL REFERENCES pages (id)
) STRICT;
CREATE UNIQUE INDEX raw_records_newest
  ON raw_records (connection, conversation_provider_id, kind, provider_id) WHERE newest = 1;

CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL REFERENCES connections (name),
  kind TEXT NOT NULL,
  provider_id TEXT,
  conversation_provider_id TEXT,
  reason TEXT NOT NULL,
  path TEXT NOT NULL,
  payload TEXT NOT NULL,
  payload_hash TEXT NOT NULL,
  seen INTEGER NOT NULL DEFAULT 1 CHECK (seen > 0),
  first_seen_at TEXT NOT NULL,
  last_seen_at TEXT NOT NULL,
  resolved_at TEXT,
  page_id INTEGER NOT NULL REFERENCES pages (id)
) STRICT;
-- The same fault of the same record is one row, seen again. A record whose id cannot be read is told by its payload.
CREATE UNIQUE INDEX quarantine_open
  ON quarantine (connection, kind, coalesce(provider_id, payload_hash), path) WHERE resolved_at IS NULL;
CREATE INDEX quarantine_by_conversation ON quarantine (connection, conversation_provider_id) WHERE resolved_at IS NULL;
-- What a good sighting of a conversation may resolve.
CREATE INDEX quarantine_by_subject
  ON quarantine (connection, coalesce(conversation_provider_id, provider_id)) WHERE resolved_at IS NULL;

CREATE TABLE status_history (
  id INTEGER PRIMARY KEY,
  conversation_id TEXT NOT NULL REFERENCES remote_conversations (id),
  from_status TEXT,
  to_status TEXT NOT NULL,
  provider_status TEXT,
  origin TEXT NOT NULL CHECK (origin IN ('provider', 'local')),
  observed_at TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES runs (id)
) STRICT;
CREATE INDEX status_history_by_conversation ON status_history (conversation_id, observed_at);
`
