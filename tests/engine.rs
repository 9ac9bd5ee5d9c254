//! A whole engine in this process on a simulated Asterisk: what its picture shows, and what
//! comes of commands.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dialdeck::campaign::{self, CallWord, Disposition, LeadId, LeadState, Number, Numbers, RunId};
use dialdeck::config::{self, Settings};
use dialdeck::control::{Command, Control, Reread, Who};
use dialdeck::engine::{self, Detail, Exit, Handle, Options, Snapshot};
use dialdeck::simulator::{self, Scenario, SimConfig, SimHandle};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

mod reload;
mod stopping;

/// More than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(30);
const WHO: Who = Who::Signal("test");
/// Busy at once.
const BUSY: &str = "10550001";
/// Answers after some ringing, and talks for a second.
const TALKS: &str = "83550001";
/// Answers, and never hangs up.
const STAYS: &str = "80550001";

struct Place {
    asterisk: SimHandle,
    folder: TempDir,
}

struct Running {
    control: Control,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    engine: JoinHandle<Exit>,
}

impl Place {
    async fn new() -> Self {
        let config = SimConfig {
            scenario: Scenario::lab(),
            ..SimConfig::default()
        };
        let asterisk = simulator::start(config).await.expect("a simulator");
        let folder = tempfile::tempdir().expect("a folder");
        let env = format!(
            "ARI_URL={}\nARI_USERNAME=dialdeck\nARI_PASSWORD=dialdeck\nARI_TRUNK=mytrunk\n\
             OUTBOUND_NUMBER_FILE=numbers.txt\nTARGET_ENDPOINT=Local/111@lab\n\
             CALL_TIMEOUT=5\nMAX_CC=4\nRECORDINGS_DIR=recordings\n",
            asterisk.url()
        );
        fs::write(folder.path().join(".env"), env).expect("written");
        fs::write(folder.path().join("numbers.txt"), "").expect("written");
        Self { asterisk, folder }
    }

    fn settings(&self) -> Settings {
        let loaded = config::load(self.folder.path(), std::iter::empty());
        loaded.expect("the settings are good").settings
    }

    /// An engine over `list`, which dials at once; a new run takes `next`.
    fn start(&self, list: &[&str], next: &[&str]) -> Running {
        let options = Options {
            start: true,
            new_run: false,
            take_over: false,
            exit_when_done: false,
        };
        let settings = self.settings();
        let started = engine::start(&settings, &numbers(list), options);
        let (engine, handle) = started.expect("it starts");
        let Handle {
            requests,
            snapshots,
            news,
            ..
        } = handle;
        // Nobody here reads the news; they are dropped and counted.
        drop(news);
        let next = numbers(next);
        let folder = self.folder.path().to_owned();
        let reread: Reread = Arc::new(move || {
            let loaded = config::load(&folder, std::iter::empty());
            Ok((loaded.map_err(|p| p.to_string())?.settings, next.clone()))
        });
        Running {
            control: Control::new(requests, reread),
            snapshots,
            engine: tokio::spawn(engine.run()),
        }
    }
}

fn numbers(list: &[&str]) -> Numbers {
    let mut numbers = Numbers::default();
    for text in list {
        let number = Number::parse(text).expect("a number");
        numbers.push(&number).expect("it is new");
    }
    numbers
}

impl Running {
    /// Waits until a picture is like this.
    async fn until(&mut self, what: &str, is: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let wait = self.snapshots.wait_for(|snapshot| is(snapshot));
        let found = tokio::time::timeout(LONG, wait).await;
        let found = found.unwrap_or_else(|_| panic!("never {what}"));
        Arc::clone(&found.expect("the engine runs"))
    }

    async fn done(&mut self) -> Arc<Snapshot> {
        self.until("done", |s| s.state.word() == "DONE").await
    }

    async fn command(&self, command: campaign::Command) -> Result<String, String> {
        self.control.give(Command::Campaign(command), &WHO).await
    }

    fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    async fn detail(&self, lead: u32) -> Box<Detail> {
        let detail = self.control.detail(LeadId(lead)).await;
        detail.expect("there is such a lead")
    }

    async fn quit(self) {
        let taken = self.control.give(Command::QuitNow, &WHO).await;
        taken.expect("it runs");
        let exit = tokio::time::timeout(LONG, self.engine).await;
        let exit = exit.expect("it ends").expect("it does not panic");
        assert_eq!(exit, Exit::Finished);
        let gone = self.control.give(Command::NewRun, &WHO).await;
        assert_eq!(gone, Err("the engine has ended".to_owned()));
    }
}

fn said(detail: &Detail, attempt: usize) -> String {
    let sentences = detail.attempts[attempt].timeline.iter();
    let all: Vec<&str> = sentences.map(|(_, text)| text.as_str()).collect();
    all.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_of_a_run_tells_the_truth() {
    let place = Place::new().await;
    let mut engine = place.start(&[BUSY, TALKS, "83550002"], &[]);
    let done = engine.done().await;
    assert_eq!(*done.list, *place.settings().list.to_string());
    assert!(done.list.ends_with("numbers.txt"), "{}", done.list);
    assert_eq!(&*done.target, "Local/111@lab");
    assert_eq!(*done.link.asterisk, place.asterisk.addr().to_string());
    assert_eq!((done.link.lost, &done.link.down), (0, &None));
    let heard = done.link.last_heard.expect("Asterisk was heard");
    assert!(done.at.since(heard) < Duration::from_secs(5));
    assert_eq!(done.journal.full, None);
    assert_eq!(done.stopping, None);

    let busy = done.leads.row(LeadId(0)).expect("listed");
    assert_eq!(busy.state, LeadState::Final(Disposition::Busy));
    assert_eq!((busy.attempts, busy.cause.q850), (1, 17));
    assert_eq!(busy.cause.sip, Some(486));
    let sum = |of: fn(&engine::Second) -> u32| done.trends.seconds.iter().map(of).sum::<u32>();
    assert_eq!((sum(|s| s.dialed), sum(|s| s.answered)), (3, 2));
    let most = done.trends.seconds.iter().map(|s| s.calls).max();
    assert!(matches!(most, Some(2..=3)), "{most:?}");
    let dead_air = done
        .trends
        .seconds
        .iter()
        .filter_map(|s| s.dead_air_ms)
        .max();
    let dead_air = dead_air.expect("two were bridged");
    assert!(dead_air >= 500, "its agent takes as long: {dead_air}");

    let saved = engine
        .until("saved", |s| {
            s.recordings.saved == 2 && s.recordings.waiting == 0
        })
        .await;
    assert_eq!(saved.recordings.delayed, None);
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_told_in_detail_now_and_by_the_next_engine() {
    let place = Place::new().await;
    let mut engine = place.start(&[BUSY, TALKS], &[]);
    engine.until("saved", |s| s.recordings.saved == 1).await;
    let detail = engine.detail(1).await;
    let told = said(&detail, 0);
    let steps = [
        &format!("to dial PJSIP/{TALKS}@mytrunk"),
        "rings",
        "bridge and target staged",
        "answered",
        "target dialed: Local/111@lab",
        "bridged after ",
        "gone: cause 16",
        "over: answered, by callee",
    ];
    let mut rest = told.as_str();
    for step in steps {
        let at = rest.find(step);
        let at = at.unwrap_or_else(|| panic!("no {step:?} in its place:\n{told}"));
        rest = &rest[at + step.len()..];
    }
    assert!(told.contains("the recording is in the folder"), "{told}");
    let attempt = detail.attempts[0].clone();
    assert!(attempt.sip_call_id.is_some(), "{attempt:?}");
    let end = attempt.end.clone().expect("it has ended");
    assert_eq!(end.disposition, Disposition::Answered);
    let path = attempt.recording.clone().expect("it was recorded");
    assert!(fs::metadata(path).is_ok_and(|file| file.len() > 0));
    assert_eq!(engine.control.detail(LeadId(2)).await, None);
    engine.quit().await;

    let mut engine = place.start(&[BUSY, TALKS], &[]);
    let picture = engine.until("up", |s| s.link.down.is_none()).await;
    let row = picture.leads.row(LeadId(1)).expect("listed");
    assert_eq!((row.attempts, row.last), (1, Some(attempt.attempt)));
    assert_eq!(row.cause.q850, 16);
    let commands: Vec<(&str, &str)> = picture
        .audit
        .iter()
        .map(|entry| (entry.by.as_str(), entry.command.as_str()))
        .collect();
    assert_eq!(commands, [("test", "stop now")]);
    let again = engine.detail(1).await;
    let [known] = again.attempts.as_slice() else {
        panic!("one attempt: {again:?}");
    };
    assert_eq!(
        (known.attempt, &known.call_id),
        (attempt.attempt, &attempt.call_id)
    );
    assert_eq!(
        (&known.end, &known.recording),
        (&attempt.end, &attempt.recording)
    );
    assert!(said(&again, 0).contains("bridged after"), "{again:?}");
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_command_did_is_in_the_picture_when_its_answer_comes() {
    let place = Place::new().await;
    let mut engine = place.start(&[BUSY], &[BUSY, TALKS]);
    engine.done().await;
    let again = campaign::Command::Requeue(LeadId(0));
    engine.command(again.clone()).await.expect("it has ended");
    let picture = engine.now();
    assert_eq!(picture.state.word(), "DIALING");
    let last = picture.audit.last().expect("it is written down");
    assert_eq!(last.command, "call lead 1 again");
    assert_eq!(last.outcome, format!("{BUSY} waits again"));

    engine
        .until("twice", |s| {
            s.leads.row(LeadId(0)).is_some_and(|r| r.attempts == 2)
        })
        .await;
    engine.done().await;
    let detail = engine.detail(0).await;
    assert_eq!(detail.attempts.len(), 2);
    assert!(detail.attempts[0].attempt > detail.attempts[1].attempt);

    engine
        .command(campaign::Command::HangUpAll)
        .await
        .expect("always");
    let refused = engine.command(campaign::Command::Skip(LeadId(0))).await;
    assert!(refused.is_err(), "{refused:?}");
    let audit = &engine.now().audit;
    let said: Vec<bool> = audit
        .iter()
        .map(|entry| entry.outcome.starts_with("refused: "))
        .collect();
    assert_eq!(said, [false, false, true]);
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_run_calls_the_list_as_it_stands_and_only_at_done() {
    let place = Place::new().await;
    let mut engine = place.start(&[STAYS], &[BUSY, TALKS]);
    let bridged = |s: &Snapshot| s.calls.iter().any(|c| c.word == CallWord::Bridged);
    engine.until("bridged", bridged).await;
    let refused = engine.control.give(Command::NewRun, &WHO).await;
    assert!(refused.is_err_and(|why| why.contains("DONE")));
    assert_eq!(engine.now().run, RunId(1));
    engine
        .command(campaign::Command::HangUpAll)
        .await
        .expect("always");
    engine.done().await;
    // What is left of the call may need a moment.
    let until = Instant::now() + LONG;
    while let Err(why) = engine.control.give(Command::NewRun, &WHO).await {
        assert!(Instant::now() < until, "{why}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let picture = engine.now();
    assert_eq!((picture.run, picture.state.word()), (RunId(2), "DIALING"));
    assert_eq!(picture.leads.len(), 2);
    let done = engine.done().await;
    assert_eq!(done.leads.ended_as(Disposition::Busy), 1);
    assert_eq!(done.leads.ended_as(Disposition::Answered), 1);
    let last = done.audit.last().expect("it is written down");
    assert_eq!(last.command, "new run");
    let called = place.asterisk.calls_placed();
    assert_eq!(called.len(), 3, "{called:?}");
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_sounds_as_asterisk_says_until_it_ends() {
    let place = Place::new().await;
    let mut engine = place.start(&[STAYS], &[]);
    let told = |s: &Snapshot| s.quality.values().any(|q| q.received > 0);
    let picture = engine.until("heard", told).await;
    let (attempt, first) = picture.quality.first_key_value().expect("one call");
    let (attempt, first) = (*attempt, *first);
    assert_eq!(picture.calls[0].attempt, attempt);
    // Of a call that goes on it is asked again, once a second.
    let newer = |s: &Snapshot| s.quality.get(&attempt).is_some_and(|q| q.at > first.at);
    let again = engine.until("asked again", newer).await.quality[&attempt];
    assert!(again.at.since(first.at) >= Duration::from_millis(900));
    assert!(again.received > first.received);
    engine
        .command(campaign::Command::HangUp(attempt))
        .await
        .expect("it is up");
    engine
        .until("forgotten", |s| s.calls.is_empty() && s.quality.is_empty())
        .await;
    let detail = engine.detail(0).await;
    let told = said(&detail, 0);
    assert!(told.contains("hung up by test"), "{told}");
    engine.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_link_is_counted_and_a_process_that_ends_dials_nobody() {
    let place = Place::new().await;
    let mut engine = place.start(&[STAYS, BUSY], &[BUSY]);
    let bridged = |s: &Snapshot| s.calls.iter().any(|c| c.word == CallWord::Bridged);
    engine.until("bridged", bridged).await;
    place.asterisk.drop_sockets();
    let lost = engine.until("lost", |s| s.link.lost == 1).await;
    assert!(lost.calls.iter().any(|c| c.word == CallWord::Bridged));
    engine.until("back", |s| s.link.down.is_none()).await;
    assert_eq!(engine.now().link.lost, 1);

    engine
        .control
        .give(Command::Quit, &WHO)
        .await
        .expect("taken");
    let stop = engine.until("stopping", |s| s.stopping.is_some()).await;
    let stop = stop.stopping.clone().expect("it is");
    assert_eq!((stop.by.as_str(), stop.hung_up), ("test", false));
    assert!(stop.hang_up_at.since(engine.now().at) > Duration::from_secs(50));
    for command in [
        campaign::Command::Start,
        campaign::Command::Requeue(LeadId(1)),
    ] {
        let refused = engine.command(command).await;
        assert_eq!(refused, Err("the process is ending".to_owned()));
    }
    engine.quit().await;
}
