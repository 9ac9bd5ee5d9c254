//! Many seeds, the places broken on purpose, and the soak.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::laws::{Law, Violation};
use super::{Play, Sim, Tally};
use crate::campaign::sabotage::{self, Sabotage};
use crate::journal::Journal;

/// What every simulated journal calls itself: its identity is no part of chance.
const UUID: &str = "5eed0000-0000-4000-8000-000000000000";
/// The beginning of [`UUID`].
pub(super) const TOKEN: &str = "5eed0000";

/// For how long things go wrong.
const TROUBLE: Duration = Duration::from_secs(60);
const LEADS: u32 = 8;

/// A folder in memory where there is one: nothing of a simulation outlives it.
pub(super) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        return tempfile::tempdir_in(memory).expect("a folder");
    }
    tempfile::tempdir().expect("a folder")
}

/// An empty journal whose identity is always the same. It is made once: each seed has a copy.
pub(super) fn lay_down_journal(path: &Path) {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    let empty = EMPTY.get_or_init(|| {
        let folder = folder();
        let draft = folder.path().join("empty.db");
        let (journal, _) = Journal::open(&draft).expect("a new journal");
        journal.close().expect("it closes");
        let conn = rusqlite::Connection::open(&draft).expect("it opens");
        conn.execute("UPDATE meta SET uuid = ?1", [UUID])
            .expect("it has an identity");
        conn.pragma_update(None, "wal_checkpoint", "TRUNCATE")
            .expect("a whole file");
        conn.close().expect("it closes");
        std::fs::read(&draft).expect("it can be read")
    });
    std::fs::write(path, empty).expect("a copy");
}

/// Plays a seed to its end.
fn play(play: Play) -> (Sim, Result<(), Violation>) {
    in_runtime(async {
        let mut sim = Sim::new(play);
        let verdict = sim.run().await;
        (sim, verdict)
    })
}

pub(super) fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

/// What came of many seeds.
#[derive(Debug, Default)]
struct Sum {
    seeds: u64,
    steps: u64,
    virtual_time: Duration,
    tally: Tally,
    violations: Vec<(u64, Violation)>,
}

impl Sum {
    pub(super) fn add(&mut self, seed: u64, sim: &Sim, verdict: Result<(), Violation>) {
        self.seeds += 1;
        self.steps += sim.steps;
        self.virtual_time += sim.uptime;
        self.tally.add(&sim.tally);
        self.violations.extend(verdict.err().map(|v| (seed, v)));
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.virtual_time += other.virtual_time;
        self.tally.add(&other.tally);
        self.violations.extend(other.violations);
    }
}

pub(super) fn a_play(seed: u64) -> Play {
    Play {
        seed,
        traced: false,
        trouble: TROUBLE,
        leads: LEADS,
        lives: false,
    }
}

/// Plays these seeds on all cores, each on one thread from its beginning to its end.
fn play_all(seeds: std::ops::Range<u64>) -> Sum {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return sum;
            }
            let (sim, verdict) = play(a_play(seed));
            sum.add(seed, &sim, verdict);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut all = Sum::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.merge(worker.join().expect("a thread that ends"));
        }
    });
    all.violations.sort_by_key(|(seed, _)| *seed);
    all
}

/// How many seeds are played: fewer where the code is not optimised.
const SEEDS: u64 = if cfg!(debug_assertions) { 150 } else { 2000 };

/// In so many one must notice what was broken; of one of them few do, of the others the first.
const SEEDS_TO_NOTICE: u64 = 12_000;

/// What must have happened in any thousand seeds, and at least so often.
const COVERED: [(&str, u64); 70] = [
    ("phones: hang up amid a census", 20),
    ("channels: strangers", 50),
    ("panels: redirect", 100),
    ("phones: transfer", 100),
    ("Asterisk: keeps what has hung up", 50),
    ("Asterisk: keeps what was only asked to go", 20),
    ("Asterisk: restart with its calls", 200),
    ("Asterisk: restart without its calls", 400),
    ("REST: 401", 10),
    ("REST: 404", 10),
    ("REST: 500", 100),
    ("REST: 504, carried out", 100),
    ("REST: answer after its events", 100),
    ("REST: away for a while", 200),
    ("REST: broken, carried out", 100),
    ("REST: no connection", 100),
    ("REST: saturated", 100),
    ("REST: timeout, carried out", 100),
    ("REST: timeout, carried out late", 100),
    ("REST: timeout, not carried out", 100),
    ("answers that refuse", 1000),
    ("calls placed", 5000),
    ("channels: kept by Asterisk", 100),
    ("command: MAX_CC", 300),
    ("command: add numbers", 200),
    ("command: call again", 300),
    ("command: call the streak again", 20),
    ("command: drain", 200),
    ("command: hang up", 200),
    ("command: hang up all", 200),
    ("command: new run", 200),
    ("command: pause", 300),
    ("command: reload", 200),
    ("command: skip", 200),
    ("command: start", 3000),
    ("command: start again", 200),
    ("command: stop now", 200),
    ("command: stop the process", 200),
    ("disk: full", 500),
    ("events: StasisStart late", 100),
    ("events: doubled", 100),
    ("events: late", 100),
    ("journal: a write that failed", 100),
    ("journal: torn", 50),
    ("link: ApplicationReplaced", 200),
    ("link: half-open", 200),
    ("link: held", 5),
    ("link: lost", 500),
    ("link: up", 2000),
    ("new run at DONE", 50),
    ("originates that the gate kept back", 10),
    ("numbers added: answered", 200),
    ("numbers added: refused", 10),
    ("orphans: adopted", 10),
    ("orphans: found at a start", 100),
    ("orphans: hung up", 10),
    ("process: ended by itself", 200),
    ("process: killed", 500),
    ("process: started", 1000),
    ("process: started with a new run", 10),
    ("recordings: fetched", 2000),
    ("recordings: folder full", 200),
    ("recordings: given up", 20),
    ("recordings: lost by Asterisk", 100),
    ("refused by an analytics service", 20),
    ("refusals that count", 300),
    ("start again at DONE", 50),
    ("start again right after DONE", 20),
    ("surveys: acted upon before their end", 100),
    ("wall clock: jump", 200),
];

fn said(sum: &Sum) -> String {
    let hours = sum.virtual_time.as_secs_f64() / 3600.0;
    let mut said = format!(
        "{} seeds, {} steps, {hours:.1} virtual hours, {} violations\n",
        sum.seeds,
        sum.steps,
        sum.violations.len()
    );
    for (what, count) in &sum.tally.0 {
        let _ = writeln!(said, "{count:>10} {what}");
    }
    for (seed, violation) in &sum.violations {
        let Violation { law, what } = violation;
        let _ = writeln!(said, "seed {seed}: {law:?}: {what}");
    }
    if let Some((seed, _)) = sum.violations.first() {
        let _ = writeln!(said, "step by step: tests/long replay {seed}");
    }
    said
}

fn judge(sum: &Sum) {
    let said = said(sum);
    println!("{said}");
    assert!(sum.violations.is_empty(), "{said}");
    for (what, in_a_thousand) in COVERED {
        let count = sum.tally.0.get(what).copied().unwrap_or(0);
        let wanted = in_a_thousand * sum.seeds / 1000;
        assert!(count >= wanted, "{what}: {count} times, and not {wanted}");
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

#[test]
fn whatever_goes_wrong_every_promise_is_kept() {
    judge(&play_all(0..SEEDS));
}

#[test]
#[ignore = "long: tests/long simulation"]
fn whatever_goes_wrong_in_very_many_seeds() {
    let seeds = number("DIALDECK_SEEDS").expect("how many");
    let first = number("DIALDECK_SEED").unwrap_or(0);
    judge(&play_all(first..first + seeds));
}

#[test]
#[ignore = "a tool: tests/long replay"]
fn one_seed_step_by_step() {
    let seed = number("DIALDECK_SEED").expect("which");
    let (sim, verdict) = play(Play {
        traced: true,
        ..a_play(seed)
    });
    println!("{}", sim.trace.unwrap_or_default().join("\n"));
    println!("seed {seed}: {} steps, {verdict:?}", sim.steps);
    assert!(verdict.is_ok(), "seed {seed}: {verdict:?}");
}

#[test]
fn a_seed_is_played_the_same_again() {
    for seed in 0..10 {
        let traced = Play {
            traced: true,
            ..a_play(seed)
        };
        let [first, second] = [play(traced), play(traced)].map(|(sim, _)| sim.trace);
        let (first, second) = (first.expect("a trace"), second.expect("a trace"));
        assert!(first.len() > 100, "a trace of {} lines", first.len());
        let differs = first.iter().zip(&second).position(|(a, b)| a != b);
        if let Some(at) = differs {
            panic!("seed {seed}, line {at}:\n{}\n{}", first[at], second[at]);
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

/// What is broken, and the law that must notice it.
const BREAKS: [(Sabotage, Law); 36] = [
    (Sabotage::CutsUnheard, Law::Answered),
    (Sabotage::TakesBlockedForRejected, Law::Snapshot),
    (Sabotage::AnswersBeforeDurable, Law::Journal),
    (Sabotage::SkipsAdded, Law::Policy),
    (Sabotage::OneTooMany, Law::MaxCc),
    (Sabotage::IgnoresLowering, Law::MaxCc),
    (Sabotage::OpenGateInSilence, Law::MaxCc),
    (Sabotage::TrustsA404, Law::MaxCc),
    (Sabotage::TrustsACensus, Law::MaxCc),
    (Sabotage::TrustsTheDead, Law::MaxCc),
    (Sabotage::FreesWhatMayRing, Law::MaxCc),
    (Sabotage::CallsAgain, Law::Policy),
    (Sabotage::RecallsAfterDone, Law::Policy),
    (Sabotage::EndsTwice, Law::EndsOnce),
    (Sabotage::EndsUnwritten, Law::EndsOnce),
    (Sabotage::ForgetsOrphans, Law::Progress),
    (Sabotage::LeavesStrays, Law::NoOrphans),
    (Sabotage::KeepsStrangers, Law::NoOrphans),
    (Sabotage::ForgetsTransfers, Law::Answered),
    (Sabotage::TrustsAnEndUnheard, Law::Answered),
    (Sabotage::HangsUpWhoWasMoved, Law::Answered),
    (Sabotage::LeavesRecordings, Law::NoOrphans),
    (Sabotage::TrustsWhatIsWritten, Law::NoOrphans),
    (Sabotage::OpenGate, Law::Paused),
    (Sabotage::DialsInPause, Law::Paused),
    (Sabotage::IgnoresLoss, Law::LinkDown),
    (Sabotage::WaitsForEver, Law::Answered),
    (Sabotage::TrustsAnOldCensus, Law::Answered),
    (Sabotage::MiscountsAbandoned, Law::Answered),
    (Sabotage::LatePicture, Law::Snapshot),
    (Sabotage::LateAnswer, Law::Snapshot),
    (Sabotage::ForgetsRecordings, Law::Snapshot),
    (Sabotage::IsBlindWhenDeaf, Law::Snapshot),
    (Sabotage::WaitsForWhatIsKept, Law::Snapshot),
    (Sabotage::DialsBeforeDurable, Law::Journal),
    (Sabotage::IgnoresStreaks, Law::Streak),
];

/// Seeds that have noticed what few seeds notice. They save the search for one, and no more: where
/// they notice it no longer, since the code has changed, all seeds are played as for the others.
const TRIED_FIRST: [(Sabotage, u64); 7] = [
    (Sabotage::CutsUnheard, 1386),
    (Sabotage::IgnoresLowering, 1181),
    (Sabotage::OpenGateInSilence, 614),
    (Sabotage::TrustsAnEndUnheard, 1043),
    (Sabotage::TrustsWhatIsWritten, 202),
    (Sabotage::TrustsAnOldCensus, 2390),
    (Sabotage::ForgetsRecordings, 1783),
];

/// A seed in which the law notices; others may have noticed before.
fn caught(what: Sabotage, law: Law) -> Option<(u64, Violation)> {
    sabotage::set(Some(what));
    let first = TRIED_FIRST.iter().filter(|(hard, _)| *hard == what);
    let first = first.map(|(_, seed)| *seed);
    let found = first.chain(0..SEEDS_TO_NOTICE).find_map(|seed| {
        let (_, verdict) = play(a_play(seed));
        let violation = verdict.err().filter(|violation| violation.law == law)?;
        Some((seed, violation))
    });
    sabotage::set(None);
    found
}

/// Each promise is broken on purpose in one place of the code, and a seed notices.
#[test]
fn every_law_bites() {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some((what, law)) = BREAKS.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push((*what, *law, caught(*what, *law)));
        }
        found
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|w| w.join().expect("it ends"));
        ended.flatten().collect()
    });
    for (what, _, caught) in &found {
        println!("{what:?}: {caught:?}");
    }
    for (what, law, caught) in &found {
        let law_of = caught.as_ref().map(|(_, violation)| violation.law);
        assert_eq!(law_of, Some(*law), "{what:?}: {caught:?}");
    }
    let laws: BTreeSet<Law> = found.iter().map(|(_, law, _)| *law).collect();
    assert_eq!(laws, Law::ALL.into(), "each law is broken by somebody");
}

/// How much more there may be of anything in the later hours than in the first ones, at the mean and
/// in tenths: chance, and no growth.
fn is_flat(before: usize, after: usize) -> bool {
    after <= before + before / 2 + 50
}

/// Plays so many hours in one process, and looks whether anything grows with them. Gives what
/// does.
fn grows_in(hours: u64) -> Vec<&'static str> {
    let (sim, verdict) = play(Play {
        trouble: Duration::from_secs(hours * 3600),
        leads: 40,
        lives: true,
        ..a_play(1)
    });
    let mut sum = Sum::default();
    sum.add(1, &sim, verdict);
    println!("{}", said(&sum));
    assert!(sum.violations.is_empty(), "{}", said(&sum));
    assert_eq!(sim.process, 1, "one process lives all the time");
    let half = sim.sizes.len() / 2;
    // A burst, as at the beginning of a run, is no growth; so the mean is compared.
    let mean = |hours: &[BTreeMap<&str, (usize, usize)>], what| {
        let sizes = hours.iter().filter_map(|hour| hour.get(what).copied());
        let (sum, looks) = sizes.fold((0, 0), |(sum, looks), (size, n)| (sum + size, looks + n));
        10 * sum / looks.max(1)
    };
    let mut grows = Vec::new();
    for what in sim.sizes[0].keys().copied() {
        let [before, after] = [&sim.sizes[..half], &sim.sizes[half..]].map(|h| mean(h, what));
        println!("{what}: {before} tenths, then {after}");
        if !is_flat(before, after) {
            grows.push(what);
        }
    }
    grows
}

fn soak(hours: u64) {
    assert_eq!(grows_in(hours), [""; 0]);
}

#[test]
fn what_grows_is_noticed() {
    sabotage::set(Some(Sabotage::KeepsTimelines));
    let grows = grows_in(2);
    sabotage::set(None);
    assert_eq!(grows, ["timelines"]);
}

#[test]
fn hours_in_one_process_leave_nothing_behind() {
    soak(if cfg!(debug_assertions) { 2 } else { 6 });
}

#[test]
#[ignore = "long: tests/long soak"]
fn a_day_in_one_process_leaves_nothing_behind() {
    soak(number("DIALDECK_SOAK_HOURS").expect("how many hours"));
}
