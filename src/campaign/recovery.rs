//! What a crash or a lost link left behind, and what is done with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::call::{Answer, Bridged, Call, Phase, Verdict};
use super::channel::Presence;
use super::ending::INSIST_EVERY;
use super::facts::{Facts, Recording};
use super::io::{Census, Effect, LegEvent, Notice};
use super::rules::Rules;
use super::timers::Timer;
use super::{
    AttemptId, Campaign, Disposition, EndedBy, HangupCause, LeadId, LeadState, Leads, Number,
    Numbers, Part, Record, RecordingState, RunId, RunState, Time,
};

/// An attempt that a dead process had begun and not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphan {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its run.
    pub run: RunId,
    /// Its lead.
    pub lead: LeadId,
    /// Its number.
    pub number: Number,
    /// When it began.
    pub begun_at: Time,
    /// When A began to ring, if that was written down.
    pub ringing_at: Option<Time>,
    /// When A answered, if that was written down.
    pub answered_at: Option<Time>,
    /// When both were bridged, if that was written down.
    pub bridged_at: Option<Time>,
    /// What was written down of its recording.
    pub recorded: Recorded,
}

/// How far a channel of a dead process has ended since events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrphanEnd {
    /// It left the bridge, and may live.
    Left,
    /// It is no more, or is on its way out by itself.
    Gone,
}

/// What has ended of attempts that are not settled yet.
pub(super) type OrphanEnds = BTreeMap<(AttemptId, Part), OrphanEnd>;

/// What a dead process wrote down of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing: there may be one all the same.
    Nothing,
    /// It began.
    Begun,
    /// It was saved, or given up.
    Over,
}

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

    fn abandon(&mut self, now: Time, orphans: Vec<Orphan>) {
        for orphan in orphans {
            let verdict = orphan_verdict(&orphan, false);
            self.effects
                .push_back(Effect::Journal(Record::AttemptEnded {
                    attempt: orphan.attempt,
                    end: verdict.as_end(now, dead_air_ms(&orphan)),
                }));
        }
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
        let mut ends = std::mem::take(&mut self.orphan_ends);
        if super::sabotaged!(TrustsAnOldCensus) {
            ends.clear();
        }
        let alive = &without_ends(census, &ends);
        self.find_recordings(now, census, alive);
        let mut done = self.settle_orphans(now, alive, &ends);
        ends.retain(|(attempt, _), _| self.orphans.contains_key(attempt));
        self.orphan_ends = ends;
        // Ends first: a leg that came up unheard has bridged nobody if the other had left.
        let known = self.live.len();
        self.miss_what_is_gone(now, alive);
        done.ended += known - self.live.len();
        let unheard = !std::mem::replace(&mut self.heard_all, true);
        self.hear_what_was_missed(now, alive);
        done.strays = self.take_down_strays(alive);
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

    /// Each attempt of the dead process: adopted if its conversation lives, hung up if only
    /// a part of it does, closed if nothing does.
    fn settle_orphans(&mut self, now: Time, census: &Census, ends: &OrphanEnds) -> Reconciled {
        let mut done = Reconciled::default();
        let (orphans, waiting) = std::mem::take(&mut self.orphans)
            .into_iter()
            .partition(|(_, orphan)| may_be_settled(orphan, census));
        self.orphans = waiting;
        let orphans: BTreeMap<AttemptId, Orphan> = orphans;
        let settled = usize::from(!super::sabotaged!(ForgetsOrphans)) * orphans.len();
        for (attempt, orphan) in orphans.into_iter().take(settled) {
            let rules = self.rules();
            let mut facts = facts_of(now, attempt, census);
            for (part, _) in ended(attempt, ends).filter(|(_, end)| *end == OrphanEnd::Gone) {
                facts.note_event(now, part, LegEvent::Gone(HangupCause::default()), None);
            }
            let call = inherit(now, orphan, facts, rules);
            let adopted = match call.phase {
                Phase::Talking(_, bridged) => Some(bridged.at),
                _ => None,
            };
            self.live.insert(attempt, call);
            match adopted {
                Some(bridged_at) => self.limit_conversation(attempt, bridged_at),
                None => self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist),
            }
            self.advance(now, attempt);
            *match (self.live.get(&attempt), adopted) {
                (Some(_), Some(_)) => &mut done.taken_over,
                (Some(call), None) if call.facts.is_a_only_feared() => &mut done.awaited,
                (Some(_), None) => &mut done.hung_up,
                (None, _) => &mut done.ended,
            } += 1;
        }
        done
    }

    /// A dead process had begun to record, and died before that was written down.
    pub(super) fn recording_of_orphan(&mut self, now: Time, attempt: AttemptId) {
        let Some(orphan) = self.orphans.get_mut(&attempt) else {
            return;
        };
        // Nothing is recorded of somebody who has not answered.
        orphan.answered_at.get_or_insert(now);
        if orphan.recorded == Recorded::Nothing {
            orphan.recorded = Recorded::Begun;
            let state = RecordingState::Started {
                name: self.ids.make(orphan.run, attempt, Part::Snoop),
                format: self.recording_format.to_string(),
            };
            self.effects
                .push_back(Effect::Journal(Record::Recording { attempt, state }));
        }
    }

    /// The names, in Asterisk's spool, of what a dead process may have recorded without
    /// writing it down. A census tells which of them are there.
    #[must_use]
    pub fn unknown_recordings(&self) -> Vec<(AttemptId, String)> {
        self.orphans
            .values()
            .filter(|orphan| orphan.recorded == Recorded::Nothing)
            .filter(|_| !super::sabotaged!(TrustsWhatIsWritten))
            .map(|o| (o.attempt, self.ids.make(o.run, o.attempt, Part::Snoop)))
            .collect()
    }

    /// Who has answered is recorded, if there is a channel to record on, whatever was written
    /// down; and who has a recording has answered. In a conversation that goes on the
    /// recording is asked for again, which tells whether there is one.
    fn find_recordings(&mut self, now: Time, census: &Census, alive: &Census) {
        let talks = |attempt| {
            let joined = |part| alive.joined.contains(&(attempt, part));
            alive.has_up(attempt, Part::B) && joined(Part::A) && joined(Part::B)
        };
        let has = |attempt, part| census.has_up(attempt, part);
        let there = |a| {
            let asked = has(a, Part::Snoop) || census.spool_unknown;
            has(a, Part::A) && asked || census.recorded.contains(&a)
        };
        let orphans = self.orphans.keys().copied();
        let is_asked = |a| talks(a) && alive.has_up(a, Part::Snoop);
        let recorded: Vec<AttemptId> = orphans.filter(|a| there(*a) && !is_asked(*a)).collect();
        for attempt in recorded {
            self.recording_of_orphan(now, attempt);
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

    fn take_down_strays(&mut self, census: &Census) -> usize {
        let mut strays = 0;
        let channels = census.channels.iter().map(|(a, p, _)| (*a, *p));
        let bridges = census.bridges.iter().map(|a| (*a, Part::Bridge));
        for (attempt, part) in channels.chain(bridges) {
            let known = self
                .live
                .get(&attempt)
                .map(|c| &c.facts)
                .or_else(|| self.remains.get(&attempt).map(|r| &r.facts))
                .is_some_and(|facts| facts.knows(part));
            if !known {
                strays += 1;
                self.effects
                    .push_back(Effect::TakeDownStray { attempt, part });
            }
        }
        strays
    }

    /// The leads that are being called, for a reader of the state.
    pub fn calling(&self) -> impl Iterator<Item = LeadId> + '_ {
        self.live
            .values()
            .map(|c| c.lead)
            .filter(|l| matches!(self.leads.state(*l), Some(LeadState::Calling(_))))
    }
}

/// What has ended of one attempt.
fn ended(attempt: AttemptId, ends: &OrphanEnds) -> impl Iterator<Item = (Part, OrphanEnd)> + '_ {
    let of_it = ends.iter().filter(move |((a, _), _)| *a == attempt);
    of_it.map(|((_, part), end)| (*part, *end))
}

/// The census without what has ended since it was asked for, of calls that are settled only by
/// it: their events were told before anybody knew them.
fn without_ends(census: &Census, ends: &OrphanEnds) -> Census {
    let mut census = census.clone();
    let end = |attempt, part| ends.get(&(attempt, part)).copied();
    let lives = |attempt, part| end(attempt, part) != Some(OrphanEnd::Gone);
    census.channels.retain(|(a, part, _)| lives(*a, *part));
    census.joined.retain(|(a, part)| end(*a, *part).is_none());
    census
}

/// Nobody waits for what the spool would tell while somebody may be on the line. Of the others
/// it tells whether they had answered; what lives of them meanwhile is taken down as a stray.
fn may_be_settled(orphan: &Orphan, census: &Census) -> bool {
    let spool_matters = census.spool_unknown && orphan.recorded == Recorded::Nothing;
    !spool_matters || census.lists(orphan.attempt, Part::A)
}

fn facts_of(now: Time, attempt: AttemptId, census: &Census) -> Facts {
    let mut facts = Facts::default();
    for (_, part, up) in census.channels.iter().filter(|(a, ..)| *a == attempt) {
        facts.note_event(now, *part, LegEvent::Ringing, None);
        if *up {
            facts.note_event(now, *part, LegEvent::Entered, None);
            facts.note_event(now, *part, LegEvent::Up, None);
        }
    }
    for (_, part) in census.joined.iter().filter(|(a, _)| *a == attempt) {
        facts.note_event(now, *part, LegEvent::Joined, None);
    }
    if census.bridges.contains(&attempt) {
        facts.bridge = Presence::There;
    }
    facts
}

/// The call of a dead process, as it is found: a conversation that lives goes on.
fn inherit(now: Time, orphan: Orphan, mut facts: Facts, rules: Rules) -> Call {
    facts.recording = match orphan.recorded {
        Recorded::Nothing => Recording::Not,
        // It was asked for, which may have come to nothing: where it still can be, it is asked
        // for again.
        Recorded::Begun if facts.is_bridged() && facts.snoop.presence == Presence::There => {
            Recording::Not
        }
        Recorded::Begun => Recording::Running,
        Recorded::Over => Recording::Ended,
    };
    let answered_at = orphan.answered_at.or(facts.a.up.then_some(now));
    let bridged_at = orphan.bridged_at.or(facts.is_bridged().then_some(now));
    let orphan = Orphan {
        answered_at,
        bridged_at,
        ..orphan
    };
    let verdict = orphan_verdict(&orphan, facts.a.presence.may_live());
    let unheard = answered_at.is_none() && orphan.ringing_at.is_none();
    if unheard && !super::sabotaged!(TrustsTheDead) {
        facts.doubt_a_of_the_dead(now);
    }
    let talks = facts.is_bridged();
    let answer = answered_at.map(|at| Answer { at, stamp_ms: None });
    let bridged = bridged_at.map(|at| Bridged {
        at,
        dead_air_ms: dead_air_ms(&orphan).unwrap_or_default(),
    });
    let phase = match (answer, bridged) {
        (Some(answer), Some(bridged)) if talks => Phase::Talking(answer, bridged),
        (answered, bridged) => Phase::HangingUp {
            since: now,
            verdict,
            answered,
            bridged,
        },
    };
    Call {
        attempt: orphan.attempt,
        run: orphan.run,
        lead: orphan.lead,
        number: orphan.number,
        rules,
        before: None,
        begun_at: orphan.begun_at,
        ringing_at: orphan.ringing_at,
        phase,
        facts,
        agent_at: None,
        durable: true,
        inherited: true,
        recording_noted: orphan.recorded != Recorded::Nothing,
    }
}

/// From A's answer to the bridge, as the dead process wrote both down.
fn dead_air_ms(orphan: &Orphan) -> Option<u32> {
    let dead_air = orphan.bridged_at?.since(orphan.answered_at?);
    u32::try_from(dead_air.as_millis()).ok()
}

fn orphan_verdict(orphan: &Orphan, a_lives: bool) -> Verdict {
    let disposition = match (orphan.answered_at, orphan.bridged_at) {
        (_, Some(_)) => Disposition::Answered,
        (Some(_), None) => Disposition::Abandoned,
        (None, None) => Disposition::Interrupted,
    };
    let by = match (a_lives, orphan.answered_at) {
        (true, _) => EndedBy::Operator,
        (false, Some(_)) => EndedBy::Callee,
        (false, None) => EndedBy::Carrier,
    };
    Verdict::new(disposition, by).note("the dialer was restarted")
}
