//! What takes too long is ended, and whoever else asks is answered meanwhile.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::{Rig, SOON, STAYS, Served, json};
use crate::support::numbers::numbers;

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// Until then nobody is ended.
const ALMOST_HEAD: Duration = Duration::from_secs(8);
/// How long a request may take, its body included.
const REQUEST: Duration = Duration::from_secs(15);
/// Until then nobody is ended.
const ALMOST_REQUEST: Duration = Duration::from_secs(13);
/// A busy machine may be late by so much.
const LATE: Duration = Duration::from_secs(8);
/// Fewer than there are places for connections.
const MANY: usize = 40;

fn address(served: &Served) -> &str {
    served.base.trim_start_matches("http://")
}

fn connect(served: &Served) -> TcpStream {
    let stream = TcpStream::connect(address(served)).expect("it listens");
    let patience = Some(REQUEST + LATE * 2);
    stream.set_read_timeout(patience).expect("set");
    stream
}

/// A head without its end.
fn half(served: &Served) -> String {
    format!("GET /start HTTP/1.1\r\nHost: {}\r\nX-Slow", address(served))
}

fn is_open(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("set");
    let read = stream.read(&mut [0; 1]);
    stream.set_nonblocking(false).expect("set");
    read.is_err_and(|e| e.kind() == ErrorKind::WouldBlock)
}

/// All that still comes, up to the end.
fn rest(mut stream: &TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::ConnectionReset => {}
        Err(e) => panic!("it is not ended: {e}"),
    }
    String::from_utf8(text).expect("text")
}

/// Asks again and again for so long, and each time there is an answer.
fn is_answered_until(rig: &Rig, served: &Served, end: Instant, mut between: impl FnMut()) {
    while Instant::now() < end {
        let asked = Instant::now();
        let status = rig.get(served, "/api/v1/status");
        assert_eq!(status.status, 200, "{}", status.text);
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(5), "answered after {took:?}");
        between();
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn half_of_a_head_is_ended_after_ten_seconds_and_others_are_answered_meanwhile() {
    let rig = Rig::new(&numbers(STAYS, 2), &[]);
    let served = rig.serve();
    let began = Instant::now();
    let mut slow: Vec<TcpStream> = (0..MANY).map(|_| connect(&served)).collect();
    for stream in &mut slow {
        let sent = stream.write_all(half(&served).as_bytes());
        sent.expect("it is taken");
    }
    // One that says nothing at all, and one that says nothing more.
    let idle = connect(&served);
    let mut kept = connect(&served);
    let whole = format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
        address(&served)
    );
    kept.write_all(whole.as_bytes()).expect("it is taken");
    let mut answer = [0; 12];
    kept.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");

    let mut trickled = &slow[0];
    is_answered_until(&rig, &served, began + ALMOST_HEAD, || {
        let _ = trickled.write_all(b"y");
    });
    for stream in slow.iter().chain([&idle]) {
        assert!(is_open(stream), "it was ended too soon");
    }
    for stream in slow.iter().chain([&idle, &kept]) {
        rest(stream);
    }
    let took = began.elapsed();
    assert!(took >= HEAD && took < HEAD + LATE, "ended after {took:?}");
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["state"], "IDLE", "half of a start is none");
    served.process.kill();
}

#[test]
fn places_that_halves_of_heads_have_taken_come_free() {
    let rig = Rig::new(&numbers(STAYS, 2), &[]);
    let served = rig.serve();
    let began = Instant::now();
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = connect(&served);
            // Whoever finds no place is turned away at once.
            let _ = stream.write_all(half(&served).as_bytes());
            stream
        })
        .collect();
    let asked = || {
        let request = served.client.get(format!("{}/healthz", served.base));
        rig.asterisk.block_on(request.send())
    };
    while asked().is_err() {
        assert!(began.elapsed() < HEAD + LATE, "no place came free");
        thread::sleep(Duration::from_millis(200));
    }
    assert!(began.elapsed() >= ALMOST_HEAD, "too soon");
    drop(slow);
    served.process.kill();
}

#[test]
fn bodies_that_trickle_in_get_408_with_the_reason_and_add_nobody() {
    let rig = Rig::new(&numbers(STAYS, 2), &[]);
    let served = rig.serve();
    let began = Instant::now();
    let head = format!(
        "POST /api/v1/leads HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{\"numbers\": [\"10559001\"]",
        address(&served)
    );
    let mut slow: Vec<TcpStream> = (0..MANY).map(|_| connect(&served)).collect();
    for stream in &mut slow {
        stream.write_all(head.as_bytes()).expect("it is taken");
    }
    is_answered_until(&rig, &served, began + ALMOST_REQUEST, || {
        for stream in &mut slow {
            stream.write_all(b" ").expect("it is taken");
        }
    });
    for stream in &slow {
        assert!(is_open(stream), "it was ended too soon");
    }
    for stream in &slow {
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains("content-type: application/json"), "{head}");
        let message =
            "the request took more than 15 s; the status tells whether it was carried out";
        let said: super::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(said, json!({ "status": "error", "message": message }));
    }
    let took = began.elapsed();
    assert!(
        took >= REQUEST && took < REQUEST + LATE,
        "ended after {took:?}"
    );
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["leads"]["all"], 2, "{status}");
    served.process.kill();
}

/// Such as one on a disk that hangs.
#[test]
fn a_start_whose_list_is_not_read_in_time_gets_408_and_dials_nobody_later() {
    let rig = Rig::new(&numbers(STAYS, 2), &[]);
    let served = rig.serve();
    let list = rig.deck.path("numbers.txt");
    fs::remove_file(&list).expect("it is ours");
    let made = Command::new("mkfifo").arg(&list).status();
    assert!(made.expect("mkfifo runs").success());
    let asked = Instant::now();
    let answer = rig.get(&served, "/start");
    let took = asked.elapsed();
    assert_eq!(answer.status, 408, "{}", answer.text);
    assert_eq!(answer.json()["status"], "error");
    assert!(took >= REQUEST && took < REQUEST + LATE, "after {took:?}");
    fs::write(&list, numbers(STAYS, 2).join("\n")).expect("somebody reads it");
    thread::sleep(Duration::from_secs(1));
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["state"], "IDLE", "{status}");
    assert!(rig.asterisk.calls_placed().is_empty());
    // The next one finds nothing in its way.
    fs::remove_file(&list).expect("it is ours");
    fs::write(&list, numbers(STAYS, 2).join("\n")).expect("the folder is ours");
    assert_eq!(rig.get(&served, "/start").status, 201);
    served.process.wait_for("call.dialing", SOON);
    served.process.kill();
}
