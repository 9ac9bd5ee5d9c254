//! The loop: events in, at most one frame, commands out.
//!
//! One thread draws, one reads keys; neither holds anything that the engine needs. A key or a
//! new size is drawn at once; what comes from the engine is drawn at most so many times a
//! second; clocks tick once a second, and else nothing is written.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::input::{KeyInput, Parser};
use super::model::{Model, Setup, shows_more};
use super::screen::Screen;
use super::terminal::{self, Keyboard, Read, TerminalGuard};
use super::update::{Ask, ConsoleEvent, update};
use super::view;
use crate::campaign::{LeadId, Time};
use crate::control::{Away, Command, Desk};
use crate::engine::{Clock, Snapshot};

/// Events that may wait for the thread that draws; more than a frame's worth.
const EVENTS: usize = 4096;
/// How often the thread that reads keys looks whether it is still wanted.
const LOOK_MS: u16 = 100;
/// For so long after a burst, single characters are taken for its rest.
const AFTER_BURST: Duration = Duration::from_millis(300);
/// A detail is asked for no more often.
const DETAIL_EVERY: Duration = Duration::from_millis(300);

/// What the console is given.
pub struct Ports {
    /// The way in to the engine.
    pub desk: Arc<dyn Desk>,
    /// The engine's pictures.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Where the engine is in another process: whether it is reached.
    pub away: Option<watch::Receiver<Option<Away>>>,
    /// Where commands are waited for.
    pub runtime: Handle,
    /// The engine's time.
    pub clock: Clock,
}

/// Why the console ended.
#[derive(Debug)]
pub enum Left {
    /// The operator wants to leave, and nothing lives.
    Quit,
    /// It was told to.
    Told,
    /// The terminal has gone.
    TerminalGone(io::Error),
}

/// What others send to a running console.
#[derive(Debug)]
enum SessionMessage {
    Event(ConsoleEvent),
    /// Leave now.
    Leave,
    /// The engine has published a picture.
    Picture,
    KeyboardGone,
    Resized,
    Fail,
}

/// Reaches a running console. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ConsoleHandle(SyncSender<SessionMessage>);

impl ConsoleHandle {
    /// Tells it to leave and give the terminal back.
    pub fn leave(&self) {
        // A console whose queue is full still looks at `Leave` when it comes to it.
        let _ = self.0.send(SessionMessage::Leave);
    }

    /// Tells it that the engine has died, and why.
    pub fn engine_ended(&self, why: String) {
        let _ = self
            .0
            .send(SessionMessage::Event(ConsoleEvent::EngineEnded(why)));
    }

    /// Makes it panic, for whoever wants to see what then happens.
    pub fn fail(&self) {
        let _ = self.0.send(SessionMessage::Fail);
    }

    /// Tells it that the terminal may have another size.
    pub fn resized(&self) {
        // One that waits already does as well.
        let _ = self.0.try_send(SessionMessage::Resized);
    }
}

/// A console that does not run yet.
pub struct Console {
    setup: Setup,
    frame: Duration,
    ports: Ports,
    sender: SyncSender<SessionMessage>,
    messages: Receiver<SessionMessage>,
}

impl Console {
    /// `fps` is how many frames a second the engine may cause, 1 to 60.
    pub(crate) fn new(setup: Setup, fps: u32, ports: Ports) -> (Self, ConsoleHandle) {
        let (sender, messages) = sync_channel(EVENTS);
        let remote = ConsoleHandle(sender.clone());
        let console = Self {
            setup,
            frame: Duration::from_secs(1) / fps.clamp(1, 60),
            ports,
            sender,
            messages,
        };
        (console, remote)
    }

    /// Runs until the operator leaves, it is told to leave, or the terminal has gone. Blocks.
    #[must_use]
    pub fn run(self) -> Left {
        match self.try_run() {
            Ok(left) => left,
            Err(error) => Left::TerminalGone(error),
        }
    }

    fn try_run(self) -> io::Result<Left> {
        let guard = TerminalGuard::take()?;
        let mut screen = Screen::open()?;
        let wanted = Arc::new(AtomicBool::new(true));
        let reader = spawn_reader(self.sender.clone(), Arc::clone(&wanted))?;
        // Cleared on every way out: a reader that stays would eat what a shell is typed.
        let wanted = Unwanted(wanted);
        let clock = self.ports.clock;
        let first = self.ports.snapshots.borrow().clone();
        let mut model = Model::new(self.setup, first, screen.fit()?);
        model.now = clock.now();
        let outside = Orders::new(self.ports, self.sender);
        let mut session = ConsoleSession {
            screen: &mut screen,
            model: &mut model,
            outside,
            clock,
            frame: self.frame,
            messages: self.messages,
            guard: Some(guard),
        };
        let left = session.drive();
        drop(wanted);
        drop(session);
        terminal::flush();
        // It looks up every tenth of a second; a panic there has been told already.
        let _ = reader.join();
        left
    }
}

/// Says when dropped that nobody wants keys any more.
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// One console on one terminal.
struct ConsoleSession<'a> {
    screen: &'a mut Screen,
    model: &'a mut Model,
    outside: Orders,
    clock: Clock,
    frame: Duration,
    messages: Receiver<SessionMessage>,
    guard: Option<TerminalGuard>,
}

/// What is due to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Nothing,
    /// The engine's picture has changed.
    Data,
    /// A key or a new size.
    Now,
}

impl ConsoleSession<'_> {
    fn drive(&mut self) -> io::Result<Left> {
        self.draw()?;
        let mut drawn = Instant::now();
        let mut second = seconds(self.clock.now());
        let mut due = Due::Nothing;
        loop {
            let wait = match due {
                Due::Nothing => self.until_next_second(),
                Due::Data => (drawn + self.frame)
                    .saturating_duration_since(Instant::now())
                    .min(self.until_next_second()),
                Due::Now => Duration::ZERO,
            };
            match self.messages.recv_timeout(wait) {
                Ok(message) => {
                    if let Some(left) = self.take(message, &mut due)? {
                        return Ok(left);
                    }
                    while let Ok(message) = self.messages.try_recv() {
                        if let Some(left) = self.take(message, &mut due)? {
                            return Ok(left);
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Left::Told),
            }
            let now = self.clock.now();
            if seconds(now) != second {
                second = seconds(now);
                if let Some(left) = self.event(ConsoleEvent::Tick(now))? {
                    return Ok(left);
                }
                due = due.max(Due::Data);
            }
            let data = due == Due::Data && drawn.elapsed() >= self.frame;
            if data || due == Due::Now {
                self.draw()?;
                drawn = Instant::now();
                due = Due::Nothing;
            }
        }
    }

    fn until_next_second(&self) -> Duration {
        Duration::from_micros(1_000_000 - self.clock.now().0 % 1_000_000)
    }

    fn take(&mut self, message: SessionMessage, due: &mut Due) -> io::Result<Option<Left>> {
        let event = match message {
            SessionMessage::Leave => return Ok(Some(Left::Told)),
            SessionMessage::Fail => panic!("asked for, to show what then happens"),
            SessionMessage::KeyboardGone => {
                return Ok(Some(Left::TerminalGone(io::ErrorKind::BrokenPipe.into())));
            }
            SessionMessage::Resized => {
                let (columns, rows) = self.screen.fit()?;
                ConsoleEvent::Resize(columns, rows)
            }
            SessionMessage::Picture => ConsoleEvent::Picture(self.outside.picture()),
            SessionMessage::Event(event) => event,
        };
        *due = (*due).max(match &event {
            // The next tick shows what time alone has changed.
            ConsoleEvent::Picture(picture) if !shows_more(picture, &self.model.live) => {
                Due::Nothing
            }
            ConsoleEvent::Picture(_) | ConsoleEvent::Tick(_) | ConsoleEvent::Detail(..) => {
                Due::Data
            }
            _ => Due::Now,
        });
        // A key is told apart from the tick before it by the time it came.
        self.model.now = self.clock.now();
        self.event(event)
    }

    fn event(&mut self, event: ConsoleEvent) -> io::Result<Option<Left>> {
        for ask in update(self.model, event) {
            match ask {
                Ask::Give(command) => self.outside.give(command),
                Ask::Detail(lead) => self.outside.detail(lead),
                Ask::Redraw => self.screen.clear()?,
                Ask::Suspend => self.suspend()?,
                Ask::Leave => return Ok(Some(Left::Quit)),
            }
        }
        Ok(None)
    }

    fn draw(&mut self) -> io::Result<()> {
        self.screen.draw(|frame| view::draw(frame, self.model))?;
        self.model.drawn();
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.guard = None;
        terminal::suspend()?;
        self.guard = Some(TerminalGuard::take()?);
        self.screen.clear()
    }
}

/// What the console asks of the outside, in tasks of their own.
struct Orders {
    desk: Arc<dyn Desk>,
    runtime: Handle,
    sender: SyncSender<SessionMessage>,
    commands: mpsc::UnboundedSender<(Command, Instant)>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// A picture has been announced and not been taken yet.
    waiting_picture: Arc<AtomicBool>,
    detail_asked: Option<Instant>,
    detail_awaited: Arc<AtomicBool>,
    detail_of: Option<LeadId>,
}

impl Orders {
    fn new(ports: Ports, sender: SyncSender<SessionMessage>) -> Self {
        let Ports {
            desk,
            snapshots,
            away,
            runtime,
            clock: _,
        } = ports;
        if let Some(away) = away {
            runtime.spawn(tell_away(away, sender.clone()));
        }
        let (pictures, mut watched) = (sender.clone(), snapshots.clone());
        let waiting_picture = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&waiting_picture);
        runtime.spawn(async move {
            while watched.changed().await.is_ok() {
                // One that waits will show the newest: a terminal that takes nothing must not
                // gather pictures.
                if told.swap(true, Ordering::Relaxed) {
                    continue;
                }
                if !deliver(&pictures, SessionMessage::Picture).await {
                    return;
                }
            }
        });
        let (commands, mut waiting) = mpsc::unbounded_channel::<(Command, Instant)>();
        let (outcomes, giver) = (sender.clone(), Arc::clone(&desk));
        // One after the other, in the order of the keys; but a new run reads a list, and a pause
        // must not wait for that.
        runtime.spawn(async move {
            while let Some((command, at)) = waiting.recv().await {
                if command == Command::NewRun {
                    let (giver, outcomes) = (Arc::clone(&giver), outcomes.clone());
                    tokio::spawn(async move { give(&*giver, command, at, &outcomes).await });
                } else if !give(&*giver, command, at, &outcomes).await {
                    return;
                }
            }
        });
        Self {
            desk,
            runtime,
            sender,
            commands,
            snapshots,
            waiting_picture,
            detail_asked: None,
            detail_awaited: Arc::default(),
            detail_of: None,
        }
    }

    /// The newest picture.
    fn picture(&self) -> Arc<Snapshot> {
        self.waiting_picture.store(false, Ordering::Relaxed);
        self.snapshots.borrow().clone()
    }

    fn give(&self, command: Command) {
        // The task that takes it lives as long as this.
        let _ = self.commands.send((command, Instant::now()));
    }

    fn detail(&mut self, lead: LeadId) {
        let fresh = self
            .detail_asked
            .is_some_and(|at| at.elapsed() < DETAIL_EVERY);
        let same = self.detail_of == Some(lead);
        if same && (fresh || self.detail_awaited.load(Ordering::Relaxed)) {
            return;
        }
        self.detail_of = Some(lead);
        self.detail_asked = Some(Instant::now());
        self.detail_awaited.store(true, Ordering::Relaxed);
        let (desk, sender) = (Arc::clone(&self.desk), self.sender.clone());
        let awaited = Arc::clone(&self.detail_awaited);
        self.runtime.spawn(async move {
            let detail = desk.detail(lead).await;
            awaited.store(false, Ordering::Relaxed);
            let _ = sender.try_send(SessionMessage::Event(ConsoleEvent::Detail(lead, detail)));
        });
    }
}

/// Gives a command and tells the console what comes of it. False once the console is gone.
async fn give(
    desk: &dyn Desk,
    command: Command,
    at: Instant,
    outcomes: &SyncSender<SessionMessage>,
) -> bool {
    let outcome = desk.give(command.clone(), at).await;
    deliver(
        outcomes,
        SessionMessage::Event(ConsoleEvent::Outcome(command, outcome)),
    )
    .await
}

/// Tells the console whenever the engine is lost or reached again.
async fn tell_away(mut away: watch::Receiver<Option<Away>>, sender: SyncSender<SessionMessage>) {
    while away.changed().await.is_ok() {
        let now = away.borrow_and_update().clone();
        if !deliver(&sender, SessionMessage::Event(ConsoleEvent::Away(now))).await {
            return;
        }
    }
}

/// Waits for a place in the queue of a console whose terminal is slow. False once it is gone.
async fn deliver(sender: &SyncSender<SessionMessage>, mut message: SessionMessage) -> bool {
    loop {
        message = match sender.try_send(message) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(message)) => message,
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn seconds(at: Time) -> u64 {
    at.millis() / 1000
}

fn spawn_reader(
    sender: SyncSender<SessionMessage>,
    wanted: Arc<AtomicBool>,
) -> io::Result<thread::JoinHandle<()>> {
    let keyboard = Keyboard::open()?;
    thread::Builder::new()
        .name("keyboard".to_owned())
        .spawn(move || read_keys(&keyboard, &sender, &wanted))
}

/// Reads keys until nobody wants them or the terminal has gone.
fn read_keys(keyboard: &Keyboard, sender: &SyncSender<SessionMessage>, wanted: &AtomicBool) {
    let mut parser = Parser::default();
    let mut buffer = [0; 4096];
    let mut burst_at: Option<Instant> = None;
    let mut quiet_ms = 0;
    while wanted.load(Ordering::Relaxed) {
        let patience = parser.patience();
        let ms = patience.map_or(LOOK_MS, |p| p.min(LOOK_MS));
        let inputs = match keyboard.read(&mut buffer, ms) {
            Read::Bytes(n) => {
                quiet_ms = 0;
                parser.feed(&buffer[..n])
            }
            Read::Nothing => {
                quiet_ms += ms;
                if patience.is_none_or(|p| quiet_ms < p) {
                    quiet_ms = if patience.is_none() { 0 } else { quiet_ms };
                    continue;
                }
                quiet_ms = 0;
                parser.flush().into_iter().collect()
            }
            Read::Gone => {
                let _ = sender.send(SessionMessage::KeyboardGone);
                return;
            }
        };
        for input in inputs {
            let event = match input {
                KeyInput::Paste(text) => ConsoleEvent::Paste(text),
                KeyInput::Burst(text) => {
                    burst_at = Some(Instant::now());
                    ConsoleEvent::Paste(text)
                }
                KeyInput::Key(key) if key.is_text() && is_straggler(&mut burst_at) => continue,
                KeyInput::Key(key) => ConsoleEvent::Key(key),
            };
            if sender.send(SessionMessage::Event(event)).is_err() {
                return;
            }
        }
    }
}

/// What comes shortly after a burst belongs to the same paste.
fn is_straggler(burst_at: &mut Option<Instant>) -> bool {
    let soon = burst_at.is_some_and(|at| at.elapsed() < AFTER_BURST);
    *burst_at = soon.then(Instant::now);
    soon
}
