//! Consoles that come and go: the engine that they are attached to does not notice.

use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::screen::Screen;

/// Numbers that answer after 0.3 s and talk for a second.
const SHORT: &str = "8355";
const CALLS: u32 = 200;
const SOON: Duration = Duration::from_secs(20);

fn attach(deck: &Deck, url: &str, more: &[&str]) -> Screen {
    let screen = deck.open(&[&["attach", url], more].concat(), 24, 80);
    screen.wait_until("calls", |text| text.contains("DIALING"), SOON);
    screen
}

/// Dials all, while `beside` happens. What the observer saw.
fn observed(lab: &Lab, beside: impl FnOnce(&Deck, &str)) -> Value {
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 20)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list((0..CALLS).map(|i| format!("{SHORT}{i:05}")));
    let observer = lab.observe(Duration::from_secs(6));
    let engine = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    beside(&deck, &engine.api());
    let ended = engine.wait(Duration::from_secs(120));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stdout.contains("link.down"), "the link was lost");
    let verdict = observer.verdict();
    assert_eq!(verdict["bridged"], CALLS, "{verdict}");
    assert_eq!(verdict["left_up"], 0, "{verdict}");
    verdict
}

#[test]
fn consoles_that_come_and_go_cost_no_call_anything() {
    let lab = Lab::get();
    let alone = observed(&lab, |_, _| {});
    let watched = observed(&lab, |deck, url| {
        let first = attach(deck, url, &[]);
        let looks = attach(deck, url, &["--read-only"]);
        first.signal("KILL");
        let again = attach(deck, url, &[]);
        for screen in [&looks, &again] {
            screen.wait_until(
                "the run's end",
                |text| text.contains("ENGINE NOT REACHED"),
                SOON * 3,
            );
            assert!(!screen.text().contains("LOG LAGS"), "{}", screen.text());
        }
    });
    // Figures are for a reader of every run; without a standard error there is none.
    let _ = writeln!(
        std::io::stderr(),
        "\nNobody attached:    {alone}\nTwo and one killed: {watched}"
    );
    let ms = |of: &Value, which: &str| of["dead_air_ms"][which].as_f64().expect("milliseconds");
    // Consoles need a processor, too, and the lab's Asterisks share it with them.
    for (which, least) in [("p50", 5.0), ("p99", 25.0)] {
        let (with, without) = (ms(&watched, which), ms(&alone, which));
        let limit = f64::max(without, least) * 4.0;
        assert!(with <= limit, "{which} {with} ms beside {without} ms");
    }
    lab.assert_nothing_left();
}
