//! What a user of the Node.js program does to change over, as README has it: the same folder,
//! `.env`, list and table, under the same PM2, on a real Asterisk.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::Duration;

use super::pm2::Pm2;
use crate::support::database::{Database, Named};
use crate::support::deck::Deck;
use crate::support::incumbent::{self, column};
use crate::support::lab::{Lab, Seen};
use crate::support::wait::wait;

const TABLE: &str = "calls.call_leg_timelines";

/// The table as the old program made it, with a column of the user's.
const OLD_TABLE: &str = "CREATE TABLE calls.call_leg_timelines (
    call_id VARCHAR(64) NOT NULL PRIMARY KEY, recording_path TEXT,
    leg_a_status VARCHAR(255), leg_a_number VARCHAR(255), leg_a_channel VARCHAR(255),
    leg_a_paired_channel VARCHAR(255), leg_a_peer VARCHAR(255), leg_a_caller VARCHAR(255),
    leg_a_dial_string TEXT, leg_a_answered_by VARCHAR(255),
    leg_a_start DATETIME NULL, leg_a_answer DATETIME NULL, leg_a_end DATETIME NULL,
    leg_b_status VARCHAR(255), leg_b_number VARCHAR(255), leg_b_channel VARCHAR(255),
    leg_b_paired_channel VARCHAR(255), leg_b_peer VARCHAR(255), leg_b_caller VARCHAR(255),
    leg_b_dial_string TEXT, leg_b_answered_by VARCHAR(255),
    leg_b_start DATETIME NULL, leg_b_answer DATETIME NULL, leg_b_end DATETIME NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    crm_note VARCHAR(20) DEFAULT 'not yet looked at'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";

/// Who is called, what the table says of them, and to whom the old program's row of such a
/// call was, where there is one. Three at a time: the first has the one agent for six seconds
/// and the second rings for four, so the others go through the third place one after another,
/// and the last waits for an agent in vain.
const CALLED: [(&str, &str, Option<&str>); 8] = [
    ("8606001", "ANSWERED", Some("80000001")),
    ("3000777", "NO ANSWER", Some("30000001")),
    ("1000777", "BUSY", Some("10000001")),
    ("2000777", "CONGESTION", Some("20000001")),
    ("4000777", "INVALID NUMBER", Some("40000001")),
    ("5000777", "REJECTED", None),
    ("+6000777", "REJECTED", None),
    ("8101777", "NO ANSWER", Some("80000002")),
];

/// A few lines that hold what the old program held: its port, and its Stasis application.
fn old_program(lab: &Lab, pm2: &Pm2) -> String {
    let (user, password) = lab.credentials();
    let url = lab.ari_url().replace("http://", "ws://");
    let ws = pm2.packages().join("ws");
    format!(
        "const [host, port] = process.env.CONTROL_ADDR.split(':');
require('http').createServer((_, to) => to.end()).listen(Number(port), host);
const Socket = require('{}');
const socket = new Socket(
  '{url}/ari/events?app=outbound_dialer&api_key={user}:{password}');
socket.on('open', () => console.log('it holds the application'));
",
        ws.display()
    )
}

/// The old program's folder.
fn old_folder(lab: &Lab, server: &Database) -> Deck {
    let deck = Deck::new(lab.env())
        // The old program knew no such setting.
        .unset("CONTROL_ADDR")
        .set("OUTBOUND_NUMBER_FILE", "numbers.txt")
        .set("TARGET_EXTENSION", "777")
        .set("CALL_TIMEOUT", "4 # seconds")
        .set("CALLER_ID", "Sales Team <1001>")
        .set("MAX_CC", 3)
        .set_all(&server.env())
        .set("MYSQL_PASSWORD", "p$ecret#1");
    let mut list = "# autumn\n\nfoo\n 1 000 777\n".to_owned();
    for row in incumbent::rows() {
        list += column(&row, "leg_a_number").expect("each has a number");
        list += "\n";
    }
    for (number, ..) in CALLED {
        list += number;
        list += "\r\n";
    }
    list += CALLED[0].0;
    fs::write(deck.path("numbers.txt"), list).expect("the folder is ours");
    deck
}

/// The table with the old program's rows in it.
fn old_rows(server: &Database) {
    server.run("ALTER USER dialer@'127.0.0.1' IDENTIFIED BY 'p$ecret#1'");
    server.run(OLD_TABLE);
    for (nth, row) in incumbent::rows().iter().enumerate() {
        let (names, values): (Vec<_>, Vec<_>) = row
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), format!("'{}'", value.as_ref()?))))
            .unzip();
        server.run(&format!(
            "INSERT INTO {TABLE} (call_id, crm_note, {}) VALUES ('old-{nth}', 'to {nth}', {})",
            names.join(","),
            values.join(",")
        ));
    }
}

fn rows(server: &Database, which: &str) -> Vec<Named> {
    server.rows(&format!(
        "SELECT * FROM {TABLE} WHERE {which} ORDER BY call_id"
    ))
}

/// README: "Take those out of the list whom it has called."
fn take_out_the_called(deck: &Deck, server: &Database) {
    let called = rows(server, "true");
    let called: Vec<_> = called.iter().map(|r| column(r, "leg_a_number")).collect();
    let list = fs::read_to_string(deck.path("numbers.txt")).expect("text");
    let left: Vec<&str> = list
        .lines()
        .filter(|line| !called.contains(&Some(line.trim())))
        .collect();
    fs::write(deck.path("numbers.txt"), left.join("\n")).expect("the folder is ours");
}

fn check(deck: &Deck, addr: &str) -> Output {
    let mut command = deck.command(&["check"]);
    let checked = command.env("CONTROL_ADDR", addr).output();
    checked.expect("the binary runs")
}

/// The status, a blank, and the body.
fn curl(addr: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*", "--max-time", "20"])
        .args(["--write-out", " %{http_code}"])
        .arg(format!("http://{addr}/start"))
        .output()
        .expect("curl runs");
    String::from_utf8(output.stdout).expect("text")
}

fn numbers(calls: &[Seen]) -> Vec<&str> {
    let mut numbers: Vec<&str> = calls.iter().map(|call| call.callee.as_str()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_user_of_the_old_program_changes_over_as_the_readme_says() {
    let lab = Lab::get();
    let server = Database::start();
    super::needs(&["curl"]);
    old_rows(&server);
    let before = rows(&server, "true");
    let deck = old_folder(&lab, &server);
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = free.local_addr().expect("it is bound").to_string();
    drop(free);
    let pm2 = Pm2::without_file(&deck).set("CONTROL_ADDR", &addr);

    the_old_one_runs(&lab, &deck, &pm2);
    let checked = check(&deck, &addr);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(said.contains("Not ready to dial: 2 faults."), "{said}");
    for held in ["application", "control"] {
        assert!(said.contains(&format!("fault        {held}")), "{said}");
    }

    pm2.run(&["delete", "dialer"]);
    pm2.run(&["save", "--force"]);
    take_out_the_called(&deck, &server);
    let checked = check(&deck, &addr);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");

    let file = deck.path("ecosystem.config.cjs");
    fs::rename(file, deck.path("old.config.cjs")).expect("the folder is ours");
    pm2.copy_file();
    pm2.run(&["start", "ecosystem.config.cjs"]);
    pm2.run(&["save"]);
    pm2.wait_for(" link.up", 1);
    let started = curl(&addr);
    assert_eq!(
        started,
        r#"{"status":"ok","message":"Dialer started successfully."} 201"#
    );
    let again = curl(&addr);
    assert_eq!(
        again,
        r#"{"status":"ok","message":"Dialer already running."} 200"#
    );
    pm2.wait_for(" state state=DONE", 1);

    assert_everybody_left_was_called_once(&lab);
    assert_rows(&server, &before);
    assert_summaries(&server, &pm2);

    let at_done = curl(&addr);
    assert!(
        at_done.contains("Dialer already running.") && at_done.ends_with(" 200"),
        "{at_done}"
    );
    std::thread::sleep(Duration::from_secs(2));
    assert_everybody_left_was_called_once(&lab);
    the_new_one_is_stopped(&deck, &pm2);
    lab.assert_nothing_left();
}

fn the_old_one_runs(lab: &Lab, deck: &Deck, pm2: &Pm2) {
    let write = |name: &str, text: &str| fs::write(deck.path(name), text).expect("it is ours");
    write("dialer.js", &old_program(lab, pm2));
    write(
        "ecosystem.config.cjs",
        "module.exports = { apps: [{ name: 'dialer', script: 'dialer.js', \
         out_file: 'dialer.log', error_file: 'dialer.log' }] }",
    );
    pm2.run(&["start", "ecosystem.config.cjs"]);
    pm2.run(&["save"]);
    wait("the old program", super::SOON, || {
        let log = fs::read_to_string(deck.path("dialer.log")).unwrap_or_default();
        log.contains("it holds the application")
    });
}

/// Only those whom the old program had not called, each shown the caller ID of `.env`.
fn assert_everybody_left_was_called_once(lab: &Lab) {
    let mut all: Vec<&str> = CALLED.iter().map(|(number, ..)| *number).collect();
    all.sort_unstable();
    let calls = lab.carrier_calls();
    assert_eq!(numbers(&calls), all);
    assert!(calls.iter().all(|call| call.caller == "1001"), "{calls:?}");
}

/// Each call has its row in the old table, and the old rows are what they were.
fn assert_rows(server: &Database, before: &[Named]) {
    let recordings = "recording_path IS NOT NULL AND call_id NOT LIKE 'old-%'";
    wait("two recordings", super::SOON, || {
        rows(server, recordings).len() == 2
    });
    assert_eq!(rows(server, "call_id LIKE 'old-%'"), before);
    assert_eq!(rows(server, "true").len(), before.len() + CALLED.len());
    for (number, status, old) in CALLED {
        let row = rows(server, &format!("leg_a_number='{number}'"));
        let [row] = row.as_slice() else {
            panic!("not one row of {number}: {row:?}");
        };
        assert_eq!(column(row, "leg_a_status"), Some(status), "{number}");
        assert_eq!(column(row, "crm_note"), Some("not yet looked at"));
        if let Some(path) = column(row, "recording_path") {
            assert!(
                fs::metadata(path).is_ok_and(|file| file.len() > 44),
                "{path}"
            );
        }
        let of_such = |r: &&Named| column(r, "leg_a_number") == old;
        if let Some(old) = incumbent::rows().iter().find(of_such) {
            incumbent::assert_differs_as_announced(row, old);
        }
    }
}

/// "[<call id>] Call summary: start;number;statusA;…" of each call in PM2's log.
fn assert_summaries(server: &Database, pm2: &Pm2) {
    let out = pm2.out();
    assert_eq!(out.matches("Call summary: ").count(), CALLED.len());
    for (number, status, _) in CALLED {
        let row = &rows(server, &format!("leg_a_number='{number}'"))[0];
        let id = column(row, "call_id").expect("the key");
        let begin = format!("[{id}] Call summary: ");
        let line = out.lines().find_map(|line| line.strip_prefix(&begin));
        let line = line.unwrap_or_else(|| panic!("no summary of {number}: {out}"));
        let fields: Vec<&str> = line.split(';').collect();
        assert_eq!(fields.len(), 10, "{line}");
        assert_eq!(fields[1..3], [number, status], "{line}");
        let recording = column(row, "recording_path").unwrap_or_default();
        assert_eq!(fields[9], recording, "{line}");
    }
}

fn the_new_one_is_stopped(deck: &Deck, pm2: &Pm2) {
    let saved = fs::read_to_string(deck.path("pm2/dump.pm2")).expect("it was saved");
    assert!(saved.contains(r#""name": "dialdeck""#), "{saved}");
    assert!(!saved.contains("dialer.js"), "it would come back: {saved}");
    let errors = fs::read_to_string(deck.path("dialdeck.err.log")).expect("text");
    for told in ["TARGET_CONTEXT is not set", "MYSQL_PASSWORD (.env line"] {
        assert!(errors.contains(told), "{told}: {errors}");
    }
    assert!(!(errors + &pm2.out()).contains("p$ecret"), "a password");
    pm2.run(&["stop", "dialdeck"]);
    let process = pm2.process();
    assert_eq!(process["pm2_env"]["status"], "stopped");
    assert_eq!(process["pm2_env"]["exit_code"], 0);
}
