//! What reading the settings and the list again does to a campaign, at any moment.

use std::time::Duration;

use super::{LEADS, Sim};
use crate::campaign::*;

impl Sim {
    /// The list and the settings were changed, and are read again.
    pub(super) fn reread(&mut self) -> Result<(), String> {
        if !self.running {
            return Ok(());
        }
        self.change_list();
        self.change_rules();
        let relisted = self.campaign.relist(self.now, &self.listed);
        self.note(|| format!("the list is read: {relisted:?}"));
        self.count(relisted);
        self.check_list()?;
        self.effects()
    }

    /// A start that reads the list: of a run that is done it must make nothing new here.
    pub(super) fn start_again(&mut self) -> Result<(), String> {
        if !self.running {
            return Ok(());
        }
        let done = *self.campaign.state() == RunState::Done;
        if !done {
            self.change_list();
        }
        let listed = Listed {
            name: "list",
            of_this_run: true,
            numbers: &self.listed,
        };
        let was = self.campaign.state().word();
        let started = self.campaign.start_again(self.now, listed);
        self.note(|| format!("started again at {was}: {started:?}"));
        let Ok(started) = started else {
            return self.effects();
        };
        self.count(started.relisted);
        self.check_list()?;
        let word = match (started.began, was) {
            (Began::AlreadyRunning, "DIALING") => "running",
            (Began::StillPaused(_), "PAUSED") => "paused",
            (Began::Resumed, "DRAINING") => "resumed",
            (Began::Started, "IDLE") => "started",
            (Began::DoneAndUnchanged { .. }, "DONE") => "done",
            (other, _) => return Err(format!("{other:?} at {was}")),
        };
        *self.starts.entry(word).or_default() += 1;
        self.effects()
    }

    /// Somebody adds numbers: some are listed, some are in the run, some are new. Those that
    /// are new wait, the others stay as they are, and a run that was done waits for a start.
    pub(super) fn add(&mut self) -> Result<(), String> {
        if !self.running {
            return Ok(());
        }
        let some = self.rng.usize(1..4);
        let any = |_| 1000 + self.rng.u32(..LEADS + 6);
        let numbers: Vec<u32> = (0..some).map(any).collect();
        let numbers: Vec<Number> = numbers.into_iter().map(|n| self.spelt(n)).collect();
        let leads = self.campaign.leads().clone();
        let was = self.campaign.state().clone();
        let added = self.campaign.add(self.now, &numbers)?;
        self.note(|| format!("{numbers:?} are added at {was:?}: {added:?}"));
        let mut new = std::collections::BTreeSet::new();
        for (number, lead) in numbers.iter().zip(&added.leads) {
            let before = leads.find(number.as_str());
            let digits = number.as_str().trim_start_matches('+');
            let first = before.is_none() && new.insert(digits);
            self.kept.extend(first.then(|| number.to_string()));
            let expected = before.map_or(Some(LeadState::Waiting), |lead| leads.state(lead));
            if lead.is_new != first || Some(lead.state) != expected {
                return Err(format!("{number} was {before:?} and is {lead:?}"));
            }
        }
        let reopened = was == RunState::Done && added.joined() > 0;
        let state = if reopened { RunState::Idle } else { was };
        if added.state != state || added.leads.len() != numbers.len() {
            return Err(format!("it must be {state:?}: {added:?}"));
        }
        self.added += added.joined();
        self.reopened_by_adding += usize::from(reopened);
        self.effects()
    }

    fn count(&mut self, relisted: Relisted) {
        self.relisted.joined += relisted.joined;
        self.relisted.skipped += relisted.skipped;
    }

    /// Some leave, some come back, one is new; in any order.
    fn change_list(&mut self) {
        let mut all: Vec<u32> = (0..LEADS + 3).filter(|_| self.rng.u8(..4) > 0).collect();
        self.rng.shuffle(&mut all);
        let mut listed = Numbers::default();
        for n in all {
            let number = self.spelt(1000 + n);
            listed.push(&number).expect("they differ");
        }
        self.listed = listed;
    }

    /// The number in one of its spellings.
    pub(super) fn spelt(&mut self, number: u32) -> Number {
        let plus = if self.rng.u8(..4) == 0 { "+" } else { "" };
        Number::parse(&format!("{plus}{number}")).expect("digits")
    }

    fn change_rules(&mut self) {
        let rng = &mut self.rng;
        let mut call = call_settings();
        call.target.staged = rng.bool();
        call.target.moh_class = (rng.u8(..4) == 0).then(|| "default".to_owned());
        call.max_call = (rng.u8(..4) == 0).then_some(Duration::from_secs(8));
        call.call_timeout = Duration::from_secs(rng.u64(5..30));
        let policy = Policy {
            call: Arc::new(call),
            ..self.policy.clone()
        };
        self.campaign.set_policy(policy);
        self.policy = self.campaign.policy().clone();
    }
}
