//! Strangers' bytes: the fuzzer's targets over its corpus, and over mutations of it.
//!
//! `tests/long fuzz` looks for more with coverage; what it finds joins the corpus.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Mutations of each target's corpus in one run. A request costs a connection.
const MUTATIONS: [(&str, u32); 5] = [
    ("list", 20_000),
    ("dotenv", 6_000),
    ("events", 6_000),
    ("http", 1_500),
    ("csv", 40_000),
];

/// The inputs of a target, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let entries = fs::read_dir(folder.join(target)).expect("each target has a corpus");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has a corpus");
    let read = |path| fs::read(path).expect("readable");
    paths.into_iter().map(read).collect()
}

fn check(target: &str) {
    let (_, run) = targets::TARGETS
        .into_iter()
        .find(|(name, _)| *name == target)
        .expect("a target");
    let corpus = corpus(target);
    for input in &corpus {
        run_one(target, run, input);
    }
    let count = MUTATIONS.iter().find(|(name, _)| *name == target);
    let mut dice = fastrand::Rng::with_seed(1);
    for _ in 0..count.expect("it is listed").1 {
        run_one(target, run, &mutation(&corpus, &mut dice));
    }
}

/// Runs it; a failure shows the input.
fn run_one(target: &str, run: targets::Target, input: &[u8]) {
    let held = catch_unwind(|| run(input)).is_ok();
    assert!(held, "{target} fails on \"{}\"", input.escape_ascii());
}

/// A few small changes to one of them, or one of them spliced with another.
fn mutation(corpus: &[Vec<u8>], dice: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = dice.choice(corpus).expect("there is one").clone();
    for _ in 0..dice.u32(1..6) {
        let at = dice.usize(..=bytes.len());
        let end = at + dice.usize(..=(bytes.len() - at).min(40));
        match dice.u8(..6) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.insert(at, dice.u8(..)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = dice.usize(..=bytes.len());
                bytes.splice(to..to, piece);
            }
            3 => {
                let other = dice.choice(corpus).expect("there is one");
                let from = dice.usize(..=other.len());
                bytes.splice(at..end, other[from..].iter().copied());
            }
            4 => {
                const ODD: [&str; 12] = [
                    "\0",
                    "\r",
                    "\n",
                    "\"",
                    "'",
                    "`",
                    "#",
                    "\u{202e}",
                    "\u{1b}[2J",
                    "=",
                    "+",
                    ",",
                ];
                let odd = dice.choice(ODD).expect("there is one");
                bytes.splice(at..at, odd.bytes());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.u8(..8);
                }
            }
        }
    }
    bytes
}

#[test]
fn lists() {
    check("list");
}

#[test]
fn env_files() {
    check("dotenv");
}

#[test]
fn events_of_asterisk() {
    check("events");
}

#[test]
fn requests_to_the_control_api() {
    check("http");
}

#[test]
fn fields_of_a_report() {
    check("csv");
}
