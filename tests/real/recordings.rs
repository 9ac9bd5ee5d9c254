//! What is recorded, and what becomes of the files.

use std::path::Path;

use crate::real::calls::between;
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::machine::{Lateness, watching_the_machine};
use crate::support::wav::Sound;

const CALLEE: f64 = 440.0;
const TARGET: f64 = 1000.0;

#[test]
fn each_answered_call_has_a_recording_of_both_sides_from_first_to_last() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 10)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    let list: Vec<String> = (0..10)
        .map(|i| format!("81550{i:03}"))
        .chain((0..10).map(|i| format!("8603550{i:03}")))
        .collect();
    deck.list(&list);
    let (_, Lateness { lost, .. }) = watching_the_machine(|| deck.dial());

    let report = deck.report();
    assert_eq!(report.len(), list.len());
    for row in &report {
        let path = Path::new(row["recording"].as_str().expect("each has one"));
        let sound = Sound::read(path);
        let talked = between(row, "answered_at", "ended_at");
        let off = (sound.seconds() - talked).abs();
        let length = sound.seconds();
        assert!(
            off < 0.3 + lost,
            "{length} s of {talked} s, {lost} s lost: {row:?}"
        );
        for (who, hertz) in [("callee", CALLEE), ("target", TARGET)] {
            let (from, to) = sound.heard(hertz).unwrap_or_else(|| panic!("no {who}"));
            // Both play from their answer to the end: the first and last 200 ms are there.
            let first = from.as_secs_f64();
            assert!(first < 0.2 + lost, "{who} from {from:?}: {row:?}");
            let rest = length - to.as_secs_f64();
            assert!(
                rest < 0.2 + lost,
                "{who} until {rest} s before the end: {row:?}"
            );
        }
        let name = path.file_name().expect("a name").to_str().expect("text");
        let number = row["number"].as_str().expect("a number");
        let call = row["call_id"].as_str().expect("an id");
        assert!(
            name.ends_with(&format!("_{number}_{call}.wav")),
            "{name}: {row:?}"
        );
    }
    assert_eq!(deck.recordings().len(), list.len(), "and nothing else");
    lab.assert_nothing_left();
}

#[test]
fn a_call_that_never_reaches_the_target_is_recorded_too() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", "Local/104@lab")
        .set("TARGET_TIMEOUT", 2);
    deck.list(["80550001"]);
    let (_, Lateness { lost, .. }) = watching_the_machine(|| deck.dial());
    let row = &deck.report()[0];
    let sound = Sound::read(Path::new(row["recording"].as_str().expect("there is one")));
    let length = sound.seconds();
    assert!(
        (1.7 - lost..2.5 + lost).contains(&length),
        "{length} s, {lost} s lost"
    );
    assert!(
        sound.heard(CALLEE).is_some(),
        "what the callee said is there"
    );
    assert!(sound.heard(TARGET).is_none(), "nobody else spoke");
    lab.assert_nothing_left();
}
