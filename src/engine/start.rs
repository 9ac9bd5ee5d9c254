//! From settings, a list and a journal to an engine that can run.

mod run;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};

use super::commands::Audit;
use super::detail::READERS;
use super::format::FormatProbe;
use super::legs::Legs;
use super::pace::PicturePace;
use super::picture::ShownSettings;
use super::requests::Requester;
use super::sound::Sound;
use super::strangers::Strangers;
use super::target::{self, TargetCheck};
use super::timeline::Timelines;
use super::trends::Meter;
use super::{Channels, Clock, Engine, EventStream, FinalSurvey, Handle, Told};
use crate::ari::link::{
    AppVerdict, EVENT_QUEUE, Link, LinkConfig, LinkEvent, LinkTiming, Occasion, application_verdict,
};
use crate::ari::{Client, Connection, ConnectionError, Password};
use crate::campaign::{AsteriskIds, Campaign, Numbers, Policy, RunState, Time};
use crate::config::{OnInterrupted, Settings};
use crate::journal::{Journal, JournalError, Recovered, RecoveredRun, WaitingRecording};
use crate::mirror::{Mirror, MirrorState};
use crate::recordings::{Fetched, Fetcher, Job, RetryPlan, file_name};

/// Fifty calls a second at the most: over what carriers allow one customer (Telnyx 30), and
/// few enough that bursts of answers do not add up.
const SPACING: Duration = Duration::from_millis(20);

/// How the engine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each switch of the command line; any may stand with any other"
)]
pub struct Options {
    /// Begin dialing at once.
    pub start: bool,
    /// Begin a new run, which calls everybody on the list again.
    pub new_run: bool,
    /// Connect even though somebody else holds the Stasis application.
    pub take_over: bool,
    /// End when the list is done.
    pub exit_when_done: bool,
}

/// Why an engine can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal can't be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The thread that writes to MySQL can't be started.
    #[error("the copy in MySQL can't be started: {0}")]
    Mirror(std::io::Error),
    /// The connection can't be made of the settings.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The journal's run belongs to another list.
    #[error(
        "the journal {journal} holds run {run} of {old}, and this is {new}: \
         start with --new-run to begin a run over it (it calls numbers that the other run has \
         called), or set another STATE_FILE"
    )]
    OtherList {
        /// The journal's path.
        journal: PathBuf,
        /// The run.
        run: crate::campaign::RunId,
        /// The list of that run.
        old: String,
        /// The list of the settings.
        new: String,
    },
}

/// Makes an engine over `numbers`, the list as it stands. Must be called within a Tokio runtime: the
/// link and the fetcher begin their work at once, in tasks of their own, and what they find
/// waits in queues until [`Engine::run`].
pub fn start(
    settings: &Settings,
    numbers: &Numbers,
    options: Options,
) -> Result<(Engine, Handle), StartError> {
    let clock = Clock::new();
    let client = Client::new(&connection(settings))?;
    let (journal, recovered) = Journal::open(&settings.state_file)?;
    if settings.mysql.is_some() {
        journal.feed_outbox();
    }
    let parts = parts(
        settings, numbers, options, clock, client, journal, recovered,
    )?;
    let outside = parts.outside(settings, options)?;
    Ok(parts.assemble(settings, options, outside))
}

/// What can fail: the run that goes on or begins.
pub(super) fn parts(
    settings: &Settings,
    numbers: &Numbers,
    options: Options,
    clock: Clock,
    client: Client,
    journal: Journal,
    recovered: Recovered,
) -> Result<Parts, StartError> {
    let mut campaign = Campaign::new(
        AsteriskIds::new(&recovered.token),
        policy(settings),
        recovered.next_attempt,
    );
    let told = run::choose_run(
        settings,
        numbers,
        options,
        clock,
        &journal,
        &recovered,
        &mut campaign,
    )?;
    Ok(Parts {
        clock,
        client,
        journal,
        recovered,
        campaign,
        told,
    })
}

/// What can fail has not failed: the rest of an engine is made around these.
pub(super) struct Parts {
    clock: Clock,
    client: Client,
    journal: Journal,
    recovered: Recovered,
    campaign: Campaign,
    told: Vec<Told>,
}

/// What works beside the engine, in tasks of its own, and reports to it.
pub(super) struct Outside {
    pub(super) link: Link,
    pub(super) link_events: mpsc::Receiver<LinkEvent>,
    pub(super) fetcher: Fetcher,
    pub(super) fetched: mpsc::Receiver<Fetched>,
    pub(super) mirror: Option<Mirror>,
    pub(super) target_check: TargetCheck,
    pub(super) format_probe: Option<FormatProbe>,
}

impl Parts {
    fn outside(&self, settings: &Settings, options: Options) -> Result<Outside, StartError> {
        let ids = AsteriskIds::new(&self.recovered.token);
        let (link, link_events) = self.link(ids.prefix(), options.take_over);
        let (fetcher, outcomes) = self.fetcher(settings);
        let mirror = mirror(settings, &self.journal, &self.recovered);
        Ok(Outside {
            link,
            link_events,
            fetcher,
            fetched: outcomes,
            mirror: mirror.map_err(StartError::Mirror)?,
            target_check: target::ask_asterisk(),
            format_probe: FormatProbe::new(settings, &self.recovered.token),
        })
    }

    pub(super) fn assemble(
        self,
        settings: &Settings,
        options: Options,
        outside: Outside,
    ) -> (Engine, Handle) {
        let now = self.clock.now();
        let ids = AsteriskIds::new(&self.recovered.token);
        let Outside {
            link,
            link_events,
            fetcher,
            fetched: outcomes,
            mirror,
            target_check,
            format_probe,
        } = outside;
        let (inbox, messages) = mpsc::unbounded_channel();
        let (requests_tx, requests) = mpsc::channel(64);
        let (news, news_rx) = mpsc::channel(super::NEWS_QUEUE);
        let (in_force, in_force_rx) = watch::channel(Arc::new(settings.clone()));
        let shown = ShownSettings::of(settings);
        let legs = legs(&self.recovered, mirror.is_some());
        let audit = Audit::of(self.recovered.audit);
        let mut first = shown.first_picture(now, &self.campaign);
        first.audit = audit.entries();
        let (snapshots, snapshots_rx) = watch::channel(Arc::new(first));
        let handle = Handle {
            requests: requests_tx,
            snapshots: snapshots_rx,
            clock: self.clock,
            news: news_rx,
            journal: self.recovered.uuid,
            in_force: in_force_rx,
        };
        let paused_by_rule = matches!(
            self.campaign.state(),
            RunState::Paused(reason) if reason != crate::campaign::BY_OPERATOR
        );
        let mut engine = Engine {
            clock: self.clock,
            campaign: self.campaign,
            requester: Requester {
                client: self.client,
                channels: Channels::new(ids),
                settings: Arc::new(settings.call.clone()),
                gate: crate::ari::Gate::default(),
            },
            format_probe,
            format: None,
            writer: self.journal.writer(),
            journal: self.journal,
            journal_uuid: self.recovered.uuid,
            exit_when_done: options.exit_when_done,
            in_force,
            link_watch: link.state(),
            link_stats: link.stats(),
            link,
            link_events,
            link_state: EventStream::not_yet(now),
            survey_due: None,
            seen_ids: Vec::new(),
            target_check,
            target_questions: watch::Sender::new(()),
            target_fault: None,
            listed: None,
            fetcher,
            fetched: outcomes,
            jobs: jobs(self.recovered.run.as_ref(), settings),
            fetching: 0,
            recordings_saved: 0,
            recordings_delayed: None,
            legs,
            mirror,
            mirror_told: MirrorState::Off,
            inbox,
            messages,
            requests,
            snapshots,
            news,
            news_dropped: 0,
            unwritten: Vec::new(),
            undurable: Vec::new(),
            stopping: None,
            paused_by_rule_since: paused_by_rule.then_some(now),
            quiet_since: None,
            final_survey: FinalSurvey::NotYet,
            pace: PicturePace::default(),
            held: None,
            shown,
            audit,
            meter: Meter::new(now),
            timelines: timelines(now, self.recovered.run.as_ref(), settings),
            sound: Sound::default(),
            strangers: Strangers::default(),
            readers: Arc::new(Semaphore::new(READERS)),
        };
        for what in self.told {
            engine.tell(what);
        }
        (engine, handle)
    }

    fn link(&self, prefix: &str, take_over: bool) -> (Link, mpsc::Receiver<LinkEvent>) {
        let (events, link_events) = mpsc::channel(EVENT_QUEUE);
        let mut config = link_config(prefix, take_over);
        let latest = self.recovered.run.as_ref();
        if latest.is_some_and(|run| !run.unfinished.is_empty()) {
            config.occasion = Occasion::AfterCrash;
        }
        let link = Link::spawn(self.client.clone(), config, events);
        (link, link_events)
    }

    fn fetcher(&self, settings: &Settings) -> (Fetcher, mpsc::Receiver<Fetched>) {
        let (tx, outcomes) = mpsc::channel(1024);
        let folder = settings.call.recordings.dir.clone();
        let plan = RetryPlan::default();
        let fetcher = Fetcher::spawn(self.client.clone(), folder, plan, tx);
        (fetcher, outcomes)
    }
}

impl EventStream {
    fn not_yet(now: Time) -> Self {
        Self {
            connection: 0,
            connected: false,
            ready: false,
            down_since: now,
            why: super::NOT_YET.to_owned(),
            lost: 0,
            asterisk_since: None,
        }
    }
}

/// The calls of a dead process, which this one settles.
fn timelines(now: Time, run: Option<&RecoveredRun>, settings: &Settings) -> Timelines {
    let mut timelines = Timelines::default();
    let settings = Arc::new(settings.call.clone());
    for call in run.iter().flat_map(|run| &run.unfinished) {
        timelines.take_over(now, call.attempt, (call.run, call.lead), &settings);
    }
    timelines
}

fn mirror(
    settings: &Settings,
    journal: &Journal,
    recovered: &Recovered,
) -> std::io::Result<Option<Mirror>> {
    let ids = AsteriskIds::new(&recovered.token);
    let mysql = settings.mysql.as_ref();
    mysql
        .map(|mysql| Mirror::start(mysql, journal.path(), journal.writer(), ids))
        .transpose()
}

/// What is noted for the copy, also of the calls of a dead process.
fn legs(recovered: &Recovered, mirrored: bool) -> Legs {
    let left = recovered.run.iter().flat_map(|run| &run.unfinished);
    if mirrored {
        Legs::of(left.map(|call| call.attempt))
    } else {
        Legs::default()
    }
}

/// The recordings that an earlier process left in Asterisk.
fn jobs(run: Option<&RecoveredRun>, settings: &Settings) -> VecDeque<Job> {
    run.iter()
        .flat_map(|run| &run.recordings_waiting)
        .map(|waiting| job(waiting, settings))
        .collect()
}

fn job(waiting: &WaitingRecording, settings: &Settings) -> Job {
    let format = &waiting.recording.format;
    Job {
        attempt: waiting.attempt,
        name: waiting.recording.name.clone(),
        format: format.clone(),
        file_name: file_name(waiting.begun_at, &waiting.number, waiting.call_id, format),
        keep: settings.call.recordings.keep_on_asterisk,
        folder: None,
    }
}

/// How Asterisk is reached by these settings.
pub(crate) fn connection(settings: &Settings) -> Connection {
    Connection {
        url: settings.ari.url.clone(),
        username: settings.ari.username.clone(),
        password: Password::new(settings.ari.password.expose()),
        app: settings.ari.app.clone(),
        ca: settings.ari.ca.as_ref().map(|ca| ca.certificates.clone()),
        timeout: Connection::DEFAULT_TIMEOUT,
    }
}

pub(super) fn policy(settings: &Settings) -> Policy {
    Policy {
        max_cc: settings.max_cc,
        spacing: SPACING,
        call: Arc::new(settings.call.clone()),
        retry_interrupted: settings.on_interrupted == OnInterrupted::Retry,
        pause_after: settings.pause_after,
        start_again_after: settings.start_again_after,
        emergency: settings.emergency(),
    }
}

fn link_config(prefix: &str, take_over: bool) -> LinkConfig {
    let prefix = prefix.to_owned();
    LinkConfig {
        check: Arc::new(move |app, occasion, presence| {
            if take_over {
                AppVerdict::Connect
            } else {
                application_verdict(app, &prefix, occasion, presence)
            }
        }),
        occasion: Occasion::First,
        timing: LinkTiming::default(),
    }
}
