//! The shipped binary on disks that are full, read-only or gone: real ones, small and of
//! their own (`tests/support/disk.rs`), with a simulated Asterisk. Needs root.

mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use dialdeck::simulator::{Scenario, SimConfig, SimHandle, start};
use serde_json::Value;
use support::deck::{Deck, Running};
use support::disk::Disk;
use tokio::runtime::Runtime;

/// What should come at once comes within this time, on a busy machine too.
const SOON: Duration = Duration::from_secs(30);

/// A simulated Asterisk, a deck, and in the deck's folder a small disk named `disk`.
pub(crate) struct Rig {
    // Before the runtime that it lives on, and the mount before the folder under it.
    asterisk: SimHandle,
    disk: Disk,
    deck: Deck,
    list: Vec<String>,
    _runtime: Runtime,
}

impl Rig {
    /// A campaign over `list` whose conversations last two seconds.
    fn new(list: Vec<String>, settings: &[(&str, &str)]) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let config = SimConfig {
            scenario: Scenario::lab(),
            ..SimConfig::default()
        };
        let asterisk = runtime.block_on(start(config)).expect("a simulator");
        let mut env: HashMap<String, String> = [
            ("ARI_URL", asterisk.url().as_str()),
            ("ARI_USERNAME", "dialdeck"),
            ("ARI_PASSWORD", "dialdeck"),
            ("ARI_TRUNK", "mytrunk"),
            ("TARGET_ENDPOINT", "Local/101@lab"),
            ("CALL_TIMEOUT", "2"),
            ("MAX_CC", "6"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let settings = settings.iter();
        env.extend(settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut deck = Deck::new(&env);
        deck.list(&list);
        fs::create_dir(deck.path("disk")).expect("the folder is ours");
        let disk = Disk::over(&deck.path("disk"), "12m");
        deck.see_mounts_of(disk.holder());
        Self {
            asterisk,
            disk,
            deck,
            list,
            _runtime: runtime,
        }
    }

    /// How often each number was dialed, in the order of dialing.
    fn placed(&self) -> usize {
        self.asterisk.calls_placed().len()
    }

    /// Every number is accounted for and none was called twice; nothing is left in Asterisk.
    fn check(&self) -> Vec<String> {
        let report = self.deck.report();
        assert_eq!(report.len(), self.list.len());
        let dispositions: Vec<String> = report
            .iter()
            .map(|row| row["disposition"].as_str().unwrap_or_default().to_owned())
            .collect();
        let forgotten = dispositions.iter().filter(|d| d.is_empty()).count();
        assert_eq!(forgotten, 0, "{report:?}");
        let mut called = self.asterisk.calls_placed();
        called.sort();
        called.windows(2).for_each(|pair| {
            assert_ne!(pair[0], pair[1], "called twice");
        });
        assert!(self.asterisk.channels().is_empty(), "channels are left");
        assert!(self.asterisk.bridges().is_empty(), "bridges are left");
        dispositions
    }
}

/// So many numbers each of these kinds, one kind after the other.
fn numbers(kinds: &[&str], count: usize) -> Vec<String> {
    let all = (0..count).flat_map(|i| kinds.iter().map(move |kind| format!("{kind}55{i:04}")));
    all.collect()
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

mod disks {
    mod journal;
    mod recordings;
}
