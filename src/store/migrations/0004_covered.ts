/** Which conversations a backfill need not ask for again. */
export const covered = /* sql */ `
-- Conversations that began within these half-open ranges were all listed, by one scan that began at listed_at.
CREATE TABLE covered_ranges (
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL REFERENCES connections (name) ON DELETE CASCADE,
  -- What decides what an account shows: ranges that were listed with other settings do not count.
  subject TEXT NOT NULL,
  since TEXT,
  until TEXT NOT NULL,
  listed_at TEXT NOT NULL,
  CHECK (since IS NULL OR since < until)
) STRICT;
CREATE INDEX covered_ranges_by_connection ON covered_ranges (connection);
`
