//! The journal on a full disk.

use std::thread;
use std::time::Duration;

use super::{Rig, SOON, get, until};
use crate::support::deck::Running;
use crate::support::numbers::mixed;

const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];

/// Two kinds that talk for two seconds, one that is busy, one that does not exist.
fn campaign() -> Rig {
    let list = mixed(&["80", "10", "40", "74"], 48);
    Rig::new(list, &[("STATE_FILE", "disk/dialdeck.db")])
}

/// Starts, and fills the disk when a third of the list has been called and people talk.
/// It returns when the dialer has noticed.
fn on_a_full_disk(rig: &Rig) -> Running {
    let process = rig.deck.spawn(&DIAL);
    until(&process, "calls", |now| {
        rig.placed() >= rig.list.len() / 3 && now["calls"]["in_use"].as_u64() >= Some(4)
    });
    rig.disk.fill();
    until(&process, "full disk", |now| now["journal"]["well"] == false);
    process
}

#[test]
fn on_a_full_disk_nobody_is_dialed_calls_go_on_and_room_is_noticed() {
    let rig = campaign();
    let process = on_a_full_disk(&rig);
    process.wait_for("the journal cannot be written: the disk is full", SOON);
    let held = until(&process, "reason", |now| now["waiting_for"] == "journal");
    assert_eq!(held["state"], "DIALING", "a condition is no state");
    assert_eq!(held["journal"]["why"], "the disk is full");
    let (code, why) = get(&process, "/readyz");
    assert_eq!(code, 503, "{why}");
    assert!(why.contains("full"), "{why}");

    // An attempt that was durable before may still be on its way.
    thread::sleep(Duration::from_millis(300));
    let placed = rig.placed();
    assert!(placed < rig.list.len(), "it was noticed too late to tell");
    until(&process, "end of the calls", |now| {
        now["calls"]["in_use"] == 0
    });
    thread::sleep(Duration::from_secs(3));
    assert_eq!(rig.placed(), placed, "dialed without a journal");
    // The ends of those calls still wait to be written.
    assert!(journal_lag(&process) >= 3.0);
    assert!(rig.asterisk.channels().is_empty(), "the calls have ended");

    rig.disk.make_room();
    let ended = process.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let dispositions = rig.check();
    let kinds = ["answered", "busy", "invalid-number", "answered"];
    let expected: Vec<&str> = kinds.into_iter().cycle().take(rig.list.len()).collect();
    assert_eq!(dispositions, expected);
    for row in rig.deck.report() {
        if row["disposition"] == "answered" {
            let talked = row["talk_seconds"].as_f64().expect("they talked");
            assert!(talked > 1.9, "cut short: {row:?}");
        }
    }
}

#[test]
fn killed_on_a_full_disk_it_calls_nobody_again() {
    let rig = campaign();
    let process = on_a_full_disk(&rig);
    until(&process, "end of the calls", |now| {
        now["calls"]["in_use"] == 0
    });
    process.kill();
    rig.disk.make_room();
    let ended = rig.deck.dial();
    assert_eq!(ended.code, Some(0));
    let interrupted = rig.check().iter().filter(|d| *d == "interrupted").count();
    // Whose end had no room any more: by then Asterisk knew them no more.
    assert!(interrupted <= 6, "{interrupted} interrupted");
}

#[test]
fn told_to_end_on_a_full_disk_it_ends_and_says_what_was_not_written() {
    let rig = campaign();
    let process = on_a_full_disk(&rig);
    process.signal("TERM");
    let ended = process.wait(SOON);
    assert_eq!(ended.code, Some(1), "{}\n{}", ended.stderr, ended.stdout);
    let said = "could not be written before the end: the disk is full";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    rig.disk.make_room();
    rig.deck.dial();
    rig.check();
}

#[test]
fn without_room_for_a_journal_it_says_so_and_dials_nobody() {
    let rig = campaign();
    rig.disk.fill();
    let ended = rig.deck.run(&DIAL);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for word in ["disk is full", "STATE_FILE", "disk/dialdeck.db"] {
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
    assert_eq!(rig.placed(), 0);
    rig.disk.make_room();
    rig.deck.dial();
    rig.check();
}

#[test]
fn after_a_death_on_a_full_disk_it_ends_the_old_calls_and_waits_for_room() {
    let rig = campaign();
    let process = rig.deck.spawn(&DIAL);
    until(&process, "calls", |_| rig.placed() >= rig.list.len() / 3);
    process.kill();
    rig.disk.fill();
    let process = rig.deck.spawn(&DIAL);
    // What the dead process had in its WAL is moved into the database first, and leaves room
    // for some calls.
    until(&process, "full disk", |now| now["journal"]["well"] == false);
    thread::sleep(Duration::from_millis(300));
    let placed = rig.placed();
    assert!(placed < rig.list.len(), "it was noticed too late to tell");
    until(&process, "end of the old calls", |now| {
        now["calls"]["in_use"] == 0 && rig.asterisk.channels().is_empty()
    });
    thread::sleep(Duration::from_secs(2));
    assert_eq!(rig.placed(), placed, "dialed without a journal");
    // The ends of those calls still wait to be written.
    assert!(journal_lag(&process) >= 2.0);
    rig.disk.make_room();
    let ended = process.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    rig.check();
}

/// For how many seconds something has waited to be written.
fn journal_lag(process: &Running) -> f64 {
    let (_, metrics) = get(process, "/metrics");
    let lag = metrics
        .lines()
        .find_map(|line| line.strip_prefix("dialdeck_journal_lag_seconds "));
    lag.and_then(|lag| lag.parse().ok()).expect("a number")
}
