//! New settings, and the list as it now stands, for an engine that runs.
//!
//! What may change does so for calls that have not begun; a call keeps what it began with.
//! What can't change is named, and nothing of it is taken over.

mod difference;

use std::sync::Arc;

use super::{Engine, Told};
use crate::campaign::{Began, Input, Listed, Numbers, Outcome, Relisted, RunState};
use crate::config::{ListSource, Settings};

/// What comes of a start that was overtaken.
const HELD: &str = "not done: while the list was read, somebody paused, drained or hung up";

/// What reading the settings and the list again has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reloaded {
    /// What holds from now on for calls that have not begun: "`MAX_CC` is 20", "12 numbers
    /// joined".
    pub changed: Vec<String>,
    /// What is set otherwise than it holds, and when that will be taken over.
    pub ignored: Vec<String>,
}

/// What came of a start that read the settings and the list again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// What it did.
    pub began: Began,
    /// What the reading has changed.
    pub reloaded: Reloaded,
    /// What it did, for people.
    pub said: String,
}

/// Settings and list as they stand, or all that is wrong with them in one text.
pub(crate) type Reading = Result<(Settings, Numbers), String>;

impl Reloaded {
    /// What has changed, in one line.
    #[must_use]
    pub fn said(&self) -> String {
        if self.changed.is_empty() {
            "nothing has changed".to_owned()
        } else {
            self.changed.join("; ")
        }
    }

    fn add(&mut self, relisted: Relisted) {
        match relisted.joined {
            0 => {}
            1 => self.changed.push("1 number joined".to_owned()),
            n => self.changed.push(format!("{n} numbers joined")),
        }
        match relisted.skipped {
            0 => {}
            1 => self.changed.push("1 is no longer listed".to_owned()),
            n => self.changed.push(format!("{n} are no longer listed")),
        }
    }
}

impl Engine {
    pub(super) fn reload(&mut self, reading: Reading, by: &str) -> Result<Reloaded, String> {
        let result = self.reload_unless_ending(reading);
        let outcome = result.as_ref().map(Reloaded::said);
        self.write_down(by, "reload".to_owned(), &as_outcome(outcome));
        self.tell_ignored(&result);
        result
    }

    fn reload_unless_ending(&mut self, reading: Reading) -> Result<Reloaded, String> {
        self.unless_ending()?;
        let (settings, numbers) = reading?;
        let mut reloaded = self.apply(&settings);
        let now = self.clock.now();
        if self.is_of_this_run(&settings.list) {
            reloaded.add(self.campaign.relist(now, &numbers));
        } else {
            self.campaign.handle(now, Input::Tick);
        }
        Ok(reloaded)
    }

    /// One step of the engine's loop, so that of any number of starts only one can be the
    /// first.
    pub(super) fn start_again(
        &mut self,
        reading: Reading,
        held: bool,
        by: &str,
    ) -> Result<Started, String> {
        let result = self.start_unless_ending(reading, held);
        let outcome = result.as_ref().map(|started| {
            let changed = started.reloaded.changed.iter();
            let said = [started.said.as_str()].into_iter();
            let all: Vec<&str> = said.chain(changed.map(String::as_str)).collect();
            all.join("; ")
        });
        self.write_down(by, "start again".to_owned(), &as_outcome(outcome));
        let reloaded = result.as_ref().map(|started| started.reloaded.clone());
        self.tell_ignored(&reloaded.map_err(Clone::clone));
        result
    }

    fn start_unless_ending(&mut self, reading: Reading, held: bool) -> Result<Started, String> {
        self.unless_ending()?;
        // A run that is paused stays so, and one that dials was told to after that.
        let stays = !self.campaign.awaits_a_run()
            && matches!(
                self.campaign.state(),
                RunState::Paused(_) | RunState::Dialing
            );
        if held && !stays {
            return Err(HELD.to_owned());
        }
        let (settings, numbers) = reading?;
        let mut reloaded = self.apply(&settings);
        let list = settings.list.to_string();
        let listed = Listed {
            name: &list,
            of_this_run: self.is_of_this_run(&settings.list),
            numbers: &numbers,
        };
        let now = self.clock.now();
        let started = self.campaign.start_again(now, listed);
        let started = started.inspect_err(|_| self.tell_changed(&reloaded))?;
        if started.began == Began::Restarted {
            self.runs_over(&settings.list, &mut reloaded);
        }
        reloaded.add(started.relisted);
        Ok(Started {
            began: started.began,
            reloaded,
            said: started.said,
        })
    }

    /// At DONE: a new run over the list as it stands, by the settings as they stand.
    pub(super) fn new_run(&mut self, reading: Reading, held: bool, by: &str) -> Outcome {
        let outcome = self.new_run_unless_ending(reading, held);
        self.write_down(by, "new run".to_owned(), &outcome);
        outcome
    }

    fn new_run_unless_ending(&mut self, reading: Reading, held: bool) -> Outcome {
        self.unless_ending()?;
        self.campaign.may_begin_anew()?;
        if held {
            return Err(HELD.to_owned());
        }
        let (settings, numbers) = reading?;
        let mut reloaded = self.apply(&settings);
        let list = settings.list.to_string();
        let said = self.campaign.new_run(self.clock.now(), &list, &numbers)?;
        self.runs_over(&settings.list, &mut reloaded);
        self.tell_changed(&reloaded);
        self.tell_ignored(&Ok(reloaded));
        Ok(said)
    }

    /// Takes over what may change in a running engine.
    fn apply(&mut self, new: &Settings) -> Reloaded {
        let running = self.in_force.borrow().clone();
        let difference = difference::between(&running, new);
        if difference.settings != *running {
            let policy = super::start::policy(&difference.settings);
            let format = &difference.settings.call.recordings.format;
            self.campaign.set_policy(policy);
            let target = &difference.settings.call.target.endpoint;
            let is_new = *target != running.call.target.endpoint;
            let is_another = *format != running.call.recordings.format;
            self.shown.target = target.as_str().into();
            self.in_force.send_replace(Arc::new(difference.settings));
            if is_new && self.link_state.ready {
                self.look_for_target();
            }
            if is_another {
                self.format_changed();
            }
        }
        Reloaded {
            changed: difference.changed,
            ignored: difference.ignored,
        }
    }

    fn is_of_this_run(&self, list: &ListSource) -> bool {
        self.in_force.borrow().list == *list
    }

    /// A new run has begun over this list, which may be another than that of the run before.
    fn runs_over(&mut self, list: &ListSource, reloaded: &mut Reloaded) {
        if self.is_of_this_run(list) {
            return;
        }
        let running = self.in_force.borrow().clone();
        let settings = Settings {
            list: list.clone(),
            ..(*running).clone()
        };
        self.shown.list = list.to_string().into();
        self.in_force.send_replace(Arc::new(settings));
        reloaded
            .ignored
            .retain(|said| !said.contains(difference::ANOTHER_LIST));
        reloaded.changed.push(format!("the list is {list}"));
    }

    pub(super) fn unless_ending(&self) -> Result<(), String> {
        match self.stopping {
            Some(_) => Err(super::commands::ENDING.to_owned()),
            None => Ok(()),
        }
    }

    /// Where the command's own line does not tell it.
    fn tell_changed(&mut self, reloaded: &Reloaded) {
        for changed in &reloaded.changed {
            self.tell(Told::Info(changed.clone()));
        }
    }

    fn tell_ignored(&mut self, reloaded: &Result<Reloaded, String>) {
        for ignored in reloaded.iter().flat_map(|r| &r.ignored) {
            self.tell(Told::Info(ignored.clone()));
        }
    }
}

/// What is wrong with settings is told in lines; the audit has one.
fn as_outcome(result: Result<String, &String>) -> Outcome {
    result.map_err(|why| {
        let lines = why.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    })
}
