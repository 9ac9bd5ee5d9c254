-- All times are whole microseconds since 1970-01-01T00:00:00Z.
--
-- Checks on leads avoid a bare IN: SQLite builds its list anew for every row, which doubles
-- the time that a list of a million numbers takes.

CREATE TABLE meta (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    -- Makes the ids that Asterisk is given globally unique; the namespace of every call_id.
    uuid       TEXT    NOT NULL CHECK (length(uuid) = 36),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
    run          INTEGER PRIMARY KEY CHECK (run BETWEEN 1 AND 4294967295),
    list         TEXT    NOT NULL,
    state        TEXT    NOT NULL
                 CHECK (state IN ('IDLE', 'DIALING', 'PAUSED', 'DRAINING', 'DONE')),
    pause_reason TEXT    CHECK ((pause_reason IS NOT NULL) = (state = 'PAUSED')),
    opened_at    INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE leads (
    run          INTEGER NOT NULL REFERENCES runs,
    lead         INTEGER NOT NULL CHECK (lead BETWEEN 0 AND 4294967295),
    number       TEXT    NOT NULL CHECK (length(number) BETWEEN 1 AND 40),
    state        TEXT    NOT NULL DEFAULT 'waiting'
                 CHECK (state = 'waiting' OR state = 'dialing' OR state = 'done'),
    disposition  TEXT
                 CHECK (disposition IS NULL OR disposition IN ('answered', 'abandoned', 'machine', 'busy', 'no-answer',
                     'congestion', 'rejected', 'invalid-number', 'failed', 'cancelled',
                     'interrupted', 'skipped', 'do-not-call', 'out-of-rules')),
    attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_attempt INTEGER,
    -- Why it was taken off, and when, for a lead that was.
    note         TEXT,
    taken_off_at INTEGER,
    PRIMARY KEY (run, lead),
    -- Nobody stands in a run twice.
    UNIQUE (run, number),
    CHECK (state <> 'done' OR disposition IS NOT NULL),
    CHECK (state <> 'dialing' OR last_attempt IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    attempt     INTEGER PRIMARY KEY CHECK (attempt >= 1),
    run         INTEGER NOT NULL,
    lead        INTEGER NOT NULL,
    -- UUID version 5 of the attempt's decimal digits in the namespace of meta.uuid.
    call_id     TEXT    NOT NULL CHECK (length(call_id) = 36),
    queued_at   INTEGER NOT NULL,
    dialed_at   INTEGER NOT NULL,
    ringing_at  INTEGER,
    answered_at INTEGER,
    bridged_at  INTEGER,
    agent_at    INTEGER,
    ended_at    INTEGER,
    -- 1: it was begun and never dialed. The row stays, so that its id is never used again.
    withdrawn   INTEGER NOT NULL DEFAULT 0 CHECK (withdrawn IN (0, 1)),
    disposition TEXT
                CHECK (disposition IN ('answered', 'abandoned', 'machine', 'busy', 'no-answer',
                    'congestion', 'rejected', 'invalid-number', 'failed', 'cancelled',
                    'interrupted')),
    cause       INTEGER CHECK (cause BETWEEN 0 AND 65535),
    sip_code    INTEGER CHECK (sip_code BETWEEN 0 AND 65535),
    ended_by    TEXT
                CHECK (ended_by IN ('callee', 'target', 'operator', 'timer', 'carrier')),
    note        TEXT,
    dead_air_ms INTEGER CHECK (dead_air_ms >= 0),
    recording        TEXT CHECK (recording IN ('started', 'saved', 'failed')),
    -- In Asterisk's spool, without the format's ending.
    recording_name   TEXT,
    recording_format TEXT,
    -- The absolute path of the fetched file.
    recording_path   TEXT,
    recording_why    TEXT,
    FOREIGN KEY (run, lead) REFERENCES leads,
    CHECK ((ended_at IS NULL) = (disposition IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (ended_at IS NULL OR withdrawn = 0),
    CHECK ((recording = 'started') <= (recording_name IS NOT NULL AND recording_format IS NOT NULL)),
    CHECK ((recording = 'saved') <= (recording_path IS NOT NULL)),
    CHECK ((recording = 'failed') <= (recording_why IS NOT NULL))
) STRICT;

CREATE INDEX attempts_of_lead ON attempts (run, lead);
-- Nobody is called by two attempts at once; and the index finds what a dead engine left open.
CREATE UNIQUE INDEX open_attempts ON attempts (run, lead) WHERE ended_at IS NULL AND withdrawn = 0;
CREATE INDEX recordings_to_fetch ON attempts (attempt) WHERE recording = 'started';

CREATE TABLE audit (
    entry   INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    by      TEXT    NOT NULL,
    command TEXT    NOT NULL,
    outcome TEXT    NOT NULL
) STRICT;

-- Empty but for the moment in which a writer that ran out of room tries whether there is some.
CREATE TABLE probe (
    room BLOB NOT NULL
) STRICT;
