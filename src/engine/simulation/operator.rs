//! The operator: what it asks for, and whom that lets be called again.

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::Sim;
use super::books::digits;
use super::laws::{Law, Verdict, broken};
use crate::campaign::{
    Again, Command, Disposition, LeadId, LeadState, MaxCc, Number, Numbers, PauseAfter, RunId,
};
use crate::engine::Request;

/// Who may be called once more, if the engine agrees.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    None,
    /// Some of these, who have ended.
    Again(Vec<LeadId>),
    /// Everybody, in another run, which is tallied as that.
    Run(&'static str),
    /// Nobody: the run was done a moment ago.
    NoRun,
}

impl Sim {
    pub(super) fn press_a_key(&mut self) {
        let Some(deck) = &self.deck else {
            return;
        };
        let calls: Vec<_> = deck.engine.campaign.calls().map(|c| c.attempt).collect();
        let leads = u32::try_from(deck.engine.campaign.leads().len()).unwrap_or(1);
        let lead = LeadId(self.rng.u32(..leads.max(1)));
        match self.rng.u8(..16) {
            0..=1 => self.command(Command::Pause),
            2 => self.command(Command::Drain),
            3 => self.command(Command::StopNow),
            4 => self.command(Command::HangUpAll),
            5..=6 => {
                if let Some(call) = self.rng.choice(&calls) {
                    self.command(Command::HangUp(*call));
                }
            }
            7 => self.command(Command::Skip(lead)),
            8..=9 if self.settings.pause_after != PauseAfter::NEVER => {
                self.command(Command::RequeueMany(Again {
                    reached: true,
                    ..Again::default()
                }));
            }
            8..=9 => self.command(Command::Requeue(lead)),
            10..=11 => {
                let max = MaxCc::new(self.rng.u32(1..6)).expect("not 0");
                self.command(Command::SetMaxCc(max));
            }
            12 => self.reread(),
            13 => self.start_again(),
            14 => self.new_run(),
            _ => self.command(Command::Start),
        }
    }

    /// Somebody gives a command, which the engine finds among all else that has come in.
    pub(super) fn command(&mut self, command: Command) {
        let Some(deck) = &self.deck else {
            return;
        };
        self.tally.count(match &command {
            Command::Start => "command: start",
            Command::Pause => "command: pause",
            Command::Drain => "command: drain",
            Command::StopNow => "command: stop now",
            Command::SetMaxCc(_) => "command: MAX_CC",
            Command::HangUp(_) => "command: hang up",
            Command::HangUpAll => "command: hang up all",
            Command::Skip(_) => "command: skip",
            Command::Requeue(_) => "command: call again",
            Command::RequeueMany(_) => "command: call the streak again",
        });
        let (reply, _) = oneshot::channel();
        let by = "keyboard".to_owned();
        let request = Request::Command { command, by, reply };
        // A full queue means that the engine is not there.
        let _ = deck.handle.requests.try_send(request);
    }

    /// The list as it stands now: somebody has added numbers, or taken some out.
    fn edit_list(&mut self) -> Numbers {
        let mut numbers = Numbers::default();
        for number in super::beginning::numbers(self.leads + 3).iter() {
            if self.rng.u8(..6) > 0 {
                let plus = if self.rng.u8(..4) == 0 { "+" } else { "" };
                let number = Number::parse(&format!("{plus}{number}")).expect("digits");
                numbers.push(&number).expect("no number twice");
            }
        }
        self.numbers = numbers.clone();
        numbers
    }

    fn reread(&mut self) {
        self.tally.count("command: reload");
        let numbers = self.edit_list();
        let reading = Box::new(Ok((self.settings.clone(), numbers)));
        let (reply, _) = oneshot::channel();
        self.give(Request::Reload {
            reading,
            by: "signal".to_owned(),
            reply,
        });
    }

    fn start_again(&mut self) {
        self.tally.count("command: start again");
        let numbers = self.edit_list();
        let reading = Box::new(Ok((self.settings.clone(), numbers)));
        let (reply, _) = oneshot::channel();
        self.give(Request::StartAgain {
            reading,
            held: false,
            by: "http".to_owned(),
            reply,
        });
    }

    /// A program adds numbers: of the list, of the run, and new ones.
    pub(super) fn add(&mut self) {
        self.tally.count("command: add numbers");
        let all = super::beginning::numbers(self.leads + 6);
        let some: Vec<Number> = (0..self.rng.usize(1..4))
            .filter_map(|_| {
                let index = self.rng.u32(..self.leads + 6);
                Number::parse(all.get(index)).ok()
            })
            .collect();
        let (reply, answer) = oneshot::channel();
        self.adding.push((some.clone(), answer));
        self.give(Request::Add {
            numbers: some,
            by: "http".to_owned(),
            reply,
        });
    }

    /// What was answered to whoever added numbers is on the disk by then.
    pub(super) fn hear_added(&mut self) -> Verdict {
        let mut heard = Vec::new();
        self.adding
            .retain_mut(|(numbers, answer)| match answer.try_recv() {
                Err(TryRecvError::Empty) => true,
                Err(TryRecvError::Closed) => false,
                Ok(result) => {
                    heard.push((std::mem::take(numbers), result));
                    false
                }
            });
        for (numbers, result) in heard {
            let Ok(added) = result else {
                self.tally.count("numbers added: refused");
                continue;
            };
            self.tally.count("numbers added: answered");
            self.check_added(&numbers, &added)?;
        }
        Ok(())
    }

    pub(super) fn new_run(&mut self) {
        self.tally.count("command: new run");
        let reading = Box::new(Ok((self.settings.clone(), self.numbers.clone())));
        let (reply, _) = oneshot::channel();
        self.give(Request::NewRun {
            reading,
            held: false,
            by: "keyboard".to_owned(),
            reply,
        });
    }

    fn give(&mut self, request: Request) {
        if let Some(deck) = &self.deck {
            let _ = deck.handle.requests.try_send(request);
        }
    }

    pub(super) fn stop(&mut self) {
        self.tally.count("command: stop the process");
        let (now, by_signal) = (self.rng.bool(), self.rng.bool());
        self.give(Request::Stop {
            now,
            by_signal,
            by: "signal".to_owned(),
        });
    }

    /// What somebody asks for, as things stand before the engine takes it.
    pub(super) fn note_request(&mut self, request: &Request) -> Wish {
        if let Request::Command {
            command: Command::Start | Command::Requeue(_) | Command::RequeueMany(_),
            ..
        }
        | Request::NewRun { .. }
        | Request::StartAgain { .. } = request
        {
            self.notes.told_to_stop = false;
        }
        let Some(deck) = &self.deck else {
            return Wish::None;
        };
        let campaign = &deck.engine.campaign;
        if let Request::Command { command, .. } = request {
            let all = campaign.calls().map(|call| call.attempt);
            match command {
                Command::HangUp(attempt) => drop(self.notes.may_go.insert(*attempt)),
                Command::HangUpAll | Command::StopNow => self.notes.may_go.extend(all),
                _ => {}
            }
        }
        match request {
            Request::Command {
                command: Command::Requeue(lead),
                ..
            } if matches!(campaign.leads().state(*lead), Some(LeadState::Final(_))) => {
                Wish::Again(vec![*lead])
            }
            Request::Command {
                command: Command::RequeueMany(_),
                ..
            } => {
                let leads = campaign.leads();
                let all = (0..u32::try_from(leads.len()).unwrap_or(0)).map(LeadId);
                let ended = |lead: &LeadId| matches!(leads.state(*lead), Some(LeadState::Final(_)));
                Wish::Again(all.filter(ended).collect())
            }
            Request::NewRun { .. } => Wish::Run("new run at DONE"),
            Request::StartAgain { .. } if self.was_just_done() => {
                self.tally.count("start again right after DONE");
                Wish::NoRun
            }
            Request::StartAgain { .. } => Wish::Run("start again at DONE"),
            _ => Wish::None,
        }
    }

    /// Nobody may be called again by whoever asks for a start again: `START_AGAIN_AFTER` is not
    /// over since the run was done, and nobody new is listed.
    fn was_just_done(&self) -> bool {
        let Some(deck) = &self.deck else { return false };
        let leads = deck.engine.campaign.leads();
        let ended = |number: &str| {
            let same = |known: &str| digits(known) == digits(number);
            let known = leads.numbers().iter().position(same);
            let lead = known.and_then(|at| u32::try_from(at).ok()).map(LeadId);
            let state = lead.and_then(|lead| leads.state(lead));
            matches!(state, Some(LeadState::Final(d)) if d != Disposition::Skipped)
        };
        let now = deck.engine.clock.now();
        let after = self.settings.start_again_after;
        let early = |at| after.is_none_or(|after| now.since(at) < after);
        self.notes.done_at.is_some_and(early) && self.numbers.iter().all(ended)
    }

    /// What has become of a wish, the run having been `before`, if no other one was to begin: who
    /// may be called once more.
    pub(super) fn grant(&mut self, wish: Wish, before: Option<RunId>) -> Verdict {
        let Some(deck) = &self.deck else {
            return Ok(());
        };
        let campaign = &deck.engine.campaign;
        let (run, leads) = (campaign.run(), campaign.leads());
        let is_new = before.is_some_and(|before| before != run);
        match wish {
            Wish::Run(what) if is_new => self.tally.count(what),
            _ if is_new => {
                return broken(Law::Policy, format!("nobody may be called again in {run}"));
            }
            Wish::Again(wished) => {
                let waits =
                    |lead: &LeadId| !matches!(leads.state(*lead), Some(LeadState::Final(_)));
                for number in wished
                    .into_iter()
                    .filter(waits)
                    .filter_map(|l| leads.number(l))
                {
                    let wished = (run, digits(number.as_str()).to_owned());
                    *self.notes.wishes.entry(wished).or_default() += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// After a command the picture shows what it did, and nobody is called who must not be.
    pub(super) fn check_command(&mut self, stops: bool, replied: bool) -> Verdict {
        self.notes.told_to_stop |= stops;
        let Some(deck) = &self.deck else {
            return Ok(());
        };
        let picture = deck.picture();
        match self.difference(&picture) {
            Some(what) if replied => broken(Law::Snapshot, format!("{what}, after a command")),
            _ => Ok(()),
        }
    }
}
