/**
 * Marks, such as the vowel signs of Indic scripts, belong to their words: the index is made again, and what it holds of texts
 * that SQLite does not cut well is written again by Node (`refreshDerived`).
 */
export const words = /* sql */ `
DROP TABLE message_search;
CREATE VIRTUAL TABLE message_search USING fts5 (
  content, content = 'message_search_source', content_rowid = 'key',
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
INSERT INTO message_search (message_search, rank) VALUES ('automerge', 16);
INSERT INTO message_search (message_search) VALUES ('rebuild');

-- While it is not null, the words of messages with greater keys are to be cut again.
ALTER TABLE analysis_clock ADD COLUMN words_after INTEGER;
UPDATE analysis_clock SET words_after = 0 WHERE EXISTS (SELECT 1 FROM messages);
`
