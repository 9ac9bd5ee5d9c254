//! How many calls may be up, and what holds dialing back.

use std::time::Duration;

use super::timers::Timer;
use super::{AttemptId, Campaign, MaxCc, RunState, Time};

/// How long dialing is held back after an originate that Asterisk did not take; twice as
/// long after each further one in a row, up to `HOLD` times 2 to the `MOST_DOUBLINGS`.
const HOLD: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 5;

/// How many calls may be up at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// `MAX_CC`, as it was asked for last.
    pub requested: MaxCc,
    /// How many calls may be up now: `requested`, or none while something holds dialing back.
    pub effective: usize,
    /// How many are. Over `effective` after it was lowered, until calls end by themselves.
    pub in_use: usize,
    /// What holds dialing back.
    pub held: Option<HeldBack>,
}

/// What holds dialing back, the weightiest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldBack {
    /// The run is not DIALING.
    NotDialing,
    /// The event stream is down.
    LinkDown,
    /// The journal takes no records.
    JournalFull,
    /// What a dead process left is still being settled.
    Reconciling,
    /// Asterisk did not take an originate.
    Saturated {
        /// When the next is tried.
        until: Time,
        /// How often in a row it did not.
        refusals: u32,
    },
}

impl Campaign {
    /// How many calls may be up now, and what holds dialing back.
    #[must_use]
    pub fn limit(&self, now: Time) -> Limit {
        let held = if self.state != RunState::Dialing {
            Some(HeldBack::NotDialing)
        } else if !self.link_up {
            Some(HeldBack::LinkDown)
        } else if !self.journal_well {
            Some(HeldBack::JournalFull)
        } else if !self.orphans.is_empty() {
            Some(HeldBack::Reconciling)
        } else if now < self.hold_until {
            Some(HeldBack::Saturated {
                until: self.hold_until,
                refusals: self.setbacks,
            })
        } else {
            None
        };
        let requested = self.policy.max_cc;
        let most = requested.calls() + usize::from(super::sabotaged!(OneTooMany));
        Limit {
            requested,
            effective: if held.is_none() { most } else { 0 },
            in_use: self.live.len(),
            held,
        }
    }

    /// How much is kept of what can pile up: live calls, remains of ended ones, orphans,
    /// timers, effects.
    #[cfg(test)]
    pub(crate) fn sizes(&self) -> [usize; 5] {
        [
            self.live.len(),
            self.remains.len(),
            self.orphans.len(),
            self.timers.len(),
            self.effects.len(),
        ]
    }

    /// Places no call for a while: Asterisk did not take one.
    pub(super) fn hold(&mut self, now: Time) {
        if now < self.hold_until {
            return;
        }
        let doublings = self.setbacks.min(MOST_DOUBLINGS);
        self.setbacks += 1;
        self.hold_until = now + HOLD * 2_u32.pow(doublings);
        self.timers.set(self.hold_until, AttemptId(0), Timer::Hold);
    }

    pub(super) fn no_more_hold(&mut self, now: Time) {
        self.setbacks = 0;
        self.hold_until = self.hold_until.min(now);
    }
}
