//! The log of whole campaigns as JSON: on the disk, where it is put aside meanwhile, and without
//! a console on standard output.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::desk::{Desk, LATER, SOON, numbers, state, wait};
use crate::support::numbers::mixed;

/// `LOG_MAX_MB` can't be less.
const MOST: usize = 1_000_000;
/// What a log of before has in it.
const BEFORE: &str = r#"{"event":"before"}"#;

/// With a log folder in which an earlier process has left a log that is nearly full, and two
/// that were put aside, which is as many as are kept.
fn desk(list: &[String]) -> Desk {
    let mut desk = Desk::new(20, list);
    for (name, value) in [
        ("LOG_FILE", "log/d.log"),
        ("LOG_FORMAT", "json"),
        ("LOG_MAX_MB", "1"),
        ("LOG_KEEP", "2"),
    ] {
        desk.deck.change(name, value);
    }
    let log = desk.deck.path("log");
    fs::create_dir(&log).expect("the folder is ours");
    let nearly_full = format!("{BEFORE}\n").repeat((MOST - 60_000) / (BEFORE.len() + 1));
    for (name, text) in [
        ("d.log", nearly_full.as_str()),
        ("d.log.1", "one\n"),
        ("d.log.2", "two\n"),
    ] {
        fs::write(log.join(name), text).expect("the folder is ours");
    }
    desk
}

/// The names in the log folder, and what they have.
fn files(desk: &Desk) -> BTreeMap<String, String> {
    let entries = fs::read_dir(desk.deck.path("log")).expect("it is there");
    let file = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("text");
        (entry.file_name().to_string_lossy().into_owned(), text)
    };
    entries
        .map(|entry| file(entry.expect("readable")))
        .collect()
}

#[test]
fn a_log_that_is_put_aside_amid_a_campaign_loses_and_parts_no_line() {
    let list = mixed(&["10", "20", "40", "50"], 240);
    let desk = desk(&list);
    let mut screen = desk.open((24, 80));
    screen.keys("s");
    screen.wait_until("DONE", |text| state(text) == "DONE", LATER * 3);
    screen.keys("q");
    assert_eq!(screen.wait(SOON), Some(0));

    let files = files(&desk);
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(names, ["d.log", "d.log.1", "d.log.2"]);
    assert_eq!(files["d.log.2"], "one\n", "what was the second oldest");
    let [older, newer] = [&files["d.log.1"], &files["d.log"]];
    assert!(
        (MOST - 2000..=MOST).contains(&older.len()),
        "{}",
        older.len()
    );
    assert!(newer.ends_with('\n') && !newer.contains(BEFORE), "{newer}");
    let made = fs::metadata(desk.deck.path("log/d.log")).expect("it is there");
    assert_eq!(made.permissions().mode() & 0o077, 0, "people's numbers");

    let told = older.lines().chain(newer.lines());
    let ended = ended(told.filter(|line| *line != BEFORE));
    let each_once = list.into_iter().map(|number| (number, 1)).collect();
    assert_eq!(ended, each_once);
}

#[test]
fn without_a_console_every_line_from_the_start_to_the_stop_is_an_object() {
    let list = [numbers("77", 2), numbers("10", 6), numbers("80", 1)].concat();
    let mut desk = Desk::new(3, &list);
    desk.deck.change("LOG_FORMAT", "json");
    let engine = desk.deck.spawn(&["--headless", "--start"]);
    // The last one talks on.
    let recorded = "\"recording.saved\"";
    wait("two recordings", LATER, || {
        engine.stdout().matches(recorded).count() == 2
    });
    engine.signal("HUP");
    engine.wait_for("reload", SOON);
    engine.signal("TERM");
    engine.wait_for("\"SIGTERM\"", SOON);
    engine.signal("TERM");
    let over = engine.wait(SOON);
    assert_eq!((over.code, over.stderr.as_str()), (Some(0), ""));
    let each_once = list.into_iter().map(|number| (number, 1)).collect();
    assert_eq!(ended(over.stdout.lines()), each_once);
    for event in ["link.up", "state", "call.bridged", "command", "summary"] {
        let told = format!("\"event\":\"{event}\"");
        assert!(over.stdout.contains(&told), "no {told}: {}", over.stdout);
    }
}

/// How often each number's call ended, by lines that all are whole and in their order.
fn ended<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<String, u32> {
    let (mut ended, mut last) = (BTreeMap::new(), String::new());
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        for name in ["time", "level", "target", "event"] {
            assert_ne!(text(name), "", "no {name}: {line}");
        }
        assert!(text("time") >= last, "out of its order: {line}");
        last = text("time");
        if text("event") == "call.ended" {
            *ended.entry(text("number")).or_default() += 1;
        }
    }
    ended
}
