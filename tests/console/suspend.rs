//! Ctrl-Z: only while no call is up, and with the terminal given back.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::desk::{BINARY, Desk, LATER, SOON, in_use, is_stopped, numbers, ready, state, wait};
use crate::support::screen::{Modes, Screen, key};

/// A shell with job control that takes commands as they are.
fn shell(desk: &Desk) -> Screen {
    // For the `.env`.
    let folder = desk.deck.command(&[]);
    let mut command = Command::new("bash");
    command
        .args(["--norc", "--noprofile", "--noediting", "-i"])
        .current_dir(folder.get_current_dir().expect("a folder"))
        .env("PS1", "ready> ");
    let screen = Screen::open(&command, 24, 80);
    screen.wait_for("ready>", SOON);
    screen
}

/// The process below `pid` that runs the binary.
fn console_below(pid: u32) -> u32 {
    let children = |pid: u32| {
        let path = format!("/proc/{pid}/task/{pid}/children");
        fs::read_to_string(path).expect("the kernel tells of children")
    };
    let mut pid = pid;
    loop {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).expect("it runs");
        if name.trim() == "dialdeck" {
            return pid;
        }
        let text = children(pid);
        let child = text.split_whitespace().next().expect("a child");
        pid = child.parse().expect("a process id");
    }
}

/// Stops and comes back, several times: a stop that comes too late, when the console has the
/// terminal again, does not show each time.
fn comes_and_goes(screen: &Screen, before: &[String], state_is: &str) {
    let pid = console_below(screen.pid());
    for _ in 0..4 {
        screen.keys(&key::ctrl('z'));
        wait("a stop", SOON, || is_stopped(pid));
        screen.wait_for("Stopped", SOON);
        assert_eq!(screen.modes(), Modes::PLAIN);
        assert_eq!(screen.line_settings(), before);
        screen.keys("fg\r");
        screen.wait_until(state_is, |text| state(text) == state_is, SOON);
        assert!(!is_stopped(pid));
        assert!(screen.modes().alternate_screen && screen.modes().cursor_hidden);
        assert!(screen.modes().bracketed_paste);
        assert!(screen.is_raw());
    }
}

#[test]
fn it_stops_while_no_call_is_up_and_comes_back() {
    let desk = Desk::new(2, &numbers("77", 2));
    let screen = shell(&desk);
    let before = screen.line_settings();
    screen.keys(&format!("{BINARY}\r"));
    screen.wait_until("IDLE", ready, SOON);
    comes_and_goes(&screen, &before, "IDLE");

    screen.keys("s");
    screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
    let pid = console_below(screen.pid());
    screen.keys(&key::ctrl('z'));
    screen.wait_for(
        "not suspended, the engine would stop with it: 2 calls are up",
        SOON,
    );
    std::thread::sleep(Duration::from_millis(500));
    assert!(!is_stopped(pid));

    screen.wait_until("DONE", |text| state(text) == "DONE", LATER);
    comes_and_goes(&screen, &before, "DONE");
    // It is in time with the keys.
    screen.keys("q");
    screen.wait_for("Run 1: DONE, 2 leads, 0 waiting", SOON);
    assert_eq!(screen.line_settings(), before);
}

/// The shell waits for the whole group: a script around the binary must stop with it.
#[test]
fn it_stops_with_the_script_that_started_it() {
    let desk = Desk::new(2, &numbers("77", 2));
    let screen = shell(&desk);
    let before = screen.line_settings();
    screen.keys(&format!("sh -c '{BINARY}; echo over'\r"));
    screen.wait_until("IDLE", ready, SOON);
    comes_and_goes(&screen, &before, "IDLE");
    screen.keys("q");
    screen.wait_for("over", SOON);
}
