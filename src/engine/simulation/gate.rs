//! What may leave the client: originates, and requests to hang up.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Sim;
use super::deck::world_time;
use super::laws::{Law, Verdict, broken};
use crate::campaign::{AttemptId, CallWord, Part, PauseAfter, RunState};
use crate::simulator::{Hold, Leg};

/// An originate that the client gave up for unanswered may be carried out for so long.
pub(super) const MAY_STILL_COME: Duration = Duration::from_secs(10);

/// The client waits no longer for an answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

impl Sim {
    /// An originate of a leg A leaves the client.
    pub(super) fn may_leave(&mut self, attempt: AttemptId) -> Verdict {
        let Some(deck) = &self.deck else {
            return Ok(());
        };
        let engine = &deck.engine;
        let state = engine.campaign.state();
        if *state != RunState::Dialing || engine.stopping.is_some() || self.notes.told_to_stop {
            return broken(
                Law::Paused,
                format!("{attempt} leaves while {}", state.word()),
            );
        }
        let known_down = !deck.is_connected() && deck.steps_since_link > 0;
        if known_down || !engine.link_state.ready && deck.is_connected() {
            return broken(
                Law::LinkDown,
                format!("{attempt} leaves while the link is down"),
            );
        }
        if !self.notes.durable.contains(&attempt) {
            return broken(
                Law::Journal,
                format!("{attempt} leaves before it is durable"),
            );
        }
        self.notes.watched.insert(attempt);
        let mut calls = self.people(false);
        let shown: BTreeSet<_> = engine.campaign.calls().map(|c| c.attempt).collect();
        // What stands for a leg of a call that is over was found by a survey, and is on its way out.
        let going =
            self.callees(|leg| leg.stands_for.is_some() && self.notes.asked_to_go.contains(leg.id));
        calls.retain(|attempt| shown.contains(attempt) || !going.contains(attempt));
        if self.stalled || self.tally.0.contains_key("events: late") {
            // Where events are lost unnoticed, or overtake others, a transfer may be heard of when
            // its call is over.
            let dialed = self.callees(|leg| leg.hold != Hold::Kept && leg.stands_for.is_none());
            calls.retain(|attempt| dialed.contains(attempt) || shown.contains(attempt));
        }
        calls.extend(self.originates_on_their_way());
        calls.extend(self.in_doubt());
        calls.insert(attempt);
        if calls.len() > self.most_since_decided(attempt) {
            return broken(Law::MaxCc, format!("{attempt} makes it {calls:?}"));
        }
        let PauseAfter {
            refusals,
            abandoned,
        } = engine.campaign.policy().pause_after;
        let too_many = |most, row| most > 0 && row >= most;
        let [refused, dropped] = self.notes.in_vain;
        if too_many(refusals, refused) || too_many(abandoned, dropped) {
            let what = format!("{attempt} leaves after {refused} refusals, {dropped} abandoned");
            return broken(Law::Streak, what);
        }
        if engine.campaign.asterisk_is_silent() {
            let what = format!("{attempt} leaves while Asterisk answers nothing");
            return broken(Law::MaxCc, what);
        }
        Ok(())
    }

    /// A request to hang up a channel leaves the client: not one of somebody whom others have
    /// moved elsewhere, if this engine could know.
    pub(super) fn may_hang_up(&mut self, id: &str) -> Verdict {
        let again = !self.notes.asked_to_go.insert(id.to_owned());
        if self.cuts_a_conversation(id) {
            let what = format!("{id} talks, and is hung up");
            return broken(Law::Answered, what);
        }
        let lives = |leg: &Leg<'_>| leg.id == id && leg.hold != Hold::Kept;
        let mut legs = self.world.legs().filter(lives);
        let Some(moved_at) = legs.next().and_then(|leg| leg.elsewhere_since) else {
            return Ok(());
        };
        let is_known = self.notes.left_app.contains(id);
        let was_before = moved_at < world_time(self.notes.process_since);
        if !again && (is_known || was_before) {
            return broken(
                Law::Answered,
                format!("{id} was moved elsewhere, and is hung up"),
            );
        }
        Ok(())
    }

    /// Whether this channel talks, and nobody wants it hung up. A process that is new, or ends,
    /// hangs up what it can't go on with.
    fn cuts_a_conversation(&self, id: &str) -> bool {
        let mut legs = self.world.legs();
        let Some(leg) = legs.find(|leg| leg.id == id && leg.bridge.is_some()) else {
            return false;
        };
        let Some((attempt, Part::A | Part::B)) = self.ids.parse(leg.part_id()) else {
            return false;
        };
        let is_stopping = self
            .deck
            .as_ref()
            .is_none_or(|d| d.engine.stopping.is_some());
        // A limit of the operator's ends it at any time, and where events overtake others, as
        // Asterisk's do not, the end of the one before is heard first.
        let in_order = !self.tally.0.contains_key("events: late");
        in_order
            && !self.talk_began_too_late(attempt)
            && self.settings.call.max_call.is_none()
            && self.talks(attempt)
            && self.notes.watched.contains(&attempt)
            && !self.notes.may_go.contains(&attempt)
            && !is_stopping
    }

    /// That it ends was decided before they heard each other, and requests were slow; or by what
    /// Asterisk had said before they did, whose answer was on its way meanwhile.
    fn talk_began_too_late(&self, attempt: AttemptId) -> bool {
        let engine = self.deck.as_ref().map(|deck| &deck.engine);
        let mut calls = engine.into_iter().flat_map(|e| e.campaign.calls());
        let began = self.notes.bridged.get(&attempt);
        let told = self.notes.told_silent.get(&attempt);
        calls.any(|call| {
            let is_it = call.attempt == attempt && call.word == CallWord::Ending;
            let by_answer = told.is_some_and(|told| call.since.since(*told) < ANSWERED_WITHIN);
            let decided = told.filter(|_| by_answer).unwrap_or(&call.since);
            is_it && began.is_none_or(|began| decided < began)
        })
    }

    /// Those of which no answer came, and a 404 or a census proves nothing.
    fn in_doubt(&self) -> impl Iterator<Item = AttemptId> + '_ {
        let given_up = self.notes.given_up.iter();
        let unseen = given_up.filter(|(attempt, _)| !self.notes.dialed.contains_key(attempt));
        let doubtful = |at: Duration| (at..at + MAY_STILL_COME).contains(&self.uptime);
        unseen
            .filter(move |(_, at)| doubtful(**at))
            .map(|(attempt, _)| *attempt)
    }

    /// The highest MAX_CC since it was decided to dial: what was decided under a higher one may
    /// still wait at the client when it is lowered, and none of those that are up is ended.
    fn most_since_decided(&self, attempt: AttemptId) -> usize {
        let decided = self.notes.decided.get(&attempt).copied();
        let ends = self.notes.max_cc.iter().skip(1).map(|(from, _)| *from);
        let spans = self.notes.max_cc.iter().zip(ends.chain([Duration::MAX]));
        let held = spans.filter(|(_, until)| decided.is_some_and(|at| at <= *until));
        held.map(|((_, max), _)| *max).max().unwrap_or(0)
    }
}
