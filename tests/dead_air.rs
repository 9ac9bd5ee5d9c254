//! How long a person who has answered hears nothing, beside what Asterisk itself needs.
//!
//! A machine that is short of processor time adds to these times and never takes from them, so
//! each is asked of the best of a few rounds, of which the first is enough on an idle machine. A
//! dialer that is slow is slow in every one of them. What must be true of each call is asked of
//! each round.

use std::io::Write as _;

use serde_json::Value;

use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::machine::{Lateness, watching_the_machine};

/// Numbers that answer after 0.3 s and talk for a second.
const SHORT: &str = "8355";
/// Numbers that answer and talk for ten seconds. Fifty short ones at once are so many calls
/// a second that a starved machine's Asterisk lets people wait until they have left again: a
/// measurement of the machine. What is asked here is fifty at once.
const LONGER: &str = "8610";
/// Noise of a minute or two may spoil as many rounds less one.
const ROUNDS: usize = 3;

fn campaign(lab: &Lab, count: u32, max_cc: u32, prefix: &str) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", max_cc)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list((0..count).map(|i| format!("{prefix}{i:05}")));
    deck
}

/// What came of a round of calls.
#[derive(Debug)]
struct Round {
    /// What Asterisk saw.
    seen: Value,
    recordings: usize,
}

/// Dials `count` numbers, and judges what must be true however slow the machine is: nothing is
/// left, and whom the report calls answered, Asterisk saw bridged.
fn dialed(lab: &Lab, count: u32, max_cc: u32, prefix: &str) -> Round {
    let deck = campaign(lab, count, max_cc, prefix);
    let observer = lab.observe();
    deck.dial();
    let seen = observer.verdict();
    assert_eq!(seen["calls"], count, "each number once: {seen}");
    assert_eq!(seen["left_up"], 0, "{seen}");
    let peak = seen["peak_cc"].as_u64();
    assert!(peak <= Some(max_cc.into()), "over MAX_CC: {seen}");
    let report = deck.report();
    let ended = |how| {
        report
            .iter()
            .filter(|row| row["disposition"] == how)
            .count()
    };
    let (answered, abandoned) = (ended("answered"), ended("abandoned"));
    assert_eq!(seen["bridged"], answered, "{seen}");
    assert_eq!(seen["answered"], answered + abandoned, "{seen}");
    lab.assert_nothing_left();
    let recordings = deck.recordings().len();
    Round { seen, recordings }
}

/// Between an answer and the bridge Asterisk and Dialdeck wake each other several times, and
/// Asterisk by itself doesn't: wakings of one of the two by the other, until both are bridged,
/// of each of two requests side by side and of each of their events, and as many again for
/// whoever carries them out.
const WAKINGS: f64 = 8.0;

/// Plays rounds until one is as good as is asked.
fn best_of_a_few(mut round: impl FnMut() -> Result<(), String>) {
    let mut faults = Vec::new();
    while let Err(fault) = round() {
        show(&fault);
        faults.push(fault);
        assert!(faults.len() < ROUNDS, "in no round: {faults:#?}");
    }
}

#[test]
fn dead_air_is_near_what_asterisk_needs_by_itself() {
    let _alone = crate::alone();
    let lab = Lab::quiet();
    best_of_a_few(|| {
        let observer = lab.observe();
        lab.baseline(300, 20, "83990000");
        let asterisk = observer.verdict();
        let (round, late) = watching_the_machine(|| dialed(&lab, 300, 20, SHORT));
        let dialdeck = &round.seen;
        show(&format!(
            "Asterisk by itself: {asterisk}\nDialdeck:           {dialdeck}\n{late:?}"
        ));
        all_are_served(&round, 300)?;
        is_near(dialdeck, &asterisk, &late)
    });
}

fn all_are_served(round: &Round, count: usize) -> Result<(), String> {
    if round.seen["bridged"] == count && round.recordings == count {
        Ok(())
    } else {
        Err(format!("not everybody was bridged and recorded: {round:?}"))
    }
}

fn is_near(dialdeck: &Value, asterisk: &Value, late: &Lateness) -> Result<(), String> {
    let ms = |of: &Value, which: &str| of["dead_air_ms"][which].as_f64().expect("milliseconds");
    let (ours, theirs) = (ms(dialdeck, "p50"), ms(asterisk, "p50"));
    if ours > theirs + 5.0 + WAKINGS * late.p50 {
        return Err(format!("median {ours} ms beside {theirs} ms, {late:?}"));
    }
    let (ours, theirs) = (ms(dialdeck, "p99"), ms(asterisk, "p99"));
    if ours > theirs * 4.0 + WAKINGS * late.p99 {
        return Err(format!("p99 {ours} ms beside {theirs} ms, {late:?}"));
    }
    Ok(())
}

#[test]
fn fifty_at_once_are_all_bridged_and_nothing_is_left() {
    let _alone = crate::alone();
    let lab = Lab::quiet();
    best_of_a_few(|| {
        let round = dialed(&lab, 150, 50, LONGER);
        show(&format!("Fifty at once:      {}", round.seen));
        if round.seen["peak_cc"] != 50 {
            return Err(format!("not fifty at once: {}", round.seen));
        }
        all_are_served(&round, 150)
    });
}

/// Figures are for a reader of every run, passed or not: past the test runner's capture.
fn show(figures: &str) {
    // Without a standard error there is no reader.
    let _ = writeln!(std::io::stderr(), "\n{figures}");
}
