//! What a crash does, and what it must not do.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Witness as _;
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::wait::wait;

const PREFIXES: [&str; 7] = ["10", "20", "30", "40", "50", "81", "80"];

fn campaign(lab: &Lab) -> (Deck, Vec<String>) {
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 10)
        .set("CALL_TIMEOUT", 3)
        .set("TARGET_ENDPOINT", "Local/101@lab");
    let list: Vec<String> = (0..120)
        .map(|i| format!("{}55{i:04}", PREFIXES[i % PREFIXES.len()]))
        .collect();
    deck.list(&list);
    (deck, list)
}

#[test]
fn killed_in_the_middle_nobody_is_called_twice_and_nobody_is_forgotten() {
    let lab = Lab::get();
    let (deck, list) = campaign(&lab);
    let first = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    first.wait_for("number=10550049", Duration::from_secs(60));
    first.kill();
    assert!(
        !lab.channel_ids().is_empty(),
        "calls were up when it was killed"
    );

    let killed = Instant::now();
    let second = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    // Ids of the dead process: what the second one makes carries later attempts.
    second.wait_for("link.up", Duration::from_secs(5));
    let dead: BTreeSet<String> = lab.channel_ids().into_iter().collect();
    while lab.channel_ids().iter().any(|id| dead.contains(id)) {
        assert!(killed.elapsed() < Duration::from_secs(5), "{dead:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(second.wait(Duration::from_secs(120)).code, Some(0));

    let mut called = lab.called();
    called.sort();
    called
        .windows(2)
        .for_each(|w| assert_ne!(w[0], w[1], "called twice"));
    let report = deck.report();
    assert_eq!(report.len(), list.len());
    for row in &report {
        let disposition = row["disposition"].as_str().expect("each has one");
        assert!(!disposition.is_empty(), "{row:?}");
    }
    lab.assert_nothing_left();
}

#[test]
fn a_second_engine_on_the_journal_is_refused_and_disturbs_nothing() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env()).set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list(["8603550001"]);
    let first = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    first.wait_for("call.bridged", Duration::from_secs(10));
    let second = deck.run(&["--headless", "--start", "--exit-when-done"]);
    assert_eq!(second.code, Some(3), "{}", second.stderr);
    assert!(
        second.stderr.contains("Another engine"),
        "{}",
        second.stderr
    );
    assert_eq!(first.wait(Duration::from_secs(20)).code, Some(0));
    assert_eq!(lab.called().len(), 1);
    lab.assert_nothing_left();
}

#[test]
fn a_second_dialer_on_the_same_application_is_refused() {
    let lab = Lab::get();
    let mut first = Deck::new(lab.env()).set("TARGET_ENDPOINT", "Local/100@lab");
    first.list(["8603550001"]);
    let running = first.spawn(&["--headless", "--start", "--exit-when-done"]);
    running.wait_for("call.bridged", Duration::from_secs(10));
    let mut other = Deck::new(lab.env()).set("TARGET_ENDPOINT", "Local/100@lab");
    other.list(["10550001"]);
    let ended = other.run(&["--headless", "--start", "--exit-when-done"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("--take-over"), "{}", ended.stderr);
    assert_eq!(running.wait(Duration::from_secs(20)).code, Some(0));
    assert_eq!(lab.called(), ["8603550001"]);
    lab.assert_nothing_left();
}

#[test]
fn a_second_sigterm_hangs_up_what_the_first_would_have_waited_for() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env()).set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list(["80550001", "80550002"]);
    let running = deck.spawn(&["--headless", "--start"]);
    running.wait_for("call.bridged", Duration::from_secs(10));
    running.signal("TERM");
    running.wait_for("state=DRAINING", Duration::from_secs(5));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(lab.channels_of("mytrunk"), 1, "the call goes on");
    running.signal("TERM");
    let ended = running.wait(Duration::from_secs(10));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report = deck.report();
    assert_eq!(report[0]["ended_by"], "operator", "{:?}", report[0]);
    assert_eq!(
        report[1]["disposition"].as_str().unwrap_or(""),
        "",
        "it waits"
    );
    lab.assert_nothing_left();
}

#[test]
fn nobody_talked_longer_than_the_recording_where_a_callee_left_between_two_processes() {
    let lab = Lab::get();
    let deck = Deck::new(lab.env())
        .set("OUTBOUND_NUMBER", "8603557001")
        .set("TARGET_ENDPOINT", "Local/100@lab");
    let first = deck.spawn(&["--headless", "--start"]);
    first.wait_for("call.bridged", Duration::from_secs(20));
    // What is told may not be on the disk yet.
    wait("the bridge on the disk", Duration::from_secs(20), || {
        let rows = deck.report();
        rows.first()
            .is_some_and(|row| row["bridged_at"].is_string())
    });
    first.kill();
    // The callee leaves after three seconds, and nobody is there to see it.
    let until = Instant::now() + Duration::from_secs(20);
    while lab.channels_of("mytrunk") > 0 {
        assert!(Instant::now() < until, "the callee stays");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The time that a dialer would count in if it took its own start for the end.
    std::thread::sleep(Duration::from_secs(2));
    let ended = deck.run(&["--headless", "--exit-when-done"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let row = &deck.report()[0];
    let talked = row["talk_seconds"].as_f64().expect("its recording tells");
    assert!((2.0..3.5).contains(&talked), "{row:?}");
}
