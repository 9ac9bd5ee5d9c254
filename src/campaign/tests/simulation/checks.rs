//! What must hold, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use super::books::Books;
use super::{LONGEST_SILENCE, Sim};
use crate::campaign::*;

impl Sim {
    pub(super) fn check_originate(&mut self, attempt: AttemptId) -> Result<(), String> {
        if *self.campaign.state() != RunState::Dialing {
            return Err(format!(
                "{attempt} leaves while {}",
                self.campaign.state().word()
            ));
        }
        if !self.link_up {
            return Err(format!("{attempt} leaves while the link is down"));
        }
        if !self.durable.contains(&attempt) {
            return Err(format!("{attempt} leaves before it is durable"));
        }
        if self.open.len() > self.policy.max_cc.calls() {
            return Err(format!("{} calls at once", self.open.len()));
        }
        self.check_listed(attempt)?;
        self.check_emergency(attempt)?;
        self.decide_fates(attempt);
        Ok(())
    }

    /// Nobody is dialed who was not on the list when it was read last, but for whom somebody
    /// wanted called all the same.
    fn check_listed(&self, attempt: AttemptId) -> Result<(), String> {
        let call = self.campaign.calls().find(|call| call.attempt == attempt);
        let Some(call) = call else {
            return Err(format!("{attempt} leaves and is no call"));
        };
        let number = call.number.as_str();
        let listed = self.listed.find(number).is_some() || self.kept.contains(number);
        if listed || self.requeues.contains_key(&call.lead) {
            return Ok(());
        }
        Err(format!(
            "{attempt} leaves for {}, who is not listed",
            call.number
        ))
    }

    fn check_emergency(&self, attempt: AttemptId) -> Result<(), String> {
        let call = self.campaign.calls().find(|call| call.attempt == attempt);
        match call.filter(|call| self.policy.emergency.has(call.number.as_str())) {
            Some(call) => Err(format!("{attempt} leaves for {}", call.number)),
            None => Ok(()),
        }
    }

    /// After a list was read: whoever waits is on it, and whoever is on it is known and was
    /// not forgotten for having been off it.
    pub(super) fn check_list(&self) -> Result<(), String> {
        let leads = self.campaign.leads();
        for lead in leads.line() {
            let number = leads.number(lead).expect("it is a lead");
            let kept = self.kept.contains(number.as_str());
            if self.listed.find(number.as_str()).is_none() && !kept {
                return Err(format!("lead {lead} waits and is not listed"));
            }
        }
        for number in &self.kept {
            if leads
                .find(number)
                .is_none_or(|lead| leads.is_unlisted(lead))
            {
                return Err(format!("{number} was added, and a list took it off"));
            }
        }
        for number in self.listed.iter() {
            if leads.find(number).is_none_or(|lead| leads.may_rejoin(lead)) {
                return Err(format!("{number} is listed and forgotten"));
            }
        }
        Ok(())
    }

    pub(super) fn check_silence(&mut self) -> Result<(), String> {
        let silent: BTreeSet<AttemptId> = self
            .model
            .people()
            .filter(|attempt| !self.model.talks(*attempt))
            .collect();
        self.silent_since.retain(|a, _| silent.contains(a));
        for attempt in silent {
            let since = *self.silent_since.entry(attempt).or_insert(self.now);
            if self.now.since(since) > LONGEST_SILENCE {
                return Err(format!("{attempt} hears nobody since {}", since.millis()));
            }
        }
        Ok(())
    }

    /// When all is over, the journal must account for everybody.
    pub(super) fn check_books(&mut self) -> Result<(), String> {
        let books = Books::read(&self.disk, false);
        if !books.orphans.is_empty() || !self.open.is_empty() {
            return Err(format!("not ended: {:?}", books.orphans));
        }
        for attempt in &books.withdrawn {
            if self.model.dialed.iter().any(|(a, _)| a == attempt) {
                return Err(format!("{attempt} was withdrawn, and was dialed"));
            }
        }
        self.check_calls(&books)?;
        self.check_figures()?;
        self.check_list()?;
        for lead in self.all_leads() {
            let known = self.campaign.leads().row(lead);
            if !matches!(known.map(|row| row.state), Some(LeadState::Final(_))) {
                return Err(format!("lead {lead} is {known:?}"));
            }
            if books.leads.row(lead) != known {
                return Err(format!(
                    "the journal has lead {lead} otherwise than {known:?}"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn all_leads(&self) -> impl Iterator<Item = LeadId> + use<> {
        let count = u32::try_from(self.campaign.leads().len()).expect("a few");
        (0..count).map(LeadId)
    }

    /// No person is called more than once, but for whom the operator wants called again, and
    /// for interrupted attempts where those may be made again.
    fn check_calls(&self, books: &Books) -> Result<(), String> {
        let leads = self.campaign.leads();
        let digits = |lead: LeadId| leads.number_text(lead).map(|n| n.trim_start_matches('+'));
        for lead in self.all_leads() {
            let person = digits(lead);
            let same = |(_, dialed): &&(AttemptId, Number)| {
                Some(dialed.as_str().trim_start_matches('+')) == person
            };
            let calls = self.model.dialed.iter().filter(same).count();
            let of_person = |of: &BTreeMap<LeadId, usize>| -> usize {
                let own = of.iter().filter(|(lead, _)| digits(**lead) == person);
                own.map(|(_, count)| count).sum()
            };
            let again = of_person(&self.requeues);
            let interrupted = of_person(&books.interrupted);
            let retries = if self.policy.retry_interrupted {
                interrupted
            } else {
                0
            };
            if calls > 1 + again + retries {
                return Err(format!(
                    "lead {lead} was called {calls} times, after {again} wishes and {retries} \
                     interruptions"
                ));
            }
        }
        Ok(())
    }
}
