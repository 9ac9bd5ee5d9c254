//! Keys about dialing: start, pause, drain, `MAX_CC`, a new run.

use std::cell::Cell;
use std::time::Duration;

use super::desk::{
    Desk, LATER, SIZES, SOON, confirm, figures, in_use, numbers, state, title, wait, waiting, watch,
};
use crate::support::screen::key;

#[test]
fn a_pause_places_no_call_and_ends_none() {
    for size in SIZES {
        let desk = Desk::new(4, &numbers("79", 40));
        let screen = desk.dialing(size, 4);
        screen.keys("p");
        let text = screen.wait_until("PAUSED", |text| state(text) == "PAUSED", SOON);
        assert_eq!(in_use(&text), 4, "{text}");
        let left = waiting(&text).expect("a queue");

        // Calls only come to their own end.
        let most = Cell::new(4);
        let only_ends = |text: &str| {
            let now = in_use(text);
            let falls = now <= most.get() && waiting(text) == Some(left);
            most.set(now.min(most.get()));
            falls
        };
        watch(&screen, "paused", Duration::from_secs(5), only_ends);
        screen.wait_until("the calls' own end", |text| in_use(text) == 0, SOON);
        watch(&screen, "paused", Duration::from_secs(1), only_ends);
        assert_eq!(desk.placed(), 4);
        let ends = desk.ends();
        let ended: Vec<_> = ends.iter().filter(|end| !end.1.is_empty()).collect();
        assert_eq!(ended.len(), 4);
        for end in ended {
            assert_eq!((&*end.1, &*end.2), ("answered", "callee"), "{end:?}");
        }

        screen.keys("s");
        let resumed = |text: &str| state(text) == "DIALING" && in_use(text) == 4;
        screen.wait_until("dialing", resumed, SOON);
        wait("calls", SOON, || desk.placed() == 8);
    }
}

/// Each key shows in the header, and Asterisk has as many calls as the header says.
#[test]
fn max_cc_goes_up_at_once_and_down_without_hanging_up() {
    for size in SIZES {
        let desk = Desk::new(3, &numbers("80", 40));
        let screen = desk.dialing(size, 3);
        let shows = |figure| {
            let same = |text: &str| figures(text) == Some(figure);
            screen.wait_until(&format!("{figure:?}"), same, SOON);
        };
        screen.keys("+");
        shows((4, 4, 4));
        // One that is not dialed yet would wait again.
        wait("a fourth call", SOON, || desk.placed() == 4);
        screen.keys("---");
        shows((4, 1, 1));
        // Three calls over the limit stay until they end by themselves.
        watch(&screen, "4 over 1", Duration::from_secs(3), |text| {
            figures(text) == Some((4, 1, 1))
        });
        assert_eq!(desk.placed(), 4);

        // Never below one call.
        screen.keys("-");
        shows((4, 1, 1));
        screen.keys("m6\r");
        shows((6, 6, 6));
        wait("6 calls", SOON, || desk.placed() == 6);
    }
}

#[test]
fn a_large_step_of_max_cc_asks_and_starts_on_cancel() {
    let desk = Desk::new(2, &numbers("80", 40));
    let screen = desk.dialing((24, 80), 2);
    screen.keys("m30\r");
    screen.wait_for("Raise MAX_CC from 2 to 30?", SOON);
    screen.wait_for("▶[ Cancel ]", SOON);
    screen.keys(key::ENTER);
    screen.wait_until("no question", |text| !text.contains("Raise MAX_CC"), SOON);
    watch(&screen, "2 of 2", Duration::from_secs(1), |text| {
        figures(text) == Some((2, 2, 2))
    });
    assert_eq!(desk.placed(), 2);

    screen.keys("m12\r");
    screen.wait_for("Raise MAX_CC from 2 to 12?", SOON);
    confirm(&screen);
    screen.wait_until("12 calls", |text| figures(text) == Some((12, 12, 12)), SOON);

    // What is no limit is not taken, and says why.
    screen.keys("m0\r");
    screen.wait_for("a whole number from 1 to", SOON);
    screen.keys(key::ESC);
    screen.wait_until("no prompt", |text| !text.contains("calls at once"), SOON);
    assert_eq!(figures(&screen.text()), Some((12, 12, 12)));
}

#[test]
fn a_drain_asks_and_ends_idle() {
    let desk = Desk::new(3, &numbers("77", 30));
    let screen = desk.dialing((24, 80), 3);
    screen.keys("d");
    screen.wait_for("▶[ Cancel ]", SOON);
    screen.keys(key::ENTER);
    screen.wait_until("no question", |text| !text.contains("Cancel"), SOON);
    assert_eq!(state(&screen.text()), "DIALING");

    screen.keys("d");
    screen.wait_for("▶[ Cancel ]", SOON);
    confirm(&screen);
    screen.wait_until("DRAINING", |text| state(text) == "DRAINING", SOON);
    let ended = |text: &str| state(text) == "IDLE" && in_use(text) == 0;
    let text = screen.wait_until("IDLE", ended, SOON);
    let left = waiting(&text).expect("a queue");
    assert!(left > 0, "{text}");
    assert_eq!(desk.placed(), 30 - left);
    for end in desk.ends().iter().filter(|end| !end.1.is_empty()) {
        assert_eq!((&*end.1, &*end.2), ("answered", "callee"), "{end:?}");
    }
}

#[test]
fn a_new_run_at_done_asks_and_calls_everybody_again() {
    let list = numbers("10", 6);
    let desk = Desk::new(3, &list);
    let screen = desk.open((24, 80));
    // Not before DONE.
    screen.keys("n");
    screen.wait_for("only when this one is DONE", SOON);
    screen.keys("s");
    let done = |text: &str| state(text) == "DONE";
    screen.wait_until("DONE", done, LATER);
    assert_eq!(desk.placed(), 6);
    screen.keys("s");
    screen.wait_for("everybody on the list was called", SOON);

    screen.keys("n");
    screen.wait_for("AGAIN", SOON);
    screen.wait_for("▶[ Cancel ]", SOON);
    screen.keys(key::ENTER);
    screen.wait_until("no question", |text| !text.contains("AGAIN"), SOON);
    watch(&screen, "done", Duration::from_secs(1), done);
    assert_eq!(desk.placed(), 6);

    screen.keys("n");
    screen.wait_for("AGAIN", SOON);
    confirm(&screen);
    screen.wait_until("run 2", |text| title(text).contains("run 2 "), SOON);
    screen.wait_until("DONE", done, LATER);
    let mut twice: Vec<String> = [list.clone(), list].concat();
    twice.sort();
    let mut placed = desk.asterisk.calls_placed();
    placed.sort();
    assert_eq!(placed, twice);
}
