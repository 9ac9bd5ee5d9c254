//! Which settings hold for which call.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::campaign::AttemptId;
use crate::config::Settings;
use crate::engine::requests::DialPlan;

/// The settings that an engine dials by. Each call keeps those that held when it began: its
/// target, its caller id, its recording. There is one entry for each time that somebody
/// changed them, so the few that a process sees are all kept.
#[derive(Debug, Clone)]
pub struct InForce {
    first: Held,
    /// Calls of a dead process whose recording was begun in another format than the
    /// settings have now: its file keeps it.
    inherited: BTreeMap<AttemptId, Held>,
    later: Vec<(AttemptId, Held)>,
}

#[derive(Debug, Clone)]
struct Held {
    settings: Arc<Settings>,
    plan: Arc<DialPlan>,
}

impl Held {
    fn new(settings: Settings) -> Self {
        Self {
            plan: Arc::new(DialPlan::of(&settings)),
            settings: Arc::new(settings),
        }
    }
}

impl InForce {
    /// The settings of a process that starts; calls of an earlier one count as begun with
    /// them, but for the format in which they are `recorded`.
    pub fn new<'r>(
        settings: Settings,
        recorded: impl IntoIterator<Item = (AttemptId, &'r str)>,
    ) -> Self {
        let other = |(attempt, format): (AttemptId, &str)| {
            let mut settings = settings.clone();
            format.clone_into(&mut settings.recordings.format);
            (attempt, Held::new(settings))
        };
        let recorded = recorded.into_iter();
        let inherited = recorded
            .filter(|(_, format)| *format != settings.recordings.format)
            .map(other)
            .collect();
        Self {
            inherited,
            first: Held::new(settings),
            later: Vec::new(),
        }
    }

    /// The settings by which the next call begins.
    #[must_use]
    pub fn latest(&self) -> Arc<Settings> {
        let latest = self.later.last().map_or(&self.first, |(_, held)| held);
        Arc::clone(&latest.settings)
    }

    /// The settings by which this attempt began.
    #[must_use]
    pub fn of(&self, attempt: AttemptId) -> Arc<Settings> {
        Arc::clone(&self.held(attempt).settings)
    }

    pub(in crate::engine) fn plan_of(&self, attempt: AttemptId) -> Arc<DialPlan> {
        Arc::clone(&self.held(attempt).plan)
    }

    /// From the attempt `from` on, these hold.
    pub(super) fn change(&mut self, from: AttemptId, settings: Settings) {
        // Changed twice before anybody was called, only the last counts.
        self.later.retain(|(known, _)| *known < from);
        self.later.push((from, Held::new(settings)));
    }

    fn held(&self, attempt: AttemptId) -> &Held {
        if let Some(held) = self.inherited.get(&attempt) {
            return held;
        }
        let after = self.later.partition_point(|(from, _)| *from <= attempt);
        after
            .checked_sub(1)
            .and_then(|at| self.later.get(at))
            .map_or(&self.first, |(_, held)| held)
    }
}
