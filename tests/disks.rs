//! The shipped binary on disks that are full, read-only or gone: real ones, small and of
//! their own (`tests/support/disk.rs`), with a simulated Asterisk. Needs root.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::deck::{Deck, Running};
use crate::support::disk::Disk;
use crate::support::simulated::{Asterisk, lab};
use serde_json::Value;

/// What should come at once comes within this time, on a busy machine too.
const SOON: Duration = Duration::from_secs(30);

/// A simulated Asterisk, a deck, and in the deck's folder a small disk named `disk`.
pub(crate) struct Rig {
    asterisk: Asterisk,
    // Before the folder that it is mounted in.
    disk: Disk,
    deck: Deck,
    list: Vec<String>,
}

impl Rig {
    /// A campaign over `list` whose conversations last two seconds.
    fn new(list: Vec<String>, settings: &[(&str, &str)]) -> Self {
        let asterisk = Asterisk::start(lab());
        let mut deck = asterisk
            .deck()
            .set("TARGET_ENDPOINT", "Local/101@lab")
            .set("CALL_TIMEOUT", 2)
            .set("MAX_CC", 6)
            .set_all(settings);
        deck.list(&list);
        fs::create_dir(deck.path("disk")).expect("the folder is ours");
        let disk = Disk::over(&deck.path("disk"), "12m");
        deck.see_mounts_of(disk.holder());
        Self {
            asterisk,
            disk,
            deck,
            list,
        }
    }

    /// How often each number was dialed, in the order of dialing.
    fn placed(&self) -> usize {
        self.asterisk.calls_placed().len()
    }

    /// Every number is accounted for and none was called twice; nothing is left in Asterisk.
    fn check(&self) -> Vec<String> {
        self.asterisk.assert_accounted(&self.deck, &self.list)
    }
}

/// What `path` of the control API says: status code and body.
fn get(process: &Running, path: &str) -> (u16, String) {
    let addr = process.api().replace("http://", "");
    let mut stream = TcpStream::connect(&addr).expect("it listens");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {addr}\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (code.expect("a status"), body.to_owned())
}

fn status(process: &Running) -> Value {
    let (_, body) = get(process, "/api/v1/status");
    serde_json::from_str(&body).expect("the status is JSON")
}

/// Waits until the status is as `holds` says.
fn until(process: &Running, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let limit = Instant::now() + SOON;
    loop {
        let now = status(process);
        if holds(&now) {
            return now;
        }
        assert!(Instant::now() < limit, "no {what}: {now}");
        thread::sleep(Duration::from_millis(20));
    }
}

mod journal;
mod recordings;
