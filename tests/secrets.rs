//! Passwords and tokens never leave the process: whatever the shipped binary writes, says or
//! shows of itself is searched for them.

mod places;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::deck::{Deck, Running};
use crate::support::numbers::mixed;
use crate::support::simulated::{Asterisk, lab};
use crate::support::wait::wait;
use crate::support::web::client;
use dialdeck::simulator::SimConfig;

/// The three secrets; the password once more as HTTP sends it: base64 of
/// `dialdeck:canary-ari-5e3f`.
const CANARIES: [&str; 4] = [
    "canary-ari-5e3f",
    "canary-token-91bd",
    "canary-mysql-c07a",
    "ZGlhbGRlY2s6Y2FuYXJ5LWFyaS01ZTNm",
];
const SOON: Duration = Duration::from_secs(20);

/// An Asterisk with `password`, and a folder whose settings hold the canaries.
fn rig(password: &str) -> (Asterisk, Deck) {
    let asterisk = Asterisk::start(SimConfig {
        password: password.to_owned(),
        ..lab()
    });
    let mut deck = asterisk
        .deck()
        .set("ARI_PASSWORD", CANARIES[0])
        .set("TARGET_ENDPOINT", "Local/101@lab")
        .set("CALL_TIMEOUT", 2)
        .set("MAX_CC", 4)
        .set("CONTROL_TOKEN", CANARIES[1])
        // Nobody listens there, which is an error that names what was tried.
        .set("MYSQL_HOST", "127.0.0.1")
        .set("MYSQL_PORT", 1)
        .set("MYSQL_USER", "dialdeck")
        .set("MYSQL_PASSWORD", CANARIES[2])
        .set("MYSQL_DATABASE", "calls");
    deck.list(mixed(&["10", "40", "81"], 24));
    (asterisk, deck)
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for canary in CANARIES {
        assert!(!holds(bytes, canary), "{canary} stands in {what}");
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

/// All files under `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Everything in the folder but `.env`, in which all of them must be found: the search works.
fn assert_folder_clean(deck: &Deck) {
    let env = fs::read(deck.path(".env")).expect("it was written");
    assert!(CANARIES[..3].iter().all(|canary| holds(&env, canary)));
    for path in files(&deck.path("")) {
        if path != deck.path(".env") {
            // The journal's `-wal` and the like go when it closes.
            let bytes = fs::read(&path).unwrap_or_default();
            assert_clean(&path.display().to_string(), &bytes);
        }
    }
}

/// What any user of the machine sees of the process (`ps`), and what its own user sees.
fn assert_process_clean(running: &Running) {
    for file in ["cmdline", "environ", "comm", "status"] {
        let path = format!("/proc/{}/{file}", running.pid());
        assert_clean(&path, &fs::read(&path).expect("it runs"));
    }
}

/// Asks the control API, with and without the token; the answers must hold neither.
fn ask_everything(asterisk: &Asterisk, base: &str) {
    let client = client();
    for path in [
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/v1/status",
        "/api/v1/calls",
        "/no",
    ] {
        for token in [Some(CANARIES[1]), Some("canary-token-of-another"), None] {
            let mut request = client.get(format!("{base}{path}"));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let (head, body) = asterisk.block_on(async {
                let answer = request.send().await.expect("an answer");
                let head = format!("{} {:?}", answer.status(), answer.headers());
                (head, answer.bytes().await.expect("a body"))
            });
            assert_clean(path, head.as_bytes());
            assert_clean(path, &body);
        }
    }
}

#[test]
fn a_campaign_with_a_lost_link_leaves_no_secret_anywhere() {
    let (asterisk, deck) = rig(CANARIES[0]);
    // The link comes back before.
    let deck = deck.set("GIVE_UP_SECONDS", 90);
    let running = deck.spawn(&["--headless", "--start", "--exit-when-done"]);
    let base = running.api();
    running.wait_for("link.up", SOON);
    ask_everything(&asterisk, &base);
    assert_process_clean(&running);
    asterisk.restart(Duration::from_secs(1));
    running.wait_for("link.down", SOON);
    // The journal as it is while an engine writes it.
    assert!(
        deck.path("dialdeck.db-wal").exists(),
        "it is looked at, too"
    );
    assert_folder_clean(&deck);
    let ended = running.wait(Duration::from_secs(90));
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    assert_folder_clean(&deck);
    for format in ["csv", "json"] {
        let report = deck.run(&["report", "--format", format]);
        assert_clean("the report", report.stdout.as_bytes());
        assert!(report.stdout.contains("10550000"), "it reports");
    }
}

#[test]
fn a_refused_login_an_absent_asterisk_and_bad_settings_quote_no_secret() {
    let (asterisk, deck) = rig("another password");
    let mut deck = deck.set("GIVE_UP_SECONDS", 2);
    let dial = ["--headless", "--start", "--exit-when-done"];
    let refused = deck.run(&dial);
    assert_eq!(
        refused.code,
        Some(4),
        "{}\n{}",
        refused.stderr,
        refused.stdout
    );
    assert!(
        refused.stdout.contains("ARI_PASSWORD"),
        "{}",
        refused.stdout
    );
    assert_folder_clean(&deck);

    drop(asterisk);
    deck.change("ARI_URL", "http://127.0.0.1:1");
    let absent = deck.run(&dial);
    assert_eq!(absent.code, Some(4), "{}\n{}", absent.stderr, absent.stdout);
    assert_folder_clean(&deck);

    // A password where none belongs, and a token that can't be one.
    deck.change("ARI_URL", format!("http://me:{}@127.0.0.1:1", CANARIES[0]));
    deck.change("CONTROL_TOKEN", format!("{} é", CANARIES[1]));
    let bad = deck.run(&dial);
    assert_eq!(bad.code, Some(2), "{}", bad.stderr);
    assert!(bad.stderr.contains("CONTROL_TOKEN"), "{}", bad.stderr);
    assert_folder_clean(&deck);
}

/// A process that is killed when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `program` in the folder, with core files of any size allowed.
fn with_cores(deck: &Deck, program: &[&str]) -> Killed {
    deck.write_env();
    let out = fs::File::create(deck.path("stdout")).expect("the folder is ours");
    let child = Command::new("sh")
        .args(["-c", "ulimit -c unlimited && exec \"$0\" \"$@\""])
        .args(program)
        .current_dir(deck.path(""))
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::null())
        .spawn();
    Killed(child.expect("sh runs"))
}

/// The line about core files in `/proc/PID/limits`: name, soft limit, hard limit, unit.
fn core_limit(child: &Child) -> String {
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("it runs");
    let line = limits.lines().find(|l| l.starts_with("Max core file size"));
    let words = line.expect("Linux tells").split_whitespace().skip(4);
    words.take(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_process_that_is_aborted_leaves_no_core_file() {
    let (_asterisk, deck) = rig(CANARIES[0]);
    let other = with_cores(&deck, &["sleep", "60"]);
    wait("core of another program", SOON, || {
        core_limit(&other.0) == "unlimited unlimited"
    });

    let mut ours = with_cores(&deck, &[env!("CARGO_BIN_EXE_dialdeck"), "--headless"]);
    wait("link", SOON, || {
        let said = fs::read_to_string(deck.path("stdout"));
        said.expect("its output is text").contains("link.up")
    });
    assert_eq!(core_limit(&ours.0), "0 0");
    let status = Command::new("kill")
        .args(["-s", "ABRT", &ours.0.id().to_string()])
        .status();
    assert!(status.expect("kill runs").success());
    let ended = ours.0.wait().expect("it is ours");
    assert_eq!(ended.signal(), Some(6), "it died of the signal: {ended}");
    assert!(!ended.core_dumped(), "it left a core: {ended}");
    assert_folder_clean(&deck);
}
