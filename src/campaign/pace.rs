//! How many calls may be up, how soon after one another they are placed, and what holds dialing
//! back: the one place that says "may dial".

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{AttemptId, MaxCc};
use super::io::{Effect, Notice, OpError};
use super::out::Out;
use super::time::Time;
use super::timers::Timer;

/// How long dialing is held back after an originate that Asterisk did not take; twice as
/// long after each further one in a row, up to `HOLD` times 2 to the `MOST_DOUBLINGS`.
const HOLD: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 5;

/// After so many requests in a row that Asterisk left unanswered, nobody is dialed. One may
/// have been lost with its connection; three have not.
const UNANSWERED: u32 = 3;
/// How soon after a probe that was not answered the next one is sent.
const PROBE_AFTER: Duration = Duration::from_secs(1);

/// What is told once while the carrier is away, as Asterisk knows by its own OPTIONS.
const AWAY: &str = "the trunk's carrier does not answer Asterisk's OPTIONS: nobody is called until \
                    it does, and it is tried again; check contact= of ARI_TRUNK in pjsip.conf";
const BACK: &str = "the trunk's carrier can be dialed again";

/// What Asterisk says of the trunk after it did not take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkIs {
    /// It knows no such trunk.
    Missing,
    /// It knows the trunk, and that nobody answers at its addresses.
    Away,
    /// The trunk is there, as far as it tells.
    There,
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

/// What the pace is told of the run and its calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floor {
    /// The run is DIALING.
    pub(super) dials: bool,
    /// What a dead process left is settled.
    pub(super) is_settled: bool,
    pub(super) max_cc: MaxCc,
    /// How many calls hold a slot.
    pub(super) in_use: usize,
}

/// What the pace depends on, beside the run's state and the calls that are up.
#[derive(Debug)]
pub(super) struct Pace {
    /// The event stream is up and what it missed is known.
    pub(super) link_up: bool,
    pub(super) journal_well: bool,
    hold_until: Time,
    next_call_at: Time,
    /// How often in a row dialing was held back.
    setbacks: u32,
    silence: Silence,
    /// Nobody answers at the trunk's addresses, as Asterisk knows by its own OPTIONS.
    carrier_away: bool,
}

/// An Asterisk that sends its events and answers no requests. Each originate would be a person
/// whose call nobody can follow, so it is asked something harmless until it answers.
#[derive(Debug, Default)]
struct Silence {
    /// Requests in a row without an answer.
    unanswered: u32,
    /// Since when dialing is held back on their account.
    since: Option<Time>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            link_up: false,
            journal_well: true,
            hold_until: Time::default(),
            next_call_at: Time::default(),
            setbacks: 0,
            silence: Silence::default(),
            carrier_away: false,
        }
    }

    /// How many calls may be up now, and what holds dialing back.
    pub(super) fn limit(&self, now: Time, floor: Floor) -> Limit {
        let held = if !floor.dials {
            Some(HeldBack::NotDialing)
        } else if !self.link_up {
            Some(HeldBack::LinkDown)
        } else if !self.journal_well {
            Some(HeldBack::JournalFull)
        } else if !floor.is_settled {
            Some(HeldBack::Reconciling)
        } else if let Some(since) = self.silence.since {
            Some(HeldBack::Silent { since })
        } else if now < self.hold_until && self.carrier_away {
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
        let most = floor.max_cc.calls() + usize::from(sabotaged!(OneTooMany));
        Limit {
            requested: floor.max_cc,
            effective: if held.is_none() { most } else { 0 },
            in_use: floor.in_use,
            held,
        }
    }

    /// Whether another call may be placed now: the one place that decides it.
    pub(super) fn may_dial(&self, now: Time, limit: &Limit) -> bool {
        limit.in_use < limit.effective && now >= self.next_call_at
    }

    /// Whether a call that is one of those in use may still leave, now that it is durable.
    pub(super) fn may_leave(&self, now: Time, floor: Floor) -> bool {
        (self.link_up || sabotaged!(IgnoresLoss))
            && (floor.dials || sabotaged!(DialsInPause))
            && now >= self.hold_until
            && !self.is_silent()
            && (floor.in_use <= floor.max_cc.calls()
                || sabotaged!(OneTooMany)
                || sabotaged!(IgnoresLowering))
    }

    /// A call was placed: the next one waits for `spacing`.
    pub(super) fn placed(&mut self, now: Time, spacing: Duration, out: &mut Out) {
        if !spacing.is_zero() {
            self.next_call_at = now + spacing;
            out.timers
                .set(self.next_call_at, AttemptId(0), Timer::Spacing);
        }
    }

    /// Places no call for a while: Asterisk did not take one.
    pub(super) fn hold(&mut self, now: Time, out: &mut Out) {
        if now < self.hold_until {
            return;
        }
        let doublings = self.setbacks.min(MOST_DOUBLINGS);
        self.setbacks += 1;
        self.hold_until = now + HOLD * 2_u32.pow(doublings);
        out.timers.set(self.hold_until, AttemptId(0), Timer::Hold);
    }

    pub(super) fn no_more_hold(&mut self, now: Time) {
        self.setbacks = 0;
        self.hold_until = self.hold_until.min(now);
    }

    /// Asterisk has taken a call.
    pub(super) fn took_a_call(&mut self, out: &mut Out) {
        self.setbacks = 0;
        if std::mem::take(&mut self.carrier_away) {
            out.tell(Notice::Warning(BACK.to_owned()));
        }
    }

    /// Asterisk did not take a call, since nobody answers at the trunk's addresses. Dialing is
    /// tried again later and later.
    pub(super) fn carrier_is_away(&mut self, out: &mut Out) {
        if !std::mem::replace(&mut self.carrier_away, true) {
            out.tell(Notice::Warning(AWAY.to_owned()));
        }
    }

    /// Whether Asterisk answers, by what came of any request to it.
    pub(super) fn hear_answer(&mut self, now: Time, result: Result<(), OpError>, out: &mut Out) {
        match result {
            // Of a request that was never made nothing can be told.
            Err(OpError::Withheld) => {}
            Err(OpError::NotSent | OpError::Unknown) => self.miss_answer(now, out),
            Ok(()) | Err(_) => self.answers_again(now, out),
        }
    }

    fn miss_answer(&mut self, now: Time, out: &mut Out) {
        self.silence.unanswered += 1;
        // Without the link nobody is dialed anyway, and its return shows that Asterisk answers.
        if self.is_silent() || !self.link_up || self.silence.unanswered < UNANSWERED {
            return;
        }
        self.silence.since = Some(now);
        out.tell(Notice::Silent { since: now });
        out.push(Effect::ProbeAsterisk);
    }

    pub(super) fn answers_again(&mut self, now: Time, out: &mut Out) {
        self.silence.unanswered = 0;
        if let Some(since) = self.silence.since.take() {
            self.no_more_hold(now);
            let lasted = now.since(since);
            out.tell(Notice::Answers { lasted });
        }
    }

    /// What came of [`Effect::ProbeAsterisk`].
    pub(super) fn probed(&mut self, now: Time, answered: bool, out: &mut Out) {
        if answered {
            self.answers_again(now, out);
        } else if self.is_silent() {
            out.timers
                .set(now + PROBE_AFTER, AttemptId(0), Timer::Probe);
        }
    }

    pub(super) fn probe_again(&self, out: &mut Out) {
        if self.is_silent() {
            out.push(Effect::ProbeAsterisk);
        }
    }

    /// Asterisk answers no requests.
    pub(super) fn is_silent(&self) -> bool {
        self.silence.since.is_some()
    }
}
