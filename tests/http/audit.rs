//! Every command is written down with the address that it came from.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rusqlite::{Connection, OpenFlags};

use super::{Rig, SOON, STAYS, Served};
use crate::support::numbers::numbers;

/// Who, what, and what came of it.
type Line = (String, String, String);

/// Sends it on a connection of its own: where that came from, and the status.
fn send(served: &Served, method: &str, path: &str, body: &str) -> (SocketAddr, u16) {
    let addr = served.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("set");
    let peer = stream.local_addr().expect("it is connected");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    (peer, status.expect("a status"))
}

/// What the journal on the disk has, whoever writes in it.
fn journal(rig: &Rig) -> Vec<Line> {
    let path = rig.deck.path("dialdeck.db");
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let file = file.expect("it is a journal");
    let mut lines = file
        .prepare("SELECT by, command, outcome FROM audit ORDER BY entry")
        .expect("the table is there");
    let lines = lines.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    lines
        .expect("it is read")
        .map(|line| line.expect("texts"))
        .collect()
}

/// Whether the log has it. What is one word stands there without quotes.
fn is_told(log: &str, by: &str, command: &str) -> bool {
    let quoted = format!(" command by=\"{by}\" command=\"{command}\" ");
    let bare = format!(" command by=\"{by}\" command={command} ");
    log.contains(&quoted) || log.contains(&bare)
}

/// Method, path, body, status, and what the audit, in which people count from 1, calls it.
const COMMANDS: [(&str, &str, &str, u16, &str); 16] = [
    ("GET", "/start", "", 201, "start again"),
    ("POST", "/api/v1/pause", "", 200, "pause"),
    ("POST", "/api/v1/resume", "", 200, "start"),
    ("POST", "/api/v1/drain", "", 200, "drain"),
    ("POST", "/api/v1/start", "", 200, "start"),
    ("POST", "/api/v1/pause", "", 200, "pause"),
    ("POST", "/api/v1/pause", "", 409, "pause"),
    ("PUT", "/api/v1/max_cc", r#"{"max_cc":3}"#, 200, "MAX_CC 3"),
    (
        "POST",
        "/api/v1/leads",
        r#"{"numbers":["80559999"]}"#,
        200,
        "add 1 number",
    ),
    ("POST", "/api/v1/leads/5/skip", "", 200, "skip lead 6"),
    (
        "POST",
        "/api/v1/leads/5/requeue",
        "",
        200,
        "call lead 6 again",
    ),
    (
        "POST",
        "/api/v1/calls/999/hangup",
        "",
        409,
        "hang up call 999",
    ),
    ("POST", "/api/v1/calls/hangup", "", 200, "hang up all calls"),
    ("POST", "/api/v1/new_run", "", 409, "new run"),
    ("POST", "/api/v1/stop", "", 200, "stop now"),
    ("GET", "/start", "", 500, "start again"),
];

#[test]
fn each_command_stands_in_the_log_and_in_the_journal_with_its_peer_and_its_outcome() {
    let mut rig = Rig::new(&numbers(STAYS, 6), &[("STATE_FILE", "dialdeck.db")]);
    let served = rig.serve();
    let mut given = Vec::new();
    for (place, (method, path, body, expected, command)) in COMMANDS.iter().enumerate() {
        if place == COMMANDS.len() - 1 {
            rig.deck.change("MAX_CC", 0);
            rig.deck.write_env();
        }
        let (peer, status) = send(&served, method, path, body);
        assert_eq!(status, *expected, "{method} {path}");
        given.push((format!("http {peer}"), (*command).to_owned(), *expected));
    }
    // What only looks is no command.
    assert_eq!(send(&served, "GET", "/api/v1/status", "").1, 200);
    served.process.signal("TERM");
    let ended = served.process.wait(SOON);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let written = journal(&rig);
    let over_http: Vec<&Line> = written
        .iter()
        .filter(|l| l.0.starts_with("http "))
        .collect();
    assert_eq!(over_http.len(), given.len(), "{written:#?}");
    for ((by, command, status), line) in given.iter().zip(over_http) {
        assert_eq!((by, command), (&line.0, &line.1), "{written:#?}");
        let refused = line.2.starts_with("refused: ");
        assert_eq!(refused, *status >= 400, "{line:?}");
        assert!(is_told(&ended.stdout, by, command), "{}", ended.stdout);
    }
}
