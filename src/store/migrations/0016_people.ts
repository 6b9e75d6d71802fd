/** Contacts of all connections that are one person. Node fills the tables (`makePeopleRows`). */
export const people = /* sql */ `
-- Normalized phone numbers and e-mail addresses: the former have no @.
CREATE TABLE contact_identities (
  value TEXT NOT NULL,
  key INTEGER NOT NULL REFERENCES remote_contacts (key) ON DELETE CASCADE,
  PRIMARY KEY (value, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_identities_by_contact ON contact_identities (key);

CREATE TABLE contact_people (
  key INTEGER PRIMARY KEY REFERENCES remote_contacts (key) ON DELETE CASCADE,
  person INTEGER NOT NULL
) STRICT;
CREATE INDEX contact_people_by_person ON contact_people (person);

ALTER TABLE analysis_clock ADD COLUMN people_after INTEGER;
UPDATE analysis_clock SET people_after = 0 WHERE EXISTS (SELECT 1 FROM remote_contacts);

CREATE VIEW person_contacts AS
  -- Which contact is which person.
SELECT f.id AS person_id, k.id AS contact_id, k.connection
FROM (SELECT person, min(key) AS first FROM contact_people GROUP BY person) p
JOIN remote_contacts f ON f.key = p.first
JOIN contact_people c ON c.person = p.person
JOIN remote_contacts k ON k.key = c.key;

CREATE VIEW people AS
  -- Contacts of all connections that are one person: by the same phone number or e-mail address, directly or through others.
WITH held AS (
  SELECT contact_id, count(*) AS conversations
  FROM remote_conversations WHERE deleted_at IS NULL AND merged_into IS NULL AND contact_id IS NOT NULL
  GROUP BY contact_id
),
known AS (
  SELECT key, min(iif(instr(value, '@') = 0, value, NULL)) AS phone, min(iif(instr(value, '@') > 0, value, NULL)) AS email
  FROM contact_identities GROUP BY key
)
SELECT f.id AS person_id, p.phone, p.email, p.name, p.contacts, p.connections, p.conversations, p.first_seen_at, p.last_seen_at
FROM (
  SELECT
    min(c.key) AS first,
    min(i.phone) AS phone, min(i.email) AS email,
    max(k.name) AS name,
    count(*) AS contacts,
    count(DISTINCT k.connection) AS connections,
    coalesce(sum(h.conversations), 0) AS conversations,
    min(k.first_seen_at) AS first_seen_at,
    max(k.observed_at) AS last_seen_at
  FROM contact_people c
  JOIN remote_contacts k ON k.key = c.key
  LEFT JOIN known i ON i.key = c.key
  LEFT JOIN held h ON h.contact_id = k.id
  GROUP BY c.person
) p JOIN remote_contacts f ON f.key = p.first;
`
