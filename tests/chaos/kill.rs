//! `kill -9` at random moments of a running campaign.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::{DIAL, assert_accounted, dice, done, rounds};
use crate::support::deck::{Deck, Running};
use crate::support::lab::Lab;
use crate::support::wait::wait;
use crate::support::wav::Sound;
use crate::support::web::client;

const KILLS: usize = 8;
/// Within which a process that starts has dealt with what a dead one left.
const SOON: Duration = Duration::from_secs(5);

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
    assert_eq!(done(reconciled), [0, 1, 0, 0, 0, 0], "{reconciled}");
    let report = deck.report();
    assert_recorded(number, &report[0]);
    let path = report[0]["recording"].as_str().expect("there is one");
    let summary = line("Call summary").expect("it has ended");
    assert!(summary.ends_with(path), "{summary}");
    lab.assert_nothing_left();
}

/// A conversation, somebody who rings, and the list's rest: of each the next process says what
/// it did, and shows the conversation as what it is.
#[test]
fn after_a_kill_the_conversation_goes_on_and_is_shown_and_whoever_rang_is_hung_up() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("CALL_TIMEOUT", 30)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    let (talks, rings) = ("8608550001", "3055000001");
    deck.list([talks, rings]);
    deck.change("MAX_CC", 2);
    let first = deck.spawn(&DIAL);
    first.wait_for("call.bridged", Duration::from_secs(10));
    first.wait_for("call.ringing", Duration::from_secs(10));
    // A line is told at once, and a picture drawn up a moment later.
    let states = || {
        calls(&first)
            .iter()
            .map(|c| c["state"].clone())
            .collect::<Vec<_>>()
    };
    wait("both in the picture", SOON, || {
        states() == ["bridged", "ringing"]
    });
    let before = of(&calls(&first), talks).clone();
    first.kill();

    let second = deck.spawn(&DIAL);
    second.wait_for(" reconciled ", SOON);
    let told = second.stdout();
    let line = told.lines().find(|line| line.contains(" reconciled "));
    let line = line.expect("it was waited for");
    assert_eq!(done(line), [0, 1, 1, 0, 0, 0], "{line}");
    // Whoever was hung up may take a moment to be gone.
    wait("the one conversation", Duration::from_secs(5), || {
        calls(&second).len() == 1
    });
    let shown = calls(&second);
    let after = of(&shown, talks);
    for same in [
        "number",
        "state",
        "attempt",
        "lead",
        "begun_at",
        "recording",
    ] {
        assert_eq!(after[same], before[same], "{same}: {after}");
    }
    assert!(after["bridged_at"].is_string(), "since when: {after}");
    let ended = second.wait(Duration::from_secs(30));
    let list = [talks, rings].map(str::to_owned);
    let rows = assert_accounted(&lab, &deck, &list, &ended);
    assert_recorded(talks, &rows[talks]);
    assert_eq!(rows[rings]["disposition"], "interrupted");
    lab.assert_nothing_left();
}

/// What `/api/v1/calls` shows.
fn calls(running: &Running) -> Vec<Value> {
    let url = format!("{}/api/v1/calls", running.api());
    let runtime = Runtime::new().expect("a runtime");
    let text = runtime.block_on(async {
        let answer = client().get(url).send().await.expect("an answer");
        answer.text().await.expect("a body")
    });
    let shown: Value = serde_json::from_str(&text).expect("JSON");
    shown.as_array().expect("a list").clone()
}

fn of<'a>(calls: &'a [Value], number: &str) -> &'a Value {
    let found = calls.iter().find(|call| call["number"] == number);
    found.unwrap_or_else(|| panic!("no {number} in {calls:?}"))
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
