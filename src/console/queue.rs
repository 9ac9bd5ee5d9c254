//! The queue pane: which leads it lists, in which order, and which one is selected.
//!
//! The list is an index of lead ids, made anew when the leads or the filter have changed; what
//! a row shows is looked up when it is drawn, so that no row is older than the picture. An
//! index of a million takes some milliseconds, so such lists are made anew every other second
//! only; a key makes any at once.

use std::time::Duration;

use super::filter::{Filter, lead_word};
use super::order::{ByNumber, dealt, latest_first};
use super::scroll::Scroll;
use crate::campaign::{AttemptId, Disposition, HangupCause, LeadId, LeadState, Leads, RunId, Time};

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
pub(crate) struct QueuePane {
    pub(crate) filter: Filter,
    pub(crate) sort: QueueSort,
    pub(crate) descending: bool,
    pub(crate) selected: Option<LeadId>,
    pub(crate) scroll: Scroll,
    index: Vec<LeadId>,
    made: Option<Made>,
    by_number: ByNumber,
}

impl Default for QueuePane {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            sort: QueueSort::Line,
            descending: false,
            selected: None,
            scroll: Scroll::default(),
            index: Vec::new(),
            made: None,
            by_number: ByNumber::default(),
        }
    }
}

impl QueuePane {
    pub(crate) fn rows(&self) -> &[LeadId] {
        &self.index
    }

    /// Whether the order asked for is still being made.
    pub(crate) fn is_sorting(&self) -> bool {
        self.sort == QueueSort::Number && self.by_number.is_coming()
    }

    /// Whether an order has come that was being made.
    pub(crate) fn has_sorted(&mut self) -> bool {
        self.by_number.take() && self.sort == QueueSort::Number
    }

    /// A picture came: makes the index anew where that is due.
    pub(crate) fn refresh(&mut self, run: RunId, leads: &Leads, now: Time) {
        let sorted = self.has_sorted();
        let due = sorted
            || self.made.as_ref().is_none_or(|made| {
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
            self.by_number = ByNumber::default();
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
            QueueSort::Number => self.in_order_of_numbers(leads, ids),
            QueueSort::State => {
                let ranks = ranks();
                let rank = |id| leads.row(id).map_or(0, |row| ranks[kind(row.state)]);
                dealt(&ids, rank)
            }
            QueueSort::Attempts => dealt(&ids, |id| {
                leads.row(id).map_or(0, |row| row.attempts.into())
            }),
            QueueSort::Cause => dealt(&ids, |id| leads.row(id).map_or(0, |row| place(row.cause))),
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
        if self.filter.has_words() {
            let fits = KINDS.map(|state| self.filter.fits_state(state));
            ids.retain(|id| leads.row(*id).is_some_and(|row| fits[kind(row.state)]));
        }
        ids
    }

    /// In the order of the numbers; as they came, as long as that order is being made.
    fn in_order_of_numbers(&mut self, leads: &Leads, ids: Vec<LeadId>) -> Vec<LeadId> {
        let Some(by_number) = self.by_number.of(leads) else {
            return ids;
        };
        if ids.len() == by_number.len() {
            return by_number.to_vec();
        }
        let mut fits = vec![false; leads.len()];
        for id in ids {
            fits[id.0 as usize] = true;
        }
        let fitting = by_number.iter().filter(|id| fits[id.0 as usize]);
        fitting.copied().collect()
    }
}

/// One state of each kind, by [`kind`]: what a state is called is asked once for each of
/// them, and not for each of a million leads.
const KINDS: [LeadState; 2 + Disposition::ALL.len()] = {
    let mut kinds = [LeadState::Waiting; 2 + Disposition::ALL.len()];
    kinds[1] = LeadState::Calling(AttemptId(0));
    let mut i = 0;
    while i < Disposition::ALL.len() {
        kinds[2 + i] = LeadState::Final(Disposition::ALL[i]);
        i += 1;
    }
    kinds
};

/// Where in [`KINDS`] a state is.
const fn kind(state: LeadState) -> usize {
    match state {
        LeadState::Waiting => 0,
        LeadState::Calling(_) => 1,
        LeadState::Final(disposition) => 2 + disposition as usize,
    }
}

/// The place of each kind among all, by the word that is shown.
fn ranks() -> [u32; KINDS.len()] {
    let words = KINDS.map(lead_word);
    words.map(|word| {
        words
            .iter()
            .fold(0, |rank, other| rank + u32::from(*other < word))
    })
}

/// The place of a cause among all: by Q.850, where none is over 127, then by SIP status,
/// where none is over 699.
fn place(cause: HangupCause) -> u32 {
    let sip = cause.sip.unwrap_or(0);
    u32::from(cause.q850.min(127)) << 10 | u32::from(sip.min(1023))
}

/// Those being called (only where a filter asks for them: they have a pane of their own),
/// those that wait in the order of dialing, those that ended, the latest first.
fn in_line(leads: &Leads, ids: &[LeadId], with_calling: bool, descending: bool) -> Vec<LeadId> {
    let mut line = Vec::with_capacity(ids.len());
    // Room that is not used costs nothing; growing copies.
    let mut waiting = Vec::with_capacity(ids.len());
    let mut ended = Vec::with_capacity(ids.len());
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::campaign::{LeadRow, Number};

    fn row(n: u32) -> LeadRow {
        let mut dice = fastrand::Rng::with_seed(n.into());
        let attempt = AttemptId(u64::from(n) * 7919 % 100_003 + 1);
        let state = match KINDS[dice.usize(..KINDS.len())] {
            LeadState::Calling(_) => LeadState::Calling(attempt),
            other => other,
        };
        LeadRow {
            state,
            attempts: dice.u16(0..5),
            last: Some(attempt),
            cause: HangupCause {
                q850: dice.u16(0..=127),
                sip: dice.bool().then(|| dice.u16(400..=699)),
            },
        }
    }

    fn leads(count: u32) -> Leads {
        let mut leads = Leads::default();
        for n in 0..count {
            let number = Number::parse(&format!("{}", u64::from(n) * 7919 % 1_000_003));
            let id = leads.add(&number.expect("a number"), Time::default());
            leads.restore_row(id.expect("it is new"), row(n));
        }
        leads
    }

    fn listed(leads: &Leads, sort: QueueSort, filter: &str) -> Vec<LeadId> {
        let mut queue = QueuePane {
            sort,
            filter: Filter::new(filter),
            ..QueuePane::default()
        };
        queue.rebuild(RunId(1), leads, Time::default());
        queue.rows().to_vec()
    }

    #[test]
    fn every_state_is_found_among_the_kinds_and_ranked_by_its_word() {
        for state in KINDS {
            assert_eq!(KINDS[kind(state)], state);
        }
        let mut kinds = KINDS;
        kinds.sort_by_key(|state| lead_word(*state));
        assert!(kinds.is_sorted_by_key(|state| ranks()[kind(*state)]));
    }

    #[test]
    fn leads_are_sorted_as_comparing_them_would_and_stay_in_line_where_they_are_alike() {
        let leads = leads(2000);
        let row = |id: &LeadId| leads.row(*id).expect("a lead");
        let mut ids: Vec<LeadId> = (0..2000).map(LeadId).collect();
        ids.sort_by_key(|id| leads.number_text(*id));
        assert_eq!(listed(&leads, QueueSort::Number, ""), ids);
        ids.sort_unstable();
        ids.sort_by_key(|id| lead_word(row(id).state));
        assert_eq!(listed(&leads, QueueSort::State, ""), ids);
        ids.sort_unstable();
        ids.sort_by_key(|id| row(id).attempts);
        assert_eq!(listed(&leads, QueueSort::Attempts, ""), ids);
        ids.sort_unstable();
        ids.sort_by_key(|id| (row(id).cause.q850, row(id).cause.sip));
        assert_eq!(listed(&leads, QueueSort::Cause, ""), ids);
    }

    #[test]
    fn a_filter_leaves_those_that_fit_in_word_and_number() {
        let leads = leads(2000);
        let fits = |id: &LeadId| {
            let word = leads.row(*id).map(|row| lead_word(row.state));
            let number = leads.number_text(*id).expect("a lead");
            word.expect("a lead").contains("an") && number.contains("79") && number.contains('1')
        };
        let expected: Vec<LeadId> = (0..2000).map(LeadId).filter(fits).collect();
        assert!(!expected.is_empty());
        let mut found = listed(&leads, QueueSort::Line, "79 an 1");
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_long_list_is_shown_as_it_stands_until_its_numbers_are_sorted() {
        let leads = leads(30_000);
        let mut queue = QueuePane {
            sort: QueueSort::Number,
            ..QueuePane::default()
        };
        queue.rebuild(RunId(1), &leads, Time::default());
        assert!(queue.is_sorting());
        assert_eq!(queue.rows().len(), leads.len());
        let until = Instant::now() + Duration::from_secs(60);
        while queue.is_sorting() {
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(1));
            queue.refresh(RunId(1), &leads, Time::default());
        }
        let numbers = queue.rows().iter().map(|id| leads.number_text(*id));
        assert!(numbers.is_sorted());
        assert_eq!(queue.rows().len(), leads.len());
    }
}
