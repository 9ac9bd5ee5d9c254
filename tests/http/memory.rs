//! What is left in memory of calls that are over.

use std::fs;
use std::time::{Duration, Instant};

use super::{Rig, Served};
use crate::support::numbers::mixed;

/// So many numbers are called in a round, each time.
const NUMBERS: usize = 1000;
/// A round takes half a minute.
const ROUND: Duration = Duration::from_secs(600);
/// By so much the memory of any two rounds may differ, in KiB.
const KIB: u64 = 2048;

fn anonymous_kib(served: &Served) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", served.process.pid()));
    let status = status.expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.expect("Linux tells").trim().trim_end_matches(" kB");
    kib.parse().expect("a number")
}

/// Rings that hold what happened last, and SQLite's caches of a journal that grows, are full
/// after some ten thousand calls; what grows after that grows for ever.
#[test]
#[ignore = "long: tests/long memory"]
fn calls_by_the_ten_thousand_leave_nothing_in_memory() {
    let rounds = std::env::var("DIALDECK_MEMORY_ROUNDS").map_or(40, |n| n.parse().expect("rounds"));
    let list = mixed(&["10", "72", "81", "83", "20", "40"], NUMBERS);
    let settings = [("MAX_CC", "50"), ("TARGET_ENDPOINT", "Local/100@lab")];
    let rig = Rig::new(&list, &settings);
    let served = rig.serve();
    let samples = (0..rounds).map(|round| {
        rig.post(&served, if round == 0 { "/start" } else { "/new_run" });
        let until = Instant::now() + ROUND;
        loop {
            let status = rig.get(&served, "/api/v1/status").json();
            if status["state"] == "DONE" && status["recordings"]["waiting"] == 0 {
                break;
            }
            assert!(Instant::now() < until, "{status}");
            std::thread::sleep(Duration::from_millis(200));
        }
        let kib = anonymous_kib(&served);
        println!("{} calls: {kib} KiB", (round + 1) * NUMBERS);
        kib
    });
    let samples: Vec<u64> = samples.collect();
    let (early, late) = samples[samples.len() / 4..].split_at(samples.len() / 4);
    let most = |of: &[u64]| of.iter().copied().max().unwrap_or_default();
    let (early, late) = (most(early), most(late));
    assert!(late <= early + KIB, "from {early} to {late} KiB");
    served.process.kill();
}
