//! A real Asterisk that speaks `https` and `wss` itself.

use std::fs;
use std::time::Duration;

use crate::support::certificates::Authority;
use crate::support::deck::Deck;
use crate::support::lab::Lab;

/// Numbers that answer after 0.3 s and talk for a second, and busy ones.
const NUMBERS: [&str; 4] = ["83550001", "83550002", "10550003", "83550004"];

fn deck(lab: &Lab) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 2)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    for (name, value) in lab.secure() {
        deck.change(name, value);
    }
    deck.list(NUMBERS);
    deck
}

#[test]
fn a_campaign_with_recordings_and_the_check_go_over_tls() {
    let lab = Lab::get();
    let deck = deck(&lab);
    let check = deck.run(&["check", "--json"]);
    assert_eq!(check.code, Some(0), "{}", check.stdout);
    assert!(check.stdout.contains(" at https://"), "{}", check.stdout);
    deck.dial();
    let report = deck.report();
    let ends: Vec<_> = report.iter().map(|row| &row["disposition"]).collect();
    assert_eq!(ends, ["answered", "answered", "busy", "answered"]);
    assert_eq!(deck.recordings().len(), 3);
    lab.assert_nothing_left();
}

#[test]
fn with_the_file_of_another_authority_nobody_is_called() {
    let lab = Lab::get();
    let deck = deck(&lab).set("ARI_CA_FILE", "stranger.pem");
    fs::write(deck.path("stranger.pem"), Authority::new().pem()).expect("the folder is ours");
    let running = deck.spawn(&["--headless", "--start"]);
    running.wait_for(
        "nobody trusted has signed its certificate: put its signer, or it itself, into ARI_CA_FILE",
        Duration::from_secs(20),
    );
    std::thread::sleep(Duration::from_secs(1));
    running.signal("TERM");
    assert_eq!(running.wait(Duration::from_secs(20)).code, Some(0));
    assert!(lab.carrier_calls().is_empty(), "somebody was called");
    lab.assert_nothing_left();
}
