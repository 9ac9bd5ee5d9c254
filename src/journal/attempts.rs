//! The attempts at one lead, for whoever looks at it.

use rusqlite::{Row, params};

use super::Reader;
use super::error::{JournalError, while_doing};
use super::recover::{attempt, time, unreadable};
use crate::campaign::{
    AttemptEnd, AttemptId, Disposition, EndedBy, HangupCause, LeadId, RecordingState, RunId, Time,
};

/// An attempt, as the journal has it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptLine {
    /// The attempt.
    pub attempt: AttemptId,
    /// When the decision to dial fell.
    pub begun_at: Time,
    /// When A rang.
    pub ringing_at: Option<Time>,
    /// When A sent early media first.
    pub early_media_at: Option<Time>,
    /// When A answered.
    pub answered_at: Option<Time>,
    /// When A and B were in one bridge.
    pub bridged_at: Option<Time>,
    /// When an agent behind a queue answered.
    pub agent_at: Option<Time>,
    /// Which agent that was, as Asterisk calls him: `PJSIP/agent`.
    pub agent: Option<String>,
    /// How it ended, once it has.
    pub end: Option<AttemptEnd>,
    /// What became of its recording, where there was to be one.
    pub recording: Option<RecordingState>,
}

/// More than this, nobody looks at.
const ATTEMPTS: &str = "
    SELECT attempt, dialed_at, ringing_at, answered_at, bridged_at, agent_at, ended_at,
        disposition, cause, sip_code, ended_by, note, dead_air_ms,
        recording, recording_name, recording_format, recording_path, recording_why, early_media_at, agent
    FROM attempts
    WHERE run = ?1 AND lead = ?2 AND withdrawn = 0
    ORDER BY attempt DESC LIMIT 100";

impl Reader {
    /// The latest attempts at a lead, at most 100, the last one first.
    pub fn attempts_of(&self, run: RunId, lead: LeadId) -> Result<Vec<AttemptLine>, JournalError> {
        let read = || {
            let mut query = self.connection().prepare_cached(ATTEMPTS)?;
            let rows = query.query_map(params![run.0, lead.0], attempt_line)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(while_doing(self.path(), "read"))
    }
}

fn attempt_line(row: &Row<'_>) -> rusqlite::Result<AttemptLine> {
    Ok(AttemptLine {
        attempt: attempt(row, 0)?,
        begun_at: time(row, 1)?.unwrap_or_default(),
        ringing_at: time(row, 2)?,
        answered_at: time(row, 3)?,
        bridged_at: time(row, 4)?,
        agent_at: time(row, 5)?,
        early_media_at: time(row, 18)?,
        agent: row.get(19)?,
        end: time(row, 6)?.map(|at| end(row, at)).transpose()?,
        recording: recording(row)?,
    })
}

fn end(row: &Row<'_>, at: Time) -> rusqlite::Result<AttemptEnd> {
    let disposition = Disposition::from_word(row.get_ref(7)?.as_str()?);
    let by = EndedBy::from_word(row.get_ref(10)?.as_str()?);
    Ok(AttemptEnd {
        at,
        disposition: disposition.ok_or_else(|| unreadable(7, "an unknown disposition"))?,
        cause: HangupCause {
            q850: row.get::<_, Option<u16>>(8)?.unwrap_or(0),
            sip: row.get(9)?,
        },
        by: by.ok_or_else(|| unreadable(10, "nobody known"))?,
        note: row.get(11)?,
        dead_air_ms: row.get(12)?,
    })
}

fn recording(row: &Row<'_>) -> rusqlite::Result<Option<RecordingState>> {
    let word: Option<String> = row.get(13)?;
    Ok(match word.as_deref() {
        None => None,
        Some("started") => Some(RecordingState::Started {
            name: row.get(14)?,
            format: row.get(15)?,
        }),
        Some("saved") => Some(RecordingState::Saved { path: row.get(16)? }),
        Some("failed") => Some(RecordingState::Failed { why: row.get(17)? }),
        Some(_) => return Err(unreadable(13, "an unknown state")),
    })
}
