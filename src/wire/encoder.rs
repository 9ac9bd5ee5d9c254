//! The engine's side: what one console was told, and what it is to be told next.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Difference, StreamLine};
use crate::campaign::Differ;
use crate::engine::{Second, Snapshot, Trends};

/// What one console knows.
#[derive(Debug, Default)]
pub struct Encoder {
    rest: Map<String, Value>,
    trends: Arc<Trends>,
    leads: Differ,
    /// The picture whose leads are being told: it follows them as it was taken.
    begun: Option<Arc<Snapshot>>,
}

impl Encoder {
    /// The next line: a part of the leads, or the picture that they belong to, which `newest`
    /// is where none is being told. `None` where there is nothing new.
    pub fn next_message(&mut self, newest: &Arc<Snapshot>) -> Option<StreamLine> {
        let begun = self.begun.take();
        // The leads that were told hold from their picture on, whatever else it shows.
        let owed = begun.is_some();
        let picture = begun.unwrap_or_else(|| Arc::clone(newest));
        let telling = self.leads.is_telling();
        let had_part = telling || !self.leads.knows(picture.run, &picture.leads);
        if had_part && let Some(part) = self.leads.next_part(picture.run, &picture.leads) {
            self.begun = Some(picture);
            return Some(StreamLine::Leads(part));
        }
        let difference = self.picture(&picture)?;
        let changed = owed || difference != Difference::default();
        changed.then_some(StreamLine::Picture(difference))
    }

    /// Whether a picture is half told.
    #[must_use]
    pub const fn is_telling(&self) -> bool {
        self.begun.is_some()
    }

    fn picture(&mut self, picture: &Snapshot) -> Option<Difference> {
        let Ok(Value::Object(rest)) = serde_json::to_value(picture) else {
            // A struct of plain values is an object.
            return None;
        };
        let changed = |(name, value): &(&String, &Value)| self.rest.get(*name) != Some(*value);
        let changed = rest.iter().filter(changed);
        let difference = Difference {
            rest: changed.map(|(n, v)| (n.clone(), v.clone())).collect(),
            trends: trends(&self.trends, &picture.trends),
        };
        self.rest = rest;
        self.trends = Arc::clone(&picture.trends);
        Some(difference)
    }
}

/// What has to be told of the trends.
fn trends(known: &Arc<Trends>, now: &Arc<Trends>) -> Option<(u64, usize, Vec<Second>)> {
    if Arc::ptr_eq(known, now) || known == now {
        return None;
    }
    let first = now.newest + 1 - now.seconds.len() as u64;
    let is_known = |(second, value): &(u64, &Second)| at(known, *second) == Some(*value);
    let same = (first..).zip(&now.seconds).take_while(is_known).count();
    let tail = now.seconds.iter().skip(same).copied().collect();
    Some((now.newest, now.seconds.len(), tail))
}

/// What happened in this second since 1970, where it is kept.
fn at(trends: &Trends, second: u64) -> Option<&Second> {
    let back = trends.newest.checked_sub(second)?;
    let index = trends
        .seconds
        .len()
        .checked_sub(1 + usize::try_from(back).ok()?)?;
    trends.seconds.get(index)
}
