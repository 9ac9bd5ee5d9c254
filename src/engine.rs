//! The engine: the only driver of the campaign.
//!
//! It feeds the campaign what happens (Asterisk's events and answers, the journal's word,
//! commands, time) and carries out what comes back, in its order. It decides nothing about
//! calls. Nothing it waits for can block it: requests run in tasks of their own, the journal
//! has its own thread, recordings their own fetcher; all report to one inbox.

mod add;
mod channels;
mod clock;
mod commands;
mod detail;
mod effects;
mod ending;
mod files;
mod format;
mod legs;
mod listening;
mod news;
mod pace;
mod picture;
mod reload;
mod requests;
#[cfg(test)]
mod simulation;
mod snapshot;
mod sound;
mod start;
mod strangers;
mod target;
mod timeline;
mod translate;
mod trends;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use uuid::Uuid;

pub use channels::Channels;
pub use clock::Clock;
pub use news::{News, Told};
pub(crate) use reload::Reading;
pub use reload::{Reloaded, Started};
pub use snapshot::{
    AttemptDetail, AttemptOutcome, AuditEntry, Detail, JournalView, LinkView, Quality,
    RecordingsView, Snapshot, Stop,
};
pub(crate) use start::connection;
pub use start::{Options, StartError, start};
pub use translate::translate;
pub use trends::{SECONDS as TREND_SECONDS, Second, Trends};

use crate::ari::link::{Link, LinkEvent, LinkState as LinkIs, LinkStats};
use crate::ari::{AriError, RtpStatistics};
use crate::campaign::sabotaged;
use crate::campaign::{
    Added, AttemptId, Campaign, Command, Input, LeadId, Number, Op, OpError, Outcome, Part, Record,
    Time, TrunkIs,
};
use crate::config::Settings;
use crate::journal::{Health, Journal, Writer};
use crate::mirror::{Mirror, MirrorState};
use crate::recordings::{Fetched, Fetcher, Job};
use commands::Audit;
use ending::{FinalSurvey, Stopping};
use format::FormatProbe;
use legs::Legs;
use listening::EventStream;
use pace::PicturePace;
use picture::ShownSettings;
use requests::{Requester, Survey};
use sound::Sound;
use strangers::Strangers;
use timeline::Timelines;
use trends::Meter;

/// What stands for the reason until the first try has failed or succeeded.
const NOT_YET: &str = "not connected to Asterisk yet";
/// What stands for the reason until the link has told it.
const LOST: &str = "the event stream was lost";
/// How much news may wait for whoever shows it.
const NEWS_QUEUE: usize = 16_384;

/// Why the engine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The list is done, or it was stopped as asked.
    Finished,
    /// Somebody else holds the Stasis application.
    Held(String),
    /// Asterisk, the trunk or the login was of no use for too long.
    GaveUp(String),
    /// Something broke inside.
    Broken(String),
}

/// What others ask of the engine.
#[derive(Debug)]
pub enum Request {
    /// A command for the campaign.
    Command {
        /// What.
        command: Command,
        /// Who: "keyboard", "signal".
        by: String,
        /// Where the outcome goes.
        reply: oneshot::Sender<Outcome>,
    },
    /// A new run, at DONE: it calls everybody on the list again.
    NewRun {
        /// Settings and list as they stand.
        reading: Box<Reading>,
        /// Somebody held dialing back while they were read.
        held: bool,
        /// Who.
        by: String,
        /// Where the outcome goes.
        reply: oneshot::Sender<Outcome>,
    },
    /// Take over what may change of the settings and the list.
    Reload {
        /// Settings and list as they stand, or what is wrong with them.
        reading: Box<Reading>,
        /// Who.
        by: String,
        /// Where the outcome goes.
        reply: oneshot::Sender<Result<Reloaded, String>>,
    },
    /// The same, and then start, go on, or begin a new run, as the run's state has it.
    StartAgain {
        /// Settings and list as they stand, or what is wrong with them.
        reading: Box<Reading>,
        /// Somebody held dialing back while they were read.
        held: bool,
        /// Who.
        by: String,
        /// Where the outcome goes.
        reply: oneshot::Sender<Result<Started, String>>,
    },
    /// Add numbers to the run.
    Add {
        /// The numbers.
        numbers: Vec<Number>,
        /// Who.
        by: String,
        /// Where the answer goes, once all that it says is on the disk.
        reply: oneshot::Sender<Result<Added, String>>,
    },
    /// All there is to know of a lead; `None` if there is no such lead.
    Detail {
        /// The lead.
        lead: LeadId,
        /// Where the answer goes.
        reply: oneshot::Sender<Option<Box<Detail>>>,
    },
    /// End the process: drain first, or hang up at once.
    Stop {
        /// Hang up at once.
        now: bool,
        /// A signal asks: the second one hangs up at once.
        by_signal: bool,
        /// Who.
        by: String,
    },
}

/// How others reach an engine.
#[derive(Debug)]
pub struct Handle {
    /// Commands.
    pub requests: mpsc::Sender<Request>,
    /// The latest picture.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The clock that every time it tells is of.
    pub clock: Clock,
    /// What to tell people. When nobody takes it, news are dropped and counted.
    pub news: mpsc::Receiver<News>,
    /// The journal's identity, from which call ids are derived.
    pub journal: Uuid,
    /// The settings by which the next call begins.
    pub in_force: watch::Receiver<Arc<Settings>>,
}

/// What tasks and threads report to the engine.
enum Message {
    Durable(Vec<AttemptId>, Result<(), crate::journal::WriteFailure>),
    Answer {
        attempt: AttemptId,
        op: Op,
        result: Result<(), OpError>,
    },
    Trunk(AttemptId, TrunkIs),
    Carrier {
        attempt: AttemptId,
        answered: bool,
    },
    /// What is wrong with the target that holds now, if anything is.
    Target(Option<String>),
    Sounds(AttemptId, Option<RtpStatistics>),
    Probed {
        answered: bool,
    },
    Listed {
        link: u64,
        survey: Survey,
    },
    Surveyed {
        link: u64,
        survey: Result<Survey, AriError>,
    },
    Format {
        format: String,
        known: bool,
    },
}

/// What wakes the engine.
enum Incoming {
    Message(Message),
    Link(LinkEvent),
    Request(Request),
    Fetched(Fetched),
    Tick,
}

/// The engine. Made by [`start()`], driven by [`Engine::run`].
pub struct Engine {
    clock: Clock,
    campaign: Campaign,
    journal: Journal,
    writer: Writer,
    journal_uuid: Uuid,
    requester: Requester,
    /// Whom to ask about formats, and what is known of the one in force.
    format_probe: Option<FormatProbe>,
    format: Option<(String, format::Known)>,
    exit_when_done: bool,
    in_force: watch::Sender<Arc<Settings>>,

    link: Link,
    link_events: mpsc::Receiver<LinkEvent>,
    link_watch: watch::Receiver<LinkIs>,
    link_state: EventStream,
    link_stats: Arc<LinkStats>,
    survey_due: Option<Time>,
    /// The ids that the last survey saw: strays of an earlier run carry that run's number.
    seen_ids: Vec<(String, AttemptId, Part)>,
    target_check: target::TargetCheck,
    /// Has a receiver for each question about the target that is being asked.
    target_questions: watch::Sender<()>,
    /// What was wrong with the target when it was asked about last.
    target_fault: Option<String>,
    /// What a survey that goes on has found so far, and when that is acted upon.
    listed: Option<(Time, Survey)>,

    fetcher: Fetcher,
    fetched: mpsc::Receiver<Fetched>,
    /// Recordings that did not fit into the fetcher's queue, or wait for the link.
    jobs: VecDeque<Job>,
    fetching: usize,
    recordings_saved: u64,
    /// Since when fetching fails, and why.
    recordings_delayed: Option<(Time, String)>,

    /// The copy in MySQL, where it is switched on.
    mirror: Option<Mirror>,
    /// What was last told of it.
    mirror_told: MirrorState,
    legs: Legs,

    inbox: mpsc::UnboundedSender<Message>,
    messages: mpsc::UnboundedReceiver<Message>,
    requests: mpsc::Receiver<Request>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    news: mpsc::Sender<News>,
    news_dropped: u64,

    /// Records that did not fit into the journal's queue.
    unwritten: Vec<Record>,
    /// Answers that must not leave before the journal has what they say.
    undurable: Vec<add::DueAnswer>,
    stopping: Option<Stopping>,
    paused_by_rule_since: Option<Time>,
    quiet_since: Option<Time>,
    final_survey: FinalSurvey,
    pace: PicturePace,
    held: Option<String>,

    shown: ShownSettings,
    audit: Audit,
    meter: Meter,
    timelines: Timelines,
    sound: Sound,
    strangers: Strangers,
    /// Who may read the journal now, for [`Detail`].
    readers: Arc<Semaphore>,
}

impl Engine {
    /// Runs until the list is done (where that was asked for), or until it is stopped.
    pub async fn run(mut self) -> Exit {
        self.carry_out();
        loop {
            let now = self.clock.now();
            self.publish(now);
            if let Some(exit) = self.is_over(now) {
                return self.shut_down(exit).await;
            }
            let wake = self.clock.instant(self.wake_at(now));
            let incoming = tokio::select! {
                Some(message) = self.messages.recv() => Incoming::Message(message),
                Some(event) = self.link_events.recv() => Incoming::Link(event),
                Some(request) = self.requests.recv() => Incoming::Request(request),
                Some(fetched) = self.fetched.recv() => Incoming::Fetched(fetched),
                () = tokio::time::sleep_until(wake.into()) => Incoming::Tick,
            };
            self.step(incoming);
        }
    }

    /// One thing that has happened, with all that follows from it.
    fn step(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Message(message) => self.message(message),
            Incoming::Link(event) => self.link_event(event),
            Incoming::Request(request) => self.request(request),
            Incoming::Fetched(fetched) => self.fetched(fetched),
            Incoming::Tick => self.tick(),
        }
        self.carry_out();
    }

    fn feed(&mut self, input: Input) {
        let now = self.clock.now();
        let due = self.campaign.poll_timeout().is_some_and(|at| at <= now);
        if due || !matches!(input, Input::Tick) {
            self.pace.change();
        }
        if self.link_state.ready
            && !sabotaged!(IgnoresLoss)
            && !matches!(*self.link_watch.borrow(), LinkIs::Up { .. })
        {
            // The news of the loss may stand behind thousands of events in the queue. An
            // originate that left meanwhile would be answered with nobody listening.
            self.link_state.ready = false;
            self.link_state.down_since = now;
            LOST.clone_into(&mut self.link_state.why);
            self.pace.change();
            self.campaign.handle(now, Input::LinkDown);
        }
        self.timelines.input(now, &input);
        self.unwritten.extend(self.legs.input(now, &input));
        self.campaign.handle(now, input);
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Durable(begun, result) => self.durable(begun, &result),
            Message::Answer {
                attempt,
                op,
                result,
            } => self.feed(Input::Answer {
                attempt,
                op,
                result,
            }),
            Message::Target(fault) => self.target_found(fault),
            Message::Trunk(attempt, trunk) => self.feed(Input::Trunk { attempt, trunk }),
            Message::Carrier { attempt, answered } => {
                self.feed(Input::Carrier { attempt, answered });
            }
            Message::Probed { answered } => self.feed(Input::Probed { answered }),
            Message::Listed { link, survey } => self.listed(link, survey),
            Message::Surveyed { link, survey } => self.surveyed(link, survey),
            Message::Sounds(attempt, told) => self.sounds(attempt, told),
            Message::Format { format, known } => self.format_told(format, known),
        }
    }

    fn durable(
        &mut self,
        begun: Vec<AttemptId>,
        result: &Result<(), crate::journal::WriteFailure>,
    ) {
        if let Err(failure) = result {
            self.tell(Told::Warning(failure.to_string()));
        }
        for attempt in begun {
            let refused = result.as_ref().err().is_some_and(|f| f.refuses(attempt));
            self.feed(if refused {
                Input::NotDurable(attempt)
            } else {
                Input::Durable(attempt)
            });
        }
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        if self.survey_due.is_some_and(|due| due <= now) {
            self.survey_again();
        }
        if self.listed.as_ref().is_some_and(|(due, _)| *due <= now) {
            self.act_on_listing();
        }
        if !self.campaign.journal_is_well() && self.writer.health() == Health::Well {
            self.feed(Input::JournalWell);
        }
        if let Some(stopping) = &self.stopping
            && !stopping.hung_up
            && stopping.deadline <= now
        {
            self.stop(true, false, "DRAIN_SECONDS");
        }
        self.listen(now);
        self.hear_mirror();
        self.feed(Input::Tick);
    }

    fn wake_at(&self, now: Time) -> Time {
        let own = [
            self.survey_due,
            self.listed.as_ref().map(|(due, _)| *due),
            self.pace.due(),
            self.sound.due().filter(|_| self.link_state.ready),
            self.campaign.poll_timeout(),
            self.stop_due(),
        ];
        // Ends of waiting that have no timer of their own are looked at every second.
        own.into_iter()
            .flatten()
            .chain([now + Duration::from_secs(1)])
            .min()
            .map_or(now, |at| at.max(now))
    }

    fn tell(&mut self, what: Told) {
        self.pace.change();
        let at = self.clock.now();
        if self.news.try_send(News { at, what }).is_err() {
            self.news_dropped += 1;
        }
    }
}
