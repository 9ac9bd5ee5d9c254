//! The control API while real calls are up.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use super::Witness as _;
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
