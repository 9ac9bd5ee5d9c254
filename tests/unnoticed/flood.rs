//! A flood at the control API: the calls that are up do not notice.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::assert_unnoticed;
use crate::support::lab::Lab;

/// How many connections the flood opens in a second, and how many of them it keeps open, saying
/// nothing or half of a request.
const FLOOD: u32 = 1250;
const HELD: usize = 300;

#[test]
fn a_flood_of_connections_and_slow_requests_delays_no_bridging() {
    let _alone = crate::alone();
    let lab = Lab::quiet();
    assert_unnoticed(&lab, |_, api, until| {
        let answered = flood(api.trim_start_matches("http://"), until);
        assert!(answered > 0, "nobody was answered");
    });
}

/// Opens connections until that time: how many of them got an answer of those that waited for
/// it.
fn flood(addr: &str, until: Instant) -> usize {
    let begun = Instant::now();
    let mut held = VecDeque::new();
    let mut answered = 0;
    for i in 0.. {
        let due = begun + Duration::from_secs(1) / FLOOD * i;
        if due > until || Instant::now() > until {
            break;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut stream = TcpStream::connect(addr).expect("it listens");
        // A connection may be closed as it comes: there are places for some dozens.
        let _ = match i % 4 {
            0 => stream
                .write_all(format!("GET /start HTTP/1.1\r\nHost: {addr}\r\nX-Slow").as_bytes()),
            1 => stream.write_all(
                format!("GET /api/v1/status HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            ),
            2 => stream.write_all(&[0xff; 512]),
            _ => Ok(()),
        };
        if i % 100 == 1 {
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            answered += usize::from(text.starts_with("HTTP/1.1 200"));
        }
        held.push_back(stream);
        if held.len() > HELD {
            held.pop_front();
        }
    }
    answered
}
