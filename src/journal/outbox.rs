//! The way out to the SQL copy: which attempts it has to be told of, and what.
//!
//! An attempt is marked in the same transaction as the record that changes it, and the mark is
//! taken out when the copy has confirmed the row, unless the attempt has changed since. So
//! whatever dies between the two, the row is written again, and never lost.

use rusqlite::{Connection, Row, params};

use super::Reader;
use super::error::{JournalError, while_doing};
use super::recover::{attempt, time, unreadable, unsigned};
use crate::campaign::{
    AttemptId, Disposition, HangupCause, LegNote, Part, Record, RecordingState, RunId, Sent, Step,
    TargetFailure, Time,
};

/// An attempt that the SQL copy has to be told of, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxLine {
    /// What is told to be sent when the copy has it.
    pub sent: Sent,
    /// Its run.
    pub run: RunId,
    /// The call's id in reports, file names and the copy.
    pub call_id: String,
    /// The number dialed.
    pub number: String,
    /// When the decision to dial fell.
    pub begun_at: Time,
    /// When A answered.
    pub answered_at: Option<Time>,
    /// When A and B were in one bridge.
    pub bridged_at: Option<Time>,
    /// Who answered behind a queue.
    pub agent: Option<String>,
    /// When they did.
    pub agent_at: Option<Time>,
    /// With which SIP status and words the carrier refused it.
    pub sip_answer: Option<String>,
    /// Until when they talked, as far as that can be shown.
    pub talked_until: Option<Time>,
    /// How and when it ended, once it has.
    pub end: Option<(Time, Disposition, HangupCause)>,
    /// Leg A.
    pub a: LegLine,
    /// Leg B.
    pub b: LegLine,
    /// When B was dialed.
    pub b_dialed_at: Option<Time>,
    /// What B came to, where Asterisk said it while A was still there.
    pub b_failed: Option<TargetFailure>,
    /// When B went, where it went before A.
    pub b_ended_at: Option<Time>,
    /// The recording's absolute path, once it has been fetched.
    pub recording: Option<String>,
}

/// What is known of the channel of a leg.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LegLine {
    /// What was dialed: `777@default`.
    pub dialed: Option<String>,
    /// The channel's name in Asterisk; `None` where there never was one.
    pub name: Option<String>,
}

/// How much waits for the SQL copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// How many rows.
    pub rows: u64,
    /// Since when the oldest waits.
    pub since: Option<Time>,
}

const LINES: &str = "
    SELECT o.attempt, o.version, a.run, a.call_id, l.number, a.dialed_at, a.answered_at,
        a.bridged_at, a.ended_at, a.disposition, a.cause, a.sip_code, a.a_dialed, a.a_name,
        a.b_dialed, a.b_name, a.b_dialed_at, a.b_failed, a.b_ended_at, a.recording_path,
        a.agent, a.agent_at, a.sip_answer,
        CASE WHEN a.note = 'the dialer was restarted' AND a.ended_by = 'callee'
            THEN min(a.ended_at, a.answered_at + 1000 * a.recording_ms)
            ELSE a.ended_at END
    FROM outbox o
    JOIN attempts a ON a.attempt = o.attempt
    JOIN leads l ON l.run = a.run AND l.lead = a.lead
    WHERE o.attempt > ?1
    ORDER BY o.attempt LIMIT ?2";

impl Reader {
    /// The first `limit` attempts after `after` that the SQL copy has to be told of, in the
    /// order of their ids.
    pub fn outbox(&self, after: AttemptId, limit: u32) -> Result<Vec<OutboxLine>, JournalError> {
        let read = || {
            let mut query = self.connection().prepare_cached(LINES)?;
            // No journal has ids beyond.
            let after = i64::try_from(after.0).unwrap_or(i64::MAX);
            let rows = query.query_map(params![after, limit], line)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(while_doing(self.path(), "read"))
    }

    /// How much waits for the SQL copy.
    pub fn backlog(&self) -> Result<Backlog, JournalError> {
        let sql = "SELECT count(*), min(since) FROM outbox";
        let read = || {
            let mut query = self.connection().prepare_cached(sql)?;
            query.query_row([], |row| {
                Ok(Backlog {
                    rows: unsigned(row.get(0)?, 0)?,
                    since: time(row, 1)?,
                })
            })
        };
        read().map_err(while_doing(self.path(), "read"))
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<OutboxLine> {
    Ok(OutboxLine {
        sent: Sent {
            attempt: attempt(row, 0)?,
            version: row.get(1)?,
        },
        run: RunId(row.get(2)?),
        call_id: row.get(3)?,
        number: row.get(4)?,
        begun_at: time(row, 5)?.unwrap_or_default(),
        answered_at: time(row, 6)?,
        bridged_at: time(row, 7)?,
        end: time(row, 8)?.map(|at| end(row, at)).transpose()?,
        a: LegLine {
            dialed: row.get(12)?,
            name: row.get(13)?,
        },
        b: LegLine {
            dialed: row.get(14)?,
            name: row.get(15)?,
        },
        b_dialed_at: time(row, 16)?,
        b_failed: failure(row)?,
        b_ended_at: time(row, 18)?,
        recording: row.get(19)?,
        agent: row.get(20)?,
        agent_at: time(row, 21)?,
        sip_answer: row.get(22)?,
        talked_until: time(row, 23)?,
    })
}

fn end(row: &Row<'_>, at: Time) -> rusqlite::Result<(Time, Disposition, HangupCause)> {
    let disposition = Disposition::from_word(row.get_ref(9)?.as_str()?)
        .ok_or_else(|| unreadable(9, "an unknown disposition"))?;
    let cause = HangupCause {
        q850: row.get::<_, Option<u16>>(10)?.unwrap_or(0),
        sip: row.get(11)?,
    };
    Ok((at, disposition, cause))
}

fn failure(row: &Row<'_>) -> rusqlite::Result<Option<TargetFailure>> {
    let word: Option<String> = row.get(17)?;
    word.map(|word| {
        TargetFailure::from_word(&word).ok_or_else(|| unreadable(17, "an unknown failure"))
    })
    .transpose()
}

/// The attempt whose row in the SQL copy `record` changes. That something is dialed is told
/// when Asterisk has made its channel: until then the attempt may be withdrawn, and a row that
/// is written is never taken back.
pub(super) fn changes(record: &Record) -> Option<AttemptId> {
    match record {
        Record::Leg {
            part: Part::A,
            note: LegNote::Dialed { .. },
            ..
        } => None,
        Record::Leg { attempt, .. }
        | Record::AttemptEnded { attempt, .. }
        | Record::AttemptProgress {
            attempt,
            step: Step::Answered | Step::Bridged | Step::Agent,
            ..
        }
        | Record::Recording {
            attempt,
            state: RecordingState::Saved { .. },
        } => Some(*attempt),
        _ => None,
    }
}

/// Marks an attempt as changed.
pub(super) fn mark(conn: &Connection, attempt: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO outbox (attempt, since)
               VALUES (?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER))
               ON CONFLICT (attempt) DO UPDATE SET version = version + 1";
    conn.prepare_cached(sql)?.execute(params![attempt])?;
    Ok(())
}

/// Takes out what the copy has, if that is still all there is to tell.
pub(super) fn take_out(conn: &Connection, attempt: i64, version: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM outbox WHERE attempt = ?1 AND version = ?2";
    conn.prepare_cached(sql)?
        .execute(params![attempt, version])?;
    Ok(())
}

/// An attempt that was never dialed is nothing to tell of.
pub(super) fn forget(conn: &Connection, attempt: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM outbox WHERE attempt = ?1";
    conn.prepare_cached(sql)?.execute(params![attempt])?;
    Ok(())
}
