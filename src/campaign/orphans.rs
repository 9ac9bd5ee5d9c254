//! The calls of a dead process: what is known of them, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use super::call::{Answer, Bridged, Call, Phase, Verdict};
use super::channel::Presence;
use super::ending::INSIST_EVERY;
use super::facts::{Facts, Recording};
use super::io::{Census, Effect, LegEvent};
use super::recovery::Reconciled;
use super::rules::Rules;
use super::timers::Timer;
use super::{
    AttemptId, Campaign, Disposition, EndedBy, HangupCause, LeadId, Number, Part, Record,
    RecordingState, RunId, Step, Time,
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
    /// It left our application, and may live elsewhere.
    LeftApp,
    /// It is no more, or is on its way out by itself.
    Gone,
}

type OrphanEnds = BTreeMap<(AttemptId, Part), OrphanEnd>;

/// What was heard of attempts that are not settled yet.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    /// What of them has ended since events come in: a census on its way may still list it.
    pub(super) ends: OrphanEnds,
    /// Whose A was heard of: the census on its way may be too old to list it.
    came: BTreeSet<AttemptId>,
    /// A census found none of those that are left on the line: they wait for the spool only.
    passed_over: bool,
}

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

impl Campaign {
    /// Closes attempts of an older run by what the journal knows.
    pub(super) fn abandon(&mut self, now: Time, orphans: Vec<Orphan>) {
        for orphan in orphans {
            let verdict = orphan_verdict(&orphan, false);
            self.effects
                .push_back(Effect::Journal(Record::AttemptEnded {
                    attempt: orphan.attempt,
                    end: verdict.as_end(now, dead_air_ms(&orphan)),
                }));
        }
    }

    /// Each attempt of the dead process: adopted if its conversation lives, hung up if only
    /// a part of it does, closed if nothing does and nothing more can be learned of it.
    pub(super) fn settle_orphans(
        &mut self,
        now: Time,
        census: &Census,
        ends: &OrphanEnds,
    ) -> Reconciled {
        let mut done = Reconciled::default();
        if super::sabotaged!(ForgetsOrphans) {
            self.orphans.clear();
        }
        let came = std::mem::take(&mut self.unsettled.came);
        let settled = self.orphans.values().filter(|orphan| {
            let is_there = came.contains(&orphan.attempt);
            is_there || may_be_settled(orphan, census)
        });
        let settled: Vec<AttemptId> = settled.map(|orphan| orphan.attempt).collect();
        for attempt in settled {
            let mut facts = facts_of(now, attempt, census);
            if came.contains(&attempt) {
                facts.note_event(now, Part::A, LegEvent::Ringing, None);
            }
            for (part, end) in ended(attempt, ends) {
                match end {
                    OrphanEnd::Left => {}
                    OrphanEnd::LeftApp => facts.note_event(now, part, LegEvent::LeftApp, None),
                    OrphanEnd::Gone => {
                        let gone = LegEvent::Gone(HangupCause::default());
                        facts.note_event(now, part, gone, None);
                    }
                }
            }
            if facts.a.presence == Presence::Elsewhere {
                self.orphan_has_answered(now, attempt);
            }
            let dead_air_ms = self.orphans.get(&attempt).and_then(dead_air_ms);
            self.note_steps_of_orphan(now, attempt, &facts);
            let Some(orphan) = self.orphans.remove(&attempt) else {
                continue;
            };
            let call = inherit(now, orphan, dead_air_ms, facts, self.rules());
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
        self.unsettled.passed_over = !self.orphans.is_empty();
        done
    }

    /// That a call of a dead process was answered, and bridged, is written down before anything
    /// is made of it: this process may die as well, and nobody who has answered is called again
    /// for an interruption.
    fn note_steps_of_orphan(&mut self, now: Time, attempt: AttemptId, facts: &Facts) {
        if facts.a.up {
            self.orphan_has_answered(now, attempt);
        }
        if let Some(orphan) = self.orphans.get_mut(&attempt)
            && facts.is_bridged()
            && orphan.bridged_at.is_none()
        {
            orphan.bridged_at = Some(now);
            self.journal_step(now, attempt, Step::Bridged);
        }
    }

    /// Somebody answered whom a dead process has called.
    pub(super) fn orphan_has_answered(&mut self, now: Time, attempt: AttemptId) {
        if let Some(orphan) = self.orphans.get_mut(&attempt)
            && orphan.answered_at.is_none()
        {
            orphan.answered_at = Some(now);
            self.journal_step(now, attempt, Step::Answered);
        }
    }

    /// An event of a call that is not settled yet. The census, on its way, tells the rest, but
    /// for what has ended since it was asked for.
    pub(super) fn orphan_event(
        &mut self,
        now: Time,
        attempt: AttemptId,
        part: Part,
        event: LegEvent,
    ) {
        if part == Part::A && event.tells_of_life() {
            self.unsettled.came.insert(attempt);
        }
        match event {
            LegEvent::Up | LegEvent::Entered if part == Part::A => {
                self.orphan_has_answered(now, attempt);
            }
            LegEvent::Left => {
                let ends = self.unsettled.ends.entry((attempt, part));
                ends.or_insert(OrphanEnd::Left);
            }
            LegEvent::LeftApp => {
                let ends = self.unsettled.ends.entry((attempt, part));
                let end = ends.or_insert(OrphanEnd::LeftApp);
                if *end == OrphanEnd::Left {
                    *end = OrphanEnd::LeftApp;
                }
            }
            event if event.tells_of_the_end() => {
                self.unsettled.ends.insert((attempt, part), OrphanEnd::Gone);
            }
            _ => {}
        }
        if self.unsettled.passed_over {
            // Nobody was on the line, so nobody waits there for whoever comes now.
            self.stray(attempt, part, event);
        }
    }

    /// A dead process had begun to record, and died before that was written down.
    pub(super) fn recording_of_orphan(&mut self, now: Time, attempt: AttemptId) {
        // Nothing is recorded of somebody who has not answered.
        self.orphan_has_answered(now, attempt);
        let Some(orphan) = self.orphans.get_mut(&attempt) else {
            return;
        };
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
    pub(super) fn find_recordings(&mut self, now: Time, census: &Census, alive: &Census) {
        let talks = |attempt| {
            let joined = |part| alive.joined.contains(&(attempt, part));
            alive.has_up(attempt, Part::B) && joined(Part::A) && joined(Part::B)
        };
        let has = |attempt, part| census.has_up(attempt, part);
        let there = |a| {
            let asked = has(a, Part::Snoop) || census.spool_unknown;
            // Whoever was moved elsewhere had answered.
            let answered = has(a, Part::A) || census.elsewhere.contains(&(a, Part::A));
            answered && asked || census.recorded.contains(&a)
        };
        let orphans = self.orphans.keys().copied();
        let is_asked = |a| talks(a) && alive.has_up(a, Part::Snoop);
        let recorded: Vec<AttemptId> = orphans.filter(|a| there(*a) && !is_asked(*a)).collect();
        for attempt in recorded {
            self.recording_of_orphan(now, attempt);
        }
    }
}

/// What has ended of one attempt.
fn ended(attempt: AttemptId, ends: &OrphanEnds) -> impl Iterator<Item = (Part, OrphanEnd)> + '_ {
    let of_it = ends.iter().filter(move |((a, _), _)| *a == attempt);
    of_it.map(|((_, part), end)| (*part, *end))
}

/// The census without what has ended since it was asked for, of calls that are settled only by
/// it: their events were told before anybody knew them.
pub(super) fn without_ends(census: &Census, ends: &OrphanEnds) -> Census {
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
    for (_, part) in census.elsewhere.iter().filter(|(a, _)| *a == attempt) {
        facts.note_event(now, *part, LegEvent::HandedOver, None);
    }
    if census.bridges.contains(&attempt) {
        facts.bridge = Presence::There;
    }
    facts
}

/// The call of a dead process, as it is found: a conversation that lives goes on.
fn inherit(
    now: Time,
    orphan: Orphan,
    dead_air_ms: Option<u32>,
    mut facts: Facts,
    rules: Rules,
) -> Call {
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
    let mut verdict = orphan_verdict(&orphan, facts.a.presence.may_live());
    if facts.a.presence == Presence::Elsewhere {
        verdict.by = EndedBy::HandedOver;
    }
    let unheard = orphan.answered_at.is_none() && orphan.ringing_at.is_none();
    if unheard && !super::sabotaged!(TrustsTheDead) {
        facts.doubt_a_of_the_dead(now);
    }
    let talks = facts.is_bridged();
    let answer = orphan.answered_at.map(|at| Answer { at, stamp_ms: None });
    let bridged = orphan.bridged_at.map(|at| Bridged { at, dead_air_ms });
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
        early_media_at: None,
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
    // Learned of in one, of a conversation that went on.
    let is_known = !dead_air.is_zero();
    is_known.then_some(u32::try_from(dead_air.as_millis()).ok()?)
}

/// The note on a call that a dead process left. Where the callee ended it, nobody watched when.
pub const RESTARTED: &str = "the dialer was restarted";

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
    Verdict::new(disposition, by).note(RESTARTED)
}
