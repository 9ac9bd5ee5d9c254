//! The table of timers. A timer that has lost its meaning is left to fire into nothing:
//! whoever handles it looks at the phase first.

use std::collections::BTreeSet;

use super::{AttemptId, Time};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Neither ringing nor an end so far: stage B all the same.
    Stage,
    /// A rings for too long, and Asterisk's own timeout did not end it.
    Ring,
    /// B takes too long to answer.
    Target,
    /// The operator's limit for a conversation.
    MaxCall,
    /// Something was asked to go and may still be there; or a refused step is tried again.
    Insist,
    /// Dialing was held back for a moment.
    Hold,
}

#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Time, AttemptId, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: Time, attempt: AttemptId, timer: Timer) {
        self.0.insert((at, attempt, timer));
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.0.first().map(|(at, ..)| *at)
    }

    pub(super) fn pop_due(&mut self, now: Time) -> Option<(AttemptId, Timer)> {
        let due = *self.0.first().filter(|(at, ..)| *at <= now)?;
        self.0.remove(&due);
        Some((due.1, due.2))
    }
}
