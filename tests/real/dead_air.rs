//! How long a person who has answered hears nothing, beside what Asterisk itself needs.

use std::io::Write as _;
use std::time::Duration;

use crate::support::deck::Deck;
use crate::support::lab::Lab;

/// Numbers that answer after 0.3 s and talk for a second.
const SHORT: &str = "8355";
/// Numbers that answer and talk for three seconds. Fifty short ones at once are so many calls a
/// second that a starved machine's Asterisk lets people wait until they have left again: a
/// measurement of the machine. What is asked here is fifty at once.
const LONGER: &str = "8603";

fn campaign(lab: &Lab, count: u32, max_cc: u32, prefix: &str) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", max_cc)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list((0..count).map(|i| format!("{prefix}{i:05}")));
    deck
}

#[test]
fn dead_air_is_near_what_asterisk_needs_by_itself() {
    let lab = Lab::get();
    let observer = lab.observe(Duration::from_secs(6));
    lab.baseline(300, 20, "83990000");
    let asterisk = observer.verdict();

    let deck = campaign(&lab, 300, 20, SHORT);
    let observer = lab.observe(Duration::from_secs(6));
    deck.dial();
    let dialdeck = observer.verdict();
    show(&format!(
        "Asterisk by itself: {asterisk}\nDialdeck:           {dialdeck}"
    ));

    assert_eq!(dialdeck["bridged"], 300, "{dialdeck}");
    assert_eq!(dialdeck["left_up"], 0, "{dialdeck}");
    let ms = |of: &serde_json::Value, which: &str| {
        of["dead_air_ms"][which].as_f64().expect("milliseconds")
    };
    let (ours, theirs) = (ms(&dialdeck, "p50"), ms(&asterisk, "p50"));
    assert!(ours <= theirs + 5.0, "median {ours} ms beside {theirs} ms");
    let (ours, theirs) = (ms(&dialdeck, "p99"), ms(&asterisk, "p99"));
    assert!(ours <= theirs * 4.0, "p99 {ours} ms beside {theirs} ms");
    assert_eq!(deck.recordings().len(), 300);
    lab.assert_nothing_left();
}

#[test]
fn fifty_at_once_are_all_bridged_and_nothing_is_left() {
    let lab = Lab::get();
    let deck = campaign(&lab, 500, 50, LONGER);
    let observer = lab.observe(Duration::from_secs(6));
    deck.dial();
    let seen = observer.verdict();
    show(&format!("Fifty at once:      {seen}"));
    assert_eq!(seen["bridged"], 500, "{seen}");
    assert_eq!(seen["left_up"], 0, "{seen}");
    assert_eq!(seen["peak_cc"], 50, "{seen}");
    let answered = deck.report().into_iter();
    let answered = answered.filter(|row| row["disposition"] == "answered");
    assert_eq!(answered.count(), 500, "the report says what Asterisk saw");
    assert_eq!(deck.recordings().len(), 500);
    lab.assert_nothing_left();
}

/// Figures are for a reader of every run, passed or not: past the test runner's capture.
fn show(figures: &str) {
    // Without a standard error there is no reader.
    let _ = writeln!(std::io::stderr(), "\n{figures}");
}
