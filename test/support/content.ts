/** Queries for everything in a mirror that must not depend on how it came to be: on when, in which order, in how many runs. */
export const contentQueries = {
  conversations: `SELECT id, connection, provider_id, contact_id, channel, provider_channel, status, remote_status,
      provider_status, change_state, agent_id, campaign_id, title, summary, qualified, qualification_reason, tags,
      attributes, declared_messages, stored_messages, complete, started_at, last_message_at, updated_at,
      deleted_at IS NOT NULL AS deleted
    FROM conversations ORDER BY id`,
  messages: `SELECT id, conversation_id, provider_id, position, role, provider_role, type, content, sent_at,
      sent_at_source, attributes FROM messages ORDER BY id`,
  contacts: "SELECT id, provider_id, name, email, phone, attributes FROM contacts ORDER BY id",
  history: `SELECT conversation_id, from_status, to_status, origin FROM status_history ORDER BY conversation_id, id`,
  raw: `SELECT connection, kind, provider_id, hash FROM raw_records WHERE newest = 1
    ORDER BY connection, kind, provider_id`,
  quarantine: `SELECT connection, kind, provider_id, reason, path, payload, resolved_at IS NOT NULL AS resolved
    FROM quarantine ORDER BY connection, kind, provider_id, path, payload`,
  words: "SELECT count(*) AS n FROM message_search WHERE message_search MATCH 'the'"
} as const

/** What SQLite, and the laws of the mirror, have to say against it. Each must be empty. */
export const faultQueries = [
  "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
  "SELECT * FROM pragma_foreign_key_check",
  "SELECT * FROM pages WHERE received <> inserted + updated + unchanged + filtered + quarantined",
  `SELECT c.id, c.stored_messages FROM remote_conversations c
   WHERE c.stored_messages <> (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id)`
] as const
