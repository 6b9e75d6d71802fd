/**
 * `held` as an outcome of its own: nothing went wrong, another run was at it. And whose account each connection speaks
 * for. A CHECK cannot be altered, so both tables of the ledger are made anew; `migrate` has references switched off.
 */
export const accounts = /* sql */ `
PRAGMA legacy_alter_table = ON;

CREATE TABLE new_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  command TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  outcome TEXT NOT NULL DEFAULT 'running'
    CHECK (outcome IN ('running', 'complete', 'partial', 'failed', 'held', 'interrupted')),
  exit_code INTEGER,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  -- When the process started, in its system's own terms: its number alone may be another's by now.
  process_start TEXT,
  CHECK ((outcome = 'running') = (finished_at IS NULL))
) STRICT;
INSERT INTO new_runs (id, command, started_at, finished_at, outcome, exit_code, host, pid, process_start)
  SELECT id, command, started_at, finished_at, outcome, exit_code, host, pid, process_start FROM runs;
-- No number of a run is ever given twice, not even of one that is gone.
UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'runs')
  WHERE name = 'new_runs' AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'runs');
DROP TABLE runs;
ALTER TABLE new_runs RENAME TO runs;
CREATE INDEX runs_open ON runs (id) WHERE outcome = 'running';

CREATE TABLE new_run_connections (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  connection TEXT NOT NULL REFERENCES connections (name),
  lane TEXT NOT NULL CHECK (lane IN ('push', 'sync', 'backfill', 'verify')),
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
INSERT INTO new_run_connections
  SELECT run_id, connection, lane,
    CASE WHEN outcome = 'failed' AND error_kind = 'busy' THEN 'held' ELSE outcome END,
    started_at, finished_at, requests, rate_limited, queued, waited_ms, pages, received, inserted, updated, unchanged,
    filtered, quarantined, conversations, messages, changes_confirmed, changes_queued, changes_rejected,
    changes_conflict, changes_pending, error_kind, error_message, error_hint
  FROM run_connections;
DROP TABLE run_connections;
ALTER TABLE new_run_connections RENAME TO run_connections;
CREATE INDEX run_connections_by_connection ON run_connections (connection, lane, run_id);

UPDATE runs SET outcome = 'held'
WHERE outcome = 'failed' AND EXISTS (SELECT 1 FROM run_connections c WHERE c.run_id = runs.id)
  AND NOT EXISTS (SELECT 1 FROM run_connections c WHERE c.run_id = runs.id AND c.outcome NOT IN ('held', 'complete'));

PRAGMA legacy_alter_table = OFF;

-- Whose account each connection speaks for: the newest row of a connection counts, the others are history.
CREATE TABLE account_bindings (
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  -- The vendor's id of the account; null: the vendor does not say, and the conversations held tell.
  account TEXT CHECK (account <> ''),
  reason TEXT NOT NULL CHECK (reason IN ('first', 'rebind')),
  bound_at TEXT NOT NULL,
  run_id INTEGER REFERENCES runs (id)
) STRICT;
CREATE INDEX account_bindings_by_connection ON account_bindings (connection, id);
`
