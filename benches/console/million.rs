//! A queue of a million leads: what a key takes until its frame is written.

use std::sync::Arc;
use std::time::Duration;

use dialdeck::campaign::{LeadId, LeadState, Time};
use dialdeck::console::bench::{Bench, Frame};

use crate::support::load;
use crate::{Table, heading, note};

const LEADS: u32 = 1_000_000;
const ROUNDS: usize = 9;
/// The most that a frame may take.
const FRAME_MS: f64 = 30.0;

/// What is measured: a name, and the keys of which each is a frame.
const SCRIPTS: [(&str, &[&str]); 16] = [
    ("at rest", &["\x1b"]),
    ("down", &["j", "j", "j"]),
    ("page down", &["\x1b[6~", "\x1b[6~", "\x1b[6~"]),
    ("jump to the end", &["G", "g", "G"]),
    (
        "filter, digit by digit",
        &["/", "5", "5", "0", "1", "2", "\r"],
    ),
    ("filter by a digit that all have", &["/", "\x15", "2", "\r"]),
    ("filter by word", &["/", "\x15", "b", "u", "s", "y", "\r"]),
    (
        "filter by word and digits",
        &["/", "\x15", "5", "5", " ", "w", "a", "i", "\r"],
    ),
    ("filter away", &["\x1b", "\x1b"]),
    ("sort by number", &[">"]),
    ("sort by state", &[">"]),
    ("sort by attempts", &[">"]),
    ("sort by cause", &[">"]),
    ("sort inverted", &["I", "I"]),
    ("sort in line", &[">"]),
    ("in line inverted", &["I", "I"]),
];

pub(crate) fn measure(table: &mut Table) {
    heading("A queue of a million leads, half of them ended: the slowest frame of each");
    let mut leads = load::leads(LEADS);
    let first = Arc::new(load::picture(leads.clone(), load::BEGIN));
    let mut bench = Bench::new(first, 120, 40).expect("it draws into memory");
    bench.keys("1").expect("it draws into memory");
    load::end(&mut leads, LEADS / 2);
    let mut at = load::BEGIN;
    let mut pictures = Vec::new();
    for _ in 0..ROUNDS {
        // A lead changes, and the list is old enough to be made anew.
        at = at + Duration::from_secs(3);
        leads.restore(LeadId(LEADS - 1), LeadState::Waiting);
        let picture = Arc::new(load::picture(leads.clone(), at));
        pictures.push(bench.picture(picture).expect("it draws into memory").took);
    }
    assert_eq!(bench.listed(), LEADS as usize);
    tell(table, "a new picture", pictures);
    let mut took = vec![Vec::new(); SCRIPTS.len()];
    for _ in 0..ROUNDS {
        for ((what, keys), took) in SCRIPTS.iter().zip(&mut took) {
            took.push(run(&mut bench, keys));
            if *what == "sort by number" {
                took.push(sorted(&mut bench, &mut at));
            }
        }
    }
    for ((what, _), took) in SCRIPTS.iter().zip(took) {
        tell(table, what, took);
    }
}

/// Half of the rounds are as fast: what is slower is the machine, which does other things too.
fn tell(table: &mut Table, what: &str, mut took: Vec<Duration>) {
    took.sort();
    table.row(what, ms(took[took.len() / 2]), FRAME_MS, "ms");
    let slowest = ms(took[took.len() - 1]);
    if slowest > FRAME_MS {
        note("  the slowest of all rounds", slowest, "ms");
    }
}

/// Waits for an order that is made beside the frames; the slowest frame until it is shown.
fn sorted(bench: &mut Bench, at: &mut Time) -> Duration {
    let mut slowest = Duration::ZERO;
    loop {
        let before = bench.is_sorting();
        *at = *at + Duration::from_secs(1);
        let frame = bench.tick(*at).expect("it draws into memory");
        slowest = slowest.max(frame.took);
        if !before {
            return slowest;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The slowest of the keys' frames.
fn run(bench: &mut Bench, keys: &[&str]) -> Duration {
    let frames = keys.iter().map(|keys| bench.keys(keys));
    let took = frames.map(|frame| frame.map(|Frame { took, .. }| took));
    took.map(|took| took.expect("it draws into memory"))
        .max()
        .unwrap_or_default()
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
