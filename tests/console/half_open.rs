//! An attached console whose engine hangs: nothing is told of that but silence.

use std::time::{Duration, Instant};

use super::attach::{attach, engine};
use super::desk::{Desk, SOON, in_use, numbers, ready, state, watch, whole};
use crate::support::deck::Running;
use crate::support::screen::Screen;

#[test]
fn keys_on_a_line_that_hangs_are_not_carried_out_when_it_comes_back() {
    let desk = Desk::new(2, &numbers("80", 9));
    let (engine, url) = engine(&desk);
    let screen = attach(&desk, &url, &[], (24, 80));
    screen.wait_until("the engine", ready, SOON);
    // A machine that is busy may know that it hangs before the key is typed: then once more.
    let typed = (0..9)
        .find_map(|_| hangs_under_a_key(&engine, &screen))
        .expect("a key that left the console");
    // From here on it is known.
    screen.keys("s");
    screen.wait_for("not sent, the engine is not reached", SOON);
    // Older than a key may be, also on a fast machine.
    std::thread::sleep(Duration::from_secs(6).saturating_sub(typed.elapsed()));
    comes_back(&engine, &screen);
    watch(&screen, "IDLE", Duration::from_secs(2), |text| {
        state(text) == "IDLE"
    });
    assert_eq!(desk.placed(), 0);
    screen.keys("s");
    screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
}

/// The engine hangs, and a key is typed before anybody knows of it: when that was. `None`, and
/// the engine reached again, if it was known after all.
fn hangs_under_a_key(engine: &Running, screen: &Screen) -> Option<Instant> {
    engine.signal("STOP");
    screen.keys("s");
    let typed = Instant::now();
    let text = whole(screen, "ENGINE NOT REACHED");
    assert!(text.contains("the picture is 0:"), "{text}");
    let became = |text: &str| text.contains("will not be done") || text.contains("not sent");
    let text = screen.wait_until("what becomes of it", became, SOON);
    if text.contains("will not be done") {
        return Some(typed);
    }
    comes_back(engine, screen);
    None
}

fn comes_back(engine: &Running, screen: &Screen) {
    engine.signal("CONT");
    let reached = |text: &str| ready(text) && !text.contains("NOT REACHED");
    screen.wait_until("the engine again", reached, SOON);
}
