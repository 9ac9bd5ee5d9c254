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

    /// In halves of the longest that the `n`th wait may be, over many engines: the shortest, the
    /// longest, and how many lie in the upper half.
    fn spread(n: usize, why: &DownReason, longest: Duration) -> (f64, f64, usize) {
        let shares: Vec<f64> = (0..1000)
            .map(|engine| {
                fastrand::seed(engine);
                let mut backoff = Backoff::new(LinkTiming::default());
                let wait = (0..=n).map(|_| backoff.next(why)).last();
                wait.expect("there is one").div_duration_f64(longest)
            })
            .collect();
        let shortest = shares.iter().copied().fold(f64::MAX, f64::min);
        let longest = shares.iter().copied().fold(f64::MIN, f64::max);
        (
            shortest,
            longest,
            shares.iter().filter(|share| **share > 0.75).count(),
        )
    }

    #[test]
    fn waits_are_spread_over_half_of_their_length() {
        let timing = LinkTiming::default();
        let cases = [
            (0, DownReason::Closed, timing.backoff_first),
            (1, DownReason::Closed, timing.backoff_first * 2),
            (20, DownReason::Closed, timing.backoff_max),
            (0, DownReason::LoginRefused, timing.backoff_login),
        ];
        for (n, why, most) in cases {
            let (shortest, longest, upper) = spread(n, &why, most);
            assert!((0.5..0.55).contains(&shortest), "{why:?} {n}: {shortest}");
            assert!(longest > 0.95 && longest <= 1.0, "{why:?} {n}: {longest}");
            assert!((400..600).contains(&upper), "{why:?} {n}: {upper}");
        }
    }

    #[test]
    fn only_a_connection_as_long_as_the_longest_wait_resets_the_doubling() {
        let timing = LinkTiming::default();
        let mut backoff = Backoff::new(timing);
        let grows = |backoff: &mut Backoff| {
            for expected_ms in [100, 200, 400, 800, 1600, 2000] {
                let wait = backoff.next(&DownReason::Closed);
                let most = Duration::from_millis(expected_ms);
                assert!(wait >= most / 2 && wait <= most, "{wait:?} of {most:?}");
            }
        };
        for _ in 0..2 {
            grows(&mut backoff);
            let a_little = Duration::from_millis(1);
            backoff.lasted(timing.backoff_max.saturating_sub(a_little));
            assert!(backoff.next(&DownReason::Closed) >= timing.backoff_max / 2);
            backoff.lasted(timing.backoff_max);
        }
        grows(&mut backoff);
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
