//! The database is away, hangs, or is locked.

use std::time::{Duration, Instant};

use crate::support::copied::{
    DIAL, SOON, TABLE, assert_tells_what_the_report_does, count, mixed, rig, rig_with, wait_for,
};
use crate::support::database::Database;
use crate::support::deck::Running;
use crate::support::incumbent::column;

/// How long the table is locked: longer than the server waits for a lock by itself.
const LOCKED: Duration = Duration::from_secs(12);
/// The same in the second tier.
const LOCKED_LONG: Duration = Duration::from_secs(60);

/// So many calls have ended.
fn wait_for_ends(running: &Running, ends: usize) {
    let ended = || running.stdout().matches(" call.ended ").count();
    wait_for(&format!("{ends} calls"), || ended() >= ends);
}

#[test]
fn away_before_during_and_at_the_end_of_a_campaign_it_has_each_call_once() {
    let mut server = Database::start();
    let mut rig = rig(mixed(200), &server.env());
    // A server takes seconds to come back, in which calls must not run out.
    rig.deck.change("MAX_CC", 10);
    server.stop();
    let running = rig.deck.spawn(&DIAL);
    wait_for_ends(&running, 50);
    server.up();
    wait_for("rows", || {
        server.number("SELECT count(*) FROM information_schema.tables WHERE table_schema='calls'")
            == 1
            && count(&server) > 50
    });
    server.kill();
    wait_for_ends(&running, 130);
    server.up();
    let before = count(&server);
    wait_for("more rows", || count(&server) > before);
    server.stop();
    let ended = running.wait(SOON * 2);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("wait in the journal for MySQL; the next start writes them"),
        "{}",
        ended.stdout
    );
    server.up();
    // A start that has nobody to dial, and only what the last one left.
    let later = rig.deck.run(&DIAL);
    assert_eq!(later.code, Some(0), "{}", later.stdout);
    assert_tells_what_the_report_does(&server, &rig.deck);
}

#[test]
fn a_dialer_killed_while_the_database_was_away_forgets_no_row() {
    let mut server = Database::start();
    let rig = rig(mixed(40), &server.env());
    server.stop();
    let running = rig.deck.spawn(&DIAL);
    wait_for_ends(&running, 15);
    running.kill();
    server.up();
    let ended = rig.deck.run(&DIAL);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(count(&server), 40);
    let open = format!("SELECT count(*) FROM {TABLE} WHERE leg_a_end IS NULL");
    assert_eq!(server.number(&open), 0, "what was up has ended, too");
}

/// Its statements are carried out when it wakes: those of the connection that was given up,
/// too, and they say less than what was written since.
#[test]
fn a_server_that_sleeps_in_the_middle_undoes_nothing_when_it_wakes() {
    let server = Database::start();
    let rig = rig(mixed(80), &server.env());
    let running = rig.deck.spawn(&["--headless", "--start"]);
    wait_for_ends(&running, 10);
    server.signal("STOP");
    wait_for_ends(&running, 80);
    running.wait_for("does not answer within 10 s", SOON);
    server.signal("CONT");
    running.wait_for("MySQL gets rows again", SOON);
    running.signal("TERM");
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_tells_what_the_report_does(&server, &rig.deck);
}

fn locked_for(time: Duration) {
    let server = Database::start();
    let rig = rig(mixed(80), &server.env());
    let running = rig.deck.spawn(&["--headless", "--start"]);
    wait_for_ends(&running, 10);
    let mut session = server.session();
    session.run(&format!("LOCK TABLES {TABLE} WRITE"));
    let locked = Instant::now();
    wait_for_ends(&running, 80);
    running.wait_for("is locked by somebody else", SOON);
    std::thread::sleep(time.saturating_sub(locked.elapsed()));
    session.run("UNLOCK TABLES");
    let all = format!("SELECT count(*) FROM {TABLE} WHERE leg_a_end IS NOT NULL");
    wait_for("all rows", || server.number(&all) == 80);
    running.signal("TERM");
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_tells_what_the_report_does(&server, &rig.deck);
}

#[test]
fn a_locked_table_gets_its_rows_when_it_is_free() {
    locked_for(LOCKED);
}

#[test]
#[ignore = "long: tests/long mysql"]
fn a_table_locked_for_a_minute_gets_its_rows_when_it_is_free() {
    locked_for(LOCKED_LONG);
}

#[test]
fn whatever_asterisk_does_to_its_events_rows_say_what_the_report_does() {
    let server = Database::start();
    let faults = r#"{"drop_sockets_every": [700, 1500], "duplicate_events_percent": 20,
        "latency": [0, 30], "answer_delay": [0, 40], "stasis_delay": [0, 20]}"#;
    let faults = serde_json::from_str(faults).expect("faults");
    let rig = rig_with(faults, mixed(48), &server.env());
    let ended = rig.deck.run(&DIAL);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(ended.stdout.contains(" link.down "), "the link was lost");
    assert!(!ended.stdout.contains(" warning "), "{}", ended.stdout);
    assert_tells_what_the_report_does(&server, &rig.deck);
}

#[test]
fn a_query_during_a_call_finds_it() {
    let server = Database::start();
    // One that rings, and one that talks on with a target that does.
    let mut env = server.env().to_vec();
    env.push(("TARGET_ENDPOINT", "Local/100@lab".to_owned()));
    env.push(("CALL_TIMEOUT", "60".to_owned()));
    let rig = rig(["3077001", "8077002"], &env);
    let running = rig.deck.spawn(&DIAL);
    let select = |number: &str| format!("SELECT * FROM {TABLE} WHERE leg_a_number='{number}'");
    running.wait_for("call.bridged", SOON);
    let talks = "SELECT count(*) FROM calls.call_leg_timelines WHERE leg_b_answer IS NOT NULL";
    wait_for("the conversation's row", || server.number(talks) == 1);
    let talking = &server.rows(&select("8077002"))[0];
    assert_eq!(column(talking, "leg_a_status"), Some("ANSWERED"));
    assert_eq!(column(talking, "leg_b_status"), Some("ANSWERED"));
    assert_eq!(column(talking, "leg_a_end"), None);
    wait_for("the row of the one that rings", || count(&server) == 2);
    let ringing = &server.rows(&select("3077001"))[0];
    assert_eq!(column(ringing, "leg_a_status"), None);
    assert_eq!(column(ringing, "leg_a_answer"), None);
    assert!(column(ringing, "leg_a_start").is_some());
}
