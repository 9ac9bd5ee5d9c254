//! How many calls may be up, and what holds dialing back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::io::{Effect, Notice, OpError};
use super::timers::Timer;
use super::{AttemptId, Campaign, MaxCc, RunState, Time};

/// How long dialing is held back after an originate that Asterisk did not take; twice as
/// long after each further one in a row, up to `HOLD` times 2 to the `MOST_DOUBLINGS`.
const HOLD: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 5;

/// After so many requests in a row that Asterisk left unanswered, nobody is dialed. One may
/// have been lost with its connection; three have not.
const UNANSWERED: u32 = 3;
/// How soon after a probe that was not answered the next one is sent.
const PROBE_AFTER: Duration = Duration::from_secs(1);

/// An Asterisk that sends its events and answers no requests. Each originate would be a person
/// whose call nobody can follow, so it is asked something harmless until it answers.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// Requests in a row without an answer.
    unanswered: u32,
    /// Since when dialing is held back on their account.
    pub(super) since: Option<Time>,
}

/// How many calls may be up at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldBack {
    /// The run is not DIALING.
    NotDialing,
    /// The event stream is down.
    LinkDown,
    /// The journal takes no records.
    JournalFull,
    /// What a dead process left is still being settled.
    Reconciling,
    /// Asterisk answers no requests, although its events come in.
    Silent {
        /// Since when.
        since: Time,
    },
    /// Nobody answers at the trunk's addresses, as Asterisk knows.
    CarrierAway {
        /// When the next is tried.
        until: Time,
    },
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
        } else if let Some(since) = self.silence.since {
            Some(HeldBack::Silent { since })
        } else if now < self.hold_until && self.carrier.away {
            Some(HeldBack::CarrierAway {
                until: self.hold_until,
            })
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

    /// Whether Asterisk answers, by what came of any request to it.
    pub(super) fn hear_answer(&mut self, now: Time, result: Result<(), OpError>) {
        match result {
            // Of a request that was never made nothing can be told.
            Err(OpError::Withheld) => {}
            Err(OpError::NotSent | OpError::Unknown) => self.miss_answer(now),
            Ok(()) | Err(_) => self.answers_again(now),
        }
    }

    fn miss_answer(&mut self, now: Time) {
        self.silence.unanswered += 1;
        let open = self.silence.since.is_some();
        // Without the link nobody is dialed anyway, and its return shows that Asterisk answers.
        if open || !self.link_up || self.silence.unanswered < UNANSWERED {
            return;
        }
        self.silence.since = Some(now);
        self.effects
            .push_back(Effect::Tell(Notice::Silent { since: now }));
        self.effects.push_back(Effect::ProbeAsterisk);
    }

    pub(super) fn answers_again(&mut self, now: Time) {
        self.silence.unanswered = 0;
        if let Some(since) = self.silence.since.take() {
            self.no_more_hold(now);
            let lasted = now.since(since);
            self.effects
                .push_back(Effect::Tell(Notice::Answers { lasted }));
        }
    }

    /// What came of [`Effect::ProbeAsterisk`].
    pub(super) fn probed(&mut self, now: Time, answered: bool) {
        if answered {
            self.answers_again(now);
        } else if self.silence.since.is_some() {
            self.timers
                .set(now + PROBE_AFTER, AttemptId(0), Timer::Probe);
        }
    }

    pub(super) fn probe_again(&mut self) {
        if self.silence.since.is_some() {
            self.effects.push_back(Effect::ProbeAsterisk);
        }
    }

    /// Whether Asterisk answers no requests: what was asked of it and waits at the client had
    /// better not leave.
    #[must_use]
    pub fn asterisk_is_silent(&self) -> bool {
        self.silence.since.is_some()
    }
}
