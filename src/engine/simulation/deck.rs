//! One process: the real engine, and the ends of what is around it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};

use super::network::Network;
use crate::ari::Client;
use crate::ari::link::{EVENT_QUEUE, Link, LinkEvent, LinkState, Occasion};
use crate::campaign::{Numbers, Time};
use crate::config::Settings;
use crate::engine::start::{Outside, connection, parts};
use crate::engine::{Clock, Engine, Fetched, Handle, Incoming, Options, Snapshot, Told};
use crate::journal::{ByHand, Journal, Recovered};
use crate::recordings::{Admitted, Fetcher};
use crate::simulator::ConnectionId;

/// Requests that the client has under way at once: few, so that some wait at the gate.
const PLACES: usize = 3;

pub(super) struct Deck {
    pub(super) engine: Engine,
    pub(super) handle: Handle,
    pub(super) network: Network,
    pub(super) writing: ByHand,
    pub(super) link: watch::Sender<LinkState>,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) jobs: mpsc::Receiver<Admitted>,
    pub(super) fetched: mpsc::Sender<Fetched>,
    /// The socket on which Asterisk's events come; what is sent on any other is lost.
    pub(super) socket: Option<ConnectionId>,
    pub(super) occasion: Occasion,
    pub(super) prefix: String,
    /// Steps of the engine since the link's state changed.
    pub(super) steps_since_link: u32,
}

impl Deck {
    /// Starts a process on what the journal has.
    pub(super) fn start(
        settings: &Settings,
        numbers: &Numbers,
        options: Options,
    ) -> Result<(Self, Recovered), String> {
        let network = Network::default();
        let client = Client::over(network.clone(), &connection(settings), PLACES)
            .map_err(|e| e.to_string())?;
        let opened = Journal::open_by_hand(&settings.state_file);
        let (journal, recovered, writing) = opened.map_err(|e| e.to_string())?;
        let (link, link_state) = watch::channel(LinkState::Starting);
        let (events, link_events) = mpsc::channel(EVENT_QUEUE / 64);
        let (fetcher, jobs) = Fetcher::by_hand();
        let (done, outcomes) = mpsc::channel(1024);
        let outside = Outside {
            link: Link::by_hand(link_state),
            link_events,
            fetcher,
            fetched: outcomes,
            mirror: None,
            target_check: Arc::new(|_| std::future::ready(None).boxed()),
            format_probe: None,
        };
        let known = recovered.clone();
        let made = parts(
            settings,
            numbers,
            options,
            Clock::new(),
            client,
            journal,
            recovered,
        );
        let made = made.map_err(|e| e.to_string())?;
        let (engine, handle) = made.assemble(settings, options, outside);
        let prefix = engine.requester.channels.ids().prefix().to_owned();
        let deck = Self {
            engine,
            handle,
            network,
            writing,
            link,
            events,
            jobs,
            fetched: done,
            socket: None,
            occasion: Occasion::First,
            prefix,
            steps_since_link: 0,
        };
        Ok((deck, known))
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(*self.link.borrow(), LinkState::Up { .. })
    }

    /// What the link knows is known to all at once, whatever still waits in its queue.
    pub(super) fn set_link(&mut self, state: LinkState) {
        self.link.send_replace(state);
        self.steps_since_link = 0;
    }

    /// Something that has come in, from any of the sources that have something.
    pub(super) fn incoming(&mut self, rng: &mut fastrand::Rng, now: Time) -> Option<Incoming> {
        let mut sources = [0, 1, 2, 3, 4];
        rng.shuffle(&mut sources);
        sources
            .into_iter()
            .find_map(|source| self.from(source, now))
    }

    fn from(&mut self, source: u8, now: Time) -> Option<Incoming> {
        let engine = &mut self.engine;
        match source {
            0 => engine.messages.try_recv().ok().map(Incoming::Message),
            1 => engine.link_events.try_recv().ok().map(Incoming::Link),
            2 => engine.requests.try_recv().ok().map(Incoming::Request),
            3 => engine.fetched.try_recv().ok().map(Incoming::Fetched),
            _ => (engine.wake_at(now) <= now).then_some(Incoming::Tick),
        }
    }

    pub(super) fn picture(&self) -> Arc<Snapshot> {
        Arc::clone(&self.handle.snapshots.borrow())
    }

    /// Nobody reads the news here; they must not pile up.
    pub(super) fn news(&mut self) -> Vec<Told> {
        let mut news = Vec::new();
        while let Ok(told) = self.handle.news.try_recv() {
            news.push(told.what);
        }
        news
    }
}

/// How long after the uptime of 0 the simulated machine's wall clock began.
pub(super) const EPOCH: Time = Time::from_millis(1_700_000_000_000);

/// A moment of the simulation as the world has it.
pub(super) fn world_time(uptime: Duration) -> Time {
    EPOCH + uptime
}
