//! What must be written down: looked at when a process starts, when numbers are added, and at
//! the end.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::Sim;
use super::laws::{Law, Verdict, broken};
use crate::campaign::{
    Added, AttemptId, Disposition, LeadId, LeadState, NO_LONGER_LISTED, Number, RunId,
};
use crate::config::OnInterrupted;
use crate::journal::{LeadStatus, Recovered};

impl Sim {
    /// A process has started on what the journal has.
    pub(super) fn check_recovered(&mut self, recovered: &Recovered) -> Verdict {
        let known = self.attempts();
        // An answer that a dead process heard and had not yet on its disk is lost with it.
        let heard = |a: &AttemptId| known.get(a).is_some_and(|known| known.answered);
        self.notes.heard.retain(heard);
        let dialed = self.notes.dialed.keys();
        for attempt in dialed.chain(&self.notes.durable) {
            if !known.contains_key(attempt) {
                return broken(Law::Journal, format!("it has forgotten {attempt}"));
            }
        }
        let next = recovered.next_attempt;
        if known.keys().any(|attempt| *attempt >= next) {
            return broken(Law::Journal, format!("{next} would be used again"));
        }
        let open = known
            .values()
            .filter(|a| a.disposition.is_none() && !a.withdrawn);
        let unfinished = recovered.run.as_ref().map_or(0, |run| run.unfinished.len());
        if open.count() != unfinished {
            return broken(Law::Journal, "not all that is unfinished is told");
        }
        Ok(())
    }

    /// The journal has every lead as it is.
    pub(super) fn check_leads(&self) -> Verdict {
        let Some(deck) = &self.deck else {
            return Ok(());
        };
        let campaign = &deck.engine.campaign;
        let mut known = 0;
        let mut wrong = None;
        let read = deck.engine.journal.for_each_lead(campaign.run(), |lead| {
            let row = campaign.leads().row(LeadId(known));
            known += 1;
            let state = match lead.status {
                LeadStatus::Waiting => LeadState::Waiting,
                LeadStatus::InFlight(attempt) => LeadState::Calling(attempt),
                LeadStatus::Attempted(disposition) => LeadState::Final(disposition),
            };
            let same = row
                .is_some_and(|row| row.state == state && u32::from(row.attempts) == lead.attempts);
            if !same {
                wrong.get_or_insert(format!("{lead:?} is {row:?}"));
            }
        });
        read.expect("the journal can be read");
        if known as usize != campaign.leads().len() {
            return broken(Law::Journal, format!("it has {known} leads"));
        }
        wrong.map_or(Ok(()), |what| broken(Law::Journal, what))
    }

    /// When all is over, everybody is accounted for and nothing is left.
    pub(super) fn check_end(&mut self) -> Verdict {
        let sizes = self.world.sizes();
        if sizes.channels + sizes.bridges + sizes.recording > 0 {
            return broken(Law::NoOrphans, format!("left in Asterisk: {sizes:?}"));
        }
        let attempts = self.attempts();
        for (attempt, known) in &attempts {
            self.check_attempt(*attempt, known)?;
        }
        if let Some(recording) = self.world.stored_names().first() {
            return broken(Law::NoOrphans, format!("{recording} was not fetched"));
        }
        self.check_kept()?;
        self.check_policy(&attempts)
    }

    /// Whoever was told that these numbers are in the run finds them there after any crash.
    pub(super) fn check_added(&self, numbers: &[Number], added: &Added) -> Verdict {
        let sql =
            "SELECT count(*) FROM leads WHERE run = ?1 AND lead = ?2 AND ltrim(number, '+') = ?3";
        let conn = self.journal();
        for (number, lead) in numbers.iter().zip(&added.leads) {
            let key = (added.run.0, lead.lead.0, digits(number.as_str()));
            let known: u32 = conn
                .query_row(sql, key, |row| row.get(0))
                .expect("its schema");
            if known != 1 {
                let what = format!("{number} is answered and not written: {lead:?}");
                return broken(Law::Journal, what);
            }
        }
        Ok(())
    }

    /// No reading of the list takes off what the list never had.
    fn check_kept(&self) -> Verdict {
        let sql = "SELECT count(*) FROM leads WHERE added = 1 AND note = ?1";
        let lost: u32 = self
            .journal()
            .query_row(sql, [NO_LONGER_LISTED], |row| row.get(0))
            .expect("its schema");
        if lost > 0 {
            let what = format!("{lost} added numbers were taken off for not being listed");
            return broken(Law::Policy, what);
        }
        Ok(())
    }

    fn journal(&self) -> Connection {
        Connection::open(&self.settings.state_file).expect("the journal opens")
    }

    fn check_attempt(&self, attempt: AttemptId, known: &Attempt) -> Verdict {
        let was_dialed = self.notes.dialed.contains_key(&attempt);
        if known.withdrawn {
            if was_dialed {
                return broken(
                    Law::EndsOnce,
                    format!("{attempt} was withdrawn, and dialed"),
                );
            }
            return Ok(());
        }
        let Some(disposition) = &known.disposition else {
            return broken(Law::EndsOnce, format!("{attempt} has no end"));
        };
        let reached = ["answered", "abandoned"].contains(&disposition.as_str());
        if self.notes.heard.contains(&attempt) && !reached {
            return broken(
                Law::Answered,
                format!("{attempt} answered and is {disposition}"),
            );
        }
        let answered = *disposition == Disposition::Answered.to_string();
        // Where events overtake others, as Asterisk's do not, a loss of the link may take the end of
        // a leg along that came before the answer of the other.
        let in_order = !self.tally.0.contains_key("events: late");
        if answered && in_order && !self.notes.bridged.contains_key(&attempt) {
            return broken(Law::Answered, format!("{attempt} never reached the target"));
        }
        Ok(())
    }

    fn check_policy(&self, attempts: &BTreeMap<AttemptId, Attempt>) -> Verdict {
        let retries = self.settings.on_interrupted == OnInterrupted::Retry;
        let mut allowed = BTreeMap::<&str, usize>::new();
        let mut of_run = BTreeMap::<(RunId, &str), Vec<AttemptId>>::new();
        for (attempt, known) in attempts {
            let person = (known.run, digits(&known.number));
            let calls = of_run.entry(person).or_default();
            calls.push(*attempt);
        }
        for ((run, number), of_it) in of_run {
            let wishes = self.notes.wishes.get(&(run, number.to_owned()));
            let wishes = wishes.copied().unwrap_or(0);
            let interrupted = |a: &&AttemptId| retries && attempts[*a].is_interrupted();
            let again = of_it.iter().filter(interrupted).count();
            let dialed = |a: &&AttemptId| self.notes.dialed.contains_key(*a);
            let count = of_it.iter().filter(dialed).count();
            if count > 1 + wishes + again {
                let what = format!(
                    "{number} was called {count} times in {run} after {wishes} wishes, \
                     {again} interruptions"
                );
                return broken(Law::Policy, what);
            }
            *allowed.entry(number).or_default() += count;
        }
        let mut calls = BTreeMap::<&str, usize>::new();
        for number in self.world.calls_placed() {
            *calls.entry(digits(number)).or_default() += 1;
        }
        let unknown = calls
            .into_iter()
            .find(|call| allowed.get(call.0) != Some(&call.1));
        unknown.map_or(Ok(()), |(number, count)| {
            let what = format!("{number} was called {count} times, not by those attempts");
            broken(Law::Policy, what)
        })
    }

    /// What the journal's file has of all attempts.
    pub(super) fn attempts(&self) -> BTreeMap<AttemptId, Attempt> {
        let sql =
            "SELECT attempt, run, number, withdrawn, attempts.disposition, answered_at IS NOT NULL
                   FROM attempts JOIN leads USING (run, lead)";
        let conn = self.journal();
        let mut statement = conn.prepare(sql).expect("its schema");
        let rows = statement.query_map([], |row| {
            let attempt: i64 = row.get(0)?;
            let known = Attempt {
                run: RunId(row.get(1)?),
                number: row.get(2)?,
                withdrawn: row.get(3)?,
                disposition: row.get(4)?,
                answered: row.get(5)?,
            };
            Ok((AttemptId(attempt.cast_unsigned()), known))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }
}

/// What two spellings of one person's number have in common.
pub(super) fn digits(number: &str) -> &str {
    number.trim_start_matches('+')
}

/// An attempt, as it is written down.
#[derive(Debug)]
pub(super) struct Attempt {
    run: RunId,
    number: String,
    withdrawn: bool,
    disposition: Option<String>,
    answered: bool,
}

impl Attempt {
    fn is_interrupted(&self) -> bool {
        self.disposition.as_deref() == Some("interrupted")
    }
}
