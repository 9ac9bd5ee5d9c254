//! Figures of the campaign.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::dead_air::DeadAir;
use super::disposition::Disposition;
use super::io::{CallSummary, Effect, Notice};

/// Figures of the calls that this process placed: those it took over from a dead one are
/// not among them, but for recordings of theirs that failed.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Stats {
    /// Attempts that ended.
    pub attempts: u32,
    /// Of them, people who picked up.
    pub seizures: u32,
    /// Of them, those who reached the target.
    pub bridged: u32,
    /// How long the conversations were, all together.
    pub talk: Duration,
    /// Recordings that could not be made.
    pub recordings_failed: u32,
    /// How the attempts ended, in the order of [`Disposition::ALL`]. A dialer of an earlier
    /// version, which a console is attached to, does not tell.
    #[serde(default)]
    ended: [u32; Disposition::ALL.len()],
    dead_air: DeadAir,
}

impl Stats {
    pub(super) fn count(&mut self, effect: &Effect) {
        match effect {
            Effect::Tell(Notice::Ended(call)) if !call.inherited => self.count_call(call),
            Effect::Tell(Notice::RecordingFailed { .. }) => self.recordings_failed += 1,
            _ => {}
        }
    }

    fn count_call(&mut self, call: &CallSummary) {
        self.attempts += 1;
        self.ended[call.disposition as usize] += 1;
        self.seizures += u32::from(call.disposition.is_seizure());
        if let Some(bridged) = call.bridged_at {
            self.bridged += 1;
            self.talk += call.ended_at.since(bridged);
        }
        if let Some(ms) = call.dead_air_ms {
            self.dead_air.add(ms);
        }
    }

    /// How many attempts ended as `disposition`.
    #[must_use]
    pub fn ended_as(&self, disposition: Disposition) -> u32 {
        self.ended[disposition as usize]
    }

    /// The dead air below which `share` (0 to 1) of the bridged calls stayed, in
    /// milliseconds: exact below 128 ms, above that at most 1/16 too long, an hour at the
    /// most. `None` until a call was bridged.
    #[must_use]
    pub fn dead_air_ms(&self, share: f64) -> Option<u32> {
        self.dead_air.quantile(share)
    }

    /// How many bridged calls had a dead air of `ms` milliseconds or less: exact below 128 and
    /// at 255, 511, 1023 and so on.
    #[must_use]
    pub fn dead_air_up_to(&self, ms: u32) -> u64 {
        self.dead_air.up_to(ms)
    }

    /// How many bridged calls there were a dead air of.
    #[must_use]
    pub fn dead_air_count(&self) -> u64 {
        self.dead_air.count()
    }

    /// The dead air of all of them together.
    #[must_use]
    pub fn dead_air_sum(&self) -> Duration {
        Duration::from_millis(self.dead_air.sum_ms())
    }

    /// Average call duration: of the bridged calls.
    #[must_use]
    pub fn acd(&self) -> Duration {
        self.talk.checked_div(self.bridged).unwrap_or_default()
    }

    /// Answer-seizure ratio, 0 to 1.
    #[must_use]
    pub fn asr(&self) -> f64 {
        if self.attempts == 0 {
            return 0.0;
        }
        f64::from(self.seizures) / f64::from(self.attempts)
    }
}
