//! The whole dialer in virtual time: the real engine, client, translation and journal against
//! the simulator's world, which is Asterisk and the carrier, with everything going wrong that
//! can. A seed replays all of it.
//!
//! | file | what it has |
//! | --- | --- |
//! | `simulation.rs` | the course of one seed |
//! | `simulation/beginning.rs` | what a seed begins with |
//! | `simulation/process.rs` | a process that starts, writes, fetches and dies |
//! | `simulation/deck.rs` | one process: the engine and the ends of what is around it |
//! | `simulation/network.rs` | requests on their way, and what befalls them |
//! | `simulation/asterisk.rs` | requests that arrive, events that leave, the event stream |
//! | `simulation/trouble.rs` | faults and commands |
//! | `simulation/trace.rs` | what the engine is told, as a line of the trace |
//! | `simulation/laws.rs` | what must hold after every step |
//! | `simulation/books.rs` | what must be written down |
//! | `simulation/growth.rs` | what could pile up, hour by hour |
//! | `simulation/survey.rs` | a survey that takes long, step by step |
//! | `simulation/stops.rs` | who asks a process to end, and how often |
//! | `simulation/reload.rs` | settings that are read again, one by one |
//! | `simulation/tests.rs` | many seeds, the places broken on purpose, the soak |
//!
//! What is not real: the sockets, the supervisor of the event stream (its verdict on the
//! application is), the fetcher's downloads, and threads. What came in at the same moment
//! reaches the engine in an order that the seed draws.

mod asterisk;
mod beginning;
mod books;
mod deck;
mod gate;
mod growth;
mod laws;
mod network;
mod operator;
mod picture;
mod process;
mod reload;
mod stops;
mod survey;
mod tests;
mod torn;
mod trace;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::Incoming;
use super::clock::virtual_time;
use crate::ari::link::DownReason;
use crate::campaign::{
    Added, AsteriskIds, AttemptId, CallWord, Command, Number, Numbers, RunState, Time,
};
use crate::config::Settings;
use crate::engine::Request;
use crate::journal::Disk;
use crate::recordings::Admitted;
use crate::simulator::{ConnectionId, World};
use deck::{Deck, world_time};
use laws::{Law, Notes, Verdict, Violation, broken};
use network::{Outgoing, Result as Answer};
use operator::Wish;
use trace::{ends_survey, heard, hung_up, left_app, shown};

/// How long a run may take when nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_secs(1500);
/// What lives in Asterisk is compared with what is known every 30 s; what was left is gone
/// after that, and a recording that Asterisk has lost is given up.
const TIDY_WITHIN: Duration = Duration::from_secs(45);
/// So many steps at one moment are none that lead anywhere.
const SPINNING: u32 = 2000;

/// What is going to happen.
enum Item {
    /// A request reaches Asterisk, and its answer takes so long; or nobody waits for one.
    Arrive(Outgoing, Result<Duration, ()>),
    Reply(oneshot::Sender<Answer>, Answer),
    /// An event comes over this socket.
    Deliver(ConnectionId, String),
    /// The link of this process tries to connect.
    Connect(u32),
    /// The link of this process finds its socket dead.
    Silent(u32),
    /// The journal's thread of this process has its turn.
    Write(u32),
    /// A recording is fetched, for the how manieth time.
    Fetch(u32, Box<Admitted>, u32),
    StrangerLeaves(ConnectionId),
    /// Somebody ends this process and starts another.
    StartAnew(u32),
    /// A phone transfers its call.
    Transfer,
    StartProcess,
    DiskHasRoom,
    FolderHasRoom,
    Mischief,
}

/// Numbers, and where the answer to whoever adds them comes.
type Adding = (Vec<Number>, oneshot::Receiver<Result<Added, String>>);

/// How often what has happened: what never happens is not checked.
#[derive(Debug, Clone, Default)]
struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

/// How a seed is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Play {
    seed: u64,
    traced: bool,
    /// For how long things go wrong.
    trouble: Duration,
    leads: u32,
    /// The process lives to the end, and calls everybody again and again.
    lives: bool,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "how the world stands: each by itself"
)]
struct Sim {
    rng: fastrand::Rng,
    uptime: Duration,
    /// How far the wall clock is off, in microseconds.
    wall_off: i64,
    world: World,
    ids: AsteriskIds,
    agenda: BTreeMap<(Duration, u64), Item>,
    serial: u64,
    settings: Settings,
    numbers: Numbers,
    /// Numbers that a program adds, and its answers.
    adding: Vec<Adding>,
    /// Whether one does, in this seed.
    adds: bool,
    /// Whether Asterisk keeps channels, in this seed, when all else goes well.
    keeps: bool,
    leads: u32,
    deck: Option<Deck>,
    process: u32,
    stalled: bool,
    /// The operator was told that Asterisk does not end a call that may have somebody in it.
    told_to_restart: bool,
    last_event: Duration,
    rest_back_at: Duration,
    /// Of a thousand requests, so many go wrong.
    mishaps: u32,
    disk: Disk,
    folder_full: bool,
    writing: bool,
    calm_from: Duration,
    lives: bool,
    /// How much there was of anything, hour by hour: the sum over all looks, and their number.
    sizes: Vec<BTreeMap<&'static str, (usize, usize)>>,
    /// Attempts of dead processes that this one has not settled.
    orphans: BTreeSet<AttemptId>,
    notes: Notes,
    tally: Tally,
    steps: u64,
    steps_at: (Duration, u32),
    trace: Option<Vec<String>>,
    _dir: TempDir,
}

impl Sim {
    async fn run(&mut self) -> Verdict {
        self.start_process()?;
        self.plan(Duration::from_secs(2), Item::Mischief);
        let mut quiet_since = None;
        while !self.is_clean_or_late(&mut quiet_since) {
            if self.uptime > self.calm_from + PATIENCE {
                return broken(Law::Progress, format!("no end comes: {}", self.stand()));
            }
            self.round().await?;
            if self.lives {
                self.measure();
            }
        }
        self.check_leads()?;
        self.end_process();
        self.check_end()
    }

    /// The dialer says that all is done, and nothing is left in Asterisk; or something is,
    /// and it has had the time to take it down.
    fn is_clean_or_late(&self, quiet_since: &mut Option<Duration>) -> bool {
        if !self.is_done() {
            *quiet_since = None;
            return false;
        }
        if !self.is_written() {
            return false;
        }
        let since = *quiet_since.get_or_insert(self.uptime);
        let sizes = self.world.sizes();
        let left = sizes.channels + sizes.bridges + sizes.recording + sizes.stored;
        let on_its_way = |item: &Item| matches!(item, Item::Arrive(..));
        left == 0 && !self.agenda.values().any(on_its_way) || self.uptime > since + TIDY_WITHIN
    }

    /// One thing happens.
    async fn round(&mut self) -> Verdict {
        self.settle().await?;
        let now = self.wall();
        let incoming = match &mut self.deck {
            Some(deck) => deck.incoming(&mut self.rng, now),
            None => None,
        };
        match incoming {
            Some(incoming) => self.step(incoming)?,
            None => self.go_on()?,
        }
        self.hear_added()?;
        self.check()
    }

    /// Lets the client's tasks run until nothing moves.
    async fn settle(&mut self) -> Verdict {
        loop {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            if !self.send_out()? {
                return Ok(());
            }
        }
    }

    /// The engine takes one step.
    fn step(&mut self, incoming: Incoming) -> Verdict {
        self.steps += 1;
        let (at, count) = self.steps_at;
        self.steps_at = if at == self.uptime {
            (at, count + 1)
        } else {
            (self.uptime, 0)
        };
        if count > SPINNING {
            return broken(Law::Progress, "it spins");
        }
        let mut stops = false;
        let mut replied = false;
        let mut wish = Wish::None;
        match &incoming {
            Incoming::Message(message) => self.note_message(message)?,
            Incoming::Request(request) => {
                wish = self.note_request(request);
                replied = true;
                stops = matches!(
                    request,
                    Request::Stop { .. }
                        | Request::Command {
                            command: Command::Pause | Command::Drain | Command::StopNow,
                            ..
                        }
                );
            }
            _ => {}
        }
        self.note(|| shown(&incoming));
        if let Some(attempt) = hung_up(&incoming, &self.ids) {
            self.notes.hung_up.insert(attempt);
        }
        if let Some(id) = left_app(&incoming)
            && !self.is_ending(id)
        {
            self.notes.left_app.insert(id.to_owned());
        }
        let heard = heard(&incoming, &self.ids);
        let Some(deck) = &mut self.deck else {
            return Ok(());
        };
        let calls = || deck.engine.campaign.calls().map(|call| call.attempt);
        let due = heard.filter(|a| self.notes.watched.contains(a) || calls().any(|of| of == *a));
        self.notes.heard.extend(due);
        let campaign = &deck.engine.campaign;
        let run = (!campaign.awaits_a_run()).then(|| campaign.run());
        let is_slow = deck.engine.listed.is_some() && !ends_survey(&incoming);
        deck.engine.step(incoming);
        if is_slow && deck.engine.listed.is_none() {
            self.tally.count("surveys: acted upon before their end");
        }
        deck.steps_since_link += 1;
        self.grant(wish, run)?;
        let Some(deck) = &mut self.deck else {
            return Ok(());
        };
        let [.., unsettled, _, _] = deck.engine.campaign.sizes();
        if unsettled == 0 && !self.orphans.is_empty() {
            self.count_orphans();
        }
        let Some(deck) = &mut self.deck else {
            return Ok(());
        };
        let now = deck.engine.clock.now();
        let was_dialing = *deck.engine.campaign.state() == RunState::Dialing;
        stops = stops && !was_dialing;
        if replied {
            self.check_command(stops, true)?;
        }
        self.after_step(now)
    }

    /// It was decided before that this channel goes: the request may be on its way.
    fn is_ending(&self, id: &str) -> bool {
        let Some(deck) = &self.deck else { return false };
        let of = deck.engine.requester.channels.parse(id);
        let mut calls = deck.engine.campaign.calls();
        let ends = calls.find(|call| of.is_some_and(|(attempt, _)| attempt == call.attempt));
        ends.is_none_or(|call| call.word == CallWord::Ending)
    }

    /// What a dead process left has been settled.
    fn count_orphans(&mut self) {
        let orphans = std::mem::take(&mut self.orphans);
        let Some(deck) = &self.deck else { return };
        let calls = deck.engine.campaign.calls();
        for call in calls.filter(|call| orphans.contains(&call.attempt)) {
            self.tally.count(match call.word {
                CallWord::Bridged => "orphans: adopted",
                _ => "orphans: hung up",
            });
        }
    }

    /// What the engine's loop does between two steps.
    fn after_step(&mut self, now: Time) -> Verdict {
        let Some(deck) = &mut self.deck else {
            return Ok(());
        };
        deck.engine.publish(now);
        let over = deck.engine.is_over(now);
        let queued = deck.engine.writer.stats().queued > 0;
        let news = deck.news();
        for told in news {
            self.note(|| format!("   {told:?}"));
            self.is_told(&told)?;
        }
        if queued && !self.writing {
            self.writing = true;
            let delay = Duration::from_micros(self.rng.u64(100..30_000));
            self.plan(delay, Item::Write(self.process));
            // The worst moment to be killed: what happened is not written down yet.
            if !self.lives && !self.is_calm() && self.rng.u16(..200) == 0 {
                self.plan(delay / 2, Item::StartAnew(self.process));
            }
        }
        self.take_jobs();
        if let Some(exit) = over {
            self.note(|| format!("the process ends: {exit:?}"));
            self.tally.count("process: ended by itself");
            self.write(Disk::Well);
            self.end_process();
        }
        Ok(())
    }

    fn take_jobs(&mut self) {
        while let Some(job) = self.deck.as_mut().and_then(|d| d.jobs.try_recv().ok()) {
            let delay = Duration::from_millis(self.rng.u64(20..400));
            self.plan(delay, Item::Fetch(self.process, Box::new(job), 0));
        }
    }

    /// Time goes on to the next thing that happens.
    fn go_on(&mut self) -> Verdict {
        let planned = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let in_world = self
            .world
            .next_timer()
            .map(|at| at.since(world_time(Duration::ZERO)));
        let in_engine = self.deck.as_ref().map(|deck| {
            let now = deck.engine.clock.now();
            self.uptime + deck.engine.wake_at(now).since(now)
        });
        let next = [planned, in_world, in_engine].into_iter().flatten().min();
        let Some(at) = next else {
            return broken(Law::Progress, "nothing will ever happen again");
        };
        self.uptime = self.uptime.max(at);
        self.set_clock();
        let now = self.world_now();
        self.world.advance(now);
        self.carry_events();
        if planned.is_some_and(|planned| planned <= at)
            && let Some((_, item)) = self.agenda.pop_first()
        {
            return self.happen(item);
        }
        Ok(())
    }

    fn happen(&mut self, item: Item) -> Verdict {
        match item {
            Item::Arrive(outgoing, back) => self.arrive(outgoing, back),
            // Whoever asked may be dead.
            Item::Reply(reply, answer) => drop(reply.send(answer)),
            Item::Deliver(connection, text) => self.deliver(connection, &text),
            Item::Connect(process) if process == self.process => self.connect(),
            Item::Silent(process) if process == self.process && self.stalled => {
                self.lose_link(DownReason::Silent);
            }
            Item::Write(process) if process == self.process => {
                self.writing = false;
                self.write(self.disk);
            }
            Item::Fetch(process, job, tries) if process == self.process => {
                self.fetch(job, tries);
            }
            Item::StrangerLeaves(connection) => self.world.disconnect(connection),
            Item::Transfer => self.transfer(),
            Item::StartAnew(process) if process == self.process => self.crash(),
            Item::StartProcess => return self.start_process(),
            Item::DiskHasRoom => self.disk = Disk::Well,
            Item::FolderHasRoom => self.folder_full = false,
            Item::Mischief => self.mischief(),
            Item::Connect(_)
            | Item::Silent(_)
            | Item::Write(_)
            | Item::Fetch(..)
            | Item::StartAnew(_) => {}
        }
        Ok(())
    }

    /// The dialer says that nothing is left to do.
    fn is_done(&self) -> bool {
        let Some(deck) = &self.deck else {
            return false;
        };
        let engine = &deck.engine;
        self.is_calm()
            && *engine.campaign.state() == RunState::Done
            && engine.campaign.is_quiet()
            && engine.jobs.is_empty()
            && engine.fetching == 0
    }

    fn is_written(&self) -> bool {
        self.deck.as_ref().is_some_and(|deck| {
            deck.engine.unwritten.is_empty() && deck.engine.writer.stats().queued == 0
        })
    }

    fn stand(&self) -> String {
        let Some(deck) = &self.deck else {
            return "no process".to_owned();
        };
        let engine = &deck.engine;
        format!(
            "{:?}, {} open, {:?}, quiet {}, link {} {}, {} jobs, {} fetching, {:?}",
            engine.campaign.state(),
            engine.campaign.leads().open(),
            engine.campaign.limit(engine.clock.now()),
            engine.campaign.is_quiet(),
            engine.link_state.ready,
            engine.link_state.why,
            engine.jobs.len(),
            engine.fetching,
            self.world.sizes(),
        )
    }

    fn is_calm(&self) -> bool {
        self.uptime > self.calm_from
    }

    /// What the engine's clock shows.
    fn wall(&self) -> Time {
        match &self.deck {
            Some(deck) => deck.engine.clock.now(),
            None => self.world_now(),
        }
    }

    fn set_clock(&self) {
        let wall = Time(self.world_now().0.saturating_add_signed(self.wall_off));
        virtual_time::set(self.uptime, wall);
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let line = format!("{:>12.6} {}", self.uptime.as_secs_f64(), what());
            trace.push(line);
        }
    }

    fn plan(&mut self, after: Duration, item: Item) {
        self.plan_at(self.uptime + after, item);
    }

    fn plan_at(&mut self, at: Duration, item: Item) {
        self.serial += 1;
        self.agenda.insert((at, self.serial), item);
    }
}
