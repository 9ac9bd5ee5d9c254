//! Terminals that can less than others, and none at all.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::desk::{BINARY, LATER, SOON, in_use, state};
use crate::support::screen::{Modes, Screen, key};

/// The demo of eight calls, in a folder, by a line of shell in which `$0` is the binary.
fn shell(script: &str, env: &[(&str, &str)]) -> Screen {
    let mut command = Command::new("sh");
    command
        .args(["-c", script, BINARY])
        .envs(env.iter().copied());
    Screen::open(&command, 24, 80)
}

const DEMO: &str = r#"exec "$0" demo --calls 8 --max-cc 4 --speed 10"#;

#[test]
fn on_a_dumb_terminal_it_prints_lines() {
    for term in ["dumb", ""] {
        let mut screen = shell(DEMO, &[("TERM", term)]);
        assert_eq!(screen.wait(LATER), Some(0));
        assert_plain(&screen.raw());
        assert!(screen.text().contains("Run 1: DONE, 8 leads, 0 waiting"));
    }
}

#[test]
fn without_a_terminal_on_its_output_it_prints_lines() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let script = format!("{DEMO} >{}", out.display());
    let mut screen = shell(&script, &[]);
    assert_eq!(screen.wait(LATER), Some(0));
    assert_eq!(screen.text(), "");
    let lines = fs::read(&out).expect("its output");
    assert_plain(&lines);
    let text = String::from_utf8(lines).expect("text");
    assert_eq!(text.matches(" call.ended ").count(), 8);
}

fn assert_plain(bytes: &[u8]) {
    assert!(
        !bytes.contains(&0x1b),
        "escapes in {}",
        String::from_utf8_lossy(bytes)
    );
    assert!(bytes.windows(11).any(|w| w == b" call.ended"));
}

/// Keys come from the terminal itself where standard input is something else.
#[test]
fn without_a_keyboard_on_its_input_it_reads_the_terminal() {
    for input in ["</dev/null", "<&-", "</etc/hostname"] {
        let mut screen = shell(&format!("{DEMO} {input}"), &[]);
        screen.wait_until("DONE", |text| state(text) == "DONE", LATER);
        screen.keys("?");
        screen.wait_for("Help", SOON);
        screen.keys("?");
        screen.wait_for("1 Queue", SOON);
        screen.keys("q");
        assert_eq!(screen.wait(SOON), Some(0), "{input}");
        assert_eq!(screen.modes(), Modes::PLAIN, "{input}");
        assert!(!screen.is_raw(), "{input}");
    }
}

/// Every key that shows something, one after the other, with a call selected.
fn look_around(screen: &Screen) {
    screen.wait_until("calls", |text| (1..=4).contains(&in_use(text)), SOON);
    for keys in [
        "?", "?", "t", "t", "a", "a", "1", "j", ">", "2", "j", "\r", "q", "3", "z", "z", "m",
    ] {
        screen.keys(keys);
        std::thread::sleep(Duration::from_millis(120));
    }
    screen.keys(key::ESC);
    screen.wait_until("no prompt", |text| !text.contains("calls at once"), SOON);
    screen.keys("p");
    screen.wait_until("PAUSED", |text| state(text) == "PAUSED", SOON);
    screen.keys("f");
    screen.wait_for("FROZEN", SOON);
    screen.keys("2");
    screen.keys("X");
    screen.wait_for("Cancel", SOON);
}

const SLOW: &str = r#"exec "$0" demo --calls 50 --max-cc 4 --speed 2"#;

#[test]
fn with_no_color_there_is_none_and_what_matters_is_reversed() {
    let screen = shell(SLOW, &[("NO_COLOR", "1")]);
    look_around(&screen);
    let mut reversed = false;
    for parameters in renditions(&screen.raw()) {
        for parameter in parameters {
            let colour = matches!(parameter, 30..=49 | 90..=107) && !matches!(parameter, 39 | 49);
            assert!(!colour, "a colour: {parameter}");
            reversed |= parameter == 7;
        }
    }
    assert!(reversed);
    assert!(screen.style_of(" PAUSED ").inverse);
    assert!(screen.style_of("[ Cancel ]").inverse);

    // The same with colours, or the test could not fail.
    let screen = shell(SLOW, &[]);
    look_around(&screen);
    let colours = renditions(&screen.raw()).into_iter().flatten();
    assert!(colours.into_iter().any(|p| matches!(p, 30..=38)));
}

/// The parameters of each `ESC [ … m`.
fn renditions(raw: &[u8]) -> Vec<Vec<u16>> {
    let text = String::from_utf8_lossy(raw);
    let mut found = Vec::new();
    for sequence in text.split("\x1b[").skip(1) {
        let end = sequence.find(|c: char| c.is_ascii_alphabetic());
        if let Some(end) = end.filter(|end| sequence[*end..].starts_with('m')) {
            let numbers = sequence[..end].split([';', ':']);
            found.push(numbers.map(|n| n.parse().unwrap_or(0)).collect());
        }
    }
    found
}

#[test]
fn in_the_c_locale_every_byte_is_ascii() {
    let screen = shell(SLOW, &[("LANG", "C")]);
    look_around(&screen);
    let raw = screen.raw();
    let odd = raw.iter().position(|byte| *byte >= 0x80);
    let around =
        odd.map(|at| String::from_utf8_lossy(&raw[at.saturating_sub(40)..at + 20]).into_owned());
    assert_eq!(around, None);
    assert!(screen.text().contains("+-"), "{}", screen.text());
}
