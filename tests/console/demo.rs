//! The demo, as a newcomer sees it: it moves, it ends, it leaves no trace; and what becomes of
//! it when something in it is broken.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::desk::{LATER, SIZES, SOON, demo, in_use, state, waiting};
use crate::support::screen::{Modes, key};

const CONSOLE: Modes = Modes {
    alternate_screen: true,
    cursor_hidden: true,
    bracketed_paste: true,
    mouse: false,
};

#[test]
fn it_moves_at_once_comes_to_done_and_leaves_the_terminal_as_it_was() {
    for size in SIZES {
        let args = [
            "--seed", "3", "--calls", "12", "--max-cc", "6", "--speed", "10",
        ];
        let mut screen = demo(&args, size);
        let before = screen.line_settings();
        screen.keys(key::ENTER);
        let moves = |text: &str| (1..=6).contains(&in_use(text));
        screen.wait_until("call that is up", moves, Duration::from_secs(2));
        assert_eq!(screen.modes(), CONSOLE);
        assert!(screen.is_raw());

        let text = screen.wait_until("DONE", |text| state(text) == "DONE", LATER);
        assert_eq!((in_use(&text), waiting(&text)), (0, Some(0)), "{text}");
        assert!(text.contains("12 of 12"), "{text}");
        screen.keys("q");
        assert_eq!(screen.wait(SOON), Some(0));
        assert_eq!(screen.modes(), Modes::PLAIN);
        assert_eq!(screen.line_settings(), before);
        let text = screen.text();
        assert!(
            text.contains("Run 1: DONE, 12 leads, 0 waiting\n"),
            "{text}"
        );
        assert!(text.contains("Attempts 12, "), "{text}");
    }
}

/// Whatever panics: the terminal is given back, the bug is told in a sentence, no call is
/// placed any more.
#[test]
fn a_bug_gives_the_terminal_back_and_places_no_more_calls() {
    for part in ["console", "task"] {
        let args = [
            "--calls",
            "100",
            "--max-cc",
            "3",
            "--speed",
            "4",
            "--fail-in",
            part,
        ];
        let mut screen = demo(&args, (24, 80));
        let before = screen.line_settings();
        screen.keys(key::ENTER);
        screen.wait_until("three calls", |text| in_use(text) == 3, SOON);
        let left = Cell::new(None);
        let gone = |text: &str| {
            if let Some(waiting) = waiting(text) {
                left.set(Some(waiting));
            }
            title_is_gone(text)
        };
        screen.wait_until("end of the console", gone, SOON);
        screen.wait_for(
            "a bug: asked for, to show what then happens",
            Duration::from_secs(2),
        );
        assert!(screen.is_running(), "calls are up that come to their end");
        assert_eq!(screen.modes(), Modes::PLAIN, "{part}");
        assert_eq!(screen.line_settings(), before, "{part}");

        assert_eq!(screen.wait(LATER), Some(1), "{part}");
        assert_eq!(screen.modes(), Modes::PLAIN, "{part}");
        assert_eq!(screen.line_settings(), before, "{part}");
        let text = screen.text();
        assert!(text.contains("Run 1: IDLE, 100 leads, "), "{text}");
        // In the moment before the bug one more call may have been placed.
        let left = left.get().expect("a queue was shown");
        let after = summed(&text);
        assert!(after == left || after + 1 == left, "{left} waited: {text}");
    }
}

fn title_is_gone(text: &str) -> bool {
    !text.contains("Dialdeck ")
}

/// How many wait, by the summary.
fn summed(text: &str) -> usize {
    let (head, _) = text.split_once(" waiting\n").expect("a summary");
    let (_, count) = head.rsplit_once(' ').expect("a count");
    count.parse().expect("a count")
}

#[test]
fn frames_are_few_and_small() {
    let args = ["--calls", "400", "--max-cc", "40", "--speed", "2"];
    let screen = demo(&args, (40, 120));
    screen.keys(key::ENTER);
    screen.wait_until("40 calls", |text| in_use(text) == 40, SOON);
    let (begun, bytes) = (Instant::now(), screen.bytes());
    std::thread::sleep(Duration::from_secs(5));
    let written = screen.bytes() - bytes;
    let a_second = u128::from(written) * 1000 / begun.elapsed().as_millis();
    println!("{a_second} bytes a second with 40 calls up");
    // Ten frames of about a kilobyte.
    assert!(a_second < 20_000, "{a_second} bytes a second");
    assert!(written > 1000, "it stands still");
}
