//! Each setting, by its effect on Asterisk's side.

use std::path::Path;
use std::time::Duration;

use super::Witness as _;
use crate::real::calls::between;
use crate::support::deck::Deck;
use crate::support::lab::{Lab, Node};

fn deck(lab: &Lab) -> Deck {
    Deck::new(lab.env()).set("TARGET_ENDPOINT", "Local/100@lab")
}

#[test]
fn outbound_number_alone_is_dialed() {
    let lab = Lab::get();
    deck(&lab).set("OUTBOUND_NUMBER", "+81550001").dial();
    assert_eq!(lab.called(), ["+81550001"]);
}

#[test]
fn target_extension_and_context_make_the_target() {
    let lab = Lab::get();
    Deck::new(lab.env())
        .set("OUTBOUND_NUMBER", "81550001")
        .set("TARGET_EXTENSION", "111")
        .set("TARGET_CONTEXT", "lab")
        .dial();
    let seen = lab.seen_by_targets();
    assert_eq!(seen, [("111".to_owned(), "81550001".to_owned())]);
}

#[test]
fn target_endpoint_goes_before_extension_and_context() {
    let lab = Lab::get();
    deck(&lab)
        .set("OUTBOUND_NUMBER", "81550001")
        .set("TARGET_EXTENSION", "111")
        .set("TARGET_CONTEXT", "lab")
        .dial();
    assert_eq!(lab.seen_by_targets()[0].0, "100");
}

#[test]
fn stasis_app_is_the_application_s_name() {
    let lab = Lab::get();
    let deck = deck(&lab)
        .set("OUTBOUND_NUMBER", "8602550001")
        .set("STASIS_APP", "my.own-app_1");
    let running = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    running.wait_for("call.bridged", Duration::from_secs(10));
    let apps = lab.cli(Node::Pbx, "ari show apps");
    assert!(apps.contains("my.own-app_1"), "{apps}");
    assert!(!apps.contains("outbound_dialer"), "{apps}");
    assert_eq!(running.wait(Duration::from_secs(20)).code, Some(0));
}

#[test]
fn call_timeout_is_how_long_the_callee_rings() {
    let lab = Lab::get();
    let deck = deck(&lab)
        .set("OUTBOUND_NUMBER", "30550001")
        .set("CALL_TIMEOUT", 2);
    deck.dial();
    let row = &deck.report()[0];
    assert_eq!(row["disposition"], "no-answer");
    let rang = between(row, "dialed_at", "ended_at");
    assert!((1.9..3.0).contains(&rang), "{rang} s");
}

#[test]
fn caller_id_is_what_the_callee_sees() {
    let lab = Lab::get();
    for (setting, seen) in [
        ("Sales Team <4930550000>", "4930550000"),
        ("4930550001", "4930550001"),
        // The `From` that the carrier got, and the `Privacy` that came with it.
        ("anonymous", "anonymous/id"),
    ] {
        lab.clear_witnesses();
        deck(&lab)
            .set("OUTBOUND_NUMBER", "81550001")
            .set("CALLER_ID", setting)
            .dial();
        assert_eq!(lab.callers(), [seen]);
    }
}

#[test]
fn recording_format_is_the_file_s_format() {
    let lab = Lab::get();
    // Asterisk, too, keeps what it calls wav49 as .WAV.
    for (format, ending) in [("gsm", "gsm"), ("wav49", "WAV")] {
        let deck = deck(&lab)
            .set("OUTBOUND_NUMBER", "81550001")
            .set("RECORDING_FORMAT", format);
        deck.dial();
        let files = deck.recordings();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].extension().expect("an ending"), ending);
        let row = &deck.report()[0];
        assert_eq!(
            row["recording"].as_str().map(Path::new),
            Some(files[0].as_path())
        );
        // GSM full rate is 33 bytes for each 20 ms: a second is 1,650.
        let bytes = files[0].metadata().expect("a file").len();
        assert!((1_300..=2_100).contains(&bytes), "{bytes} bytes");
    }
}

#[test]
fn recordings_dir_may_be_relative_or_absolute() {
    let lab = Lab::get();
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    for dir in ["kept/here", elsewhere.path().to_str().expect("text")] {
        let deck = deck(&lab)
            .set("OUTBOUND_NUMBER", "81550001")
            .set("RECORDINGS_DIR", dir);
        deck.dial();
        let row = &deck.report()[0];
        let file = Path::new(row["recording"].as_str().expect("a recording"));
        assert_eq!(file.parent(), Some(deck.path(dir).as_path()));
        assert!(file.is_file());
    }
}

#[test]
fn keep_on_asterisk_leaves_the_recording_in_its_spool() {
    let lab = Lab::get();
    deck(&lab)
        .set("OUTBOUND_NUMBER", "81550001")
        .set("KEEP_ON_ASTERISK", "yes")
        .dial();
    let spooled = std::fs::read_dir(lab.recording_spool()).expect("the spool can be read");
    // Asterisk keeps the empty folders of recordings that other tests named with one.
    let files = spooled.filter(|entry| entry.as_ref().is_ok_and(|e| e.path().is_file()));
    assert_eq!(files.count(), 1);
}

#[test]
fn music_is_played_until_the_target_answers_and_the_call_is_bridged_all_the_same() {
    let lab = Lab::get();
    let deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/111@lab")
        .set("OUTBOUND_NUMBER", "8602550001")
        .set("MOH_CLASS", "default");
    deck.dial();
    let row = &deck.report()[0];
    assert_eq!(row["disposition"], "answered", "{row:?}");
    let dead_air = row["dead_air_ms"].as_u64().expect("milliseconds");
    assert!(
        (450..900).contains(&dead_air),
        "B answers after 0.5 s: {dead_air}"
    );
    lab.assert_nothing_left();
}
