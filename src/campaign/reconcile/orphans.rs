//! The calls of a dead process: what is known of them, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::campaign::call::Call;
use crate::campaign::call::attempt::Attempt;
use crate::campaign::call::channel::Presence;
use crate::campaign::call::facts::{Facts, RecordingPhase};
use crate::campaign::call::phase::{Answer, Bridged, Phase, Verdict};
use crate::campaign::disposition::{Disposition, EndedBy, HangupCause};
use crate::campaign::ids::{AsteriskIds, AttemptId, LeadId, Part, RunId};
use crate::campaign::io::{Census, LegEvent};
use crate::campaign::number::Number;
use crate::campaign::out::Out;
use crate::campaign::record::{Record, RecordingState, Step};
use crate::campaign::settings::CallSettings;
use crate::campaign::time::Time;

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
    /// The settings by which it counts as begun. The recording goes on in its format.
    pub settings: Arc<CallSettings>,
}

/// How far a channel of a dead process has ended since events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrphanEnd {
    /// It left the bridge, and may live.
    Left,
    /// It left our application, and may live elsewhere.
    LeftApp,
    /// It is no more, or is on its way out by itself.
    Gone,
}

/// What has ended, of attempts that are not settled yet.
pub(crate) type OrphanEnds = BTreeMap<(AttemptId, Part), OrphanEnd>;

/// The attempts of a dead process that are not settled yet.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    all: BTreeMap<AttemptId, Orphan>,
    /// What of them has ended since events come in: a census on its way may still list it.
    ends: OrphanEnds,
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

impl Orphans {
    pub(crate) fn new(orphans: Vec<Orphan>) -> Self {
        Self {
            all: orphans.into_iter().map(|o| (o.attempt, o)).collect(),
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn contains(&self, attempt: AttemptId) -> bool {
        self.all.contains_key(&attempt)
    }

    /// Whom they called.
    pub(crate) fn leads(&self) -> impl Iterator<Item = LeadId> + '_ {
        self.all.values().map(|orphan| orphan.lead)
    }

    /// What has ended of them, to be given back by [`Self::put_ends`].
    pub(crate) fn take_ends(&mut self) -> OrphanEnds {
        let mut ends = std::mem::take(&mut self.ends);
        if sabotaged!(TrustsAnOldCensus) {
            ends.clear();
        }
        ends
    }

    /// Of what is settled meanwhile nothing is kept.
    pub(crate) fn put_ends(&mut self, mut ends: OrphanEnds) {
        ends.retain(|(attempt, _), _| self.all.contains_key(attempt));
        self.ends = ends;
    }

    /// Those that are settled by this census, which is without what has ended since.
    pub(crate) fn settled_by(&mut self, census: &Census) -> BTreeMap<AttemptId, bool> {
        if sabotaged!(ForgetsOrphans) {
            self.all.clear();
        }
        let came = std::mem::take(&mut self.came);
        let settled = self.all.values().filter_map(|orphan| {
            let came = came.contains(&orphan.attempt);
            (came || may_be_settled(orphan, census)).then_some((orphan.attempt, came))
        });
        settled.collect()
    }

    /// One of [`Self::settled_by`] becomes a call: a conversation that lives goes on, what else
    /// lives is hung up, and where nothing does it is over. `came`: its A was heard of.
    pub(crate) fn take(
        &mut self,
        now: Time,
        (attempt, came): (AttemptId, bool),
        census: &Census,
        ends: &OrphanEnds,
        out: &mut Out,
    ) -> Option<Call> {
        let mut facts = facts_of(now, attempt, census);
        if came {
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
            self.has_answered(now, attempt, out);
        }
        let dead_air_ms = self.all.get(&attempt).and_then(dead_air_ms);
        self.note_steps(now, attempt, &facts, out);
        let orphan = self.all.remove(&attempt)?;
        Some(inherit(now, orphan, dead_air_ms, facts))
    }

    /// A census was taken in. Those that are left now wait for the spool only.
    pub(crate) fn pass_over(&mut self) {
        self.passed_over = !self.all.is_empty();
    }

    /// That a call of a dead process was answered, and bridged, is written down before anything
    /// is made of it: this process may die as well, and nobody who has answered is called again
    /// for an interruption.
    fn note_steps(&mut self, now: Time, attempt: AttemptId, facts: &Facts, out: &mut Out) {
        if facts.a.up {
            self.has_answered(now, attempt, out);
        }
        if let Some(orphan) = self.all.get_mut(&attempt)
            && facts.is_bridged()
            && orphan.bridged_at.is_none()
        {
            orphan.bridged_at = Some(now);
            journal_step(now, attempt, Step::Bridged, out);
        }
    }

    /// Somebody answered whom a dead process has called.
    pub(crate) fn has_answered(&mut self, now: Time, attempt: AttemptId, out: &mut Out) {
        if let Some(orphan) = self.all.get_mut(&attempt)
            && orphan.answered_at.is_none()
        {
            orphan.answered_at = Some(now);
            journal_step(now, attempt, Step::Answered, out);
        }
    }

    /// An event of a call that is not settled yet. The census, on its way, tells the rest, but
    /// for what has ended since it was asked for. Whether nobody waits for whoever comes now.
    pub(crate) fn leg_event(
        &mut self,
        now: Time,
        attempt: AttemptId,
        (part, event): (Part, LegEvent),
        out: &mut Out,
    ) -> bool {
        if part == Part::A && event.tells_of_life() {
            self.came.insert(attempt);
        }
        let key = (attempt, part);
        match event {
            LegEvent::Up | LegEvent::Entered if part == Part::A => {
                self.has_answered(now, attempt, out);
            }
            LegEvent::Left => {
                self.ends.entry(key).or_insert(OrphanEnd::Left);
            }
            LegEvent::LeftApp => {
                let end = self.ends.entry(key).or_insert(OrphanEnd::LeftApp);
                if *end == OrphanEnd::Left {
                    *end = OrphanEnd::LeftApp;
                }
            }
            event if event.tells_of_the_end() => {
                self.ends.insert(key, OrphanEnd::Gone);
            }
            _ => {}
        }
        self.passed_over
    }

    /// Another channel has taken the place of a leg: the end that was told is that of the one
    /// before.
    pub(crate) fn transferred(
        &mut self,
        now: Time,
        (attempt, part): (AttemptId, Part),
        ids: &AsteriskIds,
        out: &mut Out,
    ) {
        self.ends.remove(&(attempt, part));
        if part == Part::A {
            // The census shows neither the channel before nor what records it.
            self.was_recorded(now, attempt, ids, out);
        }
    }

    /// A dead process had begun to record, and died before that was written down.
    pub(crate) fn was_recorded(
        &mut self,
        now: Time,
        attempt: AttemptId,
        ids: &AsteriskIds,
        out: &mut Out,
    ) {
        // Nothing is recorded of somebody who has not answered.
        self.has_answered(now, attempt, out);
        let Some(orphan) = self.all.get_mut(&attempt) else {
            return;
        };
        if orphan.recorded == Recorded::Nothing {
            orphan.recorded = Recorded::Begun;
            let state = RecordingState::Started {
                name: ids.make(orphan.run, attempt, Part::Snoop),
                format: orphan.settings.recordings.format.clone(),
            };
            out.journal(Record::Recording { attempt, state });
        }
    }

    /// The names, in Asterisk's spool, of what a dead process may have recorded without
    /// writing it down. A census tells which of them are there.
    pub(crate) fn unknown_recordings(&self, ids: &AsteriskIds) -> Vec<(AttemptId, String)> {
        self.all
            .values()
            .filter(|orphan| orphan.recorded == Recorded::Nothing)
            .filter(|_| !sabotaged!(TrustsWhatIsWritten))
            .map(|o| (o.attempt, ids.make(o.run, o.attempt, Part::Snoop)))
            .collect()
    }

    /// Who has answered is recorded, if there is a channel to record on, whatever was written
    /// down; and who has a recording has answered. In a conversation that goes on the
    /// recording is asked for again, which tells whether there is one. `alive` is the census
    /// without what has ended since.
    pub(crate) fn recorded(&self, census: &Census, alive: &Census) -> Vec<AttemptId> {
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
        let is_asked = |a| talks(a) && alive.has_up(a, Part::Snoop);
        let all = self.all.keys().copied();
        all.filter(|a| there(*a) && !is_asked(*a)).collect()
    }
}

/// Closes attempts of an older run by what the journal knows.
pub(crate) fn abandon(now: Time, orphans: Vec<Orphan>, out: &mut Out) {
    for orphan in orphans {
        let verdict = orphan_verdict(&orphan, false);
        out.journal(Record::AttemptEnded {
            attempt: orphan.attempt,
            end: verdict.as_end(now, dead_air_ms(&orphan)),
        });
    }
}

fn journal_step(at: Time, attempt: AttemptId, step: Step, out: &mut Out) {
    out.journal(Record::AttemptProgress { attempt, step, at });
}

/// What has ended of one attempt.
fn ended(attempt: AttemptId, ends: &OrphanEnds) -> impl Iterator<Item = (Part, OrphanEnd)> + '_ {
    let of_it = ends.iter().filter(move |((a, _), _)| *a == attempt);
    of_it.map(|((_, part), end)| (*part, *end))
}

/// The census without what has ended since it was asked for, of calls that are settled only by
/// it: their events were told before anybody knew them.
pub(crate) fn without_ends(census: &Census, ends: &OrphanEnds) -> Census {
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
fn inherit(now: Time, orphan: Orphan, dead_air_ms: Option<u32>, mut facts: Facts) -> Call {
    facts.recording = match orphan.recorded {
        Recorded::Nothing => RecordingPhase::Not,
        // It was asked for, which may have come to nothing: where it still can be, it is asked
        // for again.
        Recorded::Begun if facts.is_bridged() && facts.snoop.presence == Presence::There => {
            RecordingPhase::Not
        }
        Recorded::Begun => RecordingPhase::Running,
        Recorded::Over => RecordingPhase::Ended,
    };
    let mut verdict = orphan_verdict(&orphan, facts.a.presence.may_live());
    if facts.a.presence == Presence::Elsewhere {
        verdict.by = EndedBy::HandedOver;
    }
    let unheard = orphan.answered_at.is_none() && orphan.ringing_at.is_none();
    if unheard && !sabotaged!(TrustsTheDead) {
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
    facts.recording_noted = orphan.recorded != Recorded::Nothing;
    let attempt = Attempt {
        id: orphan.attempt,
        run: orphan.run,
        lead: orphan.lead,
        number: orphan.number,
        begun_at: orphan.begun_at,
        settings: orphan.settings,
        inherited: true,
    };
    Call::inherited(attempt, phase, facts, orphan.ringing_at)
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
