//! A trunk that refuses everybody, a carrier that is not there, a target that nobody reaches: a
//! list is not used up by them.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use super::Witness as _;
use super::is_told_of;
use crate::support::deck::Deck;
use crate::support::lab::{Lab, Node};
use crate::support::numbers::numbers;
use crate::support::phone::{Phone, Script};
use crate::support::wait::wait;

const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];
const SOON: Duration = Duration::from_secs(20);

/// With fifty numbers, each of which begins so.
fn deck(lab: &Lab, prefix: &str) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("MAX_CC", 4)
        .set("GIVE_UP_SECONDS", 1);
    deck.list(numbers(prefix, 50));
    deck
}

/// How many leads of the report have ended so.
fn ended_as(deck: &Deck, disposition: &str) -> usize {
    let rows = deck.report();
    rows.iter()
        .filter(|row| row["disposition"] == disposition)
        .count()
}

/// `dialdeck requeue` beside the engine, whose output has a file of its own.
fn requeue(deck: &Deck, api: &str, args: &[&str]) -> (Option<i32>, String) {
    let args = [&["requeue", api], args].concat();
    let ended = deck.command(&args).output().expect("the binary runs");
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8(said).expect("its output is text");
    (ended.status.code(), said.trim().to_owned())
}

#[test]
fn a_trunk_that_refuses_everybody_pauses_the_run_and_the_streak_comes_back_by_one_command() {
    let lab = Lab::get();
    let deck = deck(&lab, "50");
    let ended = deck.run(&DIAL);
    let why = "25 refusals in a row, the last rejected with SIP 403";
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    let called = lab.called().len();
    assert!((25..25 + 4).contains(&called), "{called} were called");
    assert_eq!(ended_as(&deck, "rejected"), called);
    // A later process knows them, and PAUSED stays PAUSED.
    let process = deck.spawn(&["--headless"]);
    let api = process.api();
    let said = format!("{called} wait again");
    assert_eq!(requeue(&deck, &api, &[]), (Some(0), said));
    let (code, said) = requeue(&deck, &api, &[]);
    assert_eq!(code, Some(1), "{said}");
    process.signal("TERM");
    assert_eq!(process.wait(SOON).code, Some(0));
    assert_eq!(ended_as(&deck, "rejected"), 0);
    assert_eq!(lab.called().len(), called, "nobody was called meanwhile");
}

#[test]
fn people_who_reach_a_busy_target_pause_the_run_and_are_called_again_only_if_that_is_confirmed() {
    let lab = Lab::get();
    let deck = deck(&lab, "80")
        .set("TARGET_ENDPOINT", "Local/102@lab")
        .set("PAUSE_AFTER_ABANDONED", 5);
    let ended = deck.run(&DIAL);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let why = "5 people in a row answered and reached nobody, the last because the target is busy";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    let dropped = ended_as(&deck, "abandoned");
    assert!((5..5 + 4).contains(&dropped), "{dropped} were dropped");
    assert_eq!(lab.called().len(), dropped);
    let process = deck.spawn(&["--headless"]);
    let api = process.api();
    let (code, said) = requeue(&deck, &api, &[]);
    assert!(code == Some(1) && said.contains("--reached"), "{said}");
    let which = ["--since", "1h", "--disposition", "abandoned", "--reached"];
    let said = format!("{dropped} wait again");
    assert_eq!(requeue(&deck, &api, &which), (Some(0), said));
    process.signal("TERM");
    assert_eq!(process.wait(SOON).code, Some(0));
}

#[test]
fn an_offline_carrier_uses_up_no_number_and_is_tried_again() {
    let lab = Lab::get();
    // An Asterisk that has just started has not asked yet.
    wait("Asterisk to know that nobody is there", SOON, || {
        lab.cli(Node::Pbx, "pjsip qualify deaf");
        let contacts = lab.cli(Node::Pbx, "pjsip show contacts");
        let mut contacts = contacts.lines();
        contacts.any(|line| line.contains("deaf/") && line.contains("Unavail"))
    });
    let deck = deck(&lab, "81").set("ARI_TRUNK", "deaf");
    let process = deck.spawn(&["--headless", "--start"]);
    process.wait_for("does not answer Asterisk's OPTIONS", SOON);
    process.stop_now();
    process.wait(SOON);
    let rows = deck.report();
    assert!(
        rows.iter()
            .all(|row| row["disposition"].is_null() && row["attempts"] == 0)
    );
    assert!(lab.called().is_empty());
}

#[test]
fn whoever_takes_the_call_with_a_mere_trying_does_not_answer_and_is_no_dead_carrier() {
    let lab = Lab::get();
    let mut deck = deck(&lab, "75").set("CALL_TIMEOUT", 2);
    deck.list(numbers("75", 2));
    deck.dial();
    assert_eq!(ended_as(&deck, "no-answer"), 2);
}

#[test]
fn a_carrier_that_answers_nothing_at_all_pauses_the_run_and_its_numbers_wait() {
    nothing_is_used_up_by(&Lab::get(), "dead");
}

#[test]
fn a_carrier_whose_network_swallows_each_request_pauses_the_run_as_well() {
    let lab = Lab::get();
    // The port of `dead` is open, so no ICMP tells that nobody is there. Asterisk goes on sending
    // for half a minute, so it is nobody else's port.
    let _hole = UdpSocket::bind("127.0.0.1:9").expect("a port that root may have");
    nothing_is_used_up_by(&lab, "dead");
}

fn nothing_is_used_up_by(lab: &Lab, trunk: &str) {
    let deck = deck(lab, "81")
        .set("ARI_TRUNK", trunk)
        .set("CALL_TIMEOUT", 3);
    let ended = deck.run(&DIAL);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let why = "the carrier answers nothing at all";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    let rows = deck.report();
    assert!(rows.iter().all(|row| row["disposition"].is_null()));
    let tried = rows.iter().filter(|row| row["attempts"] == 1).count();
    assert!((1..=4).contains(&tried), "{tried} were tried");
}

#[test]
fn what_a_carrier_answers_has_the_disposition_of_the_table() {
    let lab = Lab::get();
    let carrier = Phone::carrier(&lab);
    let fates = [
        (603, "rejected"),
        (607, "blocked"),
        (608, "blocked"),
        (302, "redirected"),
        (482, "congestion"),
        (483, "congestion"),
        (505, "congestion"),
        (513, "congestion"),
        (606, "failed"),
    ];
    let number = |status: u16| format!("7955{status}01");
    for (status, _) in fates {
        carrier.on(&number(status), Script::new().status(status));
    }
    let mut deck = deck(&lab, "81").set("ARI_TRUNK", "scripted");
    deck.list(fates.map(|(status, _)| number(status)));
    deck.dial();
    for (row, (status, disposition)) in deck.report().iter().zip(fates) {
        assert_eq!(row["disposition"], disposition, "{row:?}");
        assert!(is_told_of(row, status), "{row:?}");
    }
}

#[test]
fn a_603_of_an_analytics_service_is_told_from_that_of_a_person_and_its_words_are_not_evaluated() {
    let lab = Lab::get();
    let carrier = Phone::carrier(&lab);
    let evaluated = "/tmp/dialdeck-evaluated";
    let hostile = format!("${{SHELL(touch {evaluated})}}");
    let fates = [
        ("79560001", "Network Blocked", "blocked"),
        ("79560002", "network blocked", "blocked"),
        ("79560003", "Decline", "rejected"),
        ("79560004", &*hostile, "rejected"),
    ];
    for (number, words, _) in fates {
        carrier.on(number, Script::new().status_line(603, words, &[]));
    }
    let mut deck = deck(&lab, "81").set("ARI_TRUNK", "scripted");
    deck.list(fates.map(|(number, ..)| number));
    deck.dial();
    for (row, (_, words, disposition)) in deck.report().iter().zip(fates) {
        assert_eq!(row["disposition"], disposition, "{words}: {row:?}");
        assert_eq!(row["sip_code"], 603, "{row:?}");
        assert_eq!(row["sip_answer"], format!("603 {words}"), "{row:?}");
    }
    // In the tree that Asterisk has for its root.
    let spool = lab.recording_spool().to_str().expect("text");
    let (root, _) = spool.split_once("/lab/").expect("a slot's folder");
    assert!(!Path::new(&format!("{root}{evaluated}")).exists());
}

#[test]
fn a_carrier_that_wants_money_or_a_login_is_told_and_its_numbers_wait() {
    let lab = Lab::get();
    let carrier = Phone::carrier(&lab);
    for (status, says) in [(402, "account"), (407, "outbound_auth")] {
        let script = || {
            Script::new().status_with(
                status,
                &["Proxy-Authenticate: Digest realm=\"c\", nonce=\"1\""],
            )
        };
        carrier.on("7956", script());
        let mut deck = deck(&lab, "81").set("ARI_TRUNK", "scripted");
        deck.list(numbers("7956", 9));
        let ended = deck.run(&DIAL);
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        let rows = deck.report();
        assert!(rows.iter().all(|row| row["disposition"].is_null()));
        let tried = rows.iter().filter(|row| row["attempts"] == 1).count();
        assert!((1..=4).contains(&tried), "{tried} were tried");
    }
}
