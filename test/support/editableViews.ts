import type Sqlite from "better-sqlite3"

const millis = (time: string): string =>
  `CAST(strftime('%s', ${time}) AS INTEGER) * 1000 + CAST(substr(${time}, 21, 3) AS INTEGER)`

const kind = `SELECT k.key FROM message_kinds k WHERE k.role = NEW.role AND k.type = NEW.type
  AND k.provider_role IS NEW.provider_role AND k.sent_at_source IS NEW.sent_at_source
  AND k.attributes IS NULL AND k.names_itself = coalesce(NEW.provider_id = substr(NEW.id, length(NEW.conversation_id) + 2), 0)`

const newKind = `INSERT INTO message_kinds (role, type, provider_role, sent_at_source, names_itself)
  SELECT NEW.role, NEW.type, NEW.provider_role, NEW.sent_at_source,
    coalesce(NEW.provider_id = substr(NEW.id, length(NEW.conversation_id) + 2), 0)
  WHERE NOT EXISTS (${kind});`

const own = "coalesce(NEW.provider_id = substr(NEW.id, length(NEW.conversation_id) + 2), 0)"

const nextKey = `coalesce((SELECT max(m.key) + 1 FROM message_rows m
  WHERE m.key BETWEEN r.key << 20 AND (r.key << 20) + 1048575), r.key << 20)`

const now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

const numbered = (table: string, key: string): string => `
CREATE TEMP TRIGGER IF NOT EXISTS ${table}_inserted AFTER INSERT ON main.${table} WHEN NEW.seq = 0 BEGIN
  INSERT INTO commits (at) VALUES (${now});
  UPDATE ${table} SET seq = (SELECT max(seq) FROM commits) WHERE ${key} = NEW.${key};
END;`

/**
 * Lets a test write messages and payloads through the views, on this connection alone: what no program does, so that
 * the mirror holds what a test needs, or is damaged as a test needs it. The index of words stays as it is. Pages, contacts,
 * conversations and their statuses that are written without a number are given one, as by a commit.
 */
export const editableViews = (database: Sqlite.Database): void => {
  database.exec(`
CREATE TEMP TRIGGER IF NOT EXISTS messages_insert INSTEAD OF INSERT ON main.messages BEGIN
  ${newKind}
  INSERT INTO message_rows (key, kind, position, sent_at, seq, id, provider_id, attributes, content)
    SELECT ${nextKey}, (${kind}), NEW.position, ${millis("NEW.sent_at")}, NEW.page_id,
      substr(NEW.id, length(NEW.conversation_id) + 2), iif(${own}, NULL, NEW.provider_id),
      nullif(NEW.attributes, '{}'), NEW.content
    FROM remote_conversations r WHERE r.id = NEW.conversation_id;
  INSERT OR IGNORE INTO message_changes (seq, conversation)
    SELECT NEW.page_id, r.key FROM remote_conversations r WHERE r.id = NEW.conversation_id;
END;
CREATE TEMP TRIGGER IF NOT EXISTS messages_update INSTEAD OF UPDATE ON main.messages BEGIN
  ${newKind}
  UPDATE message_rows SET kind = (${kind}), position = NEW.position, sent_at = ${millis("NEW.sent_at")},
    provider_id = iif(${own}, NULL, NEW.provider_id), attributes = nullif(NEW.attributes, '{}'), content = NEW.content
    WHERE key = OLD.key;
  UPDATE message_rows SET key = (SELECT ${nextKey} FROM remote_conversations r WHERE r.id = NEW.conversation_id)
    WHERE key = OLD.key AND NEW.conversation_id <> OLD.conversation_id;
END;
CREATE TEMP TRIGGER IF NOT EXISTS messages_delete INSTEAD OF DELETE ON main.messages BEGIN
  DELETE FROM message_rows WHERE key = OLD.key;
END;
CREATE TEMP TRIGGER IF NOT EXISTS raw_records_insert INSTEAD OF INSERT ON main.raw_records BEGIN
  INSERT OR IGNORE INTO raw_kinds (kind) VALUES (NEW.kind);
  INSERT INTO raw_blocks (key, encoding, rows, size, unused, content)
    SELECT coalesce(max(key), 0) + 1, 'json', 1, length(NEW.payload), 0, CAST(NEW.payload AS BLOB) FROM raw_rows;
  INSERT INTO raw_rows (key, conversation, kind, provider_id, hash, observed_at, page_id, block, start, length)
    SELECT b.key, r.key, k.key, nullif(NEW.provider_id, r.provider_id), CAST(NEW.hash AS BLOB), ${millis("NEW.observed_at")},
      NEW.page_id, b.key, 0, b.size
    FROM (SELECT max(key) AS key, size FROM raw_blocks) b, raw_kinds k, remote_conversations r
    WHERE k.kind = NEW.kind AND r.connection = NEW.connection AND r.provider_id = NEW.conversation_provider_id;
END;
CREATE TEMP TRIGGER IF NOT EXISTS raw_records_delete INSTEAD OF DELETE ON main.raw_records BEGIN
  UPDATE raw_blocks SET unused = unused + OLD.payload_length
    WHERE key = (SELECT block FROM raw_rows WHERE key = OLD.key);
  DELETE FROM raw_rows WHERE key = OLD.key;
END;
CREATE TEMP TRIGGER IF NOT EXISTS pages_inserted AFTER INSERT ON main.pages
WHEN NOT EXISTS (SELECT 1 FROM commits WHERE seq = NEW.id) BEGIN
  INSERT INTO commits (seq, at, run_id) VALUES (NEW.id, NEW.received_at, NEW.run_id);
END;
${numbered("remote_contacts", "key")}${numbered("remote_conversations", "key")}${numbered("status_history", "id")}`)
}
