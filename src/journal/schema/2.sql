-- What the SQL copy tells of the two legs beside what was known before: what was dialed, the
-- channels' names in Asterisk, and when the target was dialed, failed and went.
ALTER TABLE attempts ADD COLUMN a_dialed TEXT;
ALTER TABLE attempts ADD COLUMN a_name TEXT;
ALTER TABLE attempts ADD COLUMN b_dialed TEXT;
ALTER TABLE attempts ADD COLUMN b_dialed_at INTEGER;
ALTER TABLE attempts ADD COLUMN b_name TEXT;
ALTER TABLE attempts ADD COLUMN b_failed TEXT CHECK (b_failed IN ('busy', 'unavailable'));
ALTER TABLE attempts ADD COLUMN b_ended_at INTEGER;

-- The attempts whose row in the SQL copy is older than the one here. What the row holds stands
-- in `attempts`: an attempt that changes ten times while the database is away is still one row.
CREATE TABLE outbox (
    attempt INTEGER PRIMARY KEY REFERENCES attempts,
    -- Counts the changes: what changed after it was read is not taken out by what was written.
    version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    -- Since when it waits.
    since   INTEGER NOT NULL
) STRICT;
