//! A row of each outcome beside the row that the replaced program wrote for it.

use crate::support::copied::{TABLE, assert_tells_what_the_report_does, wait_for};
use crate::support::database::{Brand, Database};
use crate::support::deck::Deck;
use crate::support::incumbent::{self, column};
use crate::support::lab::{Lab, Node};

/// Dials these and connects them to the target; each list is a campaign of its own.
fn dial(lab: &Lab, server: &Database, target: &str, numbers: &[&str]) -> Deck {
    let mut deck = Deck::new(lab.env())
        .set("TARGET_ENDPOINT", target)
        .set("CALL_TIMEOUT", 4)
        .set("TARGET_TIMEOUT", 2)
        .set("MAX_CALL_SECONDS", 2)
        .set("MAX_CC", 10);
    for (name, value) in server.env() {
        deck.change(name, value);
    }
    deck.list(numbers);
    deck.dial();
    deck
}

#[test]
fn a_row_of_each_outcome_differs_only_in_what_was_announced() {
    outcomes_in(Brand::MariaDb);
}

#[test]
fn in_mysql_itself_too() {
    outcomes_in(Brand::MySql);
}

/// As the README has them added.
const FURTHER_COLUMNS: &str = "ADD COLUMN agent VARCHAR(255), ADD COLUMN agent_at DATETIME, \
                               ADD COLUMN wait_seconds DECIMAL(10,3), \
                               ADD COLUMN talk_seconds DECIMAL(10,3), \
                               ADD COLUMN sip_answer VARCHAR(255)";

#[test]
fn a_table_with_further_columns_is_told_of_the_agent_and_of_the_carrier_s_words() {
    let lab = Lab::get();
    let server = Database::start_of(Brand::MariaDb);
    // Without them there is nothing to fill, and nothing fails.
    let before = dial(&lab, &server, "Local/777@default", &["81000001"]);
    assert_tells_what_the_report_does(&server, &before);
    server.run(&format!("ALTER TABLE {TABLE} {FURTHER_COLUMNS}"));
    // The queue's one agent has put down the phone.
    wait_for("free agent", || {
        let queue = lab.cli(Node::Pbx, "queue show callcenter");
        queue.contains("(Not in use)")
    });
    let (spoken, unanswered) = ("81000002", "10000002");
    let deck = dial(&lab, &server, "Local/777@default", &[spoken, unanswered]);
    let report = deck.report();
    let [spoken, unanswered] = [spoken, unanswered].map(|number| {
        let row = report.iter().find(|row| row["number"] == number);
        row.expect("a row of the report")
    });
    for told in [spoken, unanswered] {
        let number = told["number"].as_str().expect("text");
        let query = format!("SELECT * FROM {TABLE} WHERE leg_a_number='{number}'");
        let rows = server.rows(&query);
        let [row] = rows.as_slice() else {
            panic!("not one row of {number}: {rows:?}");
        };
        assert_eq!(column(row, "agent"), told["agent"].as_str(), "{told:?}");
        assert_eq!(column(row, "sip_answer"), told["sip_answer"].as_str());
        let agent_at = told["agent_at"].as_str();
        let agent_at = agent_at.map(|at| at[..19].replace('T', " "));
        assert_eq!(column(row, "agent_at"), agent_at.as_deref(), "{told:?}");
        for name in ["wait_seconds", "talk_seconds"] {
            let seconds = column(row, name).map(|text| text.parse::<f64>().expect("a figure"));
            assert_eq!(seconds, told[name].as_f64(), "{name}: {told:?}");
        }
    }
    assert_eq!(spoken["agent"], "PJSIP/agent", "{spoken:?}");
    let waited = spoken["wait_seconds"].as_f64().expect("a figure");
    assert!(waited >= 0.15, "the agent picks up after 0.2 s: {waited}");
    assert!(spoken["talk_seconds"].is_number());
    assert!(spoken["sip_answer"].is_null(), "{spoken:?}");
    let words = unanswered["sip_answer"].as_str().expect("text");
    assert!(words.starts_with("486 Busy"), "{words}");
    assert!(unanswered["agent"].is_null() && unanswered["talk_seconds"].is_null());
}

fn outcomes_in(brand: Brand) {
    let lab = Lab::get();
    let server = Database::start_of(brand);
    let unanswered_and_silent = [&incumbent::UNANSWERED[..], &["80000001"]].concat();
    let first = dial(&lab, &server, "Local/109@lab", &unanswered_and_silent);
    assert_tells_what_the_report_does(&server, &first);
    for (target, number) in [
        ("Local/108@lab", "80000002"),
        ("Local/102@lab", "80000003"),
        ("Local/199@lab", "80000004"),
    ] {
        dial(&lab, &server, target, &[number]);
    }
    for old in incumbent::rows() {
        let number = column(&old, "leg_a_number").expect("each has a number");
        let new = server.rows(&format!(
            "SELECT * FROM {TABLE} WHERE leg_a_number='{number}'"
        ));
        let [new] = new.as_slice() else {
            panic!("not one row of {number}: {new:?}");
        };
        incumbent::assert_differs_as_announced(new, &old);
    }
    lab.assert_nothing_left();
}
