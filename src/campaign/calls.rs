//! All calls: those that are alive, what is left of those that ended, and those of a dead process
//! that are not settled yet. Events and answers are routed to them, and a census is compared with
//! what they know.

use std::collections::BTreeMap;

use super::call::Call;
use super::call::attempt::Attempt;
use super::call::channel::Channel;
use super::call::facts::Facts;
use super::call::phase::{Phase, Verdict};
use super::call::remains::Remains;
use super::disposition::{Disposition, TrunkFault};
use super::ids::{AsteriskIds, AttemptId, LeadId, Part};
use super::io::{CallStep, Census, LegEvent, Notice, Op, OpError};
use super::out::{Out, Turn};
use super::reconcile::orphans::{Orphan, OrphanEnds, Orphans, without_ends};
use super::reconcile::{self, HeldEnd, Judgment, Kept, Reconciled, Reconciler, Seen};
use super::record::Record;
use super::streak::Ending;
use super::time::Time;
use super::timers::Timer;
use super::view::CallView;

/// All calls.
#[derive(Debug)]
pub(super) struct Calls {
    ids: AsteriskIds,
    /// The calls that hold a slot. What is in here counts against MAX_CC, nothing else does.
    live: BTreeMap<AttemptId, Call>,
    /// What is left of calls whose A is gone.
    remains: BTreeMap<AttemptId, Remains>,
    reconciler: Reconciler,
    /// What has ended since [`Self::take_ended`].
    ended: Vec<Ended>,
}

/// A call that ended, for whoever sees to its lead.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) lead: LeadId,
    pub(super) verdict: Verdict,
    /// What is wrong with the trunk, where that is why.
    pub(super) fault: Option<TrunkFault>,
    /// The same as far as streaks go.
    pub(super) ending: Ending,
}

/// What came of an originate of A that was answered, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Originated {
    /// Asterisk has taken it.
    Taken,
    /// It has not, and the call is not being ended.
    Refused(OpError),
}

/// What a call is told with each input. A macro, so that the borrow is of these fields only.
macro_rules! turn {
    ($calls:ident, $now:expr, $out:expr) => {
        Turn {
            now: $now,
            heard_all: $calls.reconciler.heard_all,
            ids: &$calls.ids,
            out: $out,
        }
    };
}

impl Calls {
    pub(super) fn new(ids: AsteriskIds) -> Self {
        Self {
            ids,
            live: BTreeMap::new(),
            remains: BTreeMap::new(),
            reconciler: Reconciler::default(),
            ended: Vec::new(),
        }
    }

    /// The calls that a dead process had begun and not ended.
    pub(super) fn restore(&mut self, orphans: Vec<Orphan>) {
        self.reconciler.orphans = Orphans::new(orphans);
    }

    /// A call whose beginning is on its way to the disk.
    pub(super) fn begin(&mut self, call: Call) {
        self.live.insert(call.attempt.id, call);
    }

    /// The attempt is on disk: it is dialed if that `may` be. Else, unless it is being hung up,
    /// it is to be withdrawn.
    pub(super) fn durable(
        &mut self,
        now: Time,
        attempt: AttemptId,
        may: bool,
        out: &mut Out,
    ) -> bool {
        let Some(call) = self.live.get_mut(&attempt) else {
            return false;
        };
        call.durable = true;
        let is_unsent = call.phase == Phase::Journaling;
        if is_unsent && !may {
            return true;
        }
        let what = if is_unsent { Call::dial } else { Call::advance };
        self.tell_call(now, attempt, out, what);
        false
    }

    /// Takes back an attempt of which nothing has left. Gives its lead, and the attempt at that
    /// one before it.
    pub(super) fn withdraw(
        &mut self,
        now: Time,
        attempt: AttemptId,
        out: &mut Out,
    ) -> Option<(LeadId, Option<AttemptId>)> {
        let call = self.live.remove(&attempt)?;
        let lead = (call.attempt.lead, call.before);
        call.attempt.tell_step(CallStep::Withdrawn, out);
        out.journal(Record::AttemptWithdrawn { attempt });
        self.keep_remains(now, call, out);
        Some(lead)
    }

    /// The journal did not take the attempt: it never was. Gives the same as [`Self::withdraw`].
    pub(super) fn forget(&mut self, attempt: AttemptId) -> Option<(LeadId, Option<AttemptId>)> {
        self.live.get(&attempt).filter(|call| !call.durable)?;
        let call = self.live.remove(&attempt)?;
        Some((call.attempt.lead, call.before))
    }

    /// The attempts whose originate has not left, where `which` is true of them.
    pub(super) fn unsent(&self, which: impl Fn(&Attempt) -> bool) -> Vec<AttemptId> {
        let unsent = self
            .live
            .values()
            .filter(|call| call.phase == Phase::Journaling && which(&call.attempt));
        unsent.map(|call| call.attempt.id).collect()
    }

    /// What has ended since this was asked last.
    pub(super) fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// Lets a live call take something in, and sees to it that one that is over ends.
    pub(super) fn tell_call(
        &mut self,
        now: Time,
        attempt: AttemptId,
        out: &mut Out,
        what: impl FnOnce(&mut Call, &mut Turn<'_>),
    ) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        what(call, &mut turn!(self, now, out));
        if call.over().is_some() {
            self.finish(now, attempt, out);
        }
    }

    /// Lets what is left of a call take something in, until nothing is.
    fn tell_remains(
        &mut self,
        now: Time,
        attempt: AttemptId,
        out: &mut Out,
        what: impl FnOnce(&mut Remains, &mut Turn<'_>),
    ) {
        let Some(remains) = self.remains.get_mut(&attempt) else {
            return;
        };
        what(remains, &mut turn!(self, now, out));
        if remains.is_over() {
            self.remains.remove(&attempt);
            out.timers.forget(attempt);
        }
    }

    /// A is gone: the slot is free, the attempt is over, what is left is taken down.
    fn finish(&mut self, now: Time, attempt: AttemptId, out: &mut Out) {
        let Some(mut call) = self.live.remove(&attempt) else {
            return;
        };
        let Some(verdict) = call.settle(&mut turn!(self, now, out)) else {
            self.live.insert(attempt, call);
            return;
        };
        let verdict = miscounted(verdict);
        let fault = call.trunk_fault(verdict);
        let verdict = fault.map_or(verdict, |fault| verdict.blamed_on(fault));
        let ended_at = call.ended_at(now);
        let summary = call.summary(ended_at, verdict);
        out.journal(Record::AttemptEnded {
            attempt,
            end: verdict.as_end(ended_at, summary.dead_air_ms),
        });
        out.tell(Notice::Ended(Box::new(summary)));
        self.ended.push(Ended {
            lead: call.attempt.lead,
            verdict,
            fault,
            ending: call.ending(verdict),
        });
        self.keep_remains(now, call, out);
    }

    fn keep_remains(&mut self, now: Time, call: Call, out: &mut Out) {
        let attempt = call.attempt.id;
        let remains = Remains::new(call.attempt, call.facts, &mut turn!(self, now, out));
        if remains.is_over() {
            out.timers.forget(attempt);
        } else {
            self.remains.insert(attempt, remains);
        }
    }

    /// A timer of an attempt is due.
    pub(super) fn timer(&mut self, now: Time, attempt: AttemptId, timer: Timer, out: &mut Out) {
        if timer == Timer::Insist {
            self.tell_remains(now, attempt, out, Remains::insist);
        }
        self.tell_call(now, attempt, out, |call, turn| call.timer(timer, turn));
    }

    /// Asterisk told something of a channel.
    pub(super) fn heard_of_leg(
        &mut self,
        now: Time,
        (attempt, part): (AttemptId, Part),
        (event, stamp_ms): (LegEvent, Option<i64>),
        is_up: bool,
        out: &mut Out,
    ) {
        // The target may have answered unheard as well.
        let may_talk = |call: &Call| call.phase.is_connecting() || call.phase.is_talking();
        if self.reconciler.may_be_of_one_replaced(part, event)
            && self.live.get(&attempt).is_some_and(may_talk)
        {
            return self.reconciler.hold_end(HeldEnd {
                at: now,
                attempt,
                part,
                event,
                stamp_ms,
            });
        }
        // The end of A tells that A had answered, should the event of the answer come later.
        if is_up && part == Part::A && event.tells_of_the_end() {
            self.reconciler.orphans.has_answered(now, attempt, out);
            self.tell_call(now, attempt, out, |call, turn| call.a_answers(None, turn));
        }
        self.leg_event(now, (attempt, part), event, stamp_ms, out);
    }

    /// A channel did something, by an event or by a census.
    fn leg_event(
        &mut self,
        now: Time,
        (attempt, part): (AttemptId, Part),
        event: LegEvent,
        stamp_ms: Option<i64>,
        out: &mut Out,
    ) {
        let stray = if let Some(remains) = self.remains.get(&attempt) {
            let channel = remains.facts.channel(part);
            channel.is_some_and(|channel| channel.presence.is_over())
        } else if self.reconciler.orphans.contains(attempt) {
            let orphans = &mut self.reconciler.orphans;
            let nobody_waits = orphans.leg_event(now, attempt, (part, event), out);
            if !nobody_waits {
                return;
            }
            true
        } else {
            !self.live.contains_key(&attempt)
        };
        if stray {
            return self.reconciler.stray(attempt, part, event, out);
        }
        if event == LegEvent::HandedOver {
            self.reconciler.note_handed_over(now, attempt, part);
        }
        self.tell_remains(now, attempt, out, |remains, turn| {
            remains.leg_event(part, event, stamp_ms, turn);
        });
        self.tell_call(now, attempt, out, |call, turn| {
            call.leg_event(part, event, stamp_ms, turn);
        });
    }

    /// Asterisk answered a request, or did not. What follows from an originate of A is for
    /// others to say; after that the call is to [`Self::advance`].
    pub(super) fn answered(
        &mut self,
        now: Time,
        attempt: AttemptId,
        (op, result): (Op, Result<(), OpError>),
        out: &mut Out,
    ) -> Option<Originated> {
        match op {
            Op::Find(part) => self.found(now, attempt, part, result, out),
            Op::AskTarget { .. } => {
                self.tell_call(now, attempt, out, |call, turn| {
                    call.target_told(result, turn);
                });
            }
            _ if self.remains.contains_key(&attempt) => {
                self.tell_remains(now, attempt, out, |remains, turn| {
                    remains.answered(op, result, turn);
                });
            }
            _ => return self.call_answered(now, attempt, (op, result), out),
        }
        None
    }

    fn call_answered(
        &mut self,
        now: Time,
        attempt: AttemptId,
        (op, result): (Op, Result<(), OpError>),
        out: &mut Out,
    ) -> Option<Originated> {
        let call = self.live.get_mut(&attempt)?;
        let was_ending = call.phase.is_hanging_up();
        let result = call.answered(op, result, &mut turn!(self, now, out));
        match (op, result) {
            (Op::OriginateA, Ok(())) => return Some(Originated::Taken),
            (Op::OriginateA, Err(error)) if !was_ending => {
                return Some(Originated::Refused(error));
            }
            // What is tried again has a timer, so as not to be tried in a tight loop.
            (Op::CreateBridge | Op::Join(_), Err(_)) => {}
            _ => self.advance(now, attempt, out),
        }
        None
    }

    /// Does for a call whatever can be done now.
    pub(super) fn advance(&mut self, now: Time, attempt: AttemptId, out: &mut Out) {
        self.tell_call(now, attempt, out, Call::advance);
    }

    /// What came of [`Op::Find`]. Whatever else was told of the channel meanwhile counts more.
    fn found(
        &mut self,
        now: Time,
        attempt: AttemptId,
        part: Part,
        result: Result<(), OpError>,
        out: &mut Out,
    ) {
        let channel = self.facts(attempt).and_then(|facts| facts.channel(part));
        let is_away = channel.is_some_and(|channel| channel.presence.is_away());
        let event = match result {
            Ok(()) => LegEvent::HandedOver,
            // Where events were missed, another channel may have taken its place.
            Err(OpError::NotFound) if self.reconciler.heard_all => LegEvent::Leaving(None),
            // It is asked again.
            Err(_) => return,
        };
        if is_away {
            self.leg_event(now, (attempt, part), event, None, out);
        }
    }

    /// A phone has transferred its call.
    pub(super) fn transferred(
        &mut self,
        now: Time,
        (attempt, part): (AttemptId, Part),
        to: String,
        out: &mut Out,
    ) {
        if self.reconciler.orphans.contains(attempt) {
            // What a dead process left is settled by a census.
            let orphans = &mut self.reconciler.orphans;
            orphans.transferred(now, (attempt, part), &self.ids, out);
        } else if self.remains.contains_key(&attempt) {
            self.tell_remains(now, attempt, out, |remains, turn| {
                remains.transferred(part, turn);
            });
        } else if self.live.contains_key(&attempt) {
            self.tell_call(now, attempt, out, |call, turn| {
                call.transferred(part, to, turn);
            });
        } else {
            let entered = LegEvent::Entered;
            self.reconciler.stray(attempt, part, entered, out);
        }
    }

    /// A recording came to its end in Asterisk.
    pub(super) fn recording_ended(
        &mut self,
        now: Time,
        attempt: AttemptId,
        ok: bool,
        out: &mut Out,
    ) {
        if ok && self.reconciler.orphans.contains(attempt) {
            let orphans = &mut self.reconciler.orphans;
            return orphans.was_recorded(now, attempt, &self.ids, out);
        }
        self.tell_remains(now, attempt, out, |remains, turn| {
            remains.recording_ended(ok, turn);
        });
        self.tell_call(now, attempt, out, |call, turn| {
            call.recording_ended(ok, turn);
        });
    }

    /// The facts of a call, living or ended.
    fn facts(&self, attempt: AttemptId) -> Option<&Facts> {
        let live = self.live.get(&attempt).map(|call| &call.facts);
        live.or_else(|| self.remains.get(&attempt).map(|remains| &remains.facts))
    }
}

/// Comparing what is known with what lives in Asterisk.
impl Calls {
    /// `link_up`: what happens from now on is heard.
    pub(super) fn reconcile(&mut self, now: Time, census: &Census, link_up: bool, out: &mut Out) {
        if census.restarted || sabotaged!(TrustsACensus) {
            for call in self.live.values_mut() {
                call.facts.doubt_no_more();
            }
        }
        let ends = self.reconciler.orphans.take_ends();
        let alive = &without_ends(census, &ends);
        for attempt in self.reconciler.orphans.recorded(census, alive) {
            let orphans = &mut self.reconciler.orphans;
            orphans.was_recorded(now, attempt, &self.ids, out);
        }
        let mut done = self.settle_orphans(now, alive, &ends, out);
        self.reconciler.orphans.put_ends(ends);
        let seen = &Seen::of(alive);
        // Ends first: a leg that came up unheard has bridged nobody if the other had left.
        let known = self.live.len();
        self.take_held_ends(now, out);
        self.miss_who_was_moved(now, alive, out);
        let all: Vec<AttemptId> = self
            .live
            .keys()
            .chain(self.remains.keys())
            .copied()
            .collect();
        let gone: Judgment = reconcile::is_gone;
        self.judge(
            now,
            (seen, gone),
            &all,
            &[Part::Snoop, Part::B, Part::A],
            out,
        );
        let live: Vec<AttemptId> = self.live.keys().copied().collect();
        let left: Judgment = reconcile::has_left_the_bridge;
        self.judge(now, (seen, left), &live, &[Part::B, Part::A], out);
        self.give_up_what_is_kept(now, seen, out);
        done.ended += known - self.live.len();
        let unheard = !std::mem::replace(&mut self.reconciler.heard_all, true);
        self.hear_what_was_missed(now, alive, out);
        done.strays = self.take_down_strays(alive, out);
        self.miss_ends_of_recordings(now, census, out);
        for call in self.live.values() {
            call.set_target_timer(census.asked_at, &mut turn!(self, now, out));
        }
        let accounted = done.taken_over + done.hung_up + done.awaited;
        done.going_on = self.live.len().saturating_sub(accounted);
        // While events are missed each look finds the same calls again, which is no news.
        let nothing = Reconciled {
            going_on: if link_up { 0 } else { done.going_on },
            ..Reconciled::default()
        };
        if unheard && done != nothing {
            out.tell(Notice::Reconciled(done));
        }
    }

    /// Each attempt of the dead process: adopted if its conversation lives, hung up if only
    /// a part of it does, closed if nothing does and nothing more can be learned of it.
    fn settle_orphans(
        &mut self,
        now: Time,
        census: &Census,
        ends: &OrphanEnds,
        out: &mut Out,
    ) -> Reconciled {
        let mut done = Reconciled::default();
        for orphan in self.reconciler.orphans.settled_by(census) {
            let orphans = &mut self.reconciler.orphans;
            let Some(call) = orphans.take(now, orphan, census, ends, out) else {
                continue;
            };
            let attempt = call.attempt.id;
            let goes_on = call.phase.is_talking();
            self.live.insert(attempt, call);
            self.tell_call(now, attempt, out, Call::take_over);
            *match self.live.get(&attempt) {
                Some(_) if goes_on => &mut done.taken_over,
                Some(call) if call.facts.is_a_only_feared() => &mut done.awaited,
                Some(_) => &mut done.hung_up,
                None => &mut done.ended,
            } += 1;
        }
        self.reconciler.orphans.pass_over();
        done
    }

    /// What was held until a census, but for the ends of channels that others have replaced.
    fn take_held_ends(&mut self, now: Time, out: &mut Out) {
        for held in self.reconciler.take_held_ends() {
            let facts = self.facts(held.attempt);
            let channel = facts.and_then(|facts| facts.channel(held.part));
            if channel.is_some_and(|channel| channel.asked_at <= held.at) {
                let whose = (held.attempt, held.part);
                self.leg_event(now, whose, held.event, held.stamp_ms, out);
            }
        }
    }

    /// Legs that somebody moved out of our application while nobody listened.
    fn miss_who_was_moved(&mut self, now: Time, census: &Census, out: &mut Out) {
        for (attempt, part) in census.elsewhere.iter().copied() {
            self.reconciler.note_handed_over(now, attempt, part);
            let facts = self.facts(attempt);
            if facts.is_some_and(|facts| reconcile::was_moved(facts, part, census)) {
                self.leg_event(now, (attempt, part), LegEvent::HandedOver, None, out);
            }
        }
    }

    /// Lets calls take in what happened to their channels while nobody listened.
    fn judge(
        &mut self,
        now: Time,
        (seen, judgment): (&Seen, Judgment),
        attempts: &[AttemptId],
        parts: &[Part],
        out: &mut Out,
    ) {
        for attempt in attempts.iter().copied() {
            for part in parts.iter().copied() {
                let facts = self.facts(attempt);
                let event = facts.and_then(|facts| judgment((attempt, part), facts, seen));
                if let Some(event) = event {
                    self.leg_event(now, (attempt, part), event, None, out);
                }
            }
        }
    }

    /// Whatever was to go for long, and is listed all the same. What holds no slot is given up:
    /// each census goes on asking for its end, as for any stray.
    fn give_up_what_is_kept(&mut self, now: Time, seen: &Seen, out: &mut Out) {
        let kept = self.live.iter().filter_map(|(attempt, call)| {
            let kept = reconcile::keeps_a(now, *attempt, &call.facts, seen)?;
            Some((*attempt, kept))
        });
        for (attempt, kept) in kept.collect::<Vec<_>>() {
            match kept {
                Kept::HungUp(hung_up) => {
                    reconcile::tell_kept(attempt, Part::A, false, out);
                    self.tell_call(now, attempt, out, |call, turn| {
                        call.give_up_a(hung_up, reconcile::KEPT, turn);
                    });
                }
                Kept::MayBeThere => self.tell_call(now, attempt, out, |call, turn| {
                    if !std::mem::replace(&mut call.facts.told_kept, true) {
                        reconcile::tell_kept(attempt, Part::A, true, turn.out);
                    }
                }),
            }
        }
        // A target or a recording's channel holds no slot, whoever may be there.
        for attempt in self.remains.keys().copied().collect::<Vec<_>>() {
            for part in [Part::B, Part::Snoop] {
                let remains = self.remains.get(&attempt);
                let is_kept =
                    remains.is_some_and(|r| reconcile::keeps((attempt, part), &r.facts, seen));
                if is_kept {
                    reconcile::tell_kept(attempt, part, false, out);
                    self.tell_remains(now, attempt, out, |r, turn| r.give_up(part, turn));
                }
            }
        }
    }

    /// Answers and joins that happened while nobody listened.
    fn hear_what_was_missed(&mut self, now: Time, census: &Census, out: &mut Out) {
        let is_there = |call: &Call, part| {
            call.facts.is_that_of_census(part, census.asked_at) && call.facts.knows(part)
        };
        for (attempt, part, up) in census.channels.iter().copied() {
            if self.live.get(&attempt).is_some_and(|c| is_there(c, part)) {
                self.tell_call(now, attempt, out, |call, turn| call.listed(part, up, turn));
            }
        }
        for (attempt, part) in census.joined.iter().copied() {
            if self.live.get(&attempt).is_some_and(|c| is_there(c, part)) {
                self.leg_event(now, (attempt, part), LegEvent::Joined, None, out);
            }
        }
    }

    fn take_down_strays(&mut self, census: &Census, out: &mut Out) -> usize {
        let (live, remains) = (&self.live, &self.remains);
        let is_known = |attempt: AttemptId, part: Part| match live.get(&attempt) {
            // A B that has failed makes room for another one of the same id, which the request
            // to take it down could meet. What is left of it goes with its call.
            Some(call) => {
                let goes_on = !call.phase.is_hanging_up();
                call.facts.knows(part) || matches!(part, Part::B | Part::B2) && goes_on
            }
            None => remains.get(&attempt).is_some_and(|r| r.facts.knows(part)),
        };
        self.reconciler.take_down_strays(census, is_known, out)
    }

    /// Nobody heard that the recordings of these channels ended, with the channels.
    fn miss_ends_of_recordings(&mut self, now: Time, census: &Census, out: &mut Out) {
        if sabotaged!(ForgetsRecordings) {
            return;
        }
        for attempt in census.recorder_gone.iter().copied() {
            let facts = self.facts(attempt);
            if facts.is_some_and(|facts| reconcile::recording_has_ended(facts, census)) {
                self.recording_ended(now, attempt, true, out);
            }
        }
    }
}

/// What others may know.
impl Calls {
    /// A live call.
    pub(super) fn get(&self, attempt: AttemptId) -> Option<&Call> {
        self.live.get(&attempt)
    }

    /// The live calls, the oldest first.
    pub(super) fn live(&self) -> impl ExactSizeIterator<Item = &Call> + '_ {
        self.live.values()
    }

    /// Whom calls are at, those of a dead process too.
    pub(super) fn leads(&self) -> Vec<LeadId> {
        let live = self.live.values().map(|call| call.attempt.lead);
        live.chain(self.reconciler.orphans.leads()).collect()
    }

    /// Events are missed from now on, until a census has made up for them.
    pub(super) fn miss_events(&mut self) {
        self.reconciler.heard_all = false;
    }

    /// What a dead process left is settled.
    pub(super) fn is_settled(&self) -> bool {
        self.reconciler.orphans.is_empty()
    }

    /// Nothing of any call is left in Asterisk, as far as is known.
    pub(super) fn is_quiet(&self) -> bool {
        self.live.is_empty() && self.remains.is_empty() && self.is_settled()
    }

    /// Whether anything of this attempt is still on its way.
    pub(super) fn knows(&self, attempt: AttemptId) -> bool {
        self.facts(attempt).is_some() || self.reconciler.orphans.contains(attempt)
    }

    /// Whether this leg of a call is in its bridge by all that is known, or left it when it left
    /// our application.
    pub(super) fn has_joined(&self, attempt: AttemptId, part: Part) -> bool {
        let is_leg = matches!(part, Part::A | Part::B);
        let channel = self.facts(attempt).and_then(|facts| facts.channel(part));
        is_leg && channel.is_some_and(Channel::has_joined)
    }

    /// The names, in Asterisk's spool, of what a dead process may have recorded without
    /// writing it down.
    pub(super) fn unknown_recordings(&self) -> Vec<(AttemptId, String)> {
        self.reconciler.orphans.unknown_recordings(&self.ids)
    }

    /// The pictures of the live calls, the oldest first.
    pub(super) fn views(&self) -> impl Iterator<Item = CallView> + '_ {
        self.live.values().map(Call::view)
    }

    /// How many there are: live, remains of ended ones, orphans.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        let orphans = self.reconciler.orphans.len();
        [self.live.len(), self.remains.len(), orphans]
    }
}

/// The verdict as it is, but in a test that wants to see whether anybody notices.
fn miscounted(verdict: Verdict) -> Verdict {
    if sabotaged!(MiscountsAbandoned) && verdict.disposition == Disposition::Abandoned {
        return Verdict::new(Disposition::NoAnswer, verdict.by);
    }
    verdict
}
