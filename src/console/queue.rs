//! The queue pane: which leads it lists, in which order, and which one is selected.
//!
//! The list is an index of lead ids, made anew when the leads or the filter have changed; what
//! a row shows is looked up when it is drawn, so that no row is older than the picture. An
//! index of a million takes some milliseconds, so such lists are made anew every other second
//! only; a key makes any at once.

use std::cmp::Reverse;
use std::time::Duration;

use super::filter::{Filter, lead_word};
use super::scroll::Scroll;
use crate::campaign::{LeadId, LeadState, Leads, RunId, Time};

/// Up to here the index is made with every picture.
const SMALL: usize = 20_000;
/// How old the index of a larger list may be.
const OLD: Duration = Duration::from_secs(2);

/// What the queue is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueSort {
    /// The order of dialing, then what has ended, the latest first.
    Line,
    Number,
    State,
    Attempts,
    Cause,
}

impl QueueSort {
    pub(crate) const ALL: [Self; 5] = [
        Self::Line,
        Self::Number,
        Self::State,
        Self::Attempts,
        Self::Cause,
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Line => "the order of dialing",
            Self::Number => "number",
            Self::State => "state",
            Self::Attempts => "tries",
            Self::Cause => "cause",
        }
    }
}

/// What the index was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    run: RunId,
    version: u64,
    at: Time,
}

/// The queue pane.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) filter: Filter,
    pub(crate) sort: QueueSort,
    pub(crate) descending: bool,
    pub(crate) selected: Option<LeadId>,
    pub(crate) scroll: Scroll,
    index: Vec<LeadId>,
    made: Option<Made>,
    /// The ids in the order of their numbers' texts, and of how many leads.
    by_number: Vec<LeadId>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            sort: QueueSort::Line,
            descending: false,
            selected: None,
            scroll: Scroll::default(),
            index: Vec::new(),
            made: None,
            by_number: Vec::new(),
        }
    }
}

impl Queue {
    pub(crate) fn rows(&self) -> &[LeadId] {
        &self.index
    }

    /// A picture came: makes the index anew where that is due.
    pub(crate) fn refresh(&mut self, run: RunId, leads: &Leads, now: Time) {
        let due = self.made.as_ref().is_none_or(|made| {
            made.run != run
                || made.version != leads.version()
                    && (leads.len() <= SMALL || now.since(made.at) >= OLD)
        });
        if due {
            self.rebuild(run, leads, now);
        }
    }

    /// Makes the index anew: the filter or the order has changed.
    pub(crate) fn rebuild(&mut self, run: RunId, leads: &Leads, now: Time) {
        if self.made.as_ref().is_none_or(|made| made.run != run) {
            self.by_number.clear();
            self.selected = None;
        }
        self.index = self.make(leads);
        self.made = Some(Made {
            run,
            version: leads.version(),
            at: now,
        });
        let place = self
            .selected
            .and_then(|lead| self.index.iter().position(|id| *id == lead));
        if place.is_none() {
            self.selected = None;
        }
        self.scroll.follow(place, self.index.len());
    }

    /// Selects the row at `place`.
    pub(crate) fn select(&mut self, place: usize) {
        self.selected = self.index.get(place).copied();
    }

    fn make(&mut self, leads: &Leads) -> Vec<LeadId> {
        let ids = self.fitting(leads);
        let mut ids = match self.sort {
            QueueSort::Line => {
                return in_line(leads, &ids, !self.filter.is_empty(), self.descending);
            }
            QueueSort::Number => self.in_order_of_numbers(leads, &ids),
            QueueSort::State => sorted(leads, ids, |leads, id| {
                leads.row(id).map(|row| lead_word(row.state))
            }),
            QueueSort::Attempts => sorted(leads, ids, |leads, id| {
                leads.row(id).map(|row| row.attempts)
            }),
            QueueSort::Cause => sorted(leads, ids, |leads, id| {
                leads.row(id).map(|row| (row.cause.q850, row.cause.sip))
            }),
        };
        if self.descending {
            ids.reverse();
        }
        ids
    }

    fn fitting(&self, leads: &Leads) -> Vec<LeadId> {
        let all = 0..u32::try_from(leads.len()).unwrap_or(u32::MAX);
        let mut needles = self.filter.numbers().iter();
        let mut ids: Vec<LeadId> = match needles.next() {
            Some(needle) => leads
                .numbers()
                .containing(needle)
                .into_iter()
                .map(LeadId)
                .collect(),
            None => all.map(LeadId).collect(),
        };
        for needle in needles {
            ids.retain(|id| {
                leads
                    .number_text(*id)
                    .is_some_and(|n| n.contains(needle.as_str()))
            });
        }
        if !self.filter.is_empty() {
            ids.retain(|id| {
                leads
                    .row(*id)
                    .is_some_and(|row| self.filter.fits_state(row))
            });
        }
        ids
    }

    /// Sorting a million texts takes a while, and they never change: done once.
    fn in_order_of_numbers(&mut self, leads: &Leads, ids: &[LeadId]) -> Vec<LeadId> {
        if self.by_number.len() != leads.len() {
            let all = 0..u32::try_from(leads.len()).unwrap_or(u32::MAX);
            self.by_number = all.map(LeadId).collect();
            self.by_number
                .sort_unstable_by_key(|id| leads.number_text(*id));
        }
        if ids.len() == self.by_number.len() {
            return self.by_number.clone();
        }
        let mut fits = vec![false; leads.len()];
        for id in ids {
            fits[id.0 as usize] = true;
        }
        let fitting = self.by_number.iter().filter(|id| fits[id.0 as usize]);
        fitting.copied().collect()
    }
}

fn sorted<K: Ord>(
    leads: &Leads,
    mut ids: Vec<LeadId>,
    key: impl Fn(&Leads, LeadId) -> K,
) -> Vec<LeadId> {
    ids.sort_by_cached_key(|id| key(leads, *id));
    ids
}

/// Those being called (only where a filter asks for them: they have a pane of their own),
/// those that wait in the order of dialing, those that ended, the latest first.
fn in_line(leads: &Leads, ids: &[LeadId], with_calling: bool, descending: bool) -> Vec<LeadId> {
    let mut line = Vec::with_capacity(ids.len());
    let mut waiting = Vec::new();
    let mut ended = Vec::new();
    for id in ids {
        match leads.row(*id).map(|row| (row.state, row.last)) {
            Some((LeadState::Waiting, _)) => waiting.push(*id),
            Some((LeadState::Calling(_), _)) if with_calling => line.push(*id),
            Some((LeadState::Final(_), last)) => ended.push((last, *id)),
            _ => {}
        }
    }
    let ended = latest_first(ended);
    line.extend(waiting);
    line.extend(ended);
    if descending {
        line.reverse();
    }
    line
}

/// Attempts are numbered in their order. Where they lie close together, as in one run they
/// do, putting each in its place is much faster than sorting.
fn latest_first(mut ended: Vec<(Option<crate::campaign::AttemptId>, LeadId)>) -> Vec<LeadId> {
    let attempts = || ended.iter().filter_map(|(last, _)| *last).map(|a| a.0);
    let (Some(first), Some(last)) = (attempts().min(), attempts().max()) else {
        return ended.into_iter().map(|(_, id)| id).collect();
    };
    let span = usize::try_from(last - first).unwrap_or(usize::MAX);
    if span > 4 * ended.len() + 1024 {
        ended.sort_by_key(|(last, id)| (Reverse(*last), *id));
        return ended.into_iter().map(|(_, id)| id).collect();
    }
    let mut places = vec![None; span + 1];
    let mut never = Vec::new();
    for (attempt, id) in ended {
        match attempt.and_then(|a| usize::try_from(a.0 - first).ok()) {
            Some(place) => places[place] = Some(id),
            None => never.push(id),
        }
    }
    places.into_iter().rev().flatten().chain(never).collect()
}
