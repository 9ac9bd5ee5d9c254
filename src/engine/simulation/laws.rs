//! What must hold, whatever happens: looked at after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Sim;
use crate::ari::{Event, EventKind};
use crate::campaign::{
    AttemptId, CallSummary, CallWord, Disposition, EndedBy, HangupCause, Notice, Op, OpError, Part,
    RunId, RunState, Time,
};
use crate::engine::{Message, Told};
use crate::journal::WriteFailure;
use crate::simulator::{Hold, Leg};

/// Nobody hears silence for longer, while the dialer runs and Asterisk answers requests.
const LONGEST_SILENCE: Duration = Duration::from_secs(45);
/// Nor is anybody whom the other one has left kept for longer, while all requests go well.
const LONGEST_ALONE: Duration = Duration::from_secs(12);

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
    pub(super) unanswered: BTreeSet<AttemptId>,
    /// An engine was told that their A was listed, or there to be hung up.
    pub(super) met: BTreeSet<AttemptId>,
    /// An engine was told that they were durable.
    pub(super) durable: BTreeSet<AttemptId>,
    /// An engine was told that an analytics service refused them.
    blocked: BTreeSet<AttemptId>,
    /// Whose answer reached an engine.
    pub(super) heard: BTreeSet<AttemptId>,
    /// Whose two legs were up in one bridge, and since when first.
    pub(super) bridged: BTreeMap<AttemptId, Time>,
    /// When Asterisk last said of their target, which was asked for, that it has not answered.
    pub(super) told_silent: BTreeMap<AttemptId, Time>,
    /// The legs whose place another channel has taken, and when.
    pub(super) replaced: BTreeMap<(AttemptId, Part), Duration>,
    /// Each MAX_CC and since when it held, the last one holding now.
    pub(super) max_cc: Vec<(Duration, usize)>,
    /// When an engine was told that they were durable, which is when it decides to dial them.
    pub(super) decided: BTreeMap<AttemptId, Duration>,
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
    pub(super) asked_to_go: BTreeSet<String>,
    /// Those of which the engine that lives was told that they left the application.
    pub(super) left_app: BTreeSet<String>,
    /// When that engine's process began.
    pub(super) process_since: Duration,
    /// Refusals in a row, and people in a row who answered and reached nobody, that the engine
    /// that lives has told of since dialing began.
    pub(super) in_vain: [u32; 2],
    /// Since when calls are up in the dialer whose A is gone, or is kept.
    pub(super) ghost_since: BTreeMap<(AttemptId, bool), Duration>,
    /// Since when calls are shown as recorded, and are not.
    pub(super) unrecorded_since: BTreeMap<AttemptId, Duration>,
}

impl Sim {
    /// The attempts that have a leg A; of those that have one, only the answered.
    pub(super) fn people(&self, answered: bool) -> BTreeSet<AttemptId> {
        self.callees(|leg| leg.hold != Hold::Kept && (leg.is_up || !answered))
    }

    /// The attempts that have a leg A like this.
    pub(super) fn callees(&self, like: impl Fn(&Leg<'_>) -> bool) -> BTreeSet<AttemptId> {
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
        if self.notes.held.contains(&(*attempt, *part)) || self.are_both_strangers(*attempt) {
            return Ok(());
        }
        broken(
            Law::Snapshot,
            format!("Asterisk does not keep {part} of {attempt}"),
        )
    }

    /// Both phones had transferred the call before this process began: two channels of
    /// Asterisk's own stand in the bridge, and nobody can tell which of them is leg A.
    fn are_both_strangers(&self, attempt: AttemptId) -> bool {
        let of_leg = |part| self.notes.replaced.get(&(attempt, part));
        let before = |part| of_leg(part).is_some_and(|at| *at < self.notes.process_since);
        before(Part::A) && before(Part::B)
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
    pub(super) fn well_since(&self, since: Duration) -> Duration {
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
