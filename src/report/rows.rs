//! The rows of a report, a page at a time, around whatever is damaged.

use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};

use super::By;
use super::cell::Cell;
use crate::campaign::{RunId, Time};
use crate::journal::{JournalError, Reader, is_damage};

/// The columns, as the contract has them.
pub(super) const COLUMNS: [&str; 24] = [
    "number",
    "disposition",
    "attempts",
    "cause",
    "sip_code",
    "queued_at",
    "dialed_at",
    "ringing_at",
    "answered_at",
    "bridged_at",
    "ended_at",
    "ring_seconds",
    "talk_seconds",
    "dead_air_ms",
    "ended_by",
    "recording",
    "call_id",
    "run",
    "agent",
    "agent_at",
    "wait_seconds",
    "early_media_at",
    "transferred_to",
    "sip_answer",
];

/// Rows that are read at once.
const PAGE: u32 = 1000;

/// One lead or one attempt, as the journal has it.
#[derive(Debug)]
pub(super) struct ReportRow {
    /// The lead's or the attempt's own id.
    key: i64,
    number: String,
    disposition: Option<String>,
    attempts: i64,
    cause: Option<i64>,
    sip_code: Option<i64>,
    queued_at: Option<Time>,
    dialed_at: Option<Time>,
    ringing_at: Option<Time>,
    answered_at: Option<Time>,
    bridged_at: Option<Time>,
    ended_at: Option<Time>,
    dead_air_ms: Option<i64>,
    ended_by: Option<String>,
    recording: Option<String>,
    call_id: Option<String>,
    run: i64,
    agent: Option<String>,
    agent_at: Option<Time>,
    early_media_at: Option<Time>,
    transferred_to: Option<String>,
    sip_answer: Option<String>,
    /// Until when they talked, as far as that can be shown: of a call that ended between two
    /// processes until the end of its recording.
    talked_until: Option<Time>,
}

impl ReportRow {
    /// The values, in the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> [Cell; COLUMNS.len()] {
        [
            Cell::text(Some(&self.number)),
            Cell::text(self.disposition.as_deref()),
            Cell::integer(Some(self.attempts)),
            // Asterisk's 0 means that it does not know.
            Cell::integer(self.cause.filter(|cause| *cause != 0)),
            Cell::integer(self.sip_code),
            Cell::time(self.queued_at),
            Cell::time(self.dialed_at),
            Cell::time(self.ringing_at),
            Cell::time(self.answered_at),
            Cell::time(self.bridged_at),
            Cell::time(self.ended_at),
            Cell::seconds(self.rang()),
            Cell::seconds(self.talked()),
            Cell::integer(self.dead_air_ms),
            Cell::text(self.ended_by.as_deref()),
            Cell::text(self.recording.as_deref()),
            Cell::text(self.call_id.as_deref()),
            Cell::integer(Some(self.run)),
            Cell::text(self.agent.as_deref()),
            Cell::time(self.agent_at),
            Cell::seconds(self.waited()),
            Cell::time(self.early_media_at),
            Cell::text(self.transferred_to.as_deref()),
            Cell::text(self.sip_answer.as_deref()),
        ]
    }

    /// From the decision to dial until the answer, or until the end without one.
    fn rang(&self) -> Option<Duration> {
        let until = self.answered_at.or(self.ended_at)?;
        Some(until.since(self.dialed_at?))
    }

    /// From both legs in one bridge until the end; where a queue had answered first, from its
    /// agent's answer.
    fn talked(&self) -> Option<Duration> {
        Some(self.talked_until?.since(self.spoke_at()?))
    }

    /// From the answer until somebody spoke behind a queue.
    fn waited(&self) -> Option<Duration> {
        self.agent_at?;
        Some(self.spoke_at()?.since(self.answered_at?))
    }

    /// When the conversation began.
    fn spoke_at(&self) -> Option<Time> {
        let bridged_at = self.bridged_at?;
        Some(self.agent_at.map_or(bridged_at, |at| at.max(bridged_at)))
    }

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            number: row.get(1)?,
            disposition: row.get(2)?,
            attempts: row.get(3)?,
            run: row.get(4)?,
            cause: row.get(5)?,
            sip_code: row.get(6)?,
            queued_at: time(row, 7)?,
            dialed_at: time(row, 8)?,
            ringing_at: time(row, 9)?,
            answered_at: time(row, 10)?,
            bridged_at: time(row, 11)?,
            ended_at: time(row, 12)?,
            dead_air_ms: row.get(13)?,
            ended_by: row.get(14)?,
            recording: row.get(15)?,
            call_id: row.get(16)?,
            agent: row.get(17)?,
            agent_at: time(row, 18)?,
            early_media_at: time(row, 19)?,
            transferred_to: row.get(20)?,
            sip_answer: row.get(21)?,
            talked_until: time(row, 22)?,
        })
    }
}

fn time(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Time>> {
    let micros: Option<i64> = row.get(column)?;
    let unsigned = |m| {
        u64::try_from(m)
            .map(Time)
            .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, m))
    };
    micros.map(unsigned).transpose()
}

/// A lead that waits, again or still, or is being dialed has no disposition.
const BY_LEAD: &str = "
    SELECT l.lead, l.number, CASE l.state WHEN 'done' THEN l.disposition END, l.attempts, l.run,
        a.cause, a.sip_code, a.queued_at, a.dialed_at, a.ringing_at, a.answered_at,
        a.bridged_at, a.ended_at, a.dead_air_ms, a.ended_by, a.recording_path, a.call_id,
        a.agent, a.agent_at, a.early_media_at, a.transferred_to, a.sip_answer,
        CASE WHEN a.note = 'the dialer was restarted' AND a.ended_by = 'callee'
            THEN min(a.ended_at, a.answered_at + 1000 * a.recording_ms)
            ELSE a.ended_at END
    FROM leads l LEFT JOIN attempts a ON a.attempt = l.last_attempt
    WHERE l.run = ?1 AND l.lead >= ?2
    ORDER BY l.lead LIMIT ?3";

/// In the order of dialing. `+` and `CROSS` hold the planner to the order of the ids: through
/// the index by lead, each page would sort all that follows.
const BY_ATTEMPT: &str = "
    SELECT a.attempt, l.number, a.disposition,
        (SELECT count(*) FROM attempts b
         WHERE b.run = a.run AND b.lead = a.lead AND b.withdrawn = 0
             AND b.attempt <= a.attempt), a.run,
        a.cause, a.sip_code, a.queued_at, a.dialed_at, a.ringing_at, a.answered_at,
        a.bridged_at, a.ended_at, a.dead_air_ms, a.ended_by, a.recording_path, a.call_id,
        a.agent, a.agent_at, a.early_media_at, a.transferred_to, a.sip_answer,
        CASE WHEN a.note = 'the dialer was restarted' AND a.ended_by = 'callee'
            THEN min(a.ended_at, a.answered_at + 1000 * a.recording_ms)
            ELSE a.ended_at END
    FROM attempts a CROSS JOIN leads l ON l.run = a.run AND l.lead = a.lead
    WHERE +a.run = ?1 AND a.attempt >= ?2 AND a.withdrawn = 0
    ORDER BY a.attempt LIMIT ?3";

/// Reads page after page by key, so that nothing is locked in between. A page that ends in
/// damage gives what came before it, and reading goes on behind: the next key is tried, then
/// two further on, four, eight, until the index leads to a part that can be read.
pub(super) struct Pages<'a> {
    reader: &'a Reader,
    sql: &'static str,
    run: Option<RunId>,
    /// The smallest key that was not read; `None` after the last.
    next: Option<i64>,
    /// How far to leap over damage.
    leap: i64,
    /// The first thing that could not be read.
    damage: Option<JournalError>,
}

impl<'a> Pages<'a> {
    /// The rows of `run`.
    pub(super) fn new(reader: &'a Reader, run: RunId, by: By) -> Self {
        let sql = match by {
            By::Lead => BY_LEAD,
            By::Attempt => BY_ATTEMPT,
        };
        Self {
            reader,
            sql,
            run: Some(run),
            next: Some(0),
            leap: 1,
            damage: None,
        }
    }

    /// No rows: the journal has no run.
    pub(super) fn empty(reader: &'a Reader) -> Self {
        Self {
            reader,
            sql: BY_LEAD,
            run: None,
            next: None,
            leap: 1,
            damage: None,
        }
    }

    /// The next rows, none of them where a page began with damage; `None` after the last.
    pub(super) fn next_page(&mut self) -> Option<Vec<ReportRow>> {
        let (run, from) = (self.run?, self.next?);
        let mut page = Vec::new();
        let read = read_page(self.reader.connection(), self.sql, (run, from), &mut page);
        if let Some(last) = page.last() {
            self.next = last.key.checked_add(1);
            self.leap = 1;
        }
        match read {
            Ok(()) if page.len() < PAGE as usize => self.next = None,
            Ok(()) => {}
            Err(e) => self.meet(e),
        }
        Some(page)
    }

    /// Leaps over what cannot be read, or ends where nothing can be read now.
    fn meet(&mut self, error: rusqlite::Error) {
        let has_place =
            is_damage(&error) || error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
        self.next = self.next.filter(|_| has_place);
        self.next = self.next.and_then(|next| next.checked_add(self.leap));
        self.leap = self.leap.saturating_mul(2);
        let error = JournalError::sqlite(self.reader.path(), "read", error);
        self.damage.get_or_insert(error);
    }

    /// The first thing that could not be read, if any.
    pub(super) fn into_damage(self) -> Option<JournalError> {
        self.damage
    }
}

fn read_page(
    conn: &Connection,
    sql: &str,
    (run, from): (RunId, i64),
    page: &mut Vec<ReportRow>,
) -> rusqlite::Result<()> {
    let mut query = conn.prepare_cached(sql)?;
    let mut rows = query.query(params![run.0, from, PAGE])?;
    while let Some(row) = rows.next()? {
        page.push(ReportRow::read(row)?);
    }
    Ok(())
}
