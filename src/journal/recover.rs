//! What an engine is told about the past when it opens its journal.

use std::path::Path;

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::error::{JournalError, while_doing};
use crate::campaign::{
    AttemptId, Disposition, EndedBy, Ending, HangupCause, LeadId, NO_LONGER_LISTED, Number, RunId,
    RunState, Time,
};

/// What the journal knows at the start of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The first 8 hexadecimal digits of `uuid`: the journal's part of the ids that Asterisk
    /// is given.
    pub token: String,
    /// The journal's own identity, made once.
    pub uuid: Uuid,
    /// The first attempt id that was never used.
    pub next_attempt: AttemptId,
    /// The latest run; `None` in a new journal.
    pub run: Option<RecoveredRun>,
    /// The latest [`AUDIT_LINES`] commands, the newest last.
    pub audit: Vec<AuditLine>,
}

/// How many commands an engine is told of.
pub const AUDIT_LINES: usize = 200;

/// A command that somebody gave, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
    /// What was asked.
    pub command: String,
    /// What came of it.
    pub outcome: String,
}

/// The latest run, as the last engine left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredRun {
    /// The run.
    pub run: RunId,
    /// What it belongs to: a list's path, or a number.
    pub list: String,
    /// Its state when the last engine ended, however it ended.
    pub state: RunState,
    /// Since when it is in that state.
    pub since: Time,
    /// How many leads it has, which is also the id of the next to be listed. What they are
    /// tells [`super::Journal::for_each_lead`].
    pub leads: u32,
    /// Attempts without an end, of this run or an older one, in the order of their ids.
    pub unfinished: Vec<Unfinished>,
    /// Recordings that still have to be fetched, of ended attempts of any run.
    pub recordings_waiting: Vec<WaitingRecording>,
}

/// An attempt that had begun and not ended when the last engine did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its run.
    pub run: RunId,
    /// Its lead.
    pub lead: LeadId,
    /// The number dialed.
    pub number: Number,
    /// When the lead joined the line.
    pub queued_at: Time,
    /// When the decision to dial fell.
    pub begun_at: Time,
    /// When A rang.
    pub ringing_at: Option<Time>,
    /// When A answered.
    pub answered_at: Option<Time>,
    /// When A and B were in one bridge.
    pub bridged_at: Option<Time>,
    /// The recording that runs, or ran, in Asterisk.
    pub recording: Option<StartedRecording>,
    /// Its recording was saved, or given up.
    pub recording_over: bool,
}

/// A recording in Asterisk's spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedRecording {
    /// Its name there, without the format's ending.
    pub name: String,
    /// The format's ending: `wav`.
    pub format: String,
}

/// A recording of an ended attempt that was neither saved nor given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRecording {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its run.
    pub run: RunId,
    /// Where it lies in Asterisk.
    pub recording: StartedRecording,
    /// The number that was dialed.
    pub number: Number,
    /// When the decision to dial fell.
    pub begun_at: Time,
    /// When A answered.
    pub answered_at: Option<Time>,
    /// The id of the call, as [`super::call_id`] makes it.
    pub call_id: Uuid,
}

/// Where a lead stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadStatus {
    /// It waits to be dialed.
    Waiting,
    /// An attempt at it has begun and not ended.
    InFlight(AttemptId),
    /// It has its final disposition; `Skipped` where it was taken off unattempted.
    Attempted(Disposition),
}

/// A lead, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLead {
    /// The lead.
    pub lead: LeadId,
    /// Its number.
    pub number: Number,
    /// Where it stands.
    pub status: LeadStatus,
    /// How many attempts there were, those taken back not counted.
    pub attempts: u32,
    /// The last of them.
    pub last: Option<AttemptId>,
    /// The cause of the last one that ended.
    pub cause: HangupCause,
    /// It was taken off because the list had it no longer.
    pub unlisted: bool,
    /// A command added it, and not the list.
    pub added: bool,
}

/// Reads what an engine has to know, except for the leads.
pub(super) fn recover(path: &Path, conn: &Connection) -> Result<Recovered, JournalError> {
    let reading = || while_doing(path, "read");
    let uuid: String = conn
        .query_row("SELECT uuid FROM meta", [], |row| row.get(0))
        .map_err(reading())?;
    let uuid = Uuid::parse_str(&uuid)
        .map_err(|_| JournalError::damaged(path, "its own id is unreadable"))?;
    let last: Option<i64> = conn
        .query_row("SELECT max(attempt) FROM attempts", [], |row| row.get(0))
        .map_err(reading())?;
    Ok(Recovered {
        token: uuid.simple().to_string()[..8].to_owned(),
        uuid,
        // Withdrawn attempts count: an id is never used twice.
        next_attempt: AttemptId(u64::try_from(last.unwrap_or(0)).unwrap_or(0) + 1),
        run: recover_run(path, conn)?,
        audit: collect(path, conn, AUDIT, audit_line_of)?,
    })
}

const AUDIT: &str = "
    SELECT at, by, command, outcome
    FROM (SELECT * FROM audit ORDER BY entry DESC LIMIT 200)
    ORDER BY entry";

fn audit_line_of(row: &Row<'_>) -> rusqlite::Result<AuditLine> {
    Ok(AuditLine {
        at: time(row, 0)?.unwrap_or_default(),
        by: row.get(1)?,
        command: row.get(2)?,
        outcome: row.get(3)?,
    })
}

fn recover_run(path: &Path, conn: &Connection) -> Result<Option<RecoveredRun>, JournalError> {
    let reading = || while_doing(path, "read");
    let sql = "SELECT run, list, state, pause_reason,
                   (SELECT coalesce(max(lead) + 1, 0) FROM leads l WHERE l.run = r.run),
                   changed_at
               FROM runs r ORDER BY run DESC LIMIT 1";
    let mut query = conn.prepare(sql).map_err(reading())?;
    let mut rows = query.query([]).map_err(reading())?;
    let Some(row) = rows.next().map_err(reading())? else {
        return Ok(None);
    };
    let mut run = run_of(row).map_err(reading())?;
    run.unfinished = collect(path, conn, UNFINISHED, unfinished_of)?;
    run.recordings_waiting = collect(path, conn, WAITING, waiting_of)?;
    Ok(Some(run))
}

fn run_of(row: &Row<'_>) -> rusqlite::Result<RecoveredRun> {
    let word: String = row.get(2)?;
    let state = match word.as_str() {
        "IDLE" => RunState::Idle,
        "DIALING" => RunState::Dialing,
        "PAUSED" => RunState::Paused(row.get(3)?),
        "DRAINING" => RunState::Draining,
        "DONE" => RunState::Done,
        _ => return Err(unreadable(2, "an unknown state")),
    };
    Ok(RecoveredRun {
        run: RunId(row.get(0)?),
        list: row.get(1)?,
        state,
        since: time(row, 5)?.unwrap_or_default(),
        leads: row.get(4)?,
        unfinished: Vec::new(),
        recordings_waiting: Vec::new(),
    })
}

/// Every open attempt, by the index of those. The lead must agree that it is being dialed;
/// where it does not, `number` is null and the row is refused as damage.
const UNFINISHED: &str = "
    SELECT a.attempt, a.run, a.lead, l.number, a.queued_at, a.dialed_at,
        coalesce(a.ringing_at, a.early_media_at), a.answered_at, a.bridged_at,
        CASE a.recording WHEN 'started' THEN a.recording_name END, a.recording_format,
        a.recording IN ('saved', 'failed')
    FROM attempts a
    LEFT JOIN leads l ON l.run = a.run AND l.lead = a.lead
        AND l.state = 'dialing' AND l.last_attempt = a.attempt
    WHERE a.ended_at IS NULL AND a.withdrawn = 0
    ORDER BY a.attempt";

fn unfinished_of(row: &Row<'_>) -> rusqlite::Result<Unfinished> {
    let name: Option<String> = row.get(9)?;
    let recording = match name {
        Some(name) => Some(StartedRecording {
            name,
            format: row.get(10)?,
        }),
        None => None,
    };
    Ok(Unfinished {
        attempt: attempt(row, 0)?,
        run: RunId(row.get(1)?),
        lead: LeadId(row.get(2)?),
        number: number(row, 3)?,
        queued_at: time(row, 4)?.unwrap_or_default(),
        begun_at: time(row, 5)?.unwrap_or_default(),
        ringing_at: time(row, 6)?,
        answered_at: time(row, 7)?,
        bridged_at: time(row, 8)?,
        recording,
        recording_over: row.get::<_, Option<bool>>(11)?.unwrap_or_default(),
    })
}

const WAITING: &str = "
    SELECT a.attempt, a.run, a.recording_name, a.recording_format, l.number,
        a.dialed_at, a.answered_at, a.call_id
    FROM attempts a JOIN leads l ON l.run = a.run AND l.lead = a.lead
    WHERE a.recording = 'started' AND a.ended_at IS NOT NULL
    ORDER BY a.attempt";

fn waiting_of(row: &Row<'_>) -> rusqlite::Result<WaitingRecording> {
    let call_id: String = row.get(7)?;
    Ok(WaitingRecording {
        attempt: attempt(row, 0)?,
        run: RunId(row.get(1)?),
        recording: StartedRecording {
            name: row.get(2)?,
            format: row.get(3)?,
        },
        number: number(row, 4)?,
        begun_at: time(row, 5)?.unwrap_or_default(),
        answered_at: time(row, 6)?,
        call_id: Uuid::parse_str(&call_id).map_err(|_| unreadable(7, "no call id"))?,
    })
}

fn collect<T>(
    path: &Path,
    conn: &Connection,
    sql: &str,
    parse: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, JournalError> {
    let read = || {
        let mut query = conn.prepare(sql)?;
        let rows = query.query_map([], parse)?;
        rows.collect::<rusqlite::Result<Vec<T>>>()
    };
    read().map_err(while_doing(path, "read"))
}

/// The leads of a run. A lead that is being dialed must have its open attempt; where it has
/// none, the sixth column is null. The last attempt of any other lead has ended; only for the
/// few that are being dialed the one that ended last is looked for.
const LEADS: &str = "
    SELECT l.lead, l.number, l.state, l.disposition, l.attempts,
        CASE WHEN a.ended_at IS NULL AND a.withdrawn = 0 THEN a.attempt END,
        l.last_attempt, e.cause, e.sip_code, coalesce(l.note = ?2, 0), l.added
    FROM leads l
    LEFT JOIN attempts a ON a.attempt = l.last_attempt
    LEFT JOIN attempts e ON e.attempt = CASE l.state WHEN 'dialing' THEN
        (SELECT max(attempt) FROM attempts p
         WHERE p.run = l.run AND p.lead = l.lead AND p.ended_at IS NOT NULL)
        ELSE l.last_attempt END
    WHERE l.run = ?1
    ORDER BY l.lead";

/// Gives every lead of `run`, in the order of their ids, with its attempts so far.
pub(super) fn for_each_lead(
    path: &Path,
    conn: &Connection,
    run: RunId,
    mut each: impl FnMut(KnownLead),
) -> Result<(), JournalError> {
    let mut read = || {
        let mut query = conn.prepare(LEADS)?;
        let mut rows = query.query(params![run.0, NO_LONGER_LISTED])?;
        while let Some(row) = rows.next()? {
            each(known_lead(row)?);
        }
        Ok(())
    };
    read().map_err(while_doing(path, "read"))
}

fn known_lead(row: &Row<'_>) -> rusqlite::Result<KnownLead> {
    let last: Option<i64> = row.get(6)?;
    Ok(KnownLead {
        lead: LeadId(row.get(0)?),
        number: number(row, 1)?,
        status: status(row)?,
        attempts: row.get(4)?,
        last: last.map(|id| unsigned(id, 6).map(AttemptId)).transpose()?,
        cause: HangupCause {
            q850: row.get::<_, Option<u16>>(7)?.unwrap_or(0),
            sip: row.get(8)?,
        },
        unlisted: row.get(9)?,
        added: row.get(10)?,
    })
}

fn status(row: &Row<'_>) -> rusqlite::Result<LeadStatus> {
    match row.get_ref(2)?.as_str()? {
        "waiting" => Ok(LeadStatus::Waiting),
        "dialing" => Ok(LeadStatus::InFlight(attempt(row, 5)?)),
        "done" => Disposition::from_word(row.get_ref(3)?.as_str()?)
            .map(LeadStatus::Attempted)
            .ok_or_else(|| unreadable(3, "an unknown disposition")),
        _ => Err(unreadable(2, "an unknown state")),
    }
}

/// So many of the latest attempts may belong to a streak: more than the settings allow one to
/// have, with the calls that were up beside it.
const ENDINGS: &str = "
    SELECT lead, disposition, ended_by, cause, sip_code, note IS NOT NULL,
        coalesce(ringing_at, early_media_at, answered_at) IS NOT NULL
    FROM (SELECT * FROM attempts
          WHERE +run = ?1 AND withdrawn = 0 AND ended_at IS NOT NULL
          ORDER BY attempt DESC LIMIT 4000)
    ORDER BY ended_at, attempt";

/// How the latest attempts of `run` ended, in the order in which they did.
pub(super) fn latest_endings(
    path: &Path,
    conn: &Connection,
    run: RunId,
) -> Result<Vec<Ending>, JournalError> {
    let read = || {
        let mut query = conn.prepare(ENDINGS)?;
        let rows = query.query_map(params![run.0], ending)?;
        rows.collect::<rusqlite::Result<Vec<Ending>>>()
    };
    read().map_err(while_doing(path, "read"))
}

fn ending(row: &Row<'_>) -> rusqlite::Result<Ending> {
    let disposition = Disposition::from_word(row.get_ref(1)?.as_str()?);
    let by = EndedBy::from_word(row.get_ref(2)?.as_str()?);
    Ok(Ending {
        lead: LeadId(row.get(0)?),
        disposition: disposition.ok_or_else(|| unreadable(1, "an unknown disposition"))?,
        by: by.ok_or_else(|| unreadable(2, "nobody known"))?,
        cause: HangupCause {
            q850: row.get::<_, Option<u16>>(3)?.unwrap_or(0),
            sip: row.get(4)?,
        },
        explained: row.get(5)?,
        rang: row.get(6)?,
    })
}

pub(super) fn attempt(row: &Row<'_>, column: usize) -> rusqlite::Result<AttemptId> {
    Ok(AttemptId(unsigned(row.get(column)?, column)?))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Time>> {
    let micros: Option<i64> = row.get(column)?;
    micros.map(|m| unsigned(m, column).map(Time)).transpose()
}

pub(super) fn unsigned(value: i64, column: usize) -> rusqlite::Result<u64> {
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<Number> {
    let text = row.get_ref(column)?.as_str()?;
    Number::taken_before(text).map_err(|_| unreadable(column, "no number"))
}

/// An error that counts as damage: the column holds `what`.
pub(super) fn unreadable(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, what.into())
}
