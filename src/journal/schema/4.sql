-- When early media was first heard, whom a call was transferred to, and how long its recording is.
ALTER TABLE attempts ADD COLUMN early_media_at INTEGER;
ALTER TABLE attempts ADD COLUMN agent TEXT;
ALTER TABLE attempts ADD COLUMN transferred_to TEXT;
ALTER TABLE attempts ADD COLUMN recording_ms INTEGER;

-- Two dispositions more, and one more who ended a call. A check changes nothing that is stored, so
-- its text is changed where SQLite keeps it, and read anew:
-- <https://www.sqlite.org/lang_altertable.html#making_other_kinds_of_table_schema_changes>.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(replace(sql, '''rejected'',', '''rejected'', ''blocked'', ''redirected'','),
    '''timer'', ''carrier'')', '''timer'', ''carrier'', ''handed over'')')
WHERE type = 'table' AND name IN ('leads', 'attempts');
PRAGMA writable_schema = RESET;
