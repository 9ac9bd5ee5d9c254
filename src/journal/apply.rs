//! One record, as SQL. Every change looks at the number of rows it changed: a record that
//! fits nothing is a [`Contradiction`], never a silence.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, params};
use uuid::Uuid;

use super::error::Contradiction;
use super::{call_id, outbox};
use crate::campaign::{
    AttemptEnd, AttemptId, LeadId, LegNote, Number, Part, Record, RecordingState, RunId, RunState,
    Sent, Step, Time,
};

/// Why a record was not applied.
#[derive(Debug)]
pub(super) enum ApplyError {
    /// The record is wrong.
    Contradiction(Contradiction),
    /// The database cannot be written.
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for ApplyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<Contradiction> for ApplyError {
    fn from(contradiction: Contradiction) -> Self {
        Self::Contradiction(contradiction)
    }
}

type Applied = Result<(), ApplyError>;

/// Applies `record` within the transaction that `conn` is in. `journal` is the journal's own
/// id; where there is a SQL copy (`mirrored`), it is to be told. After an error, what was done
/// of the record must be rolled back.
pub(super) fn apply(conn: &Connection, journal: Uuid, mirrored: bool, record: &Record) -> Applied {
    write(conn, journal, record)?;
    if let Some(attempt) = outbox::changes(record).filter(|_| mirrored) {
        outbox::mark(conn, row_id(attempt)?)?;
    }
    Ok(())
}

fn write(conn: &Connection, journal: Uuid, record: &Record) -> Applied {
    match record {
        Record::RunOpened { run, list, at } => open_run(conn, *run, list, *at),
        Record::LeadsListed {
            run,
            first,
            numbers,
        } => list_leads(conn, *run, *first, numbers, false),
        Record::LeadsAdded {
            run,
            first,
            numbers,
        } => list_leads(conn, *run, *first, numbers, true),
        Record::RunState { run, state, at } => set_run_state(conn, *run, state, *at),
        Record::LeadSkipped { run, lead, why, at } => skip_lead(conn, *run, *lead, why, *at),
        Record::LeadRequeued { run, lead, .. } => requeue_lead(conn, *run, *lead),
        Record::AttemptBegun {
            attempt,
            run,
            lead,
            queued_at,
            at,
        } => begin(conn, journal, *attempt, (*run, *lead), *queued_at, *at),
        Record::AttemptWithdrawn { attempt } => withdraw(conn, *attempt),
        Record::AttemptProgress { attempt, step, at } => progress(conn, *attempt, *step, *at),
        Record::AttemptTransferred { attempt, to } => {
            let sql = "UPDATE attempts SET transferred_to = ?2
                       WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0";
            let changed = execute(conn, sql, params![row_id(*attempt)?, to])?;
            one(changed, Contradiction::NotOpen(*attempt))
        }
        Record::AttemptEnded { attempt, end } => end_attempt(conn, *attempt, end),
        Record::Recording { attempt, state } => set_recording(conn, *attempt, state),
        Record::RecordingLasts { attempt, ms } => set_length(conn, *attempt, *ms),
        Record::Leg {
            attempt,
            part,
            note,
        } => note_leg(conn, *attempt, *part, note),
        Record::Mirrored(sent) => take_out(conn, sent),
        Record::Audit {
            at,
            by,
            command,
            outcome,
        } => audit(conn, *at, by, command, outcome),
    }
}

fn open_run(conn: &Connection, run: RunId, list: &str, at: Time) -> Applied {
    let sql = "INSERT INTO runs (run, list, state, opened_at, changed_at)
               VALUES (?1, ?2, 'IDLE', ?3, ?3)";
    let opened = execute(conn, sql, params![run.0, list, micros(at)?]);
    unless_constrained(opened, Contradiction::RunExists(run))?;
    Ok(())
}

fn list_leads(
    conn: &Connection,
    run: RunId,
    first: LeadId,
    numbers: &[Number],
    added: bool,
) -> Applied {
    let sql = "INSERT INTO leads (run, lead, number, added) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = conn.prepare_cached(sql)?;
    for (lead, number) in (i64::from(first.0)..).zip(numbers) {
        let inserted = insert.execute(params![run.0, lead, number.as_str(), added]);
        unless_constrained(inserted, Contradiction::ListedTwice { run, first })?;
    }
    Ok(())
}

fn set_run_state(conn: &Connection, run: RunId, state: &RunState, at: Time) -> Applied {
    let sql = "UPDATE runs SET state = ?2, pause_reason = ?3, changed_at = ?4 WHERE run = ?1";
    let reason = match state {
        RunState::Paused(reason) => Some(reason),
        _ => None,
    };
    let params = params![run.0, state.word(), reason, micros(at)?];
    one(execute(conn, sql, params)?, Contradiction::UnknownRun(run))
}

fn skip_lead(conn: &Connection, run: RunId, lead: LeadId, why: &str, at: Time) -> Applied {
    let sql = "UPDATE leads
               SET state = 'done', disposition = 'skipped', note = ?3, taken_off_at = ?4
               WHERE run = ?1 AND lead = ?2
                   AND (state = 'waiting' OR (state = 'done' AND disposition = 'interrupted'))";
    let changed = execute(conn, sql, params![run.0, lead.0, why, micros(at)?])?;
    one(changed, Contradiction::NotWaiting { run, lead })
}

/// Its earlier attempts stay as they are, so it is known how often it was called.
fn requeue_lead(conn: &Connection, run: RunId, lead: LeadId) -> Applied {
    let sql = "UPDATE leads
               SET state = 'waiting', disposition = NULL, note = NULL, taken_off_at = NULL
               WHERE run = ?1 AND lead = ?2 AND state = 'done'";
    let changed = execute(conn, sql, params![run.0, lead.0])?;
    one(changed, Contradiction::NotDone { run, lead })
}

/// The last guard against calling somebody twice: the lead has to wait. One whose attempt a
/// crash interrupted may be dialed again, if that is the operator's rule (`ON_INTERRUPTED`).
const CLAIM_LEAD: &str = "
    UPDATE leads SET state = 'dialing', attempts = attempts + 1, last_attempt = ?3
    WHERE run = ?1 AND lead = ?2
        AND (state = 'waiting' OR (state = 'done' AND disposition = 'interrupted'))";

fn begin(
    conn: &Connection,
    journal: Uuid,
    attempt: AttemptId,
    (run, lead): (RunId, LeadId),
    queued_at: Time,
    at: Time,
) -> Applied {
    let id = row_id(attempt)?;
    let claimed = execute(conn, CLAIM_LEAD, params![run.0, lead.0, id])?;
    one(claimed, Contradiction::NotWaiting { run, lead })?;
    let sql = "INSERT INTO attempts (attempt, run, lead, call_id, queued_at, dialed_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let call_id = call_id(journal, attempt).to_string();
    let params = params![id, run.0, lead.0, call_id, micros(queued_at)?, micros(at)?];
    let begun = execute(conn, sql, params);
    unless_constrained(begun, Contradiction::AttemptExists(attempt))?;
    Ok(())
}

fn withdraw(conn: &Connection, attempt: AttemptId) -> Applied {
    let id = row_id(attempt)?;
    let sql = "UPDATE attempts SET withdrawn = 1
               WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0
               RETURNING run, lead";
    let Some((run, lead)) = lead_of(conn, sql, params![id])? else {
        return withdraw_nothing(conn, attempt);
    };
    let sql = "UPDATE leads
               SET state = 'waiting', attempts = attempts - 1, last_attempt =
                   (SELECT max(attempt) FROM attempts
                    WHERE run = ?1 AND lead = ?2 AND withdrawn = 0)
               WHERE run = ?1 AND lead = ?2 AND state = 'dialing' AND last_attempt = ?3";
    let changed = execute(conn, sql, params![run, lead, id])?;
    outbox::forget(conn, id)?;
    one(changed, Contradiction::NotOpen(attempt))
}

/// An attempt that is not there needs no withdrawal: its beginning was refused while the
/// journal was full. One that is there has ended, or was withdrawn before.
fn withdraw_nothing(conn: &Connection, attempt: AttemptId) -> Applied {
    let sql = "SELECT count(*) FROM attempts WHERE attempt = ?1";
    let there: i64 = conn
        .prepare_cached(sql)?
        .query_row(params![row_id(attempt)?], |row| row.get(0))?;
    if there == 0 {
        return Ok(());
    }
    Err(Contradiction::NotOpen(attempt).into())
}

/// Of two reports of one step, the first counts.
fn progress(conn: &Connection, attempt: AttemptId, step: Step, at: Time) -> Applied {
    let sql = match step {
        Step::Ringing => {
            "UPDATE attempts SET ringing_at = coalesce(ringing_at, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0"
        }
        Step::EarlyMedia => {
            "UPDATE attempts SET early_media_at = coalesce(early_media_at, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0"
        }
        Step::Answered => {
            "UPDATE attempts SET answered_at = coalesce(answered_at, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0"
        }
        Step::Bridged => {
            "UPDATE attempts SET bridged_at = coalesce(bridged_at, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0"
        }
        Step::Agent => {
            "UPDATE attempts SET agent_at = coalesce(agent_at, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0"
        }
    };
    let changed = execute(conn, sql, params![row_id(attempt)?, micros(at)?])?;
    one(changed, Contradiction::NotOpen(attempt))
}

fn end_attempt(conn: &Connection, attempt: AttemptId, end: &AttemptEnd) -> Applied {
    let sql = "UPDATE attempts
               SET ended_at = ?2, disposition = ?3, cause = ?4, sip_code = ?5, ended_by = ?6,
                   note = ?7, dead_air_ms = ?8,
                   bridged_at = CASE ?3 WHEN 'abandoned' THEN NULL ELSE bridged_at END
               WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0
               RETURNING run, lead";
    let id = row_id(attempt)?;
    let disposition = end.disposition.as_str();
    let params = params![
        id,
        micros(end.at)?,
        disposition,
        end.cause.q850,
        end.cause.sip,
        end.by.as_str(),
        end.note,
        end.dead_air_ms,
    ];
    let (run, lead) = lead_of(conn, sql, params)?.ok_or(Contradiction::NotOpen(attempt))?;
    let sql = "UPDATE leads SET state = 'done', disposition = ?4
               WHERE run = ?1 AND lead = ?2 AND state = 'dialing' AND last_attempt = ?3";
    let changed = execute(conn, sql, params![run, lead, id, disposition])?;
    one(changed, Contradiction::NotOpen(attempt))
}

/// A saved recording stays saved, whatever is said of it later.
fn set_recording(conn: &Connection, attempt: AttemptId, state: &RecordingState) -> Applied {
    let id = row_id(attempt)?;
    let changed = match state {
        RecordingState::Started { name, format } => execute(
            conn,
            "UPDATE attempts
             SET recording = 'started', recording_name = ?2, recording_format = ?3
             WHERE attempt = ?1 AND withdrawn = 0 AND recording IS NOT 'saved'",
            params![id, name, format],
        ),
        RecordingState::Saved { path } => execute(
            conn,
            "UPDATE attempts SET recording = 'saved', recording_path = ?2
             WHERE attempt = ?1 AND withdrawn = 0",
            params![id, path],
        ),
        RecordingState::Failed { why } => execute(
            conn,
            "UPDATE attempts SET recording = 'failed', recording_why = ?2
             WHERE attempt = ?1 AND withdrawn = 0 AND recording IS NOT 'saved'",
            params![id, why],
        ),
    };
    one(changed?, Contradiction::NoRecording(attempt))
}

fn set_length(conn: &Connection, attempt: AttemptId, ms: u64) -> Applied {
    let sql = "UPDATE attempts SET recording_ms = ?2 WHERE attempt = ?1 AND withdrawn = 0";
    let ms = i64::try_from(ms).map_err(|_| Contradiction::OutOfRange)?;
    let changed = execute(conn, sql, params![row_id(attempt)?, ms])?;
    one(changed, Contradiction::NoRecording(attempt))
}

/// What the SQL copy alone wants to know. Of two notes the first counts.
fn note_leg(conn: &Connection, attempt: AttemptId, part: Part, note: &LegNote) -> Applied {
    let id = row_id(attempt)?;
    let changed = match (part, note) {
        (Part::A, LegNote::Dialed { to, .. }) => execute(
            conn,
            "UPDATE attempts SET a_dialed = coalesce(a_dialed, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0",
            params![id, to],
        ),
        (Part::A, LegNote::Named(name)) => execute(
            conn,
            "UPDATE attempts SET a_name = coalesce(a_name, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0",
            params![id, name],
        ),
        (Part::B, LegNote::Dialed { to, at }) => execute(
            conn,
            "UPDATE attempts
             SET b_dialed = coalesce(b_dialed, ?2), b_dialed_at = coalesce(b_dialed_at, ?3)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0",
            params![id, to, micros(*at)?],
        ),
        (Part::B, LegNote::Named(name)) => execute(
            conn,
            "UPDATE attempts SET b_name = coalesce(b_name, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0",
            params![id, name],
        ),
        (Part::B, LegNote::Failed(how)) => execute(
            conn,
            "UPDATE attempts SET b_failed = coalesce(b_failed, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0",
            params![id, how.as_str()],
        ),
        (Part::B, LegNote::Gone(at)) => execute(
            conn,
            "UPDATE attempts SET b_ended_at = coalesce(b_ended_at, ?2)
             WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0",
            params![id, micros(*at)?],
        ),
        // The agent may have been heard of when the call was over: then nobody talked.
        (Part::B2, LegNote::Named(name)) => {
            let sql = "UPDATE attempts SET agent = coalesce(agent, ?2)
                       WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0";
            execute(conn, sql, params![id, name])?;
            return Ok(());
        }
        // Asterisk may tell it twice, and after the end.
        (Part::A, LegNote::Refused(answer)) => {
            let sql = "UPDATE attempts SET sip_answer = coalesce(sip_answer, ?2)
                       WHERE attempt = ?1 AND ended_at IS NULL AND withdrawn = 0";
            execute(conn, sql, params![id, answer])?;
            return Ok(());
        }
        // Of leg A the attempt itself tells the end; of other channels nobody wants to know.
        _ => return Ok(()),
    };
    one(changed?, Contradiction::NotOpen(attempt))
}

fn take_out(conn: &Connection, sent: &[Sent]) -> Applied {
    for row in sent {
        outbox::take_out(conn, row_id(row.attempt)?, row.version)?;
    }
    Ok(())
}

fn audit(conn: &Connection, at: Time, by: &str, command: &str, outcome: &str) -> Applied {
    let sql = "INSERT INTO audit (at, by, command, outcome) VALUES (?1, ?2, ?3, ?4)";
    execute(conn, sql, params![micros(at)?, by, command, outcome])?;
    Ok(())
}

fn execute(conn: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params)
}

/// The run and the lead of the attempt that `sql` changed, if it changed one.
fn lead_of(
    conn: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Option<(u32, u32)>> {
    conn.prepare_cached(sql)?
        .query_row(params, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

fn one(changed: usize, otherwise: Contradiction) -> Applied {
    if changed == 1 {
        return Ok(());
    }
    Err(otherwise.into())
}

fn unless_constrained(
    result: rusqlite::Result<usize>,
    contradiction: Contradiction,
) -> Result<usize, ApplyError> {
    result.map_err(|e| match e.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => contradiction.into(),
        _ => e.into(),
    })
}

fn micros(at: Time) -> Result<i64, Contradiction> {
    i64::try_from(at.0).map_err(|_| Contradiction::OutOfRange)
}

fn row_id(attempt: AttemptId) -> Result<i64, Contradiction> {
    i64::try_from(attempt.0).map_err(|_| Contradiction::OutOfRange)
}
