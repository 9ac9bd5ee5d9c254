//! Signals to a console with calls up: what becomes of the calls, of the terminal, and of the
//! engine that has lost it.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::desk::{
    BINARY, Desk, LATER, SOON, figures, in_use, numbers, ready, state, wait, watch, whole,
};
use crate::support::screen::{Modes, Screen, key};

/// The console behind a shell, with two calls up; and how the line was set before it began.
fn talking(desk: &Desk) -> (Screen, Vec<String>) {
    // For the `.env`.
    let folder = desk.deck.command(&[]);
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"read x; exec "$0""#, BINARY])
        .current_dir(folder.get_current_dir().expect("a folder"));
    let screen = Screen::open(&command, 24, 80);
    let before = screen.line_settings();
    screen.keys(key::ENTER);
    screen.wait_until("IDLE and the link", ready, SOON);
    assert_ne!(screen.line_settings(), before, "a console has the line raw");
    screen.keys("s");
    screen.wait_until("two conversations", two_talk, SOON);
    (screen, before)
}

fn two_talk(text: &str) -> bool {
    text.matches("bridged   ").count() == 2
}

/// It ended well, and left the terminal as it was.
fn assert_over(mut screen: Screen, before: &[String], within: Duration) {
    assert_eq!(screen.wait(within), Some(0));
    assert_eq!(screen.line_settings(), before);
    assert_eq!(screen.modes(), Modes::PLAIN);
}

#[test]
fn one_signal_to_stop_lets_the_calls_come_to_their_end() {
    for signal in ["INT", "TERM"] {
        let desk = Desk::new(2, &numbers("79", 9));
        let (screen, before) = talking(&desk);
        screen.signal(signal);
        let text = whole(&screen, &format!("QUITTING: by SIG{signal}"));
        assert_eq!((state(&text), in_use(&text)), ("DRAINING", 2));
        assert_over(screen, &before, LATER);
        assert_eq!(desk.placed(), 2, "nobody is dialed any more");
        assert_eq!(ends(&desk), [("answered", "callee"); 2]);
    }
}

#[test]
fn a_second_signal_to_stop_hangs_up_at_once() {
    for [first, second] in [
        ["TERM", "TERM"],
        ["INT", "INT"],
        ["TERM", "INT"],
        ["INT", "TERM"],
    ] {
        let mut desk = Desk::new(2, &numbers("80", 9));
        // Nothing but the second signal ends these calls within the test's time.
        desk.deck.change("DRAIN_SECONDS", 600);
        let (screen, before) = talking(&desk);
        screen.signal(first);
        screen.wait_for(&format!("QUITTING: by SIG{first}"), SOON);
        watch(&screen, "two calls", Duration::from_secs(1), |text| {
            in_use(text) == 2
        });
        let asked = Instant::now();
        screen.signal(second);
        assert_over(screen, &before, SOON);
        let took = asked.elapsed();
        // A second of waiting for whom it hung up is usual; three are given to what then hangs.
        assert!(took < Duration::from_secs(8), "{first}, {second}: {took:?}");
        assert_eq!(desk.placed(), 2);
        assert_eq!(ends(&desk), [("answered", "operator"); 2]);
        assert!(desk.asterisk.channels().is_empty());
        assert!(desk.asterisk.bridges().is_empty());
    }
}

/// How those ended that were called.
fn ends(desk: &Desk) -> Vec<(&'static str, &'static str)> {
    let known = |text: &str| {
        let words = ["answered", "callee", "operator"];
        let word = words.into_iter().find(|word| *word == text);
        word.unwrap_or_else(|| panic!("{text:?} of {:?}", desk.ends()))
    };
    let called = desk.ends().into_iter().filter(|end| !end.1.is_empty());
    called.map(|end| (known(&end.1), known(&end.2))).collect()
}

/// How a terminal goes away.
#[derive(Debug, Clone, Copy)]
enum Going {
    /// Its window is closed, or the connection is lost.
    Closed,
    /// Only the signal comes: the terminal itself is still there.
    Told,
}

#[test]
fn an_engine_whose_terminal_has_gone_is_reached_again_with_its_calls() {
    for going in [Going::Closed, Going::Told] {
        let desk = Desk::new(2, &numbers("80", 9));
        let (mut screen, before) = talking(&desk);
        let channels = sorted(desk.asterisk.channels());
        let url = api(&desk);
        match going {
            Going::Closed => screen.hang_up(),
            Going::Told => {
                screen.signal("HUP");
                wait("its own terminal back", SOON, || {
                    screen.modes() == Modes::PLAIN && screen.line_settings() == before
                });
            }
        }
        reached_again(&desk, &url);
        assert!(screen.is_running(), "{going:?}: it was the same process");
        assert_eq!(sorted(desk.asterisk.channels()), channels, "the same calls");
        rereads_env(desk, screen, &url);
    }
}

/// A console attached to it shows the two calls, and its keys work.
fn reached_again(desk: &Desk, url: &str) {
    let mut attached = desk.deck.open(&["attach", url], 24, 80);
    attached.wait_until("the two conversations", two_talk, SOON);
    let text = attached.text();
    assert_eq!((state(&text), in_use(&text)), ("DIALING", 2), "{text}");
    for number in numbers("80", 2) {
        assert!(text.contains(&number), "no {number}:\n{text}");
    }
    attached.keys("p");
    attached.wait_until("a pause", |text| state(text) == "PAUSED", SOON);
    attached.keys("q");
    assert_eq!(attached.wait(SOON), Some(0));
}

/// Without its terminal it is headless in all: SIGHUP rereads `.env`, and a signal to stop ends
/// it.
fn rereads_env(mut desk: Desk, mut screen: Screen, url: &str) {
    // What comes within two seconds is the echo of the terminal's end.
    std::thread::sleep(Duration::from_secs(2));
    desk.deck.change("MAX_CC", 7);
    // This writes `.env`, which must not be amid that when it is read.
    let attached = desk.deck.open(&["attach", url], 24, 80);
    attached.wait_until("two of two", |text| figures(text) == Some((2, 0, 2)), SOON);
    screen.signal("HUP");
    attached.wait_until("of seven", |text| figures(text) == Some((2, 0, 7)), SOON);
    screen.signal("TERM");
    attached.wait_for("QUITTING: by SIGTERM", SOON);
    screen.signal("INT");
    assert_eq!(screen.wait(SOON), Some(0));
    assert_eq!(ends(&desk), [("answered", "operator"); 2]);
    assert!(desk.asterisk.channels().is_empty());
}

/// Where the console's engine is reached: its log tells.
fn api(desk: &Desk) -> String {
    let log = fs::read_to_string(desk.deck.path("dialdeck.log")).expect("text");
    let told = log.split_once("the control API listens on ");
    let rest = told.expect("it is told").1.split('"').next();
    rest.expect("there is a first piece").to_owned()
}

fn sorted(mut channels: Vec<String>) -> Vec<String> {
    channels.sort();
    channels
}
