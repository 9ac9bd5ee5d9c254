//! How a call ends, and what is done with what is left of it.

use std::time::Duration;

use super::call::{Call, Phase, Verdict};
use super::channel::Presence;
use super::disposition::TrunkFault;
use super::facts::{Facts, Recording, Resumption};
use super::io::{Census, Effect, Notice, Op, OpError};
use super::timers::Timer;
use super::{
    AttemptEnd, AttemptId, Campaign, Disposition, LeadId, Number, Part, Record, RecordingState,
    Time,
};

/// How long what was asked to go may take before it is asked again.
pub(super) const INSIST_EVERY: Duration = Duration::from_secs(2);

/// A snoop channel that a census sees on its way into our application is in it by then.
const SNOOP_ENTERS_WITHIN: Duration = Duration::from_millis(100);

/// What is left of a call whose A is gone: it holds no slot, only things to take down.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) number: Number,
    pub(super) begun_at: Time,
    pub(super) facts: Facts,
    /// A dead process has dialed it.
    inherited: bool,
}

impl Campaign {
    /// Decides how a call ends, unless that is decided, and takes it down.
    pub(super) fn end(&mut self, now: Time, attempt: AttemptId, verdict: Verdict) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        if !call.is_hanging_up() {
            call.hang_up(now, verdict);
            self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
            self.advance(now, attempt);
        }
    }

    /// A is gone: the slot is free, the attempt is over, what is left is taken down.
    pub(super) fn finish(&mut self, now: Time, attempt: AttemptId) {
        if let Some(call) = self.live.get_mut(&attempt) {
            call.correct();
        }
        let Some(verdict) = self.live.get(&attempt).and_then(Call::over) else {
            return;
        };
        let verdict = miscounted(verdict);
        self.settle_recording(attempt);
        let Some(call) = self.live.remove(&attempt) else {
            return;
        };
        let fault = call.trunk_fault(verdict);
        let verdict = fault.map_or(verdict, |fault| verdict.blamed_on(fault));
        self.leads
            .finish(call.lead, verdict.disposition, verdict.cause);
        let again = verdict.disposition == Disposition::Interrupted
            && (self.policy.retry_interrupted || super::sabotaged!(CallsAgain));
        if again && !self.leads.is_unlisted(call.lead) {
            self.leads.put_back(call.lead);
        }
        let ending = call.ending(verdict);
        let ended_at = call.ended_at(now);
        let summary = call.summary(ended_at, verdict);
        if !call.inherited {
            self.stats.count(&summary);
        }
        self.effects
            .push_back(Effect::Journal(Record::AttemptEnded {
                attempt,
                end: verdict.as_end(ended_at, summary.dead_air_ms),
            }));
        self.effects
            .push_back(Effect::Tell(Notice::Ended(Box::new(summary))));
        if let Some(fault) = fault {
            self.blame_trunk(now, call.lead, fault);
        }
        self.look_for_streak(now, &ending, verdict);
        self.keep_remains(now, call);
    }

    /// The carrier refused what it would refuse of anybody: the lead loses nothing by it.
    fn blame_trunk(&mut self, now: Time, lead: LeadId, fault: TrunkFault) {
        self.pause_by_rule(now, fault.reason);
        if !self.leads.is_unlisted(lead) && !self.awaits_a_run() {
            self.wait_again(now, lead);
        }
    }

    /// The call ends, and nothing was heard of a recording that there should be.
    fn settle_recording(&mut self, attempt: AttemptId) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let waits = matches!(call.facts.recording, Recording::Not | Recording::Later);
        if call.facts.resumption.is_wanted() && waits {
            // What there is of it from before the transfer lies in the spool.
            call.facts.recording = Recording::Running;
        }
        let is_missing = match call.facts.recording {
            // That it begins may be written down already.
            Recording::Later => true,
            Recording::Not => call.bridged().is_some(),
            _ => false,
        };
        if !is_missing {
            return;
        }
        let may_run = call.facts.recording == Recording::Later
            || call.facts.snoop.presence != Presence::Never;
        if call.inherited && may_run {
            // The dead process may have begun it: a look into the spool will tell.
            call.facts.recording = Recording::Running;
            self.journal_recording(attempt);
        } else {
            call.facts.recording = Recording::Failed;
            self.recording_failed(attempt, "the call ended before its recording began");
        }
    }

    /// Takes back an attempt of which nothing has left; its lead is the next in line.
    pub(super) fn withdraw(&mut self, now: Time, attempt: AttemptId) {
        self.tell_step(attempt, super::CallStep::Withdrawn);
        let Some(call) = self.live.remove(&attempt) else {
            return;
        };
        self.leads.take_back(call.lead, call.before);
        self.effects
            .push_back(Effect::Journal(Record::AttemptWithdrawn { attempt }));
        self.skip_if_unlisted(now, call.lead);
        self.keep_remains(now, call);
    }

    fn keep_remains(&mut self, now: Time, call: Call) {
        let attempt = call.attempt;
        self.remains.insert(
            attempt,
            Remains {
                number: call.number,
                begun_at: call.begun_at,
                facts: call.facts,
                inherited: call.inherited,
            },
        );
        self.timers.forget(attempt);
        self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
        self.clear_remains(attempt);
    }

    /// Asks for what is left to go, and forgets the call when nothing is.
    pub(super) fn clear_remains(&mut self, attempt: AttemptId) {
        let Some(remains) = self.remains.get_mut(&attempt) else {
            return;
        };
        let mut ops = Vec::new();
        remains.facts.take_down(&mut ops);
        let recording = matches!(
            remains.facts.recording,
            Recording::Asked | Recording::Running
        );
        let over = remains.facts.all_gone() && !recording;
        for op in ops {
            self.ask(attempt, op);
        }
        if over {
            self.remains.remove(&attempt);
            self.timers.forget(attempt);
        }
    }

    /// The facts of a call, living or ended.
    pub(super) fn facts(&mut self, attempt: AttemptId) -> Option<&mut Facts> {
        if let Some(call) = self.live.get_mut(&attempt) {
            return Some(&mut call.facts);
        }
        self.remains.get_mut(&attempt).map(|r| &mut r.facts)
    }

    /// Whether a dead process has dialed it.
    fn is_inherited(&self, attempt: AttemptId) -> bool {
        let live = self.live.get(&attempt).map(|call| call.inherited);
        let ended = || self.remains.get(&attempt).map(|remains| remains.inherited);
        live.or_else(ended).unwrap_or_default()
    }

    /// The number of a call, living or ended, and when it began.
    pub(super) fn about(&self, attempt: AttemptId) -> Option<(Number, Time)> {
        if let Some(call) = self.live.get(&attempt) {
            return Some((call.number.clone(), call.begun_at));
        }
        let remains = self.remains.get(&attempt)?;
        Some((remains.number.clone(), remains.begun_at))
    }

    /// Asterisk refused what a recording needs.
    pub(super) fn recording_answered(
        &mut self,
        now: Time,
        attempt: AttemptId,
        op: Op,
        result: Result<(), OpError>,
    ) {
        if matches!(result, Ok(()) | Err(OpError::Unknown)) {
            return;
        }
        // Of a call that has ended nothing is left to snoop on, and one that was not answered
        // needs no recording yet.
        let answered = self
            .live
            .get(&attempt)
            .is_some_and(|c| !matches!(c.phase, Phase::Dialing { .. }));
        let lives = self.live.contains_key(&attempt);
        let inherited = self.is_inherited(attempt);
        let Some(facts) = self.facts(attempt) else {
            return;
        };
        let later = matches!(result, Err(OpError::NotSent | OpError::TooEarly));
        if (op, facts.recording) == (Op::Record, Recording::Asked) && (later || inherited) {
            // It can be asked for again, or may run since before: then the spool will tell.
            if later && lives {
                facts.recording = Recording::Later;
                let pause = if facts.snoop_is_new(now) {
                    SNOOP_ENTERS_WITHIN
                } else {
                    INSIST_EVERY
                };
                self.timers.set(now + pause, attempt, Timer::Insist);
            } else {
                facts.recording = Recording::Running;
            }
            return;
        }
        if facts.resumption.is_wanted() {
            // There is no more of it; what there is lies in the spool.
            if (op, facts.recording) == (Op::Record, Recording::Asked) {
                facts.recording = Recording::Running;
            }
            return;
        }
        let why = match (op, facts.recording) {
            (Op::Snoop, Recording::Not) if answered => "Asterisk refused the snoop channel",
            (Op::Record, Recording::Asked) => "Asterisk refused to record",
            _ => return,
        };
        facts.recording = Recording::Failed;
        self.recording_failed(attempt, why);
    }

    fn recording_failed(&mut self, attempt: AttemptId, why: &str) {
        self.stats.recordings_failed += 1;
        self.effects.push_back(Effect::Journal(Record::Recording {
            attempt,
            state: RecordingState::Failed {
                why: why.to_owned(),
            },
        }));
        self.effects
            .push_back(Effect::Tell(Notice::RecordingFailed {
                attempt,
                why: why.to_owned(),
            }));
    }

    /// A recording came to its end in Asterisk.
    pub(super) fn recording_ended(&mut self, now: Time, attempt: AttemptId, ok: bool) {
        if ok && self.orphans.contains_key(&attempt) {
            self.recording_of_orphan(now, attempt);
            return;
        }
        let about = self.about(attempt);
        let Some(((number, begun_at), facts)) = about.zip(self.facts(attempt)) else {
            return;
        };
        if !matches!(
            facts.recording,
            Recording::Asked | Recording::Later | Recording::Running
        ) {
            return;
        }
        if ok && self.goes_on_recording(now, attempt) {
            return;
        }
        let Some(facts) = self.facts(attempt) else {
            return;
        };
        if ok {
            facts.recording = Recording::Ended;
            self.effects.push_back(Effect::FetchRecording {
                attempt,
                number,
                begun_at,
            });
        } else {
            facts.recording = Recording::Failed;
            self.recording_failed(attempt, "Asterisk could not record");
        }
        self.clear_remains(attempt);
    }

    /// A recording has ended with the channel that it listened to, and another one has taken that
    /// one's place: it is gone on with.
    fn goes_on_recording(&mut self, now: Time, attempt: AttemptId) -> bool {
        let Some(call) = self.live.get_mut(&attempt) else {
            return false;
        };
        if call.facts.resumption == Resumption::Awaited {
            call.facts.resumption = Resumption::Due;
        }
        let goes_on = call.facts.resumption.is_wanted() && matches!(call.phase, Phase::Talking(..));
        // Once for each transfer.
        let goes_on = goes_on && call.facts.snoop.presence != Presence::Gone;
        if goes_on {
            call.facts.recording = Recording::Not;
            self.advance(now, attempt);
        }
        goes_on
    }

    /// Nobody heard that the recordings of these channels ended, with the channels.
    pub(super) fn miss_ends_of_recordings(&mut self, now: Time, census: &Census) {
        if super::sabotaged!(ForgetsRecordings) {
            return;
        }
        for attempt in census.recorder_gone.iter().copied() {
            let is_awaited = self.facts(attempt).is_some_and(|facts| {
                facts.resumption == Resumption::Awaited
                    && facts.is_that_of_census(Part::A, census.asked_at)
            });
            if is_awaited {
                self.recording_ended(now, attempt, true);
            }
        }
    }

    /// The channels of an ended call are gone, and nothing was heard of its recording:
    /// what there is of it can be fetched.
    pub(super) fn give_up_waiting_for_recording(&mut self, now: Time, attempt: AttemptId) {
        let unheard = self
            .remains
            .get(&attempt)
            .is_some_and(|r| r.facts.all_gone() && r.facts.recording == Recording::Running);
        if unheard {
            self.recording_ended(now, attempt, true);
        }
    }
}

/// The verdict as it is, but in a test that wants to see whether anybody notices.
fn miscounted(verdict: Verdict) -> Verdict {
    if super::sabotaged!(MiscountsAbandoned) && verdict.disposition == Disposition::Abandoned {
        return Verdict::new(Disposition::NoAnswer, verdict.by);
    }
    verdict
}

impl Verdict {
    pub(super) fn as_end(self, at: Time, dead_air_ms: Option<u32>) -> AttemptEnd {
        AttemptEnd {
            at,
            disposition: self.disposition,
            cause: self.cause,
            by: self.by,
            note: self.note.map(str::to_owned),
            dead_air_ms,
        }
    }
}
