//! How an engine comes to its end: asked to stop, done, or of no use.

use std::sync::mpsc;
use std::time::Duration;

use super::pace::PicturePace;
use super::requests::SurveyLook;
use super::{Engine, Exit, News, Told};
use crate::campaign::{CallWord, Command, Record, RunState, Time};
use crate::journal::{Journal, WriteFailure, Writer};
use crate::mirror::Mirror;

/// How long calls that were told to end may take at a stop before the process ends anyway.
const LAST_CHANCE: Duration = Duration::from_secs(10);
/// How much longer an originate is waited for of which nobody knows whether it will ring: what
/// comes of it would ring for nobody.
const DOUBT: Duration = Duration::from_secs(10);
/// How long what is left in Asterisk may keep it, asked to go again and again.
const TIDY_AT_EXIT: Duration = Duration::from_secs(10);
/// How soon it is looked at again.
const TIDY_AGAIN: Duration = Duration::from_millis(250);
/// How long recordings may keep a process that is done. What is left waits in Asterisk.
const RECORDINGS_AT_EXIT: Duration = Duration::from_secs(20);
/// How long rows for MySQL may keep it. What is left waits in the journal.
const ROWS_AT_EXIT: Duration = Duration::from_secs(3);

pub(super) struct Stopping {
    /// Who asked for it first.
    pub(super) by: String,
    /// A signal has asked for it.
    signalled: bool,
    /// When the next step is taken, hanging up or ending all the same, unless a doubt delays it.
    pub(super) deadline: Time,
    /// When what is still up is hung up, or was.
    pub(super) hang_up_at: Time,
    pub(super) hung_up: bool,
    /// While hanging up it was not known of some originate whether it would ring.
    doubted: bool,
}

impl Stopping {
    /// Everything is being hung up from now on.
    fn hang_up(&mut self, now: Time) {
        if !self.hung_up {
            self.hang_up_at = now;
            self.deadline = now + LAST_CHANCE;
        }
        self.hung_up = true;
    }
}

/// Before a process ends it looks once more for anything of its own in Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FinalSurvey {
    NotYet,
    Asked {
        since: Time,
        /// How much was left when it came back last.
        left: Option<usize>,
    },
    Clean,
}

impl Engine {
    /// Drains, or hangs up at once, as is asked. Whoever asks to drain what drains already
    /// changes nothing; but a second signal hangs up, for it is what a supervisor or a person
    /// sends who won't wait.
    pub(super) fn stop(&mut self, at_once: bool, by_signal: bool, by: &str) {
        let now = self.clock.now();
        self.campaign.forget_next_run();
        let second_signal = by_signal && self.stopping.as_ref().is_some_and(|s| s.signalled);
        if at_once || second_signal {
            // Either command is always taken.
            let _ = self.command(&Command::StopNow, by);
        } else {
            let _ = self.command(&Command::Drain, by);
        }
        let drain = self.in_force.borrow().drain;
        let stopping = self.stopping.get_or_insert_with(|| Stopping {
            by: by.to_owned(),
            signalled: false,
            deadline: now + drain,
            hang_up_at: now + drain,
            hung_up: false,
            doubted: false,
        });
        stopping.signalled |= by_signal;
        if at_once || second_signal {
            stopping.hang_up(now);
        }
    }

    /// Whether it is time to end, and why.
    pub(super) fn is_over(&mut self, now: Time) -> Option<Exit> {
        if let Some(why) = self.held.take() {
            return Some(Exit::Held(why));
        }
        let doubts = self.link_state.ready && self.campaign.is_in_doubt();
        if let Some(stopping) = &mut self.stopping {
            stopping.doubted |= stopping.hung_up && doubts;
        }
        if let Some(stopping) = &self.stopping {
            let last = stopping.hung_up && self.stop_due().is_some_and(|due| due <= now);
            let left = self.campaign.live_calls();
            if last && left > 0 {
                let what = format!(
                    "calls that Asterisk was asked to end and may still have: {left}; the next \
                     start takes care of them"
                );
                self.tell(Told::Warning(what));
            }
            let quiet = self.campaign.is_quiet() && self.is_clean(now) && self.recordings_done(now);
            return (last || quiet).then_some(Exit::Finished);
        }
        if !self.exit_when_done {
            return None;
        }
        if *self.campaign.state() == RunState::Done && !self.campaign.awaits_a_run() {
            let over = self.campaign.is_quiet() && self.is_clean(now) && self.recordings_done(now);
            return over.then_some(Exit::Finished);
        }
        self.gives_up(now)
    }

    /// When the next step of a stop is taken.
    pub(super) fn stop_due(&self) -> Option<Time> {
        let stopping = self.stopping.as_ref()?;
        // Also once the doubt is over: what was staged for that call has to go as well.
        let patience = if stopping.doubted {
            DOUBT
        } else {
            Duration::ZERO
        };
        Some(stopping.deadline + patience)
    }

    /// Asterisk has nothing of ours any more, by its own word; or it can't be asked, or keeps
    /// what was to go.
    pub(super) fn is_clean(&mut self, now: Time) -> bool {
        if !self.link_state.connected {
            return true;
        }
        match self.final_survey {
            FinalSurvey::Clean => true,
            FinalSurvey::NotYet => {
                self.final_survey = FinalSurvey::Asked {
                    since: now,
                    left: None,
                };
                self.survey(SurveyLook::Again);
                false
            }
            FinalSurvey::Asked { since, left } if now >= since + TIDY_AT_EXIT => {
                self.final_survey = FinalSurvey::Clean;
                self.tell(Told::Warning(what_is_left(left)));
                true
            }
            FinalSurvey::Asked { .. } => false,
        }
    }

    /// A survey has come back, which may be the last one.
    pub(super) fn finally_surveyed(&mut self, count: usize) {
        let FinalSurvey::Asked { left, .. } = &mut self.final_survey else {
            return;
        };
        *left = Some(count);
        if count == 0 {
            self.final_survey = FinalSurvey::Clean;
        } else {
            self.survey_due = Some(self.clock.now() + TIDY_AGAIN);
        }
    }

    pub(super) fn recordings_done(&mut self, now: Time) -> bool {
        let since = *self.quiet_since.get_or_insert(now);
        let none_left = self.jobs.is_empty() && self.fetching == 0;
        none_left || now >= since + RECORDINGS_AT_EXIT
    }

    /// A call is up, as far as is known. What was to be hung up for so long, and asked for again
    /// and again, is not there any more: nobody answers.
    fn anything_is_up(&self, now: Time) -> bool {
        let mut calls = self.campaign.calls();
        calls.any(|call| call.word != CallWord::Ending || now < call.since + LAST_CHANCE)
    }

    pub(super) fn gives_up(&mut self, now: Time) -> Option<Exit> {
        let is_ready = self.link_state.ready;
        let (since, why) = match self.campaign.state() {
            RunState::Paused(reason) if !self.campaign.awaits_a_run() => {
                (self.paused_by_rule_since?, reason.clone())
            }
            _ if !is_ready => (self.link_state.down_since, self.link_state.why.clone()),
            _ => return None,
        };
        let waits = is_ready && !self.campaign.is_quiet() || !is_ready && self.anything_is_up(now);
        if waits {
            return None;
        }
        (now >= since + self.in_force.borrow().give_up).then_some(Exit::GaveUp(why))
    }

    pub(super) async fn shut_down(mut self, exit: Exit) -> Exit {
        self.pace = PicturePace::default();
        let now = self.clock.now();
        self.publish(now);
        Self::until_questions_are_asked(&self.target_questions).await;
        self.link.close().await;
        drop(self.fetcher);
        let records = std::mem::take(&mut self.unwritten);
        let journal = self.journal;
        let writer = self.writer;
        let mirror = self.mirror;
        let (clock, news) = (self.clock, self.news);
        let rows = move |writer: &Writer| {
            if let Some(what) = mirror.and_then(|mirror| last_rows(mirror, writer)) {
                // Where nobody takes the news, nobody wants to know.
                let at = clock.now();
                let _ = news.try_send(News { at, what });
            }
        };
        let closing = move || close(&writer, journal, records, rows);
        let closed = tokio::task::spawn_blocking(closing).await;
        match closed {
            Ok(Ok(())) => exit,
            Ok(Err(why)) => Exit::Broken(why),
            Err(panic) => Exit::Broken(panic.to_string()),
        }
    }
}

fn what_is_left(count: Option<usize>) -> String {
    match count {
        Some(1) => "a channel or bridge of this dialer stays in Asterisk, which was asked to end \
                    it; a restart of Asterisk takes it away"
            .to_owned(),
        Some(count) => format!(
            "{count} channels and bridges of this dialer stay in Asterisk, which was asked to end \
             them; a restart of Asterisk takes them away"
        ),
        None => "Asterisk did not tell whether anything of this dialer is left in it".to_owned(),
    }
}

/// Gives MySQL the last rows, and says so if some are left.
fn last_rows(mirror: Mirror, writer: &Writer) -> Option<Told> {
    // They are in the journal's queue, and to be found in its file only behind that. A full
    // disk is not waited for.
    let (answer, answered) = mpsc::sync_channel(1);
    let written = move |_| {
        // It may have been waited for long enough.
        let _ = answer.send(());
    };
    if writer.try_append(Vec::new(), written).is_ok() {
        let _ = answered.recv_timeout(ROWS_AT_EXIT);
    }
    let left = mirror.finish(ROWS_AT_EXIT).waiting;
    (left > 0).then(|| {
        Told::Warning(format!(
            "{left} calls wait in the journal for MySQL; the next start writes them"
        ))
    })
}

/// Writes the last records, gives MySQL its `rows`, and lets the journal go. On a full disk the records are not waited
/// for, which could be for ever: what is left then is said.
fn close(
    writer: &Writer,
    journal: Journal,
    records: Vec<Record>,
    rows: impl FnOnce(&Writer),
) -> Result<(), String> {
    let (answer, answered) = mpsc::sync_channel(1);
    let done = move |result: Result<(), WriteFailure>| drop(answer.send(result));
    if !records.is_empty() {
        let appended = writer.try_append(records, done);
        appended.map_err(|rejected| rejected.why.to_string())?;
    }
    rows(writer);
    journal.close().map_err(|e| e.to_string())?;
    match answered.try_recv() {
        Ok(Err(failure)) => Err(failure.to_string()),
        Ok(Ok(())) | Err(_) => Ok(()),
    }
}
