//! Against the lab's real Asterisk. Each test has an application of its own, so that all
//! share the lab.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dialdeck::ari::link::{
    AppPresence, DownReason, Link, LinkConfig, LinkEvent, LinkTiming, Occasion, PROBE,
    application_verdict, presence,
};
use dialdeck::ari::{
    AriError, ChannelState, Client, Connection, CreateChannel, DialStatus, Event, EventKind,
    EventSource, Gone, IfExists, Originate, Password, Recording,
};
use dialdeck::campaign::AttemptId;
use dialdeck::recordings::{Fetched, Fetcher, Job, RetryPlan};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::support::lab::Lab;

const LONG: Duration = Duration::from_secs(10);

fn connection(lab: &Lab, app: &str) -> Connection {
    let (username, password) = lab.credentials();
    Connection {
        url: lab.ari_url().parse().expect("a URL"),
        username: username.to_owned(),
        password: Password::new(password),
        app: app.into(),
        ca: None,
        timeout: Connection::DEFAULT_TIMEOUT,
    }
}

/// One engine: client, link, and ids that no other test has.
struct Engine {
    lab: Lab,
    client: Client,
    link: Link,
    events: mpsc::Receiver<LinkEvent>,
    prefix: String,
}

impl Engine {
    /// `name` becomes the application.
    fn start(name: &str) -> Self {
        let lab = Lab::shared();
        let app = format!("dd-test-{name}");
        let prefix = format!("dd-{name}{:08x}-1-1-", fastrand::u32(..));
        let client = Client::new(&connection(&lab, &app)).unwrap();
        let (tx, events) = mpsc::channel(1000);
        let own = prefix.clone();
        let config = LinkConfig {
            check: Arc::new(move |app, occasion, presence| {
                application_verdict(app, &own, occasion, presence)
            }),
            occasion: Occasion::First,
            timing: LinkTiming::default(),
        };
        let link = Link::spawn(client.clone(), config, tx);
        Self {
            lab,
            client,
            link,
            events,
            prefix,
        }
    }

    async fn up(name: &str) -> Self {
        let mut engine = Self::start(name);
        let event = engine.next().await;
        assert_eq!(event, LinkEvent::Up { left_over: None });
        engine
    }

    fn id(&self, part: &str) -> String {
        format!("{}{part}", self.prefix)
    }

    async fn next(&mut self) -> LinkEvent {
        timeout(LONG, self.events.recv())
            .await
            .expect("something in time")
            .expect("the link lives")
    }

    /// Passes over events until one is `wanted`.
    async fn until(&mut self, wanted: impl Fn(&EventKind) -> bool) -> Event {
        loop {
            match self.next().await {
                LinkEvent::Event(event) if wanted(&event.kind) => return *event,
                LinkEvent::Event(_) => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    async fn originate(&self, number: &str) -> Result<(), AriError> {
        let new = Originate {
            channel_id: self.id("a"),
            endpoint: format!("PJSIP/{number}@{}", self.lab.trunk()),
            app_args: "a,1".into(),
            caller_id: Some("Sales Team <1001>".into()),
            timeout: 5,
            ..Originate::default()
        };
        self.client.originate(&new).await
    }

    /// Creates B and puts it into a bridge, once it is in the application.
    async fn stage(&mut self, target: &str) {
        let (bridge, b) = (self.id("bridge"), self.id("b"));
        self.client.create_bridge(&bridge, "test").await.unwrap();
        let new = CreateChannel {
            channel_id: b.clone(),
            other_channel_id: Some(self.id("b2")),
            endpoint: target.into(),
            app_args: "b".into(),
            connected_number: Some("8401".into()),
            originator: Some(self.id("a")),
        };
        self.client.create_channel(&new).await.unwrap();
        self.until(is_start_of(b.clone())).await;
        self.client.add_channel(&bridge, &b).await.unwrap();
    }

    /// Nothing of this test is left: the application is forgotten.
    async fn leaves_nothing(self) {
        let app = self.client.app().to_owned();
        self.link.close().await;
        for _ in 0..20 {
            if self.client.application(&app).await == Ok(None) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("left: {:?}", self.client.application(&app).await);
    }
}

fn is_start_of(id: String) -> impl Fn(&EventKind) -> bool {
    move |kind| matches!(kind, EventKind::StasisStart { channel, .. } if channel.id == id)
}

fn is_end_of(id: String) -> impl Fn(&EventKind) -> bool {
    move |kind| matches!(kind, EventKind::ChannelDestroyed { channel, .. } if channel.id == id)
}

#[tokio::test]
async fn login_endpoints_and_refusals_are_read_as_asterisk_says_them() {
    let lab = Lab::shared();
    let client = Client::new(&connection(&lab, "dd-test-read")).unwrap();
    let info = client.info().await.unwrap();
    assert!(info.version.starts_with("22."), "{info:?}");
    assert!(!info.startup_time.is_empty() && !info.entity_id.is_empty());
    let trunk = client.endpoint("PJSIP", lab.trunk()).await.unwrap();
    assert_eq!(trunk.unwrap().technology, "PJSIP");
    assert_eq!(client.endpoint("PJSIP", "nosuch").await, Ok(None));
    assert_eq!(client.hangup("nosuch", None).await, Ok(Gone::Already));
    assert_eq!(client.destroy_bridge("nosuch").await, Ok(Gone::Already));
    assert_eq!(client.delete_recording("a/b").await, Ok(Gone::Already));
    assert_eq!(client.stored_recording("a/b").await, Ok(None));
    assert_eq!(client.stop_recording("a/b").await, Ok(Gone::Already));
    let gone = client.variable("nosuch", "CHANNEL(state)").await;
    assert_eq!(gone.unwrap_err().status(), Some(404));
    client.channels().await.unwrap();
    client.bridges().await.unwrap();

    let mut wrong = connection(&lab, "dd-test-read");
    wrong.password = Password::new("wrong");
    let client = Client::new(&wrong).unwrap();
    assert_eq!(client.info().await, Err(AriError::Login));
}

#[tokio::test]
async fn an_absent_trunk_is_an_allocation_that_failed() {
    let engine = Engine::up("trunk").await;
    let new = Originate {
        channel_id: engine.id("a"),
        endpoint: "PJSIP/8001@nosuch".into(),
        timeout: 5,
        ..Originate::default()
    };
    let error = engine.client.originate(&new).await.unwrap_err();
    assert_eq!(error.status(), Some(500));
    assert!(error.to_string().contains("Allocation failed"), "{error}");
    assert!(error.surely_not_carried_out());
    engine.leaves_nothing().await;
}

#[tokio::test]
async fn a_busy_number_ends_with_cause_and_sip_status() {
    let mut engine = Engine::up("busy").await;
    engine.originate("1001").await.unwrap();
    let end = engine.until(is_end_of(engine.id("a"))).await;
    let EventKind::ChannelDestroyed {
        cause, tech_cause, ..
    } = end.kind
    else {
        unreachable!("asked for no other");
    };
    assert_eq!((cause, tech_cause), (17, Some(486)));
    assert!(end.stamp_ms.is_some_and(|ms| ms > 1_700_000_000_000));
    let stats = engine.link.stats().snapshot();
    assert_eq!(stats.malformed, 0, "{stats:?}");
    engine.leaves_nothing().await;
}

#[tokio::test]
async fn a_call_sounds_while_it_is_up_and_not_before_or_after() {
    let mut engine = Engine::up("sound").await;
    let (client, a) = (engine.client.clone(), engine.id("a"));
    assert_eq!(client.rtp_statistics(&a).await, Ok(None));
    engine.originate("84000001").await.unwrap();
    assert_eq!(client.rtp_statistics(&a).await, Ok(None));
    engine.until(is_start_of(a.clone())).await;
    sleep(Duration::from_secs(1)).await;
    let sound = client.rtp_statistics(&a).await.unwrap().unwrap();
    // A packet each 20 ms; the machine may be busy.
    let received = sound.received.unwrap();
    assert!((20..=75).contains(&received), "{sound:?}");
    assert_eq!(sound.received_lost, Some(0));
    assert!(sound.received_jitter_ms.is_some(), "{sound:?}");
    assert_eq!((sound.received_score, sound.rtt_ms), (None, None));
    client.hangup(&a, None).await.unwrap();
    engine.until(is_end_of(a.clone())).await;
    assert_eq!(client.rtp_statistics(&a).await, Ok(None));
    engine.leaves_nothing().await;
}

#[tokio::test]
async fn a_staged_and_recorded_call_is_bridged_fetched_and_taken_down() {
    let mut engine = Engine::up("call").await;
    let client = engine.client.clone();
    let (a, b, b2, bridge, snoop) = (
        engine.id("a"),
        engine.id("b"),
        engine.id("b2"),
        engine.id("bridge"),
        engine.id("rec"),
    );
    let name = format!("dd-test/{}call 1", engine.prefix);
    engine.originate("8401").await.unwrap();
    engine.stage("Local/777@default").await;
    let source = EventSource::Channel(b2.clone());
    client.subscribe(client.app(), &source).await.unwrap();
    let started = engine.until(is_start_of(a.clone())).await;
    let EventKind::StasisStart { channel, args, .. } = started.kind else {
        unreachable!("asked for no other");
    };
    assert_eq!(args, ["a", "1"]);
    assert_eq!(channel.state, ChannelState::Up);
    assert!(channel.protocol_id.is_some());

    client.snoop(&a, &snoop, "rec").await.unwrap();
    // Until it is in the application, a busy Asterisk answers 409 to whatever is asked of it.
    engine.until(is_start_of(snoop.clone())).await;
    let recording = Recording {
        name: name.clone(),
        format: "wav".into(),
        if_exists: IfExists::Fail,
        max_seconds: 0,
    };
    let (added, dialed, recorded) = tokio::join!(
        client.add_channel(&bridge, &a),
        client.dial(&b, Some(&a), 5),
        client.record(&snoop, &recording)
    );
    added.unwrap();
    dialed.unwrap();
    recorded.unwrap();
    engine.until(|kind| {
        matches!(kind, EventKind::Dial { peer, status: DialStatus::Answer, .. } if peer.id == b)
    })
    .await;
    let state = client.variable(&b, "CHANNEL(state)").await.unwrap();
    assert_eq!(state.as_deref(), Some("Up"));
    assert_eq!(client.variable(&b, "DD_NEVER_SET").await, Ok(None));
    let legs = client.bridge(&bridge).await.unwrap().unwrap().channels;
    assert!(legs.contains(&a) && legs.contains(&b), "{legs:?}");
    sleep(Duration::from_secs(1)).await;

    assert_eq!(client.hangup(&a, None).await, Ok(Gone::Now));
    engine.until(
        |kind| matches!(kind, EventKind::RecordingFinished { recording } if recording.name == name),
    )
    .await;
    client.hangup(&b, None).await.unwrap();
    assert_eq!(client.destroy_bridge(&bridge).await, Ok(Gone::Now));
    assert_eq!(client.destroy_bridge(&bridge).await, Ok(Gone::Already));
    fetched(&client, &name).await;
    engine.leaves_nothing().await;
}

/// Fetches the recording of a call of about 1.2 s and looks into it.
async fn fetched(client: &Client, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (tx, mut outcomes) = mpsc::channel(8);
    let path = folder.path().to_owned();
    let fetcher = Fetcher::spawn(client.clone(), path, RetryPlan::default(), tx);
    let job = Job {
        attempt: AttemptId(1),
        name: name.to_owned(),
        format: "wav".into(),
        file_name: "call.wav".into(),
        keep: false,
        folder: None,
    };
    fetcher.enqueue(job).unwrap();
    let outcome = timeout(LONG, outcomes.recv()).await.unwrap().unwrap();
    let Fetched::Saved { path, bytes, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let wav = hound::WavReader::open(&path).unwrap();
    let seconds = f64::from(wav.duration()) / f64::from(wav.spec().sample_rate);
    assert!((0.5..3.0).contains(&seconds), "{seconds} s");
    assert_eq!(bytes, std::fs::metadata(&path).unwrap().len());
    assert_eq!(client.stored_recording(name).await, Ok(None));
}

#[tokio::test]
async fn a_second_engine_is_held_and_a_take_over_is_noticed() {
    let mut first = Engine::up("two").await;
    let mut second = Engine::start("two");
    let held = second.next().await;
    assert!(matches!(held, LinkEvent::Held { .. }), "{held:?}");
    second.link.take_over();
    let up = second.next().await;
    assert!(matches!(up, LinkEvent::Up { .. }), "{up:?}");
    first
        .until(|kind| *kind == EventKind::ApplicationReplaced)
        .await;
    assert_eq!(first.next().await, LinkEvent::Replaced);
    first.link.close().await;
    second.leaves_nothing().await;
}

/// A channel that is none of ours, and then nothing at all: as a program leaves it that is gone.
#[tokio::test]
async fn an_application_of_which_only_something_is_left_is_free() {
    let first = Engine::up("left").await;
    let stray = format!("stray-{:08x}", fastrand::u32(..));
    let new = Originate {
        channel_id: stray.clone(),
        endpoint: format!("PJSIP/30550001@{}", first.lab.trunk()),
        timeout: 20,
        ..Originate::default()
    };
    first.client.originate(&new).await.unwrap();
    first.link.close().await;

    let begun = Instant::now();
    let mut second = Engine::start("left");
    let up = second.next().await;
    let LinkEvent::Up {
        left_over: Some(app),
    } = &up
    else {
        panic!("unexpected: {up:?}");
    };
    assert_eq!(app.channel_ids, [stray.as_str()]);
    second.link.close().await;
    let gone = second.client.hangup(&stray, None).await;
    assert_eq!(gone, Ok(Gone::Now));

    let mut third = Engine::start("left");
    let up = third.next().await;
    assert!(matches!(up, LinkEvent::Up { .. }), "{up:?}");
    let held = LinkTiming::default().holder_may_go;
    assert!(begun.elapsed() < held, "it waited for nobody");
    third.leaves_nothing().await;
}

#[tokio::test]
async fn asking_who_is_connected_leaves_nothing_with_whoever_is() {
    let mut holder = Engine::up("asked").await;
    let app = holder.client.app();
    for (app, expected) in [
        (app, AppPresence::Somebody),
        ("dd-test-nobody", AppPresence::Nobody),
    ] {
        let mut found = presence(&holder.client, app).await;
        for _ in 0..10 {
            // An Asterisk that is too busy is asked again.
            if !matches!(found, Err(DownReason::Request(AriError::Timeout { .. }))) {
                break;
            }
            found = presence(&holder.client, app).await;
        }
        assert_eq!(found, Ok(expected), "{app}");
    }
    let probe = |kind: &EventKind| matches!(kind, EventKind::StasisEnd { channel } if channel.id.starts_with(PROBE));
    holder.until(probe).await;
    let known = holder.client.application(holder.client.app()).await;
    assert!(known.unwrap().unwrap().is_idle(), "the probe is gone");
    // Other tests may ask at the moment; what they ask with goes as well.
    let is_left = || {
        let all = holder.lab.ari("GET", "/ari/applications");
        all.contains("dialdeck-probe").then_some(all)
    };
    let until = Instant::now() + LONG;
    while let Some(all) = is_left() {
        assert!(Instant::now() < until, "{all}");
        sleep(Duration::from_millis(20)).await;
    }
    holder.leaves_nothing().await;
}

#[tokio::test]
async fn questions_of_one_process_do_not_take_the_events_of_one_another() {
    let holder = Engine::up("asked-together").await;
    let ask = || presence(&holder.client, holder.client.app());
    let mut all = Vec::new();
    // An Asterisk that is too busy is asked again.
    for _ in 0..10 {
        let found = tokio::join!(ask(), ask(), ask(), ask());
        all = vec![found.0, found.1, found.2, found.3];
        if all.iter().all(|f| *f == Ok(AppPresence::Somebody)) {
            break;
        }
    }
    assert_eq!(all, vec![Ok(AppPresence::Somebody); 4]);
    holder.leaves_nothing().await;
}

#[tokio::test]
async fn asterisk_answers_pings_so_an_idle_link_stays_up() {
    let mut engine = Engine::up("idle").await;
    let quiet = timeout(Duration::from_secs(10), engine.events.recv()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert_eq!(engine.link.stats().snapshot().connected, 1);
    engine.leaves_nothing().await;
}

/// Asterisk ends idle connections after 15 s; ours go before, so no request meets one.
#[tokio::test]
async fn requests_after_a_pause_never_meet_a_connection_that_has_just_ended() {
    let lab = Lab::shared();
    let pauses = [9_500, 10_500, 14_900, 15_000, 15_100].map(|pause| {
        let client = Client::new(&connection(&lab, "dd-test-pause")).unwrap();
        async move {
            for pause in [0, pause] {
                sleep(Duration::from_millis(pause)).await;
                // An id that nobody has: refused, but by Asterisk, and never `Broken`.
                let error = client.dial("nosuch", None, 1).await.unwrap_err();
                assert_eq!(error.status(), Some(404), "after {pause} ms: {error}");
            }
        }
    });
    futures_util::future::join_all(pauses).await;
}
