//! A WAL that ends early: what was answered as durable before a length is there in every file
//! that is at least so long.

use std::fs;
use std::path::Path;

use dialdeck::campaign::{
    AttemptEnd, AttemptId, Disposition, EndedBy, HangupCause, LeadId, Number, Record, RunId, Time,
};
use dialdeck::journal::{Journal, LeadStatus};

use super::{CAMPAIGN, Files, SEED, Said, files, look, rounds};

const RUN: RunId = RunId(1);
const LEADS: u32 = 40;

/// How long the WAL was when all of this had been answered as durable.
struct Promise {
    length: usize,
    said: Said,
}

/// A journal that is written one answer at a time, and what it had promised after each.
fn promised() -> (Files, Vec<Promise>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("dialdeck.db");
    let (journal, _) = Journal::open(&path).expect("opens");
    let mut promises = Vec::new();
    let mut write = |records| {
        let answer = journal.writer().append_blocking(records);
        answer.expect("the journal takes them");
        promises.push(Promise {
            length: wal_length(&path),
            said: said_of(&journal),
        });
    };
    write(listed());
    for lead in 0..LEADS {
        write(vec![begun(lead)]);
        if lead % 4 != 3 {
            write(vec![ended(lead)]);
        }
    }
    (files(&path), promises)
}

fn wal_length(path: &Path) -> usize {
    let wal = fs::metadata(path.with_extension("db-wal")).expect("it is there");
    usize::try_from(wal.len()).expect("it is small")
}

fn said_of(journal: &Journal) -> Said {
    let mut said = Vec::new();
    let read = journal.for_each_lead(RUN, |known| {
        let number = known.number.as_str().to_owned();
        said.push((known.lead, number, known.status, known.attempts));
    });
    read.expect("it can be read");
    Said(said)
}

fn listed() -> Vec<Record> {
    let number = |n| Number::parse(&format!("79{n:08}")).expect("a number");
    vec![
        Record::RunOpened {
            run: RUN,
            list: "numbers.txt".to_owned(),
            at: Time(0),
        },
        Record::LeadsListed {
            run: RUN,
            first: LeadId(0),
            numbers: (0..LEADS).map(number).collect(),
        },
    ]
}

fn begun(lead: u32) -> Record {
    Record::AttemptBegun {
        attempt: AttemptId(u64::from(lead) + 1),
        run: RUN,
        lead: LeadId(lead),
        queued_at: Time(0),
        at: Time(u64::from(lead)),
    }
}

fn ended(lead: u32) -> Record {
    let end = AttemptEnd {
        at: Time(u64::from(lead)),
        disposition: Disposition::Busy,
        cause: HangupCause::default(),
        by: EndedBy::Carrier,
        note: None,
        dead_air_ms: None,
    };
    let attempt = AttemptId(u64::from(lead) + 1);
    Record::AttemptEnded { attempt, end }
}

/// One answer is one transaction here, so a cut between two lengths loses the second and
/// nothing of the first.
#[test]
fn a_wal_cut_behind_an_answer_has_exactly_what_was_answered() {
    let (Files { db, wal }, promises) = promised();
    let lengths: Vec<usize> = promises.iter().map(|p| p.length).collect();
    assert!(
        lengths.is_sorted_by(|a, b| a < b),
        "not begun anew: {lengths:?}"
    );
    assert_eq!(lengths.last(), Some(&wal.len()));
    let mut dice = fastrand::Rng::with_seed(SEED);
    let drawn = (0..rounds()).map(|_| dice.usize(lengths[0]..=wal.len()));
    // A byte less and more than each answer had, too.
    let near = lengths.iter().flat_map(|l| [l - 1, *l, l + 1]);
    let near = near.filter(|l| (lengths[0]..=wal.len()).contains(l));
    for length in drawn.chain(near) {
        let case = format!("WAL of {length} bytes, seed {SEED}");
        let kept = promises.iter().rfind(|p| p.length <= length);
        let kept = kept.unwrap_or_else(|| panic!("{case}: before all"));
        let said = look(&db, &wal[..length], &case);
        assert_eq!(said.as_ref(), Some(&kept.said), "{case}");
    }
}

/// The shipped binary's own promise: whoever the carrier was asked for is in the journal.
#[test]
fn a_wal_cut_while_a_campaign_ran_has_everybody_whom_the_carrier_had_seen() {
    let Files { db, wal } = &CAMPAIGN.living;
    let marks = &CAMPAIGN.marks;
    assert!(marks.len() > 20, "few moments");
    let never_begun_anew = marks.is_sorted_by_key(|mark| mark.length);
    assert!(never_begun_anew, "a length says nothing of another WAL");
    let first = marks[0].length;
    assert!(first < wal.len(), "there is something to cut");
    let whole = look(db, wal, "whole").expect("opens");
    let mut dice = fastrand::Rng::with_seed(SEED);
    for _ in 0..rounds() {
        let length = dice.usize(first..wal.len());
        let case = format!("WAL of {length} bytes, seed {SEED}");
        let said = look(db, &wal[..length], &case);
        let said = said.unwrap_or_else(|| panic!("{case}: refused"));
        assert!(said.is_earlier_than(&whole), "{case}: no earlier moment");
        let mark = marks.iter().rfind(|mark| mark.length <= length);
        for number in &mark.expect("one is as short").called {
            let lead = said.0.iter().find(|lead| lead.1 == *number);
            let (.., status, attempts) = lead.expect("it is listed");
            let known = *attempts == 1 && *status != LeadStatus::Waiting;
            assert!(known, "{case}: {number} would be called again");
        }
    }
}
