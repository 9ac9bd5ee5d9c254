//! What is wrong is said in a sentence that names the mend, and loses nothing.

use std::fs;

use super::Witness as _;
use crate::support::deck::{Deck, Ended};
use crate::support::lab::Lab;

const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];

fn deck(lab: &Lab) -> Deck {
    Deck::new(lab.env())
        .set("OUTBOUND_NUMBER", "81550001")
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("GIVE_UP_SECONDS", 2)
}

fn expect(ended: &Ended, code: i32, says: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}\n{}", ended.stderr, ended.stdout);
    for text in says {
        assert!(
            ended.stderr.contains(text),
            "{text:?} not in {}",
            ended.stderr
        );
    }
}

#[test]
fn a_wrong_password_is_told_without_showing_it() {
    let lab = Lab::get();
    let deck = deck(&lab).set("ARI_PASSWORD", "not-the-password");
    let ended = deck.run(&DIAL);
    expect(
        &ended,
        4,
        &["refused the login", "ARI_PASSWORD", "ari.conf"],
    );
    assert!(!format!("{}{}", ended.stderr, ended.stdout).contains("not-the-password"));
    assert!(lab.called().is_empty());
    // The number waits: with the right password it is called.
    deck.set("ARI_PASSWORD", lab.credentials().1).dial();
    assert_eq!(lab.called().len(), 1);
}

#[test]
fn an_absent_asterisk_is_told_and_tried_again() {
    let lab = Lab::get();
    let ended = deck(&lab).set("ARI_URL", "http://127.0.0.1:9").run(&DIAL);
    expect(&ended, 4, &["cannot be reached", "ARI_URL"]);
}

#[test]
fn an_absent_trunk_is_told_and_nobody_is_called() {
    let lab = Lab::get();
    let deck = deck(&lab).set("ARI_TRUNK", "nosuch");
    let ended = deck.run(&DIAL);
    expect(&ended, 4, &["nosuch", "ARI_TRUNK", "pjsip.conf"]);
    deck.set("ARI_TRUNK", "mytrunk").dial();
    assert_eq!(lab.called().len(), 1, "the number was still waiting");
}

#[test]
fn a_recording_format_that_asterisk_does_not_know_calls_nobody_until_it_is_mended() {
    let lab = Lab::get();
    let deck = deck(&lab).set("RECORDING_FORMAT", "nosuch");
    let ended = deck.run(&DIAL);
    expect(&ended, 4, &["nosuch", "RECORDING_FORMAT", "core show"]);
    assert_eq!(lab.called(), [] as [&str; 0], "nobody was called");
    deck.set("RECORDING_FORMAT", "wav49").dial();
    assert_eq!(lab.called().len(), 1, "the number was still waiting");
    lab.assert_nothing_left();
}

#[test]
fn an_absent_target_is_told_and_nobody_is_called_before_it_is_there() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    for (target, says) in [
        ("Local/777@nosuch", ["no context nosuch", "TARGET_CONTEXT"]),
        ("Local/999@lab", ["no extension 999", "TARGET_EXTENSION"]),
        (
            "PJSIP/nobody",
            ["no endpoint PJSIP/nobody", "TARGET_ENDPOINT"],
        ),
    ] {
        deck.change("TARGET_ENDPOINT", target);
        expect(&deck.run(&DIAL), 4, &says);
    }
    assert!(lab.called().is_empty());
    deck.set("TARGET_ENDPOINT", "Local/100@lab").dial();
    assert_eq!(lab.called().len(), 1, "the number was still waiting");
}

#[test]
fn an_unwritable_recordings_folder_is_refused_before_anybody_is_called() {
    let lab = Lab::get();
    let deck = deck(&lab).set("RECORDINGS_DIR", "file/recordings");
    fs::write(deck.path("file"), "in the way").expect("the folder is ours");
    let ended = deck.run(&DIAL);
    expect(&ended, 2, &["RECORDINGS_DIR"]);
    assert!(lab.called().is_empty());
}

#[test]
fn a_list_without_a_number_is_refused_and_its_lines_are_named() {
    let lab = Lab::get();
    let mut deck = deck(&lab).unset("OUTBOUND_NUMBER");
    deck.list(["# a comment", "1&PJSIP/2", "12@other", ""]);
    let ended = deck.run(&DIAL);
    expect(&ended, 2, &["numbers.txt"]);
    assert!(lab.called().is_empty());
}

#[test]
fn bad_lines_are_skipped_and_told_and_nothing_of_them_is_dialed() {
    let lab = Lab::get();
    let mut deck = deck(&lab).unset("OUTBOUND_NUMBER");
    deck.list(["1055;0001", "10550002", "1055 0003&PJSIP/x", "10550002"]);
    let ended = deck.dial();
    assert!(ended.stderr.contains("line 1"), "{}", ended.stderr);
    assert_eq!(lab.called(), ["10550002"]);
    let rejected = fs::read_to_string(deck.path("dialdeck.rejected.txt")).expect("it is there");
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines.len(), 2, "{rejected}");
    assert!(
        lines[0].contains("line 1") && lines[1].contains("line 3"),
        "{rejected}"
    );
}

#[test]
fn all_bad_settings_are_told_together_and_secrets_are_not() {
    let lab = Lab::get();
    let ended = deck(&lab)
        .set("MAX_CC", "0")
        .set("CALL_TIMEOUT", "soon")
        .set("ARI_URL", "http://dialdeck:hunter2@127.0.0.1")
        .set("ARI_TRUNK", "a&b")
        .run(&DIAL);
    expect(
        &ended,
        2,
        &["MAX_CC", "CALL_TIMEOUT", "ARI_URL", "ARI_TRUNK"],
    );
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

#[test]
fn a_journal_that_is_none_is_refused_untouched() {
    let lab = Lab::get();
    let deck = deck(&lab);
    let text = "no database at all, but somebody's notes\n".repeat(40);
    fs::write(deck.path("dialdeck.db"), &text).expect("the folder is ours");
    let ended = deck.run(&DIAL);
    expect(&ended, 2, &["dialdeck.db"]);
    assert_eq!(
        fs::read_to_string(deck.path("dialdeck.db")).expect("text"),
        text
    );
}
