//! The one clock: monotonic, anchored once to the wall clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::campaign::Time;

/// Gives the campaign its time. It follows the wall clock of the moment it was made and
/// never jumps, whatever is done to the wall clock afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    made: Instant,
    wall: Time,
}

impl Clock {
    /// Anchored now.
    #[must_use]
    pub fn new() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            made: Instant::now(),
            wall: Time::default() + wall,
        }
    }

    /// One that shows `now` at this moment: that of another machine.
    #[must_use]
    pub fn showing(now: Time) -> Self {
        Self {
            made: Instant::now(),
            wall: now,
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.wall + self.made.elapsed()
    }

    /// The instant at which it will be `at`; now, if that is past.
    #[must_use]
    pub fn instant(&self, at: Time) -> Instant {
        let ahead: Duration = at.since(self.now());
        Instant::now() + ahead
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
