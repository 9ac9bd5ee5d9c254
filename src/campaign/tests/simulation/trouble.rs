//! What the operator and the world do to a campaign: keys, lost links, crashes.

use super::books::Books;
use super::{Item, LEADS, Sim};
use crate::campaign::tests::model::Fate;
use crate::campaign::*;

impl Sim {
    pub(super) fn mischief(&mut self) -> Result<(), String> {
        if self.calm() {
            self.plan(5000, Item::Mischief);
            return self.command(&Command::Start);
        }
        let delay = self.rng.u64(1..6000);
        self.plan(delay, Item::Mischief);
        let someone = self.campaign.calls().map(|c| c.attempt).last();
        match self.rng.u8(..26) {
            24..=25 => self.add(),
            20..=21 => self.reread(),
            22..=23 => self.start_again(),
            0 => self.command(&Command::Pause),
            1 => self.command(&Command::Drain),
            2 => self.command(&Command::StopNow),
            3 => self.command(&Command::HangUpAll),
            4..=5 => someone.map_or(Ok(()), |a| self.command(&Command::HangUp(a))),
            6 => {
                let lead = self.some_lead();
                self.command(&Command::Skip(lead))
            }
            12..=13 => {
                let lead = self.some_lead();
                self.requeue(lead)
            }
            7..=8 => {
                self.policy.max_cc = MaxCc::new(self.rng.u32(1..5)).expect("not 0");
                self.command(&Command::SetMaxCc(self.policy.max_cc))
            }
            9..=10 if self.link_up => self.drop_link(),
            11 if self.running => {
                self.crash();
                Ok(())
            }
            _ => self.command(&Command::Start),
        }
    }

    fn some_lead(&mut self) -> LeadId {
        let leads = u32::try_from(self.campaign.leads().len()).expect("a few");
        LeadId(self.rng.u32(..leads.max(1)))
    }

    /// What will become of a call that is dialed now.
    pub(super) fn decide_fates(&mut self, attempt: AttemptId) {
        let rng = &mut self.rng;
        let a_ends = rng.bool();
        let talks = |ends: bool, rng: &mut fastrand::Rng| ends.then(|| rng.u64(1..12_000));
        let a = match rng.u8(..10) {
            0 => Fate::Fails {
                after: rng.u64(1..300),
                q850: *rng.choice(&[17, 34, 1, 21, 16]).expect("some"),
            },
            1 => Fate::Silent,
            _ => Fate::Answers {
                after: rng.u64(1..3000),
                talks: talks(a_ends, rng),
            },
        };
        let b = match rng.u8(..10) {
            0 => Fate::BusyTone {
                after: rng.u64(1..100),
            },
            1 => Fate::Fails { after: 1, q850: 16 },
            2 => Fate::Silent,
            _ => Fate::Answers {
                after: rng.u64(1..3000),
                talks: talks(!a_ends, rng),
            },
        };
        self.model.fates.insert((attempt, Part::A), a);
        self.model.fates.insert((attempt, Part::B), b);
    }

    /// The operator wants somebody called again. Only who has ended may be, and at DONE that
    /// opens the run again.
    fn requeue(&mut self, lead: LeadId) -> Result<(), String> {
        if !self.running {
            return Ok(());
        }
        let was = self.campaign.leads().state(lead);
        let done = *self.campaign.state() == RunState::Done;
        let outcome = self.campaign.command(self.now, &Command::Requeue(lead));
        self.note(|| format!("call {lead} again: {outcome:?}"));
        let may = matches!(was, Some(LeadState::Final(_))) && self.may_be_called_again(lead);
        if outcome.is_ok() != may {
            return Err(format!("lead {lead} was {was:?}: {outcome:?}"));
        }
        if outcome.is_ok() {
            *self.requeues.entry(lead).or_default() += 1;
            self.reopened += usize::from(done);
            if done && *self.campaign.state() != RunState::Dialing {
                return Err("a lead waits, and the run is not open".to_owned());
            }
        }
        self.effects()
    }

    /// Neither an emergency number, nor in line or on the line under another spelling.
    fn may_be_called_again(&self, lead: LeadId) -> bool {
        let leads = self.campaign.leads();
        let digits = |lead| leads.number_text(lead).map(|n| n.trim_start_matches('+'));
        let is_busy = |other: LeadId| {
            let is_final = matches!(leads.state(other), Some(LeadState::Final(_)));
            other != lead && digits(other) == digits(lead) && !is_final
        };
        let emergency = digits(lead).is_some_and(|digits| self.policy.emergency.has(digits));
        !emergency && !self.all_leads().any(is_busy)
    }

    /// The journal was written by a version that took each spelling for a person of its own.
    fn spell_again(&mut self) {
        let lead = LeadId(self.rng.u32(..LEADS));
        let known = Books::read(&self.disk, false).leads;
        let number = known
            .number_text(lead)
            .map(|number| match number.strip_prefix('+') {
                Some(digits) => digits.to_owned(),
                None => format!("+{number}"),
            });
        let Some(number) = number else { return };
        let first = LeadId(u32::try_from(known.len()).expect("a few"));
        self.respelt += 1;
        self.disk.push(Record::LeadsListed {
            run: RunId(1),
            first,
            numbers: vec![Number::parse(&number).expect("digits")],
        });
    }

    /// The socket is lost: at once, or it goes silent and is found to be dead later.
    pub(super) fn drop_link(&mut self) -> Result<(), String> {
        self.socket += 1;
        self.listening = false;
        self.note(|| "the link is lost".to_owned());
        if self.rng.bool() {
            return self.link_is_down();
        }
        let delay = self.rng.u64(1..3000);
        self.plan(delay, Item::LinkIsDown);
        Ok(())
    }

    pub(super) fn crash(&mut self) {
        self.note(|| "the process dies".to_owned());
        self.running = false;
        self.process += 1;
        self.socket += 1;
        self.listening = false;
        self.model.connected = false;
        self.link_up = false;
        self.unflushed.clear();
        let delay = self.rng.u64(200..4000);
        self.plan(delay, Item::Restart);
    }

    pub(super) fn restart(&mut self) -> Result<(), String> {
        if self.respelt == 0 && self.rng.u8(..4) == 0 {
            self.spell_again();
        }
        let found = Books::read(&self.disk, self.policy.retry_interrupted);
        self.own_records = self.disk.len();
        self.note(|| format!("the process starts: {found:?}"));
        self.open = found.orphans.iter().map(|o| o.attempt).collect();
        self.kept = found.added;
        self.durable.clear();
        self.heard.clear();
        self.fetched.clear();
        let next = AttemptId(found.last.0 + 1);
        let ids = AsteriskIds::new("t");
        self.campaign = Campaign::new(ids, self.policy.clone(), next);
        let (leads, orphans) = (found.leads, found.orphans);
        self.campaign
            .restore(self.now, RunId(1), found.state, leads, orphans);
        self.campaign.restore_since(found.since);
        self.campaign.one_lead_a_person(self.now);
        let listed = self.listed.clone();
        self.campaign.relist(self.now, &listed);
        self.running = true;
        self.effects()?;
        self.reconnect();
        self.command(&Command::Start)
    }

    pub(super) fn link_is_down(&mut self) -> Result<(), String> {
        self.model.connected = false;
        self.link_up = false;
        let delay = self.rng.u64(100..4000);
        self.plan(delay, Item::Reconnect);
        self.handle(Input::LinkDown)
    }

    pub(super) fn reconnect(&mut self) {
        if self.running {
            self.socket += 1;
            self.model.connected = true;
            self.listening = true;
            self.ask_census(true);
            self.plan(10_000, Item::AskCensus(self.socket));
        }
    }
}
