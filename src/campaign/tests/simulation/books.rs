//! What the journal's records add up to.

use std::collections::{BTreeMap, BTreeSet};

use crate::campaign::*;

/// What a new process finds in the journal.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) state: RunState,
    /// When it came into that state.
    pub(super) since: Time,
    pub(super) leads: Leads,
    /// The numbers that a command added.
    pub(super) added: BTreeSet<String>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) withdrawn: BTreeSet<AttemptId>,
    pub(super) last: AttemptId,
    /// The attempts that were not taken back, in their order, and those that are `Interrupted`.
    pub(super) attempts: BTreeMap<LeadId, Vec<AttemptId>>,
    pub(super) interrupted: BTreeMap<LeadId, usize>,
}

impl Books {
    pub(super) fn read(disk: &[Record], retry: bool) -> Self {
        let mut books = Self {
            state: RunState::Idle,
            since: Time::default(),
            leads: Leads::default(),
            added: BTreeSet::new(),
            orphans: Vec::new(),
            withdrawn: BTreeSet::new(),
            last: AttemptId(0),
            attempts: BTreeMap::new(),
            interrupted: BTreeMap::new(),
        };
        for record in disk {
            books.take(record, retry);
        }
        books
    }

    fn take(&mut self, record: &Record, retry: bool) {
        match record {
            Record::LeadsListed { numbers, .. } => {
                for number in numbers {
                    self.leads.add_again(number, Time::default());
                }
            }
            Record::LeadsAdded { numbers, .. } => {
                for number in numbers {
                    let lead = self.leads.add(number, Time::default());
                    self.added.insert(number.to_string());
                    self.leads.note_added(lead.expect("it is new"));
                }
            }
            Record::RunState { state, at, .. } => {
                self.state = state.clone();
                self.since = *at;
            }
            Record::LeadSkipped { lead, why, .. } if why == NO_LONGER_LISTED => {
                self.leads.unlist(*lead);
            }
            Record::LeadSkipped { lead, .. } => {
                let skipped = LeadState::Final(Disposition::Skipped);
                self.leads.restore(*lead, skipped);
            }
            Record::LeadRequeued { lead, .. } => self.leads.restore(*lead, LeadState::Waiting),
            Record::AttemptBegun {
                attempt,
                run,
                lead,
                at,
                ..
            } => {
                self.last = *attempt;
                self.attempts.entry(*lead).or_default().push(*attempt);
                self.set(*lead, LeadState::Calling(*attempt), None);
                self.orphans.push(Orphan {
                    attempt: *attempt,
                    run: *run,
                    lead: *lead,
                    number: self.leads.number(*lead).expect("listed"),
                    begun_at: *at,
                    ringing_at: None,
                    answered_at: None,
                    bridged_at: None,
                    recorded: Recorded::Nothing,
                    settings: Arc::new(call_settings()),
                });
            }
            Record::AttemptWithdrawn { attempt } => {
                self.withdrawn.insert(*attempt);
                self.close(*attempt, LeadState::Waiting, None);
            }
            Record::AttemptEnded { attempt, end } => {
                let again = retry && end.disposition == Disposition::Interrupted;
                let state = if again {
                    LeadState::Waiting
                } else {
                    LeadState::Final(end.disposition)
                };
                self.close(*attempt, state, Some(end));
            }
            Record::AttemptProgress { attempt, step, at } => {
                if let Some(o) = self.orphans.iter_mut().find(|o| o.attempt == *attempt) {
                    match step {
                        Step::Answered => o.answered_at = Some(*at),
                        Step::Bridged => o.bridged_at = Some(*at),
                        Step::Ringing | Step::EarlyMedia | Step::Agent => {}
                    }
                }
            }
            Record::Recording { attempt, state } => {
                if let Some(o) = self.orphans.iter_mut().find(|o| o.attempt == *attempt) {
                    o.recorded = match state {
                        RecordingState::Started { .. } => Recorded::Begun,
                        _ => Recorded::Over,
                    };
                }
            }
            Record::RunOpened { .. }
            | Record::AttemptTransferred { .. }
            | Record::RecordingLasts { .. }
            | Record::Leg { .. }
            | Record::Mirrored(_)
            | Record::Audit { .. } => {}
        }
    }

    fn close(&mut self, attempt: AttemptId, state: LeadState, end: Option<&AttemptEnd>) {
        // Its beginning may have been refused by a full journal.
        let Some(at) = self.orphans.iter().position(|o| o.attempt == attempt) else {
            return;
        };
        let lead = self.orphans.remove(at).lead;
        match end {
            None => {
                let attempts = self.attempts.entry(lead).or_default();
                attempts.retain(|known| *known != attempt);
            }
            Some(end) if end.disposition == Disposition::Interrupted => {
                *self.interrupted.entry(lead).or_default() += 1;
            }
            Some(_) => {}
        }
        self.set(lead, state, end.map(|end| end.cause));
    }

    fn set(&mut self, lead: LeadId, state: LeadState, cause: Option<HangupCause>) {
        let attempts = self.attempts.get(&lead).map_or(&[][..], Vec::as_slice);
        let before = self.leads.row(lead).expect("listed");
        let row = LeadRow {
            state,
            attempts: u16::try_from(attempts.len()).expect("a few"),
            last: attempts.last().copied(),
            cause: cause.unwrap_or(before.cause),
        };
        self.leads.restore_row(lead, row);
    }
}
