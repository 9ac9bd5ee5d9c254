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
mod calls;
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

use std::sync::Arc;

#[cfg(test)]
pub(crate) use tests::{rig::call_settings, sabotage};

pub use disposition::{Disposition, EndedBy, HangupCause};
pub use ids::{ANY_DIALDECK, AsteriskIds, AttemptId, LeadId, MaxCc, Part, RunId, trunk_endpoint};
pub use io::{
    Again, BY_OPERATOR, CallStep, CallSummary, Census, Command, DialStatus, Effect, Input,
    LegEvent, Notice, Op, OpError, Outcome,
};
pub use number::{Emergency, MAX_NUMBER_LEN, Number, NumberError, digits_of_person};
pub use pace::{HeldBack, Limit, TrunkIs};
pub use queue::changes::{Changes, Differ};
pub use queue::leads::{LeadRow, LeadState, Leads};
pub use queue::numbers::Numbers;
pub use queue::{Added, AddedLead, NO_LONGER_LISTED, Relisted};
pub use reconcile::orphans::{Orphan, RESTARTED, Recorded};
pub use reconcile::{Reconciled, kept_words};
pub use record::{
    AttemptEnd, LegNote, Record, RecordingState, RunState, Sent, Step, TargetFailure,
};
pub use run::{Began, Listed, StartedAgain};
pub use settings::{CallSettings, CallerId, Policy, Recordings, Target};
pub use stats::Stats;
pub use streak::{Ending, PauseAfter, Streak};
pub use time::Time;
pub use view::{CallView, CallWord};

use call::Call;
use call::attempt::Attempt;
use call::channel::Presence;
use calls::{Calls, Ended, Originated};
use out::Out;
use pace::{Floor, Pace};
use queue::{Pen, Queue};
use run::Run;
use timers::Timer;

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
    policy: Policy,
    /// The MAX_CC that the settings had last, whatever a person has set since.
    given_max_cc: MaxCc,
    run: Run,
    queue: Queue,
    pace: Pace,
    calls: Calls,
    next_attempt: AttemptId,
    out: Out,
}

impl Campaign {
    /// A campaign without a run. `next_attempt` must be over every attempt that the journal
    /// has ever had.
    #[must_use]
    pub fn new(ids: AsteriskIds, policy: Policy, next_attempt: AttemptId) -> Self {
        Self {
            calls: Calls::new(ids),
            given_max_cc: policy.max_cc,
            policy,
            run: Run::restored(RunId(0), RunState::Idle),
            queue: Queue::default(),
            pace: Pace::new(),
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
        if deaf {
            self.calls.miss_events();
        }
        self.see_to_ended(now);
        self.place_calls(now);
        self.settle(now);
    }

    fn take_in(&mut self, now: Time, input: Input) {
        let out = &mut self.out;
        match input {
            Input::Durable(attempt) => self.dial(now, attempt),
            Input::NotDurable(attempt) => self.journal_refused(now, attempt),
            Input::JournalWell => self.pace.journal_well = true,
            Input::LinkUp(census) => {
                self.pace.link_up = true;
                // What was looked at before this could be told is told now.
                self.calls.miss_events();
                self.pace.no_more_hold(now);
                self.pace.answers_again(now, out);
                self.calls.reconcile(now, &census, true, out);
            }
            Input::LinkDown => {
                self.pace.link_up = false;
                self.calls.miss_events();
            }
            Input::Census(census) | Input::Glimpse(census) => {
                self.calls.reconcile(now, &census, self.pace.link_up, out);
            }
            Input::Answer {
                attempt,
                op,
                result,
            } => self.answered(now, attempt, op, result),
            Input::Trunk { attempt, trunk } => self.trunk_probed(now, attempt, trunk),
            Input::Carrier { attempt, answered } => {
                self.calls
                    .tell_call(now, attempt, out, |call, _| call.carrier_asked(answered));
            }
            Input::Probed { answered } => self.pace.probed(now, answered, out),
            Input::Leg {
                attempt,
                part,
                event,
                is_up,
                stamp_ms,
            } => {
                let (whose, what) = ((attempt, part), (event, stamp_ms));
                self.calls.heard_of_leg(now, whose, what, is_up, out);
            }
            Input::Transferred { attempt, part, to } => {
                self.calls.transferred(now, (attempt, part), to, out);
            }
            Input::RecordingEnded { attempt, ok } => {
                self.calls.recording_ended(now, attempt, ok, out);
            }
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
                _ => self.calls.timer(now, attempt, timer, &mut self.out),
            }
        }
    }

    /// What follows from the end of calls for their leads and for the run.
    fn see_to_ended(&mut self, now: Time) {
        for ended in self.calls.take_ended() {
            let Ended {
                lead,
                verdict,
                fault,
                ending,
            } = ended;
            let leads = &mut self.queue.leads;
            leads.finish(lead, verdict.disposition, verdict.cause);
            let again = verdict.disposition == Disposition::Interrupted
                && (self.policy.retry_interrupted || sabotaged!(CallsAgain));
            if again && !leads.is_unlisted(lead) {
                leads.put_back(lead);
            }
            if let Some(fault) = fault {
                // The carrier refused what it would refuse of anybody: the lead loses nothing.
                let may_wait = !leads.is_unlisted(lead) && !self.run.awaits_next();
                self.run.pause_by_rule(now, fault.reason, &mut self.out);
                if may_wait {
                    self.queue.wait_again(lead, &mut pen!(self, now));
                }
            }
            let most = self.policy.pause_after;
            if let Some(reason) = self.run.streaks.look(&ending, verdict.note, most) {
                self.run.pause_by_rule(now, &reason, &mut self.out);
            }
        }
    }

    /// What follows from there being nothing left to do.
    fn settle(&mut self, now: Time) {
        let busy = self.live_calls() > 0 || !self.calls.is_settled();
        if busy || self.run.awaits_next() {
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
            settings: Arc::clone(&self.policy.call),
            inherited: false,
        };
        self.calls.begin(Call::new(whole, before));
    }

    /// The attempt is on disk: dial it, unless dialing was stopped meanwhile.
    fn dial(&mut self, now: Time, attempt: AttemptId) {
        let may = self.pace.may_leave(now, self.floor());
        if self.calls.durable(now, attempt, may, &mut self.out) {
            self.withdraw(now, attempt);
        }
    }

    /// Takes back an attempt of which nothing has left; its lead is the next in line.
    fn withdraw(&mut self, now: Time, attempt: AttemptId) {
        if let Some((lead, before)) = self.calls.withdraw(now, attempt, &mut self.out) {
            self.take_back(now, lead, before);
        }
    }

    fn take_back(&mut self, now: Time, lead: LeadId, before: Option<AttemptId>) {
        self.queue.leads.take_back(lead, before);
        self.queue.skip_if_unlisted(lead, &mut pen!(self, now));
    }

    /// Takes back the attempts whose originate has not left.
    fn withdraw_unsent(&mut self, now: Time) {
        for attempt in self.calls.unsent(|_| true) {
            self.withdraw(now, attempt);
        }
    }

    fn journal_refused(&mut self, now: Time, attempt: AttemptId) {
        self.pace.journal_well = false;
        if let Some((lead, before)) = self.calls.forget(attempt) {
            self.take_back(now, lead, before);
        }
    }

    /// Asterisk answered a request, or did not.
    fn answered(&mut self, now: Time, attempt: AttemptId, op: Op, result: Result<(), OpError>) {
        self.pace.hear_answer(now, result, &mut self.out);
        let answer = (op, result);
        match self.calls.answered(now, attempt, answer, &mut self.out) {
            Some(Originated::Taken) => self.pace.took_a_call(&mut self.out),
            Some(Originated::Refused(error)) => self.originate_refused(now, attempt, error),
            None => return,
        }
        self.calls.advance(now, attempt, &mut self.out);
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
                let what = Call::originate_doubtful;
                self.calls.tell_call(now, attempt, &mut self.out, what);
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
        let Some(call) = self.calls.get(attempt) else {
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
                let what = Call::not_allocated;
                self.calls.tell_call(now, attempt, &mut self.out, what);
            }
            TrunkIs::Away if call.phase.is_hanging_up() => {
                self.calls.advance(now, attempt, &mut self.out);
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
            is_settled: self.calls.is_settled(),
            max_cc: self.policy.max_cc,
            in_use: self.live_calls(),
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
        self.see_to_ended(now);
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
                Ok(format!("paused, {} calls go on", self.live_calls()))
            }
            other => Err(format!("nothing to pause: {}", other.word())),
        }
    }

    fn drain(&mut self, now: Time) -> String {
        self.run.hold_next();
        match self.run.state() {
            RunState::Dialing | RunState::Paused(_) => {
                self.run.set_state(now, RunState::Draining, &mut self.out);
                format!("draining, {} calls go on", self.live_calls())
            }
            // An idle dialer may still have calls adopted from a dead process.
            _ => format!("no new calls, {} calls go on", self.live_calls()),
        }
    }

    fn stop_now(&mut self, now: Time) -> String {
        self.run.hold_next();
        if matches!(self.run.state(), RunState::Dialing | RunState::Paused(_)) {
            self.run.set_state(now, RunState::Draining, &mut self.out);
        }
        self.withdraw_unsent(now);
        format!("hanging up {} calls", self.hang_up_all(now))
    }

    fn hang_up_all(&mut self, now: Time) -> usize {
        let all: Vec<AttemptId> = self.calls.live().map(|call| call.attempt.id).collect();
        for attempt in &all {
            // Each of them is live, so it can't be refused.
            let _ = self.hang_up_one(now, *attempt);
        }
        all.len()
    }

    fn hang_up_one(&mut self, now: Time, attempt: AttemptId) -> Outcome {
        let Some(call) = self.calls.get(attempt) else {
            return Err(format!("no call {attempt} is up"));
        };
        let number = call.attempt.number.clone();
        let Some(verdict) = call.phase.verdict_of_operator() else {
            return Ok(format!("{number} is ending"));
        };
        let out = &mut self.out;
        self.calls
            .tell_call(now, attempt, out, |call, turn| call.end(verdict, turn));
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
        let leads = &self.queue.leads;
        let unlisted = self.calls.unsent(|attempt| {
            let is_listed = numbers.find(attempt.number.as_str()).is_some();
            !is_listed && !leads.is_added(attempt.lead)
        });
        for attempt in unlisted {
            self.withdraw(now, attempt);
        }
        let called = self.calls.leads();
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
        self.withdraw_unsent(now);
    }

    /// New rules, for calls that have not begun: those under way keep theirs. MAX_CC changes
    /// only if the settings have another than last time: else what a person set since holds.
    /// What it allows is done at the next input.
    pub fn set_policy(&mut self, mut policy: Policy) {
        let given = std::mem::replace(&mut self.given_max_cc, policy.max_cc);
        if policy.max_cc == given {
            policy.max_cc = self.policy.max_cc;
        }
        self.policy = policy;
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
        self.calls.restore(orphans);
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
        self.calls.views()
    }

    /// How many calls hold a slot.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        self.calls.live().len()
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
        self.calls.live().any(|call| call.facts.is_a_in_doubt())
    }

    /// Nothing of any call is left in Asterisk, as far as is known.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.calls.is_quiet()
    }

    /// Whether anything of this attempt is still on its way.
    #[must_use]
    pub fn knows(&self, attempt: AttemptId) -> bool {
        self.calls.knows(attempt)
    }

    /// Whether this leg of a call is in its bridge by all that is known, or left it when it left
    /// our application.
    #[must_use]
    pub fn has_joined(&self, attempt: AttemptId, part: Part) -> bool {
        self.calls.has_joined(attempt, part)
    }

    /// The names, in Asterisk's spool, of what a dead process may have recorded without
    /// writing it down. A census tells which of them are there.
    #[must_use]
    pub fn unknown_recordings(&self) -> Vec<(AttemptId, String)> {
        self.calls.unknown_recordings()
    }

    /// The leads that are being called, for a reader of the state.
    pub fn calling(&self) -> impl Iterator<Item = LeadId> + '_ {
        let leads = self.calls.live().map(|call| call.attempt.lead);
        leads.filter(|lead| {
            let state = self.queue.leads.state(*lead);
            matches!(state, Some(LeadState::Calling(_)))
        })
    }

    /// How much is kept of what can pile up: live calls, remains of ended ones, orphans,
    /// timers, effects.
    #[cfg(test)]
    pub(crate) fn sizes(&self) -> [usize; 5] {
        let [live, remains, orphans] = self.calls.sizes();
        let [timers, effects] = self.out.sizes();
        [live, remains, orphans, timers, effects]
    }
}
