//! An attached console whose engine hangs: nothing is told of that but silence.

use std::time::{Duration, Instant};

use super::attach::{attach, engine};
use super::desk::{Desk, SOON, in_use, numbers, ready, state, watch, whole};

#[test]
fn keys_on_a_line_that_hangs_are_not_carried_out_when_it_comes_back() {
    let desk = Desk::new(2, &numbers("80", 9));
    let (engine, url) = engine(&desk);
    let screen = attach(&desk, &url, &[], (24, 80));
    screen.wait_until("the engine", ready, SOON);
    engine.signal("STOP");
    // Nobody knows yet that it hangs: this one leaves the console.
    screen.keys("s");
    let typed = Instant::now();
    let text = whole(&screen, "ENGINE NOT REACHED");
    assert!(text.contains("the picture is 0:0"), "{text}");
    screen.wait_for("will not be done", SOON);
    // From here on it is known.
    screen.keys("s");
    screen.wait_for("not sent, the engine is not reached", SOON);
    // Older than a key may be, also on a fast machine.
    std::thread::sleep(Duration::from_secs(6).saturating_sub(typed.elapsed()));
    engine.signal("CONT");
    screen.wait_until(
        "the engine again",
        |text| ready(text) && !text.contains("NOT REACHED"),
        SOON,
    );
    watch(&screen, "IDLE", Duration::from_secs(2), |text| {
        state(text) == "IDLE"
    });
    assert_eq!(desk.placed(), 0);
    screen.keys("s");
    screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
}
