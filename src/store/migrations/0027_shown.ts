/** Which of a conversation's payloads is the later word, also where one came again with the same text. */
export const shown = /* sql */ `
-- When it was shown again with the same text, epoch milliseconds. Null: only once.
ALTER TABLE raw_rows ADD COLUMN shown_at INTEGER;
`
