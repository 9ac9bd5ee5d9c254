use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dialdeck::ari::EventKind;
use dialdeck::ari::link::{
    DownReason, Link, LinkConfig, LinkEvent, LinkState, LinkTiming, Occasion, application_verdict,
};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::fake::{self, Fake, Reply, ServerSocket};

const LONG: Duration = Duration::from_secs(10);

/// Clocks ten times as fast as the real ones.
fn config() -> LinkConfig {
    LinkConfig {
        check: Arc::new(|app, occasion, presence| {
            application_verdict(app, "dd-x-", occasion, presence)
        }),
        occasion: Occasion::First,
        timing: LinkTiming {
            ping_every: Duration::from_millis(300),
            pong_within: Duration::from_millis(300),
            backoff_first: Duration::from_millis(10),
            backoff_max: Duration::from_millis(500),
            backoff_login: Duration::from_millis(1500),
            holder_may_go: Duration::from_millis(500),
        },
    }
}

/// Asterisk with nobody else on it.
async fn free_asterisk() -> Fake {
    Fake::start(|asked| {
        if asked.is("GET", "/ari/events") {
            Reply::WebSocket
        } else if asked.is("PUT", "/ari/applications/outbound_dialer/eventFilter") {
            Reply::ok("{}")
        } else {
            Reply::Json(404, r#"{"message":"Application not found"}"#.into())
        }
    })
    .await
}

struct Engine {
    link: Link,
    events: mpsc::Receiver<LinkEvent>,
}

impl Engine {
    fn on(fake: &Fake, room: usize) -> Self {
        Self::with(fake, room, config())
    }

    fn with(fake: &Fake, room: usize, config: LinkConfig) -> Self {
        let (tx, events) = mpsc::channel(room);
        let link = Link::spawn(fake.client(), config, tx);
        Self { link, events }
    }

    async fn next(&mut self) -> LinkEvent {
        timeout(LONG, self.events.recv())
            .await
            .expect("the link says something in time")
            .expect("the link is alive")
    }

    async fn nothing_within(&mut self, time: Duration) {
        if let Ok(event) = timeout(time, self.events.recv()).await {
            panic!("unexpected: {event:?}");
        }
    }

    async fn expect_up(&mut self) {
        let event = self.next().await;
        assert!(matches!(event, LinkEvent::Up { .. }), "{event:?}");
    }

    async fn expect_down(&mut self) -> DownReason {
        match self.next().await {
            LinkEvent::Down { why, .. } => why,
            other => panic!("unexpected: {other:?}"),
        }
    }
}

async fn socket(fake: &mut Fake) -> ServerSocket {
    timeout(LONG, fake.sockets.recv())
        .await
        .expect("the link connects in time")
        .expect("the server lives")
}

fn event(kind: &str) -> Message {
    let text = format!(
        r#"{{"type":"{kind}","timestamp":"2026-11-22T14:30:43.123+0000","application":"outbound_dialer","channel":{{"id":"dd-x-1-7-a"}}}}"#
    );
    Message::text(text)
}

#[tokio::test]
async fn it_sets_the_filter_says_up_and_passes_events_on() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    let mut socket = socket(&mut fake).await;
    engine.expect_up().await;
    let asked = fake.asked_so_far();
    let paths: Vec<_> = asked.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/ari/applications/outbound_dialer",
            "/ari/events?app=outbound_dialer&subscribeAll=false",
            "/ari/applications/outbound_dialer/eventFilter",
        ]
    );
    assert!(asked[1].head.contains("Basic "), "the login is in a header");
    assert!(asked[2].body.contains(r#"{"type":"ChannelVarset"}"#));

    socket.send(event("StasisStart")).await.unwrap();
    let LinkEvent::Event(passed) = engine.next().await else {
        panic!("no event");
    };
    assert!(matches!(passed.kind, EventKind::StasisStart { .. }));
    assert!(matches!(
        *engine.link.state().borrow(),
        LinkState::Up { .. }
    ));
}

#[tokio::test]
async fn what_can_not_be_read_is_counted_and_harms_nothing() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    let mut socket = socket(&mut fake).await;
    engine.expect_up().await;
    for text in ["{", r#"{"type":"StasisEnd"}"#, r#"{"type":"StasisEnd"}"#] {
        socket.send(Message::text(text)).await.unwrap();
    }
    socket.send(event("BrandNew")).await.unwrap();
    socket.send(event("StasisEnd")).await.unwrap();
    let LinkEvent::Event(unknown) = engine.next().await else {
        panic!("no event");
    };
    assert_eq!(unknown.kind, EventKind::Other("BrandNew".into()));
    engine.next().await;
    let stats = engine.link.stats().snapshot();
    assert_eq!((stats.events, stats.malformed, stats.unknown), (5, 3, 1));
    let expected = [("StasisEnd".to_owned(), 2), ("none".to_owned(), 1)];
    assert_eq!(stats.malformed_kinds, expected);
    assert_eq!(stats.unknown_kinds, [("BrandNew".to_owned(), 1)]);
    assert!(stats.last_event_age.is_some());
}

#[tokio::test]
async fn pings_go_both_ways() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    let mut socket = socket(&mut fake).await;
    engine.expect_up().await;
    socket.send(Message::Ping("hello".into())).await.unwrap();
    let (mut pings, mut answered) = (0, false);
    while pings < 3 || !answered {
        let message = timeout(LONG, socket.next()).await.expect("in time");
        match message.expect("open").expect("readable") {
            Message::Ping(_) => pings += 1,
            Message::Pong(text) => answered |= text == "hello",
            other => panic!("unexpected: {other:?}"),
        }
    }
    // Reading answers the link's pings, so it stays up.
    engine.nothing_within(Duration::from_millis(10)).await;
}

#[tokio::test]
async fn the_answer_to_a_ping_is_heard_though_no_event_comes() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    let mut socket = socket(&mut fake).await;
    engine.expect_up().await;
    let stats = engine.link.stats();
    assert_eq!(stats.last_heard_age(), None);
    while stats.last_heard_age().is_none() {
        // Reading answers the link's pings.
        let _ = timeout(Duration::from_millis(10), socket.next()).await;
    }
    assert_eq!(stats.snapshot().last_event_age, None);
    let age = stats.last_heard_age().expect("it was heard");
    assert!(age < LONG, "{age:?}");
}

#[tokio::test]
async fn a_half_open_socket_is_noticed_and_replaced() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    // Held open and never read: nothing answers the pings.
    let dead = socket(&mut fake).await;
    engine.expect_up().await;
    let began = std::time::Instant::now();
    assert_eq!(engine.expect_down().await, DownReason::Silent);
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let _second = socket(&mut fake).await;
    engine.expect_up().await;
    assert_eq!(engine.link.stats().snapshot().connected, 2);
    drop(dead);
}

#[tokio::test]
async fn a_closed_stream_is_told_at_once_and_comes_back() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    let first = socket(&mut fake).await;
    engine.expect_up().await;
    drop(first);
    let why = engine.expect_down().await;
    assert!(
        matches!(why, DownReason::Closed | DownReason::Broken(_)),
        "{why:?}"
    );
    let _second = socket(&mut fake).await;
    engine.expect_up().await;
}

#[tokio::test]
async fn after_a_take_over_it_stays_away_until_told() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    let mut first = socket(&mut fake).await;
    engine.expect_up().await;
    first.send(event("ApplicationReplaced")).await.unwrap();
    let LinkEvent::Event(replaced) = engine.next().await else {
        panic!("the event is passed on first");
    };
    assert_eq!(replaced.kind, EventKind::ApplicationReplaced);
    assert_eq!(engine.next().await, LinkEvent::Replaced);
    engine.nothing_within(Duration::from_secs(1)).await;
    assert!(fake.sockets.try_recv().is_err(), "it has not connected");
    engine.link.connect();
    let _second = socket(&mut fake).await;
    engine.expect_up().await;
}

/// The first try to connect is not answered in time, and is carried out when the network lets
/// it through, after the second.
#[tokio::test]
async fn a_try_of_its_own_that_arrives_late_is_no_other_dialer() {
    let asked_for_events = AtomicBool::new(false);
    let mut fake = Fake::start(move |asked| {
        if asked.is("GET", "/ari/events") {
            if asked_for_events.swap(true, Ordering::SeqCst) {
                Reply::WebSocket
            } else {
                Reply::Hang
            }
        } else if asked.is("PUT", "/ari/applications/outbound_dialer/eventFilter") {
            Reply::ok("{}")
        } else if asked_for_events.load(Ordering::SeqCst) {
            // Idle, and held: by the first try, if it arrived before the second.
            Reply::ok(r#"{"name":"outbound_dialer","channel_ids":[],"bridge_ids":[]}"#)
        } else {
            Reply::Json(404, r#"{"message":"Application not found"}"#.into())
        }
    })
    .await;
    let mut engine = Engine::on(&fake, 100);
    let why = engine.expect_down().await;
    assert!(matches!(why, DownReason::Request(_)), "{why:?}");
    let mut second = socket(&mut fake).await;
    engine.expect_up().await;
    second.send(event("ApplicationReplaced")).await.unwrap();
    let LinkEvent::Event(_) = engine.next().await else {
        panic!("the event is passed on first");
    };
    assert_eq!(engine.expect_down().await, DownReason::Late);
    let mut third = socket(&mut fake).await;
    engine.expect_up().await;
    // Once more it must have been somebody else, who is not fought.
    third.send(event("ApplicationReplaced")).await.unwrap();
    let LinkEvent::Event(_) = engine.next().await else {
        panic!("the event is passed on first");
    };
    assert_eq!(engine.next().await, LinkEvent::Replaced);
    engine.nothing_within(Duration::from_secs(1)).await;
    assert!(fake.sockets.try_recv().is_err(), "it has not connected");
}

#[tokio::test]
async fn it_does_not_take_an_application_away_unless_told() {
    let mut fake = Fake::start(|asked| {
        if asked.is_probe() {
            Reply::Json(404, "{}".into())
        } else if asked.is("GET", "/ari/events") {
            Reply::WebSocket
        } else {
            Reply::ok(r#"{"name":"outbound_dialer","channel_ids":[],"bridge_ids":[]}"#)
        }
    })
    .await;
    let mut engine = Engine::on(&fake, 100);
    let held = engine.next().await;
    assert!(matches!(held, LinkEvent::Held { .. }), "{held:?}");
    engine.link.connect();
    let held = engine.next().await;
    assert!(matches!(held, LinkEvent::Held { .. }), "{held:?}");
    assert!(fake.sockets.try_recv().is_err(), "it has not connected");
    engine.link.take_over();
    let first = socket(&mut fake).await;
    engine.expect_up().await;
    // Lost now, the idle application may be our own half-dead socket: no need to be told.
    drop(first);
    engine.expect_down().await;
    let _second = socket(&mut fake).await;
    engine.expect_up().await;
}

#[tokio::test]
async fn a_refused_login_is_told_once_and_tried_rarely() {
    let mut fake = Fake::start(|_| Reply::Json(401, "{}".into())).await;
    let mut engine = Engine::on(&fake, 100);
    assert_eq!(engine.expect_down().await, DownReason::LoginRefused);
    engine.nothing_within(Duration::from_millis(600)).await;
    assert_eq!(fake.asked_so_far().len(), 1);
}

#[tokio::test]
async fn the_outage_keeps_its_beginning_while_its_reason_changes() {
    let login_works = Arc::new(AtomicBool::new(false));
    let works = Arc::clone(&login_works);
    let fake = Fake::start(move |asked| {
        if !works.load(Ordering::SeqCst) {
            Reply::Json(500, "{}".into())
        } else if asked.is("GET", "/ari/events") {
            Reply::Json(404, "{}".into())
        } else {
            Reply::Json(404, r#"{"message":"no such app"}"#.into())
        }
    })
    .await;
    let mut engine = Engine::on(&fake, 100);
    let LinkEvent::Down { why, since } = engine.next().await else {
        panic!("not down");
    };
    assert!(matches!(why, DownReason::Request(_)), "{why:?}");
    login_works.store(true, Ordering::SeqCst);
    let LinkEvent::Down { why, since: later } = engine.next().await else {
        panic!("not down");
    };
    assert_eq!(why, DownReason::Handshake(404));
    assert_eq!(since, later);
}

#[tokio::test]
async fn an_engine_that_is_too_far_behind_is_told_that_events_are_lost() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 4);
    let mut socket = socket(&mut fake).await;
    for _ in 0..10 {
        let _ = socket.send(event("StasisEnd")).await;
    }
    let down = async {
        let mut state = engine.link.state();
        let is_down = |s: &LinkState| matches!(s, LinkState::Down { .. });
        state.wait_for(is_down).await.map(drop)
    };
    timeout(LONG, down).await.expect("in time").expect("alive");
    engine.expect_up().await;
    for _ in 0..3 {
        assert!(matches!(engine.next().await, LinkEvent::Event(_)));
    }
    assert_eq!(engine.expect_down().await, DownReason::Overrun);
    assert_eq!(engine.link.stats().snapshot().overruns, 1);
}

#[tokio::test]
async fn dropping_the_handle_says_goodbye() {
    let mut fake = free_asterisk().await;
    let mut engine = Engine::on(&fake, 100);
    let mut socket = socket(&mut fake).await;
    engine.expect_up().await;
    drop(engine.link);
    loop {
        let message = timeout(LONG, socket.next()).await.expect("in time");
        match message.expect("a goodbye").expect("readable") {
            Message::Close(_) => break,
            Message::Ping(_) => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
    let end = timeout(LONG, engine.events.recv()).await.expect("in time");
    assert_eq!(end, None);
}

/// Asterisk, in which somebody holds the application: whose channels, by how often it was asked.
/// It moves no channels, so whether anybody is connected can't be asked.
async fn held_asterisk(
    channels: impl Fn(usize) -> Option<&'static str> + Send + Sync + 'static,
) -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |request| {
        if request.is_probe() {
            return Reply::Json(404, "{}".into());
        }
        if request.is("GET", "/ari/events") {
            return Reply::WebSocket;
        }
        if request.is("PUT", "/ari/applications/outbound_dialer/eventFilter") {
            return Reply::ok("{}");
        }
        match channels(asked.fetch_add(1, Ordering::SeqCst)) {
            Some(ids) => Reply::ok(&format!(
                r#"{{"name":"outbound_dialer","channel_ids":[{ids}],"bridge_ids":[]}}"#
            )),
            None => Reply::Json(404, r#"{"message":"Application not found"}"#.into()),
        }
    })
    .await
}

#[tokio::test]
async fn who_holds_it_without_a_call_may_have_just_ended() {
    let fake = held_asterisk(|asked| (asked < 2).then_some("")).await;
    let mut engine = Engine::on(&fake, 100);
    engine.expect_up().await;

    let fake = held_asterisk(|_| Some("")).await;
    let begun = Instant::now();
    let mut engine = Engine::on(&fake, 100);
    let held = engine.next().await;
    assert!(matches!(held, LinkEvent::Held { .. }), "{held:?}");
    assert!(begun.elapsed() >= config().timing.holder_may_go);

    // After a crash amid calls it is taken for the dead process's, which Asterisk may keep.
    let begun = Instant::now();
    let after_a_crash = LinkConfig {
        occasion: Occasion::AfterCrash,
        ..config()
    };
    Engine::with(&fake, 100, after_a_crash).expect_up().await;
    assert!(begun.elapsed() >= config().timing.holder_may_go);
}

#[tokio::test]
async fn who_holds_it_with_a_call_is_another_dialdeck_at_once() {
    let mut fake = held_asterisk(|_| Some(r#""dd-other-1-7-a""#)).await;
    let mut engine = Engine::on(&fake, 100);
    let held = engine.next().await;
    assert!(matches!(held, LinkEvent::Held { .. }), "{held:?}");
    assert_eq!(fake.asked_so_far().len(), 1);
}

/// What Asterisk has of the application while an engine is connected may be anybody's.
#[tokio::test]
async fn after_a_loss_of_its_own_it_comes_back_whatever_is_in_the_application() {
    let others = r#""dd-x-1-7-a","1700000000.5","dd-other-1-7-a""#;
    let mut fake = held_asterisk(move |asked| (asked > 0).then_some(others)).await;
    let mut engine = Engine::on(&fake, 100);
    for _ in 0..3 {
        let socket = socket(&mut fake).await;
        engine.expect_up().await;
        drop(socket);
        engine.expect_down().await;
    }
    let asked = fake.asked_so_far();
    assert!(!asked.iter().any(fake::Asked::is_probe), "nobody is asked");
}

/// An Asterisk that does not answer in time is no program that holds the application.
#[tokio::test]
async fn an_asterisk_too_busy_to_be_asked_is_asked_again_and_holds_nothing() {
    let busy = Arc::new(AtomicBool::new(true));
    let is_busy = Arc::clone(&busy);
    let fake = Fake::start(move |asked| {
        if asked.is_probe() && is_busy.load(Ordering::SeqCst) {
            Reply::Close
        } else if asked.is("PUT", "/ari/applications/outbound_dialer/eventFilter") {
            Reply::ok("{}")
        } else if asked.is("GET", "/ari/events") {
            Reply::WebSocket
        } else if is_busy.load(Ordering::SeqCst) {
            Reply::ok(r#"{"name":"outbound_dialer","channel_ids":[],"bridge_ids":[]}"#)
        } else {
            Reply::Json(404, r#"{"message":"Application not found"}"#.into())
        }
    })
    .await;
    let mut engine = Engine::on(&fake, 100);
    engine.expect_down().await;
    engine
        .nothing_within(config().timing.holder_may_go * 2)
        .await;
    busy.store(false, Ordering::SeqCst);
    engine.expect_up().await;
}
