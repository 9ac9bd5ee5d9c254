//! Thousands of seeded campaigns against the model, with faults: slow, lost and refused
//! requests, links that drop or go silent, a full journal, crashes, an operator who presses
//! every key. After each step what must hold is checked. A failing seed is played again
//! with its trace.

mod books;
mod checks;
mod figures;
mod lists;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::*;
use super::model::Model;
use super::rig::{campaign, numbers, policy};
use super::sabotage::{self, Sabotage};

const SEEDS: u64 = 2500;
const LEADS: u32 = 8;
/// Faults and commands end here; then the run must come to its end.
const TROUBLE: Time = Time::from_millis(60_000);
const PATIENCE: Duration = Duration::from_secs(1500);
/// TARGET_TIMEOUT, requests that time out, a lost link, a census: nobody waits longer.
const LONGEST_SILENCE: Duration = Duration::from_secs(45);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

#[test]
fn whatever_happens_nobody_is_called_twice_forgotten_or_left() {
    let (mut requeued, mut reopened) = (0, 0);
    let (mut added, mut reopened_by_adding, mut respelt) = (0, 0, 0);
    let mut relisted = Relisted::default();
    let mut starts = BTreeMap::<&str, usize>::new();
    let (mut dropped, mut adopted) = (0, 0);
    for seed in 0..SEEDS {
        let sim = check(seed);
        let figures = sim.figures();
        dropped += figures.seizures - figures.bridged;
        adopted += usize::from(sim.own_records > 0 && figures.attempts > 0);
        requeued += sim.requeues.values().sum::<usize>();
        reopened += sim.reopened;
        added += sim.added;
        reopened_by_adding += sim.reopened_by_adding;
        respelt += sim.respelt;
        relisted.joined += sim.relisted.joined;
        relisted.skipped += sim.relisted.skipped;
        for (began, count) in sim.starts {
            *starts.entry(began).or_default() += count;
        }
    }
    // What never happens is not checked.
    assert!(requeued > 1000 && reopened > 100, "{requeued}, {reopened}");
    assert!(
        relisted.joined > 1000 && relisted.skipped > 1000,
        "{relisted:?}"
    );
    assert!(
        added > 1000 && reopened_by_adding > 20,
        "{added}, {reopened_by_adding}"
    );
    assert!(respelt > 100, "{respelt}");
    assert!(dropped > 500 && adopted > 200, "{dropped}, {adopted}");
    let words = ["running", "paused", "resumed", "started", "done"];
    assert!(
        words.iter().all(|w| starts.get(w) > Some(&50)),
        "{starts:?}"
    );
}

#[test]
fn who_is_called_at_each_spelling_and_who_dials_an_emergency_number_is_noticed() {
    for (what, law) in [
        (Sabotage::CallsEachSpelling, " times, after "),
        (Sabotage::DialsEmergencies, " leaves for "),
    ] {
        sabotage::set(Some(what));
        let mut violations = (0..SEEDS).filter_map(|seed| Sim::new(seed, false).run().err());
        let noticed = violations.any(|violation| violation.contains(law));
        sabotage::set(None);
        assert!(noticed, "{what:?}");
    }
}

fn check(seed: u64) -> Sim {
    let mut sim = Sim::new(seed, false);
    if sim.run().is_ok() {
        return sim;
    }
    let mut again = Sim::new(seed, true);
    let violation = again.run();
    panic!(
        "seed {seed}: {violation:?}\n{}",
        again.trace.unwrap_or_default().join("\n")
    );
}

#[derive(Debug, Clone)]
enum Item {
    /// A request reaches Asterisk, which answers after the delay, if there is one.
    Execute(AttemptId, Op, Number, Option<Duration>),
    TakeDown(AttemptId, Part),
    /// Something reaches the campaign of this process.
    Tell(u32, Input),
    /// An event comes over this socket.
    Event(u32, Input),
    Flush(u32),
    AskCensus(u32),
    Census(u32, bool, Time),
    TellCensus(u32, bool, Census),
    LinkIsDown,
    Reconnect,
    Restart,
    /// The operator does something, or the world does.
    Mischief,
}

struct Sim {
    rng: fastrand::Rng,
    campaign: Campaign,
    model: Model,
    now: Time,
    serial: u64,
    agenda: BTreeMap<(Time, u64), Item>,
    process: u32,
    running: bool,
    socket: u32,
    /// Events arrive; a socket may be dead before that is known.
    listening: bool,
    last_event: Time,
    link_up: bool,
    disk: Vec<Record>,
    /// How many of them were there when the process that lives began.
    own_records: usize,
    unflushed: Vec<Record>,
    durable: BTreeSet<AttemptId>,
    /// Begun, and neither ended nor taken back.
    open: BTreeSet<AttemptId>,
    /// The campaign heard them answer.
    heard: BTreeSet<AttemptId>,
    fetched: BTreeSet<AttemptId>,
    silent_since: BTreeMap<AttemptId, Time>,
    /// How often the operator wanted each lead called again, and how often that was at DONE.
    requeues: BTreeMap<LeadId, usize>,
    reopened: usize,
    /// The list as it was read last, and how often what came of that.
    listed: Numbers,
    relisted: Relisted,
    /// Numbers that a command added, as the journal has them or will; how many there were, and how often that was at DONE.
    kept: BTreeSet<String>,
    added: usize,
    reopened_by_adding: usize,
    starts: BTreeMap<&'static str, usize>,
    /// The leads that the journal has from a version that took each spelling for a person.
    respelt: usize,
    policy: Policy,
    trace: Option<Vec<String>>,
}

impl Sim {
    fn new(seed: u64, traced: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut call = call_settings();
        call.target.staged = rng.u8(..4) > 0;
        call.target.moh_class = (rng.u8(..4) == 0).then(|| "default".to_owned());
        call.max_call = (rng.u8(..4) == 0).then_some(Duration::from_secs(8));
        let policy = Policy {
            call: Arc::new(call),
            retry_interrupted: rng.u8(..5) == 0,
            emergency: Emergency::of(if rng.u8(..4) == 0 { "1001 1004" } else { "" }),
            ..policy(rng.u32(1..5))
        };
        Self {
            campaign: campaign(policy.clone()),
            rng,
            model: Model::default(),
            now: Time::from_millis(1000),
            serial: 0,
            agenda: BTreeMap::new(),
            process: 0,
            running: true,
            socket: 0,
            listening: false,
            last_event: Time::default(),
            link_up: false,
            disk: Vec::new(),
            own_records: 0,
            unflushed: Vec::new(),
            durable: BTreeSet::new(),
            open: BTreeSet::new(),
            heard: BTreeSet::new(),
            fetched: BTreeSet::new(),
            silent_since: BTreeMap::new(),
            requeues: BTreeMap::new(),
            reopened: 0,
            listed: numbers(LEADS),
            relisted: Relisted::default(),
            kept: BTreeSet::new(),
            added: 0,
            reopened_by_adding: 0,
            starts: BTreeMap::new(),
            respelt: 0,
            policy,
            trace: traced.then(Vec::new),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        self.campaign.open_run(self.now, "list", &numbers(LEADS));
        self.effects()?;
        self.flush(self.process)?;
        self.plan(10, Item::Reconnect);
        self.plan(5000, Item::Mischief);
        self.command(&Command::Start)?;
        while !self.is_over() {
            if self.now > TROUBLE + PATIENCE {
                return Err("the run does not come to its end".to_owned());
            }
            self.step()?;
        }
        self.check_books()
    }

    fn is_over(&self) -> bool {
        self.now > TROUBLE
            && self.running
            && *self.campaign.state() == RunState::Done
            && self.campaign.is_quiet()
            && self.model.is_empty()
            && self.unflushed.is_empty()
            && !self.agenda.values().any(|i| matches!(i, Item::Execute(..)))
    }

    fn calm(&self) -> bool {
        self.now > TROUBLE
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9} {}", self.now.millis(), what()));
        }
    }

    fn plan(&mut self, ms: u64, item: Item) {
        self.plan_at(self.now + Duration::from_millis(ms), item);
    }

    fn plan_at(&mut self, at: Time, item: Item) {
        self.serial += 1;
        self.agenda.insert((at, self.serial), item);
    }

    fn step(&mut self) -> Result<(), String> {
        let planned = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let timeout = self.campaign.poll_timeout().filter(|_| self.running);
        let next = [planned, timeout, self.model.next()];
        let Some(at) = next.into_iter().flatten().min() else {
            return Err("nothing will ever happen again".to_owned());
        };
        self.now = self.now.max(at);
        self.model.run_to(self.now);
        self.carry_events();
        if planned == Some(at) {
            let (_, item) = self.agenda.pop_first().expect("it was planned");
            self.do_item(item)?;
        } else if timeout == Some(at) {
            self.handle(Input::Tick)?;
        }
        self.check_silence()
    }

    fn do_item(&mut self, item: Item) -> Result<(), String> {
        match item {
            Item::Execute(attempt, op, number, answer_after) => {
                let result = self.model.execute(attempt, op, &number);
                self.note(|| format!("done {attempt} {op:?} {result:?}"));
                self.carry_events();
                if let Some(delay) = answer_after {
                    let answer = Input::Answer {
                        attempt,
                        op,
                        result,
                    };
                    self.plan_at(self.now + delay, Item::Tell(self.process, answer));
                }
            }
            Item::TakeDown(attempt, part) => {
                self.model.take_down(attempt, part);
                self.carry_events();
            }
            Item::Tell(process, input) if process == self.process => self.handle(input)?,
            Item::Event(socket, input) if socket == self.socket => self.handle(input)?,
            Item::Flush(process) => self.flush(process)?,
            Item::AskCensus(socket) if socket == self.socket => {
                self.plan(10_000, Item::AskCensus(socket));
                self.ask_census(false);
            }
            Item::Census(socket, first, asked_at) => {
                let census = self.model.census(asked_at);
                let delay = self.rng.u64(..30);
                self.plan(delay, Item::TellCensus(socket, first, census));
            }
            Item::TellCensus(socket, first, census) if socket == self.socket && self.running => {
                self.link_up = true;
                self.handle(if first {
                    Input::LinkUp(census)
                } else {
                    Input::Census(census)
                })?;
            }
            Item::LinkIsDown => self.link_is_down()?,
            Item::Reconnect => self.reconnect(),
            Item::Restart => self.restart()?,
            Item::Mischief => self.mischief()?,
            Item::Tell(..) | Item::Event(..) | Item::AskCensus(_) | Item::TellCensus(..) => {}
        }
        Ok(())
    }

    fn handle(&mut self, input: Input) -> Result<(), String> {
        if !self.running {
            return Ok(());
        }
        self.note(|| format!("<- {input:?}"));
        match &input {
            Input::Durable(attempt) => {
                self.durable.insert(*attempt);
            }
            Input::Leg {
                attempt,
                part: Part::A,
                event: LegEvent::Up | LegEvent::Entered,
                ..
            } if self.open.contains(attempt) => {
                self.heard.insert(*attempt);
            }
            Input::NotDurable(attempt) => {
                self.open.remove(attempt);
            }
            _ => {}
        }
        self.campaign.handle(self.now, input);
        if self
            .campaign
            .poll_timeout()
            .is_some_and(|at| at <= self.now)
        {
            return Err("a timer spins".to_owned());
        }
        self.effects()
    }

    fn command(&mut self, command: &Command) -> Result<(), String> {
        if !self.running {
            return Ok(());
        }
        let outcome = self.campaign.command(self.now, command);
        self.note(|| format!("command {command}: {outcome:?}"));
        self.effects()
    }

    fn effects(&mut self) -> Result<(), String> {
        while let Some(effect) = self.campaign.poll_effect() {
            if !matches!(effect, Effect::Tell(_)) {
                self.note(|| format!("   -> {effect:?}"));
            }
            match effect {
                Effect::Journal(record) => self.journal(record)?,
                Effect::Ask {
                    attempt,
                    op,
                    number,
                    ..
                } => self.ask(attempt, op, number)?,
                Effect::ProbeTrunk(attempt) => {
                    let trunk = match self.rng.u8(..3) {
                        _ if self.calm() => TrunkIs::There,
                        0 => TrunkIs::Missing,
                        1 => TrunkIs::Away,
                        _ => TrunkIs::There,
                    };
                    let answer = Input::Trunk { attempt, trunk };
                    let delay = self.rng.u64(1..40);
                    self.plan(delay, Item::Tell(self.process, answer));
                }
                Effect::AskCarrier(attempt) => {
                    // The model's carriers say at least that they try.
                    let answered = true;
                    let delay = self.rng.u64(1..40);
                    let answer = Input::Carrier { attempt, answered };
                    self.plan(delay, Item::Tell(self.process, answer));
                }
                Effect::ProbeAsterisk => {
                    let answered = self.calm() || self.rng.u8(..3) > 0;
                    let delay = self.rng.u64(1..40);
                    self.plan(delay, Item::Tell(self.process, Input::Probed { answered }));
                }
                Effect::TakeDownStray { attempt, part } => {
                    self.plan(1, Item::TakeDown(attempt, part));
                }
                Effect::FetchRecording { attempt, .. } => {
                    if !self.fetched.insert(attempt) {
                        return Err(format!("recording {attempt} is fetched twice"));
                    }
                }
                Effect::Tell(_) => {}
            }
        }
        Ok(())
    }

    fn journal(&mut self, record: Record) -> Result<(), String> {
        match &record {
            Record::AttemptBegun { attempt, .. } => {
                self.open.insert(*attempt);
                let delay = self.rng.u64(..30);
                self.plan(delay, Item::Flush(self.process));
            }
            Record::AttemptWithdrawn { attempt } => self.close(*attempt)?,
            Record::AttemptEnded { attempt, end } => {
                self.close(*attempt)?;
                let reached = matches!(
                    end.disposition,
                    Disposition::Answered | Disposition::Abandoned
                );
                if self.heard.contains(attempt) && !reached {
                    return Err(format!("{attempt} answered and is {}", end.disposition));
                }
                if end.disposition == Disposition::Answered && !self.model.bridged.contains(attempt)
                {
                    return Err(format!("{attempt} never reached the target"));
                }
            }
            _ => {}
        }
        self.unflushed.push(record);
        self.plan(50, Item::Flush(self.process));
        Ok(())
    }

    fn close(&mut self, attempt: AttemptId) -> Result<(), String> {
        if self.open.remove(&attempt) {
            Ok(())
        } else {
            Err(format!("{attempt} ends, and was not open"))
        }
    }

    fn ask(&mut self, attempt: AttemptId, op: Op, number: Number) -> Result<(), String> {
        if op == Op::OriginateA {
            self.check_originate(attempt)?;
        }
        let soon = Duration::from_millis(self.rng.u64(..8));
        let back = Duration::from_millis(self.rng.u64(..8));
        let fault = if self.calm() { 100 } else { self.rng.u8(..100) };
        let error = match fault {
            0 => Some(OpError::NotSent),
            1 => Some(OpError::Refused(500)),
            2 => Some(OpError::Unknown),
            3 if op == Op::OriginateA => Some(OpError::Login),
            4 if op == Op::OriginateA => Some(OpError::Refused(400)),
            // Carried out, and the answer is lost; or carried out when nobody waits any more.
            3..=4 => {
                let lost = Input::Answer {
                    attempt,
                    op,
                    result: Err(OpError::Unknown),
                };
                let at = self.now + REQUEST_TIMEOUT;
                self.plan_at(at, Item::Tell(self.process, lost));
                let late = if fault == 4 { 5500 } else { 3 };
                self.plan(late, Item::Execute(attempt, op, number, None));
                return Ok(());
            }
            _ => None,
        };
        let Some(error) = error else {
            let item = Item::Execute(attempt, op, number, Some(back));
            self.plan_at(self.now + soon, item);
            return Ok(());
        };
        let delay = if error == OpError::Unknown {
            // An originate of which nothing was heard may be carried out late.
            if self.rng.bool() {
                self.plan(5500, Item::Execute(attempt, op, number, None));
            }
            REQUEST_TIMEOUT
        } else {
            back
        };
        let answer = Input::Answer {
            attempt,
            op,
            result: Err(error),
        };
        self.plan_at(self.now + delay, Item::Tell(self.process, answer));
        Ok(())
    }

    /// Sends Asterisk's events on their way, in their order, some of them twice.
    fn carry_events(&mut self) {
        if !self.listening {
            self.model.events.clear();
        }
        while let Some(event) = self.model.events.pop_front() {
            let delay = Duration::from_millis(self.rng.u64(..6));
            self.last_event = self.last_event.max(self.now + delay);
            if !self.calm() && self.rng.u8(..50) == 0 {
                self.plan_at(self.last_event, Item::Event(self.socket, event.clone()));
            }
            self.plan_at(self.last_event, Item::Event(self.socket, event));
        }
    }

    fn flush(&mut self, process: u32) -> Result<(), String> {
        if process != self.process {
            return Ok(());
        }
        let full = !self.calm() && self.rng.u8(..60) == 0;
        let mut told = Vec::new();
        for record in std::mem::take(&mut self.unflushed) {
            match &record {
                Record::AttemptBegun { attempt, .. } if full => {
                    told.push(Input::NotDurable(*attempt));
                    continue;
                }
                Record::AttemptBegun { attempt, .. } => told.push(Input::Durable(*attempt)),
                _ => {}
            }
            self.disk.push(record);
        }
        if full {
            self.plan(1000, Item::Tell(self.process, Input::JournalWell));
        }
        for input in told {
            self.handle(input)?;
        }
        Ok(())
    }

    fn ask_census(&mut self, first: bool) {
        let delay = self.rng.u64(..30);
        self.plan(delay, Item::Census(self.socket, first, self.now));
    }
}
