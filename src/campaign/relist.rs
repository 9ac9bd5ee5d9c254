//! What a list that was read again changes in a run, and what a start does that comes with it.

use super::call::Phase;
use super::io::Effect;
use super::{AttemptId, Campaign, LeadId, Number, Numbers, Record, RunState, Time};

/// Why a lead is skipped that the list has no longer, as the journal has it.
pub const NO_LONGER_LISTED: &str = "no longer listed";

/// So many numbers go into one record of the journal.
const LIST_CHUNK: usize = 4096;

/// What reading the list again has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relisted {
    /// Numbers that now wait: new ones, and such as were taken off uncalled and are back.
    pub joined: u32,
    /// Waiting leads that are no longer listed.
    pub skipped: u32,
}

/// A list as it was read last.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// What a run over it belongs to: its path, or the number itself.
    pub name: &'a str,
    /// Whether that is what the present run belongs to.
    pub of_this_run: bool,
    /// Who is on it.
    pub numbers: &'a Numbers,
}

/// What [`Campaign::start_again`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Began {
    /// IDLE: it dials.
    Started,
    /// It was dialing.
    AlreadyRunning,
    /// It stays PAUSED, with the reason: only a person's start resumes it.
    StillPaused(String),
    /// It was draining, and dials again.
    Resumed,
    /// DONE: a new run calls everybody on the list.
    Restarted,
    /// DONE, and nobody new is on the list: nobody is dialed before its time has come.
    DoneAndUnchanged {
        /// When the run ended.
        since: Time,
        /// From when on a start calls everybody again, if ever.
        again_at: Option<Time>,
    },
}

/// What came of [`Campaign::start_again`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedAgain {
    /// What it did.
    pub began: Began,
    /// What the list has changed in the run, where the run went on.
    pub relisted: Relisted,
    /// The same for people.
    pub said: String,
}

impl Campaign {
    /// The list was read again: new numbers join, waiting leads that are no longer listed
    /// are skipped, nobody who was called is called again.
    pub fn relist(&mut self, now: Time, numbers: &Numbers) -> Relisted {
        if self.relist_next(numbers) {
            return Relisted::default();
        }
        let relisted = self.compare(now, numbers);
        if relisted.joined > 0 && self.state == RunState::Done {
            self.set_state(now, RunState::Idle);
        }
        self.place_calls(now);
        self.settle(now);
        relisted
    }

    /// A program wants dialing to begin or to go on, over the list as it stands. However
    /// often it asks, nobody is called a second time in a run, and a run follows another only
    /// where that one is done.
    pub fn start_again(&mut self, now: Time, list: Listed<'_>) -> Result<StartedAgain, String> {
        if let Some((is_news, said)) = self.start_next() {
            if list.of_this_run {
                self.relist_next(list.numbers);
            }
            return Ok(StartedAgain {
                began: if is_news {
                    Began::Started
                } else {
                    Began::AlreadyRunning
                },
                relisted: Relisted::default(),
                said,
            });
        }
        let started = match self.state {
            RunState::Done => self.begin_anew(now, list),
            _ => self.go_on(now, list),
        };
        self.place_calls(now);
        self.settle(now);
        started
    }

    fn begin_anew(&mut self, now: Time, list: Listed<'_>) -> Result<StartedAgain, String> {
        let since = self.state_since;
        let again_at = self.policy.start_again_after.map(|after| since + after);
        let early = again_at.is_none_or(|at| now < at);
        let unchanged = list.of_this_run && !self.brings_somebody(list.numbers);
        let (began, said) = if early && unchanged && !super::sabotaged!(RecallsAfterDone) {
            let said = "the list is done, and nobody new is on it: nobody is dialed";
            (Began::DoneAndUnchanged { since, again_at }, said.to_owned())
        } else {
            let said = self.new_run(now, list.name, list.numbers)?;
            (
                Began::Restarted,
                format!("everybody on the list is called again: {said}"),
            )
        };
        Ok(StartedAgain {
            began,
            relisted: Relisted::default(),
            said,
        })
    }

    fn go_on(&mut self, now: Time, list: Listed<'_>) -> Result<StartedAgain, String> {
        let relisted = if list.of_this_run {
            self.compare(now, list.numbers)
        } else {
            Relisted::default()
        };
        let (began, said) = match &self.state {
            RunState::Paused(reason) => (
                Began::StillPaused(reason.clone()),
                format!("the run stays PAUSED ({reason})"),
            ),
            RunState::Dialing => (Began::AlreadyRunning, self.start(now)?),
            RunState::Draining => (Began::Resumed, self.start(now)?),
            RunState::Idle | RunState::Done => (Began::Started, self.start(now)?),
        };
        Ok(StartedAgain {
            began,
            relisted,
            said,
        })
    }

    /// Whether somebody is on the list whom the run does not have, or has taken off for not
    /// being listed.
    fn brings_somebody(&self, numbers: &Numbers) -> bool {
        let mut near = 0;
        numbers.iter().any(|number| {
            let known = self.leads.find_near(number, &mut near);
            known.is_none_or(|lead| self.leads.may_rejoin(lead))
        })
    }

    fn compare(&mut self, now: Time, numbers: &Numbers) -> Relisted {
        self.withdraw_unlisted(now, numbers);
        let skipped = self.skip_unlisted(now, numbers);
        self.mark_unlisted(numbers);
        let joined = self.join(now, numbers);
        Relisted { joined, skipped }
    }

    /// Who was about to be dialed and is not listed goes back in line, to be skipped there.
    fn withdraw_unlisted(&mut self, now: Time, numbers: &Numbers) {
        let unlisted: Vec<AttemptId> = self
            .live
            .values()
            .filter(|call| call.phase == Phase::Journaling)
            .filter(|call| numbers.find(call.number.as_str()).is_none())
            .filter(|call| !self.leads.is_added(call.lead))
            .map(|call| call.attempt)
            .collect();
        for attempt in unlisted {
            self.withdraw(now, attempt);
        }
    }

    fn skip_unlisted(&mut self, now: Time, numbers: &Numbers) -> u32 {
        let mut near = 0;
        let is_gone = |lead: &LeadId| {
            if self.leads.is_added(*lead) && !sabotaged!(SkipsAdded) {
                return false;
            }
            let number = self.leads.number_text(*lead);
            number.is_some_and(|number| numbers.find_near(number, &mut near).is_none())
        };
        let gone: Vec<LeadId> = self.leads.line().filter(is_gone).collect();
        for lead in &gone {
            self.unlist(now, *lead);
        }
        u32::try_from(gone.len()).unwrap_or(u32::MAX)
    }

    /// Whoever is being called and not listed is called to the end, and not once more.
    fn mark_unlisted(&mut self, numbers: &Numbers) {
        let live = self.live.values().map(|call| call.lead);
        let orphans = self.orphans.values().map(|orphan| orphan.lead);
        let called: Vec<LeadId> = live.chain(orphans).collect();
        for lead in called {
            let number = self.leads.number_text(lead);
            let listed = number.is_some_and(|number| numbers.find(number).is_some());
            self.leads.note_listed(lead, listed);
        }
    }

    /// A lead is back in line without having been called: it stays there only if it is listed.
    pub(super) fn skip_if_unlisted(&mut self, now: Time, lead: LeadId) {
        if self.leads.is_unlisted(lead) {
            self.unlist(now, lead);
        }
    }

    fn unlist(&mut self, now: Time, lead: LeadId) {
        self.leads.unlist(lead);
        self.effects.push_back(Effect::Journal(Record::LeadSkipped {
            run: self.run,
            lead,
            why: NO_LONGER_LISTED.to_owned(),
            at: now,
        }));
    }

    /// Who is new on the list joins the line, and who was taken off it uncalled comes back.
    pub(super) fn join(&mut self, now: Time, numbers: &Numbers) -> u32 {
        let mut chunk = Vec::new();
        let mut first = None;
        let mut joined = 0;
        let mut near = 0;
        for number in numbers.iter() {
            if let Some(known) = self.leads.find_near(number, &mut near) {
                joined += u32::from(self.rejoin(now, known));
                continue;
            }
            let Ok(number) = Number::taken_before(number) else {
                continue;
            };
            let Some(lead) = self.leads.add(&number, now) else {
                continue;
            };
            joined += 1;
            first.get_or_insert(lead);
            chunk.push(number);
            if chunk.len() == LIST_CHUNK {
                self.journal_leads(first.take(), std::mem::take(&mut chunk));
            }
        }
        self.journal_leads(first, chunk);
        joined
    }

    fn rejoin(&mut self, now: Time, lead: LeadId) -> bool {
        let may = self.leads.may_rejoin(lead);
        if may {
            self.wait_again(now, lead);
        }
        may
    }

    fn journal_leads(&mut self, first: Option<LeadId>, numbers: Vec<Number>) {
        if let Some(first) = first {
            self.effects.push_back(Effect::Journal(Record::LeadsListed {
                run: self.run,
                first,
                numbers,
            }));
        }
    }
}
