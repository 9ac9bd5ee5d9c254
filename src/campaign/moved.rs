//! Legs that live on elsewhere or under another channel: a panel moved one out of our application,
//! or a phone transferred its call.

use super::call::{Call, Phase};
use super::channel::Presence;
use super::ending::INSIST_EVERY;
use super::io::{Census, Effect, LegEvent, Notice, OpError};
use super::progress::B_ENDS_WITHIN;
use super::timers::Timer;
use super::{AttemptId, Campaign, Part, Record, Time};

const MOVED_A: &str = "leg A was moved out of the dialer's Stasis application";

/// The end of a leg, and when it was told.
#[derive(Debug)]
pub(super) struct HeldEnd {
    pub(super) at: Time,
    pub(super) attempt: AttemptId,
    pub(super) part: Part,
    pub(super) event: LegEvent,
    pub(super) stamp_ms: Option<i64>,
}

impl Campaign {
    /// Where a leg is that left our application is asked again until it is known.
    pub(super) fn look_again_soon(&mut self, now: Time, attempt: AttemptId) {
        self.timers.set(now + INSIST_EVERY, attempt, Timer::Insist);
    }

    /// Somebody moved A: to an extension, a conference, another application. It is theirs now,
    /// is never hung up by us, and its slot is free.
    pub(super) fn a_is_handed_over(&mut self, now: Time, attempt: AttemptId) {
        if let Some(call) = self.live.get_mut(&attempt) {
            call.hand_over(now, call.verdict_when_handed_over().note(MOVED_A));
        }
    }

    /// Somebody moved B. Whoever moves both legs does so within milliseconds, so A is given a
    /// moment before it is hung up for having nobody to talk to.
    pub(super) fn b_is_handed_over(&mut self, now: Time, attempt: AttemptId) {
        if let Some(call) = self.live.get_mut(&attempt)
            && !call.is_hanging_up()
        {
            if !call.facts.target_was_dialed() && !call.inherited {
                call.facts.fall_back_to_plain();
            }
            self.timers
                .set(now + B_ENDS_WITHIN, attempt, Timer::Overdue);
        }
    }

    /// What came of [`Op::Find`](super::Op::Find). Whatever else was told of the channel meanwhile
    /// counts more.
    pub(super) fn found(
        &mut self,
        now: Time,
        attempt: AttemptId,
        part: Part,
        result: Result<(), OpError>,
    ) {
        let is_away = self
            .facts(attempt)
            .and_then(|facts| facts.channel(part))
            .is_some_and(|channel| channel.presence.is_away());
        let event = match result {
            Ok(()) => LegEvent::HandedOver,
            // Where events were missed, another channel may have taken its place.
            Err(OpError::NotFound) if self.heard_all => LegEvent::Leaving(None),
            // It is asked again.
            Err(_) => return,
        };
        if is_away {
            self.leg_event(now, attempt, part, event, None);
        }
    }

    /// A phone has transferred its call. Whoever stands in its place is part of the call: talk,
    /// recording and timers go on.
    pub(super) fn transferred(&mut self, now: Time, attempt: AttemptId, part: Part, to: String) {
        // What a dead process left is settled by a census.
        if self.orphans.contains_key(&attempt) {
            // The end that was told is that of the channel before.
            self.unsettled.ends.remove(&(attempt, part));
            if part == Part::A {
                // The census shows neither the channel before nor what records it.
                self.recording_of_orphan(now, attempt);
            }
            return;
        }
        let Some(facts) = self.facts(attempt) else {
            self.stray(attempt, part, LegEvent::Entered);
            return;
        };
        facts.replace(now, part);
        if self.remains.contains_key(&attempt) {
            self.clear_remains(attempt);
            return;
        }
        if let Some(call) = self.live.get(&attempt) {
            let record = Record::AttemptTransferred {
                attempt,
                to: to.clone(),
            };
            self.effects.push_back(Effect::Journal(record));
            self.effects.push_back(Effect::Tell(Notice::Transferred {
                attempt,
                lead: call.lead,
                number: call.number.clone(),
                by: part,
                to,
            }));
        }
        self.advance(now, attempt);
    }

    /// While events were missed, a transfer may be among them: then it is the channel before that
    /// ends, and the two go on talking. The census, on its way, tells who is in the bridge.
    pub(super) fn may_be_of_one_replaced(
        &self,
        attempt: AttemptId,
        part: Part,
        event: LegEvent,
    ) -> bool {
        // The target may have answered unheard as well.
        let may_talk =
            |call: &Call| matches!(call.phase, Phase::Connecting(_) | Phase::Talking(..));
        let is_leg = matches!(part, Part::A | Part::B);
        if super::sabotaged!(TrustsAnEndUnheard) {
            return false;
        }
        is_leg
            && event.tells_of_the_end()
            && !self.heard_all
            && self.live.get(&attempt).is_some_and(may_talk)
    }

    /// What was held until a census, but for the ends of channels that others have replaced.
    pub(super) fn take_held_ends(&mut self, now: Time) {
        for held in std::mem::take(&mut self.held_ends) {
            let is_of_this_one = self
                .facts(held.attempt)
                .and_then(|facts| facts.channel(held.part))
                .is_some_and(|channel| channel.asked_at <= held.at);
            if is_of_this_one {
                self.leg_event(now, held.attempt, held.part, held.event, held.stamp_ms);
            }
        }
    }

    /// Legs that somebody moved out of our application while nobody listened.
    pub(super) fn miss_who_was_moved(&mut self, now: Time, census: &Census) {
        for (attempt, part) in census.elsewhere.iter().copied() {
            self.handed_over.insert((attempt, part), now);
            let is_moved = self.facts(attempt).is_some_and(|facts| {
                facts.is_due_in_census(part, census.asked_at)
                    && facts.channel(part).is_some_and(|c| {
                        matches!(c.presence, Presence::There | Presence::Away { .. })
                    })
            });
            if is_moved {
                self.leg_event(now, attempt, part, LegEvent::HandedOver, None);
            }
        }
    }
}
