//! An operator's desk: a list, an Asterisk behind it, the console before it, and what can be
//! read from its screen.

use std::cell::Cell;
use std::process::Command;
use std::time::{Duration, Instant};

use dialdeck::simulator::{Scenario, SimConfig};

use crate::support::deck::Deck;
pub(crate) use crate::support::numbers::numbers;
use crate::support::screen::{Screen, key};
use crate::support::simulated::Asterisk;
pub(crate) use crate::support::wait::wait;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_dialdeck");
/// Long enough for anything that happens at all, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// A campaign's end.
pub(crate) const LATER: Duration = Duration::from_secs(60);
/// As a terminal over SSH is, and as a wall is: rows and columns.
pub(crate) const SIZES: [(u16, u16); 2] = [(24, 80), (48, 160)];

/// Numbers, by how they begin, whose calls end by themselves, beside those of the lab: 77 rings
/// for 0.2 s and talks for 3 s, 79 talks for 8 s.
const SHORT_TALKS: [(&str, u32); 2] = [("77", 3000), ("79", 8000)];

/// The console on a simulated Asterisk.
pub(crate) struct Desk {
    pub(crate) asterisk: Asterisk,
    pub(crate) deck: Deck,
}

impl Desk {
    /// With these numbers on its list, of which the simulator's lab scenario knows what they do.
    pub(crate) fn new(max_cc: u32, numbers: &[String]) -> Self {
        let asterisk = Asterisk::start(SimConfig {
            scenario: scenario(),
            ..SimConfig::default()
        });
        let mut deck = asterisk
            .deck()
            .set("CALL_TIMEOUT", 20)
            .set("MAX_CC", max_cc);
        deck.list(numbers);
        Self { asterisk, deck }
    }

    /// The console, connected and IDLE.
    pub(crate) fn open(&self, (rows, cols): (u16, u16)) -> Screen {
        let screen = self.deck.open(&[], rows, cols);
        screen.wait_until("IDLE and the link", ready, SOON);
        screen
    }

    /// The console, and `calls` are up.
    pub(crate) fn dialing(&self, size: (u16, u16), calls: usize) -> Screen {
        let screen = self.open(size);
        screen.keys("s");
        screen.wait_until("calls", |text| in_use(text) == calls, SOON);
        // One that is not dialed yet would wait again at a pause or a drain.
        wait("calls at the carrier", SOON, || self.placed() == calls);
        screen
    }

    pub(crate) fn placed(&self) -> usize {
        self.asterisk.calls_placed().len()
    }

    /// How each number ended by the report, as `(number, disposition, ended_by)`, in the order
    /// of the list.
    pub(crate) fn ends(&self) -> Vec<(String, String, String)> {
        let report = self.deck.report();
        let rows = report.iter().map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (text("number"), text("disposition"), text("ended_by"))
        });
        rows.collect()
    }
}

fn scenario() -> Scenario {
    let mut scenario = Scenario::lab();
    for (prefix, talks) in SHORT_TALKS {
        let json = format!(
            r#"{{"signal": "ringing", "after": [200, 200], "then": {{"answers": {{"talks": [{talks}, {talks}]}}}}}}"#
        );
        let callee = serde_json::from_str(&json).expect("a callee");
        scenario.number_prefixes.insert(prefix.to_owned(), callee);
    }
    scenario
}

/// Whether it waits for the operator and reaches Asterisk.
pub(crate) fn ready(text: &str) -> bool {
    state(text) == "IDLE" && text.contains("link up")
}

/// The first line, without the name: state, run and list. The log is ahead of it at times, so
/// what a test waits for it looks for here.
pub(crate) fn title(text: &str) -> &str {
    let title = text.lines().find_map(|line| line.strip_prefix("Dialdeck "));
    title.unwrap_or_default()
}

/// The state in the header.
pub(crate) fn state(text: &str) -> &str {
    title(text).split_whitespace().next().unwrap_or_default()
}

/// The figures of the header: calls in use, effective and requested `MAX_CC`.
pub(crate) fn figures(text: &str) -> Option<(usize, usize, usize)> {
    let line = text.lines().find_map(|line| line.strip_prefix("calls "))?;
    let (calls, rest) = line.split_once(" MAX_CC ")?;
    let (in_use, effective) = calls.split_once('/')?;
    let requested = rest.split_whitespace().next()?;
    Some((
        in_use.parse().ok()?,
        effective.parse().ok()?,
        requested.parse().ok()?,
    ))
}

/// Calls in use; `usize::MAX` while the header is not there.
pub(crate) fn in_use(text: &str) -> usize {
    figures(text).map_or(usize::MAX, |(in_use, _, _)| in_use)
}

/// How many numbers wait, by the queue's title.
pub(crate) fn waiting(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("1 Queue ")?;
    let (count, _) = rest.split_once(" waiting")?;
    count.replace(',', "").parse().ok()
}

/// The number in the selected row.
pub(crate) fn selected(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('▶')?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

/// Selects the first row of the pane that has the focus; its number.
pub(crate) fn select_first(screen: &Screen) -> String {
    screen.keys("g");
    let text = screen.wait_until("a selected row", |text| selected(text).is_some(), SOON);
    selected(&text).expect("just seen")
}

/// Takes the first answer after Cancel of the question that is open.
pub(crate) fn confirm(screen: &Screen) {
    screen.keys(key::RIGHT);
    screen.keys(key::ENTER);
}

/// Watches the screen for `span`: `holds` for all of it. A screen that says nothing new is
/// watched all the same.
pub(crate) fn watch(screen: &Screen, what: &str, span: Duration, holds: impl Fn(&str) -> bool) {
    let until = Instant::now() + span;
    let broken = Cell::new(false);
    screen.wait_until(
        "the end of the watch",
        |text| {
            broken.set(broken.get() || !holds(text));
            broken.get() || Instant::now() >= until
        },
        span + SOON,
    );
    assert!(!broken.get(), "no longer {what}:\n{}", screen.text());
}

/// Waits for `text`, and for the rest of the frame that it came with: a large one comes in
/// pieces.
pub(crate) fn whole(screen: &Screen, text: &str) -> String {
    screen.wait_for(text, SOON);
    screen.wait_quiet(Duration::from_millis(40), SOON);
    screen.text()
}

/// The demo in a shell that waits for Enter before it begins, so that the terminal can be
/// looked at before.
pub(crate) fn demo(args: &[&str], (rows, cols): (u16, u16)) -> Screen {
    let mut command = Command::new("sh");
    command.args(["-c", r#"read x; exec "$0" demo "$@""#, BINARY]);
    Screen::open(command.args(args), rows, cols)
}

/// The seconds of a processor that a process has used.
pub(crate) fn used_seconds(pid: u32) -> f64 {
    let fields = stat(pid);
    let ticks = |n: usize| fields[n].parse::<f64>().expect("a count");
    // Linux tells it in hundredths, on every architecture.
    (ticks(UTIME) + ticks(UTIME + 1)) / 100.0
}

/// Whether a process is stopped.
pub(crate) fn is_stopped(pid: u32) -> bool {
    stat(pid)[0] == "T"
}

/// The fields of `/proc/<pid>/stat` after the program's name, from its state on.
fn stat(pid: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let (_, fields) = text.rsplit_once(") ").expect("a name in brackets");
    fields.split_whitespace().map(str::to_owned).collect()
}

/// The place of the time spent in user mode, counted from the state; that in the kernel follows.
const UTIME: usize = 11;
