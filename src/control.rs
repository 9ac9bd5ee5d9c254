//! What people and programs may ask of a running engine, who asked, and how it is asked.
//!
//! Keyboard, HTTP and signals all speak through [`Control`]; there is no other way in.

mod who;

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::campaign::{self, Added, LeadId, Number, Numbers, Outcome, Time};
use crate::config::Settings;
use crate::engine::{Detail, Reading, Request};

pub use crate::campaign::Began;
pub use crate::engine::{Reloaded, Started};
pub use who::Who;

/// What may be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Something for the campaign.
    Campaign(campaign::Command),
    /// At DONE: a new run over the list as it stands, which calls everybody on it again.
    NewRun,
    /// End the process: drain first.
    Quit,
    /// End the process: hang up everything now.
    QuitNow,
}

/// What a console gives its commands to: the engine in this process, or one that it is
/// attached to.
pub trait Desk: fmt::Debug + Send + Sync {
    /// Gives a command and waits for what comes of it: a sentence either way.
    /// `given` is when its key was pressed.
    fn give(&self, command: Command, given: Instant) -> BoxFuture<'_, Outcome>;

    /// All there is to know of a lead.
    fn detail(&self, lead: LeadId) -> BoxFuture<'_, Option<Box<Detail>>>;
}

/// The engine in this process, and who sits at its console.
#[derive(Debug, Clone)]
pub struct Here {
    /// The way in.
    pub control: Control,
    /// Who gives the commands.
    pub who: Who,
}

impl Desk for Here {
    fn give(&self, command: Command, _: Instant) -> BoxFuture<'_, Outcome> {
        self.control.give(command, &self.who).boxed()
    }

    fn detail(&self, lead: LeadId) -> BoxFuture<'_, Option<Box<Detail>>> {
        self.control.detail(lead).boxed()
    }
}

/// An engine in another process that is not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// Since when.
    pub since: Time,
    /// A sentence.
    pub why: String,
}

/// Gives settings and list as they stand now, or every problem in one text. Blocks.
pub type Reread = Arc<dyn Fn() -> Result<(Settings, Numbers), String> + Send + Sync>;

/// What stands for an outcome when there is nobody left to ask.
const GONE: &str = "the engine has ended";

/// What comes of a pause where nothing dials, but something was about to.
const STOPPED_A_START: &str = "the start whose list is being read is not done";

/// The way in to a running engine. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    requests: mpsc::Sender<Request>,
    reread: Reread,
    /// One reading at a time, to its end in the engine: many starts at once hold one list
    /// and not many, and what was read later is never replaced by what was read before.
    reading: Arc<Mutex<()>>,
    /// A std mutex: held to count, or to look and put a request into the engine's queue, so that
    /// what begins a run is in it before a command that holds dialing back, or tells of it.
    holds: Arc<std::sync::Mutex<Holds>>,
}

/// Who comes first, a start whose list is being read or somebody who holds dialing back.
#[derive(Debug, Default)]
struct Holds {
    /// How many commands have been given that hold dialing back.
    given: u64,
    /// How many starts are on their way to the engine.
    starts: u32,
}

/// A start on its way to the engine.
struct StartOrder<'a> {
    holds: &'a std::sync::Mutex<Holds>,
    /// What had been given when it was asked for.
    given: u64,
}

impl<'a> StartOrder<'a> {
    fn of(holds: &'a std::sync::Mutex<Holds>) -> Self {
        let mut now = lock(holds);
        now.starts += 1;
        Self {
            holds,
            given: now.given,
        }
    }

    /// Sends it, with whether somebody has held dialing back meanwhile.
    fn end(self, send: impl FnOnce(bool)) {
        let holds = lock(self.holds);
        send(holds.given != self.given);
    }
}

impl Drop for StartOrder<'_> {
    /// Also of one that is given up: its client has gone.
    fn drop(&mut self) {
        lock(self.holds).starts -= 1;
    }
}

fn lock(holds: &std::sync::Mutex<Holds>) -> std::sync::MutexGuard<'_, Holds> {
    holds.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control {
    /// To the engine at the other end of `requests`.
    #[must_use]
    pub fn new(requests: mpsc::Sender<Request>, reread: Reread) -> Self {
        Self {
            requests,
            reread,
            reading: Arc::default(),
            holds: Arc::default(),
        }
    }

    /// Gives a command and waits for what comes of it: a sentence either way.
    pub async fn give(&self, command: Command, who: &Who) -> Outcome {
        let by = who.to_string();
        match command {
            Command::Campaign(command) => {
                let stops_a_start = self.note(&command);
                let request = |reply| Request::Command { command, by, reply };
                let outcome = self.ask(request).await;
                match outcome {
                    Err(_) if stops_a_start => Ok(STOPPED_A_START.to_owned()),
                    outcome => outcome,
                }
            }
            Command::NewRun => {
                let request = |reading, held, reply| Request::NewRun {
                    reading,
                    held,
                    by,
                    reply,
                };
                self.read_and_dial(request).await
            }
            Command::Quit => self.stop(false, who).await,
            Command::QuitNow => self.stop(true, who).await,
        }
    }

    /// Rereads `.env` and the list: takes over what may change in a running engine. What is
    /// wrong with them changes nothing, and is told.
    pub async fn reload(&self, who: &Who) -> Result<Reloaded, String> {
        let by = who.to_string();
        let request = |reading, reply| Request::Reload { reading, by, reply };
        self.read_and_ask(request).await
    }

    /// `GET /start`: rereads, then starts, goes on, or begins a new run, as the run's state
    /// has it. Of any number of them at once, one begins a run.
    pub async fn start_again(&self, who: &Who) -> Result<Started, String> {
        let by = who.to_string();
        let request = |reading, held, reply| Request::StartAgain {
            reading,
            held,
            by,
            reply,
        };
        self.read_and_dial(request).await
    }

    /// Adds numbers to the run. Answered when they are on the disk.
    pub async fn add(&self, numbers: Vec<Number>, who: &Who) -> Result<Added, String> {
        let by = who.to_string();
        self.ask(|reply| Request::Add { numbers, by, reply }).await
    }

    async fn read_and_ask<T>(
        &self,
        request: impl FnOnce(Box<Reading>, oneshot::Sender<Result<T, String>>) -> Request,
    ) -> Result<T, String> {
        let _alone = self.reading.lock().await;
        let reading = Box::new(self.read().await);
        self.ask(|reply| request(reading, reply)).await
    }

    /// As [`Self::read_and_ask`], for what dials. Nobody waits for a list that is being read to
    /// hold dialing back: the engine is told that somebody did.
    async fn read_and_dial<T>(
        &self,
        request: impl FnOnce(Box<Reading>, bool, oneshot::Sender<Result<T, String>>) -> Request,
    ) -> Result<T, String> {
        let start = StartOrder::of(&self.holds);
        let _alone = self.reading.lock().await;
        let reading = Box::new(self.read().await);
        let (reply, outcome) = oneshot::channel();
        let Ok(room) = self.requests.reserve().await else {
            return Err(GONE.to_owned());
        };
        start.end(|held| room.send(request(reading, held, reply)));
        outcome.await.unwrap_or_else(|_| Err(GONE.to_owned()))
    }

    /// Counts a command that holds dialing back, before the engine gets it. Whether it stops a
    /// start that is on its way.
    fn note(&self, command: &campaign::Command) -> bool {
        use campaign::Command::{Drain, HangUpAll, Pause, StopNow};
        if !matches!(command, Pause | Drain | StopNow | HangUpAll) {
            return false;
        }
        let mut holds = lock(&self.holds);
        holds.given += 1;
        holds.starts > 0
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Request,
    ) -> Result<T, String> {
        let (reply, outcome) = oneshot::channel();
        if self.requests.send(request(reply)).await.is_err() {
            return Err(GONE.to_owned());
        }
        outcome.await.unwrap_or_else(|_| Err(GONE.to_owned()))
    }

    async fn stop(&self, now: bool, who: &Who) -> Outcome {
        let by_signal = matches!(who, Who::Signal(_));
        let said = match (now, by_signal) {
            (true, _) => "hanging up everything, then the process ends",
            (false, true) => "the process ends when the calls have; a second signal hangs up",
            (false, false) => "the process ends when the calls have",
        };
        let by = who.to_string();
        let stop = Request::Stop { now, by_signal, by };
        let sent = self.requests.send(stop).await;
        sent.map(|()| said.to_owned()).map_err(|_| GONE.to_owned())
    }

    /// A long list takes a while, and a file may lie on a disk that hangs.
    async fn read(&self) -> Reading {
        let reread = Arc::clone(&self.reread);
        tokio::task::spawn_blocking(move || reread())
            .await
            .unwrap_or_else(|_| Err("settings and list could not be read".to_owned()))
    }

    /// All there is to know of a lead.
    pub async fn detail(&self, lead: LeadId) -> Option<Box<Detail>> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Request::Detail { lead, reply })
            .await
            .ok()?;
        answer.await.ok()?
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings to read again, with a list of one number.
    fn list(text: &'static str) -> Reread {
        Arc::new(move || {
            let number = Number::parse(text).map_err(|e| e.to_string())?;
            let mut numbers = Numbers::default();
            numbers.push(&number);
            Ok((settings(), numbers))
        })
    }

    fn settings() -> Settings {
        let values = [
            ("ARI_URL", "http://127.0.0.1:8088"),
            ("ARI_USERNAME", "u"),
            ("ARI_PASSWORD", "p"),
            ("ARI_TRUNK", "t"),
            ("OUTBOUND_NUMBER", "12"),
        ];
        let environment = values.map(|(name, value)| (name.into(), value.into()));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let loaded = crate::config::load(folder.path(), environment.into_iter());
        loaded.expect("the settings are good").settings
    }

    fn control(reread: Reread) -> (Control, mpsc::Receiver<Request>) {
        let (requests, engine) = mpsc::channel(1);
        (Control::new(requests, reread), engine)
    }

    const WHO: Who = Who::Signal("SIGHUP");

    #[tokio::test]
    async fn a_command_comes_to_the_engine_with_who_gave_it_and_its_outcome_back() {
        let (control, mut engine) = control(list("12"));
        let asked = async {
            match engine.recv().await {
                Some(Request::Command { command, by, reply }) => {
                    reply.send(Ok("yes".to_owned())).expect("it waits");
                    (command, by)
                }
                other => panic!("no command: {other:?}"),
            }
        };
        let pause = Command::Campaign(campaign::Command::Pause);
        let (outcome, (command, by)) = tokio::join!(control.give(pause, &WHO), asked);
        assert_eq!(outcome, Ok("yes".to_owned()));
        assert_eq!((command, by.as_str()), (campaign::Command::Pause, "SIGHUP"));
    }

    #[tokio::test]
    async fn what_needs_the_list_brings_it_as_it_stands_or_what_is_wrong_with_it() {
        for (text, read) in [("12", Ok(1)), ("x", Err(true))] {
            let (control, mut engine) = control(list(text));
            let asked = async {
                match engine.recv().await {
                    Some(Request::NewRun { reading, reply, .. }) => {
                        reply.send(Err("it dials".to_owned())).expect("it waits");
                        let numbers = reading.map(|(_, numbers)| numbers.len());
                        numbers.map_err(|why| why.contains("not allowed"))
                    }
                    other => panic!("no new run: {other:?}"),
                }
            };
            let (outcome, numbers) = tokio::join!(control.give(Command::NewRun, &WHO), asked);
            assert_eq!((outcome, numbers), (Err("it dials".to_owned()), read));
        }
    }

    #[tokio::test]
    async fn what_was_read_first_reaches_the_engine_first_and_one_list_is_read_at_a_time() {
        let (read, reading) = std::sync::mpsc::channel();
        let reread: Reread = Arc::new(move || {
            read.send(()).expect("the test waits");
            Err("no list".to_owned())
        });
        let (control, mut engine) = control(reread);
        let first = async {
            let reloaded = control.reload(&WHO);
            let started = control.start_again(&WHO);
            let (reloaded, started) = tokio::join!(reloaded, started);
            assert_eq!(reloaded, Err("first".to_owned()));
            assert_eq!(started, Err("second".to_owned()));
        };
        let answers = async {
            let Some(Request::Reload { reply, .. }) = engine.recv().await else {
                panic!("no reload")
            };
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            assert_eq!(reading.try_iter().count(), 1, "the other one waits");
            reply.send(Err("first".to_owned())).expect("it waits");
            let Some(Request::StartAgain { reply, .. }) = engine.recv().await else {
                panic!("no start")
            };
            reply.send(Err("second".to_owned())).expect("it waits");
        };
        tokio::join!(first, answers);
    }

    #[tokio::test]
    async fn quitting_is_asked_for_once_or_at_once_and_a_signal_is_told_from_a_person() {
        let (control, mut engine) = control(list("12"));
        for (command, at_once) in [(Command::Quit, false), (Command::QuitNow, true)] {
            for (who, signal) in [(WHO, true), (Who::Terminal, false)] {
                control
                    .give(command.clone(), &who)
                    .await
                    .expect("it is taken");
                match engine.recv().await {
                    Some(Request::Stop { now, by_signal, by }) => {
                        assert_eq!((now, by_signal, by), (at_once, signal, who.to_string()));
                    }
                    other => panic!("no stop: {other:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn an_engine_that_is_gone_says_so() {
        let commands = [
            Command::Campaign(campaign::Command::Start),
            Command::NewRun,
            Command::Quit,
            Command::QuitNow,
        ];
        for command in commands {
            let (control, engine) = control(list("12"));
            drop(engine);
            assert_eq!(control.give(command, &WHO).await, Err(GONE.to_owned()));
        }
        let (control, mut engine) = control(list("12"));
        let ends = async { drop(engine.recv().await) };
        let start = Command::Campaign(campaign::Command::Start);
        let (outcome, ()) = tokio::join!(control.give(start, &WHO), ends);
        assert_eq!(outcome, Err(GONE.to_owned()));
    }
}
