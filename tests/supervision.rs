//! Supervisors: what the shipped binary tells systemd, the unit under a real one, and real PM2; and the walk from
//! the Node.js program to Dialdeck.

mod conversation;
mod dropin;
mod pm2;
mod unit;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::deck::Deck;
use crate::support::simulated::{Asterisk, lab};

const SOON: Duration = Duration::from_secs(20);

/// A simulated Asterisk, and a deck with its settings.
struct Rig {
    _asterisk: Asterisk,
    deck: Deck,
}

fn rig(numbers: &[&str]) -> Rig {
    let asterisk = Asterisk::start(lab());
    let mut deck = asterisk.deck().set("MAX_CC", 2);
    deck.list(numbers);
    Rig {
        _asterisk: asterisk,
        deck,
    }
}

/// The next message of the process, one state a line.
fn next(socket: &UnixDatagram) -> Vec<String> {
    let mut bytes = [0; 4096];
    let n = loop {
        match socket.recv(&mut bytes) {
            // A process that was stopped and goes on is told so.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => break received.expect("a message within the time"),
        }
    };
    let text = String::from_utf8_lossy(&bytes[..n]).into_owned();
    text.lines().map(str::to_owned).collect()
}

/// The next message that has `state` in it.
fn until(socket: &UnixDatagram, state: &str) -> Vec<String> {
    let limit = Instant::now() + SOON;
    loop {
        let message = next(socket);
        if message.iter().any(|line| line.starts_with(state)) {
            return message;
        }
        assert!(Instant::now() < limit, "no {state}");
    }
}

#[test]
fn systemd_is_told_from_the_first_picture_to_the_stop() {
    let Rig { deck, .. } = &rig(&["8012345"]);
    let socket = UnixDatagram::bind(deck.path("notify")).expect("a socket");
    socket.set_read_timeout(Some(SOON)).expect("it takes one");
    let mut process = deck
        .command(&["--headless"])
        .env("NOTIFY_SOCKET", deck.path("notify"))
        .env("WATCHDOG_USEC", "1000000")
        .stdout(fs::File::create(deck.path("stdout")).expect("the folder is ours"))
        .spawn()
        .expect("the binary runs");
    assert_eq!(next(&socket), ["READY=1"]);
    let said = fs::read_to_string(deck.path("stdout")).expect("text");
    assert!(
        said.contains("the control API listens"),
        "ready too early: {said}"
    );
    until(&socket, "STATUS=IDLE: live calls 0, leads done 0 of 1");
    let alive = Instant::now();
    for _ in 0..3 {
        until(&socket, "WATCHDOG=1");
    }
    assert!(
        alive.elapsed() > Duration::from_millis(500),
        "a timer of its own?"
    );
    signal(process.id(), "HUP");
    let message = until(&socket, "RELOADING=1");
    assert!(message[1].starts_with("MONOTONIC_USEC="), "{message:?}");
    until(&socket, "READY=1");
    signal(process.id(), "TERM");
    until(&socket, "STOPPING=1");
    assert_eq!(process.wait().expect("it is ours").code(), Some(0));
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success());
}

fn needs(packages: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/needs");
    let status = Command::new(script).args(packages).status();
    assert!(status.expect("the script runs").success());
}

#[test]
fn systemd_finds_no_fault_with_the_unit_and_little_exposure() {
    needs(&["systemd"]);
    let unit = include_str!("../contrib/dialdeck.service");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("dialdeck.service");
    let installed = "/usr/local/bin/dialdeck ";
    assert!(unit.contains(&format!("ExecStart={installed}")));
    let built = concat!(env!("CARGO_BIN_EXE_dialdeck"), " ");
    fs::write(&path, unit.replace(installed, built)).expect("writable");
    let verified = systemd_analyze(&["verify", "--man=no"], &path);
    assert!(verified.0, "{}", verified.1);
    assert_eq!(verified.1.trim(), "");
    // In tenths: 1.5 at the most.
    let secure = systemd_analyze(&["security", "--offline=true", "--threshold=15"], &path);
    assert!(secure.0, "{}", secure.1);
}

fn systemd_analyze(args: &[&str], unit: &std::path::Path) -> (bool, String) {
    let output = Command::new("systemd-analyze")
        .args(args)
        .arg(unit)
        .output()
        .expect("systemd-analyze runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// The seconds that the unit's `name` says.
fn seconds(unit: &str, name: &str) -> u64 {
    let line = unit.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|l| l.strip_prefix('='))
        .expect("it is set")
        .parse()
        .expect("seconds")
}

#[test]
fn the_unit_waits_longer_than_calls_may_take_to_drain() {
    let unit = include_str!("../contrib/dialdeck.service");
    let drain = dialdeck::config::find("DRAIN_SECONDS").expect("a setting");
    let dialdeck::config::Unset::Default(drain) = drain.unset else {
        panic!("it has a default")
    };
    let drain: u64 = drain.parse().expect("seconds");
    assert!(seconds(unit, "TimeoutStopSec") >= drain + 30);
    assert!(unit.contains("\nRestartPreventExitStatus=2 3\n"));
    assert!(unit.contains("\nRestart=on-failure\n"));
}
