//! How the dead air of all calls is spread, in a fixed amount of memory.

use serde::{Deserialize, Serialize};

/// Below this many milliseconds each has a bucket of its own.
const EXACT: u32 = 128;
/// Buckets from one power of two to the next, beginning with [`EXACT`].
const STEPS: u32 = 16;
/// Longer ones count as an hour: by then it is no matter of milliseconds.
const MOST_MS: u32 = 3_600_000;
const BUCKETS: usize = bucket(MOST_MS) + 1;

/// A histogram: exact to the millisecond below 128 ms, then to 1/16 of the value, up to an
/// hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Sparse", from = "Sparse")]
pub(super) struct DeadAir {
    counts: [u32; BUCKETS],
    sum_ms: u64,
}

impl Default for DeadAir {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            sum_ms: 0,
        }
    }
}

/// A histogram as it is written: most buckets are empty.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Sparse {
    counts: Vec<(usize, u32)>,
    sum_ms: u64,
}

impl From<DeadAir> for Sparse {
    fn from(dead_air: DeadAir) -> Self {
        let counts = dead_air.counts.into_iter().enumerate();
        Self {
            counts: counts.filter(|(_, count)| *count > 0).collect(),
            sum_ms: dead_air.sum_ms,
        }
    }
}

impl From<Sparse> for DeadAir {
    fn from(sparse: Sparse) -> Self {
        let mut dead_air = Self {
            sum_ms: sparse.sum_ms,
            ..Self::default()
        };
        for (bucket, count) in sparse.counts {
            if let Some(slot) = dead_air.counts.get_mut(bucket) {
                *slot = count;
            }
        }
        dead_air
    }
}

impl DeadAir {
    pub(super) fn add(&mut self, ms: u32) {
        let count = &mut self.counts[bucket(ms.min(MOST_MS))];
        *count = count.saturating_add(1);
        self.sum_ms += u64::from(ms);
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// How long they are all together, in milliseconds.
    pub(super) fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    /// How many are as long as `ms` or shorter: exact below 128 ms and at the ends of buckets,
    /// such as 255 or 1023; else those up to the end of its bucket.
    pub(super) fn up_to(&self, ms: u32) -> u64 {
        let last = bucket(ms.min(MOST_MS));
        self.counts[..=last].iter().copied().map(u64::from).sum()
    }

    /// The value that `share` (0 to 1) of the others stay below, in milliseconds: the upper
    /// end of its bucket, which never makes it look shorter than it was.
    pub(super) fn quantile(&self, share: f64) -> Option<u32> {
        let all = self.count();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank below the number of calls, rounded down"
        )]
        let rank = (all as f64 * share.clamp(0.0, 1.0)) as u64;
        let rank = rank.min(all.checked_sub(1)?);
        let mut up_to_here = 0;
        let found = self.counts.iter().position(|count| {
            up_to_here += u64::from(*count);
            up_to_here > rank
        })?;
        Some(longest(found))
    }
}

/// Where `ms` is counted.
const fn bucket(ms: u32) -> usize {
    let index = if ms < EXACT {
        ms
    } else {
        let octave = ms.ilog2() - EXACT.ilog2();
        // 16 to 31: the leading bit and the four that follow it.
        let leading = ms >> (ms.ilog2() - STEPS.ilog2());
        EXACT + octave * STEPS + (leading - STEPS)
    };
    index as usize
}

/// The longest dead air that is counted in the bucket `index`.
fn longest(index: usize) -> u32 {
    (0..=MOST_MS.ilog2())
        .rev()
        .fold(0, |ms, bit| {
            let more = ms | (1 << bit);
            if bucket(more) <= index { more } else { ms }
        })
        .min(MOST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u32>) -> DeadAir {
        let mut dead_air = DeadAir::default();
        for ms in values {
            dead_air.add(ms);
        }
        dead_air
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(DeadAir::default().quantile(0.5), None);
    }

    #[test]
    fn below_128_ms_each_value_is_told_exactly() {
        for ms in 0..128 {
            assert_eq!(of([ms]).quantile(0.5), Some(ms));
        }
    }

    #[test]
    fn above_a_value_is_told_at_most_a_sixteenth_too_long_and_never_too_short() {
        for ms in (128..100_000).chain((100_000..=MOST_MS).step_by(997)) {
            let told = of([ms]).quantile(0.5).expect("there is one");
            assert!(told >= ms && told - ms < ms / 16 + 1, "{ms} told as {told}");
        }
    }

    #[test]
    fn counts_up_to_a_bound_are_exact_at_the_ends_of_buckets() {
        let dead_air = of(0..3000);
        for ms in (0..128).chain([255, 511, 1023, 2047]) {
            assert_eq!(dead_air.up_to(ms), u64::from(ms) + 1, "{ms}");
        }
        assert_eq!((dead_air.count(), dead_air.sum_ms()), (3000, 2999 * 1500));
    }

    #[test]
    fn longer_is_never_counted_below_shorter() {
        let buckets: Vec<_> = (0..50_000).map(bucket).collect();
        assert!(buckets.is_sorted());
        let gapless = buckets.windows(2).all(|pair| pair[1] - pair[0] <= 1);
        assert!(gapless, "a bucket stays empty");
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let dead_air = of((0..100).rev());
        for (share, ms) in [(0.0, 0), (0.5, 50), (0.99, 99), (1.0, 99)] {
            assert_eq!(dead_air.quantile(share), Some(ms), "at {share}");
        }
        let one_slow = of(std::iter::repeat_n(3, 99).chain([100]));
        assert_eq!(one_slow.quantile(0.98), Some(3));
        assert_eq!(one_slow.quantile(0.99), Some(100));
    }

    #[test]
    fn a_share_beyond_0_and_1_is_the_shortest_and_the_longest() {
        let dead_air = of([1, 2, 3]);
        assert_eq!(dead_air.quantile(-1.0), Some(1));
        assert_eq!(dead_air.quantile(7.0), Some(3));
    }

    #[test]
    fn more_than_an_hour_counts_as_an_hour() {
        assert_eq!(of([u32::MAX]).quantile(0.5), Some(MOST_MS));
    }

    #[test]
    fn it_is_small_enough_to_be_copied_ten_times_a_second() {
        assert!(size_of::<DeadAir>() < 2048, "{}", size_of::<DeadAir>());
    }
}
