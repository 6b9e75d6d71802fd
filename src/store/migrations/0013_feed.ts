/** The moment of a change that no request brought. */
const now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

const newest = "(SELECT max(seq) FROM commits)"

/** What of a conversation's row can be seen in the view, or decides what is seen there. */
const seenOfConversation = [
  "id, contact_id, channel, provider_channel, status, provider_status, agent_id, campaign_id, title, summary, qualified",
  "qualification_reason, tags, attributes, declared_messages, stored_messages, started_at, last_message_at, updated_at",
  "observed_at, first_seen_at, missing_since, deleted_at, merged_into"
].join(", ")

/** What of a message can change. */
const seenOfMessage =
  "id, conversation_id, provider_id, position, role, provider_role, type, content, sent_at, sent_at_source, attributes"

/** A row that goes leaves a tombstone, unless the writer has left a newer one itself. */
const buried = (table: string, of: string, id: string, seq: string): string => /* sql */ `
CREATE TRIGGER ${of}_gone AFTER DELETE ON ${of}
WHEN NOT EXISTS (
  SELECT 1 FROM tombstones t WHERE t.table_name = '${table}' AND t.row_id = ${id} AND t.seq > ${seq})
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  INSERT INTO tombstones (table_name, row_id, seq) VALUES ('${table}', ${id}, ${newest})
    ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq;
END;
`

/** So does an id that becomes another one. */
const renamed = (table: string, of: string): string => /* sql */ `
CREATE TRIGGER ${of}_renamed AFTER UPDATE OF id ON ${of} WHEN NEW.id <> OLD.id
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  INSERT INTO tombstones (table_name, row_id, seq) VALUES ('${table}', OLD.id, ${newest})
    ON CONFLICT (table_name, row_id) DO UPDATE SET seq = excluded.seq;
END;
`

/** A row that is inserted without a seq is given one. */
const given = (of: string, key: string): string => /* sql */ `
CREATE TRIGGER ${of}_inserted AFTER INSERT ON ${of} WHEN NEW.seq = 0
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE ${of} SET seq = ${newest} WHERE ${key} = NEW.${key};
END;
`

/** A row that is changed, and not given a seq by the statement, is given one. `unless`: more that says that it was. */
const moved = (of: string, key: string, columns: string, unless = ""): string => /* sql */ `
CREATE TRIGGER ${of}_changed AFTER UPDATE OF ${columns} ON ${of} WHEN NEW.seq = OLD.seq${unless}
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE ${of} SET seq = ${newest} WHERE ${key} = NEW.${key};
END;
`

/** In which order everything was committed, and the latest change of each row. */
export const feed = /* sql */ `
-- One row for each change that was committed, in the order of commits: only one transaction at a time writes, and a number
-- is given inside of it. A page's id is its number here. The newest row is never deleted: its number would be given again.
CREATE TABLE commits (
  seq INTEGER PRIMARY KEY CHECK (seq > 0),
  at TEXT NOT NULL,
  -- Null: no run did it, or it is not recorded which.
  run_id INTEGER REFERENCES runs (id)
) STRICT;
INSERT INTO commits (seq, at, run_id) SELECT id, received_at, run_id FROM pages ORDER BY id;
-- Of rows whose last change is not known.
INSERT INTO commits (at) SELECT ${now} WHERE EXISTS (SELECT 1 FROM commits);

-- Rows that are gone from the mirror. One that is there again has an old tombstone, which counts for nothing.
CREATE TABLE tombstones (
  table_name TEXT NOT NULL
    CHECK (table_name IN ('conversations', 'messages', 'contacts', 'status_changes', 'status_history')),
  row_id TEXT NOT NULL,
  seq INTEGER NOT NULL REFERENCES commits (seq),
  PRIMARY KEY (table_name, row_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_seq ON tombstones (seq);

ALTER TABLE remote_conversations ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE remote_conversations SET seq = page_id;
CREATE INDEX remote_conversations_by_seq ON remote_conversations (seq);

ALTER TABLE remote_contacts ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE remote_contacts SET seq = ${newest};
CREATE INDEX remote_contacts_by_seq ON remote_contacts (seq);

ALTER TABLE status_history ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE status_history SET seq = ${newest};
CREATE INDEX status_history_by_seq ON status_history (seq);

ALTER TABLE status_changes ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE status_changes SET seq = ${newest};
CREATE INDEX status_changes_by_seq ON status_changes (seq);

-- The commit that changed the row after its page did; null: none.
ALTER TABLE messages ADD COLUMN edited_seq INTEGER;
ALTER TABLE messages ADD COLUMN seq INTEGER NOT NULL GENERATED ALWAYS AS (max(page_id, coalesce(edited_seq, 0))) VIRTUAL;
CREATE INDEX messages_by_seq ON messages (seq);

-- Pages take the next number themselves; this is for those that are inserted by hand.
CREATE TRIGGER pages_committed AFTER INSERT ON pages WHEN NOT EXISTS (SELECT 1 FROM commits WHERE seq = NEW.id)
BEGIN
  INSERT INTO commits (seq, at, run_id) VALUES (NEW.id, NEW.received_at, NEW.run_id);
END;
${given("remote_conversations", "key")}${given("remote_contacts", "key")}${given("status_history", "id")}
${moved("remote_conversations", "key", seenOfConversation, " AND NEW.page_id = OLD.page_id")}
${moved("remote_contacts", "key", "id, name, email, phone, attributes, observed_at, first_seen_at")}
${moved("status_history", "id", "conversation_id, from_status, to_status, provider_status, observed_at, run_id")}
CREATE TRIGGER messages_changed AFTER UPDATE OF ${seenOfMessage} ON messages
WHEN NEW.page_id = OLD.page_id AND NEW.edited_seq IS OLD.edited_seq
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE messages SET edited_seq = ${newest} WHERE key = NEW.key;
END;

-- One trigger for what each new change gets, so that it takes one update and one number.
DROP TRIGGER status_changes_writer;
DROP TRIGGER status_changes_based_on;
CREATE TRIGGER status_changes_recorded AFTER INSERT ON status_changes
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE status_changes
  SET sqlite_version = coalesce(sqlite_version, sqlite_version()),
    from_updated_at = (SELECT r.updated_at FROM remote_conversations r WHERE r.id = NEW.conversation_id),
    seq = ${newest}
  WHERE id = NEW.id;
END;
CREATE TRIGGER status_changes_changed AFTER UPDATE ON status_changes WHEN NEW.seq = OLD.seq
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE status_changes SET seq = ${newest} WHERE id = NEW.id;
END;
-- The view shows the open change of a conversation.
CREATE TRIGGER status_changes_seen AFTER UPDATE OF seq ON status_changes
BEGIN
  UPDATE remote_conversations SET seq = NEW.seq WHERE id = NEW.conversation_id;
END;
CREATE TRIGGER status_changes_unseen AFTER DELETE ON status_changes
BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE remote_conversations SET seq = ${newest} WHERE id = OLD.conversation_id;
END;
${buried("conversations", "remote_conversations", "OLD.id", "OLD.seq")}
${buried("contacts", "remote_contacts", "OLD.id", "OLD.seq")}
${buried("messages", "messages", "OLD.id", "OLD.seq")}
${buried("status_changes", "status_changes", "CAST(OLD.id AS TEXT)", "OLD.seq")}
${buried("status_history", "status_history", "CAST(OLD.id AS TEXT)", "OLD.seq")}
${renamed("conversations", "remote_conversations")}${renamed("contacts", "remote_contacts")}${renamed("messages", "messages")}
CREATE VIEW change_feed AS
  -- The latest change of each row, in the order of commits: rows that were committed together have the same seq.
  -- SELECT * FROM change_feed WHERE seq > ? ORDER BY seq
  -- A column has one affinity in all parts (a literal and '' || x have none), or SQLite would scan them all.
SELECT r.seq, c.at, iif(r.deleted_at IS NULL, 'upsert', 'delete') AS op, 'conversations' AS table_name, r.id AS row_id, c.run_id
FROM remote_conversations r LEFT JOIN commits c ON c.seq = r.seq
UNION ALL
SELECT m.seq, c.at, 'upsert', 'messages', m.id, c.run_id
FROM messages m LEFT JOIN commits c ON c.seq = m.seq
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
  WHEN 'messages' THEN NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = t.row_id)
  WHEN 'conversations' THEN NOT EXISTS (SELECT 1 FROM remote_conversations r WHERE r.id = t.row_id)
  WHEN 'contacts' THEN NOT EXISTS (SELECT 1 FROM remote_contacts k WHERE k.id = t.row_id)
  WHEN 'status_changes' THEN NOT EXISTS (SELECT 1 FROM status_changes s WHERE s.id = CAST(t.row_id AS INTEGER))
  ELSE NOT EXISTS (SELECT 1 FROM status_history h WHERE h.id = CAST(t.row_id AS INTEGER))
END;

DROP VIEW conversations;
CREATE VIEW conversations AS
SELECT
  r.id, r.connection, n.provider, r.provider_id, r.contact_id, r.channel, r.provider_channel,
  coalesce(c.to_status, r.status) AS status,
  r.status AS remote_status,
  r.provider_status,
  c.state AS change_state,
  r.agent_id, r.campaign_id, r.title, r.summary, r.qualified, r.qualification_reason, r.tags, r.attributes,
  r.declared_messages, r.stored_messages,
  r.stored_messages >= r.declared_messages AS complete,
  r.started_at, r.last_message_at, r.updated_at, r.first_seen_at,
  CASE
    WHEN r.missing_since IS NULL AND r.deleted_at IS NULL AND r.merged_into IS NULL AND n.last_complete_scan_at > r.observed_at
    THEN n.last_complete_scan_at ELSE r.observed_at
  END AS last_seen_at,
  r.deleted_at, r.merged_into, r.seq
FROM remote_conversations r
JOIN connections n ON n.name = r.connection
LEFT JOIN status_changes c ON c.id = (
  SELECT max(o.id) FROM status_changes o
  WHERE o.conversation_id = r.id AND o.state IN ('pending', 'sending', 'queued', 'sent')
);

CREATE TRIGGER conversations_insert INSTEAD OF INSERT ON conversations
BEGIN
  SELECT RAISE(ABORT, 'conversations come from the providers: nothing can be inserted here');
END;

CREATE TRIGGER conversations_delete INSTEAD OF DELETE ON conversations
BEGIN
  SELECT RAISE(ABORT, 'conversations belong to the providers: nothing can be deleted here');
END;

CREATE TRIGGER conversations_update INSTEAD OF UPDATE ON conversations
BEGIN
  SELECT RAISE(ABORT, 'only status can be changed here: it is carried to the provider by the next sync or push')
  WHERE (NEW.id, NEW.connection, NEW.provider, NEW.provider_id, NEW.contact_id, NEW.channel,
         NEW.provider_channel, NEW.remote_status, NEW.provider_status, NEW.change_state, NEW.agent_id,
         NEW.campaign_id, NEW.title, NEW.summary, NEW.qualified, NEW.qualification_reason, NEW.tags,
         NEW.attributes, NEW.declared_messages, NEW.stored_messages, NEW.complete, NEW.started_at,
         NEW.last_message_at, NEW.updated_at, NEW.first_seen_at, NEW.last_seen_at, NEW.deleted_at,
         NEW.merged_into, NEW.seq)
    IS NOT
        (OLD.id, OLD.connection, OLD.provider, OLD.provider_id, OLD.contact_id, OLD.channel,
         OLD.provider_channel, OLD.remote_status, OLD.provider_status, OLD.change_state, OLD.agent_id,
         OLD.campaign_id, OLD.title, OLD.summary, OLD.qualified, OLD.qualification_reason, OLD.tags,
         OLD.attributes, OLD.declared_messages, OLD.stored_messages, OLD.complete, OLD.started_at,
         OLD.last_message_at, OLD.updated_at, OLD.first_seen_at, OLD.last_seen_at, OLD.deleted_at,
         OLD.merged_into, OLD.seq);
  SELECT RAISE(ABORT, 'status must be one of: active, handed_off, completed, abandoned')
  WHERE NEW.status IS NULL OR NEW.status NOT IN ('active', 'handed_off', 'completed', 'abandoned');
  SELECT RAISE(ABORT, 'the provider cannot take this status: SELECT * FROM writable_statuses shows what each connection takes')
  WHERE NEW.status IS NOT OLD.status
    AND NOT EXISTS (SELECT 1 FROM writable_statuses w WHERE w.connection = OLD.connection AND w.status = NEW.status)
    -- Taking back a pending wish asks the provider for nothing.
    AND NOT (NEW.status = OLD.remote_status AND OLD.change_state = 'pending'
      AND NOT EXISTS (SELECT 1 FROM status_changes o WHERE o.conversation_id = OLD.id AND o.state IN ('sending', 'queued', 'sent')));
  SELECT RAISE(ABORT, 'this conversation no longer exists at the provider: its status cannot be changed')
  WHERE OLD.deleted_at IS NOT NULL AND NEW.status IS NOT OLD.status;
  SELECT RAISE(ABORT, 'this conversation was merged into another at the provider: change the status of that one, which merged_into names')
  WHERE OLD.merged_into IS NOT NULL AND NEW.status IS NOT OLD.status;

  INSERT INTO change_events (change_id, at, state, detail)
  SELECT o.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'cancelled', 'replaced by a newer request'
  FROM status_changes o WHERE o.conversation_id = OLD.id AND o.state = 'pending' AND NEW.status IS NOT OLD.status;
  UPDATE status_changes
  SET state = 'cancelled', ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), last_error = 'replaced by a newer request'
  WHERE conversation_id = OLD.id AND state = 'pending' AND NEW.status IS NOT OLD.status;

  INSERT INTO status_changes (conversation_id, from_status, from_provider_status, to_status)
  SELECT OLD.id, OLD.remote_status, OLD.provider_status, NEW.status
  WHERE NEW.status IS NOT OLD.status
    AND (NEW.status <> OLD.remote_status
      OR EXISTS (SELECT 1 FROM status_changes o WHERE o.conversation_id = OLD.id AND o.state IN ('sending', 'queued', 'sent')));
END;

DROP VIEW contacts;
CREATE VIEW contacts AS
SELECT
  k.id, k.connection, n.provider, k.provider_id, k.name, k.email, k.phone, k.attributes, k.first_seen_at,
  max(k.observed_at, coalesce((SELECT max(c.last_seen_at) FROM conversations c WHERE c.contact_id = k.id), '')) AS last_seen_at,
  k.seq
FROM remote_contacts k
JOIN connections n ON n.name = k.connection;
`
