/** What analysts search: messages with what was said around each hit. */
export const search = /* sql */ `
CREATE VIEW search_results AS
  -- Messages that a full-text search finds, each with an excerpt: what was said around its first hit, which is in [ ].
  -- SELECT conversation_id, excerpt FROM search_results WHERE search MATCH 'table AND friday' ORDER BY rank LIMIT 20
  -- The index holds cut words of scripts that are written without spaces; the excerpt is of the message itself.
SELECT
  s.message_search AS search, s.rank AS rank, s.rowid AS key, m.id AS message_id, m.conversation_id, m.position, m.role,
  m.sent_at,
  (
    SELECT iif(hit > 41, '…' || substr(before, instr(before, ' ') + 1), before)
      || iif(hit > 0, '[' || term || ']', '')
      || iif(length(after) > 60, coalesce(nullif(rtrim(after, replace(after, ' ', '')), ''), after) || '…', after)
    FROM (
      SELECT term, hit,
        substr(m.content, max(hit - 40, 1), min(max(hit - 1, 0), 40)) AS before,
        substr(m.content, iif(hit > 0, hit + length(term), 1), 61) AS after
      FROM (
        SELECT term, iif(term = '', 0, instr(m.content, term)) AS hit
        FROM (
          -- Words that stand together in the message are apart in the index.
          SELECT iif(instr(m.content, marked), marked, replace(marked, ' ', '')) AS term
          FROM (
            SELECT substr(text, instr(text, char(2)) + 1, instr(text, char(3)) - instr(text, char(2)) - 1) AS marked
            FROM (SELECT highlight(message_search, 0, char(2), char(3)) AS text)
          )
        )
      )
    )
  ) AS excerpt,
  m.content
FROM message_search s JOIN messages m ON m.key = s.rowid;
`
