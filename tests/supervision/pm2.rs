//! Real PM2, with the file of `contrib/`, over the shipped binary.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{SOON, rig};
use crate::support::deck::Deck;

/// A PM2 of the test's own in the deck's folder. It ends with this.
pub(super) struct Pm2<'a> {
    deck: &'a Deck,
    /// Its program.
    program: String,
    /// What its processes find in their environment.
    env: Vec<(&'static str, String)>,
}

impl<'a> Pm2<'a> {
    /// With the file of `contrib/` and `.env` in the folder.
    pub(super) fn new(deck: &'a Deck) -> Self {
        let pm2 = Self::without_file(deck);
        pm2.copy_file();
        deck.write_env();
        pm2
    }

    pub(super) fn without_file(deck: &'a Deck) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pm2");
        // With the settings that npm has on this machine.
        let installed = Command::new(script).output().expect("the script runs");
        let errors = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "{errors}");
        let program = String::from_utf8(installed.stdout).expect("a path");
        let program = program.trim().to_owned();
        Self {
            deck,
            program,
            env: Vec::new(),
        }
    }

    pub(super) fn set(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    /// The file of `contrib/` into the folder.
    pub(super) fn copy_file(&self) {
        let config = include_str!("../../contrib/ecosystem.config.cjs");
        fs::write(self.deck.path("ecosystem.config.cjs"), config).expect("the folder is ours");
    }

    /// Where the packages are that it came with.
    pub(super) fn packages(&self) -> &Path {
        let own = Path::new(&self.program).ancestors().nth(3);
        own.expect("it is node_modules/pm2/bin/pm2")
    }

    pub(super) fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("pm2 runs");
        let (told, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "pm2 {args:?}: {told}\n{errors}");
        told.into_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("node");
        command
            .arg(&self.program)
            .args(args)
            .current_dir(self.deck.path("."))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a path"))
            .env("HOME", self.deck.path("."))
            .env("PM2_HOME", self.deck.path("pm2"))
            // It asks its makers for news of itself unless told not to.
            .env("PM2_DISABLE_VERSION_CHECK", "1")
            .env("PM2_DISCRETE_MODE", "1")
            .env("DIALDECK", env!("CARGO_BIN_EXE_dialdeck"))
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What PM2 says of the process.
    pub(super) fn process(&self) -> Value {
        let list = self.run(&["jlist"]);
        let list: Value = serde_json::from_str(list.trim()).expect("JSON");
        list[0].clone()
    }

    pub(super) fn out(&self) -> String {
        fs::read_to_string(self.deck.path("dialdeck.out.log")).unwrap_or_default()
    }

    /// Waits until the log says `text` `times` times.
    pub(super) fn wait_for(&self, text: &str, times: usize) {
        let until = Instant::now() + SOON;
        while self.out().matches(text).count() < times {
            assert!(
                Instant::now() < until,
                "no {times} of {text}: {}",
                self.out()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + SOON;
        loop {
            let process = self.process();
            if holds(&process) {
                return process;
            }
            assert!(Instant::now() < until, "not {what}: {process:#}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Pm2<'_> {
    fn drop(&mut self) {
        // After a failed test there may be nothing to end.
        let _ = self.command(&["kill"]).output();
    }
}

fn dispositions(deck: &Deck) -> Vec<(String, String)> {
    let report = deck.report();
    let text = |row: &std::collections::BTreeMap<String, Value>, name: &str| {
        row[name].as_str().unwrap_or_default().to_owned()
    };
    report
        .iter()
        .map(|row| (text(row, "disposition"), text(row, "ended_by")))
        .collect()
}

/// They answer after two seconds.
const FOUR: [&str; 4] = ["8400001", "8400002", "8400003", "8400004"];

#[test]
fn a_stop_lets_live_calls_end_by_themselves() {
    let rig = rig(&FOUR);
    let mut deck = rig.deck;
    deck.change("AUTOSTART", "yes");
    // Hangs up after another two seconds.
    deck.change("TARGET_ENDPOINT", "Local/101@lab");
    let pm2 = Pm2::new(&deck);
    pm2.run(&["start", "ecosystem.config.cjs"]);
    pm2.wait_for(" call.ringing ", 2);
    let asked = Instant::now();
    pm2.run(&["stop", "dialdeck"]);
    // Far more than the 1.6 s that PM2 waits by default.
    assert!(
        asked.elapsed() > Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    let process = pm2.process();
    assert_eq!(process["pm2_env"]["status"], "stopped");
    assert_eq!(process["pm2_env"]["exit_code"], 0);
    let expected = [
        ("answered", "target"),
        ("answered", "target"),
        ("", ""),
        ("", ""),
    ]
    .map(|(disposition, by)| (disposition.to_owned(), by.to_owned()));
    assert_eq!(dispositions(&deck), expected);
}

#[test]
fn a_killed_process_is_started_again_and_a_refused_one_is_not() {
    let rig = rig(&FOUR);
    let deck = rig.deck;
    let pm2 = Pm2::new(&deck);
    pm2.run(&["start", "ecosystem.config.cjs"]);
    pm2.wait_for("link.up", 1);
    let first = pm2.process()["pid"].clone();
    let killed = Command::new("kill")
        .args(["-9", &first.to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    pm2.wait_for("link.up", 2);
    let process = pm2.wait_until("started again", |p| p["pm2_env"]["status"] == "online");
    assert_ne!(process["pid"], first);
    assert_eq!(process["pm2_env"]["restart_time"], 1);
    assert!(
        !pm2.out().contains("call.dialing"),
        "it was not told to dial"
    );
    // Settings that are refused: exit code 2, and no second try.
    let env = fs::read_to_string(deck.path(".env")).expect("text");
    fs::write(deck.path(".env"), env + "MAX_CC=none\n").expect("the folder is ours");
    pm2.run(&["restart", "dialdeck"]);
    pm2.wait_until("given up", |p| p["pm2_env"]["status"] == "stopped");
    let before = pm2.process()["pm2_env"]["restart_time"].clone();
    std::thread::sleep(Duration::from_secs(7));
    let process = pm2.process();
    assert_eq!(process["pm2_env"]["status"], "stopped");
    assert_eq!(process["pm2_env"]["restart_time"], before);
    let errors = fs::read_to_string(deck.path("dialdeck.err.log")).expect("text");
    assert_eq!(errors.matches("MAX_CC is \"none\"").count(), 1, "{errors}");
}

#[test]
fn sighup_through_pm2_rereads_env() {
    let rig = rig(&["8012345", "8012346", "8012347"]);
    let mut deck = rig.deck;
    deck.change("AUTOSTART", "yes");
    deck.change("MAX_CC", 1);
    deck.change("DRAIN_SECONDS", 1);
    let pm2 = Pm2::new(&deck);
    pm2.run(&["start", "ecosystem.config.cjs"]);
    pm2.wait_for(" call.bridged ", 1);
    let before = pm2.process()["pid"].clone();
    let env = fs::read_to_string(deck.path(".env")).expect("text");
    let env = env.replace("MAX_CC=1\n", "MAX_CC=2\n");
    fs::write(deck.path(".env"), env).expect("the folder is ours");
    pm2.run(&["sendSignal", "SIGHUP", "dialdeck"]);
    pm2.wait_for(" call.bridged ", 2);
    // Not by a new process, and not more than that.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(pm2.out().matches(" call.dialing ").count(), 2);
    assert_eq!(pm2.process()["pid"], before);
    assert_eq!(pm2.process()["pm2_env"]["restart_time"], 0);
    pm2.run(&["stop", "dialdeck"]);
}
