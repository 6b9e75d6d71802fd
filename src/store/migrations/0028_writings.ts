/** Most addresses and numbers are stored as they are looked up: the index of the column itself finds these. */
export const writings = /* sql */ `
DROP INDEX remote_contacts_by_address;
CREATE INDEX remote_contacts_by_address ON remote_contacts (lower(email)) WHERE email <> lower(email);
DROP INDEX remote_contacts_by_number;
CREATE INDEX remote_contacts_by_number ON remote_contacts (
  replace(replace(replace(replace(replace(phone, ' ', ''), '-', ''), '(', ''), ')', ''), '.', '')
) WHERE phone <> replace(replace(replace(replace(replace(phone, ' ', ''), '-', ''), '(', ''), ')', ''), '.', '');
`
