//! `dialdeck check` of the shipped binary on the lab: each fault is named with its mend, and
//! nothing stays behind.

mod database;
mod faults;
mod stalling;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::deck::{Deck, Ended};
use crate::support::lab::{Lab, Node};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

/// Settings with which it dials.
fn good(lab: &Lab) -> Deck {
    let mut deck = Deck::new(lab.env()).set("TARGET_CONTEXT", "default");
    deck.list(["8012345", "8012346"]);
    deck
}

/// The one finding of a kind, which must be there.
fn finding(ended: &Ended, check: &str, level: &str) -> Value {
    let report: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}\n{}", ended.stdout, ended.stderr));
    let all = report["checks"].as_array().expect("a list");
    let found = all
        .iter()
        .find(|f| f["check"] == check && f["level"] == level);
    found
        .unwrap_or_else(|| panic!("no {level} of {check} in {report:#}"))
        .clone()
}

fn files(deck: &Deck) -> BTreeSet<String> {
    let entries = fs::read_dir(deck.path(".")).expect("the folder is ours");
    let names = entries.map(|e| e.expect("an entry").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    // These two the test makes.
    names.filter(|n| n != "stdout" && n != "stderr").collect()
}

#[test]
fn with_good_settings_it_would_dial_and_leaves_nothing() {
    let lab = Lab::get();
    let deck = good(&lab);
    deck.write_env();
    let before = files(&deck);
    let ended = deck.run(&["check", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let report: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(report["would_dial"], true);
    let checks: Vec<_> = report["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    let names: Vec<_> = checks.iter().filter_map(|c| c["check"].as_str()).collect();
    let expected = [
        "settings",
        "ari",
        "permissions",
        "trunk",
        "transfers",
        "refusals",
        "target",
        "format",
        "clock",
        "application",
        "journal",
        "control",
        "recordings",
        "list",
        "files",
        "database",
    ];
    assert_eq!(names, expected);
    assert!(checks.iter().all(|c| c["level"] == "ok"), "{report:#}");
    assert_eq!(files(&deck), before);
    assert!(lab.target_calls().is_empty(), "somebody was rung");
    let applications = lab.ari("GET", "/ari/applications");
    assert!(!applications.contains("check"), "{applications}");
    lab.assert_nothing_left();
}

#[test]
fn the_table_fits_a_terminal_and_ends_with_the_verdict() {
    let lab = Lab::shared();
    let deck = good(&lab).set("ARI_TRUNK", "nosuch");
    let ended = deck.run(&["check"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains('\x1b'), "no terminal, no colour");
    assert!(
        ended.stdout.ends_with("\nNot ready to dial: 1 fault.\n"),
        "{}",
        ended.stdout
    );
}

/// Puts an `ari.conf` back as it was.
struct Put<'a>(&'a Lab, PathBuf, String);

impl Put<'_> {
    fn write(&self, text: &str) {
        std::fs::write(&self.1, text).expect("the lab's ari.conf");
        self.0.cli(Node::Pbx, "module reload res_ari.so");
    }
}

impl Drop for Put<'_> {
    fn drop(&mut self) {
        self.write(&self.2);
    }
}

#[test]
fn an_asterisk_that_does_not_tell_a_carrier_s_words_is_warned_of_with_the_line_that_is_missing() {
    let lab = Lab::get();
    let deck = good(&lab);
    let spool = lab.recording_spool().to_path_buf();
    let path = spool
        .ancestors()
        .nth(2)
        .expect("the PBX's")
        .join("etc/ari.conf");
    let text = std::fs::read_to_string(&path).expect("the lab's ari.conf");
    let put = Put(&lab, path, text.clone());
    put.write(&text.replace("\nchannelvars", "\n;channelvars"));
    let ended = deck.run(&["check", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let warned = finding(&ended, "refusals", "warning");
    assert!(
        warned["mend"].to_string().contains("channelvars="),
        "{warned}"
    );
}

#[test]
fn a_trunk_that_lets_whoever_is_called_dial_and_a_phone_that_is_offline_are_warned_of() {
    let lab = Lab::shared();
    let deck = good(&lab)
        .set("ARI_TRUNK", "scripted-open")
        .set("TARGET_ENDPOINT", "PJSIP/nowhere");
    let ended = deck.run(&["check", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let warned = finding(&ended, "transfers", "warning");
    let fact = warned["fact"].to_string();
    assert!(fact.contains("allow_transfer=yes"), "{fact}");
    assert!(fact.contains("lab-outward"), "{fact}");
    let mend = warned["mend"].to_string();
    assert!(mend.contains("allow_transfer=no"), "{mend}");
    let fact = finding(&ended, "target", "warning")["fact"].to_string();
    assert!(fact.contains("PJSIP/nowhere is offline"), "{fact}");
}

#[test]
fn a_run_of_our_own_engine_is_recognised_and_not_disturbed() {
    let lab = Lab::get();
    let addr = format!("127.0.0.1:{}", faults::free_port());
    let deck = good(&lab).set("CONTROL_ADDR", &addr);
    let engine = deck.spawn(&["--headless"]);
    engine.wait_for("link.up", SOON);
    let ended = deck
        .command(&["check", "--json"])
        .output()
        .expect("it runs");
    let ended = Ended {
        code: ended.status.code(),
        stdout: String::from_utf8(ended.stdout).expect("text"),
        stderr: String::new(),
    };
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    for check in ["application", "journal", "control"] {
        let fact = finding(&ended, check, "ok")["fact"].to_string();
        assert!(fact.contains("your own engine"), "{fact}");
    }
    assert!(
        !engine.stdout().contains("link.down"),
        "{}",
        engine.stdout()
    );
    engine.signal("TERM");
    assert_eq!(engine.wait(SOON).code, Some(0));
    // What the engine has left is read, and nothing is added to it.
    let before = files(&deck);
    let ended = deck.run(&["check", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let fact = finding(&ended, "journal", "ok")["fact"].to_string();
    assert!(fact.contains("run 1 is IDLE, with 2 leads"), "{fact}");
    assert_eq!(files(&deck), before);
}

/// Asterisk has made the channel, and the check waits for an answer that does not come.
fn midway(lab: &Lab) -> (Deck, crate::support::deck::Running) {
    let url = stalling::proxy(lab.ari_url(), "POST /ari/channels/create");
    let deck = good(lab).set("ARI_URL", url);
    let check = deck.spawn(&["check"]);
    let until = Instant::now() + SOON;
    while lab.channels(Node::Pbx).is_empty() {
        assert!(Instant::now() < until, "no channel: {}", check.stdout());
        std::thread::sleep(Duration::from_millis(20));
    }
    (deck, check)
}

#[test]
fn stopped_midway_it_takes_its_channel_along() {
    let lab = Lab::get();
    let (_deck, check) = midway(&lab);
    check.signal("TERM");
    assert_eq!(check.wait(SOON).code, Some(1));
    lab.assert_nothing_left();
}

#[test]
fn killed_midway_its_channel_ends_by_itself() {
    let lab = Lab::get();
    let (_deck, check) = midway(&lab);
    check.kill();
    assert!(!lab.channels(Node::Pbx).is_empty(), "nothing to end");
    crate::support::wait::wait("its channel's end", Duration::from_secs(19), || {
        lab.left().is_empty()
    });
}
