//! `dialdeck demo`: the shipped binary against its own simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use dialdeck::simulator::Scenario;
use tempfile::TempDir;

/// The dispositions that a demo shows.
const SHOWN: [&str; 9] = [
    "abandoned",
    "answered",
    "blocked",
    "busy",
    "congestion",
    "failed",
    "invalid-number",
    "no-answer",
    "rejected",
];

/// A demo that has ended.
struct Ended {
    stdout: String,
    took: Duration,
    /// What became of each number, by its event lines.
    numbers: BTreeMap<String, String>,
    /// How many ended as what, by the summary.
    summary: BTreeMap<String, usize>,
}

/// An empty folder to start from, and another for temporary files.
struct Place {
    folder: TempDir,
    tmp: TempDir,
}

impl Place {
    fn new() -> Self {
        let new = || tempfile::tempdir().expect("a temporary folder");
        Self {
            folder: new(),
            tmp: new(),
        }
    }

    /// The demo with `args`, which must go well.
    fn demo(&self, args: &[&str]) -> Ended {
        let begun = Instant::now();
        let output = self.command(args).output().expect("the binary runs");
        let took = begun.elapsed();
        let stdout = String::from_utf8(output.stdout).expect("its output is text");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}\n{stdout}");
        assert_eq!(stderr, "", "a demo has nothing to complain of");
        Ended {
            took,
            numbers: ended_numbers(&stdout),
            summary: summary(&stdout),
            stdout,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dialdeck"));
        command
            .args(["demo", "--headless"])
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TMPDIR", self.tmp.path())
            .stdin(Stdio::null());
        command
    }
}

/// The number and disposition of each `call.ended` line.
fn ended_numbers(stdout: &str) -> BTreeMap<String, String> {
    let mut numbers = BTreeMap::new();
    for line in stdout.lines().filter(|line| line.contains(" call.ended ")) {
        let value = |name: &str| {
            let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
            let found = fields.find(|(n, _)| *n == name);
            found.unwrap_or_else(|| panic!("no {name}: {line}")).1
        };
        let again = numbers.insert(value("number").to_owned(), value("disposition").to_owned());
        assert_eq!(again, None, "called twice: {line}");
    }
    numbers
}

/// The counts below `Run 1: …`.
fn summary(stdout: &str) -> BTreeMap<String, usize> {
    let lines = stdout.lines().skip_while(|line| !line.starts_with("Run "));
    lines
        .filter_map(|line| line.strip_prefix("  ")?.split_once(' '))
        .map(|(disposition, count)| {
            let count = count.trim().parse().expect("a count");
            (disposition.to_owned(), count)
        })
        .collect()
}

fn left_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.map(|e| name(e.expect("readable"))).collect()
}

/// A demo of 60 numbers.
///
/// At this speed the longest ringing and the longest talk are seconds. The simulator decides
/// by its own clock who was too late, so the speed shortens what people do and what they
/// wait for alike, and can't make an answer a timeout.
fn short(seed: &str) -> Ended {
    Place::new().demo(&["--seed", seed, "--speed", "10", "--calls", "60"])
}

/// The short demo of seed 1, run once for all tests that look at it.
fn first() -> &'static Ended {
    static FIRST: OnceLock<Ended> = OnceLock::new();
    FIRST.get_or_init(|| short("1"))
}

fn assert_adds_up(demo: &Ended, leads: usize) {
    let stdout = &demo.stdout;
    let head = format!("\nRun 1: DONE, {leads} leads, 0 waiting\n");
    assert!(stdout.contains(&head), "{stdout}");
    let attempts = format!("\nAttempts {leads}, ");
    assert!(stdout.contains(&attempts), "{stdout}");

    let shown: Vec<&str> = demo.summary.keys().map(String::as_str).collect();
    assert_eq!(shown, SHOWN);
    assert_eq!(demo.summary.values().sum::<usize>(), leads);

    let mut counted = BTreeMap::new();
    for disposition in demo.numbers.values() {
        *counted.entry(disposition.clone()).or_insert(0) += 1;
    }
    assert_eq!(counted, demo.summary, "the lines and the summary differ");

    let picked_up = demo.summary["answered"] + demo.summary["abandoned"];
    // On a busy machine somebody hangs up at ten times the speed of life before Asterisk was
    // asked to record. That is told, call by call, and never more than a few.
    let failed = stdout.matches(" recording.failed ").count();
    assert!(failed <= leads / 20, "{stdout}");
    let saved = picked_up - failed;
    let recordings = format!("\nRecordings {saved} saved, {failed} failed, 0 still to fetch\n");
    assert!(stdout.contains(&recordings), "{stdout}");
}

#[test]
fn a_demo_of_100_numbers_takes_under_two_minutes_and_adds_up() {
    let demo = Place::new().demo(&["--seed", "1", "--calls", "100"]);
    assert_adds_up(&demo, 100);
    println!("the demo took {:?}", demo.took);
    assert!(demo.took < Duration::from_secs(120), "{:?}", demo.took);
}

#[test]
fn the_summary_of_a_short_demo_adds_up() {
    assert_adds_up(first(), 60);
}

#[test]
fn each_number_ends_as_the_scenario_says() {
    let scenario = Scenario::default();
    for (number, disposition) in &first().numbers {
        let said = scenario.disposition(1, number, "777@default").to_string();
        assert_eq!(*disposition, said, "{number}");
    }
}

#[test]
fn the_same_seed_gives_each_number_the_same_disposition() {
    assert_eq!(first().numbers, short("1").numbers);
}

#[test]
fn another_seed_is_another_campaign() {
    let other = short("2");
    assert_adds_up(&other, 60);
    assert_ne!(first().numbers, other.numbers);
    let called = |demo: &Ended| demo.numbers.keys().cloned().collect::<BTreeSet<_>>();
    assert_ne!(called(first()), called(&other));
}

#[test]
fn it_reads_no_settings_and_leaves_nothing_behind() {
    let place = Place::new();
    let hostile = "ARI_URL=nonsense\nMAX_CC=-1\nOUTBOUND_NUMBER_FILE=/nowhere\n\
                   STATE_FILE=state.db\nRECORDINGS_DIR=recordings\nARI_TRUNK=\"unclosed\n";
    let env_file = place.folder.path().join(".env");
    fs::write(&env_file, hostile).expect("the folder is ours");
    // For anything but the demo these settings are an error.
    let dial = Command::new(env!("CARGO_BIN_EXE_dialdeck"))
        .args(["--headless", "--start"])
        .current_dir(place.folder.path())
        .env_clear()
        .output()
        .expect("the binary runs");
    assert_eq!(dial.status.code(), Some(2));

    let args = ["--seed", "1", "--speed", "10", "--calls", "60"];
    let demo = place.demo(&args);
    assert_eq!(demo.numbers, first().numbers);
    assert_eq!(left_in(place.folder.path()), [".env"]);
    assert_eq!(fs::read_to_string(&env_file).expect("still there"), hostile);
    assert_eq!(left_in(place.tmp.path()), [""; 0]);
}

#[test]
fn with_json_every_line_is_an_object_and_the_last_is_the_summary() {
    let place = Place::new();
    let args = ["--log-format", "json", "--calls", "30", "--speed", "50"];
    let stdout = place.demo(&args).stdout;
    let lines: Vec<serde_json::Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    for line in &lines {
        for key in ["time", "level", "target", "event"] {
            assert!(line[key].is_string(), "no {key} in {line}");
        }
    }
    let ended = lines.iter().filter(|line| line["event"] == "call.ended");
    let ended: Vec<_> = ended.collect();
    assert!(ended.len() >= 30, "{stdout}");
    let summaries = ended.iter().filter_map(|line| line["summary"].as_str());
    assert!(summaries.clone().all(|s| s.contains("] Call summary: ")));
    assert_eq!(summaries.count(), ended.len());
    let last = lines.last().expect("there are lines");
    assert_eq!(last["event"], "summary");
    assert_eq!((&last["leads"], &last["waiting"]), (&30.into(), &0.into()));
}
