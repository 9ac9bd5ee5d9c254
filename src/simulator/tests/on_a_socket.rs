//! The simulator over HTTP and WebSocket: what the transport adds, and its faults.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::simulator::{Fault, Faults, Scenario, SimConfig, SimError, SimHandle, Span, start};

const PATIENCE: Duration = Duration::from_secs(5);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn lab() -> SimHandle {
    let config = SimConfig {
        scenario: Scenario::lab(),
        ..SimConfig::default()
    };
    start(config).await.expect("a free port")
}

fn client() -> reqwest::Client {
    // Wanted even for plain HTTP; a second installation is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn connect(sim: &SimHandle) -> Socket {
    let addr = sim.addr();
    let url = format!("ws://{addr}/ari/events?app=app&api_key=dialdeck:dialdeck");
    let (socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("a socket");
    socket
}

async fn post(
    http: &reqwest::Client,
    sim: &SimHandle,
    path: &str,
    query: &[(&str, &str)],
) -> reqwest::Result<u16> {
    let answer = http
        .post(format!("{}/ari/{path}", sim.url()))
        .basic_auth("dialdeck", Some("dialdeck"))
        .query(query)
        .timeout(Duration::from_secs(1))
        .send()
        .await?;
    Ok(answer.status().as_u16())
}

async fn dial(http: &reqwest::Client, sim: &SimHandle, number: &str) -> reqwest::Result<u16> {
    let endpoint = format!("PJSIP/{number}@mytrunk");
    let query = [
        ("endpoint", endpoint.as_str()),
        ("app", "app"),
        ("channelId", number),
    ];
    post(http, sim, "channels", &query).await
}

/// Waits for an event of `kind`; `None` where the socket ends before.
async fn hear(socket: &mut Socket, kind: &str) -> Option<Value> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("in time")?;
        let Ok(Message::Text(text)) = message else {
            continue;
        };
        let event: Value = serde_json::from_str(&text).expect("JSON");
        if event["type"] == kind {
            return Some(event);
        }
    }
}

#[tokio::test]
async fn a_ping_is_answered_until_the_socket_stalls_and_then_no_more() {
    let sim = lab().await;
    let mut socket = connect(&sim).await;
    let pong = async |socket: &mut Socket| {
        socket
            .send(Message::Ping(Bytes::from_static(b"?")))
            .await
            .expect("open");
        timeout(Duration::from_millis(500), socket.next()).await
    };
    assert!(matches!(
        pong(&mut socket).await,
        Ok(Some(Ok(Message::Pong(_))))
    ));
    sim.stall_sockets();
    assert!(
        pong(&mut socket).await.is_err(),
        "half open: neither pong nor end"
    );
}

#[tokio::test]
async fn a_dropped_socket_ends_and_calls_live_on() {
    let sim = lab().await;
    let http = client();
    let mut socket = connect(&sim).await;
    dial(&http, &sim, "80000001").await.expect("an answer");
    hear(&mut socket, "StasisStart").await.expect("an event");
    sim.drop_sockets();
    assert_eq!(hear(&mut socket, "Never").await, None);
    assert_eq!(sim.channels(), ["80000001"]);
}

#[tokio::test]
async fn a_restart_breaks_every_connection_and_refuses_new_ones_until_it_is_over() {
    let sim = lab().await;
    let http = client();
    let mut socket = connect(&sim).await;
    dial(&http, &sim, "80000001").await.expect("an answer");
    sim.restart(Duration::from_millis(400));
    assert_eq!(hear(&mut socket, "Never").await, None);
    assert!(dial(&http, &sim, "80000002").await.is_err());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(dial(&http, &sim, "80000003").await.expect("an answer"), 200);
    assert_eq!(sim.calls_placed(), ["80000001", "80000003"]);
}

#[tokio::test]
async fn a_slow_answer_is_too_late_and_yet_carried_out() {
    let sim = lab().await;
    let http = client();
    sim.set_faults(Faults {
        slow_answers_percent: 100,
        slow_answer: Span::new(1500, 1500),
        ..Faults::default()
    });
    let error = dial(&http, &sim, "80000001").await.expect_err("too late");
    assert!(error.is_timeout());
    assert_eq!(sim.calls_placed(), ["80000001"]);
}

#[tokio::test]
async fn a_request_is_carried_out_though_the_client_has_left_while_it_waited() {
    let sim = lab().await;
    let http = client();
    sim.set_faults(Faults {
        latency: Span::new(1300, 1300),
        ..Faults::default()
    });
    dial(&http, &sim, "80000001").await.expect_err("too late");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(sim.calls_placed(), ["80000001"]);
}

#[tokio::test]
async fn an_error_500_is_not_carried_out() {
    let sim = lab().await;
    let http = client();
    sim.set_faults(Faults {
        errors_percent: 100,
        ..Faults::default()
    });
    assert_eq!(dial(&http, &sim, "80000001").await.expect("an answer"), 500);
    assert!(sim.calls_placed().is_empty());
}

#[tokio::test]
async fn events_come_before_the_answer_that_is_held_back() {
    let sim = lab().await;
    let http = client();
    let mut socket = connect(&sim).await;
    sim.set_faults(Faults {
        answer_delay: Span::new(300, 300),
        ..Faults::default()
    });
    let asked = Instant::now();
    let (answered, heard) = tokio::join!(
        async {
            dial(&http, &sim, "80000001").await.expect("an answer");
            asked.elapsed()
        },
        async {
            hear(&mut socket, "StasisStart").await.expect("an event");
            asked.elapsed()
        }
    );
    assert!(heard < answered, "{heard:?} {answered:?}");
}

#[tokio::test]
async fn the_hundred_and_first_connection_is_closed_at_once() {
    let sim = lab().await;
    let mut lines = Vec::new();
    for _ in 0..100 {
        lines.push(TcpStream::connect(sim.addr()).await.expect("a line"));
    }
    let mut one_more = TcpStream::connect(sim.addr()).await.expect("a line");
    let mut byte = [0];
    let read = timeout(PATIENCE, one_more.read(&mut byte))
        .await
        .expect("in time");
    assert_eq!(read.unwrap_or(0), 0, "closed, not answered");
    drop(lines);
    tokio::time::sleep(Duration::from_millis(100)).await;
    connect(&sim).await;
}

#[tokio::test]
async fn a_client_that_reads_no_events_is_cut_off() {
    let sim = lab().await;
    let http = client();
    let socket = connect(&sim).await;
    // Some 800 events of more than a kilobyte for each: more than the sockets' buffers hold.
    sim.set_faults(Faults {
        duplicate_events_percent: 100,
        ..Faults::default()
    });
    let get = async |path: &str| {
        let url = format!("{}/ari/{path}", sim.url());
        let request = http.get(url).basic_auth("dialdeck", Some("dialdeck"));
        request.send().await.expect("an answer")
    };
    let listens = async || {
        // A channel of its own keeps the application as well.
        while get("channels").await.text().await.expect("a list") != "[]" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        get("applications/app").await.status().as_u16() == 200
    };
    for n in 0..20_000 {
        dial(&http, &sim, &format!("1{n:07}"))
            .await
            .expect("an answer");
        if n % 100 == 0 && !listens().await {
            drop(socket);
            return;
        }
    }
    panic!("still connected");
}

#[tokio::test]
async fn sockets_are_dropped_at_their_intervals() {
    let sim = lab().await;
    sim.set_faults(Faults {
        drop_sockets_every: Span::new(100, 200),
        ..Faults::default()
    });
    let mut lived = Duration::ZERO;
    for _ in 0..3 {
        let mut socket = connect(&sim).await;
        let begun = Instant::now();
        assert_eq!(hear(&mut socket, "Never").await, None);
        // The first may come in the midst of an interval, and the test between two.
        lived = lived.max(begun.elapsed());
    }
    assert!(lived > Duration::from_millis(50), "{lived:?}");
}

#[tokio::test]
async fn a_wrong_or_missing_login_is_refused_and_a_right_one_is_not() {
    let sim = lab().await;
    let http = client();
    let url = format!("{}/ari/asterisk/info", sim.url());
    let status = async |request: reqwest::RequestBuilder| {
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status(http.get(&url)).await, 401);
    assert_eq!(
        status(http.get(&url).basic_auth("dialdeck", Some("x"))).await,
        401
    );
    assert_eq!(
        status(http.get(&url).basic_auth("dialdeck", Some("dialdeck"))).await,
        200
    );
    let addr = sim.addr();
    let socket = tokio_tungstenite::connect_async(format!("ws://{addr}/ari/events?app=x")).await;
    assert!(socket.is_err());
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_long_is_refused() {
    let sim = lab().await;
    let http = client();
    let url = format!("{}/ari/channels/create", sim.url());
    for (body, expected) in [("{".to_owned(), 400), ("1".repeat(20_000), 413)] {
        let request = http
            .post(&url)
            .basic_auth("dialdeck", Some("dialdeck"))
            .body(body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), expected);
    }
}

#[tokio::test]
async fn the_address_is_free_after_the_shutdown() {
    let sim = lab().await;
    let addr = sim.addr();
    sim.shutdown().await;
    let config = SimConfig {
        addr,
        ..SimConfig::default()
    };
    start(config).await.expect("the same address");
}

#[tokio::test]
async fn a_senseless_speed_and_a_taken_address_are_refused() {
    let sim = lab().await;
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = SimConfig {
            speed,
            ..SimConfig::default()
        };
        assert!(matches!(start(config).await, Err(SimError::Speed(_))));
    }
    let config = SimConfig {
        addr: sim.addr(),
        ..SimConfig::default()
    };
    assert!(matches!(start(config).await, Err(SimError::Listen { .. })));
}

#[test]
fn a_config_shows_no_password() {
    let config = SimConfig {
        password: "s3cret".to_owned(),
        ..SimConfig::default()
    };
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[tokio::test]
async fn sixty_calls_a_second_are_carried() {
    const CALLS: u32 = 180;
    let sim = lab().await;
    let http = client();
    let mut socket = connect(&sim).await;
    let begun = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(1000 / 60));
    let dialing = async {
        for n in 0..CALLS {
            pace.tick().await;
            let status = dial(&http, &sim, &format!("81{n:06}")).await;
            assert_eq!(status.expect("an answer"), 200);
        }
    };
    let follow = async {
        for _ in 0..CALLS {
            hear(&mut socket, "ChannelDestroyed").await.expect("an end");
        }
    };
    tokio::join!(dialing, follow);
    // Three seconds of dialing, and one of talk after the last.
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(5500), "{took:?}");
    assert_eq!(sim.calls_placed().len(), CALLS as usize);
    assert!(sim.channels().is_empty());
}

#[tokio::test]
async fn a_scheduled_fault_happens_on_the_clock() {
    let sim = lab().await;
    let mut socket = connect(&sim).await;
    let faults = r#"{ "scheduled": [{ "at": 200, "fault": "drop_sockets" }] }"#;
    let faults: Faults = serde_json::from_str(faults).expect("well-formed");
    assert_eq!(faults.scheduled[0].fault, Fault::DropSockets);
    let begun = Instant::now();
    sim.set_faults(faults);
    assert_eq!(hear(&mut socket, "Never").await, None);
    let took = begun.elapsed();
    assert!((190..700).contains(&took.as_millis()), "{took:?}");
}
