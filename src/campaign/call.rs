//! One call: facts come in, in any order; what can be done now comes out; in the end there is
//! a verdict. A call knows nothing of other calls, of leads, or of the run.
//!
//! Facts about channels arrive in any order (an event may beat the HTTP answer of the
//! request that caused it), so they are kept apart from the phase, which only moves
//! forward. After every input [`Call::advance`] asks what can be done now.

pub(crate) mod attempt;
pub(crate) mod channel;
pub(crate) mod facts;
pub(crate) mod phase;
pub(crate) mod recording;
pub(crate) mod remains;
mod stamps;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use super::disposition::{Disposition, EndedBy, HangupCause, TrunkFault};
use super::ids::{AttemptId, Part};
use super::io::{CallStep, CallSummary, DialStatus, Effect, LegEvent, Notice, Op, OpError};
use super::out::Turn;
use super::record::{Record, Step};
use super::streak::Ending;
use super::time::Time;
use super::timers::Timer;
use super::view::{CallView, CallWord};
use attempt::Attempt;
use channel::{Channel, HungUp, Presence};
use facts::{CarrierSays, Facts, RecordingPhase};
use phase::{Answer, Bridged, Phase, Verdict};
use steps::INSIST_EVERY;

/// How long after the originate B is staged where neither ringing nor an end was heard. A
/// number that is busy has told so by then, and costs no staging.
const STAGE_AFTER: Duration = Duration::from_millis(100);

/// How much longer than `CALL_TIMEOUT` our own ring timer waits: Asterisk's own, started
/// with the originate, should end the call first and tell the cause.
const RING_GRACE: Duration = Duration::from_secs(3);

/// How soon after a channel began to leave its end is told.
const B_ENDS_WITHIN: Duration = Duration::from_secs(1);

/// How long somebody who has answered waits for a staged B that leaves to make room.
const STAGED_B_GOES_WITHIN: Duration = Duration::from_secs(5);

/// How long after a refused bridge or join it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);

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

/// How long before the end of `CALL_TIMEOUT` Asterisk is asked whether the carrier has said
/// anything: the answer has to come before the call is gone.
const BEFORE_THE_END: Duration = Duration::from_secs(1);

/// An INVITE without any answer is given up by SIP itself after 64 times T1, which is 0.5 s.
const SIP_GIVES_UP: Duration = Duration::from_secs(32);

const FAILED_TARGET: &str = "the target failed or is missing";
const BUSY_TARGET: &str = "the target is busy";
const SILENT_TARGET: &str = "the target did not answer within TARGET_TIMEOUT";
const MOVED_A: &str = "leg A was moved out of the dialer's Stasis application";
const MOVED_B: &str = "the target was moved out of the dialer's Stasis application";

/// Of a 603 with these words.
const NETWORK_BLOCKED: &str = "SIP 603 Network Blocked: an analytics service took it for spam";

const NOTHING_CAME: TrunkFault = TrunkFault {
    note: "the carrier answered nothing at all: the number waits again",
    reason: "the carrier answers nothing at all, not even that it tries: check the address of \
             ARI_TRUNK in pjsip.conf and the network to it, then start",
};

/// A call: it holds a slot from the decision to dial until A is gone.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) attempt: Attempt,
    /// The attempt at its lead before this one.
    pub(super) before: Option<AttemptId>,
    pub(super) phase: Phase,
    pub(super) facts: Facts,
    pub(super) ringing_at: Option<Time>,
    pub(super) early_media_at: Option<Time>,
    agent_at: Option<Time>,
    /// Its beginning is on disk: before that it can't end there either.
    pub(super) durable: bool,
}

impl Call {
    /// A call whose beginning is on its way to the disk.
    pub(super) fn new(attempt: Attempt, before: Option<AttemptId>) -> Self {
        Self {
            attempt,
            before,
            phase: Phase::Journaling,
            facts: Facts::default(),
            ringing_at: None,
            early_media_at: None,
            agent_at: None,
            durable: false,
        }
    }

    /// A call of a dead process, as it is found.
    pub(super) fn inherited(
        attempt: Attempt,
        phase: Phase,
        facts: Facts,
        ringing_at: Option<Time>,
    ) -> Self {
        Self {
            phase,
            facts,
            ringing_at,
            durable: true,
            ..Self::new(attempt, None)
        }
    }

    /// Its beginning is on disk: A is dialed.
    pub(super) fn dial(&mut self, turn: &mut Turn<'_>) {
        let attempt = self.attempt.id;
        let call_timeout = self.attempt.settings.call_timeout;
        self.phase = Phase::Dialing { staging: false };
        self.facts.a = Channel::asked();
        turn.set(STAGE_AFTER, attempt, Timer::Stage);
        turn.set(call_timeout + RING_GRACE, attempt, Timer::Ring);
        turn.set(ask_carrier_after(call_timeout), attempt, Timer::Unheard);
        self.attempt.ask(Op::OriginateA, turn.out);
        self.attempt.tell_step(CallStep::Dialing, turn.out);
    }

    /// A call of a dead process becomes one of this process: a conversation goes on, all else is
    /// taken down.
    pub(super) fn take_over(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Talking(_, bridged) = self.phase {
            self.limit_conversation(bridged.at, turn);
        } else {
            turn.set(INSIST_EVERY, self.attempt.id, Timer::Insist);
        }
        self.advance(turn);
    }

    /// Does whatever can be done now.
    pub(super) fn advance(&mut self, turn: &mut Turn<'_>) {
        if self.over().is_some() {
            return;
        }
        let now = turn.now;
        // Whoever was in the bridge may have left it unheard.
        let bridged = turn.heard_all.then(|| self.become_bridged(now)).flatten();
        for op in steps::next(
            now,
            self.phase,
            self.attempt.settings.target.moh_class.is_some(),
            &mut self.facts,
        ) {
            if op == Op::Record {
                recording::note_begun(&self.attempt, &mut self.facts, turn);
            }
            self.facts.note_asked(now, op);
            self.attempt.ask(op, turn.out);
        }
        if let Some(dead_air_ms) = bridged {
            self.limit_conversation(now, turn);
            self.progress(Step::Bridged, CallStep::Bridged { dead_air_ms }, turn);
        }
    }

    /// Moves on to the conversation once both are up and in the bridge: after how many
    /// milliseconds of dead air.
    fn become_bridged(&mut self, now: Time) -> Option<u32> {
        let Phase::Connecting(answer) = self.phase else {
            return None;
        };
        if !self.facts.is_bridged() {
            return None;
        }
        let by_asterisk = answer
            .stamp_ms
            .zip(self.facts.met_ms())
            .and_then(|(from, to)| u128::try_from(to.saturating_sub(from).max(0)).ok());
        let dead_air = by_asterisk.unwrap_or_else(|| now.since(answer.at).as_millis());
        let dead_air_ms = Some(u32::try_from(dead_air).unwrap_or(u32::MAX));
        let at = now;
        self.phase = Phase::Talking(answer, Bridged { at, dead_air_ms });
        dead_air_ms
    }

    /// Starts the operator's limit for a conversation, if there is one.
    fn limit_conversation(&self, bridged_at: Time, turn: &mut Turn<'_>) {
        if let Some(limit) = self.attempt.settings.max_call {
            let due = bridged_at + limit;
            turn.out.timers.set(due, self.attempt.id, Timer::MaxCall);
        }
    }

    /// Decides how the call ends, unless that is decided, and takes it down.
    pub(super) fn end(&mut self, verdict: Verdict, turn: &mut Turn<'_>) {
        if !self.phase.is_hanging_up() {
            self.phase.hang_up(turn.now, verdict);
            turn.set(INSIST_EVERY, self.attempt.id, Timer::Insist);
            self.advance(turn);
        }
    }

    fn progress(&self, step: Step, told: CallStep, turn: &mut Turn<'_>) {
        self.attempt.journal_step(turn.now, step, turn.out);
        self.attempt.tell_step(told, turn.out);
    }
}

/// How others see it.
impl Call {
    /// The call, for a reader.
    pub(super) fn view(&self) -> CallView {
        let (word, since) = match self.phase {
            Phase::Journaling => (CallWord::Dialing, self.attempt.begun_at),
            Phase::Dialing { .. } => match (self.ringing_at, self.early_media_at) {
                (None, None) => (CallWord::Dialing, self.attempt.begun_at),
                (None, Some(at)) => (CallWord::EarlyMedia, at),
                (Some(at), _) => (CallWord::Ringing, at),
            },
            Phase::Connecting(answer) => (CallWord::Answered, answer.at),
            Phase::Talking(_, bridged) => (CallWord::Bridged, bridged.at),
            Phase::HangingUp { since, .. } => (CallWord::Ending, since),
        };
        CallView {
            attempt: self.attempt.id,
            lead: self.attempt.lead,
            number: self.attempt.number.clone(),
            word,
            begun_at: self.attempt.begun_at,
            since,
            ringing_at: self.ringing_at,
            early_media_at: self.early_media_at,
            answered_at: self.phase.answered().map(|a| a.at),
            bridged_at: self.phase.bridged().map(|b| b.at),
            recording: matches!(self.facts.recording, RecordingPhase::Running),
        }
    }
}

/// What events do.
impl Call {
    /// A channel of the call did something.
    pub(super) fn leg_event(
        &mut self,
        part: Part,
        event: LegEvent,
        stamp_ms: Option<i64>,
        turn: &mut Turn<'_>,
    ) {
        if self.facts.is_of_the_one_before(part, event, stamp_ms) {
            return;
        }
        self.facts.note_event(turn.now, part, event, stamp_ms);
        match part {
            Part::A => self.a_event(event, stamp_ms, turn),
            Part::B => self.b_event(event, turn),
            Part::B2 => self.agent_event(event, turn),
            Part::Snoop | Part::Bridge => {}
        }
        self.advance(turn);
    }

    fn a_event(&mut self, event: LegEvent, stamp_ms: Option<i64>, turn: &mut Turn<'_>) {
        match event {
            LegEvent::Ringing => self.a_rings(turn),
            LegEvent::EarlyMedia => self.a_sends_early_media(turn),
            LegEvent::Up | LegEvent::Entered => self.a_answers(stamp_ms, turn),
            LegEvent::Leaving(cause) | LegEvent::HungUp(cause) => self.a_leaves(cause, turn),
            LegEvent::Gone(cause) => self.a_gone(cause, turn.now),
            LegEvent::LeftApp => self.look_again_soon(turn),
            LegEvent::HandedOver => self.a_is_handed_over(turn.now),
            LegEvent::Blocked => self.facts.carrier = CarrierSays::Blocked,
            LegEvent::Joined | LegEvent::Left | LegEvent::Dial(_) => {}
        }
    }

    fn a_rings(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Dialing { staging } = &mut self.phase
            && self.ringing_at.is_none()
        {
            self.ringing_at = Some(turn.now);
            self.facts.carrier = CarrierSays::Unknown;
            *staging = self.attempt.settings.target.staged;
            self.progress(Step::Ringing, CallStep::Ringing, turn);
        }
    }

    /// Somebody or something is heard before an answer. It may ring all the same.
    fn a_sends_early_media(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Dialing { staging } = &mut self.phase
            && self.early_media_at.is_none()
        {
            self.early_media_at = Some(turn.now);
            self.facts.carrier = CarrierSays::Unknown;
            *staging = self.attempt.settings.target.staged;
            self.progress(Step::EarlyMedia, CallStep::EarlyMedia, turn);
        }
    }

    /// A has answered, at `stamp_ms` by Asterisk's clock.
    pub(super) fn a_answers(&mut self, stamp_ms: Option<i64>, turn: &mut Turn<'_>) {
        let at = turn.now;
        if !self.phase.answer(Answer { at, stamp_ms }) {
            return;
        }
        if !self.attempt.settings.target.staged {
            self.facts.fall_back_to_plain();
        }
        let limit = self.attempt.settings.target.timeout;
        turn.set(limit, self.attempt.id, Timer::Target);
        self.progress(Step::Answered, CallStep::Answered, turn);
    }

    /// A is on its way out. Of a call that was not answered only the channel's end tells
    /// why, so that is waited for.
    fn a_leaves(&mut self, cause: Option<HangupCause>, turn: &mut Turn<'_>) {
        if self.phase.is_connecting() || self.phase.is_talking() {
            let verdict = self.verdict_when_a_leaves(cause.unwrap_or_default(), false);
            self.end(verdict, turn);
        }
    }

    /// A is gone, and with it the call.
    fn a_gone(&mut self, cause: HangupCause, now: Time) {
        let told_before = self.facts.a.hung_up.and_then(|hung_up| hung_up.cause);
        let cause = match cause.q850 {
            // Asterisk has forgotten it, or ended the channel before it knew.
            0 => told_before.unwrap_or(cause),
            _ => cause,
        };
        let rang_out = now.since(self.attempt.begun_at) >= self.attempt.settings.call_timeout;
        let verdict = self.verdict_when_a_leaves(cause, rang_out);
        self.phase.hang_up(now, verdict);
        self.phase.note_cause(cause);
    }

    /// Somebody moved A: to an extension, a conference, another application. It is theirs now,
    /// is never hung up by us, and its slot is free.
    fn a_is_handed_over(&mut self, now: Time) {
        let verdict = self.phase.verdict_when_handed_over().note(MOVED_A);
        self.phase.hand_over(now, verdict);
    }

    fn b_event(&mut self, event: LegEvent, turn: &mut Turn<'_>) {
        let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target);
        match event {
            // The channel stays while the dialplan plays its tone: the status is all there is.
            LegEvent::Dial(DialStatus::Busy) => {
                self.target_failed(verdict.q850(17).note(BUSY_TARGET), turn);
            }
            LegEvent::Dial(DialStatus::NoAnswer) => self.target_failed(silent_target(), turn),
            LegEvent::Dial(DialStatus::Unavailable) => {
                self.target_failed(verdict.note(FAILED_TARGET), turn);
            }
            LegEvent::Gone(cause) => self.b_leaves(Some(cause), turn),
            LegEvent::Leaving(cause) | LegEvent::HungUp(cause) => self.b_leaves(cause, turn),
            LegEvent::LeftApp => self.look_again_soon(turn),
            LegEvent::HandedOver => self.b_is_handed_over(turn),
            _ => {}
        }
    }

    fn b_leaves(&mut self, cause: Option<HangupCause>, turn: &mut Turn<'_>) {
        let is_staged = self.b_is_staged();
        if is_staged {
            // It went by itself.
            self.facts.fall_back_to_plain();
        }
        let Some(cause) = cause.filter(|_| !is_staged) else {
            // There is more to come, at once.
            return turn.set(B_ENDS_WITHIN, self.attempt.id, Timer::Overdue);
        };
        if self.phase.is_talking() {
            let verdict = Verdict::new(Disposition::Answered, EndedBy::Target).cause(cause);
            return self.end(verdict, turn);
        }
        let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target).cause(cause);
        let verdict = match cause.q850 {
            17 => verdict.note(BUSY_TARGET),
            // Asterisk ends a dial that ran into its timeout with cause 19.
            19 => silent_target(),
            _ => verdict.note(FAILED_TARGET),
        };
        self.target_failed(verdict, turn);
    }

    /// Somebody moved B. Whoever moves both legs does so within milliseconds, so A is given a
    /// moment before it is hung up for having nobody to talk to.
    fn b_is_handed_over(&mut self, turn: &mut Turn<'_>) {
        if !self.phase.is_hanging_up() {
            if self.b_is_staged() {
                self.facts.fall_back_to_plain();
            }
            turn.set(B_ENDS_WITHIN, self.attempt.id, Timer::Overdue);
        }
    }

    /// B was made and not dialed. How far a dead process had come is not known.
    fn b_is_staged(&self) -> bool {
        !self.facts.target_was_dialed() && !self.attempt.inherited
    }

    /// The target can't be reached: A is hung up, unless the two talk already.
    fn target_failed(&mut self, verdict: Verdict, turn: &mut Turn<'_>) {
        if self.phase.is_connecting() && !sabotaged!(WaitsForEver) {
            self.end(verdict, turn);
        }
    }

    fn agent_event(&mut self, event: LegEvent, turn: &mut Turn<'_>) {
        if event == LegEvent::Dial(DialStatus::Answer) && self.agent_at.is_none() {
            self.agent_at = Some(turn.now);
            self.progress(Step::Agent, CallStep::Agent, turn);
        }
    }

    /// Where a leg is that left our application is asked again until it is known.
    fn look_again_soon(&self, turn: &mut Turn<'_>) {
        turn.set(INSIST_EVERY, self.attempt.id, Timer::Insist);
    }

    /// A phone has transferred its call. Whoever stands in its place is part of the call: talk,
    /// recording and timers go on.
    pub(super) fn transferred(&mut self, part: Part, to: String, turn: &mut Turn<'_>) {
        self.facts.replace(turn.now, part);
        turn.out.journal(Record::AttemptTransferred {
            attempt: self.attempt.id,
            to: to.clone(),
        });
        turn.out.tell(Notice::Transferred {
            attempt: self.attempt.id,
            lead: self.attempt.lead,
            number: self.attempt.number.clone(),
            by: part,
            to,
        });
        self.advance(turn);
    }

    /// The recording came to its end in Asterisk.
    pub(super) fn recording_ended(&mut self, ok: bool, turn: &mut Turn<'_>) {
        let phase = Some(self.phase);
        if recording::ended(&self.attempt, &mut self.facts, phase, ok, turn.out) {
            self.advance(turn);
        }
    }

    /// A census lists a channel that events told nothing of, or not all.
    pub(super) fn listed(&mut self, part: Part, up: bool, turn: &mut Turn<'_>) {
        self.facts.note_listed(turn.now, part);
        // A staged B and a snoop channel enter our application when they are made.
        let made = part == Part::Snoop || part == Part::B && !self.facts.b_is_plain();
        if up || made {
            self.leg_event(part, LegEvent::Entered, None, turn);
        }
        if up {
            self.leg_event(part, LegEvent::Up, None, turn);
        }
    }
}

/// What Asterisk's answers do.
impl Call {
    /// Asterisk answered a request. Gives the result as far as it counts; what follows from an
    /// originate of A that was refused is for the campaign to say.
    pub(super) fn answered(
        &mut self,
        op: Op,
        result: Result<(), OpError>,
        turn: &mut Turn<'_>,
    ) -> Result<(), OpError> {
        let result = self.facts.note_answer(turn.now, op, result);
        let phase = Some(self.phase);
        recording::answered(&self.attempt, &mut self.facts, phase, (op, result), turn);
        if let Err(error) = result
            && !self.phase.is_hanging_up()
        {
            self.refused(op, error, turn);
        }
        result
    }

    fn refused(&mut self, op: Op, error: OpError, turn: &mut Turn<'_>) {
        match op {
            // Also where nobody knows whether it was made: who has answered can't wait.
            Op::CreateB => self.facts.fall_back_to_plain(),
            Op::CreateBridge | Op::Join(_) => self.bridging_refused(op, error, turn),
            Op::OriginateB | Op::DialB if error != OpError::Unknown => {
                let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target);
                self.target_failed(verdict.note(FAILED_TARGET), turn);
            }
            _ => {}
        }
    }

    fn bridging_refused(&mut self, op: Op, error: OpError, turn: &mut Turn<'_>) {
        // Who may be in the bridge by now is not hung up for that.
        let may_talk = error == OpError::Unknown && matches!(op, Op::Join(_));
        if !may_talk {
            self.facts.note_trouble();
        }
        if op == Op::Join(Part::B) {
            self.facts.fall_back_to_plain();
        }
        if self.facts.is_hopeless() && !may_talk {
            let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Carrier)
                .note("Asterisk refused to bridge the call");
            self.target_failed(verdict, turn);
        } else {
            turn.set(TRY_AGAIN_AFTER, self.attempt.id, Timer::Insist);
        }
    }

    /// The originate was not answered, or was carried out by a request that was thought lost:
    /// somebody's phone may ring.
    pub(super) fn originate_doubtful(&mut self, turn: &mut Turn<'_>) {
        self.facts.a.presence = Presence::There;
        let verdict = Verdict::new(Disposition::Failed, EndedBy::Carrier)
            .note("Asterisk did not answer the originate in time");
        self.end(verdict, turn);
    }

    /// Asterisk had no room for A.
    pub(super) fn not_allocated(&mut self, turn: &mut Turn<'_>) {
        let verdict = Verdict::new(Disposition::Congestion, EndedBy::Carrier)
            .q850(34)
            .note("Asterisk could not allocate a channel");
        self.end(verdict, turn);
    }

    /// Whether anything at all has come back from the carrier.
    pub(super) fn carrier_asked(&mut self, answered: bool) {
        self.facts.carrier = if answered {
            CarrierSays::Unknown
        } else {
            CarrierSays::Nothing
        };
    }

    /// What came of [`Op::AskTarget`].
    pub(super) fn target_told(&mut self, result: Result<(), OpError>, turn: &mut Turn<'_>) {
        if !self.phase.is_connecting() {
            return;
        }
        match result {
            Ok(()) => {
                self.leg_event(Part::B, LegEvent::Up, None, turn);
                self.target_too_late(turn);
            }
            Err(OpError::NotFound | OpError::Refused(409)) => {
                self.target_failed(silent_target(), turn);
            }
            Err(_) => {
                self.facts.target_is_asked = false;
                turn.set(ASKED_AGAIN_AFTER, self.attempt.id, Timer::Target);
            }
        }
    }
}

/// What time does.
impl Call {
    /// A timer of the call is due.
    pub(super) fn timer(&mut self, timer: Timer, turn: &mut Turn<'_>) {
        match timer {
            Timer::Stage => self.stage_now(turn),
            Timer::Ring => self.rang_too_long(turn),
            Timer::Unheard => self.ask_about_carrier(turn),
            Timer::Target => self.target_too_late(turn),
            Timer::MaxCall => self.talked_too_long(turn),
            Timer::Overdue => self.b_is_overdue(turn),
            Timer::Insist => self.insist(turn),
            Timer::Hold | Timer::Probe | Timer::Spacing => {}
        }
    }

    fn stage_now(&mut self, turn: &mut Turn<'_>) {
        if let Phase::Dialing { staging } = &mut self.phase {
            *staging = self.attempt.settings.target.staged;
            self.advance(turn);
        }
    }

    fn rang_too_long(&mut self, turn: &mut Turn<'_>) {
        if self.phase.is_dialing() {
            let verdict = match self.facts.a.hung_up {
                Some(hung_up) => self.verdict_when_hung_up(hung_up),
                None => Verdict::new(Disposition::NoAnswer, EndedBy::Timer).q850(19),
            };
            self.end(verdict, turn);
        }
    }

    /// It has shown no sign of life for nearly as long as it may.
    fn ask_about_carrier(&self, turn: &mut Turn<'_>) {
        let is_there = self.facts.a.presence == Presence::There;
        if self.phase.is_dialing() && is_there && !self.showed_life() {
            turn.out.push(Effect::AskCarrier(self.attempt.id));
        }
    }

    /// B did not answer in time, by what was heard. While events are missed a B that was dialed may
    /// have answered unheard, and no timer may cut that conversation: the census will tell. A socket
    /// may be silent as well, and not known to be, so Asterisk is asked first.
    fn target_too_late(&mut self, turn: &mut Turn<'_>) {
        let Phase::Connecting(answer) = self.phase else {
            return;
        };
        let attempt = self.attempt.id;
        let dialed = self.facts.target_was_dialed();
        if !turn.heard_all && dialed {
            return;
        }
        let settled_by = answer.at + self.attempt.settings.target.timeout + SETTLED_WITHIN;
        let is_asked = std::mem::replace(&mut self.facts.target_is_asked, true);
        if turn.now >= settled_by || sabotaged!(CutsUnheard) {
            self.target_failed(silent_target(), turn);
        } else if self.facts.b.talks() {
            // A is joining it.
            turn.out.timers.set(settled_by, attempt, Timer::Target);
        } else if !dialed || !self.facts.b.presence.may_live() || is_asked {
            self.target_failed(silent_target(), turn);
        } else {
            let a_joined = self.facts.a.has_joined();
            turn.set(TOLD_WITHIN, attempt, Timer::Target);
            self.attempt.ask(Op::AskTarget { a_joined }, turn.out);
        }
    }

    /// After a census the target that was too late when it was asked for is so for good.
    pub(super) fn set_target_timer(&self, asked_at: Time, turn: &mut Turn<'_>) {
        if let Phase::Connecting(answer) = self.phase {
            let limit = answer.at + self.attempt.settings.target.timeout;
            let due = if asked_at < limit {
                limit.max(turn.now + TARGET_GRACE)
            } else {
                limit
            };
            turn.out.timers.set(due, self.attempt.id, Timer::Target);
        }
    }

    fn talked_too_long(&mut self, turn: &mut Turn<'_>) {
        if self.phase.is_talking() {
            let verdict = Verdict::new(Disposition::Answered, EndedBy::Timer)
                .note("MAX_CALL_SECONDS reached");
            self.end(verdict, turn);
        }
    }

    /// B was on its way out, and nothing tells that it is gone: nobody waits for it.
    fn b_is_overdue(&mut self, turn: &mut Turn<'_>) {
        let b = self.facts.b.presence;
        if b == Presence::Elsewhere && self.facts.a.presence == Presence::There {
            let verdict = self.phase.verdict_when_handed_over().note(MOVED_B);
            return self.end(verdict, turn);
        }
        if b != Presence::Leaving || self.phase.is_hanging_up() {
            return;
        }
        if !self.b_is_staged() {
            return self.b_leaves(Some(HangupCause::default()), turn);
        }
        // Only when it is gone may another one have its id, and a request to end it, too late,
        // would end that one.
        let waits_since = self.phase.answered().map(|answer| answer.at);
        if waits_since.is_some_and(|since| since + STAGED_B_GOES_WITHIN <= turn.now) {
            let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target);
            self.target_failed(verdict.note(FAILED_TARGET), turn);
        } else {
            turn.set(B_ENDS_WITHIN, self.attempt.id, Timer::Overdue);
        }
    }

    /// What was asked to go should be gone by now, and a refused step is tried again.
    fn insist(&mut self, turn: &mut Turn<'_>) {
        let mut ops = Vec::new();
        let ending = self.phase.is_hanging_up();
        if self.facts.recording == RecordingPhase::Later && !ending {
            self.facts.recording = RecordingPhase::Not;
        }
        if ending {
            steps::insist(&self.facts, &mut ops);
        }
        steps::find_again(&self.facts, &mut ops);
        if ending || self.facts.is_any_away() {
            turn.set(INSIST_EVERY, self.attempt.id, Timer::Insist);
        }
        self.advance(turn);
        self.attempt.ask_all(ops, turn.out);
    }
}

/// How it ends.
impl Call {
    /// How it ended, once that is decided and A is gone.
    pub(super) fn over(&self) -> Option<Verdict> {
        let gone = self.durable && !self.facts.a.presence.may_live();
        match self.phase {
            Phase::HangingUp { verdict, .. } if gone => Some(verdict),
            _ => None,
        }
    }

    /// How it ended, once A is gone, with all that its events have told.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) -> Option<Verdict> {
        if self.facts.missed_each_other() {
            self.phase.take_back_conversation();
        }
        let verdict = self.over()?;
        let was_bridged = self.phase.bridged().is_some();
        recording::settle(&self.attempt, &mut self.facts, was_bridged, turn);
        Some(verdict)
    }

    /// A's phone has hung up, and Asterisk does not end its channel: it is given up.
    pub(super) fn give_up_a(&mut self, hung_up: HungUp, why: &'static str, turn: &mut Turn<'_>) {
        let verdict = self.verdict_when_hung_up(hung_up);
        self.phase.hang_up(turn.now, verdict);
        self.phase.explain(why);
        let gone = LegEvent::Gone(hung_up.cause.unwrap_or_default());
        self.leg_event(Part::A, gone, None, turn);
    }

    /// What A's end means where nothing was decided before. `rang_out`: CALL_TIMEOUT has
    /// passed.
    fn verdict_when_a_leaves(&self, cause: HangupCause, rang_out: bool) -> Verdict {
        let verdict = match self.phase {
            Phase::HangingUp { verdict, .. } => return verdict,
            Phase::Journaling | Phase::Dialing { .. }
                if self.facts.carrier == CarrierSays::Blocked =>
            {
                Verdict::new(Disposition::Blocked, EndedBy::Carrier).note(NETWORK_BLOCKED)
            }
            Phase::Journaling | Phase::Dialing { .. } => Verdict::unanswered(cause, rang_out),
            Phase::Connecting(_) => Verdict::new(Disposition::Abandoned, EndedBy::Callee),
            Phase::Talking(..) => Verdict::new(Disposition::Answered, EndedBy::Callee),
        };
        verdict.cause(cause)
    }

    /// What it means where nothing was decided before that A's phone has hung up or refused.
    fn verdict_when_hung_up(&self, hung_up: HungUp) -> Verdict {
        let rang_for = hung_up.at.since(self.attempt.begun_at);
        let rang_out = rang_for >= self.attempt.settings.call_timeout;
        self.verdict_when_a_leaves(hung_up.cause.unwrap_or_default(), rang_out)
    }

    /// A rang, sent early media, or answered.
    fn showed_life(&self) -> bool {
        let signs = self.ringing_at.or(self.early_media_at);
        signs.is_some() || self.phase.answered().is_some()
    }

    /// What is wrong with the trunk, where that is why the call ended so: nobody's phone rang.
    pub(super) fn trunk_fault(&self, verdict: Verdict) -> Option<TrunkFault> {
        if self.showed_life() || !matches!(verdict.by, EndedBy::Carrier | EndedBy::Timer) {
            return None;
        }
        if self.facts.carrier == CarrierSays::Nothing
            && verdict.disposition == Disposition::NoAnswer
        {
            return Some(NOTHING_CAME);
        }
        verdict.cause.trunk_fault()
    }

    /// How it has ended, as far as streaks go.
    pub(super) fn ending(&self, verdict: Verdict) -> Ending {
        Ending {
            lead: self.attempt.lead,
            disposition: verdict.disposition,
            by: verdict.by,
            cause: verdict.cause,
            rang: self.showed_life(),
            explained: verdict.note.is_some(),
        }
    }

    /// When it was over, A being gone at `now`: when its phone hung up, if that was told before.
    pub(super) fn ended_at(&self, now: Time) -> Time {
        let answered = self.phase.answered().map(|a| a.at);
        let bridged = self.phase.bridged().map(|b| b.at);
        let hung_up = self.facts.a.hung_up.map(|hung_up| hung_up.at);
        let latest = |at| {
            [answered, bridged]
                .into_iter()
                .flatten()
                .fold(at, Time::max)
        };
        hung_up.map_or(now, latest)
    }

    /// How it has ended, at `ended_at`, A being gone.
    pub(super) fn summary(&self, ended_at: Time, verdict: Verdict) -> CallSummary {
        let bridged = self.phase.bridged();
        CallSummary {
            attempt: self.attempt.id,
            lead: self.attempt.lead,
            number: self.attempt.number.clone(),
            inherited: self.attempt.inherited,
            settings: Arc::clone(&self.attempt.settings),
            begun_at: self.attempt.begun_at,
            ringing_at: self.ringing_at.or(self.early_media_at),
            answered_at: self.phase.answered().map(|a| a.at),
            target_dialed_at: self.facts.target_dialed_at,
            bridged_at: bridged.map(|b| b.at),
            ended_at,
            disposition: verdict.disposition,
            cause: verdict.cause,
            by: verdict.by,
            note: verdict.note,
            dead_air_ms: bridged.and_then(|b| b.dead_air_ms),
            recorded: matches!(
                self.facts.recording,
                RecordingPhase::Asked | RecordingPhase::Running | RecordingPhase::Ended
            ),
        }
    }
}

/// When Asterisk is asked whether the carrier has said anything.
fn ask_carrier_after(call_timeout: Duration) -> Duration {
    let end = call_timeout.min(SIP_GIVES_UP);
    end.saturating_sub(BEFORE_THE_END).max(end / 2)
}

fn silent_target() -> Verdict {
    Verdict::new(Disposition::Abandoned, EndedBy::Timer)
        .q850(19)
        .note(SILENT_TARGET)
}
