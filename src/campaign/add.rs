//! Numbers that join the run by a command, beside the list.

use super::io::Effect;
use super::{Campaign, LeadId, LeadState, Number, Numbers, Record, RunId, RunState, Time};

/// What came of numbers that somebody wanted added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The run that they belong to.
    pub run: RunId,
    /// The run's state after it.
    pub state: RunState,
    /// What became of each, in the order in which they were given.
    pub leads: Vec<AddedLead>,
}

/// What became of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedLead {
    /// The lead that it is.
    pub lead: LeadId,
    /// Where that one stood when the number was taken.
    pub state: LeadState,
    /// It is new in the run. Otherwise it was there already, and nothing has changed for it.
    pub is_new: bool,
}

impl Added {
    /// How many are new.
    #[must_use]
    pub fn joined(&self) -> usize {
        self.leads.iter().filter(|lead| lead.is_new).count()
    }

    /// The same for people.
    #[must_use]
    pub fn said(&self) -> String {
        let joined = self.joined();
        let known = self.leads.len() - joined;
        let joined = match joined {
            1 => "1 number joined".to_owned(),
            n => format!("{n} numbers joined"),
        };
        match known {
            0 => joined,
            1 => format!("{joined}, 1 was there already"),
            n => format!("{joined}, {n} were there already"),
        }
    }
}

impl Campaign {
    /// Adds numbers at the end of the line. A number that the run has already stays as it is,
    /// however it ended: asked twice for the same, nobody is called twice. They stay until the
    /// next run, whatever the list has. A run that was done is open again, and dials once it
    /// is started.
    pub fn add(&mut self, now: Time, numbers: &[Number]) -> Result<Added, String> {
        if self.run == RunId(0) {
            return Err("there is no run yet".to_owned());
        }
        self.unless_a_run_awaits()?;
        if numbers.len() > Numbers::MAX.saturating_sub(self.leads.len()) {
            return Err(format!("a run has at most {} numbers", Numbers::MAX));
        }
        let leads = self.add_each(now, numbers);
        if self.state == RunState::Done && self.leads.open() > 0 {
            self.set_state(now, RunState::Idle);
        }
        let added = Added {
            run: self.run,
            state: self.state.clone(),
            leads,
        };
        self.place_calls(now);
        self.settle(now);
        Ok(added)
    }

    fn add_each(&mut self, now: Time, numbers: &[Number]) -> Vec<AddedLead> {
        let mut leads = Vec::with_capacity(numbers.len());
        let mut joined = Vec::new();
        let mut first = None;
        for number in numbers {
            let new = self.leads.add(number, now);
            let Some(lead) = new.or_else(|| self.leads.find(number.as_str())) else {
                continue;
            };
            if new.is_some() {
                self.leads.note_added(lead);
                first.get_or_insert(lead);
                joined.push(number.clone());
            }
            leads.push(AddedLead {
                lead,
                state: self.leads.state(lead).unwrap_or(LeadState::Waiting),
                is_new: new.is_some(),
            });
        }
        if let Some(first) = first {
            self.effects.push_back(Effect::Journal(Record::LeadsAdded {
                run: self.run,
                first,
                numbers: joined,
            }));
        }
        leads
    }
}
