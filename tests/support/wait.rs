//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

/// Waits until `holds`, which must come about within the time.
pub(crate) fn wait(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let until = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < until, "no {what} within {within:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
