//! A run of a list: its state, what pauses it by itself, and the run that waits for its end.

use super::ids::RunId;
use super::io::Notice;
use super::out::Out;
use super::queue::Relisted;
use super::queue::numbers::Numbers;
use super::record::{Record, RunState};
use super::streak::Streaks;
use super::time::Time;

const SOON: &str = "a new run begins when the calls of the one before have ended";

/// A list as it was read last.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// What a run over it belongs to: its path, or the number itself.
    pub name: &'a str,
    /// Whether that is what the present run belongs to.
    pub of_this_run: bool,
    /// Who is on it.
    pub numbers: &'a Numbers,
}

/// What [`Campaign::start_again`](super::Campaign::start_again) did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Began {
    /// IDLE: it dials.
    Started,
    /// It was dialing.
    AlreadyRunning,
    /// It stays PAUSED, with the reason: only a person's start resumes it.
    StillPaused(String),
    /// It was draining, and dials again.
    Resumed,
    /// DONE: a new run calls everybody on the list.
    Restarted,
    /// DONE, and nobody new is on the list: nobody is dialed before its time has come.
    DoneAndUnchanged {
        /// When the run ended.
        since: Time,
        /// From when on a start calls everybody again, if ever.
        again_at: Option<Time>,
    },
}

/// What came of [`Campaign::start_again`](super::Campaign::start_again).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedAgain {
    /// What it did.
    pub began: Began,
    /// What the list has changed in the run, where the run went on.
    pub relisted: Relisted,
    /// The same for people.
    pub said: String,
}

/// The present run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    state: RunState,
    pub(super) since: Time,
    pub(super) streaks: Streaks,
    /// The run that begins when nothing is left of this one.
    next: Option<NextRun>,
}

/// A run that was asked for while calls of the one before are not settled yet.
///
/// A process that begins with a new run may find calls that a dead one left. They are settled as
/// at any start: conversations go on to their end and keep their recording, and who may still be
/// rung is not called a second time meanwhile.
#[derive(Debug)]
pub(super) struct NextRun {
    pub(super) list: String,
    pub(super) numbers: Numbers,
    /// Whether it dials by itself.
    pub(super) starts: bool,
}

impl Run {
    /// A run as the journal has it.
    pub(super) fn restored(id: RunId, state: RunState) -> Self {
        Self {
            id,
            state,
            since: Time::default(),
            streaks: Streaks::default(),
            next: None,
        }
    }

    /// The run after this one.
    pub(super) fn after(&self, now: Time, list: &str, out: &mut Out) -> Self {
        let id = RunId(self.id.0 + 1);
        out.journal(Record::RunOpened {
            run: id,
            list: list.to_owned(),
            at: now,
        });
        Self {
            since: now,
            ..Self::restored(id, RunState::Idle)
        }
    }

    pub(super) const fn state(&self) -> &RunState {
        &self.state
    }

    pub(super) fn set_state(&mut self, now: Time, state: RunState, out: &mut Out) {
        if self.state == state {
            return;
        }
        if state == RunState::Dialing {
            self.streaks.go_on();
        }
        self.state = state.clone();
        self.since = now;
        out.journal(Record::RunState {
            run: self.id,
            state: state.clone(),
            at: now,
        });
        out.tell(Notice::State { state });
    }

    /// Something shows that nobody must be dialed for now, and what to mend.
    pub(super) fn pause_by_rule(&mut self, now: Time, reason: &str, out: &mut Out) {
        if self.state == RunState::Dialing {
            self.set_state(now, RunState::Paused(reason.to_owned()), out);
        }
    }

    /// A new run is to begin when nothing is left of this one.
    pub(super) fn await_next(&mut self, list: &str, numbers: &Numbers) {
        self.next = Some(NextRun {
            list: list.to_owned(),
            numbers: numbers.clone(),
            starts: false,
        });
    }

    pub(super) const fn awaits_next(&self) -> bool {
        self.next.is_some()
    }

    pub(super) fn take_next(&mut self) -> Option<NextRun> {
        self.next.take()
    }

    /// Whoever wants this run dialed means the next one. Whether that is news.
    pub(super) fn start_next(&mut self) -> Option<(bool, String)> {
        let next = self.next.as_mut()?;
        let is_news = !std::mem::replace(&mut next.starts, true);
        Some((is_news, SOON.to_owned()))
    }

    /// The next run is to wait for a start. Whether it was not going to.
    pub(super) fn hold_next(&mut self) -> bool {
        let next = self.next.as_mut();
        next.is_some_and(|next| std::mem::take(&mut next.starts))
    }

    /// The list was read again. Whether the next run has it.
    pub(super) fn relist_next(&mut self, numbers: &Numbers) -> bool {
        let next = self.next.as_mut();
        next.map(|next| next.numbers = numbers.clone()).is_some()
    }

    /// What this run would lose to the next one is refused.
    pub(super) fn unless_next(&self) -> Result<(), String> {
        match self.next {
            Some(_) => Err(SOON.to_owned()),
            None => Ok(()),
        }
    }
}
