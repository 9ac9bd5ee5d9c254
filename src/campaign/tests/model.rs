//! A small Asterisk: carries requests out at once, and tells what comes of them as events.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::super::*;
use super::rig::cause;

pub(super) type Channel = (AttemptId, Part);

/// What becomes of whoever is called, in milliseconds from the dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The channel ends with this cause.
    Fails { after: u64, q850: u16 },
    /// Answers, and hangs up after so long a talk, if ever.
    Answers { after: u64, talks: Option<u64> },
    /// `Dial` BUSY; the channel stays.
    BusyTone { after: u64 },
    /// Rings until the timeout.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts about a channel, independent of each other"
)]
struct State {
    up: bool,
    in_app: bool,
    in_bridge: bool,
    dialed: bool,
}

/// What is going to happen by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Rings,
    Answers(Option<u64>),
    Busy,
    Ends(u16),
    /// Only if it is not up by then.
    TimesOut,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) now: Time,
    pub(super) fates: BTreeMap<Channel, Fate>,
    pub(super) connected: bool,
    pub(super) events: VecDeque<Input>,
    /// Everybody who was dialed, by number.
    pub(super) dialed: Vec<(AttemptId, Number)>,
    /// The attempts whose both legs were up in one bridge.
    pub(super) bridged: BTreeSet<AttemptId>,
    channels: BTreeMap<Channel, State>,
    bridges: BTreeSet<AttemptId>,
    recording: BTreeSet<AttemptId>,
    agenda: BTreeSet<(Time, u64, Channel, Happening)>,
    serial: u64,
}

const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const TARGET_TIMEOUT: Duration = Duration::from_secs(20);

impl Model {
    /// Carries out a request.
    pub(super) fn execute(
        &mut self,
        attempt: AttemptId,
        op: Op,
        number: &Number,
    ) -> Result<(), OpError> {
        match op {
            Op::OriginateA => {
                self.make((attempt, Part::A))?;
                self.dialed.push((attempt, number.clone()));
                self.dial((attempt, Part::A), CALL_TIMEOUT)
            }
            Op::CreateB => {
                self.make((attempt, Part::B))?;
                self.enter((attempt, Part::B))
            }
            Op::OriginateB => {
                self.make((attempt, Part::B))?;
                self.dial((attempt, Part::B), TARGET_TIMEOUT)
            }
            Op::DialB => self.dial((attempt, Part::B), TARGET_TIMEOUT),
            Op::CreateBridge => {
                self.bridges.insert(attempt);
                Ok(())
            }
            Op::Join(part) => self.join((attempt, part)),
            Op::Snoop => {
                self.state((attempt, Part::A))?;
                self.make((attempt, Part::Snoop))?;
                self.state((attempt, Part::Snoop))?.up = true;
                self.enter((attempt, Part::Snoop))
            }
            Op::Record => {
                self.state((attempt, Part::Snoop))?;
                self.recording.insert(attempt);
                Ok(())
            }
            Op::Find(part) => {
                self.state((attempt, part))?;
                Err(OpError::Refused(409))
            }
            Op::AskTarget { .. } => {
                let up = self.state((attempt, Part::B))?.up;
                up.then_some(()).ok_or(OpError::Refused(409))
            }
            Op::StartMusic | Op::StopMusic => self.state((attempt, Part::A)).map(drop),
            Op::HangUp(part) => {
                self.state((attempt, part))?;
                self.tell((attempt, part), LegEvent::Leaving(None));
                self.destroy((attempt, part), 16);
                Ok(())
            }
            Op::DestroyBridge if self.bridges.remove(&attempt) => Ok(()),
            Op::DestroyBridge => Err(OpError::NotFound),
        }
    }

    pub(super) fn take_down(&mut self, attempt: AttemptId, part: Part) {
        let number = Number::parse("0").expect("a digit");
        let op = match part {
            Part::Bridge => Op::DestroyBridge,
            part => Op::HangUp(part),
        };
        let _ = self.execute(attempt, op, &number);
    }

    fn make(&mut self, channel: Channel) -> Result<(), OpError> {
        if self.channels.contains_key(&channel) {
            return Err(OpError::Refused(409));
        }
        self.channels.insert(channel, State::default());
        Ok(())
    }

    fn state(&mut self, channel: Channel) -> Result<&mut State, OpError> {
        self.channels.get_mut(&channel).ok_or(OpError::NotFound)
    }

    fn enter(&mut self, channel: Channel) -> Result<(), OpError> {
        self.state(channel)?.in_app = true;
        self.tell(channel, LegEvent::Entered);
        Ok(())
    }

    fn join(&mut self, channel: Channel) -> Result<(), OpError> {
        let bridge_exists = self.bridges.contains(&channel.0);
        let state = self.state(channel)?;
        if !bridge_exists {
            return Err(OpError::NotFound);
        }
        if !state.in_app {
            return Err(OpError::Refused(422));
        }
        if !std::mem::replace(&mut state.in_bridge, true) {
            self.tell(channel, LegEvent::Joined);
        }
        self.see_bridged(channel.0);
        Ok(())
    }

    fn dial(&mut self, channel: Channel, timeout: Duration) -> Result<(), OpError> {
        let state = self.state(channel)?;
        if std::mem::replace(&mut state.dialed, true) {
            return Err(OpError::Refused(409));
        }
        let ms = Duration::from_millis;
        match self.fates.get(&channel).copied().unwrap_or(Fate::Silent) {
            Fate::Fails { after, q850 } => self.plan(ms(after), channel, Happening::Ends(q850)),
            Fate::Answers { after, talks } => {
                self.plan(ms(after / 2), channel, Happening::Rings);
                self.plan(ms(after), channel, Happening::Answers(talks));
            }
            Fate::BusyTone { after } => self.plan(ms(after), channel, Happening::Busy),
            Fate::Silent => self.plan(ms(5), channel, Happening::Rings),
        }
        self.plan(timeout, channel, Happening::TimesOut);
        Ok(())
    }

    fn plan(&mut self, after: Duration, channel: Channel, what: Happening) {
        self.serial += 1;
        self.agenda
            .insert((self.now + after, self.serial, channel, what));
    }

    /// When something happens by itself next.
    pub(super) fn next(&self) -> Option<Time> {
        self.agenda.first().map(|(at, ..)| *at)
    }

    /// Lets happen what is due.
    pub(super) fn run_to(&mut self, now: Time) {
        while let Some(due) = self.agenda.first().copied().filter(|(at, ..)| *at <= now) {
            self.agenda.remove(&due);
            let (at, _, channel, what) = due;
            self.now = at;
            self.happen(channel, what);
        }
        self.now = now;
    }

    fn happen(&mut self, channel: Channel, what: Happening) {
        let Some(state) = self.channels.get_mut(&channel) else {
            return;
        };
        match what {
            Happening::Rings => self.tell(channel, LegEvent::Ringing),
            Happening::Busy => {
                let busy = LegEvent::Dial(DialStatus::Busy);
                self.tell(channel, busy);
            }
            Happening::Ends(q850) => {
                self.tell(channel, LegEvent::Leaving(Some(cause(q850))));
                self.destroy(channel, q850);
            }
            Happening::TimesOut if state.up => {}
            Happening::TimesOut => self.destroy(channel, 19),
            Happening::Answers(_) if channel.1 == Part::A && !self.connected => {
                // Who answers while nobody listens is dropped by Asterisk.
                self.destroy(channel, 16);
            }
            Happening::Answers(talks) => {
                state.up = true;
                self.tell(channel, LegEvent::Up);
                if !self.channels[&channel].in_app {
                    let _ = self.enter(channel);
                }
                if let Some(talk) = talks {
                    self.plan(Duration::from_millis(talk), channel, Happening::Ends(16));
                }
                self.see_bridged(channel.0);
            }
        }
    }

    fn destroy(&mut self, channel: Channel, q850: u16) {
        if self.channels.remove(&channel).is_none() {
            return;
        }
        self.agenda.retain(|(_, _, of, _)| *of != channel);
        self.tell(channel, LegEvent::Gone(cause(q850)));
        let attempt = channel.0;
        match channel.1 {
            Part::A => self.destroy((attempt, Part::Snoop), 16),
            Part::Snoop if self.recording.remove(&attempt) => {
                self.tell_input(Input::RecordingEnded { attempt, ok: true });
            }
            _ => {}
        }
    }

    fn tell(&mut self, (attempt, part): Channel, event: LegEvent) {
        let stamp_ms = i64::try_from(self.now.millis()).ok();
        self.tell_input(Input::Leg {
            attempt,
            part,
            event,
            is_up: false,
            stamp_ms,
        });
    }

    fn tell_input(&mut self, input: Input) {
        if self.connected {
            self.events.push_back(input);
        }
    }

    fn see_bridged(&mut self, attempt: AttemptId) {
        if self.talks(attempt) {
            self.bridged.insert(attempt);
        }
    }

    /// Both legs are up in the bridge.
    pub(super) fn talks(&self, attempt: AttemptId) -> bool {
        [Part::A, Part::B].into_iter().all(|part| {
            let state = self.channels.get(&(attempt, part));
            state.is_some_and(|s| s.up && s.in_bridge)
        })
    }

    /// The people who are on the line.
    pub(super) fn people(&self) -> impl Iterator<Item = AttemptId> + '_ {
        self.channels
            .iter()
            .filter(|((_, part), state)| *part == Part::A && state.up)
            .map(|((attempt, _), _)| *attempt)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.bridges.is_empty()
    }

    pub(super) fn census(&self, asked_at: Time) -> Census {
        let joined = self.channels.iter().filter(|(_, s)| s.in_bridge);
        Census {
            asked_at,
            channels: self
                .channels
                .iter()
                .map(|((attempt, part), state)| (*attempt, *part, state.up))
                .collect(),
            bridges: self.bridges.iter().copied().collect(),
            joined: joined.map(|(channel, _)| *channel).collect(),
            ..Census::default()
        }
    }
}
