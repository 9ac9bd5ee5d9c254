//! What was to go, and Asterisk keeps.
//!
//! Asterisk 22.10.1, starved of processor, once kept a channel whose far end had hung up, in
//! some eight thousand calls: its thread waited for good, and a request to end it was answered
//! with 204 and ended nothing. Only a restart of Asterisk takes such a channel away.

use std::time::Duration;

use super::channel::{HungUp, Presence};
use super::ending::Remains;
use super::io::{Census, Effect, LegEvent, Notice};
use super::{AttemptId, Campaign, Part, Time};

/// How long after it was to go a part that is still listed counts as kept.
const KEPT_AFTER: Duration = Duration::from_secs(30);

/// For a reader of the report.
pub(super) const KEPT: &str = "hung up, and Asterisk keeps its channel";

impl Campaign {
    /// Whatever was to go for long, and is listed all the same. Nobody waits for it any longer
    /// where nobody can be there; each census goes on asking for its end, as for any stray.
    pub(super) fn give_up_what_is_kept(&mut self, now: Time, census: &Census) {
        let listed = |attempt: &AttemptId| census.lists(*attempt, Part::A);
        let live: Vec<AttemptId> = self.live.keys().copied().filter(listed).collect();
        for attempt in live {
            self.give_up_kept_call(now, attempt, census.asked_at);
        }
        let ended: Vec<AttemptId> = self.remains.keys().copied().collect();
        for attempt in ended {
            self.give_up_kept_remains(attempt, census);
        }
    }

    /// A call whose far end has hung up is over. Where only we wanted it hung up, its phone may
    /// ring or somebody may listen: it holds its slot, and that is told.
    fn give_up_kept_call(&mut self, now: Time, attempt: AttemptId, asked_at: Time) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let hung_up = call.facts.a.hung_up;
        let hung_up = hung_up.filter(|hung_up| is_kept(hung_up.at, asked_at));
        let ending_since = call.ending_since();
        if super::sabotaged!(WaitsForWhatIsKept) {
            return;
        }
        if let Some(HungUp { cause, .. }) = hung_up {
            call.explain(KEPT);
            self.tell_kept(attempt, Part::A, false);
            let event = LegEvent::Gone(cause.unwrap_or_default());
            self.leg_event(now, attempt, Part::A, event, None);
        } else if ending_since.is_some_and(|at| is_kept(at, asked_at))
            && !std::mem::replace(&mut call.facts.told_kept, true)
        {
            self.tell_kept(attempt, Part::A, true);
        }
    }

    fn give_up_kept_remains(&mut self, attempt: AttemptId, census: &Census) {
        let Some(remains) = self.remains.get_mut(&attempt) else {
            return;
        };
        if !is_kept(remains.since, census.asked_at) {
            return;
        }
        let kept = remains.kept(attempt, census);
        for part in kept.iter().copied() {
            remains.give_up(part);
        }
        for part in kept {
            self.tell_kept(attempt, part, false);
        }
        self.clear_remains(attempt);
    }

    fn tell_kept(&mut self, attempt: AttemptId, part: Part, holds_slot: bool) {
        self.effects.push_back(Effect::Tell(Notice::Kept {
            attempt,
            part,
            holds_slot,
        }));
    }
}

/// What there is to know of something that Asterisk keeps, for people.
#[must_use]
pub const fn kept_words(holds_slot: bool) -> &'static str {
    if holds_slot {
        "Asterisk does not end it; somebody may be on the line, so it holds its slot until \
         Asterisk is restarted"
    } else {
        "was to go, and Asterisk keeps it; it holds no slot, and goes when Asterisk is restarted"
    }
}

impl Remains {
    /// What is asked to go and listed.
    fn kept(&self, attempt: AttemptId, census: &Census) -> Vec<Part> {
        let facts = &self.facts;
        let asked = [
            (Part::B, facts.b.presence),
            (Part::Snoop, facts.snoop.presence),
            (Part::Bridge, facts.bridge),
        ];
        let is_listed = |part| match part {
            Part::Bridge => census.bridges.contains(&attempt),
            _ => census.lists(attempt, part),
        };
        let kept = asked
            .into_iter()
            .filter(|(part, presence)| *presence == Presence::Leaving && is_listed(*part));
        kept.map(|(part, _)| part).collect()
    }

    fn give_up(&mut self, part: Part) {
        match self.facts.channel(part) {
            Some(channel) => channel.gone(),
            None => self.facts.bridge = Presence::Gone,
        }
    }
}

/// Whether what was to go at `since` has had its time when the census was asked for.
fn is_kept(since: Time, asked_at: Time) -> bool {
    since + KEPT_AFTER <= asked_at
}
