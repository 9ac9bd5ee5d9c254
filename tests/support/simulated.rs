//! A simulated Asterisk for tests that are not async.

use std::ops::Deref;

use dialdeck::simulator::{Scenario, SimConfig, SimHandle, start};
use tokio::runtime::Runtime;

use super::deck::Deck;

/// A simulated Asterisk on a runtime of its own. It ends with this.
pub(crate) struct Asterisk {
    // Before the runtime that it lives on.
    handle: SimHandle,
    runtime: Runtime,
}

/// A simulator with the lab's numbers and targets, which does no wrong.
pub(crate) fn lab() -> SimConfig {
    SimConfig {
        scenario: Scenario::lab(),
        ..SimConfig::default()
    }
}

impl Asterisk {
    pub(crate) fn start(config: SimConfig) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let handle = runtime.block_on(start(config)).expect("a simulator");
        Self { handle, runtime }
    }

    /// With the lab's numbers and targets, and these faults (JSON).
    pub(crate) fn with_faults(faults: &str) -> Self {
        Self::start(SimConfig {
            faults: serde_json::from_str(faults).expect("faults"),
            ..lab()
        })
    }

    /// A folder whose settings lead to it.
    pub(crate) fn deck(&self) -> Deck {
        Deck::on(&self.url())
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Every number of `list` is accounted for and none was called twice, and nothing is left
    /// in Asterisk. Gives the dispositions, in the order of the list.
    pub(crate) fn assert_accounted(&self, deck: &Deck, list: &[String]) -> Vec<String> {
        let report = deck.report();
        assert_eq!(report.len(), list.len());
        let dispositions = report.iter().map(|row| {
            let disposition = row["disposition"].as_str().unwrap_or_default();
            assert!(!disposition.is_empty(), "forgotten: {row:?}");
            disposition.to_owned()
        });
        let dispositions = dispositions.collect();
        let mut called = self.calls_placed();
        called.sort();
        for pair in called.windows(2) {
            assert_ne!(pair[0], pair[1], "called twice");
        }
        assert!(self.channels().is_empty(), "channels are left");
        assert!(self.bridges().is_empty(), "bridges are left");
        dispositions
    }
}

impl Deref for Asterisk {
    type Target = SimHandle;

    fn deref(&self) -> &SimHandle {
        &self.handle
    }
}
