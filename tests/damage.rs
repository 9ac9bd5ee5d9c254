//! The journal of a real campaign, cut and scratched anywhere: it is opened with all that was
//! promised in it, or refused with the way out; and the report tells what can be read.
//!
//! What was promised of a lead is its number, and whether, how often and with what outcome it
//! was called. `DIALDECK_DAMAGE_ROUNDS` raises the number of cases of each kind.

mod torn;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::numbers::mixed;
use crate::support::simulated::{Asterisk, lab};
use dialdeck::campaign::{Disposition, LeadId};
use dialdeck::journal::{Journal, JournalError, LeadStatus};
use dialdeck::report::{self, Format, ReportError, ReportOptions};
use tempfile::TempDir;

const SEED: u64 = 0x5eed;
const ROUNDS: usize = 1_000;
/// Long enough for the campaign on a busy machine.
const MINUTE: Duration = Duration::from_secs(60);
/// A page of the database; the pieces that a WAL is written in are one and a header.
const PAGE: usize = 4096;

/// The files of a journal.
struct Files {
    db: Vec<u8>,
    wal: Vec<u8>,
}

/// What a journal says of its leads: number, status and attempts of each.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said(Vec<(LeadId, String, LeadStatus, u32)>);

/// A campaign in which every usual outcome came about: while it lived, with its last records
/// in the WAL, and after its end.
struct Campaign {
    living: Files,
    closed: Files,
    /// While it lived, the shortest WAL first.
    marks: Vec<Mark>,
}

/// How long the WAL was after so many calls had come to the carrier: all of them had been
/// answered as durable by then.
struct Mark {
    called: Vec<String>,
    length: usize,
}

static CAMPAIGN: LazyLock<Campaign> = LazyLock::new(play);

fn play() -> Campaign {
    let asterisk = Asterisk::start(lab());
    let mut deck = asterisk
        .deck()
        .set("TARGET_ENDPOINT", "Local/105@lab")
        .set("CALL_TIMEOUT", 4)
        .set("MAX_CC", 20);
    // Busy, congestion, no answer, invalid, rejected, failed; 81 leaves before the target
    // answers (abandoned), 80 talks until it is hung up (answered).
    let kinds = ["10", "20", "30", "40", "50", "9058", "81", "80"];
    deck.list(mixed(&kinds, 48));
    let process = deck.spawn(&["--headless", "--start"]);
    let path = deck.path("dialdeck.db");
    let marks = marks(&asterisk, &path.with_extension("db-wal"));
    process.signal("STOP");
    let living = files(&path);
    process.signal("CONT");
    // The target answers after three seconds.
    thread::sleep(Duration::from_secs(5));
    // Those who talk are hung up.
    process.stop_now();
    assert_eq!(process.wait(MINUTE).code, Some(0));
    let closed = files(&path);
    Campaign {
        living,
        closed,
        marks,
    }
}

/// Looks again and again until 44 calls have come.
fn marks(asterisk: &Asterisk, wal: &Path) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let until = Instant::now() + MINUTE;
    while marks.last().is_none_or(|mark| mark.called.len() < 44) {
        assert!(Instant::now() < until, "no 44 calls");
        // The calls first: what is written meanwhile only makes the file longer.
        let called = asterisk.calls_placed();
        let length = fs::metadata(wal).map_or(0, |wal| wal.len());
        let length = usize::try_from(length).expect("it is small");
        if called.len() > marks.last().map_or(0, |mark| mark.called.len()) {
            marks.push(Mark { called, length });
        }
        thread::sleep(Duration::from_millis(2));
    }
    marks
}

fn files(path: &Path) -> Files {
    let wal = path.with_extension("db-wal");
    Files {
        db: fs::read(path).expect("the journal is there"),
        wal: fs::read(wal).unwrap_or_default(),
    }
}

fn lay_out(db: &[u8], wal: &[u8]) -> (TempDir, PathBuf) {
    // In memory where there is such a place: these files need no disk to be damaged.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let dir = dir.expect("a temporary folder");
    let path = dir.path().join("dialdeck.db");
    fs::write(&path, db).expect("there is room");
    if !wal.is_empty() {
        fs::write(path.with_extension("db-wal"), wal).expect("there is room");
    }
    (dir, path)
}

fn opened(path: &Path) -> Result<Said, JournalError> {
    let (journal, recovered) = Journal::open(path)?;
    let mut said = Vec::new();
    if let Some(run) = &recovered.run {
        journal.for_each_lead(run.run, |known| {
            let number = known.number.as_str().to_owned();
            said.push((known.lead, number, known.status, known.attempts));
        })?;
    }
    let called: u32 = said.iter().map(|(.., attempts)| attempts).sum();
    assert!(
        recovered.next_attempt.0 > u64::from(called),
        "ids come again"
    );
    Ok(Said(said))
}

/// What the journal says with this damage. A refusal must be a sentence with the file and the
/// way out in it, and leave the file as it was; and the report must come to its end in each
/// case, whole or with a sentence that says what is missing.
fn look(db: &[u8], wal: &[u8], case: &str) -> Option<Said> {
    let (_dir, path) = lay_out(db, wal);
    let reported = reported(&path, case);
    let (_dir, path) = lay_out(db, wal);
    match opened(&path) {
        Ok(said) => {
            match reported {
                Ok(rows) => assert_eq!(rows, said.0.len(), "{case}: the report has not all"),
                // It reads more of the file than a start does, such as old times.
                Err(why) => assert!(why.contains("dialdeck.db"), "{case}: {why}"),
            }
            Some(said)
        }
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.contains("dialdeck.db"), "{case}: {sentence}");
            let way_out = ["backup", "STATE_FILE", "remove it", "put it back"];
            let told = way_out.iter().any(|way| sentence.contains(way));
            assert!(told, "{case}: no way out: {sentence}");
            assert!(
                fs::read(&path).expect("it is there") == db,
                "{case}: changed"
            );
            None
        }
    }
}

/// How many rows the report has, or what it says about those that are missing.
fn reported(path: &Path, case: &str) -> Result<usize, String> {
    let mut out = Vec::new();
    let options = ReportOptions {
        format: Format::Json,
        ..ReportOptions::default()
    };
    match report::write(path, options, &mut out) {
        Ok(rows) => {
            let rows = usize::try_from(rows).expect("few");
            let parsed: Vec<serde_json::Value> =
                serde_json::from_slice(&out).unwrap_or_else(|e| panic!("{case}: {e}"));
            assert_eq!(parsed.len(), rows, "{case}");
            Ok(rows)
        }
        Err(ReportError::Incomplete { rows, why }) => {
            let parsed: Vec<serde_json::Value> =
                serde_json::from_slice(&out).unwrap_or_else(|e| panic!("{case}: {e}"));
            assert_eq!(parsed.len() as u64, rows, "{case}: the form is whole");
            Err(why)
        }
        Err(other) => Err(other.to_string()),
    }
}

fn rounds() -> usize {
    let rounds = env::var("DIALDECK_DAMAGE_ROUNDS").ok();
    rounds.map_or(ROUNDS, |n| n.parse().expect("a number of rounds"))
}

/// Where a lead stands in time: it waits, is called, has been called.
fn stage(status: LeadStatus) -> u8 {
    match status {
        LeadStatus::Waiting => 0,
        LeadStatus::InFlight(_) => 1,
        LeadStatus::Attempted(_) => 2,
    }
}

impl Said {
    /// Whether this is what the journal said at an earlier moment of the same run.
    fn is_earlier_than(&self, later: &Self) -> bool {
        self.0.len() == later.0.len()
            && self.0.iter().zip(&later.0).all(|(a, b)| {
                let same = (a.0, &a.1) == (b.0, &b.1);
                let kept = a.3 <= b.3 && stage(a.2) <= stage(b.2);
                same && kept && (stage(a.2) < 2 || a.2 == b.2)
            })
    }
}

#[test]
fn the_campaign_has_every_outcome_and_a_wal() {
    let closed = look(&CAMPAIGN.closed.db, &CAMPAIGN.closed.wal, "whole");
    let said = closed.expect("a whole journal opens");
    for wanted in [
        Disposition::Answered,
        Disposition::Abandoned,
        Disposition::Busy,
        Disposition::Congestion,
        Disposition::NoAnswer,
        Disposition::InvalidNumber,
        Disposition::Rejected,
        Disposition::Failed,
    ] {
        let found = said.0.iter().any(|l| l.2 == LeadStatus::Attempted(wanted));
        assert!(found, "nobody is {}", wanted.as_str());
    }
    let living = look(&CAMPAIGN.living.db, &CAMPAIGN.living.wal, "living");
    let living = living.expect("a living journal opens");
    assert!(living.is_earlier_than(&said));
    assert!(
        CAMPAIGN.living.wal.len() > 100 * PAGE,
        "the WAL holds something"
    );
}

#[test]
fn a_database_cut_anywhere_is_whole_or_refused() {
    let Files { db, wal } = &CAMPAIGN.closed;
    let whole = look(db, wal, "whole").expect("opens");
    let mut dice = fastrand::Rng::with_seed(SEED);
    for _ in 0..rounds() {
        let length = dice.usize(..db.len());
        let case = format!("database of {length} bytes, seed {SEED}");
        if let Some(said) = look(&db[..length], wal, &case) {
            assert_eq!(said, whole, "{case}");
        }
    }
}

#[test]
fn a_wal_cut_anywhere_gives_an_earlier_moment() {
    let Files { db, wal } = &CAMPAIGN.living;
    let whole = look(db, wal, "whole").expect("opens");
    let mut dice = fastrand::Rng::with_seed(SEED);
    for _ in 0..rounds() {
        let length = dice.usize(..wal.len());
        let case = format!("WAL of {length} bytes, seed {SEED}");
        // As a disk leaves it on which the rest never arrived: a shorter one is no damage,
        // and nobody can tell that it was longer. What a length must hold is in `torn.rs`.
        let said = look(db, &wal[..length], &case);
        let said = said.unwrap_or_else(|| panic!("{case}: refused"));
        assert!(
            said.0.is_empty() || said.is_earlier_than(&whole),
            "{case}: no earlier moment"
        );
    }
}

#[test]
fn a_byte_changed_in_the_database_loses_nobody() {
    let Files { db, wal } = &CAMPAIGN.closed;
    let whole = look(db, wal, "whole").expect("opens");
    let mut dice = fastrand::Rng::with_seed(SEED);
    let mut lost = Vec::new();
    for _ in 0..rounds() {
        let mut db = db.clone();
        let at = dice.usize(..db.len());
        db[at] ^= dice.u8(1..);
        let case = format!("byte {at} changed to {}, seed {SEED}", db[at]);
        if look(&db, wal, &case).is_some_and(|said| said != whole) {
            lost.push(case);
        }
    }
    assert_eq!(lost, [] as [String; 0]);
}

/// Where the last two transactions of a WAL begin that was never begun anew.
fn last_two_transactions(wal: &[u8]) -> [usize; 2] {
    const FRAME: usize = 24 + PAGE;
    let frames = wal[32..].chunks_exact(FRAME).enumerate();
    // The second word of a frame is not 0 in the one that ends a transaction.
    let ends: Vec<usize> = frames
        .filter(|(_, frame)| frame[4..8] != [0; 4])
        .map(|(place, _)| 32 + (place + 1) * FRAME)
        .collect();
    [ends[ends.len() - 3], ends[ends.len() - 2]]
}

/// A changed byte in the last transaction can't be told from one that a power cut tore.
#[test]
fn a_byte_changed_in_the_wal_loses_no_more_than_the_last_step() {
    let Files { db, wal } = &CAMPAIGN.living;
    let whole = look(db, wal, "whole").expect("opens");
    let [last_two, last] = last_two_transactions(wal);
    assert!(last_two > wal.len() / 2, "there are many");
    let mut dice = fastrand::Rng::with_seed(SEED);
    for _ in 0..rounds() {
        let mut wal = wal.clone();
        let at = dice.usize(..wal.len());
        wal[at] ^= dice.u8(1..);
        let case = format!("byte {at} of {} changed, seed {SEED}", wal.len());
        match look(db, &wal, &case) {
            Some(said) if said != whole => {
                assert!(at >= last_two, "{case}: lost what was promised");
                assert!(said.is_earlier_than(&whole), "{case}: no earlier moment");
            }
            Some(_) => {}
            // A power cut must not keep anybody from dialing on.
            None => assert!(at < last, "{case}: refused"),
        }
    }
}
