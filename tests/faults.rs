//! The shipped binary against a simulated Asterisk that misbehaves.
//!
//! The simulator is held to the real one by `tests/contract.rs`; here it does what a real one
//! can't be asked to do on a test's word.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use dialdeck::simulator::{Faults, Scenario, SimConfig, SimHandle, start};
use support::deck::{Deck, Ended};
use tokio::runtime::Runtime;

const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];

struct Rig {
    runtime: Runtime,
    asterisk: SimHandle,
    deck: Deck,
    list: Vec<String>,
}

/// A campaign of short calls of every kind, and an Asterisk with these faults (JSON).
fn rig(faults: &str) -> Rig {
    let runtime = Runtime::new().expect("a runtime");
    let config = SimConfig {
        scenario: Scenario::lab(),
        faults: serde_json::from_str::<Faults>(faults).expect("faults"),
        ..SimConfig::default()
    };
    let asterisk = runtime.block_on(start(config)).expect("a simulator");
    let env: HashMap<String, String> = [
        ("ARI_URL", asterisk.url().as_str()),
        ("ARI_USERNAME", "dialdeck"),
        ("ARI_PASSWORD", "dialdeck"),
        ("ARI_TRUNK", "mytrunk"),
        ("TARGET_ENDPOINT", "Local/101@lab"),
        ("CALL_TIMEOUT", "2"),
        ("MAX_CC", "8"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut deck = Deck::new(&env);
    let list: Vec<String> = (0..48)
        .map(|i| format!("{}55{i:04}", ["10", "30", "40", "81", "80", "83"][i % 6]))
        .collect();
    deck.list(&list);
    Rig {
        runtime,
        asterisk,
        deck,
        list,
    }
}

impl Rig {
    /// Every number is accounted for and none was called twice; nothing is left in Asterisk.
    fn check(&self, ended: &Ended) {
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
        let report = self.deck.report();
        assert_eq!(report.len(), self.list.len());
        for row in &report {
            let disposition = row["disposition"].as_str().unwrap_or_default();
            assert!(!disposition.is_empty(), "forgotten: {row:?}");
        }
        let mut called = self.asterisk.calls_placed();
        called.sort();
        for pair in called.windows(2) {
            assert_ne!(pair[0], pair[1], "called twice");
        }
        assert!(self.asterisk.channels().is_empty(), "channels are left");
        assert!(self.asterisk.bridges().is_empty(), "bridges are left");
        assert!(self.asterisk.peak_trunk_channels() <= 8, "over MAX_CC");
    }
}

#[test]
fn event_sockets_that_drop_every_second_double_and_lose_nobody() {
    let rig = rig(r#"{"drop_sockets_every": [700, 1500]}"#);
    let ended = rig.deck.run(&DIAL);
    assert!(ended.stdout.contains(" link.down "), "the link was lost");
    rig.asterisk.set_faults(Faults::default());
    rig.check(&ended);
}

#[test]
fn events_late_doubled_and_answers_slow_change_nothing() {
    let rig = rig(
        r#"{"latency": [0, 30], "answer_delay": [0, 40], "stasis_delay": [0, 20],
            "duplicate_events_percent": 20}"#,
    );
    let ended = rig.deck.run(&DIAL);
    rig.check(&ended);
    let answered = rig.deck.report();
    let answered = answered.iter().filter(|r| r["disposition"] == "answered");
    assert_eq!(answered.count(), 24, "who answers still reaches the target");
}

#[test]
fn an_asterisk_that_restarts_is_waited_for() {
    let rig = rig("{}");
    let running = rig.deck.spawn(&DIAL);
    running.wait_for("number=10550012", Duration::from_secs(20));
    rig.asterisk.restart(Duration::from_secs(2));
    let ended = running.wait(Duration::from_secs(90));
    assert!(ended.stdout.contains(" link.down "), "{}", ended.stdout);
    rig.check(&ended);
    drop(rig.runtime);
}
