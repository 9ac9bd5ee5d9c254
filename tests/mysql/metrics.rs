//! What `/metrics` says of the copy and of what waits for it.

use std::time::Duration;

use crate::support::copied::{Rig, count, rig, wait_for};
use crate::support::database::Database;
use crate::support::deck::Running;
use crate::support::promtool::promtool_agrees;
use crate::support::web::client;

fn scrape(rig: &Rig, process: &Running) -> String {
    let url = format!("{}/metrics", process.api());
    rig.asterisk.block_on(async {
        let answer = client().get(url).send().await.expect("an answer");
        answer.text().await.expect("text")
    })
}

fn value(scrape: &str, name: &str) -> String {
    let line = scrape.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_else(|| panic!("no {name} in\n{scrape}"));
    value.trim().to_owned()
}

fn seconds(scrape: &str, name: &str) -> f64 {
    value(scrape, name).parse().expect("a number")
}

#[test]
fn rows_that_wait_are_counted_and_have_an_age_until_they_are_written() {
    let mut server = Database::start();
    let rig = rig((0..6).map(|i| format!("10770{i:02}")), &server.env());
    let process = rig.deck.spawn(&["--headless"]);
    let figure = |name: &str| value(&scrape(&rig, &process), name);
    wait_for("a database", || figure("dialdeck_mysql_up") == "1");
    assert_eq!(figure("dialdeck_mysql_waiting"), "0");
    assert_eq!(figure("dialdeck_mysql_lag_seconds"), "0");

    server.stop();
    let start = client().post(format!("{}/api/v1/start", process.api()));
    let started = rig.asterisk.block_on(start.send()).expect("an answer");
    assert_eq!(started.status(), 200);
    wait_for("rows that wait", || figure("dialdeck_mysql_waiting") == "6");
    wait_for("the loss", || figure("dialdeck_mysql_up") == "0");
    std::thread::sleep(Duration::from_secs(3));
    let away = scrape(&rig, &process);
    promtool_agrees(&away);
    let lag = seconds(&away, "dialdeck_mysql_lag_seconds");
    assert!((3.0..60.0).contains(&lag), "{lag}");
    // The journal, which they wait in, has no lag of its own.
    let own = seconds(&away, "dialdeck_journal_lag_seconds");
    assert!(own < 2.0, "{own}");

    server.up();
    wait_for("rows", || count(&server) == 6);
    wait_for("none that waits", || {
        figure("dialdeck_mysql_waiting") == "0"
    });
    let back = scrape(&rig, &process);
    assert_eq!(value(&back, "dialdeck_mysql_up"), "1");
    assert_eq!(value(&back, "dialdeck_mysql_lag_seconds"), "0");
    process.kill();
}
