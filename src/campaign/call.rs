//! One call: what phase it is in, and what may be done next.
//!
//! Facts about channels arrive in any order (an event may beat the HTTP answer of the
//! request that caused it), so they are kept apart from the phase, which only moves
//! forward. After every input [`Call::next_ops`] is asked what can be done now.

use super::channel::{Channel, HungUp, Join, Presence};
use super::facts::{CarrierSays, Facts, Music, Plan, Recording};
use super::io::{CallSummary, Op};
use super::rules::Rules;
use super::{
    AttemptId, Disposition, EndedBy, Ending, HangupCause, LeadId, Number, Part, RunId, Time,
};

/// Who was bridged by the events' order, and not by their times.
const MISSED: &str = "one had hung up before the other one came";

/// Of a 603 with these words.
const NETWORK_BLOCKED: &str = "SIP 603 Network Blocked: an analytics service took it for spam";

/// The moment of A's answer, by our clock and by Asterisk's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) at: Time,
    pub(super) stamp_ms: Option<i64>,
}

/// The moment when both were up and in one bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bridged {
    pub(super) at: Time,
    /// `None` where nobody heard when it began.
    pub(super) dead_air_ms: Option<u32>,
}

/// How a call will have ended once A is gone. The first one that is set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) disposition: Disposition,
    pub(super) by: EndedBy,
    pub(super) cause: HangupCause,
    pub(super) note: Option<&'static str>,
}

/// Where a call stands. It only moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its beginning is on the way to the disk. Nothing has left.
    Journaling,
    /// A was asked for.
    Dialing { staging: bool },
    /// A answered; B is being reached.
    Connecting(Answer),
    /// Both are up in one bridge.
    Talking(Answer, Bridged),
    /// It is decided how it ends; A still has to go.
    HangingUp {
        since: Time,
        verdict: Verdict,
        answered: Option<Answer>,
        bridged: Option<Bridged>,
    },
}

/// A call: it holds a slot from the decision to dial until A is gone.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) attempt: AttemptId,
    pub(super) run: RunId,
    pub(super) lead: LeadId,
    pub(super) number: Number,
    pub(super) rules: Rules,
    /// The attempt at its lead before this one.
    pub(super) before: Option<AttemptId>,
    pub(super) begun_at: Time,
    pub(super) ringing_at: Option<Time>,
    pub(super) early_media_at: Option<Time>,
    pub(super) phase: Phase,
    pub(super) facts: Facts,
    pub(super) agent_at: Option<Time>,
    /// Its beginning is on disk: before that it can't end there either.
    pub(super) durable: bool,
    /// A dead process has dialed it.
    pub(super) inherited: bool,
    /// That its recording begins is on its way to the disk, or there.
    pub(super) recording_noted: bool,
}

impl Verdict {
    pub(super) const fn new(disposition: Disposition, by: EndedBy) -> Self {
        Self {
            disposition,
            by,
            cause: HangupCause { q850: 0, sip: None },
            note: None,
        }
    }

    pub(super) const fn cause(self, cause: HangupCause) -> Self {
        Self { cause, ..self }
    }

    pub(super) const fn q850(self, q850: u16) -> Self {
        self.cause(HangupCause { q850, sip: None })
    }

    pub(super) const fn note(self, note: &'static str) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }
}

impl Call {
    /// What can be done now. What is returned counts as asked for.
    pub(super) fn next_ops(&mut self, now: Time) -> Vec<Op> {
        let mut ops = Vec::new();
        self.facts.find(&mut ops);
        match self.phase {
            Phase::Journaling | Phase::Dialing { staging: false } => {}
            Phase::Dialing { staging: true } => self.stage(&mut ops),
            Phase::Connecting(_) => {
                self.stage(&mut ops);
                self.connect(now, &mut ops);
                self.play(&mut ops);
                self.record(&mut ops);
            }
            Phase::Talking(..) => {
                self.rejoin(&mut ops);
                if self.facts.resumption.is_wanted() {
                    self.facts.snoop(&mut ops);
                }
                self.play(&mut ops);
                self.record(&mut ops);
            }
            Phase::HangingUp { .. } => self.facts.take_down(&mut ops),
        }
        ops
    }

    /// The bridge, and B in it, not dialed.
    fn stage(&mut self, ops: &mut Vec<Op>) {
        let f = &mut self.facts;
        if f.bridge == Presence::Never {
            f.bridge = Presence::Asked;
            ops.push(Op::CreateBridge);
        }
        if f.plan == Plan::Staged && f.b.presence == Presence::Never {
            f.b = Channel::asked();
            ops.push(Op::CreateB);
        }
        // Made now, it records from the answer on with a single request.
        f.snoop(ops);
        // A staged B that failed is on its way out, not into the bridge.
        let may_join = f.plan == Plan::Staged || f.b_is_plain();
        if may_join
            && f.bridge == Presence::There
            && f.b.presence == Presence::There
            && f.b.entered
            && f.b.join == Join::Not
        {
            f.b.join = Join::Asked;
            ops.push(Op::Join(Part::B));
        }
    }

    /// A has answered: A into the bridge and B dialed, side by side.
    fn connect(&mut self, now: Time, ops: &mut Vec<Op>) {
        let f = &mut self.facts;
        // A channel in a bridge hears the bridge, so music comes before it.
        let may_join = !self.rules.music || f.b.talks();
        if may_join
            && f.bridge == Presence::There
            && f.a.presence == Presence::There
            && f.a.entered
            && f.a.join == Join::Not
        {
            f.a.join = Join::Asked;
            ops.push(Op::Join(Part::A));
        }
        if f.target_was_dialed() {
            return;
        }
        match f.plan {
            Plan::Staged if matches!(f.b.join, Join::Accepted | Join::In) => {
                f.target_dialed_at = Some(now);
                ops.push(Op::DialB);
            }
            Plan::Plain if matches!(f.b.presence, Presence::Never | Presence::Gone) => {
                f.target_dialed_at = Some(now);
                f.b = f.b.asked_again();
                ops.push(Op::OriginateB);
            }
            // A staged B that failed has to go before another may have its id.
            Plan::Plain => f.b.hang_up(Part::B, ops),
            Plan::Staged => {}
        }
    }

    /// A leg that was moved out of our application and came back is out of the bridge.
    fn rejoin(&mut self, ops: &mut Vec<Op>) {
        let f = &mut self.facts;
        for (part, leg) in [(Part::A, &mut f.a), (Part::B, &mut f.b)] {
            if leg.presence == Presence::There && leg.entered && leg.join == Join::Not {
                leg.join = Join::Asked;
                ops.push(Op::Join(part));
            }
        }
    }

    fn play(&mut self, ops: &mut Vec<Op>) {
        let f = &mut self.facts;
        match f.music {
            Music::Off if self.rules.music && f.a.entered && !f.b.up => {
                f.music = Music::Asked;
                ops.push(Op::StartMusic);
            }
            Music::On if f.b.talks() => {
                f.music = Music::Over;
                ops.push(Op::StopMusic);
            }
            Music::Off | Music::Asked | Music::On | Music::Over => {}
        }
    }

    fn record(&mut self, ops: &mut Vec<Op>) {
        let f = &mut self.facts;
        if f.recording != Recording::Not {
            return;
        }
        if f.snoop.presence == Presence::There && f.snoop.entered {
            f.recording = Recording::Asked;
            ops.push(Op::Record);
        }
    }

    /// A has answered. Whether that is news.
    pub(super) fn answer(&mut self, answer: Answer) -> bool {
        match &mut self.phase {
            Phase::Dialing { .. } => {
                self.phase = Phase::Connecting(answer);
                true
            }
            // The hangup was on its way: who picked up hears nobody.
            Phase::HangingUp {
                verdict,
                answered: answered @ None,
                ..
            } => {
                *answered = Some(answer);
                verdict.disposition = Disposition::Abandoned;
                true
            }
            _ => false,
        }
    }

    /// Moves on to the conversation once both are up and in the bridge: after how many
    /// milliseconds of dead air.
    pub(super) fn become_bridged(&mut self, now: Time) -> Option<u32> {
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

    /// Decides how the call ends, unless that is decided.
    pub(super) fn hang_up(&mut self, now: Time, verdict: Verdict) {
        let (answered, bridged) = match self.phase {
            Phase::HangingUp { .. } => return,
            _ => (self.answered(), self.bridged()),
        };
        self.phase = Phase::HangingUp {
            since: now,
            verdict,
            answered,
            bridged,
        };
    }

    /// A is somebody else's now, whatever was decided before.
    pub(super) fn hand_over(&mut self, now: Time, verdict: Verdict) {
        if let Phase::HangingUp { verdict: was, .. } = &mut self.phase {
            (was.by, was.note) = (verdict.by, verdict.note);
        } else {
            self.hang_up(now, verdict);
        }
    }

    /// How it ended, once that is decided and A is gone.
    pub(super) fn over(&self) -> Option<Verdict> {
        let gone = self.durable && !self.facts.a.presence.may_live();
        match self.phase {
            Phase::HangingUp { verdict, .. } if gone => Some(verdict),
            _ => None,
        }
    }

    /// Takes back a conversation that there never was: only the last events told that one had
    /// left before the other one came.
    pub(super) fn correct(&mut self) {
        if let Phase::HangingUp {
            verdict, bridged, ..
        } = &mut self.phase
            && bridged.is_some()
            && self.facts.missed_each_other()
        {
            *bridged = None;
            *verdict = Verdict {
                disposition: Disposition::Abandoned,
                ..verdict.note(MISSED)
            };
        }
    }

    /// What it means where nothing was decided before that somebody has moved a leg elsewhere.
    pub(super) const fn verdict_when_handed_over(&self) -> Verdict {
        let disposition = match self.phase {
            Phase::Talking(..) => Disposition::Answered,
            _ => Disposition::Abandoned,
        };
        Verdict::new(disposition, EndedBy::HandedOver)
    }

    /// A's end tells the cause, where nothing told one before.
    pub(super) fn note_cause(&mut self, cause: HangupCause) {
        if let Phase::HangingUp { verdict, .. } = &mut self.phase
            && verdict.cause == HangupCause::default()
        {
            verdict.cause = cause;
        }
    }

    /// A note on its end, where there is none.
    pub(super) fn explain(&mut self, note: &'static str) {
        if let Phase::HangingUp { verdict, .. } = &mut self.phase {
            verdict.note.get_or_insert(note);
        }
    }

    pub(super) const fn is_hanging_up(&self) -> bool {
        matches!(self.phase, Phase::HangingUp { .. })
    }

    pub(super) const fn answered(&self) -> Option<Answer> {
        match self.phase {
            Phase::Journaling | Phase::Dialing { .. } => None,
            Phase::Connecting(answer) | Phase::Talking(answer, _) => Some(answer),
            Phase::HangingUp { answered, .. } => answered,
        }
    }

    pub(super) const fn bridged(&self) -> Option<Bridged> {
        match self.phase {
            Phase::Journaling | Phase::Dialing { .. } | Phase::Connecting(_) => None,
            Phase::Talking(_, bridged) => Some(bridged),
            Phase::HangingUp { bridged, .. } => bridged,
        }
    }

    /// What A's end means where nothing was decided before. `rang_out`: CALL_TIMEOUT has
    /// passed.
    pub(super) fn verdict_when_a_leaves(&self, cause: HangupCause, rang_out: bool) -> Verdict {
        let verdict = match self.phase {
            Phase::HangingUp { verdict, .. } => return verdict,
            Phase::Journaling | Phase::Dialing { .. }
                if self.facts.carrier == CarrierSays::Blocked =>
            {
                Verdict::new(Disposition::Blocked, EndedBy::Carrier).note(NETWORK_BLOCKED)
            }
            Phase::Journaling | Phase::Dialing { .. } => unanswered(cause, rang_out),
            Phase::Connecting(_) => Verdict::new(Disposition::Abandoned, EndedBy::Callee),
            Phase::Talking(..) => Verdict::new(Disposition::Answered, EndedBy::Callee),
        };
        verdict.cause(cause)
    }

    /// A rang, sent early media, or answered.
    pub(super) fn showed_life(&self) -> bool {
        let signs = self.ringing_at.or(self.early_media_at);
        signs.is_some() || self.answered().is_some()
    }

    /// How it has ended, as far as streaks go.
    pub(super) fn ending(&self, verdict: Verdict) -> Ending {
        Ending {
            lead: self.lead,
            disposition: verdict.disposition,
            by: verdict.by,
            cause: verdict.cause,
            rang: self.showed_life(),
            explained: verdict.note.is_some(),
        }
    }

    /// What it means where nothing was decided before that A's phone has hung up or refused.
    pub(super) fn verdict_when_hung_up(&self, hung_up: HungUp) -> Verdict {
        let rang_out = hung_up.at.since(self.begun_at) >= self.rules.call_timeout;
        self.verdict_when_a_leaves(hung_up.cause.unwrap_or_default(), rang_out)
    }

    /// When it was over, A being gone at `now`: when its phone hung up, if that was told before.
    pub(super) fn ended_at(&self, now: Time) -> Time {
        let known = [self.answered().map(|a| a.at), self.bridged().map(|b| b.at)];
        let hung_up = self.facts.a.hung_up.map(|hung_up| hung_up.at);
        let ended_at = hung_up.map(|at| known.into_iter().flatten().fold(at, Time::max));
        ended_at.unwrap_or(now)
    }

    /// How the call has ended, now that A is gone.
    pub(super) fn summary(&self, now: Time, verdict: Verdict) -> CallSummary {
        let bridged = self.bridged();
        CallSummary {
            attempt: self.attempt,
            lead: self.lead,
            number: self.number.clone(),
            begun_at: self.begun_at,
            ringing_at: self.ringing_at.or(self.early_media_at),
            answered_at: self.answered().map(|a| a.at),
            target_dialed_at: self.facts.target_dialed_at,
            bridged_at: bridged.map(|b| b.at),
            ended_at: now,
            disposition: verdict.disposition,
            cause: verdict.cause,
            by: verdict.by,
            note: verdict.note,
            dead_air_ms: bridged.and_then(|b| b.dead_air_ms),
            recorded: matches!(
                self.facts.recording,
                Recording::Asked | Recording::Running | Recording::Ended
            ),
        }
    }
}

/// What the end of an A that never answered means.
fn unanswered(cause: HangupCause, rang_out: bool) -> Verdict {
    match cause.disposition() {
        Disposition::NoAnswer if rang_out => Verdict::new(Disposition::NoAnswer, EndedBy::Timer),
        // Older versions of Asterisk end an originate that timed out with 0 or 16.
        Disposition::Failed if rang_out && matches!(cause.q850, 0 | 16) => {
            Verdict::new(Disposition::NoAnswer, EndedBy::Timer)
        }
        Disposition::Failed if cause == HangupCause::default() => {
            Verdict::new(Disposition::Failed, EndedBy::Carrier).note("Asterisk did not tell why")
        }
        other => Verdict::new(other, EndedBy::Carrier),
    }
}
