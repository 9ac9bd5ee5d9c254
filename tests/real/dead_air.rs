//! How long a person who has answered hears nothing, beside what Asterisk itself needs.

use std::io::Write as _;
use std::time::Duration;

use crate::support::deck::Deck;
use crate::support::lab::Lab;

fn campaign(lab: &Lab, count: u32, max_cc: u32) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", max_cc)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list((0..count).map(|i| format!("8355{i:05}")));
    deck
}

#[test]
fn dead_air_is_near_what_asterisk_needs_by_itself() {
    let lab = Lab::get();
    let observer = lab.observe(Duration::from_secs(6));
    lab.baseline(300, 20, "83990000");
    let asterisk = observer.verdict();

    let deck = campaign(&lab, 300, 20);
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
    let deck = campaign(&lab, 500, 50);
    let observer = lab.observe(Duration::from_secs(6));
    deck.dial();
    let seen = observer.verdict();
    show(&format!("Fifty at once:      {seen}"));
    assert_eq!(seen["bridged"], 500, "{seen}");
    assert_eq!(seen["left_up"], 0, "{seen}");
    assert!(seen["peak_cc"].as_u64().expect("a count") <= 50, "{seen}");
    lab.assert_nothing_left();
}

/// Figures are for a reader of every run, passed or not: past the test runner's capture.
fn show(figures: &str) {
    // Without a standard error there is no reader.
    let _ = writeln!(std::io::stderr(), "\n{figures}");
}
