//! Keys that only change what is shown.

use std::cell::RefCell;
use std::time::Duration;

use super::desk::{
    Desk, LATER, SIZES, SOON, demo, in_use, numbers, select_first, selected, state, waiting, whole,
};
use crate::support::screen::{Screen, key};

/// A key on its own: an escape before another would be taken for Alt.
fn escape(screen: &Screen) {
    screen.keys(key::ESC);
    std::thread::sleep(Duration::from_millis(80));
}

/// The numbers on the screen's left side, from top to bottom: the queue's.
fn queue_rows(text: &str) -> Vec<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix('│'));
    let number = |row: &str| {
        let row = row.trim_start_matches(['▶', ' ']);
        row.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    };
    rows.map(number)
        .filter(|number| number.len() == 8)
        .collect()
}

#[test]
fn a_filter_hides_the_rest_and_goes_again() {
    for size in SIZES {
        let list = [numbers("80", 3), numbers("10", 4)].concat();
        let desk = Desk::new(3, &list);
        let screen = desk.open(size);
        screen.keys("1/");
        screen.wait_for("Filter: number or state", SOON);
        screen.keys("10");
        let text = whole(&screen, "/10 (4)");
        assert_eq!(queue_rows(&text), numbers("10", 4));
        screen.keys(key::ENTER);
        screen.wait_until("no prompt", |text| !text.contains("Filter:"), SOON);
        assert_eq!(queue_rows(&screen.text()), numbers("10", 4));

        // By state: the three that stay up are no busy ones.
        screen.keys("s");
        screen.wait_until("three calls", |text| in_use(text) == 3, SOON);
        escape(&screen);
        let unfiltered = |text: &str| !text.contains("/10 (4)");
        screen.wait_until("no filter", unfiltered, SOON);
        screen.keys("+++++");
        screen.wait_until("all called", |text| waiting(text) == Some(0), SOON);
        screen.keys("/busy\r");
        let text = whole(&screen, "/busy (4)");
        let mut busy = queue_rows(&text);
        busy.sort();
        assert_eq!(busy, numbers("10", 4));
        // The other pane has its own.
        screen.keys("2/80550001\r");
        let text = whole(&screen, "/80550001 (1)");
        assert!(!text.contains("80550002      "), "{text}");
        assert_eq!(in_use(&text), 3);
    }
}

#[test]
fn columns_sort_and_turn_round() {
    let desk = Desk::new(3, &numbers("80", 5).into_iter().rev().collect::<Vec<_>>());
    let screen = desk.open((24, 80));
    let up = numbers("80", 5);
    let down: Vec<String> = up.iter().rev().cloned().collect();
    screen.wait_until("as listed", |text| queue_rows(text) == down, SOON);
    screen.keys("1>");
    screen.wait_for("NUMBER▲", SOON);
    screen.wait_until("by number", |text| queue_rows(text) == up, SOON);
    screen.keys("I");
    screen.wait_for("NUMBER▼", SOON);
    screen.wait_until("turned round", |text| queue_rows(text) == down, SOON);
    screen.keys("<I");
    screen.wait_until("as listed", |text| queue_rows(text) == down, SOON);
    assert!(!screen.text().contains('▲'));
}

#[test]
fn a_frozen_display_stands_still_while_dialing_goes_on() {
    for size in SIZES {
        let desk = Desk::new(3, &numbers("77", 60));
        let screen = desk.dialing(size, 3);
        screen.keys("f");
        let text = whole(&screen, "FROZEN");
        let rows = |text: &str| -> Vec<String> {
            // The log is a record, and goes on.
            let panes = text
                .lines()
                .skip(1)
                .take_while(|line| !line.contains("3 Log"));
            panes.map(str::to_owned).collect()
        };
        let (frozen, placed) = (RefCell::new(rows(&text)), desk.placed());
        screen.wait_for("FROZEN 0:05", SOON);
        assert_eq!(rows(&screen.text()), *frozen.borrow());
        let before = waiting(&screen.text()).expect("a queue");
        super::desk::wait("more calls", SOON, || desk.placed() > placed);
        screen.keys("f");
        let thawed = |text: &str| !text.contains("FROZEN") && waiting(text) < Some(before);
        screen.wait_until("progress", thawed, SOON);
    }
}

#[test]
fn digits_can_be_hidden_everywhere() {
    let desk = Desk::new(2, &numbers("80", 9));
    let screen = desk.dialing((48, 160), 2);
    screen.wait_for("80550000 talks", SOON);
    screen.keys("*");
    screen.wait_until("no digits", |text| !text.contains("8055"), SOON);
    assert!(
        screen.text().contains("80****00 talks"),
        "{}",
        screen.text()
    );
    for keys in ["2g\r", "a", "x"] {
        screen.keys(keys);
        std::thread::sleep(Duration::from_millis(300));
        assert!(
            !screen.text().contains("8055"),
            "{keys:?}: {}",
            screen.text()
        );
    }
    escape(&screen);
    escape(&screen);
    screen.keys("*");
    screen.wait_for("80550000", SOON);
}

#[test]
fn the_audit_tells_who_gave_which_command() {
    for size in SIZES {
        let mut desk = Desk::new(2, &numbers("80", 9));
        desk.deck.change("CALL_TIMEOUT", 21);
        let mut command = desk.deck.command(&[]);
        command
            .env("USER", "anna")
            .env("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22");
        let screen = Screen::open(&command, size.0, size.1);
        screen.wait_until("IDLE", super::desk::ready, SOON);
        screen.keys("a");
        screen.wait_for("no command was given yet", SOON);
        screen.keys("a");
        screen.wait_for("1 Queue", SOON);
        screen.keys("s");
        screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
        screen.keys("p");
        screen.wait_until("PAUSED", |text| state(text) == "PAUSED", SOON);
        screen.keys("+");
        screen.wait_until(
            "3",
            |text| super::desk::figures(text) == Some((2, 0, 3)),
            SOON,
        );
        screen.keys("a");
        let text = whole(&screen, "Audit: the latest commands");
        let by = "keyboard anna (ssh 192.0.2.7)";
        let given: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(by))
            .map(|(_, command)| command.trim_end_matches('│').trim())
            .collect();
        assert_eq!(given, ["MAX_CC 3", "pause", "start"], "{text}");
        escape(&screen);
        screen.wait_for("1 Queue", SOON);
    }
}

#[test]
fn help_trends_zoom_and_panes() {
    for size in SIZES {
        let desk = Desk::new(2, &numbers("80", 9));
        let screen = desk.dialing(size, 2);
        screen.keys("?");
        let text = whole(&screen, "start dialing, or go on after a pause");
        assert!(!text.contains("1 Queue"));
        screen.keys("G");
        screen.wait_for("being recorded", SOON);
        screen.keys("g");
        screen.wait_for("start dialing, or go on after a pause", SOON);
        screen.keys("q");
        screen.wait_for("1 Queue", SOON);
        screen.keys(key::F1);
        screen.wait_for("start dialing, or go on after a pause", SOON);
        escape(&screen);

        screen.keys("t");
        screen.wait_for("calls in use  peak 2", SOON);
        escape(&screen);
        screen.wait_for("1 Queue", SOON);

        // One pane fills the screen, whichever has the focus.
        screen.keys("z");
        let alone = |title: &'static str| {
            let titles = ["1 Queue", "2 Live calls", "3 Log"];
            screen.wait_until(
                title,
                |text| titles.iter().all(|t| text.contains(t) == (*t == title)),
                SOON,
            );
        };
        alone("2 Live calls");
        screen.keys(key::TAB);
        alone("3 Log");
        screen.keys(key::TAB);
        alone("1 Queue");
        screen.keys(key::BACK_TAB);
        alone("3 Log");
        screen.keys("2");
        alone("2 Live calls");
        screen.keys("z");
        screen.wait_for("3 Log", SOON);
        screen.wait_for("1 Queue", SOON);
    }
}

#[test]
fn a_call_s_detail_tells_its_story() {
    for size in SIZES {
        let desk = Desk::new(2, &numbers("80", 9));
        let screen = desk.dialing(size, 2);
        screen.keys(key::ENTER);
        screen.wait_for("nothing is selected", SOON);
        let number = select_first(&screen);
        screen.keys(key::ENTER);
        let text = whole(&screen, &format!("Lead 1: {number}"));
        assert!(!text.contains("1 Queue"));
        let text = whole(&screen, "bridged for 0:02");
        // Steps with the time between them; the ids come last.
        assert!(text.contains(" ms  answered"), "{text}");
        screen.keys("G");
        screen.wait_for("bridge      ", SOON);
        // The call is hung up from here as well.
        screen.keys("x");
        screen.wait_for(&format!("Hang up {number}"), SOON);
        super::desk::confirm(&screen);
        screen.keys("g");
        screen.wait_for("answered, ended by operator", SOON);
        escape(&screen);
        screen.wait_for("1 Queue", SOON);
        // A row that was selected is let go of, then nothing more happens.
        escape(&screen);
        screen.wait_until("nothing selected", |text| selected(text).is_none(), SOON);
    }
}

#[test]
fn the_log_scrolls_back_and_follows_again() {
    let screen = demo(
        &["--max-cc", "10", "--speed", "10", "--calls", "60"],
        (24, 80),
    );
    screen.keys(key::ENTER);
    screen.wait_until("DONE", |text| state(text) == "DONE", LATER);
    screen.keys("3z");
    screen.wait_until("the log alone", |text| !text.contains("1 Queue"), SOON);
    screen.wait_for(" I DONE", SOON);
    screen.keys(key::PAGE_UP);
    screen.wait_for("3 Log standing still", SOON);
    screen.keys(key::PAGE_UP);
    screen.wait_until("older lines", |text| !text.contains(" I DONE"), SOON);
    screen.keys("A");
    screen.wait_for(" I DONE", SOON);
    assert!(!screen.text().contains("standing still"));
}
