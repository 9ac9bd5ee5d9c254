//! One engine from its start to its end, with a console or without: its log, signals turned
//! into commands, a summary at the end.

pub(super) mod attached;
mod log;
pub(super) mod panics;
mod rotation;
mod shown;
mod signals;
mod supervisor;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, watch};

use super::exit::Failure;
use crate::campaign::{self, CallSettings, Notice, Numbers, RunState};
use crate::config::{OnHangup, Settings};
use crate::console::{self, Left};
use crate::control::{Command, Control, Here, Reread, Who};
use crate::engine::{self, Clock, Exit, Handle, News, Options, Snapshot, Told};
use crate::feed::Feed;
use crate::headless::{self, Context};
use crate::http;
pub(super) use log::{init as init_log, init_pane};
use shown::ConsoleThread;
use signals::Caught;
pub(super) use signals::Signals;

/// What a session needs.
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) options: Options,
    /// The console, where there is to be one.
    pub(super) console: Option<ConsoleArgs>,
    /// Whether the control API is served.
    pub(super) serve: bool,
    /// Whether SIGHUP rereads `.env`; a demo has none.
    pub(super) reload_env: bool,
    /// How settings and list are read as they then stand.
    pub(super) reread: Reread,
    /// Where to fail on purpose, to show what then happens.
    pub(super) fail_in: Option<FailIn>,
}

/// How the console is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConsoleArgs {
    pub(super) read_only: bool,
    pub(super) fps: u32,
}

/// Where to fail on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FailIn {
    /// In the thread that draws.
    Console,
    /// In a task beside the engine.
    Task,
}

/// SIGHUP comes twice when a terminal goes: from the kernel, and from the shell.
const HANGUP_ECHO: Duration = Duration::from_secs(2);

/// How long the end of the process may wait for a terminal, a pipe or a disk that takes
/// nothing. No call depends on it by then.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Runs an engine until it ends.
pub(super) fn run_session(session: Session, numbers: Numbers) -> Result<(), Failure> {
    let runtime = runtime()?;
    let result = runtime.block_on(drive(session, numbers));
    // A disk that hangs may hold a thread that reads a list; nobody waits for it any more.
    runtime.shutdown_timeout(PATIENCE);
    result
}

pub(super) fn runtime() -> Result<Runtime, Failure> {
    runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|e| Failure::Unexpected(format!("the runtime cannot be started: {e}")))
}

pub(super) async fn drive(session: Session, numbers: Numbers) -> Result<(), Failure> {
    let Session {
        settings,
        options,
        console,
        serve,
        reload_env,
        reread,
        fail_in,
    } = session;
    log::set_format(settings.log.format);
    if console.is_some() {
        log::to_file(&settings.log_file, settings.log)?;
    }
    panics::watch();
    let (engine, handle) = engine::start(&settings, &numbers, options)?;
    // The engine has its own; a list of a million numbers is not kept twice.
    drop(numbers);
    let Handle {
        requests,
        snapshots,
        clock,
        news,
        journal,
        in_force,
    } = handle;
    let mut running = Running {
        control: Control::new(requests, reread),
        in_force: in_force.clone(),
        snapshots,
        clock,
        feed: Feed::default(),
        shown: None,
        hung_up_at: None,
        reload_env,
        panicked: false,
    };
    let mut signals = Signals::listen()?;
    // It lives as long as the engine, and ends before the summary is printed.
    let _api = serve.then(|| running.serve(&settings)).transpose()?;
    if let Some(args) = console {
        running.show(args, &settings)?;
    }
    let printer = print_news(
        news,
        journal,
        in_force,
        console.is_some(),
        running.feed.clone(),
    )?;
    tokio::spawn(supervisor::tell(running.snapshots.clone()));
    let engine = tokio::spawn(engine.run());
    let exit = running
        .until_the_engine_ends(engine, &mut signals, fail_in)
        .await;
    running.end(exit, printer, signals).await
}

/// A session whose engine runs.
struct Running {
    control: Control,
    in_force: watch::Receiver<Arc<Settings>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    clock: Clock,
    feed: Feed,
    shown: Option<ConsoleThread>,
    /// When the terminal went away.
    hung_up_at: Option<Instant>,
    reload_env: bool,
    panicked: bool,
}

impl Running {
    /// Serves the control API. Nothing was dialed yet: an address that is taken means that
    /// another dialer may still be at work.
    fn serve(&self, settings: &Settings) -> Result<http::Server, Failure> {
        let api = http::Api {
            control: self.control.clone(),
            snapshots: self.snapshots.clone(),
            in_force: self.in_force.clone(),
            clock: self.clock,
            feed: self.feed.clone(),
            tasks: runtime::Handle::current().metrics(),
            journal: settings.state_file.clone(),
            token: settings.control.token.clone(),
            streams: http::Streams::default(),
        };
        let addr = settings.control.addr;
        let server = http::Server::start(addr, api).map_err(|why| {
            Failure::Settings(format!(
                "CONTROL_ADDR={addr} can't be listened on: {why}. Is another Dialdeck, or the \
                 program that it replaces, still running? Stop it, or set another CONTROL_ADDR"
            ))
        })?;
        let text = format!("the control API listens on http://{}", server.addr());
        log::line(&headless::info(log::format(), Clock::new().now(), &text));
        Ok(server)
    }

    fn show(&mut self, args: ConsoleArgs, settings: &Settings) -> Result<(), Failure> {
        let options = console::ConsoleOptions {
            keys: settings.keys.clone(),
            read_only: args.read_only,
            fps: args.fps,
        };
        let ports = console::Ports {
            desk: Arc::new(Here {
                control: self.control.clone(),
                who: Who::keyboard_from_env(),
            }),
            snapshots: self.snapshots.clone(),
            away: None,
            runtime: tokio::runtime::Handle::current(),
            clock: self.clock,
        };
        self.shown = Some(ConsoleThread::open(options, ports)?);
        Ok(())
    }

    async fn until_the_engine_ends(
        &mut self,
        mut engine: tokio::task::JoinHandle<Exit>,
        signals: &mut Signals,
        fail_in: Option<FailIn>,
    ) -> Exit {
        let remote = self.shown.as_ref().map(|shown| shown.remote.clone());
        let failing = fail_on_purpose(fail_in, remote);
        tokio::pin!(failing);
        loop {
            tokio::select! {
                exit = &mut engine => {
                    return exit.unwrap_or_else(|panic| Exit::Broken(panic.to_string()));
                }
                left = shown::left(&mut self.shown) => self.left(left).await,
                caught = signals.next() => self.caught(caught).await,
                () = panics::noticed(), if !self.panicked => self.panicked().await,
                () = &mut failing, if fail_in.is_some() => {}
            }
        }
    }

    /// The console has ended.
    async fn left(&mut self, left: Option<Left>) {
        self.shown = None;
        match left {
            Some(Left::Quit) => {
                let _ = self
                    .control
                    .give(Command::Quit, &Who::keyboard_from_env())
                    .await;
            }
            Some(Left::TerminalGone(error)) => {
                tracing::warn!(%error, "the terminal has gone; dialing goes on without a console");
                self.terminal_gone().await;
            }
            // It was told to, or it panicked, which is told elsewhere.
            Some(Left::Told) | None => {}
        }
    }

    /// The engine goes on, or drains and then ends.
    async fn terminal_gone(&mut self) {
        if self.hung_up_at.is_some() {
            return;
        }
        self.hung_up_at = Some(Instant::now());
        if self.in_force.borrow().on_hangup == OnHangup::Continue {
            return;
        }
        let drain = Command::Campaign(campaign::Command::Drain);
        let _ = self.control.give(drain, &Who::Terminal).await;
        let (control, snapshots) = (self.control.clone(), self.snapshots.clone());
        tokio::spawn(quit_when_idle(control, snapshots));
    }

    async fn caught(&mut self, caught: Caught) {
        match caught {
            // The engine tells the outcome in its own lines; one that has ended needs no stop.
            Caught::Stop(name) => {
                let _ = self.control.give(Command::Quit, &Who::Signal(name)).await;
            }
            Caught::Resized => {
                if let Some(shown) = &self.shown {
                    shown.remote.resized();
                }
            }
            Caught::HangUp if self.shown.is_some() => {
                self.terminal_gone().await;
                self.close_console().await;
            }
            Caught::HangUp => {
                let echo = self.hung_up_at.is_some_and(|at| at.elapsed() < HANGUP_ECHO);
                log::reopen();
                if self.reload_env && !echo {
                    // A long list takes a while, and the next signal may be one to stop.
                    tokio::spawn(signals::reload(self.control.clone()));
                }
            }
        }
    }

    /// A signal to stop ends it as well as a key.
    async fn until_the_operator_leaves(&mut self, signals: &mut Signals) {
        loop {
            tokio::select! {
                _ = shown::left(&mut self.shown) => {
                    self.shown = None;
                    return;
                }
                caught = signals.next() => match caught {
                    Caught::Stop(_) | Caught::HangUp => return,
                    Caught::Resized => self.caught(Caught::Resized).await,
                },
            }
        }
    }

    /// Something is broken that nobody foresaw: no new call, and the console gives the
    /// terminal back.
    async fn panicked(&mut self) {
        self.panicked = true;
        // First of all: a terminal that takes nothing must not keep the engine dialing.
        let _ = self.control.give(Command::Quit, &Who::Panic).await;
        self.close_console().await;
        std::thread::spawn(panics::tell_at_once);
    }

    async fn close_console(&mut self) {
        if let Some(shown) = self.shown.take() {
            shown.close().await;
        }
    }

    async fn end(
        mut self,
        exit: Exit,
        printer: JoinHandle<()>,
        mut signals: Signals,
    ) -> Result<(), Failure> {
        if let (Exit::Broken(why), Some(shown)) = (&exit, &self.shown)
            && !panics::any()
        {
            // The operator is told on the screen, for as long as they look.
            let (remote, why) = (shown.remote.clone(), why.clone());
            std::thread::spawn(move || remote.engine_ended(why));
            self.until_the_operator_leaves(&mut signals).await;
        }
        self.close_console().await;
        // The engine is gone, so the printer comes to its end; a panic there is told below.
        within(PATIENCE, move || drop(printer.join())).await;
        let summary = headless::summary(log::format(), &self.snapshots.borrow());
        within(PATIENCE, move || log::print(&summary)).await;
        if let Some(told) = panics::told() {
            return Err(Failure::Unexpected(told));
        }
        match exit {
            Exit::Finished => Ok(()),
            Exit::Held(why) => Err(Failure::Held(why)),
            Exit::GaveUp(why) => Err(Failure::GaveUp(format!("gave up: {why}"))),
            Exit::Broken(why) => Err(Failure::Unexpected(why)),
        }
    }
}

/// Does something that may hang on a terminal, a pipe or a disk, and waits no longer than
/// `patience` for it.
async fn within(patience: Duration, what: impl FnOnce() + Send + 'static) {
    let (done, waiting) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        what();
        // Nobody waits any more where it took too long.
        let _ = done.send(());
    });
    let _ = tokio::time::timeout(patience, waiting).await;
}

async fn quit_when_idle(control: Control, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    let idle = |snapshot: &Arc<Snapshot>| {
        let state = matches!(snapshot.state, RunState::Idle | RunState::Done);
        state && snapshot.limit.in_use == 0
    };
    if snapshots.wait_for(idle).await.is_ok() {
        let _ = control.give(Command::Quit, &Who::Terminal).await;
    }
}

async fn fail_on_purpose(fail_in: Option<FailIn>, remote: Option<console::ConsoleHandle>) {
    tokio::time::sleep(Duration::from_secs(3)).await;
    match (fail_in, remote) {
        (Some(FailIn::Console), Some(remote)) => remote.fail(),
        (Some(_), _) => {
            tokio::spawn(async { panic!("asked for, to show what then happens") });
        }
        (None, _) => {}
    }
    std::future::pending::<()>().await;
}

/// A thread of its own: a pipe that nobody reads must not hold up a call.
fn print_news(
    mut news: mpsc::Receiver<News>,
    journal: uuid::Uuid,
    in_force: watch::Receiver<Arc<Settings>>,
    with_console: bool,
    feed: Feed,
) -> Result<JoinHandle<()>, Failure> {
    let print = move || {
        while let Some(news) = news.blocking_recv() {
            if with_console {
                console::tell(&news);
            }
            let in_force = in_force.borrow().clone();
            let settings = by_which(&in_force, &news);
            log::line(&headless::lines(&news, &context(journal, settings)));
            feed.push(news);
        }
    };
    let thread = std::thread::Builder::new().name("log".to_owned());
    thread
        .spawn(print)
        .map_err(|e| Failure::Unexpected(format!("the log's thread cannot be started: {e}")))
}

fn context(journal: uuid::Uuid, settings: &CallSettings) -> Context<'_> {
    let endpoint = settings.target.endpoint.as_str();
    Context {
        format: log::format(),
        journal,
        target: endpoint.strip_prefix("Local/").unwrap_or(endpoint),
        recordings_dir: &settings.recordings.dir,
        recording_format: &settings.recordings.format,
    }
}

/// The settings of the call that the news are about, if they are about one that has ended.
fn by_which<'a>(in_force: &'a Settings, news: &'a News) -> &'a CallSettings {
    match &news.what {
        Told::Campaign(Notice::Ended(call)) => &call.settings,
        _ => &in_force.call,
    }
}
