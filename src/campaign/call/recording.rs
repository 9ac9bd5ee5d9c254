//! The recording of one call: that it begins is written down before it is asked for, and it is
//! fetched when Asterisk says that it has ended, or when nothing is left that could go on.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Attempt;
use super::channel::Presence;
use super::facts::{Facts, RecordingPhase, Resumption};
use super::phase::Phase;
use super::steps::INSIST_EVERY;
use crate::campaign::ids::{AttemptId, Part};
use crate::campaign::io::{Effect, Notice, Op, OpError};
use crate::campaign::out::{Out, Turn};
use crate::campaign::record::{Record, RecordingState};
use crate::campaign::timers::Timer;

/// A snoop channel that a census sees on its way into our application is in it by then.
const SNOOP_ENTERS_WITHIN: Duration = Duration::from_millis(100);

/// Writes down, once, that the recording of an attempt begins.
pub(crate) fn note_begun(attempt: &Attempt, facts: &mut Facts, turn: &mut Turn<'_>) {
    // What a dead process began goes on in its format, whatever the settings say now.
    if std::mem::replace(&mut facts.recording_noted, true) {
        return;
    }
    let state = RecordingState::Started {
        name: turn.ids.make(attempt.run, attempt.id, Part::Snoop),
        format: attempt.settings.recordings.format.clone(),
    };
    turn.out.journal(Record::Recording {
        attempt: attempt.id,
        state,
    });
}

/// Asterisk answered a request that a recording needs, or another one. `phase` is that of a
/// living call.
pub(crate) fn answered(
    attempt: &Attempt,
    facts: &mut Facts,
    phase: Option<Phase>,
    (op, result): (Op, Result<(), OpError>),
    turn: &mut Turn<'_>,
) {
    if matches!(result, Ok(()) | Err(OpError::Unknown)) {
        return;
    }
    let later = matches!(result, Err(OpError::NotSent | OpError::TooEarly));
    let is_asked = (op, facts.recording) == (Op::Record, RecordingPhase::Asked);
    if is_asked && (later || attempt.inherited) {
        // It can be asked for again, or may run since before: then the spool will tell.
        if later && phase.is_some() {
            facts.recording = RecordingPhase::Later;
            let pause = if facts.snoop_is_new(turn.now) {
                SNOOP_ENTERS_WITHIN
            } else {
                INSIST_EVERY
            };
            turn.set(pause, attempt.id, Timer::Insist);
        } else {
            facts.recording = RecordingPhase::Running;
        }
        return;
    }
    if facts.resumption.is_wanted() {
        // There is no more of it; what there is lies in the spool.
        if is_asked {
            facts.recording = RecordingPhase::Running;
        }
        return;
    }
    // Of a call that has ended nothing is left to snoop on, and one that was not answered
    // needs no recording yet.
    let answered = phase.is_some_and(|phase| !phase.is_dialing());
    let why = match (op, facts.recording) {
        (Op::Snoop, RecordingPhase::Not) if answered => "Asterisk refused the snoop channel",
        (Op::Record, RecordingPhase::Asked) => "Asterisk refused to record",
        _ => return,
    };
    facts.recording = RecordingPhase::Failed;
    failed(attempt.id, why, turn.out);
}

/// It came to its end in Asterisk. Whether it goes on, on another channel.
pub(crate) fn ended(
    attempt: &Attempt,
    facts: &mut Facts,
    phase: Option<Phase>,
    ok: bool,
    out: &mut Out,
) -> bool {
    if !facts.recording.is_awaited() {
        return false;
    }
    if !ok {
        facts.recording = RecordingPhase::Failed;
        failed(attempt.id, "Asterisk could not record", out);
        return false;
    }
    if phase.is_some_and(|phase| goes_on(facts, phase)) {
        facts.recording = RecordingPhase::Not;
        return true;
    }
    facts.recording = RecordingPhase::Ended;
    out.push(Effect::FetchRecording {
        attempt: attempt.id,
        number: attempt.number.clone(),
        begun_at: attempt.begun_at,
        settings: Arc::clone(&attempt.settings),
    });
    false
}

/// It has ended with the channel that it listened to, and another one has taken that one's
/// place.
fn goes_on(facts: &mut Facts, phase: Phase) -> bool {
    if facts.resumption == Resumption::Awaited {
        facts.resumption = Resumption::Due;
    }
    // Once for each transfer.
    let may = facts.snoop.presence != Presence::Gone;
    facts.resumption.is_wanted() && phase.is_talking() && may
}

/// The call ends, and nothing was heard of a recording that there should be.
pub(crate) fn settle(attempt: &Attempt, facts: &mut Facts, was_bridged: bool, turn: &mut Turn<'_>) {
    let waits = matches!(facts.recording, RecordingPhase::Not | RecordingPhase::Later);
    if facts.resumption.is_wanted() && waits {
        // What there is of it from before the transfer lies in the spool.
        facts.recording = RecordingPhase::Running;
    }
    let is_missing = match facts.recording {
        // That it begins may be written down already.
        RecordingPhase::Later => true,
        RecordingPhase::Not => was_bridged,
        _ => false,
    };
    if !is_missing {
        return;
    }
    let may_run =
        facts.recording == RecordingPhase::Later || facts.snoop.presence != Presence::Never;
    if attempt.inherited && may_run {
        // The dead process may have begun it: a look into the spool will tell.
        facts.recording = RecordingPhase::Running;
        note_begun(attempt, facts, turn);
    } else {
        facts.recording = RecordingPhase::Failed;
        let why = "the call ended before its recording began";
        failed(attempt.id, why, turn.out);
    }
}

fn failed(attempt: AttemptId, why: &str, out: &mut Out) {
    out.journal(Record::Recording {
        attempt,
        state: RecordingState::Failed {
            why: why.to_owned(),
        },
    });
    out.tell(Notice::RecordingFailed {
        attempt,
        why: why.to_owned(),
    });
}
