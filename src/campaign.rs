//! The whole of the dialing logic as a pure state machine.
//!
//! No I/O, no clock, no tokio, no logging: what happened comes in through
//! [`Campaign::handle`] and [`Campaign::command`] with the time, what must be done goes out
//! through [`Campaign::poll_effect`]. **Whoever calls one of the former then polls effects
//! until none is left**, carries them out in their order, and calls `handle` with
//! [`Input::Tick`] when [`Campaign::poll_timeout`] comes due.
//!
//! A campaign is made of parts that do not know one another. This file routes what happens to
//! them, and says what follows from one for the others.
//!
//! | part | what it decides |
//! | --- | --- |
//! | `campaign/run.rs` | the state of the run, and the run after it |
//! | `campaign/queue.rs` | who waits, and who is next |
//! | `campaign/pace.rs` | how many calls may be up, how soon after one another: "may dial" |
//! | `campaign/call.rs` | one call, from facts to next steps to its verdict |
//! | `campaign/reconcile.rs` | what lives in Asterisk against what is known: missed events, calls of a dead process, strays, channels that do not go |
//! | `campaign/streak.rs` | calls in a row that came to nothing, which pause the run |
//! | `campaign/out.rs` | effects, timers and figures: what all of them write to |

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

mod call;
mod dead_air;
mod disposition;
mod ids;
mod io;
mod number;
mod out;
mod pace;
mod queue;
mod reconcile;
mod record;
mod run;
mod settings;
mod stats;
mod streak;
#[cfg(test)]
mod tests;
mod time;
mod timers;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
pub(crate) use tests::sabotage;

pub use disposition::{Disposition, EndedBy, HangupCause};
pub use ids::{ANY_DIALDECK, AsteriskIds, AttemptId, LeadId, MaxCc, Part, RunId, trunk_endpoint};
pub use io::{
    Again, BY_OPERATOR, CallStep, CallSummary, Census, Command, DialStatus, Effect, Input,
    LegEvent, Notice, Op, OpError, Outcome,
};
pub use number::{Emergency, MAX_NUMBER_LEN, Number, NumberError, digits_of_person};
pub use pace::{HeldBack, Limit, TrunkIs};
pub use queue::leads::{Changes, Differ, LeadRow, LeadState, Leads};
pub use queue::numbers::Numbers;
pub use queue::{Added, AddedLead, NO_LONGER_LISTED, Relisted};
pub use reconcile::orphans::{Orphan, RESTARTED, Recorded};
pub use reconcile::{Reconciled, kept_words};
pub use record::{
    AttemptEnd, LegNote, Record, RecordingState, RunState, Sent, Step, TargetFailure,
};
pub use run::{Began, Listed, StartedAgain};
pub use settings::Policy;
pub use stats::Stats;
pub use streak::{Ending, PauseAfter, Streak};
pub use time::Time;
pub use view::{CallView, CallWord};

use call::Call;
use call::attempt::Attempt;
use call::channel::Presence;
use call::facts::Facts;
use call::phase::{Phase, Verdict};
use call::remains::Remains;
use disposition::TrunkFault;
use out::{Out, Turn};
use pace::{Floor, Pace};
use queue::{Pen, Queue};
use reconcile::orphans::{OrphanEnds, Orphans};
use reconcile::{HeldEnd, Judgment, Kept, Reconciler, Seen};
use run::Run;
use timers::Timer;

/// What a call is told with each input. A macro, so that the borrow is of these fields only.
macro_rules! turn {
    ($campaign:ident, $now:expr) => {
        turn!($campaign, $now, $campaign.reconciler.heard_all)
    };
    ($campaign:ident, $now:expr, $heard_all:expr) => {
        Turn {
            now: $now,
            heard_all: $heard_all,
            ids: &$campaign.ids,
            out: &mut $campaign.out,
        }
    };
}

/// Where the queue writes down what changes.
macro_rules! pen {
    ($campaign:ident, $now:expr) => {
        Pen {
            now: $now,
            run: $campaign.run.id,
            out: &mut $campaign.out,
        }
    };
}

/// So many leads wait again by one command: each is a record, and the journal's queue is bounded.
const MOST_AT_ONCE: usize = 10_000;

/// A campaign: one run of a list at a time.
#[derive(Debug)]
pub struct Campaign {
    ids: AsteriskIds,
    policy: Policy,
    /// The MAX_CC that the settings had last, whatever a person has set since.
    given_max_cc: MaxCc,
    recording_format: Arc<str>,
    run: Run,
    queue: Queue,
    pace: Pace,
    /// The calls that hold a slot. What is in here counts against MAX_CC, nothing else does.
    live: BTreeMap<AttemptId, Call>,
    /// What is left of calls whose A is gone.
    remains: BTreeMap<AttemptId, Remains>,
    reconciler: Reconciler,
    next_attempt: AttemptId,
    out: Out,
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
            run: Run::restored(RunId(0), RunState::Idle),
            queue: Queue::default(),
            pace: Pace::new(),
            live: BTreeMap::new(),
            remains: BTreeMap::new(),
            reconciler: Reconciler::default(),
            next_attempt,
            out: Out::default(),
        }
    }

    /// Takes in something that happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.begin_next_run(now);
        let deaf = matches!(input, Input::Glimpse(_));
        self.take_in(now, input);
        self.fire_timers(now);
        self.reconciler.heard_all &= !deaf;
        self.place_calls(now);
        self.settle(now);
    }

    fn take_in(&mut self, now: Time, input: Input) {
        match input {
            Input::Durable(attempt) => self.dial(now, attempt),
            Input::NotDurable(attempt) => self.journal_refused(now, attempt),
            Input::JournalWell => self.pace.journal_well = true,
            Input::LinkUp(census) => {
                self.pace.link_up = true;
                // What was looked at before this could be told is told now.
                self.reconciler.heard_all = false;
                self.pace.no_more_hold(now);
                self.pace.answers_again(now, &mut self.out);
                self.reconcile(now, &census);
            }
            Input::LinkDown => {
                self.pace.link_up = false;
                self.reconciler.heard_all = false;
            }
            Input::Census(census) | Input::Glimpse(census) => self.reconcile(now, &census),
            Input::Answer {
                attempt,
                op,
                result,
            } => self.answered(now, attempt, op, result),
            Input::Trunk { attempt, trunk } => self.trunk_probed(now, attempt, trunk),
            Input::Carrier { attempt, answered } => {
                self.tell_call(now, attempt, |call, _| call.carrier_asked(answered));
            }
            Input::Probed { answered } => self.pace.probed(now, answered, &mut self.out),
            Input::Leg {
                attempt,
                part,
                event,
                is_up,
                stamp_ms,
            } => self.heard_of_leg(now, (attempt, part), event, is_up, stamp_ms),
            Input::Transferred { attempt, part, to } => self.transferred(now, attempt, part, to),
            Input::RecordingEnded { attempt, ok } => self.recording_ended(now, attempt, ok),
            Input::Tick => {}
        }
    }

    /// The next thing to do outside.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.out.pop()
    }

    /// When [`Self::handle`] wants an [`Input::Tick`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.out.timers.next()
    }

    fn fire_timers(&mut self, now: Time) {
        while let Some((attempt, timer)) = self.out.timers.pop_due(now) {
            match timer {
                Timer::Hold | Timer::Spacing => {}
                Timer::Probe => self.pace.probe_again(&mut self.out),
                Timer::Insist if self.remains.contains_key(&attempt) => {
                    self.tell_remains(now, attempt, Remains::insist);
                }
                _ => self.tell_call(now, attempt, |call, turn| call.timer(timer, turn)),
            }
        }
    }

    /// What follows from there being nothing left to do.
    fn settle(&mut self, now: Time) {
        let quiet = self.live.is_empty() && self.reconciler.orphans.is_empty();
        if !quiet || self.run.awaits_next() {
            return;
        }
        let leads = &self.queue.leads;
        if leads.open() == 0 && !leads.is_empty() {
            self.run.set_state(now, RunState::Done, &mut self.out);
        } else if *self.run.state() == RunState::Draining {
            self.run.set_state(now, RunState::Idle, &mut self.out);
        }
    }
}

/// Placing calls.
impl Campaign {
    fn place_calls(&mut self, now: Time) {
        while self.pace.may_dial(now, &self.limit(now)) {
            let Some((lead, number)) = self.queue.next() else {
                break;
            };
            let is_emergency = self.policy.emergency.has(number.as_str());
            if is_emergency && !sabotaged!(DialsEmergencies) {
                let why = "an emergency number".to_owned();
                self.queue.take_off(lead, why, &mut pen!(self, now));
                continue;
            }
            self.begin(now, lead, number);
            let spacing = self.policy.spacing;
            self.pace.placed(now, spacing, &mut self.out);
        }
    }

    /// Writes down that an attempt begins. Nothing of it leaves before that is on the disk.
    fn begin(&mut self, now: Time, lead: LeadId, number: Number) {
        let attempt = self.next_attempt;
        self.next_attempt = AttemptId(attempt.0 + 1);
        let before = self.queue.leads.call(lead, attempt);
        self.out.journal(Record::AttemptBegun {
            attempt,
            run: self.run.id,
            lead,
            queued_at: self.queue.leads.joined_at(lead),
            at: now,
        });
        let whole = Attempt {
            id: attempt,
            run: self.run.id,
            lead,
            number,
            begun_at: now,
            rules: self.policy.rules(&self.recording_format),
            inherited: false,
        };
        self.live.insert(attempt, Call::new(whole, before));
    }

    /// The attempt is on disk: dial it, unless dialing was stopped meanwhile.
    fn dial(&mut self, now: Time, attempt: AttemptId) {
        let may = self.pace.may_leave(now, self.floor());
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        call.durable = true;
        if call.phase != Phase::Journaling {
            // It was hung up meanwhile, and can end now.
            self.tell_call(now, attempt, Call::advance);
        } else if may {
            self.tell_call(now, attempt, Call::dial);
        } else {
            self.withdraw(now, attempt);
        }
    }

    /// Takes back an attempt of which nothing has left; its lead is the next in line.
    fn withdraw(&mut self, now: Time, attempt: AttemptId) {
        let Some(call) = self.live.remove(&attempt) else {
            return;
        };
        call.attempt.tell_step(CallStep::Withdrawn, &mut self.out);
        let lead = call.attempt.lead;
        self.queue.leads.take_back(lead, call.before);
        self.out.journal(Record::AttemptWithdrawn { attempt });
        self.queue.skip_if_unlisted(lead, &mut pen!(self, now));
        self.keep_remains(now, call);
    }

    /// Takes back the attempts whose originate has not left, where `which` is true of them.
    fn withdraw_unsent(&mut self, now: Time, which: impl Fn(&Attempt, &Queue) -> bool) {
        let unsent = self
            .live
            .values()
            .filter(|call| call.phase == Phase::Journaling && which(&call.attempt, &self.queue));
        let unsent: Vec<AttemptId> = unsent.map(|call| call.attempt.id).collect();
        for attempt in unsent {
            self.withdraw(now, attempt);
        }
    }

    fn journal_refused(&mut self, now: Time, attempt: AttemptId) {
        self.pace.journal_well = false;
        if self.live.get(&attempt).is_some_and(|call| !call.durable)
            && let Some(call) = self.live.remove(&attempt)
        {
            let lead = call.attempt.lead;
            self.queue.leads.take_back(lead, call.before);
            self.queue.skip_if_unlisted(lead, &mut pen!(self, now));
        }
    }

    fn originate_refused(&mut self, now: Time, attempt: AttemptId, error: OpError) {
        match error {
            // Asterisk is not to blame, so nothing is held back on its account.
            OpError::Withheld => self.withdraw(now, attempt),
            // Nothing has left: the lead loses nothing by waiting a moment.
            OpError::NotSent | OpError::TooEarly | OpError::NotFound => {
                self.pace.hold(now, &mut self.out);
                self.withdraw(now, attempt);
            }
            // It may ring now; with 409 it surely does, by a request of ours that was thought
            // lost. It is hung up, and nobody is called a second time for it.
            OpError::Unknown | OpError::Refused(409) => {
                self.pace.hold(now, &mut self.out);
                self.tell_call(now, attempt, Call::originate_doubtful);
            }
            OpError::Login => self.withdraw_and_pause(
                now,
                attempt,
                "Asterisk refused the login: check ARI_USERNAME and ARI_PASSWORD",
            ),
            // "Allocation failed": no room, or no such trunk.
            OpError::Refused(500..) => self.out.push(Effect::ProbeTrunk(attempt)),
            OpError::Refused(_) => self.withdraw_and_pause(
                now,
                attempt,
                "Asterisk refused the dial string: check ARI_TRUNK and CALLER_ID",
            ),
        }
    }

    fn withdraw_and_pause(&mut self, now: Time, attempt: AttemptId, reason: &str) {
        self.run.pause_by_rule(now, reason, &mut self.out);
        self.withdraw(now, attempt);
    }

    /// How the trunk stands, after an originate was refused with 500.
    fn trunk_probed(&mut self, now: Time, attempt: AttemptId, trunk: TrunkIs) {
        let Some(call) = self.live.get(&attempt) else {
            return;
        };
        if call.facts.a.presence != Presence::Never {
            // It was carried out after all.
            return;
        }
        match trunk {
            TrunkIs::There => {
                // No room: the next one would fare no better at once.
                self.pace.hold(now, &mut self.out);
                self.tell_call(now, attempt, Call::not_allocated);
            }
            TrunkIs::Away if call.phase.is_hanging_up() => {
                self.tell_call(now, attempt, Call::advance);
            }
            // It was never sent, so its lead loses nothing.
            TrunkIs::Away => {
                self.pace.hold(now, &mut self.out);
                self.withdraw(now, attempt);
                self.pace.carrier_is_away(&mut self.out);
            }
            TrunkIs::Missing => self.withdraw_and_pause(
                now,
                attempt,
                "Asterisk knows no such trunk: check ARI_TRUNK and pjsip.conf",
            ),
        }
    }

    /// How many calls may be up now, and what holds dialing back.
    #[must_use]
    pub fn limit(&self, now: Time) -> Limit {
        self.pace.limit(now, self.floor())
    }

    fn floor(&self) -> Floor {
        Floor {
            dials: *self.run.state() == RunState::Dialing,
            is_settled: self.reconciler.orphans.is_empty(),
            max_cc: self.policy.max_cc,
            in_use: self.live.len(),
        }
    }
}

/// Routing to calls.
impl Campaign {
    /// Lets a live call take something in, and sees to it that one that is over ends.
    fn tell_call(
        &mut self,
        now: Time,
        attempt: AttemptId,
        what: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        what(call, &mut turn!(self, now));
        if call.over().is_some() {
            self.finish(now, attempt);
        }
    }

    /// Lets what is left of a call take something in, until nothing is.
    fn tell_remains(
        &mut self,
        now: Time,
        attempt: AttemptId,
        what: impl FnOnce(&mut Remains, &mut Turn<'_>),
    ) {
        let Some(remains) = self.remains.get_mut(&attempt) else {
            return;
        };
        what(remains, &mut turn!(self, now));
        if remains.is_over() {
            self.remains.remove(&attempt);
            self.out.timers.forget(attempt);
        }
    }

    /// A is gone: the slot is free, the attempt is over, what is left is taken down.
    fn finish(&mut self, now: Time, attempt: AttemptId) {
        let Some(mut call) = self.live.remove(&attempt) else {
            return;
        };
        let Some(verdict) = call.settle(&mut turn!(self, now)) else {
            self.live.insert(attempt, call);
            return;
        };
        let verdict = miscounted(verdict);
        let lead = call.attempt.lead;
        let fault = call.trunk_fault(verdict);
        let verdict = fault.map_or(verdict, |fault| verdict.blamed_on(fault));
        self.queue
            .leads
            .finish(lead, verdict.disposition, verdict.cause);
        let again = verdict.disposition == Disposition::Interrupted
            && (self.policy.retry_interrupted || sabotaged!(CallsAgain));
        if again && !self.queue.leads.is_unlisted(lead) {
            self.queue.leads.put_back(lead);
        }
        let ending = call.ending(verdict);
        let ended_at = call.ended_at(now);
        let summary = call.summary(ended_at, verdict);
        self.out.journal(Record::AttemptEnded {
            attempt,
            end: verdict.as_end(ended_at, summary.dead_air_ms),
        });
        self.out.tell(Notice::Ended(Box::new(summary)));
        if let Some(fault) = fault {
            self.blame_trunk(now, lead, fault);
        }
        let most = self.policy.pause_after;
        if let Some(reason) = self.run.streaks.look(&ending, verdict.note, most) {
            self.run.pause_by_rule(now, &reason, &mut self.out);
        }
        self.keep_remains(now, call);
    }

    /// The carrier refused what it would refuse of anybody: the lead loses nothing by it.
    fn blame_trunk(&mut self, now: Time, lead: LeadId, fault: TrunkFault) {
        self.run.pause_by_rule(now, fault.reason, &mut self.out);
        if !self.queue.leads.is_unlisted(lead) && !self.run.awaits_next() {
            self.queue.wait_again(lead, &mut pen!(self, now));
        }
    }

    fn keep_remains(&mut self, now: Time, call: Call) {
        let attempt = call.attempt.id;
        let remains = Remains::new(call.attempt, call.facts, &mut turn!(self, now));
        if remains.is_over() {
            self.out.timers.forget(attempt);
        } else {
            self.remains.insert(attempt, remains);
        }
    }

    /// Asterisk told something of a channel.
    fn heard_of_leg(
        &mut self,
        now: Time,
        (attempt, part): (AttemptId, Part),
        event: LegEvent,
        is_up: bool,
        stamp_ms: Option<i64>,
    ) {
        // The target may have answered unheard as well.
        let may_talk = |call: &Call| call.phase.is_connecting() || call.phase.is_talking();
        if self.reconciler.may_be_of_one_replaced(part, event)
            && self.live.get(&attempt).is_some_and(may_talk)
        {
            return self.reconciler.hold_end(HeldEnd {
                at: now,
                attempt,
                part,
                event,
                stamp_ms,
            });
        }
        // The end of A tells that A had answered, should the event of the answer come later.
        if is_up && part == Part::A && event.tells_of_the_end() {
            let out = &mut self.out;
            self.reconciler.orphans.has_answered(now, attempt, out);
            self.tell_call(now, attempt, |call, turn| call.a_answers(None, turn));
        }
        self.leg_event(now, attempt, part, event, stamp_ms);
    }

    /// A channel did something, by an event or by a census.
    fn leg_event(
        &mut self,
        now: Time,
        attempt: AttemptId,
        part: Part,
        event: LegEvent,
        stamp_ms: Option<i64>,
    ) {
        let stray = if let Some(remains) = self.remains.get(&attempt) {
            let channel = remains.facts.channel(part);
            channel.is_some_and(|channel| channel.presence.is_over())
        } else if self.reconciler.orphans.contains(attempt) {
            let (orphans, out) = (&mut self.reconciler.orphans, &mut self.out);
            let nobody_waits = orphans.leg_event(now, attempt, (part, event), out);
            if !nobody_waits {
                return;
            }
            true
        } else {
            !self.live.contains_key(&attempt)
        };
        if stray {
            return self.reconciler.stray(attempt, part, event, &mut self.out);
        }
        if event == LegEvent::HandedOver {
            self.reconciler.note_handed_over(now, attempt, part);
        }
        self.tell_remains(now, attempt, |remains, turn| {
            remains.leg_event(part, event, stamp_ms, turn);
        });
        self.tell_call(now, attempt, |call, turn| {
            call.leg_event(part, event, stamp_ms, turn);
        });
    }

    /// Asterisk answered a request, or did not.
    fn answered(&mut self, now: Time, attempt: AttemptId, op: Op, result: Result<(), OpError>) {
        self.pace.hear_answer(now, result, &mut self.out);
        if let Op::Find(part) = op {
            return self.found(now, attempt, part, result);
        }
        if matches!(op, Op::AskTarget { .. }) {
            return self.tell_call(now, attempt, |call, turn| call.target_told(result, turn));
        }
        if self.remains.contains_key(&attempt) {
            return self.tell_remains(now, attempt, |remains, turn| {
                remains.answered(op, result, turn);
            });
        }
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let was_ending = call.phase.is_hanging_up();
        let result = call.answered(op, result, &mut turn!(self, now));
        match result {
            Ok(()) if op == Op::OriginateA => self.pace.took_a_call(&mut self.out),
            Err(error) if op == Op::OriginateA && !was_ending => {
                self.originate_refused(now, attempt, error);
            }
            _ => {}
        }
        // What is tried again has a timer, so as not to be tried in a tight loop.
        let again = matches!(op, Op::CreateBridge | Op::Join(_));
        if result.is_ok() || !again {
            self.tell_call(now, attempt, Call::advance);
        }
    }

    /// What came of [`Op::Find`]. Whatever else was told of the channel meanwhile counts more.
    fn found(&mut self, now: Time, attempt: AttemptId, part: Part, result: Result<(), OpError>) {
        let channel = self.facts(attempt).and_then(|facts| facts.channel(part));
        let is_away = channel.is_some_and(|channel| channel.presence.is_away());
        let event = match result {
            Ok(()) => LegEvent::HandedOver,
            // Where events were missed, another channel may have taken its place.
            Err(OpError::NotFound) if self.reconciler.heard_all => LegEvent::Leaving(None),
            // It is asked again.
            Err(_) => return,
        };
        if is_away {
            self.leg_event(now, attempt, part, event, None);
        }
    }

    /// A phone has transferred its call.
    fn transferred(&mut self, now: Time, attempt: AttemptId, part: Part, to: String) {
        if self.reconciler.orphans.contains(attempt) {
            // What a dead process left is settled by a census.
            let (orphans, out) = (&mut self.reconciler.orphans, &mut self.out);
            let recording = (&self.ids, &*self.recording_format);
            orphans.transferred(now, attempt, part, recording, out);
        } else if self.remains.contains_key(&attempt) {
            self.tell_remains(now, attempt, |remains, turn| {
                remains.transferred(part, turn)
            });
        } else if self.live.contains_key(&attempt) {
            self.tell_call(now, attempt, |call, turn| call.transferred(part, to, turn));
        } else {
            let entered = LegEvent::Entered;
            self.reconciler.stray(attempt, part, entered, &mut self.out);
        }
    }

    /// A recording came to its end in Asterisk.
    fn recording_ended(&mut self, now: Time, attempt: AttemptId, ok: bool) {
        if ok && self.reconciler.orphans.contains(attempt) {
            return self.orphan_was_recorded(now, attempt);
        }
        self.tell_remains(now, attempt, |remains, turn| {
            remains.recording_ended(ok, turn);
        });
        self.tell_call(now, attempt, |call, turn| call.recording_ended(ok, turn));
    }

    fn orphan_was_recorded(&mut self, now: Time, attempt: AttemptId) {
        let (orphans, out) = (&mut self.reconciler.orphans, &mut self.out);
        let recording = (&self.ids, &*self.recording_format);
        orphans.was_recorded(now, attempt, recording, out);
    }

    /// The facts of a call, living or ended.
    fn facts(&self, attempt: AttemptId) -> Option<&Facts> {
        let live = self.live.get(&attempt).map(|call| &call.facts);
        live.or_else(|| self.remains.get(&attempt).map(|remains| &remains.facts))
    }
}

/// Comparing what is known with what lives in Asterisk.
impl Campaign {
    fn reconcile(&mut self, now: Time, census: &Census) {
        if census.restarted || sabotaged!(TrustsACensus) {
            for call in self.live.values_mut() {
                call.facts.doubt_no_more();
            }
        }
        let ends = self.reconciler.orphans.take_ends();
        let alive = &reconcile::orphans::without_ends(census, &ends);
        for attempt in self.reconciler.orphans.recorded(census, alive) {
            self.orphan_was_recorded(now, attempt);
        }
        let mut done = self.settle_orphans(now, alive, &ends);
        self.reconciler.orphans.put_ends(ends);
        let seen = &Seen::of(alive);
        // Ends first: a leg that came up unheard has bridged nobody if the other had left.
        let known = self.live.len();
        self.take_held_ends(now);
        self.miss_who_was_moved(now, alive);
        let all: Vec<AttemptId> = self
            .live
            .keys()
            .chain(self.remains.keys())
            .copied()
            .collect();
        let gone = reconcile::is_gone;
        self.judge(now, seen, &all, &[Part::Snoop, Part::B, Part::A], gone);
        let live: Vec<AttemptId> = self.live.keys().copied().collect();
        let left = reconcile::has_left_the_bridge;
        self.judge(now, seen, &live, &[Part::B, Part::A], left);
        self.give_up_what_is_kept(now, seen);
        done.ended += known - self.live.len();
        let unheard = !std::mem::replace(&mut self.reconciler.heard_all, true);
        self.hear_what_was_missed(now, alive);
        done.strays = self.take_down_strays(alive);
        self.miss_ends_of_recordings(now, census);
        for call in self.live.values() {
            call.set_target_timer(census.asked_at, &mut turn!(self, now));
        }
        let accounted = done.taken_over + done.hung_up + done.awaited;
        done.going_on = self.live.len().saturating_sub(accounted);
        // While events are missed each look finds the same calls again, which is no news.
        let nothing = Reconciled {
            going_on: if self.pace.link_up { 0 } else { done.going_on },
            ..Reconciled::default()
        };
        if unheard && done != nothing {
            self.out.tell(Notice::Reconciled(done));
        }
    }

    /// Each attempt of the dead process: adopted if its conversation lives, hung up if only
    /// a part of it does, closed if nothing does and nothing more can be learned of it.
    fn settle_orphans(&mut self, now: Time, census: &Census, ends: &OrphanEnds) -> Reconciled {
        let mut done = Reconciled::default();
        for orphan in self.reconciler.orphans.settled_by(census) {
            let rules = self.policy.rules(&self.recording_format);
            let turn = &mut turn!(self, now, false);
            let call = self
                .reconciler
                .orphans
                .take(orphan, census, ends, rules, turn);
            let Some(call) = call else { continue };
            let attempt = call.attempt.id;
            let goes_on = call.phase.is_talking();
            self.live.insert(attempt, call);
            self.tell_call(now, attempt, Call::take_over);
            *match self.live.get(&attempt) {
                Some(_) if goes_on => &mut done.taken_over,
                Some(call) if call.facts.is_a_only_feared() => &mut done.awaited,
                Some(_) => &mut done.hung_up,
                None => &mut done.ended,
            } += 1;
        }
        self.reconciler.orphans.pass_over();
        done
    }

    /// What was held until a census, but for the ends of channels that others have replaced.
    fn take_held_ends(&mut self, now: Time) {
        for held in self.reconciler.take_held_ends() {
            let facts = self.facts(held.attempt);
            let channel = facts.and_then(|facts| facts.channel(held.part));
            if channel.is_some_and(|channel| channel.asked_at <= held.at) {
                self.leg_event(now, held.attempt, held.part, held.event, held.stamp_ms);
            }
        }
    }

    /// Legs that somebody moved out of our application while nobody listened.
    fn miss_who_was_moved(&mut self, now: Time, census: &Census) {
        for (attempt, part) in census.elsewhere.iter().copied() {
            self.reconciler.note_handed_over(now, attempt, part);
            let facts = self.facts(attempt);
            if facts.is_some_and(|facts| reconcile::was_moved(facts, part, census)) {
                self.leg_event(now, attempt, part, LegEvent::HandedOver, None);
            }
        }
    }

    /// Lets calls take in what happened to their channels while nobody listened.
    fn judge(
        &mut self,
        now: Time,
        seen: &Seen,
        attempts: &[AttemptId],
        parts: &[Part],
        judgment: Judgment,
    ) {
        for attempt in attempts.iter().copied() {
            for part in parts.iter().copied() {
                let facts = self.facts(attempt);
                let event = facts.and_then(|facts| judgment((attempt, part), facts, seen));
                if let Some(event) = event {
                    self.leg_event(now, attempt, part, event, None);
                }
            }
        }
    }

    /// Whatever was to go for long, and is listed all the same. What holds no slot is given up:
    /// each census goes on asking for its end, as for any stray.
    fn give_up_what_is_kept(&mut self, now: Time, seen: &Seen) {
        let kept = self.live.iter().filter_map(|(attempt, call)| {
            let kept = reconcile::keeps_a(now, *attempt, &call.facts, seen)?;
            Some((*attempt, kept))
        });
        for (attempt, kept) in kept.collect::<Vec<_>>() {
            match kept {
                Kept::HungUp(hung_up) => {
                    reconcile::tell_kept(attempt, Part::A, false, &mut self.out);
                    self.tell_call(now, attempt, |call, turn| {
                        call.give_up_a(hung_up, reconcile::KEPT, turn);
                    });
                }
                Kept::MayBeThere => self.tell_call(now, attempt, |call, turn| {
                    if !std::mem::replace(&mut call.facts.told_kept, true) {
                        reconcile::tell_kept(attempt, Part::A, true, turn.out);
                    }
                }),
            }
        }
        // A target or a recording's channel holds no slot, whoever may be there.
        for attempt in self.remains.keys().copied().collect::<Vec<_>>() {
            for part in [Part::B, Part::Snoop] {
                let remains = self.remains.get(&attempt);
                let is_kept =
                    remains.is_some_and(|r| reconcile::keeps((attempt, part), &r.facts, seen));
                if is_kept {
                    reconcile::tell_kept(attempt, part, false, &mut self.out);
                    self.tell_remains(now, attempt, |r, turn| r.give_up(part, turn));
                }
            }
        }
    }

    /// Answers and joins that happened while nobody listened.
    fn hear_what_was_missed(&mut self, now: Time, census: &Census) {
        let is_there = |call: &Call, part| {
            call.facts.is_that_of_census(part, census.asked_at) && call.facts.knows(part)
        };
        for (attempt, part, up) in census.channels.iter().copied() {
            if self.live.get(&attempt).is_some_and(|c| is_there(c, part)) {
                self.tell_call(now, attempt, |call, turn| call.listed(part, up, turn));
            }
        }
        for (attempt, part) in census.joined.iter().copied() {
            if self.live.get(&attempt).is_some_and(|c| is_there(c, part)) {
                self.leg_event(now, attempt, part, LegEvent::Joined, None);
            }
        }
    }

    fn take_down_strays(&mut self, census: &Census) -> usize {
        let (live, remains) = (&self.live, &self.remains);
        let is_known = |attempt: AttemptId, part: Part| match live.get(&attempt) {
            // A B that has failed makes room for another one of the same id, which the request
            // to take it down could meet. What is left of it goes with its call.
            Some(call) => {
                let goes_on = !call.phase.is_hanging_up();
                call.facts.knows(part) || matches!(part, Part::B | Part::B2) && goes_on
            }
            None => remains.get(&attempt).is_some_and(|r| r.facts.knows(part)),
        };
        self.reconciler
            .take_down_strays(census, is_known, &mut self.out)
    }

    /// Nobody heard that the recordings of these channels ended, with the channels.
    fn miss_ends_of_recordings(&mut self, now: Time, census: &Census) {
        if sabotaged!(ForgetsRecordings) {
            return;
        }
        for attempt in census.recorder_gone.iter().copied() {
            let facts = self.facts(attempt);
            if facts.is_some_and(|facts| reconcile::recording_has_ended(facts, census)) {
                self.recording_ended(now, attempt, true);
            }
        }
    }
}

/// What a person or a program asks.
impl Campaign {
    /// Does what a person or a program asks, or says why not.
    pub fn command(&mut self, now: Time, command: &Command) -> Outcome {
        let outcome = match command {
            Command::Start => self.start(now),
            Command::Pause => self.pause(now, BY_OPERATOR),
            Command::Drain => Ok(self.drain(now)),
            Command::StopNow => Ok(self.stop_now(now)),
            Command::SetMaxCc(max_cc) => {
                self.policy.max_cc = *max_cc;
                Ok(format!("MAX_CC is {max_cc}"))
            }
            Command::HangUp(attempt) => self.hang_up_one(now, *attempt),
            Command::HangUpAll => Ok(format!("hanging up {} calls", self.hang_up_all(now))),
            Command::Skip(lead) => self.skip(now, *lead),
            Command::Requeue(lead) => self.requeue(now, *lead),
            Command::RequeueMany(again) => self.requeue_many(now, again),
        };
        self.place_calls(now);
        self.settle(now);
        outcome
    }

    fn start(&mut self, now: Time) -> Outcome {
        if let Some((_, said)) = self.run.start_next() {
            return Ok(said);
        }
        match self.run.state() {
            RunState::Dialing => Ok("already dialing".to_owned()),
            RunState::Done => Err("the list is done; a new run calls it again".to_owned()),
            _ if self.queue.leads.open() == 0 => Err("no number waits".to_owned()),
            RunState::Idle | RunState::Paused(_) | RunState::Draining => {
                self.go_dialing(now);
                let waiting = self.queue.leads.waiting();
                Ok(format!("dialing, {waiting} numbers wait"))
            }
        }
    }

    fn go_dialing(&mut self, now: Time) {
        self.pace.no_more_hold(now);
        self.run.set_state(now, RunState::Dialing, &mut self.out);
    }

    fn pause(&mut self, now: Time, reason: &str) -> Outcome {
        if self.run.hold_next() {
            return Ok("the next run waits for a start".to_owned());
        }
        match self.run.state() {
            RunState::Dialing | RunState::Draining => {
                let paused = RunState::Paused(reason.to_owned());
                self.run.set_state(now, paused, &mut self.out);
                Ok(format!("paused, {} calls go on", self.live.len()))
            }
            other => Err(format!("nothing to pause: {}", other.word())),
        }
    }

    fn drain(&mut self, now: Time) -> String {
        self.run.hold_next();
        match self.run.state() {
            RunState::Dialing | RunState::Paused(_) => {
                self.run.set_state(now, RunState::Draining, &mut self.out);
                format!("draining, {} calls go on", self.live.len())
            }
            // An idle dialer may still have calls adopted from a dead process.
            _ => format!("no new calls, {} calls go on", self.live.len()),
        }
    }

    fn stop_now(&mut self, now: Time) -> String {
        self.run.hold_next();
        if matches!(self.run.state(), RunState::Dialing | RunState::Paused(_)) {
            self.run.set_state(now, RunState::Draining, &mut self.out);
        }
        self.withdraw_unsent(now, |_, _| true);
        format!("hanging up {} calls", self.hang_up_all(now))
    }

    fn hang_up_all(&mut self, now: Time) -> usize {
        let all: Vec<AttemptId> = self.live.keys().copied().collect();
        for attempt in &all {
            // Each of them is live, so it can't be refused.
            let _ = self.hang_up_one(now, *attempt);
        }
        all.len()
    }

    fn hang_up_one(&mut self, now: Time, attempt: AttemptId) -> Outcome {
        let Some(call) = self.live.get(&attempt) else {
            return Err(format!("no call {attempt} is up"));
        };
        let number = call.attempt.number.clone();
        let Some(verdict) = call.phase.verdict_of_operator() else {
            return Ok(format!("{number} is ending"));
        };
        self.tell_call(now, attempt, |call, turn| call.end(verdict, turn));
        Ok(format!("hanging up {number}"))
    }

    fn skip(&mut self, now: Time, lead: LeadId) -> Outcome {
        self.run.unless_next()?;
        self.queue.skip(lead, &mut pen!(self, now))
    }

    fn requeue(&mut self, now: Time, lead: LeadId) -> Outcome {
        self.run.unless_next()?;
        let (emergency, pen) = (&self.policy.emergency, &mut pen!(self, now));
        let said = self.queue.requeue(lead, emergency, pen)?;
        self.reopen(now);
        Ok(said)
    }

    /// Puts many leads that have ended back to their places in the line.
    fn requeue_many(&mut self, now: Time, again: &Again) -> Outcome {
        self.run.unless_next()?;
        let mut leads = match (again.from, again.disposition) {
            (None, None) => self.run.streaks.last(&self.queue.leads)?,
            _ => self.queue.ended_as(again)?,
        };
        if leads.is_empty() {
            return Err("nobody is left to be called again".to_owned());
        }
        let left = leads.len().saturating_sub(MOST_AT_ONCE);
        leads.truncate(MOST_AT_ONCE);
        let abandoned = Some(LeadState::Final(Disposition::Abandoned));
        let states = leads.iter().map(|lead| self.queue.leads.state(*lead));
        let spoken = states.filter(|state| *state == abandoned).count();
        if spoken > 0 && !again.reached {
            return Err(format!(
                "{spoken} of them answered and reached nobody: they are called again only when \
                 that is confirmed (\"reached\": true, or --reached)"
            ));
        }
        for lead in &leads {
            self.queue.wait_again(*lead, &mut pen!(self, now));
        }
        self.reopen(now);
        let more = if left > 0 {
            format!(", {left} more can be called again by the same command")
        } else {
            String::new()
        };
        Ok(format!("{} wait again{more}", leads.len()))
    }

    /// Somebody waits again: a run that was done dials.
    fn reopen(&mut self, now: Time) {
        if *self.run.state() == RunState::Done {
            self.go_dialing(now);
        }
    }

    /// Adds numbers at the end of the line. They stay until the next run, whatever the list has.
    /// A run that was done is open again, and dials once it is started.
    pub fn add(&mut self, now: Time, numbers: &[Number]) -> Result<Added, String> {
        if self.run.id == RunId(0) {
            return Err("there is no run yet".to_owned());
        }
        self.run.unless_next()?;
        if numbers.len() > Numbers::MAX.saturating_sub(self.queue.leads.len()) {
            return Err(format!("a run has at most {} numbers", Numbers::MAX));
        }
        let leads = self.queue.add(numbers, &mut pen!(self, now));
        if *self.run.state() == RunState::Done && self.queue.leads.open() > 0 {
            self.run.set_state(now, RunState::Idle, &mut self.out);
        }
        let added = Added {
            run: self.run.id,
            state: self.run.state().clone(),
            leads,
        };
        self.place_calls(now);
        self.settle(now);
        Ok(added)
    }

    /// The list was read again: new numbers join, waiting leads that are no longer listed
    /// are skipped, nobody who was called is called again.
    pub fn relist(&mut self, now: Time, numbers: &Numbers) -> Relisted {
        if self.run.relist_next(numbers) {
            return Relisted::default();
        }
        let relisted = self.compare(now, numbers);
        if relisted.joined > 0 && *self.run.state() == RunState::Done {
            self.run.set_state(now, RunState::Idle, &mut self.out);
        }
        self.place_calls(now);
        self.settle(now);
        relisted
    }

    fn compare(&mut self, now: Time, numbers: &Numbers) -> Relisted {
        // Who was about to be dialed and is not listed goes back in line, to be skipped there.
        self.withdraw_unsent(now, |attempt, queue| {
            let number = attempt.number.as_str();
            numbers.find(number).is_none() && !queue.leads.is_added(attempt.lead)
        });
        let live = self.live.values().map(|call| call.attempt.lead);
        let called: Vec<LeadId> = live.chain(self.reconciler.orphans.leads()).collect();
        self.queue.compare(numbers, &called, &mut pen!(self, now))
    }

    /// A program wants dialing to begin or to go on, over the list as it stands. However
    /// often it asks, nobody is called a second time in a run, and a run follows another only
    /// where that one is done.
    pub fn start_again(&mut self, now: Time, list: Listed<'_>) -> Result<StartedAgain, String> {
        if let Some((is_news, said)) = self.run.start_next() {
            if list.of_this_run {
                self.run.relist_next(list.numbers);
            }
            return Ok(StartedAgain {
                began: if is_news {
                    Began::Started
                } else {
                    Began::AlreadyRunning
                },
                relisted: Relisted::default(),
                said,
            });
        }
        let started = match self.run.state() {
            RunState::Done => self.begin_anew(now, list),
            _ => self.go_on(now, list),
        };
        self.place_calls(now);
        self.settle(now);
        started
    }

    fn begin_anew(&mut self, now: Time, list: Listed<'_>) -> Result<StartedAgain, String> {
        let since = self.run.since;
        let again_at = self.policy.start_again_after.map(|after| since + after);
        let early = again_at.is_none_or(|at| now < at);
        let unchanged = list.of_this_run && !self.queue.lacks_any_of(list.numbers);
        let (began, said) = if early && unchanged && !sabotaged!(RecallsAfterDone) {
            let said = "the list is done, and nobody new is on it: nobody is dialed";
            (Began::DoneAndUnchanged { since, again_at }, said.to_owned())
        } else {
            let said = self.new_run(now, list.name, list.numbers)?;
            (
                Began::Restarted,
                format!("everybody on the list is called again: {said}"),
            )
        };
        Ok(StartedAgain {
            began,
            relisted: Relisted::default(),
            said,
        })
    }

    fn go_on(&mut self, now: Time, list: Listed<'_>) -> Result<StartedAgain, String> {
        let relisted = if list.of_this_run {
            self.compare(now, list.numbers)
        } else {
            Relisted::default()
        };
        let (began, said) = match self.run.state() {
            RunState::Paused(reason) => (
                Began::StillPaused(reason.clone()),
                format!("the run stays PAUSED ({reason})"),
            ),
            RunState::Dialing => (Began::AlreadyRunning, self.start(now)?),
            RunState::Draining => (Began::Resumed, self.start(now)?),
            RunState::Idle | RunState::Done => (Began::Started, self.start(now)?),
        };
        Ok(StartedAgain {
            began,
            relisted,
            said,
        })
    }

    /// Something outside shows that nobody must be dialed for now, and what to mend.
    pub fn pause_for(&mut self, now: Time, reason: &str) {
        self.run.pause_by_rule(now, reason, &mut self.out);
        self.withdraw_unsent(now, |_, _| true);
    }

    /// New rules, for calls that have not begun: those under way keep theirs. MAX_CC changes
    /// only if the settings have another than last time: else what a person set since holds.
    /// What it allows is done at the next input.
    pub fn set_policy(&mut self, mut policy: Policy, recording_format: &str) {
        let given = std::mem::replace(&mut self.given_max_cc, policy.max_cc);
        if policy.max_cc == given {
            policy.max_cc = self.policy.max_cc;
        }
        self.policy = policy;
        self.recording_format = recording_format.into();
    }
}

/// Runs, one after the other.
impl Campaign {
    /// Goes on with the run that the journal has. A run that was dialing comes back IDLE.
    ///
    /// Orphans of an older run are closed at once by what the journal knows, and whatever of them
    /// lives in Asterisk is taken down by the first census.
    pub fn restore(
        &mut self,
        now: Time,
        run: RunId,
        state: RunState,
        leads: Leads,
        orphans: Vec<Orphan>,
    ) {
        let (orphans, older): (Vec<_>, Vec<_>) = orphans.into_iter().partition(|o| o.run == run);
        reconcile::orphans::abandon(now, older, &mut self.out);
        self.queue = Queue { leads };
        for orphan in &orphans {
            let calling = LeadState::Calling(orphan.attempt);
            self.queue.leads.restore(orphan.lead, calling);
        }
        let state = match state {
            RunState::Dialing | RunState::Draining => RunState::Idle,
            // Somebody waits again: by ON_INTERRUPTED, or asked for right before the end.
            RunState::Done if self.queue.leads.open() > 0 => RunState::Idle,
            RunState::Idle | RunState::Paused(_) | RunState::Done => state,
        };
        self.run = Run::restored(run, state);
        self.reconciler.orphans = Orphans::new(orphans);
    }

    /// When the run of [`Self::restore`] came into its state, as the journal has it.
    pub fn restore_since(&mut self, since: Time) {
        self.run.since = since;
    }

    /// The run's latest ends, the oldest first, as the journal has them: streaks go on where a
    /// dead process left them.
    pub fn restore_streaks(&mut self, ends: &[Ending]) {
        for end in ends {
            self.run.streaks.note(end, self.policy.pause_after);
        }
    }

    /// After a run was restored: of the leads of one person at most one waits, and none where
    /// another was called or is being called. Tells how many were taken off.
    pub fn one_lead_a_person(&mut self, now: Time) -> usize {
        self.queue.one_lead_a_person(&mut pen!(self, now))
    }

    /// Begins a run over `numbers`. Only while [`Self::is_quiet`]: the ids of channels carry
    /// their run.
    pub fn open_run(&mut self, now: Time, list: &str, numbers: &Numbers) {
        debug_assert!(
            self.is_quiet(),
            "a run begins when nothing of another is left"
        );
        self.run = self.run.after(now, list, &mut self.out);
        self.queue.leads = Leads::after(&self.queue.leads);
        self.queue.join(numbers, &mut pen!(self, now));
    }

    /// Begins a run over `numbers` as soon as [`Self::is_quiet`].
    pub fn open_run_when_quiet(&mut self, list: &str, numbers: &Numbers) {
        self.run.await_next(list, numbers);
    }

    /// Whether a new run is to begin when nothing is left of this one.
    #[must_use]
    pub const fn awaits_a_run(&self) -> bool {
        self.run.awaits_next()
    }

    /// The process is to end: it begins no other run.
    pub fn forget_next_run(&mut self) {
        self.run.take_next();
    }

    /// The ids in what is still to be carried out are made of the present run, so it ends when
    /// nothing of that is left either.
    fn begin_next_run(&mut self, now: Time) {
        if !self.is_quiet() || !self.out.is_empty() {
            return;
        }
        if let Some(next) = self.run.take_next() {
            self.open_run(now, &next.list, &next.numbers);
            if next.starts {
                self.run.set_state(now, RunState::Dialing, &mut self.out);
            } else {
                let state = RunState::Idle;
                self.out.tell(Notice::State { state });
            }
        }
    }

    /// Whether a new run may begin now, or why not.
    pub fn may_begin_anew(&self) -> Result<(), String> {
        self.run.unless_next()?;
        if *self.run.state() != RunState::Done {
            let word = self.run.state().word();
            return Err(format!("a new run begins at DONE, and this one is {word}"));
        }
        if !self.is_quiet() {
            return Err("the last calls are still being taken down: try again".to_owned());
        }
        Ok(())
    }

    /// A person wants everybody on the list called again: the next run, dialing.
    pub fn new_run(&mut self, now: Time, list: &str, numbers: &Numbers) -> Outcome {
        self.may_begin_anew()?;
        if numbers.is_empty() {
            return Err("the list has no numbers".to_owned());
        }
        self.open_run(now, list, numbers);
        self.go_dialing(now);
        self.place_calls(now);
        let waiting = self.queue.leads.len();
        Ok(format!("run {} dials {waiting} numbers", self.run.id))
    }
}

/// What others may know.
impl Campaign {
    /// The run.
    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run.id
    }

    /// The run's state.
    #[must_use]
    pub const fn state(&self) -> &RunState {
        self.run.state()
    }

    /// The leads of the run.
    #[must_use]
    pub const fn leads(&self) -> &Leads {
        &self.queue.leads
    }

    /// How calls are made.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Figures of this process's calls.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        self.out.stats()
    }

    /// The live calls, the oldest first.
    pub fn calls(&self) -> impl Iterator<Item = CallView> + '_ {
        self.live.values().map(Call::view)
    }

    /// How many calls hold a slot.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        self.live.len()
    }

    /// The streak that paused the run last, while somebody of it could be called again.
    #[must_use]
    pub fn streak(&self) -> Option<Streak> {
        self.run.streaks.shown(&self.queue.leads)
    }

    /// The id that the next attempt will have.
    #[must_use]
    pub const fn next_attempt(&self) -> AttemptId {
        self.next_attempt
    }

    /// Whether the journal takes records, as far as the campaign was told.
    #[must_use]
    pub const fn journal_is_well(&self) -> bool {
        self.pace.journal_well
    }

    /// Whether Asterisk answers no requests: what was asked of it and waits at the client had
    /// better not leave.
    #[must_use]
    pub fn asterisk_is_silent(&self) -> bool {
        self.pace.is_silent()
    }

    /// An originate was given up for unanswered, and may still ring somebody, or does.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.live.values().any(|call| call.facts.is_a_in_doubt())
    }

    /// Nothing of any call is left in Asterisk, as far as is known.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let none_live = self.live.is_empty() && self.remains.is_empty();
        none_live && self.reconciler.orphans.is_empty()
    }

    /// Whether anything of this attempt is still on its way.
    #[must_use]
    pub fn knows(&self, attempt: AttemptId) -> bool {
        self.facts(attempt).is_some() || self.reconciler.orphans.contains(attempt)
    }

    /// Whether this leg of a call is in its bridge by all that is known, or left it when it left
    /// our application.
    #[must_use]
    pub fn has_joined(&self, attempt: AttemptId, part: Part) -> bool {
        let is_leg = matches!(part, Part::A | Part::B);
        let channel = self.facts(attempt).and_then(|facts| facts.channel(part));
        is_leg && channel.is_some_and(|channel| channel.has_joined())
    }

    /// The names, in Asterisk's spool, of what a dead process may have recorded without
    /// writing it down. A census tells which of them are there.
    #[must_use]
    pub fn unknown_recordings(&self) -> Vec<(AttemptId, String)> {
        self.reconciler.orphans.unknown_recordings(&self.ids)
    }

    /// The leads that are being called, for a reader of the state.
    pub fn calling(&self) -> impl Iterator<Item = LeadId> + '_ {
        self.live
            .values()
            .map(|call| call.attempt.lead)
            .filter(|lead| {
                let state = self.queue.leads.state(*lead);
                matches!(state, Some(LeadState::Calling(_)))
            })
    }

    /// How much is kept of what can pile up: live calls, remains of ended ones, orphans,
    /// timers, effects.
    #[cfg(test)]
    pub(crate) fn sizes(&self) -> [usize; 5] {
        let [timers, effects] = self.out.sizes();
        let orphans = self.reconciler.orphans.len();
        [
            self.live.len(),
            self.remains.len(),
            orphans,
            timers,
            effects,
        ]
    }
}

/// The verdict as it is, but in a test that wants to see whether anybody notices.
fn miscounted(verdict: Verdict) -> Verdict {
    if sabotaged!(MiscountsAbandoned) && verdict.disposition == Disposition::Abandoned {
        return Verdict::new(Disposition::NoAnswer, verdict.by);
    }
    verdict
}
