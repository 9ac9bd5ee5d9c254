//! One call: what is known of its parts, what phase it is in, and what may be done next.
//!
//! Facts about channels arrive in any order (an event may beat the HTTP answer of the
//! request that caused it), so they are kept apart from the phase, which only moves
//! forward. After every input [`Call::next_ops`] is asked what can be done now.

use super::io::{CallSummary, Op, Policy};
use super::{AttemptId, Disposition, EndedBy, HangupCause, LeadId, Number, Part, RunId, Time};

/// How often a refused bridge or join is tried again for somebody who has answered.
const MOST_TROUBLE: u8 = 3;

/// Whether a channel or bridge exists, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Presence {
    /// Not asked for.
    #[default]
    Never,
    /// Asked for, and neither confirmed nor refused. It must not be deleted yet: the
    /// delete could overtake the creation.
    Asked,
    /// It exists.
    There,
    /// Its end was asked for.
    Leaving,
    /// It is no more.
    Gone,
}

impl Presence {
    pub(super) const fn may_live(self) -> bool {
        matches!(self, Self::Asked | Self::There | Self::Leaving)
    }
}

/// How far a channel is into the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Join {
    #[default]
    Not,
    Asked,
    /// Asterisk said yes; its event is still to come.
    Accepted,
    In,
}

/// What is known of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Channel {
    pub(super) presence: Presence,
    /// In our Stasis application: only then may it join a bridge (422 before).
    entered: bool,
    up: bool,
    join: Join,
}

/// What is known of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Recording {
    #[default]
    Not,
    Asked,
    Running,
    Ended,
    Failed,
}

/// How leg B is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Plan {
    /// `channels/create` while A rings, into the bridge, dialed at A's answer.
    #[default]
    Staged,
    /// `POST /channels` at A's answer, into the bridge when it answers.
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Music {
    #[default]
    Off,
    On,
    Over,
}

/// Everything of a call that lives in Asterisk.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) a: Channel,
    pub(super) b: Channel,
    pub(super) snoop: Channel,
    pub(super) bridge: Presence,
    pub(super) recording: Recording,
    plan: Plan,
    music: Music,
    target_dialed_at: Option<Time>,
    trouble: u8,
}

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
    pub(super) dead_air_ms: u32,
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
    Dialing {
        ringing_at: Option<Time>,
        staging: bool,
    },
    /// A answered; B is being reached.
    Connecting(Answer),
    /// Both are up in one bridge.
    Talking(Answer, Bridged),
    /// It is decided how it ends; A still has to go.
    HangingUp {
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
    pub(super) begun_at: Time,
    pub(super) phase: Phase,
    pub(super) facts: Facts,
    pub(super) agent_at: Option<Time>,
}

impl Facts {
    /// A channel by its part; the second half of B is nobody's to command.
    pub(super) fn channel(&mut self, part: Part) -> Option<&mut Channel> {
        match part {
            Part::A => Some(&mut self.a),
            Part::B => Some(&mut self.b),
            Part::Snoop => Some(&mut self.snoop),
            Part::B2 | Part::Bridge => None,
        }
    }

    /// Asks for whatever must go: channels first, the bridge when both legs are gone, for
    /// deleting a bridge under a channel that hangs up overwrites the hangup cause.
    pub(super) fn take_down(&mut self, with_a: bool, ops: &mut Vec<Op>) {
        if with_a {
            hang_up(&mut self.a, Part::A, ops);
        }
        hang_up(&mut self.b, Part::B, ops);
        if !self.a.presence.may_live() {
            // While A lives the snoop hears its last words.
            hang_up(&mut self.snoop, Part::Snoop, ops);
        }
        if self.bridge == Presence::There
            && !self.a.presence.may_live()
            && !self.b.presence.may_live()
        {
            self.bridge = Presence::Leaving;
            ops.push(Op::DestroyBridge);
        }
    }

    /// Asks again for what was asked to go and did not: its answer or event is overdue.
    pub(super) fn insist(&self, ops: &mut Vec<Op>) {
        for (part, channel) in [
            (Part::A, &self.a),
            (Part::B, &self.b),
            (Part::Snoop, &self.snoop),
        ] {
            if channel.presence == Presence::Leaving {
                ops.push(Op::HangUp(part));
            }
        }
        if self.bridge == Presence::Leaving {
            ops.push(Op::DestroyBridge);
        }
    }

    /// Nothing of the call is left in Asterisk.
    pub(super) const fn all_gone(&self) -> bool {
        !(self.a.presence.may_live()
            || self.b.presence.may_live()
            || self.snoop.presence.may_live()
            || self.bridge.may_live())
    }

    /// Whether `part` may be alive; for telling strays.
    pub(super) const fn knows(&self, part: Part) -> bool {
        match part {
            Part::A => self.a.presence.may_live(),
            Part::B | Part::B2 => self.b.presence.may_live(),
            Part::Snoop => self.snoop.presence.may_live(),
            Part::Bridge => self.bridge.may_live(),
        }
    }

    /// B has been dialed, so its end is the target's answer.
    pub(super) const fn target_was_dialed(&self) -> bool {
        self.target_dialed_at.is_some()
    }

    pub(super) fn note_trouble(&mut self) {
        self.trouble = self.trouble.saturating_add(1);
    }

    pub(super) const fn is_hopeless(&self) -> bool {
        self.trouble >= MOST_TROUBLE
    }

    /// Staging has failed: B is made at A's answer instead.
    pub(super) fn fall_back_to_plain(&mut self) {
        if !self.target_was_dialed() {
            self.plan = Plan::Plain;
        }
    }

    /// Both legs are up and the bridge exists: enough to adopt a conversation.
    pub(super) const fn could_talk(&self) -> bool {
        self.a.up && self.b.up && matches!(self.bridge, Presence::There)
    }

    /// Both legs are up and Asterisk has told that both are in the bridge.
    const fn is_bridged(&self) -> bool {
        self.a.up && self.b.up && matches!(self.a.join, Join::In) && matches!(self.b.join, Join::In)
    }
}

fn hang_up(channel: &mut Channel, part: Part, ops: &mut Vec<Op>) {
    if channel.presence == Presence::There {
        channel.presence = Presence::Leaving;
        ops.push(Op::HangUp(part));
    }
}

impl Channel {
    pub(super) fn seen(&mut self) {
        if matches!(self.presence, Presence::Never | Presence::Asked) {
            self.presence = Presence::There;
        }
    }

    pub(super) fn entered(&mut self) {
        self.seen();
        self.entered = true;
    }

    pub(super) fn went_up(&mut self) {
        self.seen();
        self.up = true;
    }

    pub(super) fn join_accepted(&mut self) {
        if self.join == Join::Asked {
            self.join = Join::Accepted;
        }
    }

    pub(super) fn join_refused(&mut self) {
        if self.join == Join::Asked {
            self.join = Join::Not;
        }
    }

    pub(super) fn joined(&mut self) {
        self.seen();
        self.join = Join::In;
    }

    pub(super) fn gone(&mut self) {
        *self = Self {
            presence: Presence::Gone,
            ..Self::default()
        };
    }
}

impl Call {
    /// What can be done now. What is returned counts as asked for.
    pub(super) fn next_ops(&mut self, now: Time, policy: &Policy) -> Vec<Op> {
        let mut ops = Vec::new();
        match self.phase {
            Phase::Journaling | Phase::Dialing { staging: false, .. } => {}
            Phase::Dialing { staging: true, .. } => self.stage(&mut ops),
            Phase::Connecting(_) => {
                self.stage(&mut ops);
                self.connect(now, policy, &mut ops);
                self.record(&mut ops);
            }
            Phase::Talking(..) => self.record(&mut ops),
            Phase::HangingUp { .. } => self.facts.take_down(true, &mut ops),
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
            f.b.presence = Presence::Asked;
            ops.push(Op::CreateB);
        }
        if f.bridge == Presence::There
            && f.b.presence == Presence::There
            && f.b.entered
            && f.b.join == Join::Not
        {
            f.b.join = Join::Asked;
            ops.push(Op::Join(Part::B));
        }
    }

    /// A has answered: A into the bridge and B dialed, side by side.
    fn connect(&mut self, now: Time, policy: &Policy, ops: &mut Vec<Op>) {
        self.join_a(policy, ops);
        let f = &mut self.facts;
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
                f.b = Channel {
                    presence: Presence::Asked,
                    ..Channel::default()
                };
                ops.push(Op::OriginateB);
            }
            // A staged B that failed has to go before another may have its id.
            Plan::Plain => hang_up(&mut f.b, Part::B, ops),
            Plan::Staged => {}
        }
    }

    fn join_a(&mut self, policy: &Policy, ops: &mut Vec<Op>) {
        let f = &mut self.facts;
        if !f.a.entered || f.a.presence != Presence::There {
            return;
        }
        if policy.music && !f.b.up {
            // A channel in a bridge hears the bridge, so music comes before it.
            if f.music == Music::Off {
                f.music = Music::On;
                ops.push(Op::StartMusic);
            }
            return;
        }
        if f.music == Music::On {
            f.music = Music::Over;
            ops.push(Op::StopMusic);
        }
        if f.bridge == Presence::There && f.a.join == Join::Not {
            f.a.join = Join::Asked;
            ops.push(Op::Join(Part::A));
        }
    }

    fn record(&mut self, ops: &mut Vec<Op>) {
        let f = &mut self.facts;
        if f.recording == Recording::Not && f.snoop.presence == Presence::Never && f.a.entered {
            f.snoop.presence = Presence::Asked;
            ops.push(Op::Snoop);
        }
        if f.recording == Recording::Not && f.snoop.presence == Presence::There && f.snoop.entered {
            f.recording = Recording::Asked;
            ops.push(Op::Record);
        }
    }

    /// Moves on to the conversation once both are up and in the bridge. `stamp_ms` is
    /// Asterisk's time of the event that made it so.
    pub(super) fn become_bridged(&mut self, now: Time, stamp_ms: Option<i64>) -> Option<Bridged> {
        let Phase::Connecting(answer) = self.phase else {
            return None;
        };
        if !self.facts.is_bridged() {
            return None;
        }
        let by_asterisk = answer
            .stamp_ms
            .zip(stamp_ms)
            .map(|(from, to)| to.saturating_sub(from).max(0).unsigned_abs());
        let by_us = || {
            now.since(answer.at)
                .as_millis()
                .try_into()
                .unwrap_or(u64::MAX)
        };
        let dead_air = by_asterisk.unwrap_or_else(by_us);
        let bridged = Bridged {
            at: now,
            dead_air_ms: u32::try_from(dead_air).unwrap_or(u32::MAX),
        };
        self.phase = Phase::Talking(answer, bridged);
        Some(bridged)
    }

    /// Decides how the call ends, unless that is decided.
    pub(super) fn hang_up(&mut self, verdict: Verdict) {
        let (answered, bridged) = match self.phase {
            Phase::HangingUp { .. } => return,
            Phase::Journaling | Phase::Dialing { .. } => (None, None),
            Phase::Connecting(answer) => (Some(answer), None),
            Phase::Talking(answer, bridged) => (Some(answer), Some(bridged)),
        };
        self.phase = Phase::HangingUp {
            verdict,
            answered,
            bridged,
        };
    }

    /// How the call has ended, now that A is gone.
    pub(super) fn summary(&self, now: Time, verdict: Verdict) -> CallSummary {
        let (answered, bridged) = match self.phase {
            Phase::Journaling | Phase::Dialing { .. } => (None, None),
            Phase::Connecting(a) => (Some(a), None),
            Phase::Talking(a, b) => (Some(a), Some(b)),
            Phase::HangingUp {
                answered, bridged, ..
            } => (answered, bridged),
        };
        CallSummary {
            attempt: self.attempt,
            lead: self.lead,
            number: self.number.clone(),
            begun_at: self.begun_at,
            answered_at: answered.map(|a| a.at),
            target_dialed_at: self.facts.target_dialed_at,
            bridged_at: bridged.map(|b| b.at),
            ended_at: now,
            disposition: verdict.disposition,
            cause: verdict.cause,
            by: verdict.by,
            note: verdict.note,
            dead_air_ms: bridged.map(|b| b.dead_air_ms),
            recorded: matches!(
                self.facts.recording,
                Recording::Asked | Recording::Running | Recording::Ended
            ),
        }
    }

    /// What A's end means where nothing was decided before.
    pub(super) fn verdict_when_a_leaves(&self, cause: HangupCause, rang_out: bool) -> Verdict {
        let (disposition, by) = match self.phase {
            Phase::HangingUp { verdict, .. } => return verdict,
            Phase::Journaling | Phase::Dialing { .. } => match cause.disposition() {
                Disposition::NoAnswer if rang_out => (Disposition::NoAnswer, EndedBy::Timer),
                other => (other, EndedBy::Carrier),
            },
            Phase::Connecting(_) => (Disposition::Abandoned, EndedBy::Callee),
            Phase::Talking(..) => (Disposition::Answered, EndedBy::Callee),
        };
        Verdict {
            disposition,
            by,
            cause,
            note: None,
        }
    }
}
