//! How the console ends: quit, and a terminal that goes away.

use std::process::Command;
use std::time::Duration;

use super::desk::{
    Desk, LATER, SIZES, SOON, confirm, demo, figures, in_use, numbers, state, used_seconds, wait,
    waiting, watch, whole,
};
use crate::support::screen::{Modes, Screen, key};

/// Asks to quit, and takes the answer that many after Cancel.
fn quit(screen: &Screen, answer: usize) {
    screen.keys("q");
    screen.wait_for("▶[ Cancel ]", SOON);
    screen.keys(&key::RIGHT.repeat(answer));
    screen.keys(key::ENTER);
}

#[test]
fn quitting_asks_then_drains_and_ends_by_itself() {
    for size in SIZES {
        let desk = Desk::new(3, &numbers("79", 30));
        let mut screen = desk.dialing(size, 3);
        screen.keys(&key::ctrl('c'));
        screen.wait_for("Quit Dialdeck? 3 calls are up.", SOON);
        screen.wait_for("▶[ Cancel ]", SOON);
        screen.keys(key::ENTER);
        screen.wait_until("no question", |text| !text.contains("Cancel"), SOON);
        assert_eq!(state(&screen.text()), "DIALING");

        quit(&screen, 1);
        let text = whole(&screen, "QUITTING: by keyboard");
        let left = waiting(&text).expect("a queue");
        assert_eq!(state(&text), "DRAINING");
        // While it waits, it dials nobody, not even when asked to.
        screen.keys("s");
        screen.wait_for("the process is ending", SOON);
        assert_eq!(screen.wait(LATER), Some(0));
        assert_eq!(screen.modes(), Modes::PLAIN);
        assert!(!screen.is_raw());
        let text = screen.text();
        assert!(
            text.contains(&format!("Run 1: IDLE, 30 leads, {left} waiting")),
            "{text}"
        );
        assert_eq!(desk.placed(), 30 - left);
        for end in desk.ends().iter().filter(|end| !end.1.is_empty()) {
            assert_eq!((&*end.1, &*end.2), ("answered", "callee"), "{end:?}");
        }
    }
}

#[test]
fn hang_up_and_quit_ends_at_once() {
    let desk = Desk::new(3, &numbers("80", 9));
    let mut screen = desk.dialing((24, 80), 3);
    quit(&screen, 2);
    assert_eq!(screen.wait(SOON), Some(0));
    assert_eq!(screen.modes(), Modes::PLAIN);
    let ended = desk.ends().into_iter().filter(|end| end.2 == "operator");
    assert_eq!(ended.count(), 3);
    assert_eq!(desk.placed(), 3);
    assert!(desk.asterisk.channels().is_empty());
    assert!(desk.asterisk.bridges().is_empty());
}

/// The key that quits does something else while the process waits for its calls, and says so.
#[test]
fn quitting_again_asks_whether_to_wait_any_longer() {
    let desk = Desk::new(2, &numbers("80", 9));
    let mut screen = desk.dialing((24, 80), 2);
    quit(&screen, 1);
    screen.wait_for("QUITTING: by keyboard", SOON);
    screen.keys("q");
    let text = whole(&screen, "┌ Quit now ");
    assert!(!text.contains("Drain and quit"), "{text}");
    assert!(text.contains("▶[ Cancel ]"), "{text}");
    screen.keys(key::ENTER);
    watch(&screen, "two calls", Duration::from_secs(2), |text| {
        in_use(text) == 2
    });
    screen.keys("q");
    screen.wait_for("┌ Quit now ", SOON);
    confirm(&screen);
    assert_eq!(screen.wait(SOON), Some(0));
    assert!(desk.asterisk.channels().is_empty());
}

#[test]
fn a_drain_that_takes_too_long_hangs_up() {
    let mut desk = Desk::new(2, &numbers("80", 9));
    desk.deck.change("DRAIN_SECONDS", 3);
    let mut screen = desk.dialing((24, 80), 2);
    quit(&screen, 1);
    screen.wait_for("QUITTING: by keyboard", SOON);
    assert_eq!(screen.wait(SOON), Some(0));
    let ended = desk.ends().into_iter().filter(|end| end.2 == "operator");
    assert_eq!(ended.count(), 2);
}

#[test]
fn with_nothing_up_it_quits_without_a_question() {
    let desk = Desk::new(2, &numbers("80", 9));
    let mut screen = desk.open((24, 80));
    screen.keys("q");
    assert_eq!(screen.wait(SOON), Some(0));
    assert_eq!(desk.placed(), 0);
}

#[test]
fn sigterm_at_the_console_drains_and_says_so() {
    let desk = Desk::new(2, &numbers("79", 9));
    let mut screen = desk.dialing((24, 80), 2);
    screen.signal("TERM");
    screen.wait_for("QUITTING: by SIGTERM", SOON);
    assert_eq!(screen.wait(LATER), Some(0));
    assert_eq!(screen.modes(), Modes::PLAIN);
    for end in desk.ends().iter().filter(|end| !end.1.is_empty()) {
        assert_eq!((&*end.1, &*end.2), ("answered", "callee"), "{end:?}");
    }
}

/// It goes on, does not turn in circles, and still obeys SIGTERM.
fn goes_on_then_drains(mut screen: Screen) {
    let pid = screen.pid();
    let before = used_seconds(pid);
    std::thread::sleep(Duration::from_secs(3));
    assert!(screen.is_running(), "it ended with its terminal");
    let used = used_seconds(pid) - before;
    assert!(used < 1.0, "{used:.2} s of a processor in 3 s");
    screen.signal("TERM");
    assert_eq!(screen.wait(LATER), Some(0));
}

#[test]
fn without_its_terminal_the_demo_goes_on_and_ends_when_told_to() {
    let mut screen = demo(&["--max-cc", "4", "--speed", "6"], (24, 80));
    screen.keys(key::ENTER);
    screen.wait_until("four calls", |text| in_use(text) == 4, SOON);
    screen.hang_up();
    goes_on_then_drains(screen);
}

/// As when a shell passes on what the kernel has sent already.
#[test]
fn two_hangups_at_once_are_one() {
    let screen = demo(&["--max-cc", "4", "--speed", "6"], (24, 80));
    screen.keys(key::ENTER);
    screen.wait_until("four calls", |text| in_use(text) == 4, SOON);
    let pid = screen.pid();
    let both = format!("kill -s HUP {pid}; kill -s HUP {pid}");
    let status = Command::new("sh").args(["-c", &both]).status();
    assert!(status.expect("sh runs").success());
    wait("its own terminal back", SOON, || {
        screen.modes() == Modes::PLAIN
    });
    goes_on_then_drains(screen);
}

#[test]
fn without_its_terminal_a_campaign_comes_to_its_end() {
    let list = [numbers("77", 8), numbers("10", 8)].concat();
    let mut desk = Desk::new(4, &list);
    desk.deck.change("DRAIN_SECONDS", 30);
    let mut screen = desk.dialing((24, 80), 4);
    screen.hang_up();
    wait("every number's end", LATER, || {
        desk.ends().iter().all(|end| !end.1.is_empty())
    });
    assert!(screen.is_running());
    let mut placed = desk.asterisk.calls_placed();
    placed.sort();
    let mut expected = list;
    expected.sort();
    assert_eq!(placed, expected);
    screen.signal("TERM");
    assert_eq!(screen.wait(SOON), Some(0));
}

#[test]
fn with_on_hangup_drain_it_ends_after_its_calls() {
    let mut desk = Desk::new(3, &numbers("77", 30));
    desk.deck.change("ON_HANGUP", "drain");
    let mut screen = desk.dialing((24, 80), 3);
    screen.wait_until("three of 30", |text| figures(text) == Some((3, 3, 3)), SOON);
    screen.hang_up();
    assert_eq!(screen.wait(LATER), Some(0));
    assert!(desk.placed() < 30);
    for end in desk.ends().iter().filter(|end| !end.1.is_empty()) {
        assert_eq!((&*end.1, &*end.2), ("answered", "callee"), "{end:?}");
    }
}
