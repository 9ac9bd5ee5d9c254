//! The shipped binary with a list of a million numbers.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::deck::{Deck, Running};

const NUMBERS: u32 = 1_000_000;
const MOST_KIB: u64 = 200_000_000 / 1024;
/// Time enough for a busy machine; what is measured is memory.
const LOADED: Duration = Duration::from_secs(120);
/// Nothing is up that would have to be drained.
const ENDED: Duration = Duration::from_secs(10);

/// The most memory that the process ever had in use, in KiB.
fn peak_kib(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).expect("it runs");
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.expect("Linux tells it").trim().trim_end_matches(" kB");
    kib.parse().expect("a number")
}

/// A port of loopback at which nobody listens, nor will: it was bound a moment ago.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

fn deck() -> Deck {
    let mut deck = Deck::new(&HashMap::new())
        .set("ARI_URL", format!("http://127.0.0.1:{}", closed_port()))
        .set("ARI_USERNAME", "dialdeck")
        .set("ARI_PASSWORD", "not-used-here")
        .set("ARI_TRUNK", "trunk")
        .set("MAX_CC", 100)
        .set("STATE_FILE", "dialdeck.db");
    deck.list((0..NUMBERS).map(|n| format!("+1202{n:07}")));
    deck
}

/// Until the journal has had everything: its files have stopped growing.
fn wait_for_the_journal(deck: &Deck) {
    let written = || {
        let files = ["dialdeck.db", "dialdeck.db-wal"].map(|name| fs::metadata(deck.path(name)));
        files.into_iter().flatten().map(|m| m.len()).sum::<u64>()
    };
    let until = Instant::now() + LOADED;
    loop {
        let before = written();
        std::thread::sleep(Duration::from_secs(2));
        if before > 0 && written() == before {
            return;
        }
        assert!(Instant::now() < until, "the journal is still written");
    }
}

/// Starts it, measures it once all is loaded and Asterisk was tried, and ends it: its peak in
/// KiB and its output.
fn measured(deck: &Deck) -> (u64, String) {
    let running = deck.spawn(&["--headless", "--start"]);
    running.wait_for(" link.down ", LOADED);
    wait_for_the_journal(deck);
    let peak = peak_kib(&running);
    running.signal("TERM");
    let ended = running.wait(ENDED);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let summary = format!("{NUMBERS} leads, {NUMBERS} waiting");
    assert!(ended.stdout.contains(&summary), "{}", ended.stdout);
    (peak, ended.stdout)
}

#[test]
fn a_million_numbers_stay_under_200_mb_at_the_first_start_and_at_the_next() {
    let _alone = crate::alone();
    let deck = deck();
    let (first, _) = measured(&deck);
    let (next, again) = measured(&deck);
    println!("a million numbers: {first} KiB at the first start, {next} KiB at the next");
    assert!(first < MOST_KIB && next < MOST_KIB, "{first} and {next}");
    let goes_on =
        format!("run 1 goes on: 0 numbers joined, 0 are no longer listed, {NUMBERS} wait");
    assert!(again.contains(&goes_on), "{again}");
}
