//! `pm2 stop` while somebody talks, on a real Asterisk.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::pm2::Pm2;
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::wav::Sound;

/// Talking to `number`, and another one waits behind it.
fn deck(lab: &Lab, number: &str) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("AUTOSTART", "yes")
        .set("MAX_CC", 1);
    deck.list([number, "8055000777"]);
    deck
}

/// Stops it amid the conversation: how long that took, and what became of the first number.
fn stopped(lab: &Lab, deck: &Deck) -> (Duration, BTreeMap<String, Value>) {
    let pm2 = Pm2::new(deck);
    pm2.run(&["start", "ecosystem.config.cjs"]);
    pm2.wait_for(" call.bridged ", 1);
    let asked = Instant::now();
    pm2.run(&["stop", "dialdeck"]);
    let took = asked.elapsed();
    let process = pm2.process();
    assert_eq!(process["pm2_env"]["status"], "stopped");
    assert_eq!(process["pm2_env"]["exit_code"], 0, "{}", pm2.out());
    assert_eq!(lab.carrier_calls().len(), 1, "nobody is called any more");
    lab.assert_nothing_left();
    let report = deck.report();
    let second = report[1]["disposition"].as_str().unwrap_or_default();
    assert_eq!(second, "", "it still waits: {report:?}");
    (took, report[0].clone())
}

/// How it ended, by whom, and how many seconds of it were kept.
fn account(row: &BTreeMap<String, Value>) -> (&str, &str, f64) {
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    let seconds = Sound::read(Path::new(text("recording"))).seconds();
    (text("disposition"), text("ended_by"), seconds)
}

#[test]
fn a_stop_waits_for_a_conversation_until_it_ends_by_itself() {
    let lab = Lab::get();
    let deck = deck(&lab, "8608000777");
    let (_, row) = stopped(&lab, &deck);
    let (disposition, by, seconds) = account(&row);
    assert_eq!((disposition, by), ("answered", "callee"), "{row:?}");
    // The callee's eight, less what a starved machine loses of them.
    assert!((7.0..9.5).contains(&seconds), "{seconds} s of it");
}

#[test]
fn a_stop_hangs_up_who_talks_on_when_the_drain_is_over_and_keeps_the_recording() {
    let lab = Lab::get();
    let deck = deck(&lab, "8055000778").set("DRAIN_SECONDS", 4);
    let (took, row) = stopped(&lab, &deck);
    let drained = Duration::from_secs(4)..Duration::from_secs(30);
    assert!(drained.contains(&took), "{took:?}");
    let (disposition, by, seconds) = account(&row);
    assert_eq!((disposition, by), ("answered", "operator"), "{row:?}");
    assert!(seconds > 3.0, "{seconds} s of it");
}
