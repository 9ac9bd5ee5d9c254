//! Which channel in Asterisk stands for which part of which attempt.
//!
//! Each part has an id of our making, until a phone transfers its call: then a channel of
//! Asterisk's own takes the part's place.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::campaign::{AsteriskIds, AttemptId, Part, RunId};

/// The channels of the calls of one journal.
#[derive(Debug, Clone)]
pub struct Channels {
    ids: AsteriskIds,
    /// The channels that have taken a part's place, the present one last.
    replaced: Arc<BTreeMap<(AttemptId, Part), Vec<String>>>,
}

impl Channels {
    /// Nobody has transferred a call so far.
    #[must_use]
    pub fn new(ids: AsteriskIds) -> Self {
        Self {
            ids,
            replaced: Arc::default(),
        }
    }

    /// Ids of our making.
    #[must_use]
    pub fn ids(&self) -> &AsteriskIds {
        &self.ids
    }

    /// What the channel, bridge or recording `id` stands for now; `None` also for a channel
    /// that another one has replaced.
    #[must_use]
    pub fn parse(&self, id: &str) -> Option<(AttemptId, Part)> {
        if self.replaced.is_empty() {
            return self.ids.parse(id);
        }
        match self.replacement(id) {
            Some((part, true)) => Some(part),
            Some((_, false)) => None,
            None => self
                .ids
                .parse(id)
                .filter(|part| !self.replaced.contains_key(part)),
        }
    }

    /// Whether the channel `id` took a part's place, and another one has its place now.
    #[must_use]
    pub fn was_replaced(&self, id: &str) -> bool {
        matches!(self.replacement(id), Some((_, false)))
    }

    /// Whose place `id` took, and whether it has it still.
    fn replacement(&self, id: &str) -> Option<((AttemptId, Part), bool)> {
        let mut replaced = self.replaced.iter();
        let (part, by) = replaced.find(|(_, by)| by.iter().any(|by| by == id))?;
        Some((*part, by.last().is_some_and(|last| last == id)))
    }

    /// The id of a part as it stands now.
    #[must_use]
    pub fn id(&self, run: RunId, attempt: AttemptId, part: Part) -> String {
        match self.replaced.get(&(attempt, part)).and_then(|by| by.last()) {
            Some(id) => id.clone(),
            None => self.ids.make(run, attempt, part),
        }
    }

    /// Whether another channel stands in the place of this part.
    #[must_use]
    pub fn is_replaced(&self, attempt: AttemptId, part: Part) -> bool {
        self.replaced.contains_key(&(attempt, part))
    }

    /// The attempts that another channel records than before.
    pub(super) fn recorders_replaced(&self) -> impl Iterator<Item = AttemptId> + '_ {
        let snoops = self
            .replaced
            .keys()
            .filter(|(_, part)| *part == Part::Snoop);
        snoops.map(|(attempt, _)| *attempt)
    }

    /// `by` has taken the place of a part.
    pub fn replace(&mut self, part: (AttemptId, Part), by: &str) {
        let replaced = Arc::make_mut(&mut self.replaced);
        replaced.entry(part).or_default().push(by.to_owned());
    }

    /// Another channel than before will record an attempt: the one before ends with the channel
    /// that it listens to.
    pub(super) fn replace_recorder(&mut self, run: RunId, attempt: AttemptId) {
        let now = self.id(run, attempt, Part::Snoop);
        let number = now.rsplit_once("-rec").map_or("", |(_, number)| number);
        let next = number.parse().unwrap_or(1_u32).saturating_add(1);
        let id = self.ids.make_recorder(run, attempt, next);
        self.replace((attempt, Part::Snoop), &id);
    }

    /// Forgets the attempts of which nothing is left.
    pub(super) fn retain(&mut self, lives: impl Fn(AttemptId) -> bool) {
        if self.replaced.keys().any(|(attempt, _)| !lives(*attempt)) {
            Arc::make_mut(&mut self.replaced).retain(|(attempt, _), _| lives(*attempt));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_that_records_an_attempt_has_an_id_of_its_own() {
        let ids = AsteriskIds::new("t");
        let mut channels = Channels::new(ids.clone());
        let (run, attempt) = (RunId(1), AttemptId(7));
        for id in ["dd-t-1-7-rec2", "dd-t-1-7-rec3"] {
            channels.replace_recorder(run, attempt);
            assert_eq!(channels.id(run, attempt, Part::Snoop), id);
            // The next process knows it as well.
            assert_eq!(ids.parse(id), Some((attempt, Part::Snoop)));
        }
        assert_eq!(channels.parse("dd-t-1-7-rec2"), None, "it was replaced");
        for id in ["dd-t-1-7-recx", "dd-t-1-7-b3", "dd-t-1-7-rec-2"] {
            assert_eq!(ids.parse(id), None, "{id}");
        }
    }

    #[test]
    fn a_part_is_what_took_its_place_last() {
        let mut channels = Channels::new(AsteriskIds::new("t"));
        let b = (AttemptId(7), Part::B);
        assert_eq!(channels.parse("dd-t-1-7-b"), Some(b));
        for by in ["1700000000.4", "1700000000.9"] {
            channels.replace(b, by);
            assert_eq!(channels.parse(by), Some(b));
            assert_eq!(channels.id(RunId(1), b.0, b.1), by);
            assert_eq!(channels.parse("dd-t-1-7-b"), None, "it was replaced");
        }
        assert_eq!(channels.parse("1700000000.4"), None, "it was replaced, too");
        assert!(channels.was_replaced("1700000000.4"));
        assert!(!channels.was_replaced("1700000000.9"));
        assert_eq!(channels.parse("dd-t-1-7-a"), Some((b.0, Part::A)));
        channels.retain(|attempt| attempt != b.0);
        assert_eq!(channels.parse("1700000000.9"), None);
        assert_eq!(channels.parse("dd-t-1-7-b"), Some(b));
    }
}
