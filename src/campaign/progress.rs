//! What events and timers do to a living call.

use std::time::Duration;

use super::call::{Answer, Phase, Verdict};
use super::channel::Presence;
use super::facts::{CarrierSays, Recording};
use super::io::{CallStep, DialStatus, Effect, LegEvent, OpError};
use super::timers::Timer;
use super::{
    AttemptId, Campaign, Disposition, EndedBy, HangupCause, Part, Record, RecordingState, Step,
    Time,
};
use super::{Op, ending::INSIST_EVERY};

pub(super) const FAILED_TARGET: &str = "the target failed or is missing";
const BUSY_TARGET: &str = "the target is busy";
const MOVED_B: &str = "the target was moved out of the dialer's Stasis application";
const SILENT_TARGET: &str = "the target did not answer within TARGET_TIMEOUT";

/// How soon after a channel began to leave its end is told.
pub(super) const B_ENDS_WITHIN: Duration = Duration::from_secs(1);

/// How long somebody who has answered waits for a staged B that leaves to make room.
const STAGED_B_GOES_WITHIN: Duration = Duration::from_secs(5);

/// How soon a target that may have answered since a census was asked for tells so.
const TARGET_GRACE: Duration = Duration::from_secs(1);

/// How long it takes at the most to be told whether a target has answered: longer than a request
/// without an answer.
const TOLD_WITHIN: Duration = Duration::from_secs(6);

/// When a target is asked for again of which nothing was told.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// How long after `TARGET_TIMEOUT` it is known whether a target has answered, and A has joined it:
/// as long as two requests without an answer.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

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
            let given_up = remains.facts.channel(part);
            if given_up.is_some_and(|c| c.presence.is_over()) {
                self.stray(attempt, part, event);
            } else {
                remains.facts.note_event(now, part, event, stamp_ms);
                if event == LegEvent::HandedOver {
                    self.handed_over.insert((attempt, part), now);
                }
                self.clear_remains(attempt);
            }
            return;
        }
        if self.orphans.contains_key(&attempt) {
            self.orphan_event(now, attempt, part, event);
            return;
        }
        let Some(call) = self.live.get_mut(&attempt) else {
            self.stray(attempt, part, event);
            return;
        };
        if call.facts.is_of_the_one_before(part, event, stamp_ms) {
            return;
        }
        if event == LegEvent::HandedOver {
            self.handed_over.insert((attempt, part), now);
        }
        call.facts.note_event(now, part, event, stamp_ms);
        match part {
            Part::A => self.a_event(now, attempt, event, stamp_ms),
            Part::B => self.b_event(now, attempt, event),
            Part::B2 => self.agent_event(now, attempt, event),
            Part::Snoop | Part::Bridge => {}
        }
        self.advance(now, attempt);
    }

    /// A channel that no call knows: an originate that was given up for unanswered and was
    /// carried out after all, for one.
    pub(super) fn stray(&mut self, attempt: AttemptId, part: Part, event: LegEvent) {
        // What is told late of somebody who was moved elsewhere does not bring him back; a census
        // tells who came back.
        let was_let_go = self.handed_over.contains_key(&(attempt, part));
        if event.tells_of_life() && !was_let_go {
            self.effects
                .push_back(Effect::TakeDownStray { attempt, part });
        }
    }

    fn a_event(&mut self, now: Time, attempt: AttemptId, event: LegEvent, stamp_ms: Option<i64>) {
        match event {
            LegEvent::Ringing => self.a_rings(now, attempt),
            LegEvent::EarlyMedia => self.a_sends_early_media(now, attempt),
            LegEvent::Up | LegEvent::Entered => self.a_answers(now, attempt, stamp_ms),
            LegEvent::Leaving(cause) | LegEvent::HungUp(cause) => {
                self.a_leaves(now, attempt, cause);
            }
            LegEvent::Gone(cause) => self.a_gone(now, attempt, cause),
            LegEvent::LeftApp => self.look_again_soon(now, attempt),
            LegEvent::HandedOver => self.a_is_handed_over(now, attempt),
            LegEvent::Blocked => {
                if let Some(call) = self.live.get_mut(&attempt) {
                    call.facts.carrier = CarrierSays::Blocked;
                }
            }
            LegEvent::Joined | LegEvent::Left | LegEvent::Dial(_) => {}
        }
    }

    /// The end of A tells that A had answered, should the event of the answer come later.
    pub(super) fn a_was_up(&mut self, now: Time, attempt: AttemptId, event: LegEvent) {
        if !event.tells_of_the_end() {
            return;
        }
        self.orphan_has_answered(now, attempt);
        self.a_answers(now, attempt, None);
    }

    fn a_rings(&mut self, now: Time, attempt: AttemptId) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let Phase::Dialing { staging } = &mut call.phase else {
            return;
        };
        if call.ringing_at.is_some() {
            return;
        }
        call.ringing_at = Some(now);
        call.facts.carrier = CarrierSays::Unknown;
        *staging = call.rules.stage_target;
        self.progress(now, attempt, Step::Ringing, CallStep::Ringing);
    }

    /// Somebody or something is heard before an answer. It may ring all the same.
    fn a_sends_early_media(&mut self, now: Time, attempt: AttemptId) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let Phase::Dialing { staging } = &mut call.phase else {
            return;
        };
        if call.early_media_at.is_some() {
            return;
        }
        call.early_media_at = Some(now);
        call.facts.carrier = CarrierSays::Unknown;
        *staging = call.rules.stage_target;
        self.progress(now, attempt, Step::EarlyMedia, CallStep::EarlyMedia);
    }

    fn a_answers(&mut self, now: Time, attempt: AttemptId, stamp_ms: Option<i64>) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        if !call.answer(Answer { at: now, stamp_ms }) {
            return;
        }
        if !call.rules.stage_target {
            call.facts.fall_back_to_plain();
        }
        let limit = now + call.rules.target_timeout;
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

    /// A is gone, and with it the call: [`Self::advance`] finishes it.
    fn a_gone(&mut self, now: Time, attempt: AttemptId, cause: HangupCause) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let told_before = call.facts.a.hung_up.and_then(|hung_up| hung_up.cause);
        let cause = match cause.q850 {
            // Asterisk has forgotten it, or ended the channel before it knew.
            0 => told_before.unwrap_or(cause),
            _ => cause,
        };
        let rang_out = now.since(call.begun_at) >= call.rules.call_timeout;
        call.hang_up(now, call.verdict_when_a_leaves(cause, rang_out));
        call.note_cause(cause);
    }

    fn b_event(&mut self, now: Time, attempt: AttemptId, event: LegEvent) {
        let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target);
        let verdict = match event {
            // The channel stays while the dialplan plays its tone: the status is all there is.
            LegEvent::Dial(DialStatus::Busy) => verdict.q850(17).note(BUSY_TARGET),
            LegEvent::Dial(DialStatus::NoAnswer) => silent_target(),
            LegEvent::Dial(DialStatus::Unavailable) => verdict.note(FAILED_TARGET),
            LegEvent::Gone(cause) => return self.b_leaves(now, attempt, Some(cause)),
            LegEvent::LeftApp => return self.look_again_soon(now, attempt),
            LegEvent::HandedOver => return self.b_is_handed_over(now, attempt),
            LegEvent::Leaving(cause) | LegEvent::HungUp(cause) => {
                return self.b_leaves(now, attempt, cause);
            }
            _ => return,
        };
        self.target_failed(now, attempt, verdict);
    }

    fn b_leaves(&mut self, now: Time, attempt: AttemptId, cause: Option<HangupCause>) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let is_staged = !call.facts.target_was_dialed() && !call.inherited;
        if is_staged {
            // It went by itself.
            call.facts.fall_back_to_plain();
        }
        let Some(cause) = cause.filter(|_| !is_staged) else {
            // There is more to come, at once.
            self.timers
                .set(now + B_ENDS_WITHIN, attempt, Timer::Overdue);
            return;
        };
        if matches!(call.phase, Phase::Talking(..)) {
            let verdict = Verdict::new(Disposition::Answered, EndedBy::Target).cause(cause);
            self.end(now, attempt, verdict);
            return;
        }
        let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target).cause(cause);
        let verdict = match cause.q850 {
            17 => verdict.note(BUSY_TARGET),
            // Asterisk ends a dial that ran into its timeout with cause 19.
            19 => silent_target(),
            _ => verdict.note(FAILED_TARGET),
        };
        self.target_failed(now, attempt, verdict);
    }

    /// B was on its way out, and nothing tells that it is gone: nobody waits for it.
    fn b_is_overdue(&mut self, now: Time, attempt: AttemptId) {
        if let Some(call) = self.live.get(&attempt)
            && call.facts.b.presence == Presence::Elsewhere
            && call.facts.a.presence == Presence::There
        {
            let verdict = call.verdict_when_handed_over().note(MOVED_B);
            return self.end(now, attempt, verdict);
        }
        let leaving = |call: &&super::call::Call| {
            call.facts.b.presence == Presence::Leaving && !call.is_hanging_up()
        };
        let Some(call) = self.live.get(&attempt).filter(leaving) else {
            return;
        };
        if call.facts.target_was_dialed() || call.inherited {
            self.b_leaves(now, attempt, Some(HangupCause::default()));
            return;
        }
        // Only when it is gone may another one have its id, and a request to end it, too late,
        // would end that one.
        let waits_since = call.answered().map(|answer| answer.at);
        if waits_since.is_some_and(|since| since + STAGED_B_GOES_WITHIN <= now) {
            let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target);
            self.target_failed(now, attempt, verdict.note(FAILED_TARGET));
        } else {
            self.timers
                .set(now + B_ENDS_WITHIN, attempt, Timer::Overdue);
        }
    }

    /// The target can't be reached: A is hung up, unless the two talk already.
    pub(super) fn target_failed(&mut self, now: Time, attempt: AttemptId, verdict: Verdict) {
        let connecting = self
            .live
            .get(&attempt)
            .is_some_and(|c| matches!(c.phase, Phase::Connecting(_)));
        if connecting && !super::sabotaged!(WaitsForEver) {
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

    /// Does for a call whatever can be done now.
    pub(super) fn advance(&mut self, now: Time, attempt: AttemptId) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        if call.over().is_some() {
            self.finish(now, attempt);
            return;
        }
        // Whoever was in the bridge may have left it unheard.
        let bridged = self.heard_all.then(|| call.become_bridged(now)).flatten();
        let ops = call.next_ops(now);
        for op in ops {
            if op == Op::Record {
                self.journal_recording(attempt);
            }
            if let Some(facts) = self.facts(attempt) {
                facts.note_asked(now, op);
            }
            self.ask(attempt, op);
        }
        if let Some(dead_air_ms) = bridged {
            self.limit_conversation(attempt, now);
            let told = CallStep::Bridged { dead_air_ms };
            self.progress(now, attempt, Step::Bridged, told);
        }
    }

    /// Starts the operator's limit for a conversation, if there is one.
    pub(super) fn limit_conversation(&mut self, attempt: AttemptId, bridged_at: Time) {
        let limit = self.live.get(&attempt).and_then(|c| c.rules.max_call);
        if let Some(limit) = limit {
            self.timers.set(bridged_at + limit, attempt, Timer::MaxCall);
        }
    }

    pub(super) fn journal_recording(&mut self, attempt: AttemptId) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        // What a dead process began goes on in its format, whatever the settings say now.
        if std::mem::replace(&mut call.recording_noted, true) {
            return;
        }
        let state = RecordingState::Started {
            name: self.ids.make(call.run, attempt, Part::Snoop),
            format: call.rules.recording_format.to_string(),
        };
        self.effects
            .push_back(Effect::Journal(Record::Recording { attempt, state }));
    }

    fn progress(&mut self, now: Time, attempt: AttemptId, step: Step, told: CallStep) {
        self.journal_step(now, attempt, step);
        self.tell_step(attempt, told);
    }

    pub(super) fn journal_step(&mut self, now: Time, attempt: AttemptId, step: Step) {
        self.effects
            .push_back(Effect::Journal(Record::AttemptProgress {
                attempt,
                step,
                at: now,
            }));
    }

    /// Handles every timer that is due.
    pub(super) fn fire_timers(&mut self, now: Time) {
        while let Some((attempt, timer)) = self.timers.pop_due(now) {
            match timer {
                Timer::Hold | Timer::Spacing => {}
                Timer::Probe => self.probe_again(),
                Timer::Stage => self.stage_now(now, attempt),
                Timer::Ring => self.rang_too_long(now, attempt),
                Timer::Unheard => self.ask_about_carrier(attempt),
                Timer::Target => self.target_too_late(now, attempt),
                Timer::MaxCall => self.talked_too_long(now, attempt),
                Timer::Overdue => self.b_is_overdue(now, attempt),
                Timer::Insist => self.insist(now, attempt),
            }
        }
    }

    fn stage_now(&mut self, now: Time, attempt: AttemptId) {
        if let Some(call) = self.live.get_mut(&attempt)
            && let Phase::Dialing { staging } = &mut call.phase
        {
            *staging = call.rules.stage_target;
            self.advance(now, attempt);
        }
    }

    fn rang_too_long(&mut self, now: Time, attempt: AttemptId) {
        let dialing = |c: &super::call::Call| matches!(c.phase, Phase::Dialing { .. });
        if let Some(call) = self.live.get(&attempt).filter(|call| dialing(call)) {
            let verdict = match call.facts.a.hung_up {
                Some(hung_up) => call.verdict_when_hung_up(hung_up),
                None => Verdict::new(Disposition::NoAnswer, EndedBy::Timer).q850(19),
            };
            self.end(now, attempt, verdict);
        }
    }

    /// B did not answer in time, by what was heard. While events are missed a B that was dialed may
    /// have answered unheard, and no timer may cut that conversation: the census will tell. A socket
    /// may be silent as well, and not known to be, so Asterisk is asked first.
    fn target_too_late(&mut self, now: Time, attempt: AttemptId) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let Phase::Connecting(answer) = call.phase else {
            return;
        };
        let dialed = call.facts.target_was_dialed();
        if !self.heard_all && dialed {
            return;
        }
        let settled_by = answer.at + call.rules.target_timeout + SETTLED_WITHIN;
        let is_asked = std::mem::replace(&mut call.facts.target_is_asked, true);
        if now >= settled_by || super::sabotaged!(CutsUnheard) {
            self.target_failed(now, attempt, silent_target());
        } else if call.facts.b.talks() {
            // A is joining it.
            self.timers.set(settled_by, attempt, Timer::Target);
        } else if !dialed || !call.facts.b.presence.may_live() || is_asked {
            self.target_failed(now, attempt, silent_target());
        } else {
            let a_joined = call.facts.a.has_joined();
            self.timers.set(now + TOLD_WITHIN, attempt, Timer::Target);
            self.ask(attempt, Op::AskTarget { a_joined });
        }
    }

    /// What came of [`Op::AskTarget`].
    pub(super) fn target_told(
        &mut self,
        now: Time,
        attempt: AttemptId,
        result: Result<(), OpError>,
    ) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        if !matches!(call.phase, Phase::Connecting(_)) {
            return;
        }
        match result {
            Ok(()) => {
                self.leg_event(now, attempt, Part::B, LegEvent::Up, None);
                self.target_too_late(now, attempt);
            }
            Err(OpError::NotFound | OpError::Refused(409)) => {
                self.target_failed(now, attempt, silent_target());
            }
            Err(_) => {
                call.facts.target_is_asked = false;
                self.timers
                    .set(now + ASKED_AGAIN_AFTER, attempt, Timer::Target);
            }
        }
    }

    /// After a census the targets that were too late when it was asked for are so for good.
    pub(super) fn set_target_timers(&mut self, now: Time, asked_at: Time) {
        for call in self.live.values() {
            if let Phase::Connecting(answer) = call.phase {
                let limit = answer.at + call.rules.target_timeout;
                let due = if asked_at < limit {
                    limit.max(now + TARGET_GRACE)
                } else {
                    limit
                };
                self.timers.set(due, call.attempt, Timer::Target);
            }
        }
    }

    fn talked_too_long(&mut self, now: Time, attempt: AttemptId) {
        let talking = |c: &super::call::Call| matches!(c.phase, Phase::Talking(..));
        if self.live.get(&attempt).is_some_and(talking) {
            let verdict = Verdict::new(Disposition::Answered, EndedBy::Timer)
                .note("MAX_CALL_SECONDS reached");
            self.end(now, attempt, verdict);
        }
    }

    /// What was asked to go should be gone by now, and a refused step is tried again.
    fn insist(&mut self, now: Time, attempt: AttemptId) {
        let mut ops = Vec::new();
        if let Some(call) = self.live.get_mut(&attempt) {
            let ending = call.is_hanging_up();
            if call.facts.recording == Recording::Later && !ending {
                call.facts.recording = Recording::Not;
            }
            if ending {
                call.facts.insist(&mut ops);
            }
            call.facts.find_again(&mut ops);
            if ending || call.facts.is_any_away() {
                self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
            }
            self.advance(now, attempt);
        } else if let Some(remains) = self.remains.get(&attempt) {
            remains.facts.insist(&mut ops);
            remains.facts.find_again(&mut ops);
            self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
            self.give_up_waiting_for_recording(now, attempt);
        }
        for op in ops {
            self.ask(attempt, op);
        }
    }
}

fn silent_target() -> Verdict {
    Verdict::new(Disposition::Abandoned, EndedBy::Timer)
        .q850(19)
        .note(SILENT_TARGET)
}
