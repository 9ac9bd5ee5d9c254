//! The figures of a process, recomputed from what it has written down.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Sim;
use crate::campaign::*;

/// What an operator is shown of the calls that one process placed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) attempts: u32,
    /// People who picked up, whatever came of it.
    pub(super) seizures: u32,
    pub(super) bridged: u32,
    pub(super) talk: Duration,
    dead_airs: u64,
    dead_air: Duration,
    ended: BTreeMap<Disposition, u32>,
}

/// An attempt, as far as it has come.
#[derive(Debug, Default)]
struct Attempt {
    answered: bool,
    bridged_at: Option<Time>,
}

impl Figures {
    /// What these records add up to. Attempts that were begun before them are not counted, nor
    /// those that the journal did not take.
    pub(super) fn of(records: &[Record]) -> Self {
        let mut figures = Self::default();
        let mut attempts = BTreeMap::<AttemptId, Attempt>::new();
        for record in records {
            match record {
                Record::AttemptBegun { attempt, .. } => {
                    attempts.insert(*attempt, Attempt::default());
                }
                Record::AttemptProgress { attempt, step, at } => {
                    if let Some(known) = attempts.get_mut(attempt) {
                        known.answered |= *step == Step::Answered;
                        let bridged = (*step == Step::Bridged).then_some(*at);
                        known.bridged_at = known.bridged_at.or(bridged);
                    }
                }
                Record::AttemptEnded { attempt, end } => {
                    if let Some(known) = attempts.remove(attempt) {
                        figures.add(&known, end);
                    }
                }
                _ => {}
            }
        }
        figures
    }

    fn add(&mut self, attempt: &Attempt, end: &AttemptEnd) {
        self.attempts += 1;
        self.seizures += u32::from(attempt.answered);
        *self.ended.entry(end.disposition).or_default() += 1;
        if end.disposition != Disposition::Answered {
            return;
        }
        if let Some(bridged_at) = attempt.bridged_at {
            self.bridged += 1;
            self.talk += end.at.since(bridged_at);
        }
        if let Some(ms) = end.dead_air_ms {
            self.dead_airs += 1;
            self.dead_air += Duration::from_millis(ms.into());
        }
    }

    fn shown(stats: &Stats) -> Self {
        let ended = Disposition::ALL.map(|d| (d, stats.ended_as(d)));
        Self {
            attempts: stats.attempts,
            seizures: stats.seizures,
            bridged: stats.bridged,
            talk: stats.talk,
            dead_airs: stats.dead_air_count(),
            dead_air: stats.dead_air_sum(),
            ended: ended.into_iter().filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// The share of people who picked up.
    fn asr(&self) -> f64 {
        if self.attempts == 0 {
            return 0.0;
        }
        f64::from(self.seizures) / f64::from(self.attempts)
    }
}

impl Sim {
    /// What the process that lives shows of its calls is what its records add up to.
    pub(super) fn check_figures(&self) -> Result<(), String> {
        let stats = self.campaign.stats();
        let (written, shown) = (self.figures(), Figures::shown(stats));
        if written != shown || (stats.asr() - written.asr()).abs() > 1e-9 {
            return Err(format!(
                "by its records it should show {written:?}, ASR {}, and shows {shown:?}, ASR {}",
                written.asr(),
                stats.asr()
            ));
        }
        Ok(())
    }

    pub(super) fn figures(&self) -> Figures {
        Figures::of(&self.disk[self.own_records..])
    }
}
