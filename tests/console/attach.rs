//! `dialdeck attach`: the same console on an engine in another process.

use std::time::Duration;

use super::desk::{
    Desk, SIZES, SOON, confirm, figures, in_use, numbers, ready, select_first, state, wait,
    waiting, watch, whole,
};
use crate::support::deck::Running;
use crate::support::screen::{Modes, Screen, key};

/// An engine without a console, and where it is reached.
pub(super) fn engine(desk: &Desk) -> (Running, String) {
    let engine = desk.deck.spawn(&["--headless"]);
    let url = engine.api();
    engine.wait_for(" link.up", SOON);
    (engine, url)
}

/// A console on it that shows it.
pub(super) fn attach(desk: &Desk, url: &str, more: &[&str], (rows, cols): (u16, u16)) -> Screen {
    let args = [&["attach", url], more].concat();
    let screen = desk.deck.open(&args, rows, cols);
    screen.wait_until("the engine", |text| text.contains("link up"), SOON);
    screen
}

#[test]
fn an_attached_console_shows_the_engine_and_its_keys_work_as_at_home() {
    for size in SIZES {
        let desk = Desk::new(3, &numbers("80", 30));
        let (engine, url) = engine(&desk);
        let mut screen = attach(&desk, &url, &[], size);
        assert!(ready(&screen.text()), "{}", screen.text());
        assert_eq!(waiting(&screen.text()), Some(30));
        screen.keys("s");
        screen.wait_until("three calls", |text| in_use(text) == 3, SOON);
        // One that is not dialed yet would wait again.
        wait("calls at the carrier", SOON, || desk.placed() == 3);
        screen.keys("p");
        screen.wait_until("a pause", |text| state(text) == "PAUSED", SOON);
        screen.keys("+");
        screen.wait_until(
            "one more",
            |text| figures(text).is_some_and(|f| f.2 == 4),
            SOON,
        );
        select_first(&screen);
        screen.keys(key::ENTER);
        screen.wait_for("leg A", SOON);
        screen.keys(key::ESC);
        screen.wait_until("the panes", |text| text.contains("1 Queue"), SOON);
        screen.keys("x");
        whole(&screen, "Hang up 80");
        confirm(&screen);
        screen.wait_until("one call less", |text| in_use(text) == 2, SOON);
        // Who gave a command stands in the audit.
        screen.keys("a");
        screen.wait_for("from 127.0.0.1:", SOON);
        screen.keys("a");
        // Leaving asks nothing and ends nothing.
        screen.keys("q");
        assert_eq!(screen.wait(SOON), Some(0));
        assert_eq!(screen.modes(), Modes::PLAIN);
        assert!(screen.text().contains("goes on"), "{}", screen.text());
        assert_eq!(desk.placed(), 3);
        assert!(!desk.asterisk.channels().is_empty());
        engine.stop_now();
        assert_eq!(engine.wait(SOON).code, Some(0));
    }
}

#[test]
fn the_log_begins_with_what_happened_before() {
    let desk = Desk::new(2, &numbers("10", 2));
    let engine = desk.deck.spawn(&["--headless", "--start"]);
    let url = engine.api();
    engine.wait_for("state=DONE", SOON);
    let screen = attach(&desk, &url, &[], (48, 160));
    screen.wait_for("10550001 busy", SOON);
    // Once each, also after the stream was opened again.
    assert_eq!(screen.text().matches("10550001 busy").count(), 1);
}

#[test]
fn a_console_that_is_killed_or_loses_its_terminal_takes_nothing_with_it() {
    let desk = Desk::new(3, &numbers("80", 30));
    let (engine, url) = engine(&desk);
    let first = attach(&desk, &url, &[], (24, 80));
    first.keys("s");
    first.wait_until("three calls", |text| in_use(text) == 3, SOON);
    first.signal("KILL");
    let mut second = attach(&desk, &url, &[], (24, 80));
    second.wait_until("the three calls", |text| in_use(text) == 3, SOON);
    second.hang_up();
    second.wait(SOON);
    let third = attach(&desk, &url, &[], (24, 80));
    watch(
        &third,
        "dialing with three calls",
        Duration::from_secs(2),
        |text| in_use(text) == 3 && state(text) == "DIALING",
    );
    assert_eq!(desk.placed(), 3);
    assert!(!engine.stdout().contains("stop"), "{}", engine.stdout());
}

#[test]
fn two_consoles_see_the_same_and_the_read_only_one_changes_nothing() {
    let desk = Desk::new(3, &numbers("80", 30));
    let (_engine, url) = engine(&desk);
    let acts = attach(&desk, &url, &[], (24, 80));
    let looks = attach(&desk, &url, &["--read-only"], (24, 80));
    looks.wait_for("READ-ONLY", SOON);
    looks.keys("s");
    looks.wait_for("this console is read-only", SOON);
    acts.keys("s");
    for screen in [&acts, &looks] {
        screen.wait_until("three calls", |text| in_use(text) == 3, SOON);
    }
    looks.keys("p");
    watch(&acts, "dialing", Duration::from_secs(1), |text| {
        state(text) == "DIALING"
    });
}

#[test]
fn a_lost_engine_is_told_with_the_pictures_age_and_found_again() {
    let mut desk = Desk::new(2, &numbers("80", 9));
    // The port that the engine comes back to must be the one that it had.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it is bound").to_string();
    drop(listener);
    desk.deck.change("CONTROL_ADDR", &addr);
    let (engine, _) = engine(&desk);
    let mut screen = desk.deck.open(&["attach"], 24, 80);
    screen.wait_until("the engine", ready, SOON);
    engine.kill();
    let text = whole(&screen, "ENGINE NOT REACHED");
    assert!(text.contains("engine LOST"), "{text}");
    assert!(text.contains("the picture is 0:0"), "{text}");
    screen.keys("s");
    screen.wait_for("not sent, the engine is not reached", SOON);
    let engine = desk.deck.spawn(&["--headless"]);
    engine.wait_for(" link.up", SOON);
    screen.wait_until(
        "the engine again",
        |text| ready(text) && !text.contains("NOT REACHED"),
        SOON,
    );
    screen.keys("s");
    screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
    screen.keys("q");
    assert_eq!(screen.wait(SOON), Some(0));
}

#[test]
fn what_can_not_be_attached_to_is_a_sentence() {
    let mut desk = Desk::new(2, &numbers("80", 2));
    desk.deck.change("CONTROL_TOKEN", "0123456789abcdef");
    let (_engine, url) = engine(&desk);
    let table: [(&[&str], &str, i32); 3] = [
        (&["attach", "http://127.0.0.1:9"], "no engine is reached", 1),
        (&["attach"], "CONTROL_ADDR has port 0", 2),
        (
            &["attach", "127.0.0.1:3000"],
            "is no address of a control API",
            2,
        ),
    ];
    for (args, said, code) in table {
        let mut screen = desk.deck.open(args, 24, 80);
        screen.wait_for(said, SOON);
        assert_eq!(screen.wait(SOON), Some(code), "{args:?}");
    }
    // With the token of this folder's .env it is let in, with another it is not.
    let mut screen = attach(&desk, &url, &[], (24, 80));
    screen.keys("q");
    assert_eq!(screen.wait(SOON), Some(0));
    desk.deck.change("CONTROL_TOKEN", "another-token-of-16");
    let mut screen = desk.deck.open(&["attach", &url], 24, 80);
    screen.wait_for("asks for a token", SOON);
    assert_eq!(screen.wait(SOON), Some(1));
}
