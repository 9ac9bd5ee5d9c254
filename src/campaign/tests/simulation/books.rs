//! What the journal's records add up to.

use std::collections::BTreeSet;

use crate::campaign::*;

/// What a new process finds in the journal.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) state: RunState,
    pub(super) leads: Leads,
    pub(super) orphans: Vec<Orphan>,
    pub(super) withdrawn: BTreeSet<AttemptId>,
    pub(super) last: AttemptId,
}

impl Books {
    pub(super) fn read(disk: &[Record], retry: bool) -> Self {
        let mut books = Self {
            state: RunState::Idle,
            leads: Leads::default(),
            orphans: Vec::new(),
            withdrawn: BTreeSet::new(),
            last: AttemptId(0),
        };
        for record in disk {
            books.take(record, retry);
        }
        books.leads.rebuild_line();
        books
    }

    fn take(&mut self, record: &Record, retry: bool) {
        match record {
            Record::LeadsListed { numbers, .. } => {
                for number in numbers {
                    self.leads.add(number, Time::default());
                }
            }
            Record::RunState { state, .. } => self.state = state.clone(),
            Record::LeadSkipped { lead, .. } => {
                let skipped = LeadState::Final(Disposition::Skipped);
                self.leads.restore(*lead, skipped);
            }
            Record::AttemptBegun {
                attempt,
                run,
                lead,
                at,
                ..
            } => {
                self.last = *attempt;
                self.leads.restore(*lead, LeadState::Calling(*attempt));
                self.orphans.push(Orphan {
                    attempt: *attempt,
                    run: *run,
                    lead: *lead,
                    number: self.leads.number(*lead).expect("listed"),
                    begun_at: *at,
                    answered_at: None,
                    bridged_at: None,
                    recorded: false,
                });
            }
            Record::AttemptWithdrawn { attempt } => {
                self.withdrawn.insert(*attempt);
                self.close(*attempt, LeadState::Waiting);
            }
            Record::AttemptEnded { attempt, end } => {
                let again = retry && end.disposition == Disposition::Interrupted;
                let state = if again {
                    LeadState::Waiting
                } else {
                    LeadState::Final(end.disposition)
                };
                self.close(*attempt, state);
            }
            Record::AttemptProgress { attempt, step, at } => {
                if let Some(o) = self.orphans.iter_mut().find(|o| o.attempt == *attempt) {
                    match step {
                        Step::Answered => o.answered_at = Some(*at),
                        Step::Bridged => o.bridged_at = Some(*at),
                        Step::Ringing | Step::Agent => {}
                    }
                }
            }
            Record::Recording { attempt, state } => {
                if let Some(o) = self.orphans.iter_mut().find(|o| o.attempt == *attempt) {
                    o.recorded = matches!(state, RecordingState::Started { .. });
                }
            }
            Record::RunOpened { .. } | Record::Audit { .. } => {}
        }
    }

    fn close(&mut self, attempt: AttemptId, state: LeadState) {
        // Its beginning may have been refused by a full journal.
        if let Some(at) = self.orphans.iter().position(|o| o.attempt == attempt) {
            let orphan = self.orphans.remove(at);
            self.leads.restore(orphan.lead, state);
        }
    }
}
