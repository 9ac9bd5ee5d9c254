//! What a simulation sees of a world that no dialer can see.

use super::World;
pub(crate) use super::channel::Hold;
use super::channel::State;
use crate::campaign::Time;

/// A channel, as a bystander sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leg<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    pub(crate) is_up: bool,
    pub(crate) bridge: Option<&'a str>,
    pub(crate) hold: Hold,
    /// The channel whose place it has taken.
    pub(crate) stands_for: Option<&'a str>,
    /// Another channel has taken its place, and its phone has not hung up yet.
    pub(crate) is_replaced: bool,
    /// Since when it lives outside of the application that made it.
    pub(crate) elsewhere_since: Option<Time>,
}

impl Leg<'_> {
    /// The id that its part of a call was given first.
    pub(crate) fn part_id(&self) -> &str {
        self.stands_for.unwrap_or(self.id)
    }
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sizes {
    /// Without those that nothing ends, and those that were moved elsewhere.
    pub(crate) channels: usize,
    pub(crate) bridges: usize,
    pub(crate) recording: usize,
    pub(crate) stored: usize,
    pub(crate) apps: usize,
    pub(crate) agenda: usize,
}

impl World {
    pub(crate) fn legs(&self) -> impl Iterator<Item = Leg<'_>> {
        self.channels.values().map(|channel| Leg {
            id: &channel.id,
            is_up: channel.state == State::Up,
            bridge: channel.bridge.as_deref(),
            hold: channel.hold,
            is_replaced: channel.replaced_by.is_some(),
            stands_for: channel.stands_for.as_deref(),
            elsewhere_since: channel.elsewhere_since,
        })
    }

    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            channels: self
                .channels
                .values()
                .filter(|c| c.hold == Hold::None && c.elsewhere_since.is_none())
                .count(),
            bridges: self.bridges.len(),
            recording: self.live.len(),
            stored: self.stored.len(),
            apps: self.apps.len(),
            agenda: self.agenda.len(),
        }
    }

    /// The names of the recordings that run.
    pub(crate) fn live_names(&self) -> impl Iterator<Item = &str> {
        self.live.keys().map(String::as_str)
    }

    /// Sets the wall clock, by which events are stamped, back or forth. Nothing else hangs
    /// on it.
    pub(crate) fn shift_wall_clock(&mut self, micros: i64) {
        self.wall_off = micros;
    }
}
