/** Which privacy all that is stored of a connection is known to follow. */
export const privacy = /* sql */ `
-- JSON: names, emails, phones, texts, and the mark of the key that hashes; null: all is as it came.
ALTER TABLE connections ADD COLUMN privacy TEXT CHECK (privacy IS NULL OR json_valid(privacy));
`
