//! Settings and tables with which rows can't be written: a sentence with the mend, and calls
//! go on.

use std::time::Duration;

use dialdeck::config::{Mysql, Secret};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::copied::{
    DIAL, SOON, TABLE, assert_tells_what_the_report_does, count, mixed, rig, settings, wait_for,
};
use crate::support::database::{Database, PASSWORD};
use crate::support::incumbent::{self, column};
use crate::support::web::client;

/// Makes right settings wrong.
type Change = fn(&mut Mysql);

fn why(mysql: &Mysql) -> String {
    let runtime = Runtime::new().expect("a runtime");
    let checked = runtime.block_on(dialdeck::mirror::prepare(mysql));
    let why = checked.expect_err("it can't be used");
    assert!(!why.contains(PASSWORD), "{why}");
    assert!(!why.contains('\n'), "one line: {why}");
    why
}

#[test]
fn each_wrong_setting_has_a_sentence_with_the_mend() {
    let mut server = Database::start();
    let right = settings(&server);
    let check = |mysql: &Mysql| {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(dialdeck::mirror::prepare(mysql))
    };
    assert_eq!(check(&right), Ok(()), "as it should be");
    server.run("DROP DATABASE calls");
    server.run("CREATE DATABASE calls");
    server.run("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'a'");
    server.run("GRANT SELECT ON calls.* TO reader@'127.0.0.1'");
    server.run("CREATE USER stranger@'127.0.0.1' IDENTIFIED BY 'a'");

    let cases: [(&str, Change); 6] = [
        (
            "MySQL refuses the login of dialer: check MYSQL_USER and MYSQL_PASSWORD",
            |m| m.password = Some(Secret::new("wrong")),
        ),
        (
            "MySQL refuses the login of nobody: check MYSQL_USER and MYSQL_PASSWORD",
            |m| m.user = "nobody".to_owned(),
        ),
        (
            "reader may not write the table: GRANT SELECT, INSERT, UPDATE, CREATE ON `calls`.*",
            |m| (m.user, m.password) = ("reader".to_owned(), Some(Secret::new("a"))),
        ),
        (
            "stranger may not write the table: GRANT SELECT, INSERT, UPDATE, CREATE ON `calls`.*",
            |m| (m.user, m.password) = ("stranger".to_owned(), Some(Secret::new("a"))),
        ),
        ("nobody knows the host db.invalid: check MYSQL_HOST", |m| {
            m.host = "db.invalid".to_owned();
        }),
        (
            "nothing listens at 127.0.0.1:1: start MySQL, or check MYSQL_HOST and MYSQL_PORT",
            |m| m.port = 1,
        ),
    ];
    for (expected, change) in cases {
        let mut mysql = right.clone();
        change(&mut mysql);
        let why = why(&mysql);
        assert!(why.starts_with(expected), "{why:?} is not {expected:?}");
    }
    // Of a database that is not there only those learn who might see it.
    server.run("GRANT ALL ON nowhere.* TO dialer@'127.0.0.1'");
    let mut mysql = right.clone();
    mysql.database = "nowhere".to_owned();
    let missing = "MySQL has no database nowhere: CREATE DATABASE `nowhere`, or check";
    assert!(why(&mysql).starts_with(missing), "{}", why(&mysql));
    server.stop();
    let away = format!("nothing listens at 127.0.0.1:{}", right.port);
    assert!(why(&right).starts_with(&away), "{}", why(&right));
}

#[test]
fn each_unfit_table_has_a_sentence_with_the_mend_and_stays_as_it_is() {
    let server = Database::start();
    let mysql = settings(&server);
    let made = Runtime::new()
        .expect("a runtime")
        .block_on(dialdeck::mirror::prepare(&mysql));
    assert_eq!(made, Ok(()), "it is made where there is none");
    let cases = [
        (
            "DROP COLUMN leg_b_caller",
            "lacks leg_b_caller: ALTER TABLE `call_leg_timelines` ADD COLUMN `leg_b_caller` \
             VARCHAR(255)",
        ),
        ("DROP PRIMARY KEY", "call_id has no unique index of its own"),
        (
            "ADD UNIQUE person (leg_a_number)",
            "has the unique index person over leg_a_number, so one call would overwrite another",
        ),
    ];
    for (change, expected) in cases {
        server.run("CREATE DATABASE other");
        server.run(&format!("CREATE TABLE other.t LIKE {TABLE}"));
        server.run("GRANT SELECT, INSERT, UPDATE, CREATE ON other.* TO dialer@'127.0.0.1'");
        server.run(&format!("ALTER TABLE other.t {change}"));
        let before = server.rows("SHOW CREATE TABLE other.t");
        let mysql = Mysql {
            database: "other".to_owned(),
            table: "t".to_owned(),
            ..mysql.clone()
        };
        let why = why(&mysql);
        let expected = expected.replace("call_leg_timelines", "t");
        assert!(why.contains(&expected), "{why:?} is not {expected:?}");
        assert_eq!(server.rows("SHOW CREATE TABLE other.t"), before);
        server.run("DROP DATABASE other");
    }
}

#[test]
fn a_wrong_password_is_told_everywhere_and_calls_go_on() {
    let server = Database::start();
    let mut env = server.env();
    env[3].1 = "a wrong one".to_owned();
    let rig = rig(mixed(16), &env);
    let running = rig.deck.spawn(&["--headless", "--start"]);
    running.wait_for(
        "MySQL gets no rows, calls go on: MySQL refuses the login",
        SOON,
    );
    let ended = || running.stdout().matches(" call.ended ").count();
    wait_for("all calls", || ended() == 16);
    let get = |path: &str| {
        let url = format!("{}{path}", running.api());
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let answer = client().get(url).send().await;
            answer.expect("an answer").text().await.expect("a body")
        })
    };
    wait_for("what waits", || {
        let status: Value = serde_json::from_str(&get("/api/v1/status")).expect("JSON");
        status["mysql"]["waiting"] == 16
    });
    let status: Value = serde_json::from_str(&get("/api/v1/status")).expect("JSON");
    assert_eq!(status["mysql"]["state"], "away");
    let why = status["mysql"]["why"].as_str().expect("a sentence");
    assert!(
        why.starts_with("MySQL refuses the login of dialer"),
        "{why}"
    );
    let metrics = get("/metrics");
    assert!(metrics.contains("\ndialdeck_mysql_up 0\n"), "{metrics}");
    assert!(
        metrics.contains("\ndialdeck_mysql_waiting 16\n"),
        "{metrics}"
    );
    assert!(
        !running.stdout().contains("a wrong one"),
        "a secret is told"
    );
    running.signal("TERM");
    let ended = running.wait(Duration::from_secs(20));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    // Right again, the next start writes what waits.
    let mut deck = rig.deck;
    deck.change("MYSQL_PASSWORD", PASSWORD);
    deck.dial();
    assert_tells_what_the_report_does(&server, &deck);
}

#[test]
fn a_row_that_does_not_fit_holds_up_no_other_and_is_written_when_it_does() {
    let server = Database::start();
    let runtime = Runtime::new().expect("a runtime");
    let made = runtime.block_on(dialdeck::mirror::prepare(&settings(&server)));
    assert_eq!(made, Ok(()));
    let narrow = format!("ALTER TABLE {TABLE} MODIFY leg_a_number VARCHAR(10)");
    server.run(&narrow);
    // One of them has more digits.
    let rig = rig(["1077000001", "107700000234", "1077000003"], &server.env());
    let running = rig.deck.spawn(&["--headless", "--start"]);
    running.wait_for(
        "does not take a call: Data too long for column 'leg_a_number'",
        SOON,
    );
    wait_for("the others", || count(&server) == 2);
    server.run(&narrow.replace("10)", "255)"));
    wait_for("all", || count(&server) == 3);
    running.wait_for("MySQL gets rows again", SOON);
    running.signal("TERM");
    running.wait(SOON);
    assert_tells_what_the_report_does(&server, &rig.deck);
}

/// The table of the replaced program, with its rows and with what users have added.
#[test]
fn a_table_in_use_keeps_its_rows_and_its_further_columns() {
    let server = Database::start();
    let runtime = Runtime::new().expect("a runtime");
    let made = runtime.block_on(dialdeck::mirror::prepare(&settings(&server)));
    assert_eq!(made, Ok(()));
    server.run(&format!(
        "ALTER TABLE {TABLE} ADD COLUMN remark TEXT, ADD COLUMN seen INT NOT NULL DEFAULT 7"
    ));
    for (nth, row) in incumbent::rows().iter().enumerate() {
        let quoted = |value: &Option<String>| match value {
            None => "NULL".to_owned(),
            Some(text) => format!("'{text}'"),
        };
        let names: Vec<&str> = row.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<String> = row.iter().map(|(_, value)| quoted(value)).collect();
        server.run(&format!(
            "INSERT INTO {TABLE} (call_id, remark, {}) VALUES ('old-{nth}', 'mine', {})",
            names.join(","),
            values.join(",")
        ));
    }
    let old = format!("SELECT * FROM {TABLE} WHERE call_id LIKE 'old-%' ORDER BY call_id");
    let (rows, table) = (server.rows(&old), format!("SHOW CREATE TABLE {TABLE}"));
    let made = server.rows(&table);
    let rig = rig(mixed(8), &server.env());
    let ended = rig.deck.run(&DIAL);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    // Nor was there anything that the journal would not have had of the copy's records.
    assert!(!ended.stdout.contains(" warning "), "{}", ended.stdout);
    assert_eq!(server.rows(&old), rows, "the old rows");
    assert_eq!(server.rows(&table), made, "the table");
    let new = server.rows(&format!(
        "SELECT * FROM {TABLE} WHERE call_id NOT LIKE 'old-%'"
    ));
    assert_eq!(new.len(), 8);
    for row in &new {
        assert_eq!(column(row, "seen"), Some("7"));
        assert_eq!(column(row, "remark"), None);
        assert!(column(row, "created_at").is_some());
    }
}
