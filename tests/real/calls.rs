//! Who is called, how each call ends, and what is left afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Witness as _;
use crate::support::deck::Deck;
use crate::support::lab::Lab;

const EACH: u32 = 15;

/// What the carrier does with a number, and what must be reported: disposition, cause,
/// SIP status, who ended it.
struct Fate {
    prefix: &'static str,
    disposition: &'static str,
    cause: u64,
    sip: Option<u64>,
    by: &'static str,
}

const fn fate(
    prefix: &'static str,
    disposition: &'static str,
    cause: u64,
    sip: Option<u64>,
    by: &'static str,
) -> Fate {
    Fate {
        prefix,
        disposition,
        cause,
        sip,
        by,
    }
}

/// The target of this run talks for two seconds and hangs up.
const FATES: [Fate; 7] = [
    fate("10", "busy", 17, Some(486), "carrier"),
    fate("20", "congestion", 34, Some(503), "carrier"),
    fate("30", "no-answer", 19, Some(480), "timer"),
    fate("40", "invalid-number", 1, Some(404), "carrier"),
    fate("50", "rejected", 21, Some(403), "carrier"),
    fate("81", "answered", 16, None, "callee"),
    fate("80", "answered", 16, None, "target"),
];

fn numbers(prefix: &str) -> impl Iterator<Item = String> {
    (0..EACH).map(move |i| format!("{prefix}55{i:04}"))
}

fn check(row: &BTreeMap<String, Value>, fate: &Fate) {
    let number = &row["number"];
    assert_eq!(row["disposition"], fate.disposition, "{number}: {row:?}");
    assert_eq!(row["cause"], fate.cause, "{number}: {row:?}");
    assert_eq!(row["sip_code"].as_u64(), fate.sip, "{number}: {row:?}");
    assert_eq!(row["ended_by"], fate.by, "{number}: {row:?}");
    assert_eq!(row["attempts"], 1, "{number}: {row:?}");
}

#[test]
fn each_number_is_called_once_and_ends_as_the_carrier_ended_it() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 10)
        .set("CALL_TIMEOUT", 3)
        .set("TARGET_ENDPOINT", "Local/101@lab");
    // Mixed, as a list would have them.
    let list: Vec<String> = (0..EACH)
        .flat_map(|i| FATES.iter().map(move |f| format!("{}55{i:04}", f.prefix)))
        .collect();
    deck.list(&list);
    let observer = lab.observe();
    deck.dial();

    let report = deck.report();
    assert_eq!(report.len(), list.len());
    for row in &report {
        let number = row["number"].as_str().expect("a number");
        let fate = FATES.iter().find(|f| number.starts_with(f.prefix));
        check(row, fate.expect("one of the list's"));
    }
    let mut called = lab.called();
    called.sort();
    let mut expected = list;
    expected.sort();
    assert_eq!(called, expected, "the carrier saw each number once");
    let seen = observer.verdict();
    let peak = seen["peak_cc"].as_u64().expect("a count");
    assert!(
        (9..=10).contains(&peak),
        "at most 10 at once, and use of it: {seen}"
    );
    lab.assert_nothing_left();
}

#[test]
fn a_busy_target_gives_abandoned_at_once() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 10)
        .set("PAUSE_AFTER_ABANDONED", 0)
        .set("TARGET_ENDPOINT", "Local/102@lab");
    deck.list(numbers("80"));
    deck.dial();
    for row in deck.report() {
        assert_eq!(row["disposition"], "abandoned", "{row:?}");
        assert_eq!(row["cause"], 17, "{row:?}");
        assert_eq!(row["ended_by"], "target", "{row:?}");
        let held = between(&row, "answered_at", "ended_at");
        assert!(held < 0.5, "nobody is kept in silence: {held} s");
    }
    lab.assert_nothing_left();
}

#[test]
fn a_target_that_fails_or_is_missing_or_silent_gives_abandoned() {
    let lab = Lab::get();
    for (target, by, longest) in [
        ("Local/103@lab", "target", 0.5),
        ("Local/110@lab", "target", 0.5),
        ("Local/199@lab", "target", 0.5),
        ("Local/104@lab", "timer", 3.0),
        ("PJSIP/40550001@mytrunk", "target", 0.5),
    ] {
        for staged in ["yes", "no"] {
            let mut deck = Deck::new(lab.env())
                .set("TARGET_ENDPOINT", target)
                .set("TARGET_TIMEOUT", 2)
                .set("STAGE_TARGET", staged);
            deck.list(["82550001"]);
            deck.dial();
            let row = &deck.report()[0];
            assert_eq!(row["disposition"], "abandoned", "{target} {row:?}");
            assert_eq!(row["ended_by"], by, "{target} staged={staged} {row:?}");
            let held = between(row, "answered_at", "ended_at");
            assert!(held < longest, "{target} staged={staged}: {held} s");
        }
    }
    lab.assert_nothing_left();
}

#[test]
fn a_conversation_is_not_cut_and_a_limit_is_kept() {
    let lab = Lab::get();
    let mut long = Deck::new(lab.env()).set("TARGET_ENDPOINT", "Local/100@lab");
    // The carrier talks for 90 seconds and hangs up.
    long.list(["8690550001"]);
    let mut limited = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("MAX_CALL_SECONDS", 5)
        .set("STASIS_APP", "limited");
    limited.list(["80550001"]);
    let running = long.spawn(&["--headless", "--start", "--exit-when-done"]);
    limited.dial();
    assert_eq!(running.wait(Duration::from_secs(120)).code, Some(0));

    let row = &long.report()[0];
    assert_eq!(row["ended_by"], "callee", "{row:?}");
    let talked = row["talk_seconds"].as_f64().expect("seconds");
    assert!((89.5..91.0).contains(&talked), "{talked}");

    let row = &limited.report()[0];
    assert_eq!(row["disposition"], "answered", "{row:?}");
    assert_eq!(row["ended_by"], "timer", "{row:?}");
    let talked = row["talk_seconds"].as_f64().expect("seconds");
    assert!((4.9..6.0).contains(&talked), "{talked}");
    lab.assert_nothing_left();
}

#[test]
fn the_target_sees_the_customer_s_number_in_every_order_and_over_every_technology() {
    let lab = Lab::get();
    for target in ["Local/777@default", "Local/100@lab", "PJSIP/agent"] {
        for staged in ["yes", "no"] {
            lab.clear_witnesses();
            let mut deck = Deck::new(lab.env())
                .set("TARGET_ENDPOINT", target)
                .set("CALLER_ID", "Sales <4930550000>")
                .set("STAGE_TARGET", staged);
            deck.list(["83550042"]);
            deck.dial();
            assert_eq!(deck.report()[0]["disposition"], "answered", "{target}");
            let seen = lab.seen_by_targets();
            assert!(!seen.is_empty(), "{target} saw nobody");
            for (who, caller) in seen {
                assert_eq!(caller, "83550042", "{target} staged={staged}: {who}");
            }
        }
    }
    lab.assert_nothing_left();
}

/// Seconds between two times of a row.
pub(super) fn between(row: &BTreeMap<String, Value>, from: &str, to: &str) -> f64 {
    let time = |name: &str| -> jiff::Timestamp {
        row[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {row:?}"))
            .parse()
            .expect("RFC 3339")
    };
    (time(to) - time(from))
        .total(jiff::Unit::Second)
        .expect("seconds have no calendar")
}

#[test]
fn the_agent_behind_an_answered_queue_and_early_media_are_told() {
    for staged in ["yes", "no"] {
        the_agent_and_early_media_are_told(staged);
    }
}

fn the_agent_and_early_media_are_told(staged: &str) {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/107@lab")
        .set("STAGE_TARGET", staged)
        .set("MAX_CC", 2)
        .set("CALL_TIMEOUT", 3)
        .set("MAX_CALL_SECONDS", 2);
    deck.list(["80557001", "70557002"]);
    let ended = deck.dial();
    assert!(ended.stdout.contains("call.agent"), "{}", ended.stdout);
    let report = deck.report();
    let (talked, silent) = (&report[0], &report[1]);
    let seconds = |name: &str| talked[name].as_f64().expect(name);
    let agent = talked["agent"].as_str().expect("an agent");
    assert!(
        agent.contains('/') && !agent.ends_with(char::is_numeric),
        "{agent}"
    );
    let sum = seconds("wait_seconds") + seconds("talk_seconds");
    let bridged = seconds("dead_air_ms") / 1000.0 + 2.0;
    assert!((sum - bridged).abs() < 0.5, "{sum}, {bridged}");
    assert!(talked["agent_at"].is_string());
    assert_eq!(silent["disposition"], "no-answer");
    assert!(silent["early_media_at"].is_string(), "{silent:?}");
    assert!(silent["ringing_at"].is_null(), "{silent:?}");
}
