/** Copies of the mirror: what one says of itself, where they were written, and when an older one was put back. */
export const copies = /* sql */ `
-- Empty in a mirror. In a backup or a publication: what it is a copy of, as JSON.
CREATE TABLE copy_manifest (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'publication')),
  -- SHA-256 of the file's bytes, in which its own 64 digits count as zeros; null: the file beside it has it.
  digest TEXT CHECK (length(digest) = 64),
  manifest TEXT NOT NULL CHECK (json_valid(manifest))
) STRICT;

CREATE TABLE file_copies (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('backup', 'publication', 'export', 'report')),
  -- Absolute; of an export its folder.
  path TEXT NOT NULL UNIQUE,
  -- The moment that it shows, and the newest commit of it.
  at TEXT NOT NULL,
  seq INTEGER NOT NULL,
  -- Of the file's bytes, in hexadecimal; null: it is a folder.
  sha256 TEXT,
  bytes INTEGER
) STRICT;

CREATE TABLE restorations (
  id INTEGER PRIMARY KEY,
  noticed_at TEXT NOT NULL,
  -- The state that was put back: when it was made, and its newest commit.
  state_at TEXT NOT NULL,
  state_seq INTEGER NOT NULL,
  -- The newest commit of this mirror that this machine knew of; null: it knew none.
  newest_at TEXT,
  newest_seq INTEGER
) STRICT;
`
