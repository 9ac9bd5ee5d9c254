-- 1: a command added the lead, and not the list, so that no reading of the list takes it off.
ALTER TABLE leads ADD COLUMN added INTEGER NOT NULL DEFAULT 0 CHECK (added = 0 OR added = 1);
