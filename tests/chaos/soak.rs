//! An hour of trouble: what the process holds at its end is what it held at its beginning.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;

use super::network::trouble;
use super::{dice, rounds};
use crate::support::deck::{Deck, Running};
use crate::support::lab::{Lab, Node};
use crate::support::numbers::mixed;
use crate::support::proxy::Proxy;
use crate::support::screen::Screen;
use crate::support::wait::wait;
use crate::support::web::client;

/// So many numbers are called in a round, each time.
const NUMBERS: usize = 300;
/// A round takes two minutes at most, most of it trouble.
const ROUND: Duration = Duration::from_secs(300);
/// A handle, thread or task that is lost once in a round would be seen: rounds differ by the
/// connections to Asterisk that happen to be open still.
const HANDLES: u64 = 6;
/// What the memory may differ by, in KiB: under a KiB for each call between the two.
const MEMORY_KIB: u64 = 4096;

#[test]
#[ignore = "long: tests/long hour"]
fn an_hour_of_trouble_leaves_nothing_in_the_process() {
    let lab = Lab::get();
    let mut dice = dice();
    let lasts = Duration::from_secs(60 * rounds("DIALDECK_SOAK_MINUTES", 60) as u64);
    let address = lab.ari_url().trim_start_matches("http://");
    let proxy = Proxy::start(address.parse().expect("an address"));
    let mut deck = Deck::new(lab.env())
        .set("ARI_URL", proxy.url())
        .set("MAX_CC", 20)
        .set("CALL_TIMEOUT", 4)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    let prefixes = [
        "10", "8603", "40", "81", "20", "8602", "50", "83", "30", "72",
    ];
    deck.list(mixed(&prefixes, NUMBERS));
    let process = deck.spawn(&["--headless"]);
    let engine = Engine::of(&process);
    let began = Instant::now();
    let mut samples: Vec<Sample> = Vec::new();
    let mut troubles = 0;
    while began.elapsed() < lasts {
        let round = samples.len();
        engine.post(if round == 0 { "start" } else { "new_run" });
        let until = Instant::now() + ROUND;
        while engine.status()["state"] != "DONE" {
            assert!(Instant::now() < until, "{}", engine.status());
            match dice.u8(0..8) {
                0 if round % 4 == 3 => asterisk_restarts(&lab),
                0 | 1 => {
                    engine.post("pause");
                    engine.post("start");
                }
                2 => process.signal("HUP"),
                3 => look(&deck, &engine),
                4 => drop(engine.get("start")),
                _ => trouble(&proxy, &mut dice),
            }
            troubles += 1;
        }
        let sample = quiet(&lab, &deck, &process, &engine);
        println!(
            "{:>5.1} min {sample:?}",
            began.elapsed().as_secs_f64() / 60.0
        );
        samples.push(sample);
    }
    println!("{troubles} troubles in {} rounds", samples.len());
    judge(&samples);
    process.signal("TERM");
    let ended = process.wait(Duration::from_secs(60));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

fn asterisk_restarts(lab: &Lab) {
    lab.kill(Node::Pbx);
    lab.start(Node::Pbx);
    wait("Asterisk", Duration::from_secs(60), || lab.ari_answers());
}

/// An operator looks in for a moment, and the terminal drops.
fn look(deck: &Deck, engine: &Engine) {
    let screen = Screen::open(&deck.command(&["attach", &engine.api]), 24, 80);
    screen.wait_for("Queue", Duration::from_secs(20));
}

/// What the process holds.
#[derive(Debug, Clone, Default)]
struct Sample {
    calls: u64,
    anonymous_kib: u64,
    threads: u64,
    handles: BTreeMap<String, u64>,
    tasks: u64,
    journal_bytes: u64,
}

impl Sample {
    fn open(&self) -> u64 {
        self.handles.values().sum()
    }
}

/// Waits until nothing is under way, in the process or in Asterisk, and looks.
fn quiet(lab: &Lab, deck: &Deck, process: &Running, engine: &Engine) -> Sample {
    let fetched = || engine.status()["recordings"]["waiting"] == 0;
    wait("end of fetching", Duration::from_secs(180), fetched);
    // The carrier heard nothing of an Asterisk that was killed.
    lab.cli(Node::Carrier, "channel request hangup all");
    // What could not be deleted at once is tried again for a minute.
    let until = Instant::now() + Duration::from_secs(90);
    while !lab.left().is_empty() {
        let left = lab.left();
        assert!(
            Instant::now() < until,
            "{left:?}\n{}",
            about(process, &left)
        );
        std::thread::sleep(Duration::from_secs(1));
    }
    std::thread::sleep(Duration::from_secs(3));
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid()));
    let status = status.expect("it runs");
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        word.and_then(|word| word.parse().ok()).expect("a figure")
    };
    let size = |name: &str| fs::metadata(deck.path(name)).map_or(0, |file| file.len());
    Sample {
        calls: engine.metric("attempts_total"),
        anonymous_kib: field("RssAnon:"),
        threads: field("Threads:"),
        handles: handles(process.pid()),
        tasks: engine.metric("tasks{of=\"engine\"}") + engine.metric("tasks{of=\"http\"}"),
        journal_bytes: size("dialdeck.db") + size("dialdeck.db-wal"),
    }
}

/// What was told of the attempts that left something behind.
fn about(process: &Running, left: &[String]) -> String {
    let attempts: Vec<String> = left
        .iter()
        .filter_map(|id| id.rsplit('-').nth(1))
        .map(|attempt| format!(" attempt={attempt} "))
        .collect();
    let told = process.stdout();
    let concerned =
        |line: &&str| line.contains(" link.") || attempts.iter().any(|a| line.contains(a));
    told.lines()
        .filter(concerned)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The open files by kind: `socket`, `pipe`, or a file's name.
fn handles(pid: u32) -> BTreeMap<String, u64> {
    let mut handles = BTreeMap::new();
    let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    for handle in open {
        let Ok(target) = fs::read_link(handle.expect("readable").path()) else {
            continue;
        };
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let kind = name.split(':').next().unwrap_or_default().to_owned();
        *handles.entry(kind).or_default() += 1;
    }
    handles
}

/// Compares the second quarter, when all buffers have been filled, with the last.
fn judge(samples: &[Sample]) {
    assert!(samples.len() >= 8, "too short: {} rounds", samples.len());
    let quarter = samples.len() / 4;
    let early = &samples[quarter..2 * quarter];
    let late = &samples[samples.len() - quarter..];
    let most = |of: &dyn Fn(&Sample) -> u64| {
        [early, late].map(|part| part.iter().map(of).max().unwrap_or_default())
    };
    let figures = [
        ("handles", most(&Sample::open), HANDLES),
        ("threads", most(&|s| s.threads), HANDLES),
        ("tasks", most(&|s| s.tasks), HANDLES),
        ("KiB", most(&|s| s.anonymous_kib), MEMORY_KIB),
    ];
    let [first, last] = [&samples[0], &samples[samples.len() - 1]];
    let calls = last.calls - first.calls;
    let journal = (last.journal_bytes - first.journal_bytes) / calls.max(1);
    println!(
        "{} calls, {journal} bytes of journal each; {figures:?}",
        last.calls
    );
    for (what, [early, late], bound) in figures {
        assert!(late <= early + bound, "{what} from {early} to {late}");
    }
}

/// The control API of the process.
struct Engine {
    api: String,
    runtime: Runtime,
}

impl Engine {
    fn of(process: &Running) -> Self {
        Self {
            api: process.api(),
            runtime: Runtime::new().expect("a runtime"),
        }
    }

    fn get(&self, path: &str) -> String {
        self.ask(client().get(format!("{}/{path}", self.api)))
    }

    fn post(&self, command: &str) {
        self.ask(client().post(format!("{}/api/v1/{command}", self.api)));
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> String {
        let answer = async { request.send().await?.text().await };
        self.runtime.block_on(answer).expect("an answer")
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.get("api/v1/status")).expect("JSON")
    }

    fn metric(&self, name: &str) -> u64 {
        let name = format!("dialdeck_{name} ");
        let metrics = self.get("metrics");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
        value.and_then(|v| v.parse().ok()).expect("a metric")
    }
}
