/** What someone was told of, and each request that a provider refused or left unanswered. */
export const operations = /* sql */ `
CREATE TABLE alerts (
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('failed', 'stale', 'conflict', 'quarantine', 'brake')),
  began_at TEXT NOT NULL,
  -- Null: it goes on.
  ended_at TEXT,
  -- JSON: who was told that it began, and that it ended, each by a hash of how.
  told_began TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(told_began)),
  told_ended TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(told_ended)),
  PRIMARY KEY (connection, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests_refused (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  connection TEXT NOT NULL REFERENCES connections (name),
  operation TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  -- Null: no answer came, or not the whole of one.
  status INTEGER,
  retry_after TEXT,
  attempt INTEGER NOT NULL,
  milliseconds INTEGER NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX requests_refused_by_run ON requests_refused (run_id, connection);
`
