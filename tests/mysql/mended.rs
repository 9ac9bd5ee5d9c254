//! A database in which no row can be written, while the shipped binary dials: a sentence with
//! the mend, calls that go on, and all rows once it is mended.

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::copied::{
    SOON, TABLE, assert_tells_what_the_report_does, rig, settings, wait_for,
};
use crate::support::database::{Database, PASSWORD};
use crate::support::deck::Running;
use crate::support::web::client;

/// Busy, invalid, and two that are answered and recorded.
const NUMBERS: [&str; 4] = ["1077001", "8177002", "4077003", "8377004"];

/// What is wrong, and how it is mended while the dialer runs.
struct Fault {
    breaks: String,
    /// How the sentence begins, and what it has of the mend.
    told: [&'static str; 2],
    mends: String,
}

fn fault(breaks: impl Into<String>, told: [&'static str; 2], mends: impl Into<String>) -> Fault {
    Fault {
        breaks: breaks.into(),
        told,
        mends: mends.into(),
    }
}

fn with_table() -> Database {
    let server = Database::start();
    let runtime = Runtime::new().expect("a runtime");
    let made = runtime.block_on(dialdeck::mirror::prepare(&settings(&server)));
    assert_eq!(made, Ok(()));
    server
}

/// The value of `mysql` in `/api/v1/status`.
fn status(running: &Running) -> Value {
    let url = format!("{}/api/v1/status", running.api());
    let runtime = Runtime::new().expect("a runtime");
    let text = runtime.block_on(async {
        let answer = client().get(url).send().await.expect("an answer");
        answer.text().await.expect("a body")
    });
    let status: Value = serde_json::from_str(&text).expect("JSON");
    status["mysql"].clone()
}

/// Dials all numbers beside the broken database, mends it, and has all rows without a restart.
fn calls_go_on_and_rows_come_after_the_mend(server: &Database, fault: &Fault) {
    server.run(&fault.breaks);
    let rig = rig(NUMBERS, &server.env());
    let running = rig.deck.spawn(&["--headless", "--start"]);
    let [begins, mend] = fault.told;
    running.wait_for(&format!("MySQL gets no rows, calls go on: {begins}"), SOON);
    let ended = || running.stdout().matches(" call.ended ").count();
    wait_for("all calls", || ended() == NUMBERS.len());
    let mut placed = rig.asterisk.calls_placed();
    placed.sort();
    let mut listed = NUMBERS.map(str::to_owned);
    listed.sort();
    assert_eq!(placed, listed, "each once");
    wait_for("what waits", || {
        status(&running)["waiting"] == NUMBERS.len()
    });
    let shown = status(&running);
    assert_eq!(shown["state"], "away");
    let why = shown["why"].as_str().expect("a sentence");
    assert!(why.starts_with(begins) && why.contains(mend), "{why}");

    server.run(&fault.mends);
    running.wait_for("MySQL gets rows again", SOON);
    wait_for("all rows", || status(&running)["waiting"] == 0);
    assert_eq!(status(&running)["state"], "connected");
    running.signal("TERM");
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_tells_what_the_report_does(server, &rig.deck);
}

#[test]
fn a_wrong_password_is_told_and_rows_come_once_it_is_right() {
    let of = |password: &str| format!("ALTER USER dialer@'127.0.0.1' IDENTIFIED BY '{password}'");
    let told = [
        "MySQL refuses the login of dialer",
        "check MYSQL_USER and MYSQL_PASSWORD",
    ];
    calls_go_on_and_rows_come_after_the_mend(
        &with_table(),
        &fault(of("another"), told, of(PASSWORD)),
    );
}

#[test]
fn a_missing_grant_is_told_and_rows_come_once_it_is_given() {
    let told = [
        "dialer may not write the table",
        "GRANT SELECT, INSERT, UPDATE, CREATE ON `calls`.* TO 'dialer'",
    ];
    for lacking in ["INSERT", "UPDATE", "SELECT"] {
        calls_go_on_and_rows_come_after_the_mend(
            &with_table(),
            &fault(
                format!("REVOKE {lacking} ON calls.* FROM dialer@'127.0.0.1'"),
                told,
                // As the sentence has it, and the account's host.
                "GRANT SELECT, INSERT, UPDATE, CREATE ON `calls`.* TO 'dialer'@'127.0.0.1'",
            ),
        );
    }
}

#[test]
fn a_missing_database_is_told_and_rows_come_once_it_is_made() {
    let told = ["MySQL has no database calls", "CREATE DATABASE `calls`"];
    calls_go_on_and_rows_come_after_the_mend(
        &with_table(),
        &fault("DROP DATABASE calls", told, "CREATE DATABASE `calls`"),
    );
}

#[test]
fn a_missing_column_is_told_and_rows_come_once_it_is_added() {
    let mend = "ALTER TABLE `call_leg_timelines` ADD COLUMN `leg_b_peer` VARCHAR(255)";
    let told = ["the table call_leg_timelines lacks leg_b_peer", mend];
    calls_go_on_and_rows_come_after_the_mend(
        &with_table(),
        &fault(
            format!("ALTER TABLE {TABLE} DROP COLUMN leg_b_peer"),
            told,
            // The sentence's own, said in no database.
            mend.replace("`call_leg_timelines`", TABLE),
        ),
    );
}

#[test]
fn a_column_too_narrow_for_any_call_is_told_and_rows_come_once_it_is_wide() {
    let to = |wide: u8| format!("ALTER TABLE {TABLE} MODIFY leg_a_number VARCHAR({wide})");
    let told = [
        "the table call_leg_timelines does not take a call: Data too long for column 'leg_a_number'",
        "give it columns as wide as README says",
    ];
    calls_go_on_and_rows_come_after_the_mend(&with_table(), &fault(to(3), told, to(255)));
}

#[test]
fn the_console_shows_that_no_rows_are_written_and_the_mend() {
    let server = with_table();
    server.run("DROP DATABASE calls");
    let rig = rig(NUMBERS, &server.env());
    let screen = rig.deck.open(&["--start"], 30, 160);
    screen.wait_for("MYSQL AWAY", SOON);
    screen.wait_for("CREATE DATABASE `calls`", SOON);
    screen.wait_for("DONE", SOON);
    assert_eq!(rig.asterisk.calls_placed().len(), NUMBERS.len());
    server.run("CREATE DATABASE calls");
    screen.wait_until("end of it", |text| !text.contains("MYSQL AWAY"), SOON);
    wait_for("all rows", || {
        server.number(&format!("SELECT count(*) FROM {TABLE}")) == NUMBERS.len()
    });
}
