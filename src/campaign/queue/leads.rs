//! The leads of a run: who waits, in which order, and how the others ended.
//!
//! A picture of them goes to consoles ten times a second, so a clone shares what has not
//! changed: the numbers as a whole, the rows in chunks. A change after a clone copies one
//! chunk.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::numbers::Numbers;
use crate::campaign::disposition::{Disposition, HangupCause};
use crate::campaign::ids::{AttemptId, LeadId};
use crate::campaign::number::Number;
use crate::campaign::time::Time;

/// Where a lead stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeadState {
    /// In line.
    Waiting,
    /// Being called.
    Calling(AttemptId),
    /// Ended for this run.
    Final(Disposition),
}

/// A lead, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// So many leads are copied where one changes after a clone.
pub(super) const CHUNK: usize = 1024;

/// All leads of a run. A million of them take some 50 MB, and a clone of them 16 KB.
///
/// The line of those who wait is always in the order of the list, so it needs no place of
/// its own: a count for each chunk, and the chunk before which nobody waits, find the next.
#[derive(Debug, Default, Clone)]
pub struct Leads {
    pub(super) numbers: Arc<Numbers>,
    pub(super) chunks: Vec<Arc<Chunk>>,
    /// Nobody waits in a chunk before this one.
    pub(super) first_waiting: usize,
    pub(super) waiting: usize,
    /// From which lead on leads joined at which time.
    pub(super) joined: Vec<(LeadId, Time)>,
    /// Leads whose person another lead is, too, each with that one.
    pub(super) respelt: Vec<(LeadId, LeadId)>,
    pub(super) open: usize,
    pub(super) finals: [u32; Disposition::ALL.len()],
    pub(super) version: u64,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Chunk {
    pub(super) rows: Vec<PackedRow>,
    pub(super) waiting: u32,
}

/// A [`LeadRow`] in 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedRow {
    /// 0: there was none.
    pub(super) last: u64,
    pub(super) attempts: u16,
    pub(super) q850: u16,
    /// 0: none was told.
    pub(super) sip: u16,
    pub(super) stand: Stand,
    pub(super) listing: Listing,
}

/// Whether the list is who keeps a lead in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Listed,
    /// The list had it no longer when it was read last: it was skipped, or must not be called
    /// once more by itself.
    Unlisted,
    /// It was added by a command: it stays, whatever the list has.
    Added,
}

/// A [`LeadState`]; which attempt calls is in [`PackedRow::last`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Waiting,
    Calling,
    Final(Disposition),
}

impl Leads {
    /// No leads, for a new run: with a version that is not among those of the run before.
    #[must_use]
    pub(crate) fn after(before: &Self) -> Self {
        Self {
            version: before.version + 1,
            ..Self::default()
        }
    }

    /// Adds a lead at the end of the line. `None` if the person stands there already.
    pub fn add(&mut self, number: &Number, at: Time) -> Option<LeadId> {
        let id = LeadId(Arc::make_mut(&mut self.numbers).push(number)?);
        self.append_row(id)?;
        self.note_joined(id, at);
        Some(id)
    }

    /// As [`Self::add`], also where the person stands there already in another spelling: to an
    /// earlier version those were two.
    pub fn add_again(&mut self, number: &Number, at: Time) -> Option<LeadId> {
        let id = self.append(number)?;
        self.note_joined(id, at);
        Some(id)
    }

    fn note_joined(&mut self, id: LeadId, at: Time) {
        if self.joined.last().is_none_or(|(_, t)| *t != at) {
            self.joined.push((id, at));
        }
    }

    pub(super) fn append(&mut self, number: &Number) -> Option<LeadId> {
        let numbers = Arc::make_mut(&mut self.numbers);
        let id = if let Some(id) = numbers.push(number) {
            LeadId(id)
        } else {
            let same = LeadId(numbers.find(number.as_str())?);
            let id = LeadId(numbers.push_again(number)?);
            self.respelt.push((id, same));
            id
        };
        self.append_row(id)
    }

    fn append_row(&mut self, id: LeadId) -> Option<LeadId> {
        if self.chunks.last().is_none_or(|c| c.rows.len() == CHUNK) {
            self.chunks.push(Arc::default());
        }
        let chunk = self.chunks.last_mut().map(Arc::make_mut)?;
        chunk.rows.push(PackedRow::NEW);
        chunk.waiting += 1;
        self.waiting += 1;
        self.open += 1;
        self.version += 1;
        self.first_waiting = self.first_waiting.min(place(id).0);
        Some(id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
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
        self.get(lead).map(PackedRow::state)
    }

    /// All there is to show of a lead in one line.
    #[must_use]
    pub fn row(&self, lead: LeadId) -> Option<LeadRow> {
        let row = self.get(lead)?;
        Some(LeadRow {
            state: row.state(),
            attempts: row.attempts,
            last: (row.last != 0).then_some(AttemptId(row.last)),
            cause: HangupCause {
                q850: row.q850,
                sip: (row.sip != 0).then_some(row.sip),
            },
        })
    }

    /// The numbers, by the leads' ids.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Changes whenever a lead does, and when a new run begins. A clone keeps it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The lead's number.
    #[must_use]
    pub fn number(&self, lead: LeadId) -> Option<Number> {
        Number::taken_before(self.number_text(lead)?).ok()
    }

    /// The lead's number, as it stands.
    #[must_use]
    pub fn number_text(&self, lead: LeadId) -> Option<&str> {
        self.get(lead)?;
        Some(self.numbers.get(lead.0))
    }

    /// The lead with this number. `near` is where it is looked for first, and becomes the
    /// place after it: who asks for a list in its order hardly searches.
    pub(crate) fn find_near(&self, number: &str, near: &mut u32) -> Option<LeadId> {
        self.numbers.find_near(number, near).map(LeadId)
    }

    /// The leads of each person who is more than one.
    pub(crate) fn respelt(&self) -> impl Iterator<Item = Vec<LeadId>> + use<> {
        let mut people: BTreeMap<LeadId, Vec<LeadId>> = BTreeMap::new();
        for (lead, same) in &self.respelt {
            people
                .entry(*same)
                .or_insert_with(|| vec![*same])
                .push(*lead);
        }
        people.into_values()
    }

    /// The lead that [`Self::find`] gives of its person from now on.
    pub(crate) fn prefer(&mut self, lead: LeadId) {
        Arc::make_mut(&mut self.numbers).prefer(lead.0);
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
        self.line_from(0)
    }

    /// The waiting leads, from this place in the line on; the next one stands at 0. Chunks
    /// before it are only counted.
    pub fn line_from(&self, place: usize) -> impl Iterator<Item = LeadId> + '_ {
        let mut skip = place;
        let mut first = self.first_waiting;
        while let Some(chunk) = self.chunks.get(first)
            && chunk.waiting as usize <= skip
        {
            skip -= chunk.waiting as usize;
            first += 1;
        }
        let chunks = self.chunks.iter().enumerate().skip(first);
        chunks.flat_map(waiting_in).skip(skip)
    }

    /// The next in line, which stays there until it is called.
    pub(crate) fn next(&mut self) -> Option<LeadId> {
        if self.waiting == 0 {
            return None;
        }
        while self.chunks.get(self.first_waiting)?.waiting == 0 {
            self.first_waiting += 1;
        }
        let chunk = self.chunks.get(self.first_waiting)?;
        waiting_in((self.first_waiting, chunk)).next()
    }

    /// `attempt` calls the lead. Gives the attempt before it, for [`Self::take_back`].
    pub(crate) fn call(&mut self, lead: LeadId, attempt: AttemptId) -> Option<AttemptId> {
        let before = self.get(lead)?.last;
        self.change(lead, |row| {
            row.stand = Stand::Calling;
            row.attempts = row.attempts.saturating_add(1);
            row.last = attempt.0;
        });
        (before != 0).then_some(AttemptId(before))
    }

    /// Back to its place in the line, as if it had not been called: its attempt never left.
    pub(crate) fn take_back(&mut self, lead: LeadId, before: Option<AttemptId>) {
        self.change(lead, |row| {
            row.stand = Stand::Waiting;
            row.attempts = row.attempts.saturating_sub(1);
            row.last = before.map_or(0, |attempt| attempt.0);
        });
    }

    /// Back to its place in the line: it is to be called again.
    pub(crate) fn put_back(&mut self, lead: LeadId) {
        self.change(lead, |row| {
            row.stand = Stand::Waiting;
            row.note_listed(true);
        });
    }

    /// The lead was added by a command: no reading of the list takes it off.
    pub fn note_added(&mut self, lead: LeadId) {
        self.change(lead, |row| row.listing = Listing::Added);
    }

    /// Whether the lead was added by a command, and not by the list.
    #[must_use]
    pub fn is_added(&self, lead: LeadId) -> bool {
        let row = self.get(lead);
        row.is_some_and(|row| row.listing == Listing::Added)
    }

    /// Takes a waiting lead off, for good in this run.
    pub(crate) fn skip(&mut self, lead: LeadId) {
        let skipped = Stand::Final(Disposition::Skipped);
        self.change(lead, |row| row.stand = skipped);
    }

    /// Takes a lead off that is no longer listed. If it never was called it may rejoin.
    pub fn unlist(&mut self, lead: LeadId) {
        self.change(lead, |row| {
            row.stand = Stand::Final(Disposition::Skipped);
            row.listing = Listing::Unlisted;
        });
    }

    /// Whether the list has the lead that is being called.
    pub(crate) fn note_listed(&mut self, lead: LeadId, listed: bool) {
        if self.is_unlisted(lead) == listed {
            self.change(lead, |row| row.note_listed(listed));
        }
    }

    /// Whether the list had the lead no longer when it was read last.
    pub(crate) fn is_unlisted(&self, lead: LeadId) -> bool {
        let row = self.get(lead);
        row.is_some_and(|row| row.listing == Listing::Unlisted)
    }

    /// Whether the lead was taken off for not being listed, and was never called.
    #[must_use]
    pub fn may_rejoin(&self, lead: LeadId) -> bool {
        let skipped = Stand::Final(Disposition::Skipped);
        let uncalled = |row: &PackedRow| row.stand == skipped && row.attempts == 0;
        self.is_unlisted(lead) && self.get(lead).is_some_and(uncalled)
    }

    /// The lead's attempt has ended.
    pub(crate) fn finish(&mut self, lead: LeadId, disposition: Disposition, cause: HangupCause) {
        self.change(lead, |row| {
            row.stand = Stand::Final(disposition);
            row.note_cause(cause);
        });
    }

    /// Sets where a lead stands that was added before; its attempts stay as they are.
    pub fn restore(&mut self, lead: LeadId, state: LeadState) {
        self.change(lead, |row| row.set_state(state));
    }

    /// Sets all that the journal says about a lead that was added before.
    pub fn restore_row(&mut self, lead: LeadId, known: LeadRow) {
        self.change(lead, |row| {
            row.attempts = known.attempts;
            row.last = known.last.map_or(0, |attempt| attempt.0);
            row.note_cause(known.cause);
            row.set_state(known.state);
        });
    }

    pub(super) fn get(&self, lead: LeadId) -> Option<&PackedRow> {
        let (chunk, row) = place(lead);
        self.chunks.get(chunk)?.rows.get(row)
    }

    /// Changes a lead, and every count with it.
    pub(super) fn change(&mut self, lead: LeadId, change: impl FnOnce(&mut PackedRow)) {
        let (at, row) = place(lead);
        let Some(chunk) = self.chunks.get_mut(at).map(Arc::make_mut) else {
            return;
        };
        let Some(row) = chunk.rows.get_mut(row) else {
            return;
        };
        match row.stand {
            Stand::Waiting => {
                chunk.waiting -= 1;
                self.waiting -= 1;
            }
            Stand::Calling => {}
            Stand::Final(was) => {
                self.finals[was as usize] -= 1;
                self.open += 1;
            }
        }
        change(row);
        match row.stand {
            Stand::Waiting => {
                chunk.waiting += 1;
                self.waiting += 1;
                self.first_waiting = self.first_waiting.min(at);
            }
            Stand::Calling => {}
            Stand::Final(is) => {
                self.finals[is as usize] += 1;
                self.open -= 1;
            }
        }
        self.version += 1;
    }
}

impl PackedRow {
    pub(super) const NEW: Self = Self {
        last: 0,
        attempts: 0,
        q850: 0,
        sip: 0,
        stand: Stand::Waiting,
        listing: Listing::Listed,
    };

    fn state(&self) -> LeadState {
        match self.stand {
            Stand::Waiting => LeadState::Waiting,
            Stand::Calling => LeadState::Calling(AttemptId(self.last)),
            Stand::Final(disposition) => LeadState::Final(disposition),
        }
    }

    fn set_state(&mut self, state: LeadState) {
        self.note_listed(true);
        self.stand = match state {
            LeadState::Waiting => Stand::Waiting,
            LeadState::Calling(attempt) => {
                self.last = attempt.0;
                Stand::Calling
            }
            LeadState::Final(disposition) => Stand::Final(disposition),
        };
    }

    fn note_listed(&mut self, listed: bool) {
        self.listing = match (self.listing, listed) {
            (Listing::Added, _) => Listing::Added,
            (_, true) => Listing::Listed,
            (_, false) => Listing::Unlisted,
        };
    }

    fn note_cause(&mut self, cause: HangupCause) {
        self.q850 = cause.q850;
        self.sip = cause.sip.unwrap_or(0);
    }
}

/// Which chunk a lead is in, and where there.
fn place(lead: LeadId) -> (usize, usize) {
    let index = lead.0 as usize;
    (index / CHUNK, index % CHUNK)
}

fn waiting_in((at, chunk): (usize, &Arc<Chunk>)) -> impl Iterator<Item = LeadId> + '_ {
    let rows = if chunk.waiting == 0 {
        [].as_slice()
    } else {
        &chunk.rows
    };
    let first = u32::try_from(at * CHUNK).unwrap_or(u32::MAX);
    (first..)
        .zip(rows)
        .filter(|(_, row)| row.stand == Stand::Waiting)
        .map(|(id, _)| LeadId(id))
}

#[cfg(test)]
mod tests;
