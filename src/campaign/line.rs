//! Who waits or does not by a person's word: taken off, called again, or all of them anew.

use super::io::{Effect, Outcome};
use super::{Campaign, LeadId, LeadState, Numbers, Record, RunState, Time};

impl Campaign {
    /// A person wants a waiting lead taken off.
    pub(super) fn skip(&mut self, now: Time, lead: LeadId) -> Outcome {
        self.unless_a_run_awaits()?;
        if self.leads.state(lead) != Some(LeadState::Waiting) {
            return Err(format!("lead {lead} does not wait"));
        }
        self.take_off(now, lead, "by the operator".to_owned());
        Ok(format!("{} is skipped", self.number_of(lead)))
    }

    /// Whether a new run may begin now, or why not.
    pub fn may_begin_anew(&self) -> Result<(), String> {
        self.unless_a_run_awaits()?;
        if self.state != RunState::Done {
            let word = self.state.word();
            return Err(format!("a new run begins at DONE, and this one is {word}"));
        }
        if !self.is_quiet() {
            return Err("the last calls are still being taken down: try again".to_owned());
        }
        Ok(())
    }

    /// A person wants everybody on the list called again: the next run, dialing.
    pub fn new_run(&mut self, now: Time, list: &str, numbers: &Numbers) -> Outcome {
        self.may_begin_anew()?;
        if numbers.is_empty() {
            return Err("the list has no numbers".to_owned());
        }
        self.open_run(now, list, numbers);
        self.no_more_hold(now);
        self.set_state(now, RunState::Dialing);
        self.place_calls(now);
        let waiting = self.leads.len();
        Ok(format!("run {} dials {waiting} numbers", self.run))
    }

    /// A person wants a lead called again that has ended.
    pub(super) fn requeue(&mut self, now: Time, lead: LeadId) -> Outcome {
        self.unless_a_run_awaits()?;
        match self.leads.state(lead) {
            None => return Err(format!("there is no lead {lead}")),
            Some(LeadState::Waiting) => return Err(format!("lead {lead} waits already")),
            Some(LeadState::Calling(_)) => return Err(format!("lead {lead} is being called")),
            Some(LeadState::Final(_)) => {}
        }
        let number = self.number_of(lead);
        if self.policy.emergency.has(number) {
            return Err(format!(
                "{number} is an emergency number, which is never dialed"
            ));
        }
        if let Some(same) = self.busy_as(lead) {
            return Err(format!(
                "lead {lead} is the same person as lead {same}, which is not done"
            ));
        }
        self.wait_again(now, lead);
        if self.state == RunState::Done {
            self.no_more_hold(now);
            self.set_state(now, RunState::Dialing);
        }
        Ok(format!("{} waits again", self.number_of(lead)))
    }

    /// Puts a lead that has ended back to its place in the line, and writes that down.
    pub(super) fn wait_again(&mut self, now: Time, lead: LeadId) {
        self.leads.put_back(lead);
        self.effects
            .push_back(Effect::Journal(Record::LeadRequeued {
                run: self.run,
                lead,
                at: now,
            }));
    }

    /// For people: they know numbers, not leads.
    fn number_of(&self, lead: LeadId) -> &str {
        self.leads.number_text(lead).unwrap_or_default()
    }
}
