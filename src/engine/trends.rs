//! The last ten minutes, second by second.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::campaign::{CallStep, Time};

/// How many seconds are kept.
pub const SECONDS: usize = 600;

/// One second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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

/// Counts what the trends show.
#[derive(Debug)]
pub(super) struct Meter {
    trends: Arc<Trends>,
    /// How many calls are up now: what is true of each second in which nothing happens.
    in_use: u32,
}

impl Meter {
    /// Counts from now on.
    pub(super) fn new(now: Time) -> Self {
        let trends = Trends {
            newest: second(now),
            seconds: VecDeque::from([Second::default()]),
        };
        Self {
            trends: Arc::new(trends),
            in_use: 0,
        }
    }

    /// The seconds up to now. Sharing them costs nothing; the next change copies them once.
    pub(super) fn trends(&mut self, now: Time) -> Arc<Trends> {
        self.pass(now);
        Arc::clone(&self.trends)
    }

    /// So many calls are up.
    pub(super) fn calls(&mut self, now: Time, in_use: usize) {
        let in_use = u32::try_from(in_use).unwrap_or(u32::MAX);
        self.pass(now);
        if in_use == self.in_use {
            return;
        }
        self.in_use = in_use;
        if let Some(second) = self.newest() {
            second.calls = second.calls.max(in_use);
        }
    }

    /// A call came this far.
    pub(super) fn step(&mut self, now: Time, step: CallStep) {
        self.pass(now);
        let Some(second) = self.newest() else { return };
        match step {
            CallStep::Dialing => second.dialed += 1,
            CallStep::Answered => second.answered += 1,
            CallStep::Bridged { dead_air_ms } => {
                second.dead_air_ms = second.dead_air_ms.max(Some(dead_air_ms));
            }
            CallStep::Ringing | CallStep::EarlyMedia | CallStep::Agent | CallStep::Withdrawn => {}
        }
    }

    fn newest(&mut self) -> Option<&mut Second> {
        Arc::make_mut(&mut self.trends).seconds.back_mut()
    }

    /// Fills the seconds that have begun meanwhile.
    fn pass(&mut self, now: Time) {
        let new = second(now).saturating_sub(self.trends.newest);
        if new == 0 {
            return;
        }
        let idle = Second {
            calls: self.in_use,
            ..Second::default()
        };
        let trends = Arc::make_mut(&mut self.trends);
        trends.newest += new;
        let new = usize::try_from(new).unwrap_or(SECONDS).min(SECONDS);
        trends.seconds.extend(std::iter::repeat_n(idle, new));
        let over = trends.seconds.len().saturating_sub(SECONDS);
        trends.seconds.drain(..over);
    }
}

fn second(at: Time) -> u64 {
    at.millis() / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn calls(trends: &Trends) -> Vec<u32> {
        trends.seconds.iter().map(|s| s.calls).collect()
    }

    #[test]
    fn each_second_has_the_most_calls_that_were_up_in_it() {
        let mut meter = Meter::new(at(5_000));
        for (ms, in_use) in [(5_100, 2), (5_200, 1), (6_500, 3), (8_999, 0)] {
            meter.calls(at(ms), in_use);
        }
        let trends = meter.trends(at(10_000));
        assert_eq!(trends.newest, 10);
        // 7 and the beginning of 8 had the three of 6; 9 and 10 have none.
        assert_eq!(calls(&trends), [2, 3, 3, 3, 0, 0]);
    }

    #[test]
    fn steps_count_in_the_second_in_which_they_happened() {
        let mut meter = Meter::new(at(0));
        meter.step(at(10), CallStep::Dialing);
        meter.step(at(20), CallStep::Dialing);
        meter.step(at(1_000), CallStep::Answered);
        meter.step(at(1_100), CallStep::Bridged { dead_air_ms: 70 });
        meter.step(at(1_200), CallStep::Bridged { dead_air_ms: 12 });
        meter.step(at(1_300), CallStep::Ringing);
        let trends = meter.trends(at(2_000));
        let found: Vec<_> = trends
            .seconds
            .iter()
            .map(|s| (s.dialed, s.answered, s.dead_air_ms))
            .collect();
        assert_eq!(found, [(2, 0, None), (0, 1, Some(70)), (0, 0, None)]);
        assert!((trends.cps(2) - 1.0).abs() < 1e-9, "{}", trends.cps(2));
    }

    #[test]
    fn ten_minutes_are_kept_however_long_nothing_happened() {
        let mut meter = Meter::new(at(0));
        meter.calls(at(0), 7);
        let trends = meter.trends(at(100_000_000));
        assert_eq!(trends.seconds.len(), SECONDS);
        assert_eq!(trends.newest, 100_000);
        assert!(calls(&trends).iter().all(|calls| *calls == 7));
    }

    #[test]
    fn a_picture_that_was_given_away_stays_as_it_was() {
        let mut meter = Meter::new(at(0));
        let before = meter.trends(at(0));
        assert!(Arc::ptr_eq(&before, &meter.trends(at(999))));
        meter.step(at(500), CallStep::Dialing);
        assert_eq!(before.seconds[0].dialed, 0);
        assert_eq!(meter.trends(at(500)).seconds[0].dialed, 1);
    }
}
