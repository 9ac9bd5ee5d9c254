//! What lives in Asterisk, compared with what is known: after a crash, after a lost link, and
//! now and then.
//!
//! A census is judged channel by channel: each judgment is a fact that nobody heard, as an event
//! that the call then takes in like any other. What belongs to no call is taken down.

pub(super) mod orphans;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::call::channel::{Channel, HungUp, Presence};
use super::call::facts::{Facts, Resumption};
use super::disposition::HangupCause;
use super::ids::{AttemptId, Part};
use super::io::{Census, Effect, LegEvent, Notice};
use super::out::Out;
use super::time::Time;
use orphans::Orphans;

/// How long after it was to go a part that is still listed counts as kept.
const KEPT_AFTER: Duration = Duration::from_secs(30);

/// For a reader of the report.
pub(super) const KEPT: &str = "hung up, and Asterisk keeps its channel";

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

/// The end of a leg, and when it was told.
#[derive(Debug)]
pub(super) struct HeldEnd {
    pub(super) at: Time,
    pub(super) attempt: AttemptId,
    pub(super) part: Part,
    pub(super) event: LegEvent,
    pub(super) stamp_ms: Option<i64>,
}

/// What is remembered from one census to the next.
#[derive(Debug, Default)]
pub(super) struct Reconciler {
    /// No event was missed that a census has not made up for.
    pub(super) heard_all: bool,
    /// Attempts of a dead process that were not settled yet.
    pub(super) orphans: Orphans,
    /// What the last census had that no call knows.
    strays: BTreeSet<(AttemptId, Part)>,
    /// Legs that somebody moved elsewhere, and when that was learned last: an older census, or an
    /// event that is told late, makes no strays of them.
    handed_over: BTreeMap<(AttemptId, Part), Time>,
    /// Ends of legs that were told before a census has made up for the events that were missed.
    held_ends: Vec<HeldEnd>,
}

impl Reconciler {
    /// Somebody moved a leg elsewhere.
    pub(super) fn note_handed_over(&mut self, now: Time, attempt: AttemptId, part: Part) {
        self.handed_over.insert((attempt, part), now);
    }

    /// A channel that no call knows: an originate that was given up for unanswered and was
    /// carried out after all, for one.
    pub(super) fn stray(&self, attempt: AttemptId, part: Part, event: LegEvent, out: &mut Out) {
        // What is told late of somebody who was moved elsewhere does not bring him back; a census
        // tells who came back.
        let was_let_go = self.handed_over.contains_key(&(attempt, part));
        if event.tells_of_life() && !was_let_go {
            out.push(Effect::TakeDownStray { attempt, part });
        }
    }

    /// While events were missed, a transfer may be among them: then it is the channel before that
    /// ends, and the two go on talking. The census, on its way, tells who is in the bridge.
    pub(super) fn may_be_of_one_replaced(&self, part: Part, event: LegEvent) -> bool {
        if sabotaged!(TrustsAnEndUnheard) {
            return false;
        }
        let is_leg = matches!(part, Part::A | Part::B);
        is_leg && event.tells_of_the_end() && !self.heard_all
    }

    pub(super) fn hold_end(&mut self, end: HeldEnd) {
        self.held_ends.push(end);
    }

    pub(super) fn take_held_ends(&mut self) -> Vec<HeldEnd> {
        std::mem::take(&mut self.held_ends)
    }

    /// Takes down what no call knows. `is_known`: a call knows it, or may make it again. Gives
    /// how many of them the census before did not have: what is asked to go and stays is no news.
    pub(super) fn take_down_strays(
        &mut self,
        census: &Census,
        is_known: impl Fn(AttemptId, Part) -> bool,
        out: &mut Out,
    ) -> usize {
        let mut strays = BTreeSet::new();
        let channels = census.channels.iter().map(|(a, p, _)| (*a, *p));
        let bridges = census.bridges.iter().map(|a| (*a, Part::Bridge));
        for (attempt, part) in channels.chain(bridges) {
            let moved_at = self.handed_over.get(&(attempt, part));
            let was_let_go = moved_at.is_some_and(|at| census.asked_at <= *at);
            if !was_let_go && !is_known(attempt, part) {
                strays.insert((attempt, part));
                out.push(Effect::TakeDownStray { attempt, part });
            }
        }
        self.handed_over.retain(|_, at| census.asked_at <= *at);
        let before = std::mem::replace(&mut self.strays, strays);
        self.strays.difference(&before).count()
    }
}

/// A census, to be looked up in.
#[derive(Debug)]
pub(super) struct Seen {
    asked_at: Time,
    channels: BTreeSet<(AttemptId, Part)>,
    joined: BTreeSet<(AttemptId, Part)>,
}

impl Seen {
    pub(super) fn of(census: &Census) -> Self {
        let channels = census.channels.iter().map(|(a, part, _)| (*a, *part));
        Self {
            asked_at: census.asked_at,
            channels: channels.collect(),
            joined: census.joined.iter().copied().collect(),
        }
    }

    fn lists(&self, attempt: AttemptId, part: Part) -> bool {
        self.channels.contains(&(attempt, part))
    }
}

/// Whether somebody moved a leg out of our application while nobody listened.
pub(super) fn was_moved(facts: &Facts, part: Part, census: &Census) -> bool {
    let is_here = |presence| matches!(presence, Presence::There | Presence::Away { .. });
    facts.is_due_in_census(part, census.asked_at)
        && facts.channel(part).is_some_and(|c| is_here(c.presence))
}

/// A judgment of one channel: what happened to it while nobody listened.
pub(super) type Judgment = fn((AttemptId, Part), &Facts, &Seen) -> Option<LegEvent>;

/// It is gone: the census would have to list it.
pub(super) fn is_gone(whose: (AttemptId, Part), facts: &Facts, seen: &Seen) -> Option<LegEvent> {
    let (attempt, part) = whose;
    let due = facts.is_due_in_census(part, seen.asked_at);
    (due && !seen.lists(attempt, part)).then_some(LegEvent::Gone(HangupCause::default()))
}

/// It was in the bridge and is not any more: it has left it, as far ends do that hang up. The
/// other one is alone there, though Asterisk may keep the channel.
pub(super) fn has_left_the_bridge(
    whose: (AttemptId, Part),
    facts: &Facts,
    seen: &Seen,
) -> Option<LegEvent> {
    let (attempt, part) = whose;
    let due = facts.is_due_in_bridge(part, seen.asked_at);
    let is_out = !seen.joined.contains(&whose);
    let hung_up = LegEvent::HungUp(Some(HangupCause::default()));
    (due && is_out && seen.lists(attempt, part)).then_some(hung_up)
}

/// What Asterisk keeps of a call that was to go.
///
/// Asterisk 22.10.1, starved of processor, once kept a channel whose far end had hung up, in
/// some eight thousand calls: its thread waited for good, and a request to end it was answered
/// with 204 and ended nothing. Only a restart of Asterisk takes such a channel away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// A's phone has hung up: the call is over.
    HungUp(HungUp),
    /// Only we wanted A hung up: it may ring, or somebody may listen, so it holds its slot.
    MayBeThere,
}

/// Whether Asterisk keeps A, which was to go for long.
pub(super) fn keeps_a(now: Time, attempt: AttemptId, facts: &Facts, seen: &Seen) -> Option<Kept> {
    if !seen.lists(attempt, Part::A) || sabotaged!(WaitsForWhatIsKept) {
        return None;
    }
    let by_us = facts.a.taken_at.is_some_and(|at| is_kept(at, seen));
    let mut by_phone = facts.a.hung_up.filter(|hung_up| is_kept(hung_up.at, seen));
    if by_us && sabotaged!(FreesWhatMayRing) {
        let (at, cause) = (now, None);
        by_phone.get_or_insert(HungUp { at, cause });
    }
    match by_phone {
        Some(hung_up) => Some(Kept::HungUp(hung_up)),
        None => by_us.then_some(Kept::MayBeThere),
    }
}

/// Whether Asterisk keeps a channel of an ended call that was to go for long.
pub(super) fn keeps((attempt, part): (AttemptId, Part), facts: &Facts, seen: &Seen) -> bool {
    let was_to_go = facts.channel(part).and_then(Channel::was_to_go_at);
    was_to_go.is_some_and(|at| is_kept(at, seen)) && seen.lists(attempt, part)
}

/// Whether nobody heard that the recording of an attempt ended, with the channel that it
/// listened to.
pub(super) fn recording_has_ended(facts: &Facts, census: &Census) -> bool {
    let is_awaited = facts.resumption == Resumption::Awaited;
    is_awaited && facts.is_that_of_census(Part::A, census.asked_at)
}

/// Whether what was to go at `since` has had its time when the census was asked for.
fn is_kept(since: Time, seen: &Seen) -> bool {
    since + KEPT_AFTER <= seen.asked_at
}

/// Tells people what Asterisk keeps.
pub(super) fn tell_kept(attempt: AttemptId, part: Part, holds_slot: bool, out: &mut Out) {
    out.tell(Notice::Kept {
        attempt,
        part,
        holds_slot,
    });
}

/// What there is to know of something that Asterisk keeps, for people.
#[must_use]
pub const fn kept_words(holds_slot: bool) -> &'static str {
    if holds_slot {
        "Asterisk took the request to end it 30 s ago and does not; somebody may be on the line, \
         so it holds its slot"
    } else {
        "was to go 30 s ago, and Asterisk keeps it; it holds no slot, and a restart of Asterisk \
         takes it away"
    }
}
