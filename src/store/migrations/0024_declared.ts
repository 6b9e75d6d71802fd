/** What a webhook counts that no record of the vendor counts, until what it names was read. */
export const declared = /* sql */ `
ALTER TABLE hints ADD COLUMN declared_messages INTEGER CHECK (declared_messages >= 0);
-- Messages before that are not among them; null: all are.
ALTER TABLE hints ADD COLUMN declared_since TEXT;
`
