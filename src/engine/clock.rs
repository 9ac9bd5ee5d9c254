//! The one clock: monotonic, anchored once to the wall clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::campaign::Time;

/// Gives the campaign its time. It follows the wall clock of the moment it was made and
/// never jumps, whatever is done to the wall clock afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    made: Instant,
    wall: Time,
    #[cfg(test)]
    made_virtually: Option<Duration>,
}

impl Clock {
    /// Anchored now.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(test)]
        if let Some((uptime, wall)) = virtual_time::now() {
            return Self {
                made: Instant::now(),
                wall,
                made_virtually: Some(uptime),
            };
        }
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            made: Instant::now(),
            wall: Time::default() + wall,
            #[cfg(test)]
            made_virtually: None,
        }
    }

    /// One that shows `now` at this moment: that of another machine.
    #[must_use]
    pub fn showing(now: Time) -> Self {
        Self {
            made: Instant::now(),
            wall: now,
            #[cfg(test)]
            made_virtually: None,
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        #[cfg(test)]
        if let (Some(made), Some((uptime, _))) = (self.made_virtually, virtual_time::now()) {
            return self.wall + uptime.saturating_sub(made);
        }
        self.wall + self.made.elapsed()
    }

    /// What it showed at `instant`; its first moment, if it was made later.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Time {
        self.wall + instant.saturating_duration_since(self.made)
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

/// Time as a simulation has it, one for each thread.
#[cfg(test)]
pub(super) mod virtual_time {
    use std::cell::Cell;
    use std::time::Duration;

    use crate::campaign::Time;

    thread_local! {
        static NOW: Cell<Option<(Duration, Time)>> = const { Cell::new(None) };
    }

    /// How long the machine has been up, and what its wall clock shows; `None` where time is
    /// real.
    pub(super) fn now() -> Option<(Duration, Time)> {
        NOW.get()
    }

    /// Sets both on this thread. Clocks follow the first, and look at the second only when
    /// they are made.
    pub(in crate::engine) fn set(uptime: Duration, wall: Time) {
        NOW.set(Some((uptime, wall)));
    }
}
