/** What a push needs to know beside the requested status. */
export const push = /* sql */ `
-- The provider's own word that is to be shown again, where an undo restores it: null means any word for to_status.
ALTER TABLE status_changes ADD COLUMN to_provider_status TEXT
  CHECK (to_provider_status IS NULL OR to_status IS NOT NULL);
-- The provider's time of its last change, as the mirror knew it when the change was requested.
ALTER TABLE status_changes ADD COLUMN from_updated_at TEXT;
-- When the provider first refused the change in a way that may not be about this change alone.
ALTER TABLE status_changes ADD COLUMN refused_at TEXT;

CREATE TRIGGER status_changes_based_on AFTER INSERT ON status_changes
BEGIN
  UPDATE status_changes
  SET from_updated_at = (SELECT r.updated_at FROM remote_conversations r WHERE r.id = NEW.conversation_id)
  WHERE id = NEW.id;
END;

-- A copy of the file has the same id. Which file last pushed is kept outside of it.
CREATE TABLE mirror_identity (
  only_row INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  id TEXT NOT NULL CHECK (length(id) = 32)
) STRICT;
INSERT INTO mirror_identity (id) VALUES (lower(hex(randomblob(16))));
`
