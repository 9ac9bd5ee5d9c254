//! What is known, compared with what lives in Asterisk: after a crash, after a lost link, and
//! now and then.

use std::collections::BTreeSet;
use std::fmt;

use super::call::Call;
use super::io::{Census, Effect, LegEvent, Notice};
use super::orphans::{Orphan, without_ends};
use super::streak::Streaks;
use super::{
    AttemptId, Campaign, HangupCause, LeadId, LeadState, Leads, Numbers, Part, Record, RunId,
    RunState, Time,
};

/// What was done about calls when the link came back, or came up for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Calls of this process that go on.
    pub going_on: usize,
    /// Conversations of a dead process that go on.
    pub taken_over: usize,
    /// Calls of a dead process that could not go on and are hung up.
    pub hung_up: usize,
    /// Calls of a dead process that nothing is known of, and that may still begin to ring.
    pub awaited: usize,
    /// Calls that ended while nobody listened.
    pub ended: usize,
    /// Channels and bridges that belong to no call and are taken down.
    pub strays: usize,
}

impl fmt::Display for Reconciled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.going_on, "go on"),
            (self.taken_over, "of an earlier process taken over"),
            (self.hung_up, "of an earlier process hung up"),
            (
                self.awaited,
                "of an earlier process might still ring and are waited for",
            ),
            (self.ended, "had ended unheard"),
            (self.strays, "strays taken down"),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        write!(
            f,
            "what lives in Asterisk was looked at: {}",
            said.join(", ")
        )
    }
}

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
        self.run = run;
        self.abandon(now, older);
        self.leads = leads;
        for orphan in &orphans {
            self.leads
                .restore(orphan.lead, LeadState::Calling(orphan.attempt));
        }
        self.state = match state {
            RunState::Dialing | RunState::Draining => RunState::Idle,
            // Somebody waits again: by ON_INTERRUPTED, or asked for right before the end.
            RunState::Done if self.leads.open() > 0 => RunState::Idle,
            RunState::Idle | RunState::Paused(_) | RunState::Done => state,
        };
        let orphans: Vec<Orphan> = orphans;
        self.orphans = orphans.into_iter().map(|o| (o.attempt, o)).collect();
    }

    /// When the run of [`Self::restore`] came into its state, as the journal has it.
    pub fn restore_since(&mut self, since: Time) {
        self.state_since = since;
    }

    /// Begins a run over `numbers`. Only while [`Self::is_quiet`]: the ids of channels carry
    /// their run.
    pub fn open_run(&mut self, now: Time, list: &str, numbers: &Numbers) {
        debug_assert!(
            self.is_quiet(),
            "a run begins when nothing of another is left"
        );
        self.run = RunId(self.run.0 + 1);
        self.state = RunState::Idle;
        self.state_since = now;
        self.leads = Leads::after(&self.leads);
        self.streaks = Streaks::default();
        self.effects.push_back(Effect::Journal(Record::RunOpened {
            run: self.run,
            list: list.to_owned(),
            at: now,
        }));
        self.join(now, numbers);
    }

    /// Compares what is known with what lives in Asterisk.
    pub(super) fn reconcile(&mut self, now: Time, census: &Census) {
        if census.restarted || super::sabotaged!(TrustsACensus) {
            for call in self.live.values_mut() {
                call.facts.doubt_no_more();
            }
        }
        let mut ends = std::mem::take(&mut self.unsettled.ends);
        if super::sabotaged!(TrustsAnOldCensus) {
            ends.clear();
        }
        let alive = &without_ends(census, &ends);
        self.find_recordings(now, census, alive);
        let mut done = self.settle_orphans(now, alive, &ends);
        ends.retain(|(attempt, _), _| self.orphans.contains_key(attempt));
        self.unsettled.ends = ends;
        // Ends first: a leg that came up unheard has bridged nobody if the other had left.
        let known = self.live.len();
        self.take_held_ends(now);
        self.miss_who_was_moved(now, alive);
        self.miss_what_is_gone(now, alive);
        self.miss_who_left_the_bridge(now, alive);
        self.give_up_what_is_kept(now, alive);
        done.ended += known - self.live.len();
        let unheard = !std::mem::replace(&mut self.heard_all, true);
        self.hear_what_was_missed(now, alive);
        done.strays = self.take_down_strays(alive);
        self.miss_ends_of_recordings(now, census);
        self.set_target_timers(now, census.asked_at);
        let all = self.live.len();
        done.going_on = all.saturating_sub(done.taken_over + done.hung_up + done.awaited);
        // While events are missed each look finds the same calls again, which is no news.
        let going_on = if self.link_up { 0 } else { done.going_on };
        let nothing = Reconciled {
            going_on,
            ..Reconciled::default()
        };
        if unheard && done != nothing {
            self.effects
                .push_back(Effect::Tell(Notice::Reconciled(done)));
        }
    }

    /// Answers and joins that happened while nobody listened.
    fn hear_what_was_missed(&mut self, now: Time, census: &Census) {
        for (attempt, part, up) in census.channels.iter().copied() {
            let Some(call) = self.live.get_mut(&attempt) else {
                continue;
            };
            let is_it = call.facts.is_that_of_census(part, census.asked_at);
            let there = is_it && call.facts.knows(part);
            if there {
                call.facts.note_listed(now, part);
            }
            // A staged B and a snoop channel enter our application when they are made.
            let entered = up || part == Part::Snoop || part == Part::B && !call.facts.b_is_plain();
            if there && entered {
                self.leg_event(now, attempt, part, LegEvent::Entered, None);
            }
            if there && up {
                self.leg_event(now, attempt, part, LegEvent::Up, None);
            }
        }
        for (attempt, part) in census.joined.iter().copied() {
            if let Some(call) = self.live.get_mut(&attempt)
                && call.facts.is_that_of_census(part, census.asked_at)
                && call.facts.knows(part)
            {
                self.leg_event(now, attempt, part, LegEvent::Joined, None);
            }
        }
    }

    /// Ends of channels that happened while nobody listened.
    fn miss_what_is_gone(&mut self, now: Time, census: &Census) {
        let listed: BTreeSet<(AttemptId, Part)> = census
            .channels
            .iter()
            .map(|(attempt, part, _)| (*attempt, *part))
            .collect();
        let known: Vec<AttemptId> = self
            .live
            .keys()
            .chain(self.remains.keys())
            .copied()
            .collect();
        for attempt in known {
            for part in [Part::Snoop, Part::B, Part::A] {
                let due = self
                    .facts(attempt)
                    .is_some_and(|facts| facts.is_due_in_census(part, census.asked_at));
                if due && !listed.contains(&(attempt, part)) {
                    let event = LegEvent::Gone(HangupCause::default());
                    self.leg_event(now, attempt, part, event, None);
                }
            }
        }
    }

    /// Whoever was in the bridge and is not any more has left it unheard, as far ends do that
    /// hang up: the other one is alone there, though Asterisk may keep the channel.
    fn miss_who_left_the_bridge(&mut self, now: Time, census: &Census) {
        let joined: BTreeSet<(AttemptId, Part)> = census.joined.iter().copied().collect();
        let live: Vec<AttemptId> = self.live.keys().copied().collect();
        for attempt in live {
            for part in [Part::B, Part::A] {
                let due = self
                    .facts(attempt)
                    .is_some_and(|facts| facts.is_due_in_bridge(part, census.asked_at));
                let is_out = !joined.contains(&(attempt, part));
                if due && is_out && census.lists(attempt, part) {
                    let event = LegEvent::HungUp(Some(HangupCause::default()));
                    self.leg_event(now, attempt, part, event, None);
                }
            }
        }
    }

    /// How many of them the census before did not have: what is asked to go and stays is no
    /// news.
    fn take_down_strays(&mut self, census: &Census) -> usize {
        let mut strays = BTreeSet::new();
        let channels = census.channels.iter().map(|(a, p, _)| (*a, *p));
        let bridges = census.bridges.iter().map(|a| (*a, Part::Bridge));
        for (attempt, part) in channels.chain(bridges) {
            let known = self
                .live
                .get(&attempt)
                .map(|c| &c.facts)
                .or_else(|| self.remains.get(&attempt).map(|r| &r.facts))
                .is_some_and(|facts| facts.knows(part));
            let moved_at = self.handed_over.get(&(attempt, part));
            let was_let_go = moved_at.is_some_and(|at| census.asked_at <= *at);
            if !known && !was_let_go && !self.may_make_it_again(attempt, part) {
                strays.insert((attempt, part));
                self.effects
                    .push_back(Effect::TakeDownStray { attempt, part });
            }
        }
        self.handed_over.retain(|_, at| census.asked_at <= *at);
        let before = std::mem::replace(&mut self.strays, strays);
        self.strays.difference(&before).count()
    }

    /// A B that has failed makes room for another one of the same id, which the request to take
    /// it down could meet. What is left of it goes with its call.
    fn may_make_it_again(&self, attempt: AttemptId, part: Part) -> bool {
        let goes_on = |call: &Call| !call.is_hanging_up();
        matches!(part, Part::B | Part::B2) && self.live.get(&attempt).is_some_and(goes_on)
    }

    /// The leads that are being called, for a reader of the state.
    pub fn calling(&self) -> impl Iterator<Item = LeadId> + '_ {
        self.live
            .values()
            .map(|c| c.lead)
            .filter(|l| matches!(self.leads.state(*l), Some(LeadState::Calling(_))))
    }
}
