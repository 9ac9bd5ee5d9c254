//! The link: a task that keeps the event stream.
//!
//! It connects, switches off the events that nobody here uses, reads, and reconnects by
//! itself after a loss. What it never does: wait for anybody while it reads. Asterisk closes
//! a socket whose writes stall for 100 ms, so events go into a bounded queue, and a full
//! queue ends the link: lost events mean that the engine must reconcile, and that is what
//! it does after every [`LinkEvent::Down`] that is followed by an [`LinkEvent::Up`].
//!
//! Two things stop it until it is told to go on: somebody else holds the application
//! ([`LinkEvent::Held`]), or has just taken it over ([`LinkEvent::Replaced`]).

mod backoff;
mod listener;
mod presence;
mod reason;
mod session;
mod socket;
mod stats;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::Client;
use super::error::AriError;
use super::event::Event;
use super::model::Application;
use backoff::Backoff;
use session::{End, LinkSession};

pub use listener::Listener;
pub use presence::{AppPresence, PROBE, presence};
pub use reason::DownReason;
pub use session::UNUSED_EVENTS;
pub use stats::{LinkStats, LinkStatsSnapshot};
pub use verdict::{AppVerdict, Occasion, application_verdict};

/// How many events may wait for the engine. At 25 events a call this is over 2,000 calls
/// that nobody has looked at: whoever is that far behind must reconcile anyway.
pub const EVENT_QUEUE: usize = 65_536;

/// How long a try to connect may be under way in the network after we gave it up.
const LATEST: Duration = Duration::from_secs(60);

/// How soon is asked again whether the holder has gone; each next time it takes twice as long,
/// since a program that is connected hears of each time.
const HELD_AGAIN: Duration = Duration::from_millis(250);

/// Judges, before each connect, whether the application is free: `None` where Asterisk does
/// not know it. See [`application_verdict`].
pub type Check =
    Arc<dyn Fn(Option<&Application>, Occasion, AppPresence) -> AppVerdict + Send + Sync>;

/// How the link behaves.
#[derive(Clone)]
pub struct LinkConfig {
    /// Whether it may connect.
    pub check: Check,
    /// As what it connects first.
    pub occasion: Occasion,
    /// Its clocks.
    pub timing: LinkTiming,
}

/// The link's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkTiming {
    /// Between two pings. Asterisk sends none itself.
    pub ping_every: Duration,
    /// How long after a ping some sign of life must come.
    pub pong_within: Duration,
    /// The first wait before a new try; each next one is twice as long.
    pub backoff_first: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
    /// The wait after a refused login, which no new try mends.
    pub backoff_login: Duration,
    /// How long somebody may be connected to the application before it counts as another
    /// program's. A busy Asterisk hears of the end of a process late, and the next one is to
    /// go on (1.5 s measured).
    pub holder_may_go: Duration,
}

impl Default for LinkTiming {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(3),
            pong_within: Duration::from_secs(3),
            backoff_first: Duration::from_millis(100),
            backoff_max: Duration::from_secs(2),
            backoff_login: Duration::from_secs(15),
            holder_may_go: Duration::from_secs(5),
        }
    }
}

/// What the link tells the engine, in this order and over one queue.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEvent {
    /// Events come in from now on. After a loss nothing is repeated: reconcile.
    Up {
        /// The application as it was right before: what it is still subscribed to.
        left_over: Option<Application>,
    },
    /// One event; boxed, since most of the queue's places are empty.
    Event(Box<Event>),
    /// No events come in. Sent at once on a loss, and again when the reason changes.
    Down {
        /// Why.
        why: DownReason,
        /// Since when: stays the same while the reason changes.
        since: SystemTime,
    },
    /// Somebody else holds the application; the link waits for [`Link::connect`] or
    /// [`Link::take_over`].
    Held {
        /// What Asterisk says of it.
        app: Application,
    },
    /// Another client has connected under our name; the link waits for [`Link::connect`] or
    /// [`Link::take_over`].
    Replaced,
}

/// The link's state, for those who must not wait in the queue.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkState {
    /// The first try is under way.
    Starting,
    /// Events come in.
    Up {
        /// Since when.
        since: SystemTime,
    },
    /// No events come in.
    Down {
        /// Why.
        why: DownReason,
        /// Since when.
        since: SystemTime,
    },
    /// Somebody else holds the application.
    Held {
        /// Since when.
        since: SystemTime,
    },
    /// Somebody else has taken the application over.
    Replaced {
        /// Since when.
        since: SystemTime,
    },
    /// The link was closed.
    Closed,
}

/// A handle to the link. Dropping it closes the socket properly and ends the task.
#[derive(Debug)]
pub struct Link {
    commands: mpsc::UnboundedSender<LinkCommand>,
    state: watch::Receiver<LinkState>,
    stats: Arc<LinkStats>,
    task: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkCommand {
    Connect,
    TakeOver,
}

impl Link {
    /// Starts the link, which connects by itself. `events` should have room for
    /// [`EVENT_QUEUE`]; when its receiver is dropped the link ends.
    #[must_use]
    pub fn spawn(client: Client, config: LinkConfig, events: mpsc::Sender<LinkEvent>) -> Self {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (teller, state) = watch::channel(LinkState::Starting);
        let counters = Arc::new(LinkStats::new());
        let supervisor = Supervisor {
            backoff: Backoff::new(config.timing),
            occasion: config.occasion,
            config,
            client,
            events,
            commands: inbox,
            state: teller,
            stats: Arc::clone(&counters),
            down: None,
            unanswered: Vec::new(),
        };
        Self {
            commands,
            state,
            stats: counters,
            task: tokio::spawn(supervisor.run()),
        }
    }

    /// A link without a socket: whoever holds the other ends is the stream.
    #[cfg(test)]
    pub(crate) fn by_hand(state: watch::Receiver<LinkState>) -> Self {
        Self {
            commands: mpsc::unbounded_channel().0,
            state,
            stats: Arc::new(LinkStats::new()),
            task: tokio::spawn(async {}),
        }
    }

    /// Tries to connect now: after `Held` or `Replaced`, or instead of waiting any longer.
    /// While the link is up it does nothing.
    pub fn connect(&self) {
        self.send(LinkCommand::Connect);
    }

    /// As [`Self::connect`], without asking who holds the application.
    pub fn take_over(&self) {
        self.send(LinkCommand::TakeOver);
    }

    fn send(&self, command: LinkCommand) {
        // The task ends early only when nobody listens to its events any more.
        let _ = self.commands.send(command);
    }

    /// The state, with its changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// What has come in so far.
    #[must_use]
    pub fn stats(&self) -> Arc<LinkStats> {
        Arc::clone(&self.stats)
    }

    /// Closes the socket properly and waits for that.
    pub async fn close(self) {
        let Self { commands, task, .. } = self;
        drop(commands);
        // An error means that it panicked or was aborted with the runtime: it is gone.
        let _ = task.await;
    }
}

/// The task behind a [`Link`].
struct Supervisor {
    config: LinkConfig,
    client: Client,
    events: mpsc::Sender<LinkEvent>,
    commands: mpsc::UnboundedReceiver<LinkCommand>,
    state: watch::Sender<LinkState>,
    stats: Arc<LinkStats>,
    backoff: Backoff,
    occasion: Occasion,
    /// The present outage, as it was last told.
    down: Option<(DownReason, SystemTime)>,
    /// When tries were given up unanswered, of late.
    unanswered: Vec<Instant>,
}

/// The link is to end: the handle or the receiver of the events is gone.
struct Closed;

impl Supervisor {
    async fn run(mut self) {
        let mut take_over = false;
        while let Ok(command) = self.round(take_over).await {
            take_over = command == Some(LinkCommand::TakeOver);
        }
        self.state.send_replace(LinkState::Closed);
    }

    /// One connection from its try to its end, and the wait after it. Returns the command
    /// that ended the wait.
    async fn round(&mut self, take_over: bool) -> Result<Option<LinkCommand>, Closed> {
        match self.connection(take_over).await {
            End::Closed => Err(Closed),
            End::Lost(why) => {
                let wait = self.backoff.next(&why);
                self.tell_down(why).await?;
                self.wait(Some(wait)).await
            }
            End::Held(app) => {
                let since = SystemTime::now();
                self.occasion = Occasion::First;
                self.state.send_replace(LinkState::Held { since });
                self.tell(LinkEvent::Held { app }).await?;
                self.wait(None).await
            }
            End::Replaced if self.has_replaced_itself() => {
                let wait = self.backoff.next(&DownReason::Late);
                self.tell_down(DownReason::Late).await?;
                self.wait(Some(wait)).await
            }
            End::Replaced => {
                let since = SystemTime::now();
                self.occasion = Occasion::First;
                self.state.send_replace(LinkState::Replaced { since });
                self.tell(LinkEvent::Replaced).await?;
                self.wait(None).await
            }
        }
    }

    async fn connection(&mut self, take_over: bool) -> End {
        self.stats.count_attempt();
        let occasion = self.occasion();
        let left_over = tokio::select! {
            biased;
            () = closed(&mut self.commands) => return End::Closed,
            found = application(&self.client, &self.config, occasion, take_over) => match found {
                Ok(left_over) => left_over,
                Err(end) => return end,
            },
        };
        let socket = tokio::select! {
            biased;
            () = closed(&mut self.commands) => return End::Closed,
            socket = socket::open(self.client.transport(), self.config.timing.pong_within) => match socket {
                Ok(socket) => socket,
                Err(why) => {
                    self.note_unanswered(&why);
                    return End::Lost(why);
                }
            },
        };
        let opened = Instant::now();
        let mut session = LinkSession::new(self, socket);
        let end = session.run(left_over).await;
        self.backoff.lasted(opened.elapsed());
        end
    }

    /// A try that nobody answered may be carried out when we have long given it up: the
    /// network held it back. It then takes the application, from ourselves if we are connected.
    fn note_unanswered(&mut self, why: &DownReason) {
        if matches!(why, DownReason::Request(AriError::Timeout { .. })) {
            self.unanswered.retain(|at| at.elapsed() < LATEST);
            self.unanswered.push(Instant::now());
        }
    }

    /// Whether a try of our own may be who has taken the application. Each is blamed once, so
    /// that no other dialer is fought over it.
    fn has_replaced_itself(&mut self) -> bool {
        self.unanswered.retain(|at| at.elapsed() < LATEST);
        self.unanswered.pop().is_some()
    }

    /// As after a loss where a try of our own may hold the application.
    fn occasion(&self) -> Occasion {
        if self.unanswered.iter().any(|at| at.elapsed() < LATEST) {
            Occasion::Again
        } else {
            self.occasion
        }
    }

    /// To be called when the socket is open and the filter is set.
    fn note_up(&mut self) {
        self.occasion = Occasion::Again;
        self.down = None;
        self.stats.count_connected();
        let since = SystemTime::now();
        self.state.send_replace(LinkState::Up { since });
    }

    /// Tells of a loss, and of a changed reason; a mere repetition is not told.
    async fn tell_down(&mut self, why: DownReason) -> Result<(), Closed> {
        let since = match &self.down {
            Some((told, _)) if *told == why => return Ok(()),
            Some((_, since)) => *since,
            None => SystemTime::now(),
        };
        self.down = Some((why.clone(), since));
        let state = LinkState::Down {
            why: why.clone(),
            since,
        };
        self.state.send_replace(state);
        self.tell(LinkEvent::Down { why, since }).await
    }

    /// Waits for room in the queue, which is right only while no socket is open.
    async fn tell(&mut self, event: LinkEvent) -> Result<(), Closed> {
        tokio::select! {
            sent = self.events.send(event) => sent.map_err(|_| Closed),
            () = closed(&mut self.commands) => Err(Closed),
        }
    }

    /// Waits for `time`, or with `None` until there is a command.
    async fn wait(&mut self, time: Option<Duration>) -> Result<Option<LinkCommand>, Closed> {
        let pause = async {
            match time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            command = self.commands.recv() => command.map(Some).ok_or(Closed),
            () = self.events.closed() => Err(Closed),
            () = pause => Ok(None),
        }
    }
}

/// The application as Asterisk knows it, once nobody else holds it.
async fn application(
    client: &Client,
    config: &LinkConfig,
    occasion: Occasion,
    take_over: bool,
) -> Result<Option<Application>, End> {
    let until = Instant::now() + config.timing.holder_may_go;
    let mut pause = HELD_AGAIN;
    loop {
        let waited = Instant::now() >= until;
        let occasion = match occasion {
            Occasion::AfterCrash if waited => Occasion::Waited,
            other => other,
        };
        let known = client.application(client.app()).await;
        let known = known.map_err(|error| End::Lost(error.into()))?;
        let verdict = if take_over {
            AppVerdict::Connect
        } else {
            let judged = judge(client, config, known.as_ref(), occasion).await;
            judged.map_err(End::Lost)?
        };
        match (known, verdict) {
            (Some(app), AppVerdict::HeldByDialdeck) => return Err(End::Held(app)),
            (Some(app), AppVerdict::HeldByProgram) if waited => return Err(End::Held(app)),
            (Some(_), AppVerdict::HeldByProgram) => {
                tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
                pause *= 2;
            }
            (free, _) => return Ok(free),
        }
    }
}

/// Whether the application is free. Whether anybody is connected is asked only where it matters.
async fn judge(
    client: &Client,
    config: &LinkConfig,
    known: Option<&Application>,
    occasion: Occasion,
) -> Result<AppVerdict, DownReason> {
    match (config.check)(known, occasion, AppPresence::NotAsked) {
        AppVerdict::Ask => {
            let presence = presence(client, client.app()).await?;
            Ok((config.check)(known, occasion, presence))
        }
        told => Ok(told),
    }
}

/// Completes when the handle is dropped. Commands meanwhile have nothing to say.
async fn closed(commands: &mut mpsc::UnboundedReceiver<LinkCommand>) {
    while commands.recv().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ari::{Connection, Password};
    use crate::simulator::{self, SimConfig, SimHandle};

    const FIRST: Duration = Duration::from_millis(1);

    /// A link that is driven by hand, and what it tells.
    fn supervisor(
        asterisk: &SimHandle,
        longest: Duration,
    ) -> (
        Supervisor,
        mpsc::Receiver<LinkEvent>,
        mpsc::UnboundedSender<LinkCommand>,
    ) {
        let client = Client::new(&Connection {
            url: asterisk.url().parse().expect("a URL"),
            username: "dialdeck".to_owned(),
            password: Password::new("dialdeck"),
            app: "dialdeck".to_owned(),
            ca: None,
            timeout: Connection::DEFAULT_TIMEOUT,
        });
        let config = LinkConfig {
            check: Arc::new(|_, _, _| AppVerdict::Connect),
            occasion: Occasion::First,
            timing: LinkTiming {
                backoff_first: FIRST,
                backoff_max: longest,
                ..LinkTiming::default()
            },
        };
        let (events, told) = mpsc::channel(EVENT_QUEUE);
        let (commands, inbox) = mpsc::unbounded_channel();
        let supervisor = Supervisor {
            backoff: Backoff::new(config.timing),
            occasion: config.occasion,
            config,
            client: client.expect("a good connection"),
            events,
            commands: inbox,
            state: watch::channel(LinkState::Starting).0,
            stats: Arc::new(LinkStats::new()),
            down: None,
            unanswered: Vec::new(),
        };
        (supervisor, told, commands)
    }

    /// The wait before the next try after a connection that lasted so long, where the waits had
    /// grown to the longest before.
    async fn wait_after(longest: Duration, lasts: Duration) -> Duration {
        let asterisk = simulator::start(SimConfig::default()).await;
        let asterisk = asterisk.expect("a simulator");
        let (mut supervisor, mut told, _commands) = supervisor(&asterisk, longest);
        for _ in 0..40 {
            supervisor.backoff.next(&DownReason::Closed);
        }
        let cut = async {
            let up = told.recv().await;
            assert!(matches!(up, Some(LinkEvent::Up { .. })), "{up:?}");
            tokio::time::sleep(lasts).await;
            asterisk.drop_sockets();
        };
        let (end, ()) = tokio::join!(supervisor.connection(false), cut);
        assert!(matches!(end, End::Lost(_)), "the socket was dropped");
        supervisor.backoff.next(&DownReason::Closed)
    }

    #[tokio::test]
    async fn a_long_connection_resets_the_back_off_and_a_short_one_does_not() {
        let longest = Duration::from_millis(20);
        let wait = wait_after(longest, longest * 2).await;
        assert!(wait <= FIRST, "{wait:?}");
        let longest = Duration::from_secs(3600);
        let wait = wait_after(longest, Duration::ZERO).await;
        assert!(wait >= longest / 2, "{wait:?}");
    }

    /// Without a connection nothing was good.
    #[tokio::test]
    async fn a_failed_connect_does_not_reset_the_back_off() {
        let asterisk = simulator::start(SimConfig::default()).await;
        let asterisk = asterisk.expect("a simulator");
        let longest = Duration::from_secs(3600);
        let (mut supervisor, _told, _commands) = supervisor(&asterisk, longest);
        asterisk.shutdown().await;
        for _ in 0..40 {
            supervisor.backoff.next(&DownReason::Closed);
        }
        let end = supervisor.connection(false).await;
        assert!(matches!(end, End::Lost(_)), "nobody listens");
        let wait = supervisor.backoff.next(&DownReason::Closed);
        assert!(wait >= longest / 2, "{wait:?}");
    }
}
