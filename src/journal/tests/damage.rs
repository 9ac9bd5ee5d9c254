//! Journals that somebody or something has cut or scratched.

use std::fs;
use std::path::{Path, PathBuf};

use super::fixture::{begun, ended, leads, open, place, run_of, started, write};
use crate::campaign::{Disposition, Record};
use crate::journal::{Journal, JournalError, LeadStatus};

const LEADS: u32 = 300;
const SEED: u64 = 0x5eed;

/// A beginning and an end for each lead, each an append of its own.
fn history() -> impl Iterator<Item = Record> {
    (0..LEADS).flat_map(|lead| {
        let attempt = u64::from(lead) + 1;
        [
            begun(attempt, lead),
            started(attempt),
            ended(attempt, Disposition::Busy),
        ]
    })
}

/// The files of a journal whose engine died: the database, and the WAL with all of the
/// attempts.
fn dead_engine() -> (Vec<u8>, Vec<u8>) {
    let (_dir, path) = place();
    write(&path, run_of(LEADS));
    let (journal, _) = open(&path);
    for record in history() {
        journal
            .writer()
            .append_blocking(vec![record])
            .expect("written");
    }
    let wal = fs::read(path.with_extension("db-wal")).expect("reads");
    (fs::read(&path).expect("reads"), wal)
}

/// A closed journal with all of the attempts.
fn closed_engine() -> Vec<u8> {
    let (_dir, path) = place();
    write(&path, run_of(LEADS).into_iter().chain(history()).collect());
    fs::read(&path).expect("reads")
}

fn lay_out(db: &[u8], wal: Option<&[u8]>) -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = place();
    fs::write(&path, db).expect("writes");
    if let Some(wal) = wal {
        fs::write(path.with_extension("db-wal"), wal).expect("writes");
    }
    (dir, path)
}

/// How many leads were dialed, after checking that they are the first ones. An error must be
/// a sentence that names the file, and leave it as it was.
fn dialed(path: &Path, case: &str) -> Result<usize, JournalError> {
    let before = fs::read(path).expect("reads");
    match Journal::open(path) {
        Ok((journal, recovered)) => {
            let leads = leads(&journal);
            assert_eq!(leads.len(), LEADS as usize, "{case}");
            let dialed = leads.iter().filter(|(_, attempts)| *attempts == 1).count();
            for (place, (status, _)) in leads.iter().enumerate() {
                let waits = *status == LeadStatus::Waiting;
                assert_eq!(waits, place >= dialed, "{case}: a gap at lead {place}");
            }
            assert_eq!(recovered.next_attempt.0, dialed as u64 + 1, "{case}");
            let open = recovered.run.expect("the run").unfinished.len();
            assert!(open <= 1, "{case}: one was in the air");
            Ok(dialed)
        }
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.contains("dialdeck.db"), "{case}: {sentence}");
            assert!(fs::read(path).expect("reads") == before, "{case}: changed");
            Err(error)
        }
    }
}

#[test]
fn a_wal_cut_anywhere_gives_a_prefix_of_what_was_promised() {
    let (db, wal) = dead_engine();
    let mut rng = fastrand::Rng::with_seed(SEED);
    let mut last = 0;
    let mut lengths: Vec<usize> = (0..200).map(|_| rng.usize(..wal.len())).collect();
    lengths.sort_unstable();
    for length in lengths {
        let (_dir, path) = lay_out(&db, Some(&wal[..length]));
        let case = format!("WAL of {length} bytes, seed {SEED}");
        let dialed = dialed(&path, &case).expect("a shorter WAL is no damage");
        assert!(dialed >= last, "{case}: more bytes tell no less");
        last = dialed;
    }
    let (_dir, path) = lay_out(&db, Some(&wal));
    assert_eq!(
        dialed(&path, "the whole WAL").expect("opens"),
        LEADS as usize
    );
}

#[test]
fn a_database_cut_anywhere_is_whole_or_refused_untouched() {
    let db = closed_engine();
    let mut rng = fastrand::Rng::with_seed(SEED);
    for _ in 0..200 {
        let length = rng.usize(..db.len());
        let (_dir, path) = lay_out(&db[..length], None);
        let case = format!("database of {length} bytes, seed {SEED}");
        match dialed(&path, &case) {
            // Only the empty end of the last page was cut off.
            Ok(dialed) => {
                assert_eq!(dialed, LEADS as usize, "{case}");
                assert!(db.len() - length < 4096, "{case}");
            }
            Err(JournalError::Damaged { .. }) => {}
            Err(other) => panic!("{case}: {other}"),
        }
    }
}

#[test]
fn a_cut_database_with_a_whole_wal_is_a_prefix_or_refused() {
    let (db, wal) = dead_engine();
    let mut rng = fastrand::Rng::with_seed(SEED);
    for _ in 0..100 {
        let length = rng.usize(..db.len());
        let (_dir, path) = lay_out(&db[..length], Some(&wal));
        let case = format!("database of {length} bytes with its WAL, seed {SEED}");
        // The WAL may hold all the pages that are missing.
        if let Ok(dialed) = dialed(&path, &case) {
            assert_eq!(dialed, LEADS as usize, "{case}");
        }
    }
}

#[test]
fn a_scratched_page_never_panics() {
    let db = closed_engine();
    let mut rng = fastrand::Rng::with_seed(SEED);
    let mut refused = 0;
    for _ in 0..200 {
        let mut scratched = db.clone();
        let at = rng.usize(..db.len() - 64);
        for byte in &mut scratched[at..at + 64] {
            *byte = rng.u8(..);
        }
        let (_dir, path) = lay_out(&scratched, None);
        match Journal::open(&path) {
            // What lies in a free part of a page, or in a cell that is still plausible,
            // nobody can see.
            Ok((journal, recovered)) => {
                let run = recovered.run.map_or(super::fixture::RUN, |run| run.run);
                let _ = journal.for_each_lead(run, |_| {});
            }
            Err(_) => refused += 1,
        }
    }
    // The pages of tables that are empty are mostly free, and there are a few.
    assert!(refused > 80, "only {refused} of 200 were noticed");
}
