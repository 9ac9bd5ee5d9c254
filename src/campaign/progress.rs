//! What Asterisk's answers and events do to a call, how it ends, and what is done with
//! what is left of it.

use std::time::Duration;

use super::call::{Answer, Bridged, Call, Facts, Phase, Presence, Recording, Verdict};
use super::io::{CallStep, DialStatus, Effect, LegEvent, Notice, Op, OpError};
use super::timers::Timer;
use super::{
    AttemptEnd, AttemptId, Campaign, Disposition, EndedBy, HangupCause, Number, Part, Record,
    RecordingState, RunState, Step, Time,
};

/// How long what was asked to go may take before it is asked again.
const INSIST_EVERY: Duration = Duration::from_secs(2);
/// How long after a refused join it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What is left of a call whose A is gone: it holds no slot, only things to take down.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) number: Number,
    pub(super) begun_at: Time,
    pub(super) facts: Facts,
}

const FAILED_TARGET: &str = "the target failed or is missing";
const SILENT_TARGET: &str = "the target did not answer";

impl Campaign {
    /// A channel of a call did something.
    pub(super) fn leg_event(
        &mut self,
        now: Time,
        attempt: AttemptId,
        part: Part,
        event: LegEvent,
        stamp_ms: Option<i64>,
    ) {
        if let Some(remains) = self.remains.get_mut(&attempt) {
            note_fact(&mut remains.facts, part, event);
            self.clear_remains(attempt);
            return;
        }
        let Some(call) = self.live.get_mut(&attempt) else {
            self.stray(attempt, part, event);
            return;
        };
        note_fact(&mut call.facts, part, event);
        match part {
            Part::A => self.a_event(now, attempt, event, stamp_ms),
            Part::B => self.b_event(now, attempt, event),
            Part::B2 => self.agent_event(now, attempt, event),
            Part::Snoop | Part::Bridge => {}
        }
        self.advance(now, attempt, stamp_ms);
    }

    /// A channel that no call knows: an originate that was given up for unanswered and was
    /// carried out after all, for one.
    fn stray(&mut self, attempt: AttemptId, part: Part, event: LegEvent) {
        let lives = !matches!(event, LegEvent::Gone(_) | LegEvent::Leaving(_));
        if lives && !self.orphans.contains_key(&attempt) {
            self.effects
                .push_back(Effect::TakeDownStray { attempt, part });
        }
    }

    fn a_event(&mut self, now: Time, attempt: AttemptId, event: LegEvent, stamp_ms: Option<i64>) {
        match event {
            LegEvent::Ringing => self.a_rings(now, attempt),
            LegEvent::Up | LegEvent::Entered => self.a_answers(now, attempt, stamp_ms),
            LegEvent::Leaving(cause) => self.a_leaves(now, attempt, cause),
            LegEvent::Gone(cause) => self.a_gone(now, attempt, cause),
            LegEvent::Joined | LegEvent::Dial(_) => {}
        }
    }

    fn a_rings(&mut self, now: Time, attempt: AttemptId) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let Phase::Dialing {
            ringing_at: ringing_at @ None,
            staging,
        } = &mut call.phase
        else {
            return;
        };
        *ringing_at = Some(now);
        *staging = self.policy.stage_target;
        self.progress(now, attempt, Step::Ringing, CallStep::Ringing);
    }

    fn a_answers(&mut self, now: Time, attempt: AttemptId, stamp_ms: Option<i64>) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        if !matches!(call.phase, Phase::Dialing { .. }) {
            return;
        }
        if !self.policy.stage_target {
            call.facts.fall_back_to_plain();
        }
        call.phase = Phase::Connecting(Answer { at: now, stamp_ms });
        let limit = now + self.policy.target_timeout;
        self.timers.set(limit, attempt, Timer::Target);
        self.progress(now, attempt, Step::Answered, CallStep::Answered);
    }

    /// A is on its way out. Of a call that was not answered only the channel's end tells
    /// why, so that is waited for.
    fn a_leaves(&mut self, now: Time, attempt: AttemptId, cause: Option<HangupCause>) {
        let Some(call) = self.live.get(&attempt) else {
            return;
        };
        if matches!(call.phase, Phase::Connecting(_) | Phase::Talking(..)) {
            let verdict = call.verdict_when_a_leaves(cause.unwrap_or_default(), false);
            self.end(now, attempt, verdict);
        }
    }

    fn b_event(&mut self, now: Time, attempt: AttemptId, event: LegEvent) {
        let (by, note, cause) = match event {
            LegEvent::Dial(DialStatus::Busy) => (EndedBy::Target, "the target is busy", 17),
            LegEvent::Dial(DialStatus::NoAnswer) => (EndedBy::Timer, SILENT_TARGET, 19),
            LegEvent::Dial(DialStatus::Unavailable) => (EndedBy::Target, FAILED_TARGET, 0),
            LegEvent::Gone(cause) | LegEvent::Leaving(Some(cause)) => {
                return self.b_leaves(now, attempt, cause);
            }
            _ => return,
        };
        self.target_failed(
            now,
            attempt,
            by,
            note,
            HangupCause {
                q850: cause,
                sip: None,
            },
        );
    }

    fn b_leaves(&mut self, now: Time, attempt: AttemptId, cause: HangupCause) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        if matches!(call.phase, Phase::Talking(..)) {
            let verdict = Verdict {
                disposition: Disposition::Answered,
                by: EndedBy::Target,
                cause,
                note: None,
            };
            self.end(now, attempt, verdict);
        } else if call.facts.target_was_dialed() {
            let (by, note) = match cause.q850 {
                17 => (EndedBy::Target, "the target is busy"),
                // Asterisk ends a dial that ran into its timeout with cause 19.
                19 => (EndedBy::Timer, SILENT_TARGET),
                _ => (EndedBy::Target, FAILED_TARGET),
            };
            self.target_failed(now, attempt, by, note, cause);
        } else {
            // A staged B that went by itself.
            call.facts.fall_back_to_plain();
        }
    }

    fn target_failed(
        &mut self,
        now: Time,
        attempt: AttemptId,
        by: EndedBy,
        note: &'static str,
        cause: HangupCause,
    ) {
        let connecting = self
            .live
            .get(&attempt)
            .is_some_and(|c| matches!(c.phase, Phase::Connecting(_)));
        if connecting {
            let verdict = Verdict {
                disposition: Disposition::Abandoned,
                by,
                cause,
                note: Some(note),
            };
            self.end(now, attempt, verdict);
        }
    }

    fn agent_event(&mut self, now: Time, attempt: AttemptId, event: LegEvent) {
        if event != LegEvent::Dial(DialStatus::Answer) {
            return;
        }
        if let Some(call) = self.live.get_mut(&attempt)
            && call.agent_at.is_none()
        {
            call.agent_at = Some(now);
            self.progress(now, attempt, Step::Agent, CallStep::Agent);
        }
    }

    /// Asterisk answered a request, or did not.
    pub(super) fn answered(
        &mut self,
        now: Time,
        attempt: AttemptId,
        op: Op,
        result: Result<(), OpError>,
    ) {
        if let Some(remains) = self.remains.get_mut(&attempt) {
            note_answer(&mut remains.facts, op, result);
            self.recording_answer(attempt, op, result);
            self.clear_remains(attempt);
            return;
        }
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        note_answer(&mut call.facts, op, result);
        self.recording_answer(attempt, op, result);
        match result {
            Ok(()) => self.advance(now, attempt, None),
            // What is worth another try has a timer, so as not to be tried in a tight loop.
            Err(error) => self.refused(now, attempt, op, error),
        }
    }

    fn refused(&mut self, now: Time, attempt: AttemptId, op: Op, error: OpError) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        match op {
            Op::OriginateA => self.originate_refused(now, attempt, error),
            Op::CreateB if error == OpError::Unknown => {}
            Op::CreateB => {
                call.facts.fall_back_to_plain();
                self.advance(now, attempt, None);
            }
            Op::CreateBridge | Op::Join(_) => {
                call.facts.note_trouble();
                if matches!(op, Op::Join(Part::B)) {
                    call.facts.fall_back_to_plain();
                }
                if call.facts.is_hopeless() {
                    let note = "Asterisk refused to bridge the call";
                    self.target_failed(
                        now,
                        attempt,
                        EndedBy::Carrier,
                        note,
                        HangupCause::default(),
                    );
                } else {
                    self.timers
                        .set(now + TRY_AGAIN_AFTER, attempt, Timer::Insist);
                }
            }
            Op::OriginateB | Op::DialB if error != OpError::Unknown => self.target_failed(
                now,
                attempt,
                EndedBy::Target,
                FAILED_TARGET,
                HangupCause::default(),
            ),
            Op::HangUp(Part::A) if error == OpError::NotFound => {
                self.a_gone(now, attempt, HangupCause::default());
            }
            _ => {}
        }
    }

    fn originate_refused(&mut self, now: Time, attempt: AttemptId, error: OpError) {
        match error {
            // Nothing has left: the lead loses nothing by waiting a moment.
            OpError::NotSent | OpError::NotFound => {
                self.hold(now);
                self.withdraw(now, attempt);
            }
            OpError::Unknown => {
                // It may ring now. It is hung up, and nobody is called a second time for it.
                let verdict = Verdict {
                    disposition: Disposition::Failed,
                    by: EndedBy::Carrier,
                    cause: HangupCause::default(),
                    note: Some("Asterisk did not answer the originate in time"),
                };
                self.end(now, attempt, verdict);
            }
            OpError::Login => {
                self.pause_by_rule(
                    now,
                    "Asterisk refused the login: check ARI_USERNAME and ARI_PASSWORD",
                );
                self.withdraw(now, attempt);
            }
            // "Allocation failed": no room, or no such trunk.
            OpError::Refused(status) if status >= 500 => {
                self.effects.push_back(Effect::ProbeTrunk(attempt));
            }
            OpError::Refused(_) => {
                self.pause_by_rule(
                    now,
                    "Asterisk refused the dial string: check ARI_TRUNK and CALLER_ID",
                );
                self.withdraw(now, attempt);
            }
        }
    }

    /// Whether the trunk exists, after an originate was refused with 500.
    pub(super) fn trunk_probed(&mut self, now: Time, attempt: AttemptId, exists: bool) {
        if !self.live.contains_key(&attempt) {
            return;
        }
        if !exists {
            self.pause_by_rule(
                now,
                "Asterisk knows no such trunk: check ARI_TRUNK and pjsip.conf",
            );
            self.withdraw(now, attempt);
            return;
        }
        let verdict = Verdict {
            disposition: Disposition::Congestion,
            by: EndedBy::Carrier,
            cause: HangupCause {
                q850: 34,
                sip: None,
            },
            note: Some("Asterisk could not allocate a channel"),
        };
        self.finish(now, attempt, verdict);
    }

    fn pause_by_rule(&mut self, now: Time, reason: &str) {
        if matches!(self.state, RunState::Dialing) {
            self.set_state(now, RunState::Paused(reason.to_owned()));
        }
    }

    /// Decides how a call ends and takes it down.
    pub(super) fn end(&mut self, now: Time, attempt: AttemptId, verdict: Verdict) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        if !matches!(call.phase, Phase::HangingUp { .. }) {
            call.hang_up(verdict);
            self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
            self.advance(now, attempt, None);
        }
    }

    fn a_gone(&mut self, now: Time, attempt: AttemptId, cause: HangupCause) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        call.facts.a.gone();
        let rang_out =
            now.since(call.begun_at) + Duration::from_secs(1) >= self.policy.call_timeout;
        let mut verdict = call.verdict_when_a_leaves(cause, rang_out);
        if verdict.cause == HangupCause::default() {
            verdict.cause = cause;
        }
        self.finish(now, attempt, verdict);
    }

    /// A is gone: the slot is free, the attempt is over, what is left is taken down.
    pub(super) fn finish(&mut self, now: Time, attempt: AttemptId, verdict: Verdict) {
        let Some(mut call) = self.live.remove(&attempt) else {
            return;
        };
        if !call.facts.a.presence.may_live() || call.facts.a.presence == Presence::Asked {
            call.facts.a.gone();
        }
        let summary = call.summary(now, verdict);
        self.leads.finish(call.lead, verdict.disposition);
        self.stats.count(&summary);
        self.effects
            .push_back(Effect::Journal(Record::AttemptEnded {
                attempt,
                end: AttemptEnd {
                    at: now,
                    disposition: verdict.disposition,
                    cause: verdict.cause,
                    by: verdict.by,
                    note: verdict.note.map(str::to_owned),
                    dead_air_ms: summary.dead_air_ms,
                },
            }));
        self.effects
            .push_back(Effect::Tell(Notice::Ended(Box::new(summary))));
        self.keep_remains(now, call);
    }

    pub(super) fn keep_remains(&mut self, now: Time, call: Call) {
        let attempt = call.attempt;
        self.remains.insert(
            attempt,
            Remains {
                number: call.number,
                begun_at: call.begun_at,
                facts: call.facts,
            },
        );
        self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
        self.clear_remains(attempt);
    }

    /// Asks for what is left to go, and forgets the call when nothing is.
    fn clear_remains(&mut self, attempt: AttemptId) {
        let Some(remains) = self.remains.get_mut(&attempt) else {
            return;
        };
        let mut ops = Vec::new();
        remains.facts.take_down(true, &mut ops);
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
        }
    }

    /// Does for a call whatever can be done now.
    fn advance(&mut self, now: Time, attempt: AttemptId, stamp_ms: Option<i64>) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let bridged = call.become_bridged(now, stamp_ms);
        let ops = call.next_ops(now, &self.policy);
        for op in ops {
            if op == Op::Record {
                self.journal_recording(attempt);
            }
            self.ask(attempt, op);
        }
        if let Some(Bridged { dead_air_ms, .. }) = bridged {
            if let Some(limit) = self.policy.max_call {
                self.timers.set(now + limit, attempt, Timer::MaxCall);
            }
            self.progress(
                now,
                attempt,
                Step::Bridged,
                CallStep::Bridged { dead_air_ms },
            );
        }
    }

    fn progress(&mut self, now: Time, attempt: AttemptId, step: Step, told: CallStep) {
        self.effects
            .push_back(Effect::Journal(Record::AttemptProgress {
                attempt,
                step,
                at: now,
            }));
        self.tell_step(attempt, told);
    }

    /// Handles every timer that is due.
    pub(super) fn fire_timers(&mut self, now: Time) {
        while let Some((attempt, timer)) = self.timers.pop_due(now) {
            match timer {
                Timer::Hold => {}
                Timer::Stage => self.stage_now(now, attempt),
                Timer::Ring => self.rang_too_long(now, attempt),
                Timer::Target => {
                    let note = "the target did not answer within TARGET_TIMEOUT";
                    let cause = HangupCause {
                        q850: 19,
                        sip: None,
                    };
                    self.target_failed(now, attempt, EndedBy::Timer, note, cause);
                }
                Timer::MaxCall => self.talked_too_long(now, attempt),
                Timer::Insist => self.insist(now, attempt),
            }
        }
    }

    fn stage_now(&mut self, now: Time, attempt: AttemptId) {
        if let Some(call) = self.live.get_mut(&attempt)
            && let Phase::Dialing { staging, .. } = &mut call.phase
        {
            *staging = self.policy.stage_target;
            self.advance(now, attempt, None);
        }
    }

    fn rang_too_long(&mut self, now: Time, attempt: AttemptId) {
        if self
            .live
            .get(&attempt)
            .is_some_and(|c| matches!(c.phase, Phase::Dialing { .. }))
        {
            let verdict = Verdict {
                disposition: Disposition::NoAnswer,
                by: EndedBy::Timer,
                cause: HangupCause {
                    q850: 19,
                    sip: None,
                },
                note: None,
            };
            self.end(now, attempt, verdict);
        }
    }

    fn talked_too_long(&mut self, now: Time, attempt: AttemptId) {
        if self
            .live
            .get(&attempt)
            .is_some_and(|c| matches!(c.phase, Phase::Talking(..)))
        {
            let verdict = Verdict {
                disposition: Disposition::Answered,
                by: EndedBy::Timer,
                cause: HangupCause::default(),
                note: Some("MAX_CALL_SECONDS reached"),
            };
            self.end(now, attempt, verdict);
        }
    }

    /// What was asked to go should be gone by now, and a refused step is tried again.
    fn insist(&mut self, now: Time, attempt: AttemptId) {
        let mut ops = Vec::new();
        if let Some(call) = self.live.get(&attempt) {
            if !matches!(call.phase, Phase::HangingUp { .. }) {
                self.advance(now, attempt, None);
                return;
            }
            call.facts.insist(&mut ops);
            self.advance(now, attempt, None);
        } else if let Some(remains) = self.remains.get(&attempt) {
            remains.facts.insist(&mut ops);
            if remains.facts.all_gone() {
                // The snoop channel is gone and no RecordingFinished came.
                self.recording_ended(attempt, true);
            }
        } else {
            return;
        }
        for op in ops {
            self.ask(attempt, op);
        }
        self.clear_remains(attempt);
        self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
    }

    fn journal_recording(&mut self, attempt: AttemptId) {
        let Some(call) = self.live.get(&attempt) else {
            return;
        };
        let state = RecordingState::Started {
            name: self.ids.make(call.run, attempt, Part::Snoop),
            format: self.recording_format.clone(),
        };
        self.effects
            .push_back(Effect::Journal(Record::Recording { attempt, state }));
    }

    fn facts(&mut self, attempt: AttemptId) -> Option<&mut Facts> {
        if let Some(call) = self.live.get_mut(&attempt) {
            return Some(&mut call.facts);
        }
        self.remains.get_mut(&attempt).map(|r| &mut r.facts)
    }

    fn recording_answer(&mut self, attempt: AttemptId, op: Op, result: Result<(), OpError>) {
        let Err(error) = result else { return };
        if !matches!(op, Op::Snoop | Op::Record) || error == OpError::Unknown {
            return;
        }
        if let Some(facts) = self.facts(attempt) {
            facts.recording = Recording::Failed;
        }
        let why = match op {
            Op::Snoop => "Asterisk refused the snoop channel",
            _ => "Asterisk refused to record",
        };
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
    pub(super) fn recording_ended(&mut self, attempt: AttemptId, ok: bool) {
        let about = self
            .live
            .get(&attempt)
            .map(|c| (c.number.clone(), c.begun_at))
            .or_else(|| {
                let r = self.remains.get(&attempt)?;
                Some((r.number.clone(), r.begun_at))
            });
        let Some((number, begun_at)) = about else {
            return;
        };
        let Some(facts) = self.facts(attempt) else {
            return;
        };
        if !matches!(facts.recording, Recording::Asked | Recording::Running) {
            return;
        }
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
}

/// What an event says about the channel itself, whatever the call's phase.
fn note_fact(facts: &mut Facts, part: Part, event: LegEvent) {
    let Some(channel) = facts.channel(part) else {
        return;
    };
    match event {
        LegEvent::Entered if part == Part::A => {
            // A enters our application when it has answered.
            channel.entered();
            channel.went_up();
        }
        LegEvent::Entered => channel.entered(),
        LegEvent::Ringing | LegEvent::Leaving(_) => channel.seen(),
        LegEvent::Up => channel.went_up(),
        LegEvent::Dial(DialStatus::Answer) if part == Part::B => channel.went_up(),
        LegEvent::Dial(_) => {}
        LegEvent::Joined => channel.joined(),
        LegEvent::Gone(_) => channel.gone(),
    }
}

/// What an answer says about the parts, whatever the call's phase.
fn note_answer(facts: &mut Facts, op: Op, result: Result<(), OpError>) {
    // An answer that did not come in time: it may have been carried out.
    let done = matches!(result, Ok(()) | Err(OpError::Unknown));
    match op {
        Op::OriginateA => created(&mut facts.a.presence, done),
        Op::CreateB | Op::OriginateB => created(&mut facts.b.presence, done),
        Op::Snoop => created(&mut facts.snoop.presence, done),
        Op::CreateBridge => created(&mut facts.bridge, done),
        Op::Join(part) => {
            if let Some(channel) = facts.channel(part) {
                if done {
                    channel.join_accepted();
                } else {
                    channel.join_refused();
                }
            }
        }
        Op::Record if done && facts.recording == Recording::Asked => {
            facts.recording = Recording::Running;
        }
        Op::HangUp(part) if result == Err(OpError::NotFound) => {
            if let Some(channel) = facts.channel(part) {
                channel.gone();
            }
        }
        Op::DestroyBridge if matches!(result, Ok(()) | Err(OpError::NotFound)) => {
            facts.bridge = Presence::Gone;
        }
        _ => {}
    }
}

fn created(presence: &mut Presence, done: bool) {
    if *presence == Presence::Asked {
        *presence = if done {
            Presence::There
        } else {
            Presence::Never
        };
    }
}
