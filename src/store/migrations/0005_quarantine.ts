/** Some vendors number messages within a conversation, or not at all: what is at fault in two of them is two records. */
export const quarantine = /* sql */ `
DROP INDEX quarantine_open;
CREATE UNIQUE INDEX quarantine_open
  ON quarantine (connection, kind, coalesce(provider_id, payload_hash), path, coalesce(conversation_provider_id, ''))
  WHERE resolved_at IS NULL;
`
