//! The last ten minutes, second by second.

use std::collections::VecDeque;

/// How many seconds are kept.
pub const SECONDS: usize = 600;

/// One second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Second {
    /// The most calls that were up at once.
    pub calls: u32,
    /// Originates that left.
    pub dialed: u32,
    /// People who answered.
    pub answered: u32,
    /// The longest dead air of a call that was bridged, in milliseconds.
    pub dead_air_ms: Option<u32>,
}

/// A ring of seconds. The newest is still being counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trends {
    /// The number of the newest second since 1970.
    pub newest: u64,
    /// The seconds, the oldest first; at most [`SECONDS`].
    pub seconds: VecDeque<Second>,
}

impl Trends {
    /// Calls per second over the last `span` whole seconds.
    #[must_use]
    pub fn cps(&self, span: usize) -> f64 {
        let whole = self.seconds.iter().rev().skip(1).take(span);
        let (count, dialed) = whole.fold((0_u32, 0_u32), |(n, d), s| (n + 1, d + s.dialed));
        if count == 0 {
            return 0.0;
        }
        f64::from(dialed) / f64::from(count)
    }
}
