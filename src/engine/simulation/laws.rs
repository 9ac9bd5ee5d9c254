//! What must hold, whatever happens: looked at after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Sim;
use super::deck::world_time;
use crate::ari::{Event, EventKind};
use crate::campaign::{
    AttemptId, CallSummary, CallWord, Disposition, EndedBy, HangupCause, Notice, Op, OpError, Part,
    PauseAfter, RunId, RunState, Time,
};
use crate::engine::{Message, Snapshot, Told};
use crate::journal::WriteFailure;
use crate::simulator::{Hold, Leg};

/// Nobody hears silence for longer, while the dialer runs and Asterisk answers requests.
const LONGEST_SILENCE: Duration = Duration::from_secs(45);
/// Nor is anybody whom the other one has left kept for longer, while all requests go well.
const LONGEST_ALONE: Duration = Duration::from_secs(12);
/// An originate that the client gave up for unanswered may be carried out for so long.
const MAY_STILL_COME: Duration = Duration::from_secs(10);
/// A call whose A is gone is shown no longer than this, while all requests go well.
const LONGEST_GHOST: Duration = Duration::from_secs(9);
/// Nor is one whose phone has hung up, by Asterisk's word, shown for longer than this, whatever
/// Asterisk keeps: it is given up when a census lists it 30 s later, which comes every 30 s.
const LONGEST_KEPT: Duration = Duration::from_secs(30 + 30 + 9);
/// A call whose recording has ended is shown as recorded no longer than this, while all requests
/// go well: after a transfer the channel that is recorded may be hung up by the next survey only.
const LONGEST_UNRECORDED: Duration = Duration::from_secs(12);
/// A picture is no older than this, where something has changed.
const PICTURE_AGE: Duration = Duration::from_millis(100);

/// The invariants by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Law {
    /// No originate at or over the effective MAX_CC.
    MaxCc,
    /// No lead attempted beyond its policy.
    Policy,
    /// Every attempt ends, and once.
    EndsOnce,
    /// No channel, bridge or recording is left once all is quiet.
    NoOrphans,
    /// Paused means that no originate leaves.
    Paused,
    /// No originate leaves while the event stream is known to be down.
    LinkDown,
    /// Whoever answers is bridged, or hung up and counted as abandoned.
    Answered,
    /// The snapshot equals the state.
    Snapshot,
    /// What the journal says after a crash is enough to go on.
    Journal,
    /// After so many calls in a row that came to nothing no originate leaves.
    Streak,
    /// It comes to its end by itself.
    Progress,
}

impl Law {
    pub(super) const ALL: [Self; 11] = [
        Self::MaxCc,
        Self::Policy,
        Self::EndsOnce,
        Self::NoOrphans,
        Self::Paused,
        Self::LinkDown,
        Self::Answered,
        Self::Snapshot,
        Self::Journal,
        Self::Streak,
        Self::Progress,
    ];
}

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) law: Law,
    pub(super) what: String,
}

pub(super) type Verdict = Result<(), Violation>;

pub(super) fn broken(law: Law, what: impl Into<String>) -> Verdict {
    Err(Violation {
        law,
        what: what.into(),
    })
}

/// What a bystander notes down, to judge by.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The attempts whose leg A was dialed, by number.
    pub(super) dialed: BTreeMap<AttemptId, String>,
    /// Those whose originate left the engine that lives.
    pub(super) watched: BTreeSet<AttemptId>,
    /// When the client gave up waiting for the answer to an originate.
    pub(super) given_up: BTreeMap<AttemptId, Duration>,
    /// An engine was told that no answer to their originate came.
    unanswered: BTreeSet<AttemptId>,
    /// An engine was told that their A was listed, or there to be hung up.
    met: BTreeSet<AttemptId>,
    /// An engine was told that they were durable.
    pub(super) durable: BTreeSet<AttemptId>,
    /// An engine was told that an analytics service refused them.
    blocked: BTreeSet<AttemptId>,
    /// Whose answer reached an engine.
    pub(super) heard: BTreeSet<AttemptId>,
    /// Whose two legs were up in one bridge, and since when first.
    pub(super) bridged: BTreeMap<AttemptId, Time>,
    /// Each MAX_CC and since when it held, the last one holding now.
    max_cc: Vec<(Duration, usize)>,
    /// When an engine was told that they were durable, which is when it decides to dial them.
    decided: BTreeMap<AttemptId, Duration>,
    /// Since when the run is DONE, by the wall clock.
    pub(super) done_at: Option<Time>,
    /// Since when it was DONE before this process took it up again.
    left_done_at: Option<Time>,
    /// The operator has said that nobody is to be called.
    pub(super) told_to_stop: bool,
    /// How often each number was wanted called again in a run.
    pub(super) wishes: BTreeMap<(RunId, String), usize>,
    pub(super) silent_since: BTreeMap<AttemptId, Duration>,
    /// When a request went wrong last.
    pub(super) mishap_at: Duration,
    /// What Asterisk did not end, or has not yet.
    held: BTreeSet<(AttemptId, Part)>,
    /// The engine that lives was told that the phone had hung up.
    pub(super) hung_up: BTreeSet<AttemptId>,
    /// The attempts that somebody wants hung up.
    pub(super) may_go: BTreeSet<AttemptId>,
    /// The channels that an engine has asked to go.
    asked_to_go: BTreeSet<String>,
    /// Those of which the engine that lives was told that they left the application.
    pub(super) left_app: BTreeSet<String>,
    /// When that engine's process began.
    pub(super) process_since: Duration,
    /// Refusals in a row, and people in a row who answered and reached nobody, that the engine
    /// that lives has told of since dialing began.
    pub(super) in_vain: [u32; 2],
    /// Since when calls are up in the dialer whose A is gone, or is kept.
    ghost_since: BTreeMap<(AttemptId, bool), Duration>,
    /// Since when calls are shown as recorded, and are not.
    unrecorded_since: BTreeMap<AttemptId, Duration>,
}

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
        if self.stalled || self.tally.0.contains_key("events: late") {
            // Where events are lost unnoticed, or overtake others, a transfer may be heard of when
            // its call is over.
            let dialed = self.callees(|leg| leg.hold != Hold::Kept && leg.stands_for.is_none());
            let shown: BTreeSet<_> = engine.campaign.calls().map(|c| c.attempt).collect();
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
        if self.cuts_a_transferred_call(id) {
            let what = format!("{id} talks after a transfer, and is hung up");
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

    /// Whether this channel talks in a call that a phone has transferred, and nobody wants it
    /// hung up. A process that is new, or ends, hangs up what it can't go on with.
    fn cuts_a_transferred_call(&self, id: &str) -> bool {
        let mut legs = self.world.legs();
        let Some(leg) = legs.find(|leg| leg.id == id && leg.bridge.is_some()) else {
            return false;
        };
        let Some((attempt, Part::A | Part::B)) = self.ids.parse(leg.part_id()) else {
            return false;
        };
        let in_bridge = |other: &Leg<'_>| other.bridge == leg.bridge;
        let was_transferred = self
            .world
            .legs()
            .filter(in_bridge)
            .any(|other| other.stands_for.is_some());
        let is_stopping = self
            .deck
            .as_ref()
            .is_none_or(|d| d.engine.stopping.is_some());
        // A limit of the operator's ends it at any time, and where events overtake others, as
        // Asterisk's do not, the end of the one before is heard first.
        let in_order = !self.tally.0.contains_key("events: late");
        was_transferred
            && in_order
            && !self.talk_began_too_late(attempt)
            && self.settings.max_call.is_none()
            && self.talks(attempt)
            && self.notes.watched.contains(&attempt)
            && !self.notes.may_go.contains(&attempt)
            && !is_stopping
    }

    /// That it ends was decided before they heard each other, and requests were slow, or the
    /// socket is silent and nothing told that they do.
    fn talk_began_too_late(&self, attempt: AttemptId) -> bool {
        let engine = self.deck.as_ref().map(|deck| &deck.engine);
        let mut calls = engine.into_iter().flat_map(|e| e.campaign.calls());
        let began = self.notes.bridged.get(&attempt);
        calls.any(|call| {
            let is_it = call.attempt == attempt && call.word == CallWord::Ending;
            let is_unheard = self.stalled && call.bridged_at.is_none();
            is_it && (is_unheard || began.is_none_or(|began| call.since < *began))
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

    /// The attempts that have a leg A; of those that have one, only the answered.
    pub(super) fn people(&self, answered: bool) -> BTreeSet<AttemptId> {
        self.callees(|leg| leg.hold != Hold::Kept && (leg.is_up || !answered))
    }

    /// The attempts that have a leg A like this.
    fn callees(&self, like: impl Fn(&Leg<'_>) -> bool) -> BTreeSet<AttemptId> {
        let is_ours = |leg: &Leg<'_>| leg.elsewhere_since.is_none() && !leg.is_replaced;
        let ours = self.world.legs().filter(is_ours).filter(like);
        ours.filter_map(|leg| self.ids.parse(leg.part_id()))
            .filter(|(_, part)| *part == Part::A)
            .map(|(attempt, _)| attempt)
            .collect()
    }

    /// After every step, whatever it was.
    pub(super) fn check(&mut self) -> Verdict {
        self.note_max_cc();
        self.note_done();
        self.note_held();
        self.check_silence()?;
        self.check_ghosts()?;
        self.check_recorded()?;
        self.check_picture()
    }

    /// What the operator sees is what Asterisk does, also without an event stream.
    fn check_ghosts(&mut self) -> Verdict {
        let ghosts = self.ghosts();
        self.notes.ghost_since.retain(|g, _| ghosts.contains(g));
        for (attempt, is_kept) in ghosts {
            let ghost_since = &mut self.notes.ghost_since;
            let since = *ghost_since.entry((attempt, is_kept)).or_insert(self.uptime);
            // Of an originate without an answer nobody knows for a while whether it may come,
            // unless it has.
            let notes = &self.notes;
            let doubtful = notes.unanswered.contains(&attempt) && !notes.met.contains(&attempt);
            let longest = if is_kept {
                LONGEST_KEPT
            } else {
                LONGEST_GHOST + MAY_STILL_COME * u32::from(doubtful)
            };
            if self.well_since(since) > longest {
                let since = since.as_millis();
                return broken(
                    Law::Snapshot,
                    format!("{attempt} is shown, and gone since {since}, kept {is_kept}"),
                );
            }
        }
        Ok(())
    }

    /// The calls that are shown though nobody is there, and whether Asterisk keeps their channel.
    fn ghosts(&self) -> BTreeSet<(AttemptId, bool)> {
        let Some(deck) = self.deck.as_ref().filter(|_| self.rest_answers()) else {
            return BTreeSet::new();
        };
        let people = self.people(false);
        // Also of a leg that was moved elsewhere first.
        let kept = self.world.legs().filter(|leg| leg.hold == Hold::Kept);
        let kept = kept.filter_map(|leg| self.ids.parse(leg.part_id()));
        let kept: BTreeSet<_> = kept
            .filter(|(_, part)| *part == Part::A)
            .map(|(attempt, _)| attempt)
            .collect();
        let calls = deck.engine.campaign.calls().map(|call| call.attempt);
        // What a dead process dialed may be waited for, though it has come and gone.
        let notes = &self.notes;
        let were_dialed =
            calls.filter(|a| notes.watched.contains(a) && notes.dialed.contains_key(a));
        let gone = were_dialed.filter(|a| !people.contains(a));
        gone.map(|attempt| (attempt, kept.contains(&attempt)))
            // Whose end was not told may have somebody in it.
            .filter(|(attempt, is_kept)| !is_kept || notes.hung_up.contains(attempt))
            .collect()
    }

    /// Whoever talks and is shown as recorded is recorded.
    fn check_recorded(&mut self) -> Verdict {
        let unrecorded = self.shown_as_recorded_only();
        let since = &mut self.notes.unrecorded_since;
        since.retain(|attempt, _| unrecorded.contains(attempt));
        for attempt in unrecorded {
            let since = &mut self.notes.unrecorded_since;
            let since = *since.entry(attempt).or_insert(self.uptime);
            if self.well_since(since) > LONGEST_UNRECORDED {
                let since = since.as_millis();
                return broken(
                    Law::Snapshot,
                    format!("{attempt} is shown as recorded, and is not since {since}"),
                );
            }
        }
        Ok(())
    }

    fn shown_as_recorded_only(&self) -> BTreeSet<AttemptId> {
        let Some(deck) = self.deck.as_ref().filter(|_| self.rest_answers()) else {
            return BTreeSet::new();
        };
        let live = self.world.live_names();
        let recorded: BTreeSet<_> = live.filter_map(|name| self.ids.parse(name)).collect();
        let calls = deck.engine.campaign.calls();
        let shown = calls.filter(|call| call.recording && call.word == CallWord::Bridged);
        shown
            .map(|call| call.attempt)
            .filter(|attempt| self.talks(*attempt))
            .filter(|attempt| !recorded.contains(&(*attempt, Part::Snoop)))
            .collect()
    }

    fn note_held(&mut self) {
        let held = self.world.legs().filter(|leg| leg.hold != Hold::None);
        let ours = held.filter_map(|leg| self.ids.parse(leg.part_id()));
        self.notes.held.extend(ours);
    }

    /// The operator reads the log.
    pub(super) fn is_told(&mut self, told: &Told) -> Verdict {
        match told {
            Told::Campaign(Notice::Ended(call)) => {
                self.check_blocked(call)?;
                self.note_end(call);
            }
            Told::Campaign(Notice::State {
                state: RunState::Dialing,
            }) => self.notes.in_vain = [0; 2],
            _ => {}
        }
        let Told::Campaign(Notice::Kept {
            attempt,
            part,
            holds_slot,
        }) = told
        else {
            return Ok(());
        };
        self.told_to_restart |= holds_slot;
        self.tally.count(if *holds_slot {
            "Asterisk: keeps what was only asked to go"
        } else {
            "Asterisk: keeps what has hung up"
        });
        if self.notes.held.contains(&(*attempt, *part)) {
            return Ok(());
        }
        broken(
            Law::Snapshot,
            format!("Asterisk does not keep {part} of {attempt}"),
        )
    }

    /// Who was refused by an analytics service was not refused by a person.
    fn check_blocked(&self, call: &CallSummary) -> Verdict {
        let attempt = call.attempt;
        if call.disposition == Disposition::Rejected && self.notes.blocked.contains(&attempt) {
            let what = format!("{attempt} is blocked by an analytics service, and is rejected");
            return broken(Law::Snapshot, what);
        }
        Ok(())
    }

    /// An engine is about to be told of an event.
    pub(super) fn note_event(&mut self, event: &Event) {
        let EventKind::Dial { peer, .. } = &event.kind else {
            return;
        };
        if peer.sip_answer.as_deref() != Some("SIP 603 Network Blocked") {
            return;
        }
        let engine = self.deck.as_ref().map(|deck| &deck.engine);
        let mut calls = engine.into_iter().flat_map(|e| e.campaign.calls());
        let heard = self.ids.parse(&peer.id).map(|(attempt, _)| attempt);
        let call = calls.find(|call| Some(call.attempt) == heard && call.word != CallWord::Ending);
        if let Some(attempt) = call.map(|call| call.attempt) {
            self.notes.blocked.insert(attempt);
            self.tally.count("refused by an analytics service");
        }
    }

    /// Counts what came to nothing by the carrier's or the target's doing.
    fn note_end(&mut self, call: &CallSummary) {
        use Disposition::{Abandoned, Answered, Blocked, Congestion, Failed, Redirected, Rejected};
        // What comes of an originate that Asterisk did not answer is no word of the carrier.
        let was_answered = !self.notes.unanswered.contains(&call.attempt);
        let told_why = call.cause != HangupCause::default() && was_answered;
        let [refused, dropped] = &mut self.notes.in_vain;
        let rang = call.ringing_at.is_some() || call.answered_at.is_some();
        match call.disposition {
            Rejected | Blocked | Redirected | Congestion | Failed
                if !rang && told_why && call.by == EndedBy::Carrier =>
            {
                *refused += 1;
                self.tally.count("refusals that count");
            }
            _ if rang || told_why && call.by != EndedBy::Operator => *refused = 0,
            _ => {}
        }
        match call.disposition {
            Answered => *dropped = 0,
            Abandoned if matches!(call.by, EndedBy::Target) => *dropped += 1,
            _ => {}
        }
    }

    pub(super) fn rest_answers(&self) -> bool {
        !self.world.is_down(self.world_now()) && self.uptime >= self.rest_back_at
    }

    fn note_max_cc(&mut self) {
        let Some(deck) = &self.deck else { return };
        let max = deck.engine.campaign.limit(self.wall()).requested.calls();
        if self.notes.max_cc.last().is_none_or(|(_, was)| *was != max) {
            self.notes.max_cc.push((self.uptime, max));
        }
    }

    /// For how long something has lasted while no request went wrong, each of which may take its
    /// five seconds.
    fn well_since(&self, since: Duration) -> Duration {
        self.uptime.saturating_sub(since.max(self.notes.mishap_at))
    }

    fn note_done(&mut self) {
        let Some(deck) = &self.deck else { return };
        if *deck.engine.campaign.state() != RunState::Done {
            self.notes.left_done_at = self.notes.done_at.take().or(self.notes.left_done_at);
        } else if self.notes.done_at.is_none() {
            self.notes.done_at = Some(deck.engine.clock.now());
        }
    }

    /// A process begins. Where the one before died before it had written down that it takes the
    /// run up again, the run is DONE since it was.
    pub(super) fn note_done_before(&mut self) {
        let before = self.notes.left_done_at.take();
        let state = self.deck.as_ref().map(|deck| deck.engine.campaign.state());
        if state == Some(&RunState::Done) {
            self.notes.done_at = self.notes.done_at.or(before);
        }
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

    fn check_silence(&mut self) -> Verdict {
        let people = self.people(true);
        let (talking, mut silent): (BTreeSet<_>, BTreeSet<_>) =
            people.into_iter().partition(|attempt| self.talks(*attempt));
        // Whoever was to be hung up, and Asterisk does not.
        let deaf = self.callees(|leg| leg.hold == Hold::Deaf);
        silent.retain(|attempt| !deaf.contains(attempt));
        let now = self.world_now();
        for attempt in talking {
            self.notes.bridged.entry(attempt).or_insert(now);
        }
        if self.deck.is_none() || !self.rest_answers() {
            self.notes.silent_since.clear();
        }
        self.notes.silent_since.retain(|a, _| silent.contains(a));
        for attempt in silent {
            let since = *self
                .notes
                .silent_since
                .entry(attempt)
                .or_insert(self.uptime);
            let is_alone = self.notes.bridged.contains_key(&attempt);
            if self.uptime.saturating_sub(since) > LONGEST_SILENCE
                || is_alone && self.well_since(since) > LONGEST_ALONE
            {
                let since = since.as_millis();
                return broken(
                    Law::Answered,
                    format!("{attempt} hears nobody since {since}"),
                );
            }
        }
        Ok(())
    }

    /// Both legs are up in a bridge.
    pub(super) fn talks(&self, attempt: AttemptId) -> bool {
        [Part::A, Part::B].into_iter().all(|part| {
            let mut legs = self
                .world
                .legs()
                .filter(|leg| leg.is_up && leg.bridge.is_some());
            legs.any(|leg| self.ids.parse(leg.part_id()) == Some((attempt, part)))
        })
    }

    /// The latest picture shows the state, or is of a moment ago.
    fn check_picture(&self) -> Verdict {
        let Some(deck) = &self.deck else {
            return Ok(());
        };
        let picture = deck.picture();
        let differs = self.difference(&picture);
        let age = deck.engine.clock.now().since(picture.at);
        match differs {
            Some(what) if age > PICTURE_AGE => broken(
                Law::Snapshot,
                format!("{what}, since {} ms", age.as_millis()),
            ),
            _ => Ok(()),
        }
    }

    /// Where the picture is not as the state is.
    pub(super) fn difference(&self, picture: &Snapshot) -> Option<&'static str> {
        let engine = &self.deck.as_ref()?.engine;
        let campaign = &engine.campaign;
        let limit = campaign.limit(engine.clock.now());
        let shown_down = picture.link.down.is_some();
        [
            (picture.run != campaign.run(), "the run"),
            (picture.state != *campaign.state(), "the state"),
            (
                !picture.calls.iter().cloned().eq(campaign.calls()),
                "the calls",
            ),
            (
                picture.leads.version() != campaign.leads().version(),
                "the leads",
            ),
            (picture.limit.requested != limit.requested, "MAX_CC"),
            (picture.limit.in_use != limit.in_use, "the calls in use"),
            (shown_down == engine.link_state.ready, "the link"),
            (
                picture.link.lost != engine.link_state.lost,
                "how often it was lost",
            ),
            (
                picture.stopping.is_some() != engine.stopping.is_some(),
                "the stop",
            ),
            (
                picture.recordings.saved != engine.recordings_saved,
                "the recordings",
            ),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }

    fn note_answer(&mut self, message: &Message) {
        let connection = self.deck.as_ref().map(|d| d.engine.link_state.connection);
        match message {
            Message::Answer {
                result: Err(OpError::Withheld),
                ..
            } => self.tally.count("originates that the gate kept back"),
            Message::Answer {
                attempt,
                op: Op::OriginateA,
                result: Err(OpError::Unknown),
            } => {
                self.notes.unanswered.insert(*attempt);
            }
            Message::Answer {
                attempt,
                op: Op::HangUp(Part::A),
                result: Ok(()),
            } => {
                self.notes.met.insert(*attempt);
            }
            Message::Surveyed {
                link,
                survey: Ok(survey),
            } if Some(*link) == connection => {
                let listed = survey.census.channels.iter();
                let listed = listed.filter(|(_, part, _)| *part == Part::A);
                self.notes.met.extend(listed.map(|(attempt, ..)| *attempt));
            }
            _ => {}
        }
    }

    /// What the engine is about to be told.
    pub(super) fn note_message(&mut self, message: &Message) -> Verdict {
        self.note_answer(message);
        let Message::Durable(begun, result) = message else {
            return Ok(());
        };
        if let Err(failure) = result
            && let Some(promised) = self.notes.durable.iter().find(|a| failure.refuses(**a))
        {
            return broken(
                Law::Journal,
                format!("{promised} was durable, and is refused"),
            );
        }
        if let Err(WriteFailure::Contradicted { contradictions, .. }) = result {
            return broken(Law::EndsOnce, format!("the journal: {contradictions:?}"));
        }
        let taken = |a: &&AttemptId| result.as_ref().err().is_none_or(|f| !f.refuses(**a));
        for attempt in begun.iter().filter(taken) {
            self.notes.durable.insert(*attempt);
            self.notes.decided.insert(*attempt, self.uptime);
        }
        Ok(())
    }
}
