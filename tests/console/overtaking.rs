//! A list that takes long to be read, and keys that do not wait for it.

use std::fs;
use std::io::Write;
use std::process::Command;

use super::attach::{attach, engine};
use super::desk::{Desk, LATER, SOON, confirm, numbers, state, whole};
use crate::support::screen::Screen;

/// Presses New Run while the list is a pipe into which nobody writes yet.
fn begins_a_slow_run(desk: &Desk, screen: &Screen) {
    screen.keys("s");
    screen.wait_until("the end", |text| state(text) == "DONE", LATER);
    let list = desk.deck.path("numbers.txt");
    fs::remove_file(&list).expect("it is ours");
    let made = Command::new("mkfifo").arg(&list).status();
    assert!(made.expect("mkfifo runs").success());
    screen.keys("n");
    whole(screen, "AGAIN");
    confirm(screen);
    screen.wait_for("new run…", SOON);
}

/// Pauses while the list is read, which then ends: nobody is dialed.
fn pause_goes_ahead(desk: &Desk, screen: &Screen) {
    let before = desk.placed();
    begins_a_slow_run(desk, screen);
    screen.keys("p");
    // The answer comes while the list is still being read.
    screen.wait_for("the start whose list is being read is not done", SOON);
    // It waits in the pipe until the list is read, which nothing but this ends.
    let mut list = fs::OpenOptions::new()
        .write(true)
        .open(desk.deck.path("numbers.txt"))
        .expect("somebody reads it");
    for number in numbers("10", 2) {
        writeln!(list, "{number}").expect("it is read");
    }
    drop(list);
    screen.wait_for("while the list was read", SOON);
    assert_eq!(state(&screen.text()), "DONE");
    assert_eq!(desk.placed(), before + 2, "the first run's alone");
    screen.keys("a");
    whole(screen, "new run");
}

#[test]
fn a_pause_overtakes_a_new_run_whose_list_is_being_read() {
    let desk = Desk::new(2, &numbers("10", 2));
    let screen = desk.open((48, 160));
    pause_goes_ahead(&desk, &screen);
}

#[test]
fn so_it_does_from_an_attached_console() {
    let desk = Desk::new(2, &numbers("10", 2));
    let (_engine, url) = engine(&desk);
    let screen = attach(&desk, &url, &[], (48, 160));
    pause_goes_ahead(&desk, &screen);
}
