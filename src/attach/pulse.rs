//! How far the engine's count of its own life is, so that it can tell how old an order is.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The engine's count at some instant of ours. `None` before it has told any.
///
/// A std mutex: held to copy two numbers.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Option<(u64, Instant)>>);

impl Pulse {
    /// A new stream, maybe of another process.
    pub(super) fn begins(&self, beat: u64) {
        self.set(Some((beat, Instant::now())));
    }

    /// A beat of this stream. One that was held up on its way says less than the one before.
    pub(super) fn heard(&self, beat: u64) {
        let now = Instant::now();
        if self.at(now).is_none_or(|known| beat > known) {
            self.set(Some((beat, now)));
        }
    }

    /// The engine's count at this instant.
    pub(super) fn at(&self, instant: Instant) -> Option<u64> {
        let (beat, heard) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let before = millis(heard.saturating_duration_since(instant));
        let after = millis(instant.saturating_duration_since(heard));
        Some(beat.saturating_sub(before).saturating_add(after))
    }

    fn set(&self, known: Option<(u64, Instant)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beat_that_was_held_up_least_counts_until_a_new_stream_begins() {
        let pulse = Pulse::default();
        let key = Instant::now();
        assert_eq!(pulse.at(key), None);
        pulse.begins(1_000_000);
        let told = |pulse: &Pulse| pulse.at(key).expect("a beat was heard");
        let first = told(&pulse);
        assert!((990_000..=1_000_000).contains(&first), "{first}");
        pulse.heard(900_000);
        assert_eq!(told(&pulse), first);
        pulse.heard(1_100_000);
        assert!((1_090_000..=1_100_000).contains(&told(&pulse)));
        pulse.begins(50);
        assert!(told(&pulse) <= 50);
        let later = pulse.at(key + Duration::from_secs(100));
        assert!(
            later.is_some_and(|at| (90_000..=100_050).contains(&at)),
            "{later:?}"
        );
    }
}
