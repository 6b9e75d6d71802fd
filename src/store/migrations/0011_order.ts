/**
 * In which order rows were read, whatever the vendors' own times say, and conversations that were merged into others. The
 * views are made again with the new column; a later step that changes one of them starts from here.
 */
export const order = /* sql */ `
-- When the answer arrived that the row shows; null: not recorded. Reads that overlapped have no order of their own.
ALTER TABLE remote_conversations ADD COLUMN answered_at TEXT;
-- The conversation that this one was merged into at the provider, and when the provider was asked about it.
ALTER TABLE remote_conversations ADD COLUMN merged_into TEXT REFERENCES remote_conversations (id) ON DELETE SET NULL;
ALTER TABLE remote_conversations ADD COLUMN merged_at TEXT;
CREATE INDEX remote_conversations_merged ON remote_conversations (merged_into) WHERE merged_into IS NOT NULL;
DROP INDEX remote_conversations_counts;
CREATE INDEX remote_conversations_counts ON remote_conversations
  (connection, deleted_at, merged_into, first_seen_at, stored_messages, declared_messages);

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
  r.deleted_at, r.merged_into
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
         NEW.merged_into)
    IS NOT
        (OLD.id, OLD.connection, OLD.provider, OLD.provider_id, OLD.contact_id, OLD.channel,
         OLD.provider_channel, OLD.remote_status, OLD.provider_status, OLD.change_state, OLD.agent_id,
         OLD.campaign_id, OLD.title, OLD.summary, OLD.qualified, OLD.qualification_reason, OLD.tags,
         OLD.attributes, OLD.declared_messages, OLD.stored_messages, OLD.complete, OLD.started_at,
         OLD.last_message_at, OLD.updated_at, OLD.first_seen_at, OLD.last_seen_at, OLD.deleted_at,
         OLD.merged_into);
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

DROP VIEW conversation_facts;
CREATE VIEW conversation_facts AS
  -- One row for each conversation that the provider still has as one of its own: what the other views count.
  -- Seconds run from the customer's first message; those to completion end with a completed conversation's last.
SELECT
  conversation_id, connection, provider, channel, status, agent_id, campaign_id, contact_id, title, qualified,
  substr(started_at, 1, 10) AS day, started_at, last_message_at,
  messages, customer_messages, agent_messages, human_messages,
  first_customer_at, first_answer_at, first_answer_by, first_human_at, last_customer_at, last_role, unanswered_since,
  seconds_to_first_answer, seconds_to_person,
  CASE WHEN status = 'completed' THEN seconds_to_last_message END AS seconds_to_completion,
  remote_status = 'handed_off' OR human_messages > 0 OR EXISTS (
    SELECT 1 FROM status_history h WHERE h.conversation_id = f.conversation_id AND h.to_status = 'handed_off'
  ) AS handed_off
FROM (
  SELECT
    r.id AS conversation_id, r.connection, n.provider, r.channel,
    coalesce((
      SELECT o.to_status FROM status_changes o
      WHERE o.conversation_id = r.id AND o.state IN ('pending', 'sending', 'queued', 'sent')
      ORDER BY o.id DESC LIMIT 1
    ), r.status) AS status,
    r.status AS remote_status, r.agent_id, r.campaign_id, r.contact_id, r.title, r.qualified,
    coalesce(r.started_at, a.first_message_at) AS started_at, r.last_message_at,
    r.stored_messages AS messages,
    coalesce(a.customer_messages, 0) AS customer_messages,
    coalesce(a.agent_messages, 0) AS agent_messages,
    coalesce(a.human_messages, 0) AS human_messages,
    a.first_customer_at, a.first_answer_at, a.first_answer_by, a.first_human_at, a.last_customer_at, a.last_role,
    a.unanswered_since, a.seconds_to_first_answer, a.seconds_to_person, a.seconds_to_last_message
  FROM remote_conversations r
  JOIN connections n ON n.name = r.connection
  LEFT JOIN conversation_activity a ON a.key = r.key
  WHERE r.deleted_at IS NULL AND r.merged_into IS NULL
) f;

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
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = n.name AND r.deleted_at IS NULL AND r.merged_into IS NULL) AS conversations,
  (SELECT count(*) FROM remote_conversations r WHERE r.connection = n.name
    AND r.declared_messages > r.stored_messages AND r.deleted_at IS NULL AND r.merged_into IS NULL) AS conversations_incomplete,
  (SELECT count(*) FROM status_changes c INDEXED BY status_changes_open
    CROSS JOIN remote_conversations r ON r.id = c.conversation_id
    WHERE r.connection = n.name AND c.state IN ('pending', 'sending', 'queued', 'sent')) AS changes_open,
  (SELECT count(*) FROM quarantine q
    WHERE q.connection = n.name AND q.resolved_at IS NULL AND q.dismissed_at IS NULL) AS quarantined
FROM connections n;
`
