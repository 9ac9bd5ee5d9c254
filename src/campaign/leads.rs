//! The leads of a run: who waits, in which order, and how the others ended.

use std::collections::VecDeque;

use super::{AttemptId, Disposition, HangupCause, LeadId, Number, Numbers, Time};

/// Where a lead stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadState {
    /// In line.
    Waiting,
    /// Being called.
    Calling(AttemptId),
    /// Ended for this run.
    Final(Disposition),
}

/// A lead, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadRow {
    /// Where it stands.
    pub state: LeadState,
    /// How many attempts there were in this run.
    pub attempts: u16,
    /// The last of them.
    pub last: Option<AttemptId>,
    /// The first hangup cause of the last one that ended.
    pub cause: HangupCause,
}

/// All leads of a run. A million of them take some 40 MB.
#[derive(Debug, Default, Clone)]
pub struct Leads {
    numbers: Numbers,
    states: Vec<LeadState>,
    /// In the order of the list.
    waiting: VecDeque<LeadId>,
    /// From which lead on leads joined at which time.
    joined: Vec<(LeadId, Time)>,
    open: usize,
    finals: [u32; Disposition::ALL.len()],
}

impl Leads {
    /// Adds a lead at the end of the line. `None` if the number stands there already.
    pub fn add(&mut self, number: &Number, at: Time) -> Option<LeadId> {
        let id = LeadId(self.numbers.push(number)?);
        self.states.push(LeadState::Waiting);
        self.waiting.push_back(id);
        self.open += 1;
        if self.joined.last().is_none_or(|(_, t)| *t != at) {
            self.joined.push((id, at));
        }
        Some(id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many have no final disposition yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// How many ended as `disposition`.
    #[must_use]
    pub fn ended_as(&self, disposition: Disposition) -> u32 {
        self.finals[disposition as usize]
    }

    /// Where a lead stands.
    #[must_use]
    pub fn state(&self, lead: LeadId) -> Option<LeadState> {
        self.states.get(lead.0 as usize).copied()
    }

    /// All there is to show of a lead in one line.
    #[must_use]
    pub fn row(&self, lead: LeadId) -> Option<LeadRow> {
        let state = self.state(lead)?;
        Some(LeadRow {
            state,
            attempts: 0,
            last: None,
            cause: HangupCause::default(),
        })
    }

    /// The numbers, by the leads' ids.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The lead's number as it is written.
    #[must_use]
    pub fn number_text(&self, lead: LeadId) -> Option<&str> {
        self.state(lead).map(|_| self.numbers.get(lead.0))
    }

    /// Changes whenever a lead does.
    #[must_use]
    pub fn version(&self) -> u64 {
        0
    }

    /// The lead's number.
    #[must_use]
    pub fn number(&self, lead: LeadId) -> Option<Number> {
        self.state(lead)?;
        Number::parse(self.numbers.get(lead.0)).ok()
    }

    /// The lead with this number.
    #[must_use]
    pub fn find(&self, number: &str) -> Option<LeadId> {
        self.numbers.find(number).map(LeadId)
    }

    /// When the lead joined the line.
    #[must_use]
    pub fn joined_at(&self, lead: LeadId) -> Time {
        let after = self.joined.partition_point(|(first, _)| *first <= lead);
        self.joined
            .get(after.saturating_sub(1))
            .map_or_else(Time::default, |(_, at)| *at)
    }

    /// The waiting leads, the next one first.
    pub fn line(&self) -> impl Iterator<Item = LeadId> + '_ {
        self.waiting.iter().copied()
    }

    pub(super) fn next(&mut self) -> Option<LeadId> {
        self.waiting.pop_front()
    }

    pub(super) fn call(&mut self, lead: LeadId, attempt: AttemptId) {
        self.set(lead, LeadState::Calling(attempt));
    }

    /// Back to its place in the line: its attempt never left, or may be made again.
    pub(super) fn put_back(&mut self, lead: LeadId) {
        self.set(lead, LeadState::Waiting);
        let place = self.waiting.partition_point(|waiting| *waiting < lead);
        self.waiting.insert(place, lead);
    }

    /// Takes a waiting lead off, for good in this run.
    pub(super) fn skip(&mut self, lead: LeadId) {
        self.waiting.retain(|waiting| *waiting != lead);
        self.finish(lead, Disposition::Skipped);
    }

    pub(super) fn finish(&mut self, lead: LeadId, disposition: Disposition) {
        self.set(lead, LeadState::Final(disposition));
    }

    /// Sets what the journal says about a lead that was added before. The line is put
    /// right by [`Self::rebuild_line`].
    pub fn restore(&mut self, lead: LeadId, state: LeadState) {
        self.set(lead, state);
    }

    /// Makes the line anew from the states, in the order of the list.
    pub fn rebuild_line(&mut self) {
        self.waiting = (0..)
            .zip(&self.states)
            .filter(|(_, s)| **s == LeadState::Waiting)
            .map(|(id, _)| LeadId(id))
            .collect();
    }

    fn set(&mut self, lead: LeadId, state: LeadState) {
        let Some(slot) = self.states.get_mut(lead.0 as usize) else {
            return;
        };
        if let LeadState::Final(was) = *slot {
            self.finals[was as usize] -= 1;
            self.open += 1;
        }
        if let LeadState::Final(is) = state {
            self.finals[is as usize] += 1;
            self.open -= 1;
        }
        *slot = state;
    }
}
