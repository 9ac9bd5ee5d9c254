//! What SIGHUP without a console takes over from `.env` and the list.

use std::time::Duration;

use super::Witness as _;
use crate::real::calls::between;
use crate::support::deck::Deck;
use crate::support::lab::Lab;

const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];
const SOON: Duration = Duration::from_secs(10);

/// One call at a time; the first one talks for five seconds.
fn deck(lab: &Lab) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("CALLER_ID", "4930550000")
        .set("MAX_CC", 1);
    deck.list(["8605550001", "10550002", "83550003"]);
    deck
}

#[test]
fn sighup_changes_what_calls_not_yet_placed_are_like_and_who_they_go_to() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    let running = deck.spawn(&DIAL);
    running.wait_for("call.bridged", SOON);
    deck.change("CALLER_ID", "4930550009");
    deck.change("TARGET_ENDPOINT", "Local/111@lab");
    deck.change("CALL_TIMEOUT", 2);
    deck.change("RECORDINGS_DIR", "later");
    deck.change("STASIS_APP", "another");
    deck.list(["8605550001", "83550003", "30550004"]);
    deck.write_env();
    running.signal("HUP");
    // The last of the lines that it tells.
    running.wait_for("STASIS_APP changes at", SOON);
    let told = running.stdout();
    for text in [
        "CALLER_ID is 4930550009",
        "CALL_TIMEOUT is 2 s",
        "the target is Local/111@lab",
        "1 number joined",
        "1 is no longer listed",
        "STASIS_APP changes at the next start of the process",
    ] {
        assert!(told.contains(text), "no {text:?} in\n{told}");
    }
    let ended = running.wait(Duration::from_secs(40));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    assert_eq!(lab.called(), ["8605550001", "83550003", "30550004"]);
    assert_eq!(lab.callers(), ["4930550000", "4930550009", "4930550009"]);
    let targets = [("100", "8605550001"), ("111", "83550003")];
    let targets = targets.map(|(target, caller)| (target.to_owned(), caller.to_owned()));
    assert_eq!(lab.seen_by_targets(), targets);
    let report = deck.report();
    let of = |number: &str| {
        let row = report.iter().find(|row| row["number"] == number);
        row.expect("it is listed")
    };
    assert_eq!(of("10550002")["disposition"], "skipped");
    let rang = between(of("30550004"), "dialed_at", "ended_at");
    assert!((1.9..3.0).contains(&rang), "{rang} s");
    for (number, folder) in [("8605550001", "recordings"), ("83550003", "later")] {
        let saved = of(number)["recording"].as_str().expect("a recording");
        let saved = std::path::Path::new(saved);
        assert_eq!(saved.parent(), Some(deck.path(folder).as_path()));
        let summary = format!(";{}\n", saved.display());
        assert!(ended.stdout.contains(&summary), "no {summary:?}");
    }
    lab.assert_nothing_left();
}

#[test]
fn a_bad_env_is_told_with_every_problem_and_changes_nothing() {
    let lab = Lab::get();
    let mut deck = deck(&lab);
    let running = deck.spawn(&DIAL);
    running.wait_for("call.bridged", SOON);
    deck.change("CALLER_ID", "4930550009");
    deck.change("MAX_CC", 0);
    deck.change("CALL_TIMEOUT", "soon");
    deck.list(["30550004"]);
    deck.write_env();
    running.signal("HUP");
    running.wait_for("command=reload", SOON);
    let ended = running.wait(Duration::from_secs(40));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for name in ["MAX_CC", "CALL_TIMEOUT"] {
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
        assert!(ended.stdout.contains(name), "{}", ended.stdout);
    }
    assert_eq!(lab.called(), ["8605550001", "10550002", "83550003"]);
    let callers = lab.callers();
    assert!(callers.iter().all(|c| c == "4930550000"), "{callers:?}");
}
