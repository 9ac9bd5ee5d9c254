//! Calls that phones transfer, panels move elsewhere and carriers redirect, and channels that
//! nobody asked for.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::Witness as _;
use crate::support::deck::Deck;
use crate::support::lab::{Lab, Node};
use crate::support::phone::{Phone, Script, Side};
use crate::support::wait::wait;
use crate::support::wav::Sound;
use serde_json::Value;

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_secs(20);

/// The row of a number.
fn row<'r>(report: &'r [BTreeMap<String, Value>], number: &str) -> &'r BTreeMap<String, Value> {
    let mut rows = report.iter().filter(|row| row["number"] == number);
    rows.next().unwrap_or_else(|| panic!("no row of {number}"))
}

/// How it ended, and by whom.
fn how(row: &BTreeMap<String, Value>) -> [&str; 2] {
    ["disposition", "ended_by"].map(|of| row[of].as_str().unwrap_or_default())
}

fn path_of(row: &BTreeMap<String, Value>) -> &str {
    row["recording"].as_str().expect("it was recorded")
}

fn talked(row: &BTreeMap<String, Value>) -> f64 {
    row["talk_seconds"].as_f64().expect("a figure")
}

/// Customers, by what their agent does.
const BLIND: &str = "79000001";
const ATTENDED: &str = "79000002";
const TO_ONE_WHO_LEAVES: &str = "79000003";
const BY_CALLEE: &str = "79000004";
/// Whom the callee transfers to, by a trunk that lets him.
const RECEIVED: &str = "79990001";
const NOT_TRANSFERRED: &str = "79000005";

/// A customer talks on to whom the agent gave the call, for as long as he likes; the recording
/// goes on; and where the other one leaves, the customer is hung up.
#[test]
fn a_transferred_call_goes_on_with_whom_it_was_given_to() {
    let lab = Lab::get();
    let (carrier, agent) = (Phone::carrier(&lab), Phone::agent(&lab));
    let stays = Script::new().answer().wait(4 * SECOND).bye();
    carrier.on("7900", stays);
    carrier.on(RECEIVED, Script::new().answer());
    carrier.on(
        BY_CALLEE,
        Script::new()
            .answer()
            .wait(2 * SECOND)
            .refer(RECEIVED)
            .transferred(),
    );
    let talks = || Script::new().answer().wait(SECOND);
    agent.on(BLIND, talks().refer("100").transferred().bye());
    let asks = talks().consult("100").refer_to_consulted();
    agent.on(ATTENDED, asks.transferred().bye());
    agent.on(TO_ONE_WHO_LEAVES, talks().refer("101").transferred().bye());
    let mut deck = Deck::new(lab.env())
        .set("ARI_TRUNK", "scripted-open")
        .set("TARGET_ENDPOINT", "PJSIP/scripted-agent")
        .set("MAX_CC", 5)
        .set("MAX_CALL_SECONDS", 8);
    let all = [
        BLIND,
        ATTENDED,
        TO_ONE_WHO_LEAVES,
        BY_CALLEE,
        NOT_TRANSFERRED,
    ];
    deck.list(all);
    let ended = deck.dial();

    let report = deck.report();
    let told = |number| how(row(&report, number));
    for number in [BLIND, ATTENDED, NOT_TRANSFERRED] {
        assert_eq!(told(number), ["answered", "callee"], "{number}");
    }
    assert_eq!(told(TO_ONE_WHO_LEAVES), ["answered", "target"]);
    assert_eq!(told(BY_CALLEE), ["answered", "timer"]);
    let given_to = |number| row(&report, number)["transferred_to"].as_str();
    assert_eq!(given_to(BLIND), Some("100@lab-transfers"));
    assert_eq!(given_to(ATTENDED), Some("attended transfer"));
    assert_eq!(given_to(NOT_TRANSFERRED), None);
    let moves = |number: &str, by: &str, to: &str| {
        let mut lines = ended.stdout.lines();
        let told = format!("number={number} by=\"{by}\" to={to}");
        lines.any(|line| line.contains("call.transferred") && line.ends_with(&told))
    };
    assert!(moves(BLIND, "leg B", "100@lab-transfers"));
    assert!(moves(TO_ONE_WHO_LEAVES, "leg B", "101@lab-transfers"));
    let received = format!("{RECEIVED}@lab-outward");
    assert!(moves(BY_CALLEE, "leg A", &received), "{}", ended.stdout);
    // Both parts of his call are in one recording: before the transfer, and after it.
    let recorded = Sound::read(Path::new(path_of(row(&report, BY_CALLEE)))).seconds();
    assert!(recorded > 6.5, "{recorded} s of 8: {}", ended.stdout);
    // Nobody was hung up by the dialer while he talked: the phones say who ended the calls.
    for number in [BLIND, ATTENDED, NOT_TRANSFERRED] {
        let call = carrier.call(number);
        assert_eq!(call.ended_by(), Some(Side::Phone), "{:#?}", call.story());
        assert!(
            talked(row(&report, number)) > 3.5,
            "{:?}",
            row(&report, number)
        );
    }
    for number in all {
        assert_eq!(carrier.rung(number), 1, "{number}");
        assert!(
            Path::new(path_of(row(&report, number))).is_file(),
            "{number}"
        );
    }
    lab.assert_nothing_left();
}

/// What a panel moves elsewhere is let go: it goes on there, its slot is free, nobody hangs it
/// up, not at the end of the engine either, and the report says so.
#[test]
fn a_leg_that_was_moved_elsewhere_is_let_go() {
    let lab = Lab::get();
    let (carrier, agent) = (Phone::carrier(&lab), Phone::agent(&lab));
    let mut deck = Deck::new(lab.env())
        .set("ARI_TRUNK", "scripted")
        .set("TARGET_ENDPOINT", "PJSIP/scripted-agent")
        .set("MAX_CC", 2);
    let [leg_a, leg_b, both] = ["79100001", "79100002", "79100003"];
    deck.list([leg_a, leg_b, both]);
    let running = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    let bridged = |count: usize| {
        let what = format!("{count} conversations");
        running.wait_until(&what, SOON, |out| {
            out.matches("call.bridged").count() == count
        });
    };
    // Attempts are counted from 1, in the order of the list.
    let moved = |attempt: usize, leg: &str| {
        let id = format!("-{attempt}-{leg}");
        let channels = lab.channels(Node::Pbx);
        let line = channels.iter().find(|line| line.ends_with(&id));
        let name = line.and_then(|line| line.split('!').next());
        let name = name.unwrap_or_else(|| panic!("no {id} in {channels:?}"));
        lab.cli(
            Node::Pbx,
            &format!("channel redirect {name} lab-transfers,200,1"),
        );
    };
    bridged(2);
    moved(1, "a");
    // Its slot is free, and so the third is dialed, while the first one is up elsewhere.
    bridged(3);
    assert!(carrier.call(leg_a).is_up());
    moved(2, "b");
    carrier.wait_for("hangup of who was left alone", |calls| {
        calls
            .iter()
            .any(|c| c.number == leg_b && c.ended_by() == Some(Side::Pbx))
    });
    moved(3, "b");
    moved(3, "a");
    assert_eq!(running.wait(SOON).code, Some(0));

    // The engine is gone; what was moved lives.
    for number in [leg_a, both] {
        let call = carrier.call(number);
        assert!(call.is_up(), "{number}: {:#?}", call.story());
    }
    assert_eq!(agent.calls().iter().filter(|call| call.is_up()).count(), 2);
    let report = deck.report();
    for number in [leg_a, leg_b, both] {
        assert_eq!(how(row(&report, number)), ["answered", "handed over"]);
    }
    // A start does not touch them either.
    assert_eq!(deck.dial().code, Some(0));
    assert!(carrier.call(leg_a).is_up() && carrier.call(both).is_up());
    for phone in [&carrier, &agent] {
        for call in phone.calls() {
            phone.now(&call.number, Script::new().bye());
        }
    }
    lab.reset();
    lab.assert_nothing_left();
}

/// A channel that no call owns is hung up as soon as it enters the application, told and
/// counted, and the conversations beside it go on.
#[test]
fn a_channel_that_belongs_to_no_call_is_hung_up_and_told() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("STASIS_APP", "outbound_dialer");
    deck.list(["80920001"]);
    let running = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    running.wait_for("call.bridged", SOON);
    let stray =
        "/ari/channels?endpoint=Local/100@lab&app=outbound_dialer&appArgs=a&channelId=stray";
    lab.ari("POST", stray);
    running.wait_for("belongs to no call of this dialer: it is hung up", SOON);
    let is_there = || lab.channel_ids().iter().any(|id| id.starts_with("stray"));
    wait("end of the stray", SOON, || !is_there());
    assert_eq!(lab.channels_of("mytrunk"), 1, "the conversation goes on");
    running.stop_now();
    assert_eq!(running.wait(SOON).code, Some(0));
    lab.assert_nothing_left();
}
