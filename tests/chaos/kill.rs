//! `kill -9` at random moments of a running campaign.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::wav::Sound;
use crate::{DIAL, assert_accounted, dice, rounds};

const KILLS: usize = 8;

#[test]
fn killed_at_any_moment_nobody_is_called_twice_and_conversations_keep_their_recording() {
    let lab = Lab::get();
    let mut dice = dice();
    let kills = rounds("DIALDECK_KILLS", KILLS);
    let list = list(&mut dice, if kills > KILLS { kills * 4 } else { 48 });
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 5)
        .set("CALL_TIMEOUT", 2)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list(&list);
    let mut talks = Talks::default();
    for kill in 1..=kills {
        let running = deck.spawn(&DIAL);
        std::thread::sleep(Duration::from_millis(dice.u64(50..2_500)));
        let before = running.stdout();
        assert!(!before.contains("state=DONE"), "done after {kill} kills");
        running.kill();
        // What it said between the two looks counts as well.
        let told = std::fs::read_to_string(deck.path("stdout")).expect("its output is text");
        talks.read(&told);
        talks.crash();
    }
    let ended = deck.run(&DIAL);
    talks.read(&ended.stdout);
    let rows = assert_accounted(&lab, &deck, &list, &ended);
    println!(
        "{kills} kills, {} conversations, {} of them outlived a kill",
        talks.all.len(),
        talks.outlived.len()
    );
    assert!(talks.outlived.len() > kills / 2, "too few to show anything");
    for number in &talks.all {
        assert_recorded(number, &rows[number]);
    }
    lab.assert_nothing_left();
}

#[test]
fn a_conversation_keeps_its_recording_though_the_settings_changed_while_nobody_was_there() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env()).set("TARGET_ENDPOINT", "Local/100@lab");
    let number = "8606550001";
    deck.list([number]);
    let first = deck.spawn(&DIAL);
    first.wait_for("call.bridged", Duration::from_secs(10));
    first.kill();
    deck.change("RECORDING_FORMAT", "gsm");
    let ended = deck.dial();
    let line = |text| ended.stdout.lines().find(|line| line.contains(text));
    let reconciled = line(" reconciled ").expect("it says what it did");
    assert!(
        reconciled.contains("taken_over=1 hung_up=0"),
        "{reconciled}"
    );
    let report = deck.report();
    assert_recorded(number, &report[0]);
    let path = report[0]["recording"].as_str().expect("there is one");
    let summary = line("Call summary").expect("it has ended");
    assert!(summary.ends_with(path), "{summary}");
    lab.assert_nothing_left();
}

/// Mostly people who answer and hang up after some seconds; busy ones, silent ones and wrong
/// numbers among them.
fn list(dice: &mut fastrand::Rng, count: usize) -> Vec<String> {
    let number = |i| match i % 8 {
        0 => format!("1055{i:04}"),
        1 => format!("3055{i:04}"),
        2 => format!("4055{i:04}"),
        _ => format!("86{:02}55{i:04}", dice.u8(3..9)),
    };
    (0..count).map(number).collect()
}

/// The conversations that the dialer told of.
#[derive(Default)]
struct Talks {
    all: BTreeSet<String>,
    up: BTreeSet<String>,
    outlived: BTreeSet<String>,
}

impl Talks {
    fn read(&mut self, log: &str) {
        for line in log.lines() {
            let number = line.split(" number=").nth(1).unwrap_or_default();
            let number = number.split(' ').next().unwrap_or_default();
            if line.contains(" call.bridged ") {
                self.all.insert(number.to_owned());
                self.up.insert(number.to_owned());
            } else if line.contains(" call.ended ") {
                self.up.remove(number);
            }
        }
    }

    fn crash(&mut self) {
        self.outlived.extend(self.up.iter().cloned());
    }
}

/// Its report names a file with the whole of the conversation. The number says how long that
/// was: the callee hangs up.
fn assert_recorded(number: &str, row: &BTreeMap<String, Value>) {
    assert_eq!(row["disposition"], "answered", "{row:?}");
    let path = row["recording"].as_str().unwrap_or_default();
    assert!(!path.is_empty(), "no recording: {row:?}");
    let seconds: f64 = number[2..4].parse().expect("digits");
    let recorded = Sound::read(Path::new(path)).seconds();
    assert!(
        (seconds - 1.0..seconds + 1.0).contains(&recorded),
        "{recorded} s of {seconds} s are recorded: {row:?}"
    );
}
