//! The live-calls pane: its rows, their order, and the selected one.
//!
//! While a row is selected no row moves: calls that end stay as ghosts, new ones join at the
//! end. A key that hangs up must never meet another call than the one that was looked at.

use std::collections::BTreeMap;

use super::filter::Filter;
use super::scroll::Scroll;
use crate::campaign::{AttemptId, CallView, Time};

/// So many rows of calls that have ended stay in their places.
const MOST_GHOSTS: usize = 500;

/// What the calls are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallSort {
    Age,
    Number,
    State,
    InState,
}

impl CallSort {
    pub(crate) const ALL: [Self; 4] = [Self::Age, Self::Number, Self::State, Self::InState];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Number => "number",
            Self::State => "state",
            Self::InState => "time in the state",
        }
    }
}

/// One row: a live call, or one that has ended since a row was selected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallRow {
    pub(crate) view: CallView,
    pub(crate) gone_at: Option<Time>,
}

/// The live-calls pane.
#[derive(Debug)]
pub(crate) struct CallsPane {
    pub(crate) filter: Filter,
    pub(crate) sort: CallSort,
    pub(crate) descending: bool,
    pub(crate) selected: Option<AttemptId>,
    pub(crate) scroll: Scroll,
    rows: Vec<CallRow>,
}

impl Default for CallsPane {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            sort: CallSort::Age,
            descending: false,
            selected: None,
            scroll: Scroll::default(),
            rows: Vec::new(),
        }
    }
}

impl CallsPane {
    pub(crate) fn rows(&self) -> &[CallRow] {
        &self.rows
    }

    pub(crate) fn selected_row(&self) -> Option<&CallRow> {
        let selected = self.selected?;
        self.rows.iter().find(|row| row.view.attempt == selected)
    }

    /// A picture came.
    pub(crate) fn refresh(&mut self, calls: &[CallView], now: Time) {
        if self.selected.is_some() {
            self.refresh_in_place(calls, now);
        } else {
            self.rebuild(calls);
        }
    }

    /// Lists what is live, sorted, without ghosts.
    pub(crate) fn rebuild(&mut self, calls: &[CallView]) {
        let fitting = calls.iter().filter(|call| self.fits(call)).cloned();
        self.rows = fitting
            .map(|view| CallRow {
                view,
                gone_at: None,
            })
            .collect();
        match self.sort {
            // They come in this order.
            CallSort::Age => {}
            CallSort::Number => self.rows.sort_by(|a, b| {
                let number = |row: &CallRow| row.view.number.as_str().to_owned();
                number(a).cmp(&number(b))
            }),
            CallSort::State => self.rows.sort_by_key(|row| row.view.word as u8),
            CallSort::InState => self.rows.sort_by_key(|row| row.view.since),
        }
        if self.descending {
            self.rows.reverse();
        }
        let place = self.place();
        if place.is_none() {
            self.selected = None;
        }
        self.scroll.follow(place, self.rows.len());
    }

    fn refresh_in_place(&mut self, calls: &[CallView], now: Time) {
        let mut live: BTreeMap<AttemptId, &CallView> =
            calls.iter().map(|call| (call.attempt, call)).collect();
        for row in &mut self.rows {
            match live.remove(&row.view.attempt) {
                Some(view) => row.view = view.clone(),
                None => {
                    row.gone_at.get_or_insert(now);
                }
            }
        }
        let new = live.into_values().filter(|call| self.fits(call)).cloned();
        let new: Vec<CallRow> = new
            .map(|view| CallRow {
                view,
                gone_at: None,
            })
            .collect();
        self.rows.extend(new);
        self.forget_oldest_ghosts();
        self.scroll.follow(self.place(), self.rows.len());
    }

    /// Nobody looks at a row that has been gone for hundreds of calls.
    fn forget_oldest_ghosts(&mut self) {
        let ghosts = self.rows.iter().filter(|row| row.gone_at.is_some());
        let Some(mut over) = ghosts.count().checked_sub(MOST_GHOSTS) else {
            return;
        };
        let selected = self.selected;
        self.rows.retain(|row| {
            let forget = over > 0 && row.gone_at.is_some() && selected != Some(row.view.attempt);
            over -= usize::from(forget);
            !forget
        });
    }

    pub(crate) fn select(&mut self, place: usize) {
        self.selected = self.rows.get(place).map(|row| row.view.attempt);
    }

    fn place(&self) -> Option<usize> {
        let selected = self.selected?;
        self.rows
            .iter()
            .position(|row| row.view.attempt == selected)
    }

    fn fits(&self, call: &CallView) -> bool {
        self.filter.fits_call(call.number.as_str(), call.word)
    }
}
