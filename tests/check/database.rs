//! The copy in MySQL, of a real MariaDB: each fault is named with its mend, no secret is told,
//! and the check changes nothing there.

use super::faults::assert_named;
use super::{finding, good};
use crate::support::database::{Database, PASSWORD};
use crate::support::deck::{Deck, Ended};
use crate::support::lab::Lab;

const ALTER: &str = "ALTER TABLE calls.call_leg_timelines";

/// Settings with which rows can be written, on a server that has no table yet.
fn with(server: &Database, lab: &Lab) -> Deck {
    let mut deck = good(lab).set_all(&server.env());
    // Busy at once: where a test dials, it does so to have the table made.
    deck.list(["1077000001"]);
    deck
}

/// What somebody could have changed: databases, tables, and what is in them.
fn state(server: &Database) -> String {
    let tables = server.rows(
        "SELECT table_schema, table_name, create_time, auto_increment \
         FROM information_schema.tables WHERE table_schema NOT IN \
         ('information_schema', 'performance_schema') ORDER BY 1, 2",
    );
    let columns = server.rows(
        "SELECT table_schema, table_name, column_name, column_type FROM \
         information_schema.columns WHERE table_schema = 'calls' ORDER BY 1, 2, 3",
    );
    let databases = server.rows("SHOW DATABASES");
    format!("{databases:?} {tables:?} {columns:?}")
}

fn check(deck: &Deck, server: &Database) -> Ended {
    let before = state(server);
    let ended = deck.run(&["check", "--json"]);
    assert_eq!(state(server), before, "the check has changed the server");
    assert!(!ended.stdout.contains(PASSWORD), "a secret is told");
    assert!(!ended.stderr.contains(PASSWORD), "a secret is told");
    ended
}

fn faulty(deck: &Deck, server: &Database, name: &str, fact: &str, mend: &str) {
    let ended = check(deck, server);
    assert_named(&ended, name, "database", fact, mend);
}

/// Without each of these rights, and on a server that is read-only.
fn refusals_are_told(deck: &Deck, server: &Database, rights: &[&str]) {
    let (fact, mend) = ("may not write the table", "GRANT SELECT, INSERT");
    for right in rights {
        server.run(&format!(
            "REVOKE {right} ON calls.* FROM dialer@'127.0.0.1'"
        ));
        faulty(deck, server, right, fact, mend);
        server.run(&format!("GRANT {right} ON calls.* TO dialer@'127.0.0.1'"));
    }
    server.run("SET GLOBAL read_only = 1");
    faulty(deck, server, "read-only", "is read-only", "MYSQL_HOST");
}

fn make_table(server: &Database, deck: &Deck) {
    deck.dial();
    assert!(server.number("SELECT COUNT(*) FROM calls.call_leg_timelines") > 0);
}

#[test]
fn a_database_that_takes_rows_is_told_before_and_after_its_table_is_made() {
    let lab = Lab::get();
    let server = Database::start();
    let deck = with(&server, &lab);
    let ended = check(&deck, &server);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let fact = finding(&ended, "database", "ok")["fact"].to_string();
    assert!(
        fact.contains("has no table calls.call_leg_timelines yet"),
        "{fact}"
    );
    make_table(&server, &deck);
    let ended = check(&deck, &server);
    let fact = finding(&ended, "database", "ok")["fact"].to_string();
    assert!(
        fact.contains("takes rows into calls.call_leg_timelines"),
        "{fact}"
    );
    server.run(&format!("{ALTER} MODIFY leg_b_answered_by VARCHAR(20)"));
    let found = finding(&check(&deck, &server), "database", "warning");
    assert!(
        found["fact"]
            .to_string()
            .contains("too narrow in leg_b_answered_by"),
        "{found}"
    );
    assert!(
        found["mend"]
            .to_string()
            .contains("MODIFY `leg_b_answered_by` VARCHAR(255)"),
        "{found}"
    );
    server.run(&format!(
        "{ALTER} ADD COLUMN shop INT NOT NULL, ADD COLUMN day DATE NOT NULL DEFAULT '2000-01-01'"
    ));
    let fact = "demands a value in shop, of which";
    faulty(&deck, &server, "a value", fact, "MODIFY `shop` int");
    server.run(&format!("{ALTER} DROP COLUMN shop"));
    server.run(&format!("{ALTER} DROP COLUMN leg_b_peer"));
    let mend = "ADD COLUMN `leg_b_peer`";
    faulty(&deck, &server, "other columns", "lacks leg_b_peer", mend);
}

#[test]
fn who_may_not_log_in_or_write_is_told_how_to_be_let() {
    let lab = Lab::shared();
    let server = Database::start();
    let mut deck = with(&server, &lab);
    deck.change("MYSQL_PASSWORD", "another s3cret");
    let ended = check(&deck, &server);
    assert_named(
        &ended,
        "password",
        "database",
        "refuses the login of dialer",
        "MYSQL_PASSWORD",
    );
    assert!(!ended.stdout.contains("another s3cret"), "a secret is told");
    deck.change("MYSQL_PASSWORD", PASSWORD);
    deck.change("MYSQL_HOST", "db.invalid");
    faulty(
        &deck,
        &server,
        "host",
        "nobody knows the host db.invalid",
        "MYSQL_HOST",
    );
    deck.change("MYSQL_HOST", "127.0.0.1");
    server.run("GRANT ALL ON nowhere.* TO dialer@'127.0.0.1'");
    deck.change("MYSQL_DATABASE", "nowhere");
    faulty(
        &deck,
        &server,
        "database",
        "has no database nowhere",
        "CREATE DATABASE `nowhere`",
    );
    deck.change("MYSQL_DATABASE", "calls");
    refusals_are_told(&deck, &server, &["CREATE", "INSERT", "UPDATE", "SELECT"]);
    server.run("SET GLOBAL read_only = 0");
    assert_eq!(check(&deck, &server).code, Some(0), "as it was");
}

#[test]
fn rights_are_looked_at_on_a_table_that_is_there_too() {
    let lab = Lab::get();
    let server = Database::start();
    let deck = with(&server, &lab);
    make_table(&server, &deck);
    refusals_are_told(&deck, &server, &["INSERT", "UPDATE", "SELECT"]);
}
