/** How much there is of a connection, counted without reading its conversations. */
export const counts = /* sql */ `
CREATE INDEX remote_conversations_counts
  ON remote_conversations (connection, deleted_at, first_seen_at, stored_messages, declared_messages);
`
