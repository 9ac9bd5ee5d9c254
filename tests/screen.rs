//! The terminal that the console's tests use, tried on small programs.

mod pictures;

use std::collections::HashMap;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::deck::Deck;
use crate::support::screen::{Modes, Screen, key};
use vt100::Color;

const SOON: Duration = Duration::from_secs(10);

fn sh(script: &str) -> Screen {
    let mut command = Command::new("sh");
    Screen::open(command.args(["-c", script]), 10, 40)
}

#[test]
fn what_is_typed_reaches_the_program_and_its_answer_the_screen() {
    let mut screen = sh("read name; echo \"hello, $name\"; exit 7");
    screen.keys("Anna");
    screen.keys(key::ENTER);
    let text = screen.wait_for("hello, Anna", SOON);
    assert_eq!(text, "Anna\nhello, Anna");
    assert_eq!(screen.row(1), "hello, Anna");
    assert_eq!(screen.wait(SOON), Some(7));
    assert_eq!(screen.raw(), b"Anna\r\nhello, Anna\r\n");
    assert_eq!(screen.bytes(), 19);
}

#[test]
#[should_panic(expected = "no \"something else\" within 50ms")]
fn waiting_in_vain_ends() {
    sh("echo something; sleep 60").wait_for("something else", Duration::from_millis(50));
}

#[test]
fn waiting_in_vain_shows_the_screen() {
    let waited = std::panic::catch_unwind(|| {
        sh("printf 'one\\n  two'; exit 3").wait_for("three", SOON);
    });
    let message = waited.expect_err("there is no three");
    let message = message.downcast_ref::<String>().expect("a text");
    assert!(message.contains("│one\n│  two\n"), "{message}");
    assert!(message.contains("it has ended"), "{message}");
}

#[test]
fn a_program_that_has_ended_is_not_waited_for() {
    let begun = Instant::now();
    let waited = std::panic::catch_unwind(|| sh("exit 0").wait_for("x", 6 * SOON));
    assert!(waited.is_err());
    assert!(begun.elapsed() < SOON);
}

#[test]
fn colours_and_the_rest_of_a_style_are_those_of_the_text() {
    let screen = sh(
        "printf '\\033[1;31mred\\033[0m \\033[7minverse\\033[0m 日本 \\033[38;5;208;4mfar\\033[0m\\n'; sleep 60",
    );
    screen.wait_for("far", SOON);
    let red = screen.style_of("red");
    assert_eq!(
        (red.fg, red.bold, red.inverse),
        (Color::Idx(1), true, false)
    );
    let inverse = screen.style_of("inverse");
    assert_eq!((inverse.fg, inverse.inverse), (Color::Default, true));
    // Two wide characters before it.
    assert_eq!(screen.find("far"), Some((0, 17)));
    let far = screen.style_of("far");
    assert_eq!((far.fg, far.underline), (Color::Idx(208), true));
    assert_eq!(far, screen.style_at(0, 19));
    assert_ne!(far, screen.style_at(0, 20));
}

#[test]
fn a_program_is_told_of_another_size() {
    let screen = sh("trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done");
    screen.wait_for("10 40", SOON);
    screen.resize(33, 111);
    screen.wait_for("33 111", SOON);
    assert_eq!(screen.picture().size(), (33, 111));
}

/// Where the terminal's end stays open anywhere, there is no hangup, and the wait fails. The
/// program would tell of keys as well: a hangup types none.
#[test]
fn a_terminal_that_vanishes_sends_a_hangup_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = "trap 'echo hup >>told; exit 5' HUP; stty raw -echo; : >typed; echo ready
        while :; do head -c 1 >>typed; sleep 0.05; done";
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(folder.path());
    let mut screen = Screen::open(&command, 10, 40);
    screen.wait_for("ready", SOON);
    screen.hang_up();
    assert_eq!(screen.wait(SOON), Some(5));
    let told = |name| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    assert_eq!(told("told"), "hup\n");
    assert_eq!(told("typed"), "");
    assert_eq!(screen.text(), "ready");
}

#[test]
fn a_signal_ends_a_program_without_a_code() {
    let mut screen = sh("echo up; sleep 60");
    screen.wait_for("up", SOON);
    screen.signal("KILL");
    assert_eq!(screen.wait(SOON), None);
    let mut screen = sh("trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done");
    screen.wait_for("up", SOON);
    assert!(screen.is_running());
    screen.signal("TERM");
    assert_eq!(screen.wait(SOON), Some(9));
    assert!(!screen.is_running());
}

#[test]
fn a_dropped_screen_leaves_no_program() {
    let screen = sh("trap '' HUP TERM; echo up; while :; do sleep 0.05; done");
    screen.wait_for("up", SOON);
    let pid = screen.pid();
    drop(screen);
    let gone = Command::new("kill").args(["-0", &pid.to_string()]).output();
    assert!(!gone.expect("kill runs").status.success());
}

#[test]
fn the_modes_of_a_full_screen_program_come_and_go() {
    let mut screen = sh(
        "printf '\\033[?1049h\\033[?25l\\033[?2004h\\033[?1000hin'; stty raw -echo; read x
        printf '\\033[?1000l\\033[?2004l\\033[?25h\\033[?1049l'; stty sane; echo out",
    );
    let before = screen.line_settings();
    screen.wait_for("in", SOON);
    let on = Modes {
        alternate_screen: true,
        cursor_hidden: true,
        bracketed_paste: true,
        mouse: true,
    };
    assert_eq!(screen.modes(), on);
    while !screen.is_raw() {
        std::thread::sleep(Duration::from_millis(5));
    }
    screen.keys("\n");
    screen.wait_for("out", SOON);
    assert_eq!(screen.modes(), Modes::PLAIN);
    assert_eq!(screen.wait(SOON), Some(0));
    assert!(!screen.is_raw());
    assert!(
        screen.line_settings().contains(&"icanon".to_owned()),
        "{before:?}"
    );
}

#[test]
fn a_program_that_leaves_the_line_raw_is_found_out() {
    let mut screen = sh("stty raw -echo");
    assert_eq!(screen.wait(SOON), Some(0));
    assert!(screen.is_raw());
}

#[test]
fn a_paste_is_told_from_keys() {
    let screen = sh("stty raw -echo; echo ready; head -c 19 | od -An -c; sleep 60");
    screen.wait_for("ready", SOON);
    screen.paste("q\rx");
    screen.keys(&key::ctrl('c'));
    screen.keys(key::UP);
    let text = screen
        .wait_for("A", SOON)
        .split_whitespace()
        .collect::<String>();
    assert_eq!(text, "ready033[200~q\\rx033[201~003033[A");
}

#[test]
fn a_flood_is_taken_in_to_its_end() {
    let mut screen = sh("seq 1 200000");
    assert_eq!(screen.wait(6 * SOON), Some(0));
    assert_eq!(screen.row(8), "200000");
    let text = String::from_utf8(screen.raw()).expect("digits");
    assert_eq!(text.lines().count(), 200_000);
}

#[test]
fn quiet_is_waited_for() {
    let screen = sh("for n in 1 2 3 4 5; do echo $n; sleep 0.1; done; sleep 60");
    screen.wait_for("1", SOON);
    screen.wait_quiet(Duration::from_millis(500), SOON);
    assert_eq!(screen.row(4), "5");
}

#[test]
fn the_environment_is_bare() {
    let mut command = Command::new("env");
    command.env("TERM", "dumb").env("COLORTERM", "truecolor");
    let mut screen = Screen::open(&command, 10, 200);
    assert_eq!(screen.wait(SOON), Some(0));
    let text = screen.text();
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|l| Some(l.split_once('=')?.0))
        .collect();
    names.retain(|name| !["HOME", "SHELL", "USER"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["COLORTERM", "LANG", "PATH", "TERM"]);
    assert!(text.contains("TERM=dumb"), "{text}");
}

#[test]
fn the_shipped_binary_opens_in_a_terminal() {
    let deck = Deck::new(&HashMap::new());
    let mut screen = deck.open(&["--version"], 24, 80);
    assert_eq!(screen.wait(SOON), Some(0));
    let version = concat!("dialdeck ", env!("CARGO_PKG_VERSION"));
    assert!(screen.text().starts_with(version), "{}", screen.text());
}
