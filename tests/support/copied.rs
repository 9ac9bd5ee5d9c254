//! A dialer on a simulated Asterisk with a database beside it, and what its copy must say.

use std::collections::HashMap;
use std::time::Duration;

use super::database::{Database, Named, PASSWORD};
use super::deck::Deck;
use super::incumbent::column;
use super::simulated::{Asterisk, lab};
use super::wait::wait;
use dialdeck::config::{Mysql, Secret};
use dialdeck::simulator::{Faults, SimConfig};

pub(crate) const SOON: Duration = Duration::from_secs(30);
pub(crate) const TABLE: &str = "calls.call_leg_timelines";
pub(crate) const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];

/// A dialer on a simulated Asterisk.
pub(crate) struct Rig {
    pub(crate) asterisk: Asterisk,
    pub(crate) deck: Deck,
}

/// A campaign over these numbers; `env` has the database's settings, or none.
pub(crate) fn rig<S: AsRef<str>>(
    numbers: impl IntoIterator<Item = S>,
    env: &[(&str, String)],
) -> Rig {
    rig_with(Faults::default(), numbers, env)
}

/// The same, on an Asterisk that misbehaves.
pub(crate) fn rig_with<S: AsRef<str>>(
    faults: Faults,
    numbers: impl IntoIterator<Item = S>,
    env: &[(&str, String)],
) -> Rig {
    let asterisk = Asterisk::start(SimConfig { faults, ..lab() });
    let mut deck = asterisk
        .deck()
        .set("TARGET_ENDPOINT", "Local/101@lab")
        .set("CALL_TIMEOUT", 2)
        .set("MAX_CC", 20)
        .set_all(env);
    deck.list(numbers);
    Rig { asterisk, deck }
}

/// So many numbers of every kind: busy, congestion, no answer, unallocated, and four that
/// answer.
pub(crate) fn mixed(count: usize) -> Vec<String> {
    let kinds = ["10", "81", "20", "81", "40", "80", "30", "83"];
    (0..count)
        .map(|i| format!("{}77{i:05}", kinds[i % kinds.len()]))
        .collect()
}

/// The dialer's settings for the server.
pub(crate) fn settings(server: &Database) -> Mysql {
    Mysql {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        user: "dialer".to_owned(),
        password: Some(Secret::new(PASSWORD)),
        database: "calls".to_owned(),
        table: "call_leg_timelines".to_owned(),
    }
}

pub(crate) fn count(server: &Database) -> usize {
    server.number(&format!("SELECT count(*) FROM {TABLE}"))
}

/// Waits until `done`.
pub(crate) fn wait_for(what: &str, done: impl Fn() -> bool) {
    wait(what, SOON, done);
}

/// The table has exactly one row for each call of the report, and it says what the report does.
pub(crate) fn assert_tells_what_the_report_does(server: &Database, deck: &Deck) {
    let report = deck.report();
    assert_eq!(count(server), report.len(), "one row a call");
    let rows = server.rows(&format!("SELECT * FROM {TABLE}"));
    let by_id: HashMap<&str, &Named> = rows
        .iter()
        .map(|row| (column(row, "call_id").expect("the key"), row))
        .collect();
    for lead in &report {
        let text = |name: &str| lead[name].as_str().filter(|text| !text.is_empty());
        let id = text("call_id").expect("it was called");
        let row = by_id
            .get(id)
            .unwrap_or_else(|| panic!("no row of {lead:?}"));
        let status = match text("disposition") {
            Some("answered") => "ANSWERED",
            Some("busy") => "BUSY",
            Some("congestion") => "CONGESTION",
            Some("no-answer" | "abandoned" | "interrupted") => "NO ANSWER",
            Some("invalid-number") => "INVALID NUMBER",
            // A call whose end nobody heard has no cause to tell.
            Some("failed") if lead["cause"].as_u64().unwrap_or_default() == 0 => "Unknown",
            Some("failed") if lead["cause"] == 16 => "Normal Clearing",
            other => panic!("not in this list: {other:?}"),
        };
        assert_eq!(column(row, "leg_a_status"), Some(status), "{lead:?}");
        assert_eq!(column(row, "leg_a_number"), text("number"));
        assert_eq!(column(row, "recording_path"), text("recording"), "{lead:?}");
        for (name, reported) in [
            ("leg_a_start", "dialed_at"),
            ("leg_a_answer", "answered_at"),
            ("leg_a_end", "ended_at"),
            ("leg_b_answer", "bridged_at"),
        ] {
            // `2026-11-22T14:30:42.123Z`, and the table has whole seconds.
            let expected = text(reported).map(|at| at[..19].replace('T', " "));
            assert_eq!(column(row, name), expected.as_deref(), "{name}: {lead:?}");
        }
    }
}
