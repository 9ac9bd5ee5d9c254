//! Terminals of any size, and of sizes that change.

use std::process::Command;
use std::time::Duration;

use super::desk::{BINARY, Desk, SOON, demo, in_use, numbers, state, wait};
use crate::support::screen::{Screen, key};

#[test]
fn a_storm_of_sizes_is_survived_and_the_last_is_drawn() {
    let desk = Desk::new(3, &numbers("80", 9));
    let mut screen = desk.dialing((24, 80), 3);
    screen.wait_until(
        "its rows",
        |text| text.matches("bridged   ").count() == 3,
        SOON,
    );
    let mut random = fastrand::Rng::with_seed(200);
    for n in 0..200 {
        // With all that can be drawn in turn.
        if n % 10 == 0 {
            screen.keys(["?", "t", "a", "1", "2", "3", "z", "X", "\x1b", "m"][n / 10 % 10]);
        }
        screen.resize(random.u16(1..=100), random.u16(1..=300));
        std::thread::sleep(Duration::from_millis(15));
    }
    screen.resize(24, 80);
    assert!(screen.is_running());
    // Out of whatever is open.
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(60));
        screen.keys(key::ESC);
    }
    std::thread::sleep(Duration::from_millis(60));
    screen.keys("2");
    if !screen.text().contains("1 Queue") {
        screen.keys("z");
    }
    screen.wait_for("1 Queue", SOON);
    let before = screen.wait_until(
        "its rows",
        |text| text.matches("bridged   ").count() == 3,
        SOON,
    );
    assert_eq!((state(&before), in_use(&before)), ("DIALING", 3));

    // Drawn right: nothing differs once all of it has been drawn anew, but for clocks and the
    // line above the last, whose message goes after a while.
    let still = |text: &str| -> Vec<String> {
        let rows = text.lines().enumerate();
        let rows = rows.filter(|(n, _)| !matches!(n, 0 | 1 | 22));
        let rows = rows.filter(|(_, row)| !row.contains("bridged  "));
        rows.map(|(_, row)| row.to_owned()).collect()
    };
    // Not in the middle of a frame.
    screen.wait_quiet(Duration::from_millis(150), SOON);
    let before = still(&screen.text());
    let bytes = screen.bytes();
    screen.keys(&key::ctrl('l'));
    // Three thousand bytes are more than what a second changes.
    wait("a whole frame", SOON, || screen.bytes() > bytes + 3000);
    let again = format!("{before:#?} again");
    screen.wait_until(&again, |text| still(text) == before, SOON);
    // And it still takes keys.
    screen.keys("?");
    screen.wait_for("┌ Help ", SOON);
    assert_eq!(desk.placed(), 3);
}

#[test]
fn on_a_terminal_that_is_too_small_it_says_what_it_needs() {
    let desk = Desk::new(2, &numbers("80", 9));
    let screen = desk.deck.open(&["--start"], 5, 20);
    screen.wait_for("DIALING calls 2", SOON);
    screen.wait_for("Dialdeck needs\n40x10", SOON);
    screen.resize(10, 40);
    screen.wait_until("the console", |text| in_use(text) == 2, SOON);
    screen.resize(24, 80);
    screen.wait_for("1 Queue", SOON);
}

#[test]
fn on_one_cell_it_lives_and_grows() {
    let mut screen = demo(&["--max-cc", "4", "--speed", "1"], (1, 1));
    screen.keys(key::ENTER);
    wait("the console", SOON, || screen.modes().alternate_screen);
    std::thread::sleep(Duration::from_secs(1));
    assert!(screen.is_running());
    screen.resize(24, 80);
    screen.wait_until("four calls", |text| in_use(text) == 4, SOON);
}

/// A line that does not know its size, as a serial one.
#[test]
fn on_a_terminal_of_no_size_it_draws_for_80_by_24() {
    let mut command = Command::new("sh");
    let script = r#"stty rows 0 cols 0; exec "$0" demo --max-cc 4 --speed 1"#;
    command.args(["-c", script, BINARY]);
    let screen = Screen::open(&command, 24, 80);
    screen.wait_until("four calls", |text| in_use(text) == 4, SOON);
    let text = screen.text();
    assert!(
        text.contains("1 Queue") && text.lines().count() == 24,
        "{text}"
    );
    screen.resize(48, 160);
    screen.wait_until("the new size", |text| text.lines().count() == 48, SOON);
}
