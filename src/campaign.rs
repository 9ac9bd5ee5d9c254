//! The whole of the dialing logic as a pure state machine.
//!
//! No I/O, no clock, no tokio, no logging: what happened comes in through
//! [`Campaign::handle`] and [`Campaign::command`] with the time, what must be done goes out
//! through [`Campaign::poll_effect`]. **Whoever calls one of the former then polls effects
//! until none is left**, carries them out in their order, and calls `handle` with
//! [`Input::Tick`] when [`Campaign::poll_timeout`] comes due.
//!
//! The line that decides when to dial next is in `Campaign::may_dial`.
//!
//! | file | what it has |
//! | --- | --- |
//! | `campaign.rs` | the run's state, placing calls |
//! | `campaign/orders.rs` | what a person or a program asks |
//! | `campaign/call.rs` | one call: facts, phases, what can be done next |
//! | `campaign/facts.rs` | what is known of its channels, bridge and recording |
//! | `campaign/channel.rs` | what is known of one channel |
//! | `campaign/stamps.rs` | Asterisk's own times: what was first, however events arrive |
//! | `campaign/progress.rs` | what events and timers do to a call |
//! | `campaign/answers.rs` | what answers to requests do to it |
//! | `campaign/ending.rs` | its end, and what is left of it |
//! | `campaign/recovery.rs` | what is known, compared with what lives in Asterisk |
//! | `campaign/orphans.rs` | the calls of a dead process |
//! | `campaign/kept.rs` | what was to go, and Asterisk keeps |
//! | `campaign/next_run.rs` | a run that begins once that is settled |
//! | `campaign/leads.rs` | who waits, and how the others ended |
//! | `campaign/line.rs` | who is taken off the line or put back by a person's word |
//! | `campaign/add.rs` | numbers that join the run by a command |
//! | `campaign/relist.rs` | what a list that was read again changes, and what a start does then |
//! | `campaign/people.rs` | leads of one person, of which one is called |
//! | `campaign/rules.rs` | what a call keeps of the settings it began with |
//! | `campaign/streak.rs` | calls in a row that came to nothing, which pause the run |
//! | `campaign/carrier.rs` | a carrier that is not there |
//! | `campaign/limit.rs` | how many calls may be up, and what holds dialing back |

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// True only in a test that breaks this very place on purpose, to see that it is noticed; in
/// the program it is the constant `false`.
macro_rules! sabotaged {
    ($what:ident) => {{
        #[cfg(test)]
        let sabotaged = $crate::campaign::sabotage::is($crate::campaign::sabotage::Sabotage::$what);
        #[cfg(not(test))]
        let sabotaged = $crate::campaign::is_sabotaged(stringify!($what));
        sabotaged
    }};
}
pub(crate) use sabotaged;

/// Nothing is, outside of tests.
#[cfg(not(test))]
pub(crate) const fn is_sabotaged(_what: &str) -> bool {
    false
}

mod add;
mod answers;
mod call;
mod carrier;
mod channel;
mod dead_air;
mod disposition;
mod ending;
mod facts;
mod ids;
mod io;
mod kept;
mod leads;
mod limit;
mod line;
mod moved;
mod next_run;
mod number;
mod numbers;
mod orders;
mod orphans;
mod people;
mod progress;
mod record;
mod recovery;
mod relist;
mod rules;
mod stamps;
mod stats;
mod streak;
#[cfg(test)]
mod tests;
mod time;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
pub(crate) use tests::sabotage;

pub use add::{Added, AddedLead};
pub use carrier::TrunkIs;
pub use disposition::{Disposition, EndedBy, HangupCause};
pub use ids::{ANY_DIALDECK, AsteriskIds, AttemptId, LeadId, MaxCc, Part, RunId, trunk_endpoint};
pub use io::{
    Again, BY_OPERATOR, CallStep, CallSummary, Census, Command, DialStatus, Effect, Input,
    LegEvent, Notice, Op, OpError, Outcome, Policy,
};
pub use kept::kept_words;
pub use leads::{Changes, Differ, LeadRow, LeadState, Leads};
pub use limit::{HeldBack, Limit};
pub use number::{Emergency, MAX_NUMBER_LEN, Number, NumberError, digits_of_person};
pub use numbers::Numbers;
pub use orphans::{Orphan, RESTARTED, Recorded};
pub use record::{
    AttemptEnd, LegNote, Record, RecordingState, RunState, Sent, Step, TargetFailure,
};
pub use recovery::Reconciled;
pub use relist::{Began, Listed, NO_LONGER_LISTED, Relisted, StartedAgain};
pub use stats::{CallView, CallWord, Stats};
pub use streak::{Ending, PauseAfter, Streak};
pub use time::Time;

use call::{Call, Phase};
use carrier::Carrier;
use channel::Channel;
use ending::Remains;
use facts::Facts;
use limit::Silence;
use moved::HeldEnd;
use next_run::NextRun;
use orphans::Unsettled;
use streak::Streaks;
use timers::{Timer, Timers};

/// How long after the originate B is staged where neither ringing nor an end was heard. A
/// number that is busy has told so by then, and costs no staging.
const STAGE_AFTER: Duration = Duration::from_millis(100);
/// How much longer than `CALL_TIMEOUT` our own ring timer waits: Asterisk's own, started
/// with the originate, should end the call first and tell the cause.
const RING_GRACE: Duration = Duration::from_secs(3);
/// A campaign: one run of a list at a time.
#[derive(Debug)]
pub struct Campaign {
    ids: AsteriskIds,
    policy: Policy,
    /// The MAX_CC that the settings had last, whatever a person has set since.
    given_max_cc: MaxCc,
    recording_format: Arc<str>,
    run: RunId,
    state: RunState,
    state_since: Time,
    /// The event stream is up and what it missed is known.
    link_up: bool,
    /// No event was missed that a census has not made up for.
    heard_all: bool,
    journal_well: bool,
    hold_until: Time,
    next_call_at: Time,
    /// How often in a row dialing was held back.
    setbacks: u32,
    silence: Silence,
    leads: Leads,
    /// The calls that hold a slot. What is in here counts against MAX_CC, nothing else does.
    live: BTreeMap<AttemptId, Call>,
    /// What is left of calls whose A is gone.
    remains: BTreeMap<AttemptId, Remains>,
    /// Attempts of a dead process that were not settled yet.
    orphans: BTreeMap<AttemptId, Orphan>,
    unsettled: Unsettled,
    /// What the last census had that no call knows.
    strays: BTreeSet<(AttemptId, Part)>,
    /// Legs that somebody moved elsewhere, and when that was learned last: an older census, or an
    /// event that is told late, makes no strays of them.
    handed_over: BTreeMap<(AttemptId, Part), Time>,
    /// Ends of legs that were told before a census has made up for the events that were missed.
    held_ends: Vec<HeldEnd>,
    /// The run that begins when nothing is left of this one.
    next_run: Option<NextRun>,
    next_attempt: AttemptId,
    timers: Timers,
    effects: VecDeque<Effect>,
    stats: Stats,
    streaks: Streaks,
    carrier: Carrier,
}

impl Campaign {
    /// A campaign without a run. `next_attempt` must be over every attempt that the journal
    /// has ever had.
    #[must_use]
    pub fn new(
        ids: AsteriskIds,
        policy: Policy,
        recording_format: String,
        next_attempt: AttemptId,
    ) -> Self {
        Self {
            ids,
            given_max_cc: policy.max_cc,
            policy,
            recording_format: recording_format.into(),
            run: RunId(0),
            state: RunState::Idle,
            state_since: Time::default(),
            link_up: false,
            heard_all: false,
            journal_well: true,
            hold_until: Time::default(),
            next_call_at: Time::default(),
            setbacks: 0,
            silence: Silence::default(),
            leads: Leads::default(),
            live: BTreeMap::new(),
            remains: BTreeMap::new(),
            orphans: BTreeMap::new(),
            unsettled: Unsettled::default(),
            strays: BTreeSet::new(),
            handed_over: BTreeMap::new(),
            held_ends: Vec::new(),
            next_run: None,
            next_attempt,
            timers: Timers::default(),
            effects: VecDeque::new(),
            stats: Stats::default(),
            streaks: Streaks::default(),
            carrier: Carrier::default(),
        }
    }

    /// Takes in something that happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.begin_next_run(now);
        let deaf = matches!(input, Input::Glimpse(_));
        match input {
            Input::Durable(attempt) => self.dial(now, attempt),
            Input::NotDurable(attempt) => self.journal_refused(now, attempt),
            Input::JournalWell => self.journal_well = true,
            Input::LinkUp(census) => {
                self.link_up = true;
                // What was looked at before this could be told is told now.
                self.heard_all = false;
                self.no_more_hold(now);
                self.answers_again(now);
                self.reconcile(now, &census);
            }
            Input::LinkDown => {
                self.link_up = false;
                self.heard_all = false;
            }
            Input::Census(census) | Input::Glimpse(census) => self.reconcile(now, &census),
            Input::Answer {
                attempt,
                op,
                result,
            } => self.answered(now, attempt, op, result),
            Input::Trunk { attempt, trunk } => self.trunk_probed(now, attempt, trunk),
            Input::Carrier { attempt, answered } => self.carrier_asked(attempt, answered),
            Input::Leg {
                attempt,
                part,
                event,
                stamp_ms,
                ..
            } if self.may_be_of_one_replaced(attempt, part, event) => {
                self.held_ends.push(HeldEnd {
                    at: now,
                    attempt,
                    part,
                    event,
                    stamp_ms,
                });
            }
            Input::Leg {
                attempt,
                part,
                event,
                is_up,
                stamp_ms,
            } => {
                if is_up && part == Part::A {
                    self.a_was_up(now, attempt, event);
                }
                self.leg_event(now, attempt, part, event, stamp_ms);
            }
            Input::Probed { answered } => self.probed(now, answered),
            Input::Transferred { attempt, part, to } => {
                self.transferred(now, attempt, part, to);
            }
            Input::RecordingEnded { attempt, ok } => self.recording_ended(now, attempt, ok),
            Input::Tick => {}
        }
        self.fire_timers(now);
        self.heard_all &= !deaf;
        self.place_calls(now);
        self.settle(now);
    }

    /// The next thing to do outside.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Self::handle`] wants an [`Input::Tick`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Whether another call may be placed now: the one place that decides it.
    fn may_dial(&self, now: Time) -> bool {
        let limit = self.limit(now);
        limit.in_use < limit.effective && now >= self.next_call_at
    }

    fn place_calls(&mut self, now: Time) {
        while self.may_dial(now) {
            let Some(lead) = self.leads.next() else { break };
            let Some(number) = self.leads.number(lead) else {
                break;
            };
            let is_emergency = self.policy.emergency.has(number.as_str());
            if is_emergency && !sabotaged!(DialsEmergencies) {
                self.take_off(now, lead, "an emergency number".to_owned());
                continue;
            }
            self.begin(now, lead, number);
            if !self.policy.spacing.is_zero() {
                self.next_call_at = now + self.policy.spacing;
                self.timers
                    .set(self.next_call_at, AttemptId(0), Timer::Spacing);
            }
        }
    }

    fn begin(&mut self, now: Time, lead: LeadId, number: Number) {
        let attempt = self.next_attempt;
        self.next_attempt = AttemptId(attempt.0 + 1);
        let before = self.leads.call(lead, attempt);
        self.effects
            .push_back(Effect::Journal(Record::AttemptBegun {
                attempt,
                run: self.run,
                lead,
                queued_at: self.leads.joined_at(lead),
                at: now,
            }));
        let call = Call {
            attempt,
            run: self.run,
            lead,
            number,
            rules: self.rules(),
            before,
            begun_at: now,
            ringing_at: None,
            early_media_at: None,
            phase: Phase::Journaling,
            facts: Facts::default(),
            agent_at: None,
            durable: false,
            inherited: false,
            recording_noted: false,
        };
        self.live.insert(attempt, call);
    }

    /// The attempt is on disk: dial it, unless dialing was stopped meanwhile.
    fn dial(&mut self, now: Time, attempt: AttemptId) {
        let may = (self.state == RunState::Dialing || sabotaged!(DialsInPause))
            && (self.link_up || sabotaged!(IgnoresLoss))
            && now >= self.hold_until
            && !self.asterisk_is_silent()
            && (self.live.len() <= self.policy.max_cc.calls()
                || sabotaged!(OneTooMany)
                || sabotaged!(IgnoresLowering));
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        call.durable = true;
        if call.phase != Phase::Journaling {
            // It was hung up meanwhile, and can end now.
            self.advance(now, attempt);
            return;
        }
        if !may {
            self.withdraw(now, attempt);
            return;
        }
        call.phase = Phase::Dialing { staging: false };
        call.facts.a = Channel::asked();
        self.timers.set(now + STAGE_AFTER, attempt, Timer::Stage);
        self.timers.set(
            now + call.rules.call_timeout + RING_GRACE,
            attempt,
            Timer::Ring,
        );
        let unheard = now + carrier::ask_after(call.rules.call_timeout);
        self.timers.set(unheard, attempt, Timer::Unheard);
        self.ask(attempt, Op::OriginateA);
        self.tell_step(attempt, CallStep::Dialing);
    }

    /// Takes back the attempts whose originate has not left.
    fn withdraw_unsent(&mut self, now: Time) {
        let unsent: Vec<AttemptId> = self
            .live
            .values()
            .filter(|call| call.phase == Phase::Journaling)
            .map(|call| call.attempt)
            .collect();
        for attempt in unsent {
            self.withdraw(now, attempt);
        }
    }

    fn journal_refused(&mut self, now: Time, attempt: AttemptId) {
        self.journal_well = false;
        if self.live.get(&attempt).is_some_and(|call| !call.durable)
            && let Some(call) = self.live.remove(&attempt)
        {
            self.leads.take_back(call.lead, call.before);
            self.skip_if_unlisted(now, call.lead);
        }
    }

    fn set_state(&mut self, now: Time, state: RunState) {
        if self.state == state {
            return;
        }
        if state == RunState::Dialing {
            self.streaks.go_on();
        }
        self.state = state.clone();
        self.state_since = now;
        self.effects.push_back(Effect::Journal(Record::RunState {
            run: self.run,
            state: state.clone(),
            at: now,
        }));
        self.effects
            .push_back(Effect::Tell(Notice::State { state }));
    }

    /// What follows from there being nothing left to do.
    fn settle(&mut self, now: Time) {
        if !self.live.is_empty() || !self.orphans.is_empty() || self.awaits_a_run() {
            return;
        }
        if self.leads.open() == 0 && !self.leads.is_empty() {
            self.set_state(now, RunState::Done);
        } else if self.state == RunState::Draining {
            self.set_state(now, RunState::Idle);
        }
    }

    fn ask(&mut self, attempt: AttemptId, op: Op) {
        if let Some((number, begun_at)) = self.about(attempt) {
            self.effects.push_back(Effect::Ask {
                attempt,
                op,
                number,
                begun_at,
            });
        }
    }

    fn tell_step(&mut self, attempt: AttemptId, step: CallStep) {
        if let Some(call) = self.live.get(&attempt) {
            self.effects.push_back(Effect::Tell(Notice::Call {
                attempt,
                lead: call.lead,
                number: call.number.clone(),
                step,
            }));
        }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The run's state.
    #[must_use]
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// The leads of the run.
    #[must_use]
    pub fn leads(&self) -> &Leads {
        &self.leads
    }

    /// How calls are made.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many calls hold a slot.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        self.live.len()
    }

    /// Whether the journal takes records, as far as the campaign was told.
    #[must_use]
    pub fn journal_is_well(&self) -> bool {
        self.journal_well
    }

    /// An originate was given up for unanswered, and may still ring somebody, or does.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.live.values().any(|call| call.facts.is_a_in_doubt())
    }

    /// Nothing of any call is left in Asterisk, as far as is known.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.live.is_empty() && self.remains.is_empty() && self.orphans.is_empty()
    }

    /// Whether anything of this attempt is still on its way.
    #[must_use]
    pub fn knows(&self, attempt: AttemptId) -> bool {
        self.live.contains_key(&attempt)
            || self.remains.contains_key(&attempt)
            || self.orphans.contains_key(&attempt)
    }

    /// Whether this leg of a call is in its bridge by all that is known, or left it when it left
    /// our application.
    #[must_use]
    pub fn has_joined(&self, attempt: AttemptId, part: Part) -> bool {
        let live = self.live.get(&attempt).map(|call| &call.facts);
        let facts = live.or_else(|| self.remains.get(&attempt).map(|r| &r.facts));
        facts.is_some_and(|facts| match part {
            Part::A => facts.a.has_joined(),
            Part::B => facts.b.has_joined(),
            _ => false,
        })
    }

    /// Figures of this process's calls.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}
