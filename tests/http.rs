//! The control API of the shipped binary, on a simulated Asterisk.

mod add;
mod audit;
mod browser;
mod commands;
mod leads;
mod memory;
mod metrics;
mod overtaken;
mod start;
mod streams;
mod times;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::deck::{Deck, Running};
use crate::support::numbers::numbers;
use crate::support::simulated::{Asterisk, lab};
use crate::support::web::client;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
/// Answers, and never hangs up.
const STAYS: &str = "80";
/// Busy at once.
const BUSY: &str = "10";

struct Rig {
    asterisk: Asterisk,
    deck: Deck,
}

/// One answer: status and body.
struct Answer {
    status: u16,
    /// The methods that there are, where another was sent.
    allow: Option<String>,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

/// A dialer that runs, and where its API is.
struct Served {
    process: Running,
    base: String,
    client: reqwest::Client,
}

impl Rig {
    fn new(list: &[String], settings: &[(&str, &str)]) -> Self {
        let asterisk = Asterisk::start(lab());
        let mut deck = asterisk
            .deck()
            .set("CALL_TIMEOUT", 5)
            .set("MAX_CC", 2)
            .set_all(settings);
        deck.list(list);
        Self { asterisk, deck }
    }

    fn serve(&self) -> Served {
        let process = self.deck.spawn(&["--headless"]);
        process.wait_for("link.up", SOON);
        let base = process.api();
        Served {
            process,
            base,
            client: client(),
        }
    }

    fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.asterisk.block_on(async {
            let response = request.send().await.expect("an answer");
            let allow = response.headers().get("allow");
            Answer {
                status: response.status().as_u16(),
                allow: allow.map(|methods| methods.to_str().expect("text").to_owned()),
                text: response.text().await.expect("a body"),
            }
        })
    }

    fn get(&self, served: &Served, path: &str) -> Answer {
        self.send(served.client.get(format!("{}{path}", served.base)))
    }

    fn post(&self, served: &Served, path: &str) -> Answer {
        self.send(served.client.post(format!("{}/api/v1{path}", served.base)))
    }

    /// Waits until the status is as `holds` says.
    fn until(&self, served: &Served, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let until = std::time::Instant::now() + SOON;
        loop {
            let status = self.get(served, "/api/v1/status").json();
            if holds(&status) {
                return status;
            }
            assert!(std::time::Instant::now() < until, "no {what}: {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn ended(status: &Value) -> u64 {
    let ended = status["leads"]["ended"].as_object().expect("a table");
    ended.values().map(|n| n.as_u64().expect("a count")).sum()
}

#[test]
fn start_says_what_the_replaced_program_said() {
    let rig = Rig::new(&numbers(STAYS, 3), &[]);
    let served = rig.serve();
    let first = rig.get(&served, "/start");
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.json()["status"], "ok");
    assert_eq!(first.json()["message"], "Dialer started successfully.");
    let second = rig.get(&served, "/start");
    assert_eq!(second.status, 200);
    assert_eq!(second.json()["message"], "Dialer already running.");
    rig.until(&served, "two calls", |s| s["calls"]["in_use"] == 2);

    assert_eq!(rig.post(&served, "/pause").status, 200);
    let paused = rig.get(&served, "/start").json();
    let message = paused["message"].as_str().expect("a text");
    assert!(message.starts_with("Dialer already running."), "{message}");
    assert!(message.contains("PAUSED"), "{message}");
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["state"], "PAUSED");

    for path in ["/", "/stop", "/start/", "/api/v1/nothing"] {
        let other = rig.get(&served, path);
        assert_eq!(other.status, 404, "{path}");
        assert_eq!(other.json(), json!({ "error": "Not Found" }), "{path}");
    }
    let post = rig.send(served.client.post(format!("{}/start", served.base)));
    assert_eq!(post.status, 405, "only GET starts");
    served.process.kill();
}

#[test]
fn fifty_starts_at_once_call_nobody_twice() {
    let list = numbers(BUSY, 30);
    let rig = Rig::new(&list, &[]);
    let served = rig.serve();
    let url = format!("{}/start", served.base);
    let statuses = rig.asterisk.block_on(async {
        let sent = (0..50).map(|_| {
            let request = served.client.get(&url);
            async move { request.send().await.expect("an answer").status().as_u16() }
        });
        futures_util::future::join_all(sent).await
    });
    let started = statuses.iter().filter(|s| **s == 201).count();
    let running = statuses.iter().filter(|s| **s == 200).count();
    assert_eq!((started, running), (1, 49), "{statuses:?}");
    rig.until(&served, "the end", |s| s["state"] == "DONE");
    let again = rig.get(&served, "/start");
    assert_eq!(again.status, 200);
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(
        (&status["state"], &status["run"]),
        (&json!("DONE"), &json!(1))
    );
    served.process.kill();
    let stdout = std::fs::read_to_string(rig.deck.path("stdout")).expect("text");
    for number in &list {
        let calls = stdout
            .lines()
            .filter(|l| l.contains("call.dialing ") && l.contains(number.as_str()))
            .count();
        assert_eq!(calls, 1, "{number}");
    }
}

#[test]
fn a_bad_env_changes_nothing_and_tells_every_problem() {
    let mut rig = Rig::new(&numbers(STAYS, 3), &[]);
    let served = rig.serve();
    rig.deck.change("MAX_CC", "0");
    rig.deck.change("CALL_TIMEOUT", "soon");
    rig.deck.write_env();
    let bad = rig.get(&served, "/start");
    assert_eq!(bad.status, 500, "{}", bad.text);
    let message = bad.json()["message"].as_str().expect("a text").to_owned();
    assert_eq!(bad.json()["status"], "error");
    assert!(
        message.contains("MAX_CC") && message.contains("CALL_TIMEOUT"),
        "{message}"
    );
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(
        (&status["state"], &status["calls"]["max_cc"]),
        (&json!("IDLE"), &json!(2))
    );

    rig.deck.change("MAX_CC", "3");
    rig.deck.change("CALL_TIMEOUT", "9");
    rig.deck.write_env();
    let good = rig.get(&served, "/start");
    assert_eq!(good.status, 201, "{}", good.text);
    let changed = good.json()["changed"].to_string();
    assert!(
        changed.contains("MAX_CC") && changed.contains("CALL_TIMEOUT"),
        "{changed}"
    );
    rig.until(&served, "three calls", |s| s["calls"]["in_use"] == 3);
    served.process.kill();
}

#[test]
fn a_script_can_do_and_see_what_the_console_can() {
    let rig = Rig::new(&numbers(STAYS, 6), &[]);
    let served = rig.serve();
    assert_eq!(rig.post(&served, "/start").status, 200);
    rig.until(&served, "two calls", |s| s["calls"]["in_use"] == 2);
    let put = |body: Value| {
        let url = format!("{}/api/v1/max_cc", served.base);
        rig.send(served.client.put(url).json(&body))
    };
    assert_eq!(put(json!({ "max_cc": 3 })).status, 200);
    rig.until(&served, "three calls", |s| s["calls"]["in_use"] == 3);
    for wrong in [
        json!({ "max_cc": 0 }),
        json!({ "max_cc": "3" }),
        json!({}),
        json!({ "max_cc": 3, "x": 1 }),
    ] {
        assert_eq!(put(wrong.clone()).status, 400, "{wrong}");
    }
    // A call that is not yet on its way when dialing pauses is taken back.
    let bridged = |calls: &Value| {
        let calls = calls.as_array().expect("a list");
        calls.iter().all(|call| call["state"] == "bridged")
    };
    while !bridged(&rig.get(&served, "/api/v1/calls").json()) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pause = rig.post(&served, "/pause");
    assert_eq!(pause.status, 200, "{}", pause.text);
    let calls = rig.get(&served, "/api/v1/calls").json();
    let calls = calls.as_array().expect("a list");
    assert_eq!(calls.len(), 3);
    let attempt = calls[0]["attempt"].as_u64().expect("an id");
    let lead = calls[0]["lead"].as_u64().expect("an id");
    assert_eq!(
        rig.post(&served, &format!("/calls/{attempt}/hangup"))
            .status,
        200
    );
    rig.until(&served, "two calls", |s| s["calls"]["in_use"] == 2);
    assert_eq!(
        rig.post(&served, &format!("/calls/{attempt}/hangup"))
            .status,
        409
    );

    let detail = rig.get(&served, &format!("/api/v1/leads/{lead}")).json();
    assert_eq!(detail["attempts"][0]["ended_by"], "operator");
    assert_eq!(rig.get(&served, "/api/v1/leads/999").status, 404);
    assert_eq!(
        rig.post(&served, &format!("/leads/{lead}/skip")).status,
        409
    );
    assert_eq!(rig.post(&served, "/leads/5/skip").status, 200);
    assert_eq!(
        rig.post(&served, &format!("/leads/{lead}/requeue")).status,
        200
    );

    let page = rig.get(&served, "/api/v1/leads?limit=2").json();
    assert_eq!(page["leads"].as_array().map(Vec::len), Some(2));
    assert_eq!(page["next"], 2);
    let skipped = rig.get(&served, "/api/v1/leads?state=skipped").json();
    assert_eq!(skipped["leads"][0]["lead"], 5);
    assert_eq!(skipped["next"], Value::Null);
    assert_eq!(rig.get(&served, "/api/v1/leads?colour=red").status, 400);

    assert_eq!(rig.post(&served, "/stop").status, 200);
    let status = rig.until(&served, "IDLE", |s| s["state"] == "IDLE");
    assert_eq!(ended(&status), 3);
    served.process.signal("TERM");
    assert_eq!(served.process.wait(SOON).code, Some(0));
    let audit = rig.deck.run(&["report"]);
    assert_eq!(audit.code, Some(0));
}

#[test]
fn pages_of_other_sites_are_refused_and_a_token_is_asked_for() {
    let token = "0123456789abcdef0123";
    let rig = Rig::new(&numbers(STAYS, 2), &[("CONTROL_TOKEN", token)]);
    let served = rig.serve();
    let start = format!("{}/start", served.base);
    let with = |name: &str, value: &str| {
        let request = served.client.get(&start).bearer_auth(token);
        rig.send(request.header(name, value)).status
    };
    assert_eq!(with("origin", "http://evil.example"), 403);
    assert_eq!(with("sec-fetch-site", "cross-site"), 403);
    assert_eq!(with("host", "evil.example"), 403);
    assert_eq!(rig.get(&served, "/start").status, 401);
    let wrong = served
        .client
        .get(&start)
        .bearer_auth("0123456789abcdef0124");
    assert_eq!(rig.send(wrong).status, 401);
    assert_eq!(rig.get(&served, "/healthz").status, 200);
    assert_eq!(rig.get(&served, "/metrics").status, 401);
    let right = served.client.get(&start).bearer_auth(token);
    assert_eq!(rig.send(right).status, 201);
    assert!(!served.process.stdout().contains(token));
    served.process.kill();
}

#[test]
fn hostile_and_endless_requests_end_and_harm_nobody() {
    let rig = Rig::new(&numbers(STAYS, 2), &[]);
    let served = rig.serve();
    let addr = served.base.trim_start_matches("http://").to_owned();
    let open = || TcpStream::connect(&addr).expect("it listens");
    let host = format!("Host: {addr}\r\n");
    let many = "X: 1\r\n".repeat(200);
    let long = format!("X: {}\r\n", "a".repeat(200_000));
    let heads = [
        format!("GET /start HTTP/1.1\r\n{host}{many}\r\n"),
        format!("GET /start HTTP/1.1\r\n{host}{long}\r\n"),
        "\u{0}\u{1}\u{2}\r\n\r\n".to_owned(),
        format!("GET /start HTTP/1.1\r\n{host}{host}\r\n"),
        "GET /start HTTP/1.0\r\n\r\n".to_owned(),
    ];
    for head in heads {
        let mut stream = open();
        stream.set_read_timeout(Some(SOON)).expect("set");
        // It may be closed before all of it is taken.
        let _ = stream.write_all(head.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    // Far more connections than there are places, none of which says anything.
    let idle: Vec<TcpStream> = (0..200).map(|_| open()).collect();
    std::thread::sleep(Duration::from_millis(300));
    drop(idle);
    // The server has to hear of each end before there are places again.
    crate::support::wait::wait("a place", SOON, || {
        let mut stream = open();
        let _ = stream.write_all(format!("GET /healthz HTTP/1.0\r\n{host}\r\n").as_bytes());
        let mut answer = String::new();
        stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.0 200")
    });
    rig.until(&served, "an answer", |s| s["state"] == "IDLE");
    served.process.signal("TERM");
    assert_eq!(served.process.wait(SOON).code, Some(0));
}

#[test]
fn an_address_that_is_taken_is_told_and_nobody_is_dialed() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let addr = taken.local_addr().expect("bound").to_string();
    let rig = Rig::new(&numbers(STAYS, 2), &[("CONTROL_ADDR", &addr)]);
    let ended = rig.deck.run(&["--headless", "--start"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("CONTROL_ADDR"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("call.dialing"), "{}", ended.stdout);
}
