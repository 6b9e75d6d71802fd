/**
 * Webhooks: what they named and is yet to be read, and how many came. Their lane in the ledger: a CHECK cannot be altered,
 * so the table is made anew; `migrate` has references switched off.
 */
export const hints = /* sql */ `
PRAGMA legacy_alter_table = ON;

CREATE TABLE new_run_connections (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  connection TEXT NOT NULL REFERENCES connections (name),
  lane TEXT NOT NULL CHECK (lane IN ('push', 'hints', 'sync', 'backfill', 'verify')),
  outcome TEXT NOT NULL DEFAULT 'running'
    CHECK (outcome IN ('running', 'complete', 'partial', 'failed', 'held', 'interrupted')),
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
INSERT INTO new_run_connections SELECT * FROM run_connections;
DROP TABLE run_connections;
ALTER TABLE new_run_connections RENAME TO run_connections;
CREATE INDEX run_connections_by_connection ON run_connections (connection, lane, run_id);

PRAGMA legacy_alter_table = OFF;

-- What webhooks have named and is yet to be read. Nothing of what they said but ids, counts and the vendor's own words.
CREATE TABLE hints (
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  -- What to read, as JSON.
  subject TEXT NOT NULL,
  kind TEXT NOT NULL,
  first_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  deliveries INTEGER NOT NULL,
  -- What all of the deliveries say that it shows by now; null: nothing, or not the same.
  messages INTEGER,
  provider_status TEXT,
  PRIMARY KEY (connection, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX hints_by_time ON hints (connection, first_at);

CREATE TABLE hint_counts (
  connection TEXT PRIMARY KEY REFERENCES connections (name) ON DELETE CASCADE,
  received INTEGER NOT NULL DEFAULT 0,
  merged INTEGER NOT NULL DEFAULT 0,
  fetched INTEGER NOT NULL DEFAULT 0,
  useless INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  unread INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  last_at TEXT,
  last_refused_at TEXT
) STRICT;
`
