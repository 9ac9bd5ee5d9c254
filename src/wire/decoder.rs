//! The console's side: the engine's picture, put together from what was told.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Difference;
use crate::campaign::{Changes, Leads};
use crate::engine::{Second, Snapshot, Trends};

/// What was told contradicts what was told before. There is no picture to trust any more: the
/// console asks for a first one again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine's picture could not be read: {0}")]
pub struct Nonsense(String);

/// What the engine has told.
#[derive(Debug, Default)]
pub struct Decoder {
    rest: Map<String, Value>,
    trends: Trends,
    leads: Leads,
}

impl Decoder {
    /// For a new stream, which begins with a first picture. The leads' version goes on, so that
    /// whoever shows them sees that they are others.
    #[must_use]
    pub fn anew(self) -> Self {
        Self {
            leads: self.leads,
            ..Self::default()
        }
    }

    /// Takes in a part of the leads.
    pub fn leads(&mut self, changes: &Changes) -> Result<(), Nonsense> {
        if self.leads.take_over(changes) {
            return Ok(());
        }
        Err(Nonsense("its leads contradict themselves".to_owned()))
    }

    /// Takes in a difference: the picture as it now is.
    pub fn picture(&mut self, difference: Difference) -> Result<Snapshot, Nonsense> {
        let Difference { rest, trends } = difference;
        self.rest.extend(rest);
        if let Some((newest, length, tail)) = trends {
            self.trends(newest, length, tail)?;
        }
        let rest = Value::Object(self.rest.clone());
        let rest: Snapshot = serde_json::from_value(rest).map_err(|e| Nonsense(e.to_string()))?;
        Ok(Snapshot {
            leads: self.leads.clone(),
            trends: Arc::new(self.trends.clone()),
            ..rest
        })
    }

    /// The tail follows the seconds before it, and the oldest are forgotten.
    fn trends(&mut self, newest: u64, length: usize, tail: Vec<Second>) -> Result<(), Nonsense> {
        let nonsense = || Nonsense("its trends contradict themselves".to_owned());
        let before_tail = newest.checked_sub(tail.len() as u64).ok_or_else(nonsense)?;
        let over = self.trends.newest.saturating_sub(before_tail);
        let kept = self.trends.seconds.len();
        let kept = kept.saturating_sub(usize::try_from(over).unwrap_or(usize::MAX));
        let seconds = &mut self.trends.seconds;
        seconds.truncate(kept);
        let needed = length.checked_sub(tail.len()).ok_or_else(nonsense)?;
        let forgotten = seconds.len().checked_sub(needed).ok_or_else(nonsense)?;
        seconds.drain(..forgotten);
        seconds.extend(tail);
        self.trends.newest = newest;
        Ok(())
    }
}
