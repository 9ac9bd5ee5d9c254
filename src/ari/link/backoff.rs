//! How long to wait before the next try.

use std::time::Duration;

use super::{DownReason, LinkTiming};

/// Doubling waits with jitter, so that many engines do not come back in step.
pub(super) struct Backoff {
    timing: LinkTiming,
    next: Duration,
}

impl Backoff {
    pub(super) const fn new(timing: LinkTiming) -> Self {
        Self {
            timing,
            next: timing.backoff_first,
        }
    }

    /// The wait after a failure.
    pub(super) fn next(&mut self, why: &DownReason) -> Duration {
        if *why == DownReason::LoginRefused {
            return jittered(self.timing.backoff_login);
        }
        let wait = self.next;
        self.next = (wait * 2).min(self.timing.backoff_max);
        jittered(wait)
    }

    /// A connection that lasted longer than the longest wait was a good one: begin anew.
    pub(super) fn lasted(&mut self, time: Duration) {
        if time >= self.timing.backoff_max {
            self.next = self.timing.backoff_first;
        }
    }
}

/// Between half of `wait` and all of it.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_a_good_connection() {
        let timing = LinkTiming::default();
        let mut backoff = Backoff::new(timing);
        for expected_ms in [100, 200, 400, 800, 1600, 2000, 2000] {
            let wait = backoff.next(&DownReason::Closed);
            let most = Duration::from_millis(expected_ms);
            assert!(wait >= most / 2 && wait <= most, "{wait:?} of {most:?}");
        }
        backoff.lasted(Duration::from_secs(1));
        assert!(backoff.next(&DownReason::Closed) > timing.backoff_first);
        backoff.lasted(Duration::from_secs(6));
        assert!(backoff.next(&DownReason::Closed) <= timing.backoff_first);
    }

    /// It dials again within five seconds: this wait, and then a look at what lives there.
    #[test]
    fn an_asterisk_that_is_back_is_found_within_two_seconds_however_long_it_was_away() {
        let mut backoff = Backoff::new(LinkTiming::default());
        let longest = (0..100).map(|_| backoff.next(&DownReason::Closed)).max();
        assert!(longest <= Some(Duration::from_secs(2)), "{longest:?}");
    }

    #[test]
    fn a_refused_login_waits_longer() {
        let mut backoff = Backoff::new(LinkTiming::default());
        let wait = backoff.next(&DownReason::LoginRefused);
        assert!(wait >= Duration::from_millis(7500), "{wait:?}");
    }
}
