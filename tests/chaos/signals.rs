//! SIGTERM and SIGINT with calls up. What SIGHUP does is in `tests/real/reload.rs`.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::deck::{Deck, Running};
use crate::support::lab::Lab;
use crate::support::wait::wait;

/// Time enough for a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A process with one conversation up and a number that waits.
fn talking(lab: &Lab, number: &str, drain_seconds: u64) -> (Deck, Running) {
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("DRAIN_SECONDS", drain_seconds);
    deck.list([number, "8055000002"]);
    let running = deck.spawn(&["--headless", "--start"]);
    running.wait_for("call.bridged", Duration::from_secs(10));
    // The signal is to meet a recording that runs.
    let within = Duration::from_secs(5);
    wait("its recording", within, || is_recorded(lab));
    // Of one that ends before the first sound Asterisk keeps nothing.
    std::thread::sleep(Duration::from_millis(300));
    (deck, running)
}

fn is_recorded(lab: &Lab) -> bool {
    let channels = lab.ari("GET", "/ari/channels");
    let channels: Vec<Value> = serde_json::from_str(&channels).expect("a list of channels");
    let mut ids = channels.iter().filter_map(|channel| channel["id"].as_str());
    ids.any(|id| {
        let recording = lab.ari("GET", &format!("/ari/recordings/live/{id}"));
        let recording: Value = serde_json::from_str(&recording).unwrap_or_default();
        recording["state"] == "recording"
    })
}

/// It ended with 0; the conversation was ended by `by`, and the other number still waits.
fn assert_ended(lab: &Lab, deck: &Deck, running: Running, by: &str) {
    let ended = running.wait(Duration::from_secs(20));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report = deck.report();
    assert_eq!(report[0]["disposition"], "answered", "{:?}", report[0]);
    assert_eq!(report[0]["ended_by"], by, "{:?}", report[0]);
    let recording = report[0]["recording"].as_str().unwrap_or_default();
    assert!(!recording.is_empty(), "{:?}", report[0]);
    assert_eq!(report[1]["disposition"].as_str().unwrap_or_default(), "");
    assert_eq!(lab.carrier_calls().len(), 1);
    lab.assert_nothing_left();
}

#[test]
fn either_signal_lets_a_conversation_end_by_itself() {
    let lab = Lab::get();
    for (signal, number) in [("TERM", "8603550001"), ("INT", "8603550003")] {
        lab.clear_witnesses();
        let (deck, running) = talking(&lab, number, 20);
        running.signal(signal);
        running.wait_for("state=DRAINING", SOON);
        assert_ended(&lab, &deck, running, "callee");
    }
}

#[test]
fn what_drain_seconds_did_not_end_is_hung_up() {
    let lab = Lab::get();
    let (deck, running) = talking(&lab, "8055000001", 2);
    let asked = Instant::now();
    running.signal("INT");
    running.wait_for("by=DRAIN_SECONDS", Duration::from_secs(5));
    assert!(asked.elapsed() > Duration::from_millis(1_800));
    assert_ended(&lab, &deck, running, "operator");
}

#[test]
fn a_second_signal_of_either_kind_hangs_up_at_once() {
    let lab = Lab::get();
    for (first, second) in [("TERM", "INT"), ("INT", "TERM"), ("INT", "INT")] {
        lab.clear_witnesses();
        let (deck, running) = talking(&lab, "8055000001", 60);
        running.signal(first);
        running.wait_for("state=DRAINING", SOON);
        let asked = Instant::now();
        running.signal(second);
        let hung_up = format!("by=SIG{second} command=\"stop now\"");
        running.wait_for(&hung_up, SOON);
        assert_ended(&lab, &deck, running, "operator");
        assert!(asked.elapsed() < Duration::from_secs(10));
    }
}
