-- 1: a program added the number to the run beside its list, so that it stays when the list is
-- read again and has it not.
ALTER TABLE leads ADD COLUMN added INTEGER NOT NULL DEFAULT 0 CHECK (added IN (0, 1));
