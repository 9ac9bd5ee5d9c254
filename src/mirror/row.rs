//! One call as a row of the table that the replaced program kept.
//!
//! A value that was once written never becomes another: a row only gains values while its call
//! goes on. The statement that writes relies on it (`table.rs`).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::status::sql_status;
use crate::campaign::{AsteriskIds, Disposition, Part, TargetFailure, Time};
use crate::journal::{LegLine, OutboxLine};

/// The columns that are written, in the order of a [`MirrorRow`], with their types.
pub(super) const COLUMNS: [(&str, &str); 24] = [
    ("call_id", "VARCHAR(64) NOT NULL"),
    ("recording_path", "TEXT"),
    ("leg_a_status", "VARCHAR(255)"),
    ("leg_a_number", "VARCHAR(255)"),
    ("leg_a_channel", "VARCHAR(255)"),
    ("leg_a_paired_channel", "VARCHAR(255)"),
    ("leg_a_peer", "VARCHAR(255)"),
    ("leg_a_caller", "VARCHAR(255)"),
    ("leg_a_dial_string", "TEXT"),
    ("leg_a_answered_by", "VARCHAR(255)"),
    ("leg_a_start", "DATETIME NULL"),
    ("leg_a_answer", "DATETIME NULL"),
    ("leg_a_end", "DATETIME NULL"),
    ("leg_b_status", "VARCHAR(255)"),
    ("leg_b_number", "VARCHAR(255)"),
    ("leg_b_channel", "VARCHAR(255)"),
    ("leg_b_paired_channel", "VARCHAR(255)"),
    ("leg_b_peer", "VARCHAR(255)"),
    ("leg_b_caller", "VARCHAR(255)"),
    ("leg_b_dial_string", "TEXT"),
    ("leg_b_answered_by", "VARCHAR(255)"),
    ("leg_b_start", "DATETIME NULL"),
    ("leg_b_answer", "DATETIME NULL"),
    ("leg_b_end", "DATETIME NULL"),
];

/// Columns that the replaced program did not have: written where the table has them, under these
/// names and with room for NULL.
pub(super) const FURTHER: [(&str, &str); 5] = [
    ("agent", "VARCHAR(255)"),
    ("agent_at", "DATETIME NULL"),
    ("wait_seconds", "DECIMAL(10,3) NULL"),
    ("talk_seconds", "DECIMAL(10,3) NULL"),
    ("sip_answer", "VARCHAR(255)"),
];

/// The most that a `VARCHAR(255)` holds.
const VARCHAR: usize = 255;

/// The values of [`COLUMNS`] and then of [`FURTHER`]; `None` is NULL.
pub(super) type MirrorRow = [Option<String>; COLUMNS.len() + FURTHER.len()];

/// The columns of one leg, in their order.
type Leg = [Option<String>; 11];

/// The row of a call, as the journal has it now.
pub(super) fn row(line: &OutboxLine, ids: &AsteriskIds) -> MirrorRow {
    let mut values = vec![Some(line.call_id.clone()), line.recording.clone()];
    values.extend(leg_a(line, ids));
    values.extend(leg_b(line, ids));
    values.extend(further(line));
    let mut values = values.into_iter();
    std::array::from_fn(|_| values.next().flatten())
}

/// The agent behind a queue with the times that only he tells, and the carrier's words.
fn further(line: &OutboxLine) -> [Option<String>; FURTHER.len()] {
    let spoke_at = line.bridged_at.map(|bridged_at| {
        let agent_at = line.agent_at.unwrap_or(bridged_at);
        agent_at.max(bridged_at)
    });
    // Without an agent nobody knows for how long the person waited.
    let wait = line.agent_at.and(spoke_at).zip(line.answered_at);
    let talk = line.talked_until.zip(spoke_at);
    [
        line.agent.as_deref().map(clipped),
        line.agent_at.map(datetime),
        wait.map(|(until, from)| seconds(until, from)),
        talk.map(|(until, from)| seconds(until, from)),
        line.sip_answer.as_deref().map(clipped),
    ]
}

fn seconds(until: Time, from: Time) -> String {
    let span = until.since(from);
    format!("{}.{:03}", span.as_secs(), span.subsec_millis())
}

fn leg_a(line: &OutboxLine, ids: &AsteriskIds) -> Leg {
    let OutboxLine { a, .. } = line;
    let id = ids.make(line.run, line.sent.attempt, Part::A);
    [
        status_a(line),
        Some(line.number.clone()),
        a.name.as_ref().map(|_| id),
        // A trunk's channel has no second half.
        None,
        a.name.clone(),
        None,
        a.dialed.clone(),
        line.answered_at.and(a.dialed.as_deref()).map(clipped),
        Some(datetime(line.begun_at)),
        line.answered_at.map(datetime),
        line.end.as_ref().map(|(at, ..)| datetime(*at)),
    ]
}

fn leg_b(line: &OutboxLine, ids: &AsteriskIds) -> Leg {
    let OutboxLine { b, .. } = line;
    // B is made while A rings. Of one that was never dialed there is nothing to tell, as
    // there was nothing in the replaced program, which made it later.
    let dialed = line.b_dialed_at.is_some();
    let of_a_channel = |part| {
        let there = dialed && b.name.is_some();
        there.then(|| ids.make(line.run, line.sent.attempt, part))
    };
    let second = second_half(b).filter(|_| dialed);
    [
        status_b(line),
        // The replaced program never wrote it.
        None,
        of_a_channel(Part::B),
        second.as_ref().and_then(|_| of_a_channel(Part::B2)),
        b.name.clone().filter(|_| dialed),
        second,
        b.dialed.clone(),
        line.bridged_at.and(b.dialed.as_deref()).map(clipped),
        line.b_dialed_at.map(datetime),
        line.bridged_at.map(datetime),
        line.b_ended_at
            .or(line.end.as_ref().map(|(at, ..)| *at))
            .map(datetime),
    ]
}

/// The name of the half of a local channel that runs the target's dialplan.
fn second_half(b: &LegLine) -> Option<String> {
    let stem = b.name.as_ref()?.strip_suffix(";1")?;
    stem.starts_with("Local/").then(|| format!("{stem};2"))
}

/// What `leg_a_status` says; nothing as long as it is open.
fn status_a(line: &OutboxLine) -> Option<String> {
    match &line.end {
        Some((_, disposition, cause)) => Some(sql_status(*disposition, *cause).to_owned()),
        // Whoever was connected stays so.
        None => line.bridged_at.map(|_| "ANSWERED".to_owned()),
    }
}

fn status_b(line: &OutboxLine) -> Option<String> {
    let answered = matches!(line.end, Some((_, Disposition::Answered, _)));
    let word = match line.b_failed {
        _ if answered || line.bridged_at.is_some() => "ANSWERED",
        Some(TargetFailure::Busy) => "BUSY",
        Some(TargetFailure::Unavailable) => "CONGESTION",
        None if line.end.is_some() => "NO ANSWER",
        None => return None,
    };
    Some(word.to_owned())
}

fn clipped(text: &str) -> String {
    text.chars().take(VARCHAR).collect()
}

/// Whole seconds in UTC, as `DATETIME` has them.
fn datetime(at: Time) -> String {
    let seconds = i64::try_from(at.0 / 1_000_000).unwrap_or(i64::MAX);
    let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

#[cfg(test)]
mod tests;
