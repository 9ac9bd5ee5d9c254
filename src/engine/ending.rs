//! How an engine comes to its end: asked to stop, done, or of no use.

use std::sync::mpsc;
use std::time::Duration;

use super::pace::Pace;
use super::{Engine, Exit};
use crate::campaign::{Command, Record, RunState, Time};
use crate::journal::{Journal, WriteFailure, Writer};

/// How long calls that were told to end may take at a stop before the process ends anyway.
const LAST_CHANCE: Duration = Duration::from_secs(10);
/// How long recordings may keep a process that is done. What is left waits in Asterisk.
const RECORDINGS_AT_EXIT: Duration = Duration::from_secs(20);

pub(super) struct Stopping {
    /// Who asked for it first.
    pub(super) by: String,
    pub(super) deadline: Time,
    /// When what is still up is hung up, or was.
    pub(super) hang_up_at: Time,
    pub(super) hung_up: bool,
}

/// Before a process ends it looks once more for anything of its own in Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FinalSurvey {
    NotYet,
    Asked,
    Clean,
}

impl Engine {
    /// The first request drains, the second hangs up.
    pub(super) fn stop(&mut self, at_once: bool, by: &str) {
        let now = self.clock.now();
        let first = self.stopping.is_none();
        let deadline = now
            + if first && !at_once {
                self.in_force.borrow().latest().drain
            } else {
                LAST_CHANCE
            };
        let hang_up = at_once || !first;
        let command = if hang_up {
            Command::StopNow
        } else {
            Command::Drain
        };
        // Either is always taken.
        let _ = self.command(&command, by);
        let before = self.stopping.take();
        let hang_up_at = match &before {
            Some(stopping) if stopping.hung_up => stopping.hang_up_at,
            _ if hang_up => now,
            _ => deadline,
        };
        self.stopping = Some(Stopping {
            by: before.map_or_else(|| by.to_owned(), |stopping| stopping.by),
            deadline,
            hang_up_at,
            hung_up: hang_up,
        });
    }

    /// Whether it is time to end, and why.
    pub(super) fn is_over(&mut self, now: Time) -> Option<Exit> {
        if let Some(why) = self.held.take() {
            return Some(Exit::Held(why));
        }
        if let Some(stopping) = &self.stopping {
            let last = stopping.hung_up && stopping.deadline <= now;
            let quiet = self.campaign.is_quiet() && self.is_clean() && self.recordings_done(now);
            return (last || quiet).then_some(Exit::Finished);
        }
        if !self.exit_when_done {
            return None;
        }
        if *self.campaign.state() == RunState::Done {
            let over = self.campaign.is_quiet() && self.is_clean() && self.recordings_done(now);
            return over.then_some(Exit::Finished);
        }
        self.gives_up(now)
    }

    /// Asterisk has nothing of ours any more, by its own word; or it can't be asked.
    pub(super) fn is_clean(&mut self) -> bool {
        if !self.link_state.connected || self.final_survey == FinalSurvey::Clean {
            return true;
        }
        if self.final_survey == FinalSurvey::NotYet {
            self.final_survey = FinalSurvey::Asked;
            self.survey(false);
        }
        false
    }

    pub(super) fn recordings_done(&mut self, now: Time) -> bool {
        let since = *self.quiet_since.get_or_insert(now);
        let none_left = self.jobs.is_empty() && self.fetching == 0;
        none_left || now >= since + RECORDINGS_AT_EXIT
    }

    pub(super) fn gives_up(&mut self, now: Time) -> Option<Exit> {
        if self.campaign.live_calls() > 0 {
            return None;
        }
        let (since, why) = match self.campaign.state() {
            RunState::Paused(reason) => (self.paused_by_rule_since?, reason.clone()),
            _ if !self.link_state.ready => {
                (self.link_state.down_since, self.link_state.why.clone())
            }
            _ => return None,
        };
        (now >= since + self.in_force.borrow().latest().give_up).then_some(Exit::GaveUp(why))
    }

    pub(super) async fn shut_down(mut self, exit: Exit) -> Exit {
        self.pace = Pace::default();
        let now = self.clock.now();
        self.publish(now);
        self.link.close().await;
        drop(self.fetcher);
        let records = std::mem::take(&mut self.unwritten);
        let journal = self.journal;
        let writer = self.writer;
        let closed = tokio::task::spawn_blocking(move || close(&writer, journal, records)).await;
        match closed {
            Ok(Ok(())) => exit,
            Ok(Err(why)) => Exit::Broken(why),
            Err(panic) => Exit::Broken(panic.to_string()),
        }
    }
}

/// Writes the last records and lets the journal go. On a full disk the records are not waited
/// for, which could be for ever: what is left then is said.
fn close(writer: &Writer, journal: Journal, records: Vec<Record>) -> Result<(), String> {
    let (answer, answered) = mpsc::sync_channel(1);
    let done = move |result: Result<(), WriteFailure>| drop(answer.send(result));
    if !records.is_empty() {
        let appended = writer.try_append(records, done);
        appended.map_err(|rejected| rejected.why.to_string())?;
    }
    journal.close().map_err(|e| e.to_string())?;
    match answered.try_recv() {
        Ok(Err(failure)) => Err(failure.to_string()),
        Ok(Ok(())) | Err(_) => Ok(()),
    }
}
