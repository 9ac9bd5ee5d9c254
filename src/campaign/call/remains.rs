//! What is left of a call whose A is gone: it holds no slot, only things to take down and a
//! recording to wait for.

use super::attempt::Attempt;
use super::facts::{Facts, RecordingPhase};
use super::steps::INSIST_EVERY;
use super::{recording, steps};
use crate::campaign::ids::Part;
use crate::campaign::io::{LegEvent, Op, OpError};
use crate::campaign::out::Turn;
use crate::campaign::timers::Timer;

/// What is left of a call.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) attempt: Attempt,
    pub(crate) facts: Facts,
}

impl Remains {
    /// From now on. The timers of the call are no more.
    pub(crate) fn new(attempt: Attempt, facts: Facts, turn: &mut Turn<'_>) -> Self {
        turn.out.timers.forget(attempt.id);
        turn.set(INSIST_EVERY, attempt.id, Timer::Insist);
        let mut remains = Self { attempt, facts };
        remains.clear(turn);
        remains
    }

    /// Nothing is left, and nothing is waited for.
    pub(crate) fn is_over(&self) -> bool {
        let recording = matches!(
            self.facts.recording,
            RecordingPhase::Asked | RecordingPhase::Running
        );
        self.facts.all_gone() && !recording
    }

    /// A channel did something.
    pub(crate) fn leg_event(
        &mut self,
        part: Part,
        event: LegEvent,
        stamp_ms: Option<i64>,
        turn: &mut Turn<'_>,
    ) {
        self.facts.note_event(turn.now, part, event, stamp_ms);
        self.clear(turn);
    }

    /// Asterisk answered a request.
    pub(crate) fn answered(&mut self, op: Op, result: Result<(), OpError>, turn: &mut Turn<'_>) {
        let result = self.facts.note_answer(turn.now, op, result);
        recording::answered(&self.attempt, &mut self.facts, None, (op, result), turn);
        self.clear(turn);
    }

    /// Another channel has taken the place of a leg.
    pub(crate) fn transferred(&mut self, part: Part, turn: &mut Turn<'_>) {
        self.facts.replace(turn.now, part);
        self.clear(turn);
    }

    /// The recording came to its end in Asterisk.
    pub(crate) fn recording_ended(&mut self, ok: bool, turn: &mut Turn<'_>) {
        if self.facts.recording.is_awaited() {
            recording::ended(&self.attempt, &mut self.facts, None, ok, turn.out);
            self.clear(turn);
        }
    }

    /// What was asked to go should be gone by now. Once it is, and nothing was heard of the
    /// recording, what there is of it can be fetched.
    pub(crate) fn insist(&mut self, turn: &mut Turn<'_>) {
        let mut ops = Vec::new();
        steps::insist(&self.facts, &mut ops);
        steps::find_again(&self.facts, &mut ops);
        turn.set(INSIST_EVERY, self.attempt.id, Timer::Insist);
        if self.facts.all_gone() && self.facts.recording == RecordingPhase::Running {
            self.recording_ended(true, turn);
        }
        self.attempt.ask_all(ops, turn.out);
    }

    /// Asterisk does not end a channel of it: it is given up.
    pub(crate) fn give_up(&mut self, part: Part, turn: &mut Turn<'_>) {
        if let Some(channel) = self.facts.channel_mut(part) {
            channel.gone();
        }
        self.clear(turn);
    }

    /// Asks for what is left to go.
    fn clear(&mut self, turn: &mut Turn<'_>) {
        let mut ops = Vec::new();
        steps::take_down(&mut self.facts, &mut ops);
        self.attempt.ask_all(ops, turn.out);
    }
}
