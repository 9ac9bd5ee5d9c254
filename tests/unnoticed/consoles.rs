//! Consoles that come and go: the engine that they are attached to does not notice.

use std::time::{Duration, Instant};

use super::assert_unnoticed;
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::screen::Screen;

const SOON: Duration = Duration::from_secs(20);

fn attach(deck: &Deck, url: &str, more: &[&str]) -> Screen {
    let screen = deck.open(&[&["attach", url], more].concat(), 24, 80);
    screen.wait_until("calls", |text| text.contains("DIALING"), SOON);
    screen
}

#[test]
fn consoles_that_come_and_go_cost_no_call_anything() {
    let _alone = crate::alone();
    let lab = Lab::quiet();
    assert_unnoticed(&lab, |deck, url, until| {
        let first = attach(deck, url, &[]);
        let looks = attach(deck, url, &["--read-only"]);
        first.signal("KILL");
        let again = attach(deck, url, &[]);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        for screen in [&looks, &again] {
            assert!(!screen.text().contains("LOG LAGS"), "{}", screen.text());
            screen.signal("KILL");
        }
    });
}
