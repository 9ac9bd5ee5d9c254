//! Text that is pasted fires no command, whatever is in it and however it comes.

use std::time::Duration;

use super::desk::{Desk, SOON, in_use, numbers, state, whole};
use crate::support::screen::{Screen, key};

/// 200 lines, as somebody may have them in the clipboard: every key that does something is
/// among their letters, and the answers to every question.
fn lines(end: &str) -> String {
    let line = |n: usize| {
        let number = 12_025_550_100_u64 + u64::try_from(n).unwrap_or(0);
        format!("{number};start dpxX+-=mrinzq/<>IAf*ta?y 123 hjklgG{end}")
    };
    (0..200).map(line).collect()
}

/// Waits until nothing comes any more, then reads the audit.
fn audit(screen: &Screen) -> String {
    screen.wait_for("pasted text is no command", SOON);
    // What follows a burst at once is taken for a part of it.
    std::thread::sleep(Duration::from_millis(500));
    screen.keys("a");
    let text = whole(screen, "Audit: the latest commands");
    screen.keys(key::ESC);
    screen.wait_for("1 Queue", SOON);
    text
}

/// Pastes each in turn, while it waits for the operator and while it dials.
fn fires_nothing(paste: impl Fn(&Screen, &str)) {
    for end in ["\r", "\n", "\r\n"] {
        let desk = Desk::new(2, &numbers("80", 9));
        let mut screen = desk.open((24, 80));
        paste(&screen, &lines(end));
        let text = audit(&screen);
        assert!(text.contains("no command was given yet"), "{end:?}: {text}");
        assert!(screen.is_running());
        assert_eq!(state(&screen.text()), "IDLE");
        assert_eq!(desk.placed(), 0);

        screen.keys("s");
        screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
        paste(&screen, &lines(end));
        let text = audit(&screen);
        assert_eq!(text.matches("keyboard ").count(), 1, "{end:?}: {text}");
        let text = screen.text();
        assert_eq!((state(&text), in_use(&text)), ("DIALING", 2));
        assert_eq!(desk.placed(), 2);
    }
}

#[test]
fn in_brackets() {
    fires_nothing(Screen::paste);
}

#[test]
fn in_one_burst() {
    fires_nothing(Screen::keys);
}

#[test]
fn in_pieces() {
    fires_nothing(|screen, text| {
        for piece in text.as_bytes().chunks(100) {
            screen.keys(std::str::from_utf8(piece).expect("ASCII"));
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

/// What is pasted while a question is open answers it no more than it gives commands.
#[test]
fn over_a_question() {
    let desk = Desk::new(2, &numbers("80", 9));
    let screen = desk.dialing((24, 80), 2);
    for bracketed in [true, false] {
        screen.keys("X");
        screen.wait_for("Hang up 2 live calls?", SOON);
        let text = lines("\r");
        if bracketed {
            screen.paste(&text);
        } else {
            screen.keys(&text);
        }
        screen.wait_for("pasted text is no command", SOON);
        std::thread::sleep(Duration::from_millis(500));
        screen.wait_for("▶[ Cancel ]", SOON);
        screen.keys(key::ESC);
        screen.wait_until("no question", |text| !text.contains("Cancel"), SOON);
        assert_eq!(in_use(&screen.text()), 2);
    }
}

#[test]
fn into_a_filter_it_is_text() {
    let desk = Desk::new(2, &numbers("80", 9));
    let screen = desk.open((24, 80));
    screen.keys("1/");
    screen.wait_for("Filter: number or state", SOON);
    screen.paste("80550007\r80550008\rq");
    screen.wait_for("/80550007 (1)", SOON);
    screen.keys(key::ENTER);
    screen.wait_until("no prompt", |text| !text.contains("Filter:"), SOON);
    assert!(screen.text().contains("80550007 "));
    assert!(!screen.text().contains("80550008"));
}
