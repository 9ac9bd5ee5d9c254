//! What has come in over the link.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::event::ParseError;
use super::super::tally::Tally;

/// `last_event` before there was one.
const NEVER: u64 = u64::MAX;

/// Counters of a link, shared with whoever shows them.
#[derive(Debug)]
pub struct LinkStats {
    began: Instant,
    events: AtomicU64,
    bytes: AtomicU64,
    unknown: AtomicU64,
    malformed: AtomicU64,
    attempts: AtomicU64,
    connected: AtomicU64,
    overruns: AtomicU64,
    /// Milliseconds after `began`.
    last_event: AtomicU64,
    /// As `last_event`, answers to pings included.
    last_heard: AtomicU64,
    /// A std mutex: held for a map look-up, on kinds that are rare, and never across an
    /// await.
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    unknown: Tally,
    malformed: Tally,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkStatsSnapshot {
    /// Messages that came in, unknown and malformed ones included.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events of a kind that is not known here.
    pub unknown: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Tries to connect.
    pub attempts: u64,
    /// How many of them succeeded; all but the first are reconnects.
    pub connected: u64,
    /// How often the link was dropped because the engine was too far behind.
    pub overruns: u64,
    /// How long ago the last message came.
    pub last_event_age: Option<Duration>,
    /// Unknown kinds with their counts: at most [`super::super::MAX_NAMES`], the rest as
    /// `other`.
    pub unknown_kinds: Vec<(String, u64)>,
    /// Kinds that could not be read, with their counts; `none` is what was no event.
    pub malformed_kinds: Vec<(String, u64)>,
}

impl LinkStats {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            attempts: AtomicU64::new(0),
            connected: AtomicU64::new(0),
            overruns: AtomicU64::new(0),
            last_event: AtomicU64::new(NEVER),
            last_heard: AtomicU64::new(NEVER),
            names: Mutex::default(),
        }
    }

    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> LinkStatsSnapshot {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let names = self.names();
        LinkStatsSnapshot {
            events: get(&self.events),
            bytes: get(&self.bytes),
            unknown: get(&self.unknown),
            malformed: get(&self.malformed),
            attempts: get(&self.attempts),
            connected: get(&self.connected),
            overruns: get(&self.overruns),
            last_event_age: self.age(&self.last_event),
            unknown_kinds: names.unknown.all(),
            malformed_kinds: names.malformed.all(),
        }
    }

    /// How long ago Asterisk was last heard, be it by an event or by its answer to a ping.
    #[must_use]
    pub fn last_heard_age(&self) -> Option<Duration> {
        self.age(&self.last_heard)
    }

    /// Something came in.
    pub(super) fn count_sign_of_life(&self) {
        self.last_heard.store(self.now(), Ordering::Relaxed);
    }

    fn age(&self, mark: &AtomicU64) -> Option<Duration> {
        let mark = mark.load(Ordering::Relaxed);
        (mark != NEVER).then(|| Duration::from_millis(self.now().saturating_sub(mark)))
    }

    pub(super) fn count_message(&self, bytes: usize) {
        self.events.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.last_event.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn count_unknown(&self, kind: &str) {
        self.unknown.fetch_add(1, Ordering::Relaxed);
        self.names().unknown.count(kind);
    }

    /// Counts it, and writes the first of each kind to the log.
    pub(super) fn count_malformed(&self, error: &ParseError) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
        let count = self.names().malformed.count(error.kind());
        if count == 1 {
            tracing::warn!(
                kind = error.kind(),
                "{error}; further ones are only counted"
            );
        }
    }

    pub(super) fn count_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_connected(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_overrun(&self) {
        self.overruns.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(NEVER - 1)
    }

    /// Counters stay usable whoever panicked with them.
    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
