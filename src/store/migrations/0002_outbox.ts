/** The outward river, and the view in which both meet. RAISE texts are literals: SQLite before 3.47 takes nothing else. */
export const outbox = /* sql */ `
CREATE TABLE status_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id TEXT NOT NULL REFERENCES remote_conversations (id),
  from_status TEXT NOT NULL,
  -- The provider's own word beside from_status: two of its words may read as the same status.
  from_provider_status TEXT,
  to_status TEXT CHECK (to_status IN ('active', 'handed_off', 'completed', 'abandoned')),
  category TEXT,
  summary TEXT CHECK (summary IS NULL OR category IS NOT NULL),
  fields TEXT CHECK (fields IS NULL OR json_valid(fields)),
  state TEXT NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'sending', 'queued', 'sent', 'confirmed', 'rejected', 'conflict', 'cancelled')),
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  not_before TEXT,
  last_error TEXT,
  requested_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  requested_by TEXT NOT NULL DEFAULT 'sql',
  sent_at TEXT,
  -- JSON: what the provider was read to hold just before the change was last sent.
  found TEXT CHECK (found IS NULL OR json_valid(found)),
  ended_at TEXT,
  -- When somebody dealt with a change that ended rejected or in conflict.
  resolved_at TEXT,
  CHECK (to_status IS NOT NULL OR fields IS NOT NULL),
  CHECK ((ended_at IS NOT NULL) = (state IN ('confirmed', 'rejected', 'conflict', 'cancelled')))
) STRICT;
CREATE UNIQUE INDEX status_changes_one_pending ON status_changes (conversation_id) WHERE state = 'pending';
CREATE UNIQUE INDEX status_changes_one_in_flight
  ON status_changes (conversation_id) WHERE state IN ('sending', 'queued', 'sent');
CREATE INDEX status_changes_open
  ON status_changes (conversation_id, id) WHERE state IN ('pending', 'sending', 'queued', 'sent');
CREATE INDEX status_changes_by_conversation ON status_changes (conversation_id, id);

-- A change's whole story, in the order in which it happened. Detail is the vendor's words, or ours.
CREATE TABLE change_events (
  id INTEGER PRIMARY KEY,
  change_id INTEGER NOT NULL REFERENCES status_changes (id),
  at TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT,
  run_id INTEGER REFERENCES runs (id)
) STRICT;
CREATE INDEX change_events_by_change ON change_events (change_id, id);

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
    WHEN r.missing_since IS NULL AND r.deleted_at IS NULL AND n.last_complete_scan_at > r.observed_at
    THEN n.last_complete_scan_at ELSE r.observed_at
  END AS last_seen_at,
  r.deleted_at
FROM remote_conversations r
JOIN connections n ON n.name = r.connection
LEFT JOIN status_changes c ON c.id = (
  SELECT max(o.id) FROM status_changes o
  WHERE o.conversation_id = r.id AND o.state IN ('pending', 'sending', 'queued', 'sent')
);

CREATE VIEW contacts AS
SELECT
  k.id, k.connection, n.provider, k.provider_id, k.name, k.email, k.phone, k.attributes, k.first_seen_at,
  max(k.observed_at, coalesce((SELECT max(c.last_seen_at) FROM conversations c WHERE c.contact_id = k.id), '')) AS last_seen_at
FROM remote_contacts k
JOIN connections n ON n.name = k.connection;

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
         NEW.last_message_at, NEW.updated_at, NEW.first_seen_at, NEW.last_seen_at, NEW.deleted_at)
    IS NOT
        (OLD.id, OLD.connection, OLD.provider, OLD.provider_id, OLD.contact_id, OLD.channel,
         OLD.provider_channel, OLD.remote_status, OLD.provider_status, OLD.change_state, OLD.agent_id,
         OLD.campaign_id, OLD.title, OLD.summary, OLD.qualified, OLD.qualification_reason, OLD.tags,
         OLD.attributes, OLD.declared_messages, OLD.stored_messages, OLD.complete, OLD.started_at,
         OLD.last_message_at, OLD.updated_at, OLD.first_seen_at, OLD.last_seen_at, OLD.deleted_at);
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

  INSERT INTO change_events (change_id, at, state, detail)
  SELECT o.id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'cancelled', 'replaced by a newer wish'
  FROM status_changes o WHERE o.conversation_id = OLD.id AND o.state = 'pending' AND NEW.status IS NOT OLD.status;
  UPDATE status_changes
  SET state = 'cancelled', ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), last_error = 'replaced by a newer wish'
  WHERE conversation_id = OLD.id AND state = 'pending' AND NEW.status IS NOT OLD.status;

  INSERT INTO status_changes (conversation_id, from_status, from_provider_status, to_status)
  SELECT OLD.id, OLD.remote_status, OLD.provider_status, NEW.status
  WHERE NEW.status IS NOT OLD.status
    AND (NEW.status <> OLD.remote_status
      OR EXISTS (SELECT 1 FROM status_changes o WHERE o.conversation_id = OLD.id AND o.state IN ('sending', 'queued', 'sent')));
END;

CREATE TRIGGER status_changes_asked AFTER INSERT ON status_changes
BEGIN
  INSERT INTO change_events (change_id, at, state, detail)
  VALUES (NEW.id, NEW.requested_at, NEW.state, 'asked for by ' || NEW.requested_by);
END;

-- A change on its way that a pull sees before it is confirmed is ours, not the provider's.
CREATE TRIGGER status_history_echo AFTER INSERT ON status_history
WHEN NEW.origin = 'provider' AND NEW.from_status IS NOT NULL AND EXISTS (
  SELECT 1 FROM status_changes o
  WHERE o.conversation_id = NEW.conversation_id AND o.state IN ('sending', 'queued', 'sent') AND o.to_status = NEW.to_status)
BEGIN
  UPDATE status_history SET origin = 'local' WHERE id = NEW.id;
END;

CREATE VIEW freshness AS
SELECT
  n.name AS connection,
  n.provider,
  n.last_complete_scan_at AS last_complete_sync_at,
  (SELECT max(rc.started_at) FROM run_connections rc WHERE rc.connection = n.name AND rc.lane IN ('sync', 'backfill')) AS last_attempt_at,
  (SELECT rc.outcome FROM run_connections rc WHERE rc.connection = n.name AND rc.lane IN ('sync', 'backfill')
    ORDER BY rc.started_at DESC LIMIT 1) AS last_attempt_outcome,
  (SELECT max(r.last_message_at) FROM remote_conversations r WHERE r.connection = n.name) AS newest_message_at,
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = n.name AND r.deleted_at IS NULL) AS conversations,
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = n.name
    AND r.declared_messages > r.stored_messages AND r.deleted_at IS NULL) AS conversations_incomplete,
  (SELECT count(*) FROM status_changes c INDEXED BY status_changes_open
    CROSS JOIN remote_conversations r ON r.id = c.conversation_id
    WHERE r.connection = n.name AND c.state IN ('pending', 'sending', 'queued', 'sent')) AS changes_open,
  (SELECT count(*) FROM quarantine q WHERE q.connection = n.name AND q.resolved_at IS NULL) AS quarantined
FROM connections n;
`
