//! The control API while real calls are up.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use crate::Witness as _;
use crate::real::turns::assert_unnoticed;
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::web::client;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn fifty_starts_at_once_during_a_run_call_nobody_twice() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("MAX_CC", 5);
    let list: Vec<String> = (0..40).map(|i| format!("8355{i:05}")).collect();
    deck.list(&list);
    let running = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    let start = format!("{}/start", running.api());
    running.wait_for("call.ended", SOON);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = client();
    let said: Vec<(u16, Value)> = runtime.block_on(join_all((0..50).map(|_| async {
        let answer = client.get(&start).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("an object"))
    })));
    for (status, body) in said {
        let message = body["message"].as_str();
        assert_eq!((status, message), (200, Some("Dialer already running.")));
    }
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut called = lab.called();
    called.sort();
    assert_eq!(called, list, "each number once, by the carrier's own log");
    lab.assert_nothing_left();
}

/// A list of 12, and 12 posts of overlapping numbers from four programs at once, while the list
/// is read again and the dialer is killed: each number is called once.
#[test]
fn numbers_that_are_posted_during_a_run_are_called_once_each_whatever_comes_between() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("MAX_CC", 3);
    let list: Vec<String> = (0..12).map(|i| format!("1055{i:04}")).collect();
    deck.list(&list);
    let running = deck.spawn(&["--headless", "--start"]);
    running.wait_for("call.ended", SOON);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let post = |api: &str, from: u32| {
        let numbers: Vec<String> = (from..from + 8).map(|i| format!("1056{i:04}")).collect();
        let sent = (0..4).map(|_| {
            let request = client().post(format!("{api}/api/v1/leads"));
            let body = serde_json::json!({ "numbers": &numbers });
            async move {
                let answer = request.json(&body).send().await.expect("an answer");
                assert_eq!(answer.status().as_u16(), 200);
                answer.json::<Value>().await.expect("an object")
            }
        });
        let said = runtime.block_on(join_all(sent));
        let added = said
            .iter()
            .map(|body| body["added"].as_u64().expect("a count"));
        added.sum::<u64>()
    };
    let api = running.api();
    assert_eq!(post(&api, 0), 8, "of four posts the first adds each");
    running.signal("HUP");
    running.wait_for("reload", SOON);
    assert_eq!(post(&api, 4), 4, "half of them are there");
    running.kill();

    let running = deck.spawn(&["--headless"]);
    let api = running.api();
    let late = post(&api, 8);
    assert_eq!(late, 4, "those of before outlived the process");
    let start = runtime.block_on(client().get(format!("{api}/start")).send());
    assert_eq!(start.expect("an answer").status().as_u16(), 201);
    running.wait_for("state=DONE", SOON);
    running.signal("TERM");
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    // Whoever was being dialed when the process died was called once or not at all.
    let called = lab.called();
    let report = deck.report();
    assert_eq!(report.len(), 28);
    let interrupted = report.iter().filter(|r| r["disposition"] == "interrupted");
    assert!(interrupted.count() <= 3, "no more than MAX_CC: {report:?}");
    for row in &report {
        let calls = called.iter().filter(|number| row["number"] == **number);
        match row["disposition"].as_str() {
            Some("busy") => assert_eq!(calls.count(), 1, "{row:?}"),
            Some("interrupted") => assert!(calls.count() <= 1, "{row:?}"),
            _ => panic!("nobody else was on the list: {row:?}"),
        }
    }
    lab.assert_nothing_left();
}

/// How many connections the flood opens in a second, and how many of them it keeps open, saying
/// nothing or half of a request.
const FLOOD: u32 = 1250;
const HELD: usize = 300;

#[test]
fn a_flood_of_connections_and_slow_requests_delays_no_bridging() {
    let lab = Lab::quiet();
    assert_unnoticed(&lab, |_, api, until| {
        let answered = flood(api.trim_start_matches("http://"), until);
        assert!(answered > 0, "nobody was answered");
    });
}

/// Opens connections until that time: how many of them got an answer of those that waited for
/// it.
fn flood(addr: &str, until: Instant) -> usize {
    let begun = Instant::now();
    let mut held = VecDeque::new();
    let mut answered = 0;
    for i in 0.. {
        let due = begun + Duration::from_secs(1) / FLOOD * i;
        if due > until || Instant::now() > until {
            break;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut stream = TcpStream::connect(addr).expect("it listens");
        // A connection may be closed as it comes: there are places for some dozens.
        let _ = match i % 4 {
            0 => stream
                .write_all(format!("GET /start HTTP/1.1\r\nHost: {addr}\r\nX-Slow").as_bytes()),
            1 => stream.write_all(
                format!("GET /api/v1/status HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            ),
            2 => stream.write_all(&[0xff; 512]),
            _ => Ok(()),
        };
        if i % 100 == 1 {
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            answered += usize::from(text.starts_with("HTTP/1.1 200"));
        }
        held.push_back(stream);
        if held.len() > HELD {
            held.pop_front();
        }
    }
    answered
}
