/** By an address or a number, however it is written: what `findConversation` and `mergeCandidates` look up. */
export const reach = /* sql */ `
CREATE INDEX remote_contacts_by_address ON remote_contacts (lower(email)) WHERE email IS NOT NULL;
CREATE INDEX remote_contacts_by_number ON remote_contacts (
  replace(replace(replace(replace(replace(phone, ' ', ''), '-', ''), '(', ''), ')', ''), '.', '')
) WHERE phone IS NOT NULL;
`
