//! A run that was asked for while calls of the one before are not settled yet.
//!
//! A process that begins with a new run may find calls that a dead one left. They are settled as
//! at any start: conversations go on to their end and keep their recording, and who may still be
//! rung is not called a second time meanwhile. The new run begins when nothing of them is left.

use super::io::{Effect, Notice};
use super::{Campaign, Numbers, RunState, Time};

const SOON: &str = "a new run begins when the calls of the one before have ended";

#[derive(Debug)]
pub(super) struct NextRun {
    list: String,
    numbers: Numbers,
    /// Whether it dials by itself.
    starts: bool,
}

impl Campaign {
    /// Begins a run over `numbers` as soon as [`Self::is_quiet`].
    pub fn open_run_when_quiet(&mut self, list: &str, numbers: &Numbers) {
        self.next_run = Some(NextRun {
            list: list.to_owned(),
            numbers: numbers.clone(),
            starts: false,
        });
    }

    /// Whether a new run is to begin when nothing is left of this one.
    #[must_use]
    pub const fn awaits_a_run(&self) -> bool {
        self.next_run.is_some()
    }

    /// The ids in what is still to be carried out are made of the present run, so it ends when
    /// nothing of that is left either.
    pub(super) fn begin_next_run(&mut self, now: Time) {
        if !self.is_quiet() || !self.effects.is_empty() {
            return;
        }
        if let Some(next) = self.next_run.take() {
            self.open_run(now, &next.list, &next.numbers);
            if next.starts {
                self.set_state(now, RunState::Dialing);
            } else {
                let state = RunState::Idle;
                self.effects
                    .push_back(Effect::Tell(Notice::State { state }));
            }
        }
    }

    /// Whoever wants this run dialed means the next one. Whether that is news.
    pub(super) fn start_next(&mut self) -> Option<(bool, String)> {
        let next = self.next_run.as_mut()?;
        let is_news = !std::mem::replace(&mut next.starts, true);
        Some((is_news, SOON.to_owned()))
    }

    /// The process is to end: it begins no other run.
    pub fn forget_next_run(&mut self) {
        self.next_run = None;
    }

    /// The next run is to wait for a start. Whether it was not going to.
    pub(super) fn hold_next(&mut self) -> bool {
        let next = self.next_run.as_mut();
        next.is_some_and(|next| std::mem::take(&mut next.starts))
    }

    /// The list was read again.
    pub(super) fn relist_next(&mut self, numbers: &Numbers) -> bool {
        let next = self.next_run.as_mut();
        next.map(|next| next.numbers = numbers.clone()).is_some()
    }

    /// What this run would lose to the next one is refused.
    pub(super) fn unless_a_run_awaits(&self) -> Result<(), String> {
        match self.next_run {
            Some(_) => Err(SOON.to_owned()),
            None => Ok(()),
        }
    }
}
