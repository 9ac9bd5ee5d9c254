//! What comes out of the campaign: effects in their order, timers, and figures.

use std::collections::VecDeque;
use std::time::Duration;

use super::ids::{AsteriskIds, AttemptId};
use super::io::{Effect, Notice};
use super::record::Record;
use super::stats::Stats;
use super::time::Time;
use super::timers::{Timer, Timers};

/// What is to be done outside, and when to look again. Each part of the campaign writes to it;
/// only [`Campaign`](super::Campaign) reads it.
#[derive(Debug, Default)]
pub(super) struct Out {
    effects: VecDeque<Effect>,
    pub(super) timers: Timers,
    /// A projection of the effects.
    stats: Stats,
}

/// What a call is told with each input: the time, what it may rely on, and where its wishes go.
pub(super) struct Turn<'a> {
    pub(super) now: Time,
    /// No event was missed that a census has not made up for.
    pub(super) heard_all: bool,
    pub(super) ids: &'a AsteriskIds,
    pub(super) out: &'a mut Out,
}

impl Out {
    pub(super) fn push(&mut self, effect: Effect) {
        self.stats.count(&effect);
        self.effects.push_back(effect);
    }

    pub(super) fn journal(&mut self, record: Record) {
        self.push(Effect::Journal(record));
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        self.push(Effect::Tell(notice));
    }

    pub(super) fn pop(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether all effects were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    pub(super) const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many timers and effects there are.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.timers.len(), self.effects.len()]
    }
}

impl Turn<'_> {
    /// Sets a timer of an attempt.
    pub(super) fn set(&mut self, after: Duration, attempt: AttemptId, timer: Timer) {
        self.out.timers.set(self.now + after, attempt, timer);
    }
}
