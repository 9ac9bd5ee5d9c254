//! Who waits, who is next, and how the others ended: the leads of one run, and what lists,
//! people and programs change about them.

pub(super) mod changes;
pub(super) mod leads;
pub(super) mod numbers;

use super::disposition::{Disposition, HangupCause};
use super::ids::{AttemptId, LeadId, RunId};
use super::io::{Again, Outcome};
use super::number::{Emergency, Number};
use super::out::Out;
use super::record::{Record, RunState};
use super::time::Time;
use leads::{LeadState, Leads};
use numbers::Numbers;

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

/// Where changes of leads are written down.
pub(super) struct Pen<'a> {
    pub(super) now: Time,
    pub(super) run: RunId,
    pub(super) out: &'a mut Out,
}

/// The leads of a run, and the order in which they are called.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) leads: Leads,
}

impl Queue {
    /// The next in line, who stays there until a call begins.
    pub(super) fn next(&mut self) -> Option<(LeadId, Number)> {
        let lead = self.leads.next()?;
        Some((lead, self.leads.number(lead)?))
    }

    /// A waiting lead is not called in this run.
    pub(super) fn take_off(&mut self, lead: LeadId, why: String, pen: &mut Pen<'_>) {
        self.leads.skip(lead);
        pen.skipped(lead, why);
    }

    /// A person wants a waiting lead taken off.
    pub(super) fn skip(&mut self, lead: LeadId, pen: &mut Pen<'_>) -> Outcome {
        if self.leads.state(lead) != Some(LeadState::Waiting) {
            return Err(format!("lead {lead} does not wait"));
        }
        self.take_off(lead, "by the operator".to_owned(), pen);
        Ok(format!("{} is skipped", self.number_of(lead)))
    }

    /// A person wants a lead called again that has ended.
    pub(super) fn requeue(
        &mut self,
        lead: LeadId,
        emergency: &Emergency,
        pen: &mut Pen<'_>,
    ) -> Outcome {
        match self.leads.state(lead) {
            None => return Err(format!("there is no lead {lead}")),
            Some(LeadState::Waiting) => return Err(format!("lead {lead} waits already")),
            Some(LeadState::Calling(_)) => return Err(format!("lead {lead} is being called")),
            Some(LeadState::Final(_)) => {}
        }
        let number = self.number_of(lead);
        if emergency.has(number) {
            return Err(format!(
                "{number} is an emergency number, which is never dialed"
            ));
        }
        if let Some(same) = self.busy_as(lead) {
            return Err(format!(
                "lead {lead} is the same person as lead {same}, which is not done"
            ));
        }
        self.wait_again(lead, pen);
        Ok(format!("{} waits again", self.number_of(lead)))
    }

    /// Puts a lead that has ended back to its place in the line, and writes that down.
    pub(super) fn wait_again(&mut self, lead: LeadId, pen: &mut Pen<'_>) {
        self.leads.put_back(lead);
        pen.out.journal(Record::LeadRequeued {
            run: pen.run,
            lead,
            at: pen.now,
        });
    }

    /// Which leads have ended as asked.
    pub(super) fn ended_as(&self, again: &Again) -> Result<Vec<LeadId>, String> {
        if let Some(disposition) = again.disposition
            && (disposition == Disposition::Answered || !disposition.is_of_attempts())
        {
            return Err(format!(
                "those who are {disposition} are called again one by one, or all by a new run"
            ));
        }
        let from = again.from.unwrap_or(AttemptId(0));
        let fits = |lead: &LeadId| {
            let row = self.leads.row(*lead);
            row.is_some_and(|row| {
                let LeadState::Final(ended) = row.state else {
                    return false;
                };
                let as_asked = match again.disposition {
                    Some(disposition) => ended == disposition,
                    // Without any cause nobody knows that it did not ring.
                    None => ended.is_refusal() && row.cause != HangupCause::default(),
                };
                as_asked && row.last.is_some_and(|last| last >= from)
            })
        };
        let all = u32::try_from(self.leads.len()).unwrap_or(u32::MAX);
        Ok((0..all).map(LeadId).filter(fits).collect())
    }

    /// For people: they know numbers, not leads.
    fn number_of(&self, lead: LeadId) -> &str {
        self.leads.number_text(lead).unwrap_or_default()
    }
}

/// What lists and programs bring.
impl Queue {
    /// Compares the leads with a list that was read again. Calls that were about to be dialed and
    /// are not listed must have been withdrawn; `called` are the leads of all others.
    pub(super) fn compare(
        &mut self,
        numbers: &Numbers,
        called: &[LeadId],
        pen: &mut Pen<'_>,
    ) -> Relisted {
        let skipped = self.skip_unlisted(numbers, pen);
        self.mark_unlisted(numbers, called);
        let joined = self.join(numbers, pen);
        Relisted { joined, skipped }
    }

    /// Whether somebody is on the list whom the run does not have, or has taken off for not
    /// being listed.
    pub(super) fn lacks_any_of(&self, numbers: &Numbers) -> bool {
        let mut near = 0;
        numbers.iter().any(|number| {
            let known = self.leads.find_near(number, &mut near);
            known.is_none_or(|lead| self.leads.may_rejoin(lead))
        })
    }

    fn skip_unlisted(&mut self, numbers: &Numbers, pen: &mut Pen<'_>) -> u32 {
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
            self.unlist(*lead, pen);
        }
        u32::try_from(gone.len()).unwrap_or(u32::MAX)
    }

    /// Whoever is being called and not listed is called to the end, and not once more.
    fn mark_unlisted(&mut self, numbers: &Numbers, called: &[LeadId]) {
        for lead in called.iter().copied() {
            let number = self.leads.number_text(lead);
            let listed = number.is_some_and(|number| numbers.find(number).is_some());
            self.leads.note_listed(lead, listed);
        }
    }

    /// A lead is back in line without having been called: it stays there only if it is listed.
    pub(super) fn skip_if_unlisted(&mut self, lead: LeadId, pen: &mut Pen<'_>) {
        if self.leads.is_unlisted(lead) {
            self.unlist(lead, pen);
        }
    }

    fn unlist(&mut self, lead: LeadId, pen: &mut Pen<'_>) {
        self.leads.unlist(lead);
        pen.skipped(lead, NO_LONGER_LISTED.to_owned());
    }

    /// New numbers join the line, and those come back that were taken off it uncalled.
    pub(super) fn join(&mut self, numbers: &Numbers, pen: &mut Pen<'_>) -> u32 {
        let mut chunk = Vec::new();
        let mut first = None;
        let mut joined = 0;
        let mut near = 0;
        for number in numbers.iter() {
            if let Some(known) = self.leads.find_near(number, &mut near) {
                joined += u32::from(self.rejoin(known, pen));
                continue;
            }
            let Ok(number) = Number::taken_before(number) else {
                continue;
            };
            let Some(lead) = self.leads.add(&number, pen.now) else {
                continue;
            };
            joined += 1;
            first.get_or_insert(lead);
            chunk.push(number);
            if chunk.len() == LIST_CHUNK {
                pen.listed(first.take(), std::mem::take(&mut chunk));
            }
        }
        pen.listed(first, chunk);
        joined
    }

    fn rejoin(&mut self, lead: LeadId, pen: &mut Pen<'_>) -> bool {
        let may = self.leads.may_rejoin(lead);
        if may {
            self.wait_again(lead, pen);
        }
        may
    }

    /// Adds numbers at the end of the line. A number that the run has already stays as it is,
    /// however it ended: asked twice for the same, nobody is called twice.
    pub(super) fn add(&mut self, numbers: &[Number], pen: &mut Pen<'_>) -> Vec<AddedLead> {
        let mut leads = Vec::with_capacity(numbers.len());
        let mut joined = Vec::new();
        let mut first = None;
        for number in numbers {
            let new = self.leads.add(number, pen.now);
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
            pen.out.journal(Record::LeadsAdded {
                run: pen.run,
                first,
                numbers: joined,
            });
        }
        leads
    }
}

/// Leads of one person: an earlier version took each spelling of a number, with `+`, with `00`
/// or without, for a person of its own.
impl Queue {
    /// Of the leads of one person at most one waits, and none where another was called or is
    /// being called. Tells how many were taken off.
    pub(super) fn one_lead_a_person(&mut self, pen: &mut Pen<'_>) -> usize {
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
                    let why = format!("the same person as lead {stands_for_all}");
                    self.take_off(lead, why, pen);
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
    fn busy_as(&self, lead: LeadId) -> Option<LeadId> {
        let mut people = self.leads.respelt();
        let same = people.find(|leads| leads.contains(&lead))?;
        let is_busy = |other: &LeadId| {
            let state = self.leads.state(*other);
            *other != lead && !matches!(state, Some(LeadState::Final(_)))
        };
        same.into_iter().find(is_busy)
    }
}

impl Pen<'_> {
    fn skipped(&mut self, lead: LeadId, why: String) {
        self.out.journal(Record::LeadSkipped {
            run: self.run,
            lead,
            why,
            at: self.now,
        });
    }

    fn listed(&mut self, first: Option<LeadId>, numbers: Vec<Number>) {
        if let Some(first) = first {
            self.out.journal(Record::LeadsListed {
                run: self.run,
                first,
                numbers,
            });
        }
    }
}
