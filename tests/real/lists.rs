//! What a changed list does to a run.

use std::time::Duration;

use super::Witness as _;
use crate::support::deck::Deck;
use crate::support::lab::Lab;

const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];

fn deck(lab: &Lab) -> Deck {
    Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("MAX_CC", 2)
}

#[test]
fn the_same_list_again_over_a_finished_run_dials_nothing_and_says_done() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    deck.list(["10550001", "40550002"]);
    deck.dial();
    assert_eq!(lab.called().len(), 2);
    let again = deck.dial();
    assert!(
        again.stdout.contains("the list is done"),
        "{}",
        again.stdout
    );
    assert_eq!(lab.called().len(), 2, "nobody was called again");
}

#[test]
fn tomorrow_s_list_over_a_finished_run_calls_only_the_new_numbers() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    deck.list(["10550001", "40550002"]);
    deck.dial();
    deck.list(["40550002", "20550003"]);
    deck.dial();
    assert_eq!(lab.called(), ["10550001", "40550002", "20550003"]);
    let report = deck.report();
    assert_eq!(report.len(), 3, "one run over both days");
    assert!(report.iter().all(|row| row["run"] == 1));
}

#[test]
fn tomorrow_s_list_over_an_unfinished_run_skips_what_is_gone_and_calls_the_rest_once() {
    let lab = Lab::get();
    let mut deck = deck(&lab).set("MAX_CC", 1).set("DRAIN_SECONDS", 20);
    deck.list(["10550001", "81550002", "10550003", "10550004"]);
    let running = deck.spawn(&DIAL);
    running.wait_for("number=81550002", Duration::from_secs(10));
    running.signal("TERM");
    assert_eq!(running.wait(Duration::from_secs(30)).code, Some(0));
    assert_eq!(lab.called(), ["10550001", "81550002"]);

    deck.list(["10550004", "10550001", "10550005"]);
    deck.dial();
    let called = ["10550001", "81550002", "10550004", "10550005"];
    assert_eq!(lab.called(), called);
    let report = deck.report();
    let of = |number: &str| report.iter().find(|row| row["number"] == number);
    assert_eq!(of("10550003").expect("known")["disposition"], "skipped");
    assert_eq!(of("81550002").expect("known")["disposition"], "answered");
}

#[test]
fn a_new_run_calls_everybody_again_and_only_when_asked_for() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    deck.list(["10550001"]);
    deck.dial();
    let ended = deck.run(&["--headless", "--start", "--exit-when-done", "--new-run"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(lab.called(), ["10550001", "10550001"]);
    assert_eq!(deck.report()[0]["run"], 2);
}

#[test]
fn another_list_on_the_same_journal_is_refused_with_the_mend() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    deck.list(["10550001"]);
    deck.dial();
    let other = deck
        .unset("OUTBOUND_NUMBER_FILE")
        .set("OUTBOUND_NUMBER", "10550001");
    let ended = other.run(&DIAL);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--new-run"), "{}", ended.stderr);
    assert_eq!(lab.called().len(), 1);
}

#[test]
fn one_person_in_three_spellings_is_called_once_and_what_is_no_number_never() {
    let lab = Lab::get();
    let mut deck = deck(&lab).set("MAX_CC", 4).set("DEFAULT_REGION", "RU");
    deck.list([
        "+10550001",
        "10550001",
        "0010550001",
        "10550002",
        "#N/A",
        "#####",
        "10550003+10550004",
        "112",
        "#31#911",
        "103",
    ]);
    let ended = deck.dial();
    let mut called = lab.called();
    called.sort();
    assert_eq!(called, ["+10550001", "10550002"]);
    for told in [
        "but for a leading + or 00: 2.",
        "line 5: it looks like a spreadsheet's error",
        "line 7: a + stands within it",
        "line 8: it is an emergency number",
        "line 9: it is an emergency number",
        "line 10: it is an emergency number",
    ] {
        assert!(
            ended.stderr.contains(told),
            "no {told:?} in {}",
            ended.stderr
        );
    }
    assert_eq!(deck.report().len(), 2);
}

#[test]
fn a_list_that_is_still_being_uploaded_is_not_taken_and_is_when_it_is_whole() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    deck.list(["10550001", "10550002", "10550003"]);
    let cut = |deck: &Deck| {
        let half = "10550001\n10550002\n1055";
        std::fs::write(deck.path("numbers.txt"), half).expect("the folder is ours");
    };
    cut(&deck);
    let refused = deck.run(&DIAL);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("last line, 3, has no end"),
        "{}",
        refused.stderr
    );
    deck.list(["10550001", "10550002", "10550003"]);
    let running = deck.spawn(&["--headless"]);
    running.wait_for("link.up", Duration::from_secs(20));
    cut(&deck);
    running.signal("HUP");
    running.wait_for("is not complete", Duration::from_secs(30));
    deck.list(["10550001", "10550002", "10550003", "10550004"]);
    running.signal("HUP");
    running.wait_for("1 number joined", Duration::from_secs(30));
    let told = running.stdout();
    assert!(!told.contains("no longer listed"), "{told}");
    assert_eq!(lab.called(), [] as [&str; 0]);
    running.kill();
}
