//! Settings that are read again: what is told to have changed is what the engine goes by, and
//! what is told to wait for the next start is left as it is. One process by itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::beginning::numbers;
use super::deck::Deck;
use super::tests::{folder, in_runtime, lay_down_journal};
use crate::campaign::RunState;
use crate::config::{self, SETTINGS, Settings};
use crate::engine::start::policy;
use crate::engine::{Exit, Options, Reloaded};

/// Each setting once, none of them with the value that [`CASES`] gives it.
const RUNNING: &str = "
ARI_URL=https://127.0.0.1:8089
ARI_USERNAME=dialdeck
ARI_PASSWORD=dialdeck
ARI_TRUNK=mytrunk
OUTBOUND_NUMBER=4930000001
TARGET_TIMEOUT=21
MYSQL_HOST=127.0.0.1
MYSQL_USER=dialer
MYSQL_PASSWORD=dialer
MYSQL_DATABASE=calls
CONTROL_TOKEN=0123456789abcdef
";

/// When a new value holds, and what is told of it.
enum Holds {
    /// From now on.
    Now(&'static str),
    AtTheNextStart,
    WithTheNextRun,
}

use Holds::{AtTheNextStart, Now, WithTheNextRun};

/// A value for each setting, unlike the one it has in [`RUNNING`] or by default.
const CASES: [(&str, &str, Holds); 45] = [
    ("ARI_URL", "https://127.0.0.1:8090", AtTheNextStart),
    ("ARI_USERNAME", "other", AtTheNextStart),
    ("ARI_PASSWORD", "other", AtTheNextStart),
    (
        "ARI_CA_FILE",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/ca.pem"),
        AtTheNextStart,
    ),
    ("STASIS_APP", "other", AtTheNextStart),
    ("ARI_TRUNK", "other", AtTheNextStart),
    ("OUTBOUND_NUMBER_FILE", "numbers.txt", WithTheNextRun),
    ("OUTBOUND_NUMBER", "4930000002", WithTheNextRun),
    ("DEFAULT_REGION", "DE", Now("DEFAULT_REGION is DE")),
    (
        "TARGET_ENDPOINT",
        "PJSIP/100",
        Now("the target is PJSIP/100"),
    ),
    (
        "TARGET_EXTENSION",
        "778",
        Now("the target is Local/778@default"),
    ),
    (
        "TARGET_CONTEXT",
        "queue",
        Now("the target is Local/777@queue"),
    ),
    ("TARGET_TIMEOUT", "22", Now("TARGET_TIMEOUT is 22 s")),
    ("STAGE_TARGET", "no", Now("STAGE_TARGET is no")),
    ("MOH_CLASS", "jazz", Now("MOH_CLASS is jazz")),
    ("MAX_CC", "7", Now("MAX_CC is 7")),
    ("CALL_TIMEOUT", "31", Now("CALL_TIMEOUT is 31 s")),
    ("MAX_CALL_SECONDS", "90", Now("MAX_CALL_SECONDS is 90 s")),
    (
        "PAUSE_AFTER_REFUSALS",
        "3",
        Now("PAUSE_AFTER_REFUSALS is 3"),
    ),
    (
        "PAUSE_AFTER_ABANDONED",
        "4",
        Now("PAUSE_AFTER_ABANDONED is 4"),
    ),
    ("CALLER_ID", "4940100", Now("CALLER_ID is 4940100")),
    ("RECORDINGS_DIR", "/rec", Now("RECORDINGS_DIR is /rec")),
    ("RECORDING_FORMAT", "ulaw", Now("RECORDING_FORMAT is ulaw")),
    ("KEEP_ON_ASTERISK", "yes", Now("KEEP_ON_ASTERISK is yes")),
    ("STATE_FILE", "other.db", AtTheNextStart),
    ("AUTOSTART", "yes", AtTheNextStart),
    (
        "START_AGAIN_AFTER",
        "90m",
        Now("START_AGAIN_AFTER is 5400 s"),
    ),
    ("ON_INTERRUPTED", "retry", Now("ON_INTERRUPTED is retry")),
    ("ON_HANGUP", "drain", Now("ON_HANGUP is drain")),
    ("DRAIN_SECONDS", "61", Now("DRAIN_SECONDS is 61 s")),
    ("GIVE_UP_SECONDS", "62", Now("GIVE_UP_SECONDS is 62 s")),
    ("LOG_FILE", "other.log", AtTheNextStart),
    ("LOG_MAX_MB", "11", AtTheNextStart),
    ("LOG_KEEP", "6", AtTheNextStart),
    ("LOG_FORMAT", "json", AtTheNextStart),
    ("CONSOLE_KEYS", "pause=F5", AtTheNextStart),
    ("CONTROL_ADDR", "127.0.0.1:3001", AtTheNextStart),
    ("CONTROL_TOKEN", "fedcba9876543210", AtTheNextStart),
    ("MYSQL_HOST", "127.0.0.2", AtTheNextStart),
    ("MYSQL_PORT", "3307", AtTheNextStart),
    ("MYSQL_USER", "other", AtTheNextStart),
    ("MYSQL_PASSWORD", "other", AtTheNextStart),
    ("MYSQL_DATABASE", "other", AtTheNextStart),
    ("MYSQL_TABLE", "other", AtTheNextStart),
    ("", "", AtTheNextStart),
];

/// The settings in force, with this one changed.
fn settings(dir: &Path, (name, value): (&str, &str)) -> Settings {
    let is_other = |line: &&str| {
        let of = line.split('=').next();
        let lists = ["OUTBOUND_NUMBER", "OUTBOUND_NUMBER_FILE"];
        // Only one of the two may be set.
        of != Some(name) && !(lists.contains(&name) && of.is_some_and(|of| lists.contains(&of)))
    };
    let mut lines: Vec<&str> = RUNNING.lines().filter(is_other).collect();
    let changed = format!("{name}={value}");
    if !name.is_empty() {
        lines.push(&changed);
    }
    std::fs::write(dir.join(".env"), lines.join("\n")).expect("written");
    let loaded = config::load(dir, std::iter::empty());
    loaded
        .unwrap_or_else(|why| panic!("{name}: {why}"))
        .settings
}

fn engine(dir: &Path, running: &Settings, exit_when_done: bool) -> Deck {
    lay_down_journal(&running.state_file);
    let options = Options {
        start: false,
        new_run: false,
        take_over: false,
        exit_when_done,
    };
    let started = Deck::start(running, &numbers(3), options);
    let (deck, _) = started.unwrap_or_else(|why| panic!("{}: {why}", dir.display()));
    deck
}

fn reload(deck: &mut Deck, new: &Settings) -> Reloaded {
    let reading = Ok((new.clone(), numbers(3)));
    deck.engine.reload(reading, "a test").expect("it is good")
}

/// All that the engine goes by, where these settings hold.
fn assert_applied(deck: &Deck, expected: &Settings, name: &str) {
    let engine = &deck.engine;
    assert_eq!(**engine.in_force.borrow(), *expected, "{name}");
    let next_call = &engine.campaign.policy().call;
    assert_eq!(**next_call, expected.call, "the next call's {name}");
    assert_eq!(*engine.campaign.policy(), policy(expected), "{name}");
    assert_eq!(
        *engine.shown.target, *expected.call.target.endpoint,
        "{name}"
    );
    let told = deck.handle.in_force.borrow();
    assert_eq!(**told, *expected, "{name} for whoever else asks");
}

#[test]
fn each_setting_reported_as_changed_is_applied_and_no_other_is() {
    let known: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    let tried: BTreeSet<&str> = CASES.iter().map(|(name, ..)| *name).collect();
    let forgotten: Vec<_> = known.difference(&tried).collect();
    assert!(forgotten.is_empty(), "not tried: {forgotten:?}");
    for (name, value, holds) in CASES {
        in_runtime(async {
            let dir = folder();
            let running = settings(dir.path(), ("", ""));
            let mut deck = engine(dir.path(), &running, false);
            let new = settings(dir.path(), (name, value));
            assert_eq!(new == running, name.is_empty(), "{name} is another one");
            let reloaded = reload(&mut deck, &new);
            let (changed, ignored): (Vec<&str>, Vec<String>) = match holds {
                Now(told) => (vec![told], Vec::new()),
                AtTheNextStart if name.is_empty() => (Vec::new(), Vec::new()),
                AtTheNextStart => {
                    let told = format!("{name} changes at the next start of the process");
                    (Vec::new(), vec![told])
                }
                WithTheNextRun => {
                    let told = format!("{name} names another list: the next new run dials it");
                    (Vec::new(), vec![told])
                }
            };
            assert_eq!(reloaded.changed, changed, "{name}");
            assert_eq!(reloaded.ignored, ignored, "{name}");
            let applied = if matches!(holds, Now(_)) {
                &new
            } else {
                &running
            };
            assert_applied(&deck, applied, name);
            // And back again.
            let back = reload(&mut deck, &running);
            assert_eq!(back.changed.len(), changed.len(), "{name}");
            assert_applied(&deck, &running, name);
        });
    }
}

#[test]
fn all_settings_that_may_change_are_applied_together() {
    in_runtime(async {
        let dir = folder();
        let running = settings(dir.path(), ("", ""));
        let mut deck = engine(dir.path(), &running, false);
        let now = |name: &str| {
            CASES
                .iter()
                .any(|(n, _, h)| *n == name && matches!(h, Now(_)))
        };
        let lines = RUNNING.lines().map(str::to_owned);
        let kept = lines.filter(|line| !line.split('=').next().is_some_and(now));
        // Of the three that name the target the endpoint goes before the others.
        let parts = ["TARGET_EXTENSION", "TARGET_CONTEXT"];
        let cases = CASES
            .iter()
            .filter(|(name, ..)| now(name) && !parts.contains(name));
        let all = cases.map(|(name, value, _)| format!("{name}={value}"));
        let text: Vec<String> = kept.chain(all).collect();
        std::fs::write(dir.path().join(".env"), text.join("\n")).expect("written");
        let loaded = config::load(dir.path(), std::iter::empty());
        let new = loaded.expect("the settings are good").settings;
        let reloaded = reload(&mut deck, &new);
        let changes = CASES.iter().filter(|(_, _, h)| matches!(h, Now(_))).count();
        assert_eq!(reloaded.changed.len(), changes - parts.len());
        assert_eq!(reloaded.ignored, Vec::<String>::new());
        assert_applied(&deck, &new, "all of them");
    });
}

#[test]
fn give_up_seconds_of_a_reload_are_applied() {
    in_runtime(async {
        let dir = folder();
        let running = settings(dir.path(), ("GIVE_UP_SECONDS", "60"));
        let mut deck = engine(dir.path(), &running, true);
        let since = deck.engine.link_state.down_since;
        let gives_up_after = |deck: &mut Deck, seconds: u64| {
            let at = since + Duration::from_secs(seconds);
            let just_before = since + Duration::from_millis(seconds * 1000 - 1);
            assert_eq!(deck.engine.gives_up(just_before), None, "{seconds} s");
            let gave_up = deck.engine.gives_up(at);
            assert!(matches!(gave_up, Some(Exit::GaveUp(_))), "{gave_up:?}");
        };
        gives_up_after(&mut deck, 60);
        for seconds in ["5", "300"] {
            let new = settings(dir.path(), ("GIVE_UP_SECONDS", seconds));
            reload(&mut deck, &new);
            gives_up_after(&mut deck, seconds.parse().expect("digits"));
        }
    });
}

#[test]
fn drain_seconds_of_a_reload_are_applied() {
    for seconds in ["0", "7", "900"] {
        in_runtime(async {
            let dir = folder();
            let running = settings(dir.path(), ("", ""));
            let mut deck = engine(dir.path(), &running, false);
            let new = settings(dir.path(), ("DRAIN_SECONDS", seconds));
            reload(&mut deck, &new);
            let before = deck.engine.clock.now();
            deck.engine.stop(false, false, "a test");
            let after = deck.engine.clock.now();
            let stopping = deck.engine.stopping.as_ref().expect("it stops");
            let drain = Duration::from_secs(seconds.parse().expect("digits"));
            let (first, last) = (before + drain, after + drain);
            assert!((first..=last).contains(&stopping.deadline), "{seconds} s");
            assert_eq!(*deck.engine.campaign.state(), RunState::Idle);
        });
    }
}
