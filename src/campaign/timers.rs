//! The table of timers: at most one of a kind for an attempt. Whoever handles one looks at
//! the call's phase first, for it may have lost its meaning.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::AttemptId;
use super::time::Time;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Neither ringing nor an end so far: stage B all the same.
    Stage,
    /// A rings for too long, and Asterisk's own timeout did not end it.
    Ring,
    /// A shows no sign of life: it is asked whether the carrier has said anything.
    Unheard,
    /// B takes too long to answer.
    Target,
    /// The operator's limit for a conversation.
    MaxCall,
    /// B leaves, and its end is overdue.
    Overdue,
    /// Something was asked to go and may still be there; or a refused step is tried again.
    Insist,
    /// Dialing was held back for a moment.
    Hold,
    /// Asterisk, which answers nothing, is asked again.
    Probe,
    /// The next call may be placed.
    Spacing,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeSet<(Time, AttemptId, Timer)>,
    set: BTreeMap<(AttemptId, Timer), Time>,
}

impl Timers {
    /// Sets a timer, in place of the one of its kind that the attempt had.
    pub(super) fn set(&mut self, at: Time, attempt: AttemptId, timer: Timer) {
        if let Some(was) = self.set.insert((attempt, timer), at) {
            self.due.remove(&(was, attempt, timer));
        }
        self.due.insert((at, attempt, timer));
    }

    /// Takes away all timers of an attempt.
    pub(super) fn forget(&mut self, attempt: AttemptId) {
        let of_attempt = (attempt, Timer::Stage)..=(attempt, Timer::Spacing);
        let all: Vec<_> = self
            .set
            .range(of_attempt)
            .map(|(t, at)| (*t, *at))
            .collect();
        for ((_, timer), at) in all {
            self.set.remove(&(attempt, timer));
            self.due.remove(&(at, attempt, timer));
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.due.len().max(self.set.len())
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.due.first().map(|(at, ..)| *at)
    }

    pub(super) fn pop_due(&mut self, now: Time) -> Option<(AttemptId, Timer)> {
        let due @ (_, attempt, timer) = *self.due.first().filter(|(at, ..)| *at <= now)?;
        self.due.remove(&due);
        self.set.remove(&(attempt, timer));
        Some((attempt, timer))
    }
}
