import type Sqlite from "better-sqlite3"

const tables = /* sql */ `
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

const states = "'pending', 'sending', 'queued'"

/**
 * `proposed`: a change that someone has to approve before it is pending. A CHECK is altered where the table's text is kept,
 * as https://sqlite.org/lang_altertable.html#otheralter describes for changes that touch no stored row.
 */
const proposed = (database: Sqlite.Database): void => {
  database.unsafeMode(true)
  try {
    database.pragma("writable_schema = ON")
    const { changes } = database
      .prepare(
        `UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (state IN (' || $states, 'CHECK (state IN (''proposed'', ' || $states)
         WHERE type = 'table' AND name = 'status_changes' AND instr(sql, 'CHECK (state IN (' || $states) > 0`
      )
      .run({ states })
    if (changes !== 1) throw new Error("status_changes has no such CHECK")
    // Reads the schema again; the index after it tells other connections to.
    database.pragma("writable_schema = RESET")
    database.exec(
      "CREATE UNIQUE INDEX status_changes_one_proposed ON status_changes (conversation_id) WHERE state = 'proposed'"
    )
  } finally {
    database.unsafeMode(false)
  }
}

/**
 * What someone was told of, each request that a provider refused or left unanswered, and changes that have to be approved.
 */
export const operations = (database: Sqlite.Database): void => {
  database.exec(tables)
  proposed(database)
}
