//! A row of each outcome beside the row that the replaced program wrote for it.

use crate::support::database::{Brand, Database};
use crate::support::deck::Deck;
use crate::support::incumbent::{self, column};
use crate::support::lab::Lab;
use crate::{TABLE, assert_tells_what_the_report_does};

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

fn outcomes_in(brand: Brand) {
    let lab = Lab::get();
    let _shared = crate::share();
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
