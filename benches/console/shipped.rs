//! The shipped binary in a terminal, under load and at rest.

use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::cost::Cost;
use crate::support::screen::Screen;
use crate::{Table, heading, note};

const SECONDS: u32 = 30;
const KEYS: u32 = 300;
const SOON: Duration = Duration::from_secs(30);

/// Two hundred calls, and thirty events a second.
pub(crate) fn busy(table: &mut Table) {
    let demo = Demo::open(&["--max-cc", "200", "--calls", "5000", "--speed", "0.4"]);
    demo.screen.wait_for("calls 200/200", SOON);
    // The first two hundred were dialed at once; then it goes as in life.
    std::thread::sleep(Duration::from_secs(30));
    let before = demo.events();
    let cost = Cost::over(&demo.screen, SECONDS);
    heading("The shipped binary, 200 calls, 120x40");
    note(
        "lines in the log",
        (demo.events() - before) / f64::from(SECONDS),
        "a second",
    );
    table.row("bytes", cost.bytes_a_frame(), 1536.0, "a frame");
    table.row("frames", cost.frames_a_second(), 10.0, "a second");
    table.row("drawing", cost.core_percent(), 3.0, "% of core");
    keys(table, &demo);
}

/// As much as the simulator in the same process gives.
pub(crate) fn full_load(table: &mut Table) {
    let args = ["--max-cc", "1000", "--calls", "40000", "--speed", "15"];
    let demo = Demo::open(&args);
    demo.screen.wait_for(" DIALING ", SOON);
    std::thread::sleep(Duration::from_secs(10));
    let (before, begun) = (demo.events(), Instant::now());
    heading("The shipped binary at full load, the simulator on the same cores");
    keys(table, &demo);
    let events = (demo.events() - before) / begun.elapsed().as_secs_f64();
    note("lines in the log", events, "a second");
    let cost = Cost::over(&demo.screen, 10);
    table.row("frames", cost.frames_a_second(), 10.0, "a second");
    note("bytes", cost.bytes_a_frame(), "a frame");
    note("drawing", cost.core_percent(), "% of core");
}

/// Nothing changes but the clock.
pub(crate) fn at_rest(table: &mut Table) {
    let demo = Demo::open(&["--calls", "3", "--speed", "20"]);
    demo.screen.wait_for(" DONE ", SOON);
    std::thread::sleep(Duration::from_secs(12));
    let cost = Cost::over(&demo.screen, 10);
    heading("The shipped binary, nothing to tell");
    table.row("frames", cost.frames_a_second(), 1.1, "a second");
    table.row("bytes", cost.bytes_a_frame(), 128.0, "a frame");
    table.row("drawing", cost.core_percent(), 0.5, "% of core");
}

/// Keys at odd moments, each until the screen shows what it does. `*` changes every row in
/// which a number stands.
fn keys(table: &mut Table, demo: &Demo) {
    let screen = &demo.screen;
    let mut dice = fastrand::Rng::with_seed(1);
    let mut took = Vec::new();
    for n in 0..KEYS {
        std::thread::sleep(Duration::from_millis(dice.u64(20..150)));
        let hidden = n % 2 == 0;
        let begun = Instant::now();
        screen.keys("*");
        screen.wait_until("what * does", |text| text.contains("****") == hidden, SOON);
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    note("a key, half of them within", at(50), "ms");
    table.row("a key, 99 % of them within", at(99), 50.0, "ms");
    note("the slowest key", at(100), "ms");
}

/// A demo in a terminal, with its temporary files where they can be found.
struct Demo {
    screen: Screen,
    folder: TempDir,
}

impl Demo {
    fn open(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_dialdeck"));
        command
            .arg("demo")
            .args(args)
            .current_dir(folder.path())
            .env("TMPDIR", folder.path());
        let screen = Screen::open(&command, 40, 120);
        Self { screen, folder }
    }

    /// How many lines its log has: one for each step of a call.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn events(&self) -> f64 {
        let entries = std::fs::read_dir(self.folder.path()).expect("readable");
        let mut logs = entries.map(|entry| entry.expect("readable").path().join("dialdeck.log"));
        let text = logs.find_map(|log| std::fs::read(log).ok());
        let lines = text.expect("it writes a log").into_iter();
        lines.filter(|byte| *byte == b'\n').count() as f64
    }
}
