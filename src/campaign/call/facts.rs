//! What is known of the channels, the bridge and the recording of one call.
//!
//! Facts come from events and from answers to requests, in any order and sometimes twice.
//! None of them decides anything: that is `call.rs`.

use std::time::Duration;

use super::channel::{Channel, Join, Presence};
use super::stamps::{self, AsteriskClock, Stamps};
use crate::campaign::ids::Part;
use crate::campaign::io::{DialStatus, LegEvent, Op, OpError};
use crate::campaign::time::Time;

/// How often a refused bridge or join is tried again for somebody who has answered.
const MOST_TROUBLE: u8 = 3;

/// For how long after an originate was given up for unanswered Asterisk may still carry it out.
/// Starved to 0.85 of a core, with fifty calls up, Asterisk 22.10.1 took 1.7 s, and answered the
/// request to hang up, on another connection, 0.2 s before that: 404.
const MAY_STILL_COME: Duration = Duration::from_secs(10);

/// For how long an originate may still come whose process died: it waited for the answer until
/// then, at most for so long.
const MAY_COME_OF_THE_DEAD: Duration = Duration::from_secs(5 + MAY_STILL_COME.as_secs());

/// What is known of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RecordingPhase {
    #[default]
    Not,
    Asked,
    /// Nothing was sent: it is asked for again a little later.
    Later,
    Running,
    Ended,
    Failed,
}

impl RecordingPhase {
    /// It runs, or may, or will: its end is still to come.
    pub(crate) const fn is_awaited(self) -> bool {
        matches!(self, Self::Asked | Self::Later | Self::Running)
    }
}

/// How leg B is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Plan {
    /// `channels/create` while A rings, into the bridge, dialed at A's answer.
    #[default]
    Staged,
    /// `POST /channels` at A's answer, into the bridge when it answers.
    Plain,
}

/// The music that A hears until B answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Music {
    #[default]
    Off,
    /// Not to be stopped yet: the stop could overtake the start.
    Asked,
    On,
    Over,
}

/// Whether another channel has taken A's place, with which the recording goes on, behind what there
/// is of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Resumption {
    #[default]
    None,
    /// What was recorded before has not ended yet, by what was heard.
    Awaited,
    Due,
}

impl Resumption {
    pub(crate) const fn is_wanted(self) -> bool {
        !matches!(self, Self::None)
    }
}

/// What is known of the carrier beside the cause with which a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CarrierSays {
    #[default]
    Unknown,
    /// Asterisk was asked, and nothing had come back.
    Nothing,
    /// An analytics service refused the call, and a person did not.
    Blocked,
}

/// Everything of a call that lives in Asterisk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) a: Channel,
    pub(crate) b: Channel,
    pub(crate) snoop: Channel,
    pub(crate) bridge: Presence,
    pub(crate) recording: RecordingPhase,
    /// That it begins is on its way to the disk, or there.
    pub(crate) recording_noted: bool,
    pub(crate) plan: Plan,
    pub(crate) music: Music,
    pub(crate) target_dialed_at: Option<Time>,
    /// It did not answer in time, by what was heard, and Asterisk is being asked.
    pub(crate) target_is_asked: bool,
    pub(crate) resumption: Resumption,
    /// It was told that Asterisk does not end A.
    pub(crate) told_kept: bool,
    pub(crate) carrier: CarrierSays,
    trouble: u8,
    asterisk_clock: AsteriskClock,
}

impl Facts {
    /// A channel by its part; the second half of B is nobody's to command.
    pub(crate) const fn channel(&self, part: Part) -> Option<&Channel> {
        match part {
            Part::A => Some(&self.a),
            Part::B => Some(&self.b),
            Part::Snoop => Some(&self.snoop),
            Part::B2 | Part::Bridge => None,
        }
    }

    /// The same, to change it.
    pub(crate) const fn channel_mut(&mut self, part: Part) -> Option<&mut Channel> {
        match part {
            Part::A => Some(&mut self.a),
            Part::B => Some(&mut self.b),
            Part::Snoop => Some(&mut self.snoop),
            Part::B2 | Part::Bridge => None,
        }
    }

    /// What an event says about the channel itself, whatever the call's phase.
    pub(crate) fn note_event(
        &mut self,
        now: Time,
        part: Part,
        event: LegEvent,
        stamp_ms: Option<i64>,
    ) {
        self.asterisk_clock.note(stamp_ms);
        let Some(channel) = self.channel_mut(part) else {
            return;
        };
        channel.stamps.note(part, event, stamp_ms);
        if channel.presence.is_over() {
            // Late, or told twice.
            return;
        }
        channel.has_come(now);
        match event {
            // A snoop channel leaves our application when it ends; its ChannelDestroyed is
            // never sent (measured on 22.10.1).
            LegEvent::LeftApp | LegEvent::Leaving(_) | LegEvent::HungUp(_)
                if part == Part::Snoop =>
            {
                channel.gone();
            }
            LegEvent::LeftApp => channel.left_app(now),
            LegEvent::HandedOver => channel.handed_over(),
            LegEvent::Leaving(_) => channel.leaves(now),
            LegEvent::HungUp(cause) => channel.hangs_up(now, cause),
            LegEvent::Gone(_) => channel.gone(),
            LegEvent::Dial(status) => channel.up |= status == DialStatus::Answer,
            LegEvent::Entered => {
                channel.enters(now);
                // A enters our application when it has answered.
                channel.up |= part == Part::A;
            }
            LegEvent::Left | LegEvent::Blocked => {}
            LegEvent::Ringing | LegEvent::EarlyMedia => channel.exists(now),
            LegEvent::Up => {
                channel.exists(now);
                channel.up = true;
            }
            LegEvent::Joined => {
                channel.exists(now);
                channel.joins(now);
            }
        }
    }

    /// What an answer says about the parts, whatever the call's phase. Gives the result as far as
    /// it counts: events are the better witness, and an answer that they outran decides nothing.
    pub(crate) fn note_answer(
        &mut self,
        now: Time,
        op: Op,
        result: Result<(), OpError>,
    ) -> Result<(), OpError> {
        if (op, result) == (Op::OriginateB, Err(OpError::Refused(409))) {
            self.go_back_to_staged(now);
        }
        let result = if self.outran(op) { Ok(()) } else { result };
        self.note_result(now, op, result);
        result
    }

    fn note_result(&mut self, now: Time, op: Op, result: Result<(), OpError>) {
        // An answer that did not come in time: it may have been carried out.
        let done = matches!(result, Ok(()) | Err(OpError::Unknown));
        match op {
            Op::OriginateA => {
                self.creation_answered(now, Part::A, done);
                if result == Err(OpError::Unknown) {
                    self.a.doubtful_until = Some(now + MAY_STILL_COME);
                }
            }
            Op::CreateB | Op::OriginateB => self.creation_answered(now, Part::B, done),
            // It is made once. What made Asterisk refuse it would refuse it again.
            Op::Snoop if !done => self.snoop.gone(),
            Op::Snoop => self.creation_answered(now, Part::Snoop, done),
            Op::CreateBridge => self.bridge.answered(done),
            Op::Join(part) => {
                if let Some(channel) = self.channel_mut(part) {
                    channel.join_answered(done);
                }
            }
            // 409: a recording of this name runs. The name is the attempt's own, so a process
            // that died before it wrote that down has begun it.
            Op::Record
                if (done || result == Err(OpError::Refused(409)))
                    && self.recording == RecordingPhase::Asked =>
            {
                self.recording = RecordingPhase::Running;
            }
            Op::StartMusic if self.music == Music::Asked => {
                self.music = if done { Music::On } else { Music::Over };
            }
            Op::HangUp(part) if result == Err(OpError::NotFound) => {
                // Unless another one, not asked to go, has taken its place meanwhile.
                if let Some(channel) = self.channel_mut(part)
                    && channel.presence == Presence::Leaving
                    && (!channel.may_still_come(now) || sabotaged!(TrustsA404))
                {
                    channel.gone();
                }
            }
            Op::HangUp(part) if result.is_ok() => {
                if let Some(channel) = self.channel_mut(part) {
                    channel.is_to_end(now);
                }
            }
            Op::DestroyBridge if matches!(result, Ok(()) | Err(OpError::NotFound)) => {
                self.bridge = Presence::Gone;
            }
            Op::Find(_)
            | Op::AskTarget { .. }
            | Op::Record
            | Op::DialB
            | Op::StartMusic
            | Op::StopMusic
            | Op::HangUp(_)
            | Op::DestroyBridge => {}
        }
    }

    fn creation_answered(&mut self, now: Time, part: Part, done: bool) {
        if let Some(channel) = self.channel_mut(part)
            && channel.presence == Presence::Asked
        {
            channel.presence.answered(done);
            channel.since = now;
        }
    }

    /// Events have told already what came of `op`: its answer, late or lost, is old news.
    fn outran(&self, op: Op) -> bool {
        match op {
            Op::OriginateA => self.a.presence != Presence::Asked,
            // The B that this was about may have made room for another one.
            Op::CreateB => self.b.presence != Presence::Asked || self.b_is_plain(),
            Op::OriginateB => self.b.presence != Presence::Asked,
            Op::Snoop => self.snoop.presence != Presence::Asked,
            Op::Record => self.recording != RecordingPhase::Asked,
            Op::DialB => self.b.up || !self.b.presence.may_live(),
            Op::Join(Part::A) => self.a.join != Join::Asked,
            Op::Join(Part::B) => self.b.join != Join::Asked,
            _ => false,
        }
    }

    /// Asks where the legs are that left our application without a hangup.
    pub(crate) fn find(&mut self, ops: &mut Vec<Op>) {
        self.a.find(Part::A, ops);
        self.b.find(Part::B, ops);
    }

    /// A leg left our application, and it is not known yet where it is.
    pub(crate) fn is_any_away(&self) -> bool {
        self.a.presence.is_away() || self.b.presence.is_away()
    }

    /// Another channel has taken the place of a leg. Its own end, later, tells nothing of this
    /// call.
    pub(crate) fn replace(&mut self, now: Time, part: Part) {
        if let Some(channel) = self.channel_mut(part) {
            *channel = Channel::replacement(now);
        }
        if part == Part::A {
            // It ends with the channel that it listens to.
            self.snoop = Channel::default();
            self.resumption = match self.recording {
                RecordingPhase::Asked | RecordingPhase::Running => Resumption::Awaited,
                _ => Resumption::Due,
            };
        }
    }

    /// Nothing of the call is left in Asterisk.
    pub(crate) const fn all_gone(&self) -> bool {
        !(self.a.presence.may_live()
            || self.b.presence.may_live()
            || self.snoop.presence.may_live()
            || self.bridge.may_live())
    }

    /// Whether `part` may be alive; for telling strays.
    pub(crate) const fn knows(&self, part: Part) -> bool {
        match part {
            Part::A => self.a.presence.may_live(),
            Part::B | Part::B2 => self.b.presence.may_live(),
            Part::Snoop => self.snoop.presence.may_live(),
            Part::Bridge => self.bridge.may_live(),
        }
    }

    /// `op` leaves now.
    pub(crate) fn note_asked(&mut self, now: Time, op: Op) {
        let part = match op {
            Op::OriginateA => Part::A,
            Op::CreateB | Op::OriginateB => Part::B,
            Op::Snoop => Part::Snoop,
            _ => return,
        };
        if let Some(channel) = self.channel_mut(part) {
            channel.asked_at = now;
        }
    }

    /// Whether an event is a late one of a channel that has made room for another one.
    pub(crate) fn is_of_the_one_before(
        &self,
        part: Part,
        event: LegEvent,
        stamp_ms: Option<i64>,
    ) -> bool {
        let part = if part == Part::B2 { Part::B } else { part };
        self.channel(part)
            .is_some_and(|channel| channel.stamps.is_of_the_one_before(event, stamp_ms))
    }

    /// A census lists `part`.
    pub(crate) fn note_listed(&mut self, now: Time, part: Part) {
        if let Some(channel) = self.channel_mut(part) {
            channel.has_come(now);
            channel.exists(now);
        }
    }

    /// Whether what a census that was asked for at `asked_at` says of `part` is about this one.
    pub(crate) fn is_that_of_census(&self, part: Part, asked_at: Time) -> bool {
        // Of the second half of a local channel nothing is kept.
        let part = if part == Part::B2 { Part::B } else { part };
        self.channel(part).is_none_or(|c| c.asked_at <= asked_at)
    }

    /// Whether a census that was asked for at `asked_at` would have to list the channel.
    pub(crate) fn is_due_in_census(&self, part: Part, asked_at: Time) -> bool {
        self.channel(part)
            .is_some_and(|channel| channel.is_due_in_census(asked_at))
    }

    /// Whether a census that was asked for at `asked_at` would have to show the channel in the
    /// bridge.
    pub(crate) fn is_due_in_bridge(&self, part: Part, asked_at: Time) -> bool {
        self.channel(part)
            .is_some_and(|channel| channel.is_due_in_bridge(asked_at))
    }

    /// Nobody knew whether there would be an A, and it is not over yet.
    pub(crate) const fn is_a_in_doubt(&self) -> bool {
        self.a.doubtful_until.is_some() && self.a.presence.may_live()
    }

    /// There is no A, as far as is known, and one may still come.
    pub(crate) const fn is_a_only_feared(&self) -> bool {
        self.a.is_only_feared()
    }

    /// Nothing was heard of A when its process died: its originate may be on its way.
    pub(crate) fn doubt_a_of_the_dead(&mut self, now: Time) {
        if self.a.presence == Presence::Never {
            self.a.presence = Presence::Leaving;
            self.a.doubtful_until = Some(now + MAY_COME_OF_THE_DEAD);
        }
    }

    /// Asterisk was restarted: what was asked of the one before will never be carried out.
    pub(crate) fn doubt_no_more(&mut self) {
        self.a.doubtful_until = None;
    }

    /// Asterisk has a B already: the staged one, given up for unanswered, was made after all.
    /// It is dialed as planned.
    fn go_back_to_staged(&mut self, now: Time) {
        if matches!(self.b.presence, Presence::Asked | Presence::There) {
            self.b.exists(now);
            self.plan = Plan::Staged;
            self.target_dialed_at = None;
        }
    }

    /// The snoop channel was made a moment ago.
    pub(crate) fn snoop_is_new(&self, now: Time) -> bool {
        now.since(self.snoop.since) < Duration::from_secs(1)
    }

    /// B has been dialed, so its end is the target's answer.
    pub(crate) const fn target_was_dialed(&self) -> bool {
        self.target_dialed_at.is_some()
    }

    /// The present B was made and dialed in one.
    pub(crate) const fn b_is_plain(&self) -> bool {
        matches!(self.plan, Plan::Plain) && self.target_was_dialed()
    }

    /// Staging has failed: B is made at A's answer instead.
    pub(crate) fn fall_back_to_plain(&mut self) {
        if !self.target_was_dialed() {
            self.plan = Plan::Plain;
        }
    }

    pub(crate) fn note_trouble(&mut self) {
        self.trouble = self.trouble.saturating_add(1);
    }

    pub(crate) const fn is_hopeless(&self) -> bool {
        self.trouble >= MOST_TROUBLE
    }

    /// Both legs are up and in one bridge.
    pub(crate) fn is_bridged(&self) -> bool {
        let both_in = matches!(self.a.join, Join::In) && matches!(self.b.join, Join::In);
        self.a.up && self.b.up && both_in && !stamps::had_parted(self.legs(), self.asterisk_clock)
    }

    /// When, by Asterisk's clock in milliseconds since 1970, both were up and in the bridge;
    /// `None` where a part of that was not told by an event.
    pub(crate) fn met_ms(&self) -> Option<i64> {
        stamps::met_ms(self.legs())
    }

    /// One of the two had left before the other one came. Events can arrive in another order,
    /// so that it looks like a conversation until the last of them is here.
    pub(crate) fn missed_each_other(&self) -> bool {
        stamps::missed_each_other(self.legs())
    }

    const fn legs(&self) -> [Stamps; 2] {
        [self.a.stamps, self.b.stamps]
    }
}
