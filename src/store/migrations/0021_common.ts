import { toText } from "./0018_packed.ts"

const selectMessages = (seq: string): string => /* sql */ `SELECT
  m.key, CAST(r.id || ':' || m.id AS TEXT) AS id, r.id AS conversation_id,
  iif(t.names_itself, m.id, m.provider_id) AS provider_id, m.position, t.role, t.provider_role, t.type, m.content,
  ${toText("m.sent_at")} AS sent_at, t.sent_at_source, coalesce(m.attributes, t.attributes, '{}') AS attributes,
  coalesce(m.page_id, m.seq) AS page_id, ${seq} AS seq`

/** Attributes that many messages have are kept once. */
export const common = /* sql */ `
-- JSON; null: the messages' rows have them, or there are none.
ALTER TABLE message_kinds ADD COLUMN attributes TEXT CHECK (attributes IS NULL OR json_valid(attributes));
DROP INDEX message_kinds_by_words;
CREATE UNIQUE INDEX message_kinds_by_words
  ON message_kinds (role, type, provider_role, sent_at_source, names_itself, attributes);

DROP VIEW messages;
CREATE VIEW messages AS
  -- What was said. By conversation_id and by key it is found at once; an id begins with its conversation_id.
${selectMessages("m.seq")}
FROM message_rows m
JOIN remote_conversations r ON r.key = m.key >> 20 AND m.key BETWEEN r.key << 20 AND (r.key << 20) + 1048575
LEFT JOIN message_kinds t ON t.key = m.kind;

DROP VIEW messages_by_change;
-- The same, found by seq.
CREATE VIEW messages_by_change AS
${selectMessages("g.seq")}
FROM message_changes g
CROSS JOIN remote_conversations r ON r.key = g.conversation
CROSS JOIN message_rows m ON m.key BETWEEN r.key << 20 AND (r.key << 20) + 1048575 AND m.seq = g.seq
LEFT JOIN message_kinds t ON t.key = m.kind;
`
