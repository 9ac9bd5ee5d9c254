//! Crashes, restarts, signals and a bad network while a campaign runs: nobody is called twice,
//! nobody is forgotten, nothing is left behind.
//!
//! Each test runs with a few rounds here and with many by `tests/long`.

#![expect(
    clippy::print_stdout,
    reason = "a failing run is repeated by what it printed, and figures are worth a look"
)]

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::support::deck::{Deck, Ended};
use crate::support::lab::Lab;
use serde_json::Value;

/// The command line of a campaign that ends with its list.
const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];

/// How many rounds a test has: `few`, unless the variable says otherwise.
fn rounds(variable: &str, few: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("a number of rounds"),
        Err(_) => few,
    }
}

/// Random moments, the same for the same seed: `DIALDECK_SEED`, or 1.
fn dice() -> fastrand::Rng {
    let seed = rounds("DIALDECK_SEED", 1) as u64;
    println!("DIALDECK_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// The campaign went well, each number was called at most once and is accounted for. Gives
/// the report by number.
fn assert_accounted(
    lab: &Lab,
    deck: &Deck,
    list: &[String],
    ended: &Ended,
) -> BTreeMap<String, BTreeMap<String, Value>> {
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let mut called: Vec<String> = lab.carrier_calls().into_iter().map(|c| c.callee).collect();
    called.sort();
    let twice: Vec<_> = called.windows(2).filter(|w| w[0] == w[1]).collect();
    assert!(twice.is_empty(), "called twice: {twice:?}");
    let report = deck.report();
    let word = |row: &BTreeMap<String, Value>, name: &str| {
        row[name].as_str().unwrap_or_default().to_owned()
    };
    let rows: BTreeMap<_, _> = report
        .into_iter()
        .map(|row| (word(&row, "number"), row))
        .collect();
    assert_eq!(rows.len(), list.len());
    for number in list {
        let row = rows.get(number).expect("each number has a row");
        assert!(!word(row, "disposition").is_empty(), "forgotten: {row:?}");
    }
    rows
}

/// When a line of the dialer's output was written.
fn time_of(line: &str) -> Option<SystemTime> {
    let time: jiff::Timestamp = line.split(' ').next()?.parse().ok()?;
    Some(time.into())
}

/// What a `reconciled` line says that was done: calls that go on, that were taken over, hung up,
/// may still come, had ended unheard, and strays that were taken down.
fn done(line: &str) -> [u32; 6] {
    let all = [
        "going_on",
        "taken_over",
        "hung_up",
        "awaited",
        "ended",
        "strays",
    ];
    all.map(|what| {
        let value = line
            .split(' ')
            .find_map(|pair| pair.strip_prefix(what)?.strip_prefix('='));
        let value = value.unwrap_or_else(|| panic!("no {what} in {line}"));
        value.parse().expect("a count")
    })
}

mod kill;
mod moved;
mod network;
mod replaced;
mod restart;
mod signals;
mod slow;
mod soak;
