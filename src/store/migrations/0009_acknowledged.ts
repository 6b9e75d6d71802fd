/** Records in quarantine that somebody has seen and accepted, and which SQLite wrote each request for a change. */
export const acknowledged = /* sql */ `
-- When somebody dismissed it. Null again once the record comes in another form.
ALTER TABLE quarantine ADD COLUMN dismissed_at TEXT;

-- The version of SQLite in the program that asked: those before 3.51.3 can damage a file that others checkpoint.
ALTER TABLE status_changes ADD COLUMN sqlite_version TEXT;
CREATE TRIGGER status_changes_writer AFTER INSERT ON status_changes WHEN NEW.sqlite_version IS NULL
BEGIN
  UPDATE status_changes SET sqlite_version = sqlite_version() WHERE id = NEW.id;
END;

DROP VIEW freshness;
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
  (SELECT count(*) FROM quarantine q
    WHERE q.connection = n.name AND q.resolved_at IS NULL AND q.dismissed_at IS NULL) AS quarantined
FROM connections n;
`
