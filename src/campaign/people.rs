//! Leads of one person: an earlier version took each spelling of a number, with `+`, with `00`
//! or without, for a person of its own.

use super::io::Effect;
use super::{Campaign, LeadId, LeadState, Record, Time};

impl Campaign {
    /// After a run was restored: of the leads of one person at most one waits, and none where
    /// another was called or is being called. Tells how many were taken off.
    pub fn one_lead_a_person(&mut self, now: Time) -> usize {
        if sabotaged!(CallsEachSpelling) {
            return 0;
        }
        let mut taken_off = 0;
        for leads in self.leads.respelt() {
            let stands_for_all = self.stands_for(&leads);
            self.leads.prefer(stands_for_all);
            for lead in leads {
                let waits = self.leads.state(lead) == Some(LeadState::Waiting);
                if lead != stands_for_all && waits {
                    self.take_off(
                        now,
                        lead,
                        format!("the same person as lead {stands_for_all}"),
                    );
                    taken_off += 1;
                }
            }
        }
        taken_off
    }

    /// Which of one person's leads tells what becomes of the person: one that was called, else
    /// one that waits, else one that would if it were listed again.
    fn stands_for(&self, leads: &[LeadId]) -> LeadId {
        let order = |lead: &&LeadId| match self.leads.row(**lead) {
            Some(row) if matches!(row.state, LeadState::Calling(_)) => 0,
            Some(row) if row.state == LeadState::Waiting => 2,
            Some(row) if row.attempts > 0 => 1,
            _ if self.leads.may_rejoin(**lead) => 3,
            _ => 4,
        };
        leads.iter().min_by_key(order).copied().unwrap_or(LeadId(0))
    }

    /// Another lead of the same person that waits or is being called.
    pub(super) fn busy_as(&self, lead: LeadId) -> Option<LeadId> {
        let mut people = self.leads.respelt();
        let same = people.find(|leads| leads.contains(&lead))?;
        let is_busy = |other: &LeadId| {
            let state = self.leads.state(*other);
            *other != lead && !matches!(state, Some(LeadState::Final(_)))
        };
        same.into_iter().find(is_busy)
    }

    /// A waiting lead is not called in this run.
    pub(super) fn take_off(&mut self, now: Time, lead: LeadId, why: String) {
        self.leads.skip(lead);
        self.effects.push_back(Effect::Journal(Record::LeadSkipped {
            run: self.run,
            lead,
            why,
            at: now,
        }));
    }
}
