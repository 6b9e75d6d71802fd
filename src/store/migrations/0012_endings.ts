/**
 * Conversations whose own id ends with `@` and their agent's were held as if that ending had been put on to tell them apart
 * from another agent's, so that changes reached the one without it. They get an ending of their own. Payloads are kept by
 * the agent's id, a slash and the vendor's, which shows which of both an id is.
 */
export const endings = /* sql */ `
CREATE TABLE renamed (old TEXT PRIMARY KEY, new TEXT NOT NULL, connection TEXT NOT NULL, old_provider_id TEXT NOT NULL,
  new_provider_id TEXT NOT NULL) STRICT;
INSERT INTO renamed
  SELECT r.id, r.id || '@' || r.agent_id, r.connection, r.provider_id, r.provider_id || '@' || r.agent_id
  FROM remote_conversations r
  WHERE substr(r.provider_id, -1 - length(r.agent_id)) = '@' || r.agent_id
    AND EXISTS (
      SELECT 1 FROM raw_records w
      WHERE w.connection = r.connection AND w.conversation_provider_id = r.provider_id AND w.newest = 1
        AND w.provider_id = r.agent_id || '/' || r.provider_id);

UPDATE messages SET conversation_id = n.new, id = n.new || substr(id, length(n.old) + 1)
  FROM renamed n WHERE conversation_id = n.old;
UPDATE status_history SET conversation_id = n.new FROM renamed n WHERE conversation_id = n.old;
UPDATE status_changes SET conversation_id = n.new FROM renamed n WHERE conversation_id = n.old;
UPDATE remote_conversations SET merged_into = n.new FROM renamed n WHERE merged_into = n.old;
UPDATE raw_records SET conversation_provider_id = n.new_provider_id
  FROM renamed n WHERE raw_records.connection = n.connection AND conversation_provider_id = n.old_provider_id;
UPDATE quarantine SET conversation_provider_id = n.new_provider_id
  FROM renamed n WHERE quarantine.connection = n.connection AND conversation_provider_id = n.old_provider_id;
UPDATE remote_conversations SET id = n.new, provider_id = n.new_provider_id FROM renamed n WHERE id = n.old;
DROP TABLE renamed;
`
