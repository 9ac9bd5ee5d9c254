//! What was to go, and Asterisk keeps.
//!
//! Asterisk 22.10.1, starved of processor, once kept a channel whose far end had hung up, in
//! some eight thousand calls: its thread waited for good, and a request to end it was answered
//! with 204 and ended nothing. Only a restart of Asterisk takes such a channel away.

use std::time::Duration;

use super::channel::HungUp;
use super::io::{Census, Effect, LegEvent, Notice};
use super::{AttemptId, Campaign, Part, Time};

/// How long after it was to go a part that is still listed counts as kept.
const KEPT_AFTER: Duration = Duration::from_secs(30);

/// For a reader of the report.
pub(super) const KEPT: &str = "hung up, and Asterisk keeps its channel";

impl Campaign {
    /// Whatever was to go for long, and is listed all the same. What holds no slot is given up:
    /// each census goes on asking for its end, as for any stray.
    pub(super) fn give_up_what_is_kept(&mut self, now: Time, census: &Census) {
        let live = self.live.values().filter(|call| {
            let was_to_go = call.facts.a.was_to_go_at();
            was_to_go.is_some_and(|at| is_kept(at, census.asked_at))
        });
        let listed = |attempt: &AttemptId| census.lists(*attempt, Part::A);
        let live: Vec<AttemptId> = live.map(|call| call.attempt).filter(listed).collect();
        for attempt in live {
            self.give_up_kept_call(now, attempt, census.asked_at);
        }
        let ended: Vec<AttemptId> = self.remains.keys().copied().collect();
        for attempt in ended {
            self.give_up_kept_remains(attempt, census);
        }
    }

    /// A call whose phone has hung up is over. Where only we wanted it hung up, it may ring or
    /// somebody may listen: it holds its slot, and that is told.
    fn give_up_kept_call(&mut self, now: Time, attempt: AttemptId, asked_at: Time) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        let a = &call.facts.a;
        let by_us = a.taken_at.is_some_and(|at| is_kept(at, asked_at));
        let mut by_phone = a.hung_up.filter(|hung_up| is_kept(hung_up.at, asked_at));
        if super::sabotaged!(WaitsForWhatIsKept) {
            return;
        }
        if by_us && super::sabotaged!(FreesWhatMayRing) {
            let (at, cause) = (now, None);
            by_phone.get_or_insert(HungUp { at, cause });
        }
        if let Some(hung_up) = by_phone {
            call.hang_up(now, call.verdict_when_hung_up(hung_up));
            call.explain(KEPT);
            self.tell_kept(attempt, Part::A, false);
            let event = LegEvent::Gone(hung_up.cause.unwrap_or_default());
            self.leg_event(now, attempt, Part::A, event, None);
        } else if by_us && !std::mem::replace(&mut call.facts.told_kept, true) {
            self.tell_kept(attempt, Part::A, true);
        }
    }

    /// A target or a recording's channel holds no slot, whoever may be there.
    fn give_up_kept_remains(&mut self, attempt: AttemptId, census: &Census) {
        for part in [Part::B, Part::Snoop] {
            let channel = self
                .remains
                .get_mut(&attempt)
                .and_then(|r| r.facts.channel(part));
            if let Some(channel) = channel
                && channel
                    .was_to_go_at()
                    .is_some_and(|at| is_kept(at, census.asked_at))
                && census.lists(attempt, part)
            {
                channel.gone();
                self.tell_kept(attempt, part, false);
                self.clear_remains(attempt);
            }
        }
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
        "Asterisk took the request to end it 30 s ago and does not; somebody may be on the line, \
         so it holds its slot"
    } else {
        "was to go 30 s ago, and Asterisk keeps it; it holds no slot, and a restart of Asterisk \
         takes it away"
    }
}

/// Whether what was to go at `since` has had its time when the census was asked for.
fn is_kept(since: Time, asked_at: Time) -> bool {
    since + KEPT_AFTER <= asked_at
}
