//! One engine from its start to its end, headless: its lines on standard output, signals
//! turned into requests, a summary at the end.

use std::io::{self, Write};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::dial::load_settings;
use super::exit::Failure;
use crate::campaign::{self, Numbers};
use crate::config::Settings;
use crate::control::{Command, Control, ReadList, Who};
use crate::engine::{self, Exit, Handle, News, Options};
use crate::headless::{self, Context};

/// What a session needs.
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) options: Options,
    /// Whether SIGHUP rereads `.env`; a demo has none.
    pub(super) reload_env: bool,
    /// How a new run gets the list as it then stands.
    pub(super) read_list: ReadList,
}

/// Runs an engine until it ends.
pub(super) fn run_session(session: Session, numbers: Numbers) -> Result<(), Failure> {
    runtime()?.block_on(drive(session, numbers))
}

pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|e| Failure::Unexpected(format!("the runtime cannot be started: {e}")))
}

pub(super) async fn drive(session: Session, numbers: Numbers) -> Result<(), Failure> {
    let Session {
        settings,
        options,
        reload_env,
        read_list,
    } = session;
    let (engine, handle) = engine::start(&settings, &numbers, options)?;
    // The engine has its own; a list of a million numbers is not kept twice.
    drop(numbers);
    let Handle {
        requests,
        snapshots,
        news,
        journal,
    } = handle;
    let signals = Signals::listen()?;
    let control = Control::new(requests, read_list);
    let watcher = tokio::spawn(signals.forward(control, reload_env));
    let printer = std::thread::spawn(move || print_news(news, journal, &settings));
    let exit = tokio::spawn(engine.run())
        .await
        .unwrap_or_else(|panic| Exit::Broken(panic.to_string()));
    watcher.abort();
    // The engine is gone, so the printer comes to its end; a panic there is not ours to hide.
    let ended = tokio::task::spawn_blocking(move || printer.join()).await;
    print(&headless::summary(&snapshots.borrow()));
    if !matches!(ended, Ok(Ok(()))) {
        return Err(Failure::Unexpected("the printer of events died".to_owned()));
    }
    match exit {
        Exit::Finished => Ok(()),
        Exit::Held(why) => Err(Failure::Held(why)),
        Exit::GaveUp(why) => Err(Failure::GaveUp(format!("gave up: {why}"))),
        Exit::Broken(why) => Err(Failure::Unexpected(why)),
    }
}

/// A thread of its own: a pipe that nobody reads must not hold up a call.
fn print_news(mut news: mpsc::Receiver<News>, journal: uuid::Uuid, settings: &Settings) {
    let target = settings.target.endpoint.as_str();
    let context = Context {
        journal,
        target: target.strip_prefix("Local/").unwrap_or(target),
        recordings_dir: &settings.recordings.dir,
        recording_format: &settings.recordings.format,
    };
    while let Some(news) = news.blocking_recv() {
        print(&headless::lines(&news, &context));
    }
}

fn print(text: &str) {
    // A closed pipe ends the output, not the calls.
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|e| Failure::Unexpected(format!("signals cannot be listened to: {e}")))
        };
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            int: listen(SignalKind::interrupt())?,
            hup: listen(SignalKind::hangup())?,
        })
    }

    /// The first SIGTERM or SIGINT drains, the second hangs up; the engine counts them.
    async fn forward(mut self, control: Control, reload_env: bool) {
        loop {
            let name = tokio::select! {
                Some(()) = self.term.recv() => "SIGTERM",
                Some(()) = self.int.recv() => "SIGINT",
                Some(()) = self.hup.recv() => {
                    if reload_env {
                        reload(&control).await;
                    }
                    continue;
                }
                else => return,
            };
            // The engine tells the outcome in its own lines; one that has ended needs no stop.
            let _ = control.give(Command::Quit, &Who::Signal(name)).await;
        }
    }
}

/// SIGHUP: rereads `.env`. What is wrong with it goes to standard error and changes nothing.
/// MAX_CC takes effect now; everything else does at the next start.
async fn reload(control: &Control) {
    let max_cc = match load_settings() {
        Ok(settings) => settings.max_cc,
        Err(failure) => {
            let _ = super::exit::code(Err(failure));
            return;
        }
    };
    let command = Command::Campaign(campaign::Command::SetMaxCc(max_cc));
    let _ = control.give(command, &Who::Signal("SIGHUP")).await;
}
