//! A journal that cannot be written: full disks and foreign locks.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::fixture::{ask, audit, begun, ended, leads, open, place, run_of, withdrawn};
use crate::campaign::{AttemptId, Disposition, Record};
use crate::journal::{
    Health, Journal, JournalError, LeadStatus, QUEUE_LIMIT, Rejection, WriteFailure, Writer,
};

/// More than one page of records.
const MANY: usize = 1_000;

fn set_disk_full(journal: &Journal, full: bool) {
    journal.shared.disk_full.store(full, Ordering::Relaxed);
}

/// Appends, and gives where the answer will come.
fn append(writer: &Writer, records: Vec<Record>) -> Receiver<Result<(), WriteFailure>> {
    let (answer, answered) = mpsc::channel();
    let done = move |result| drop(answer.send(result));
    writer.try_append(records, done).expect("there is room");
    answered
}

fn answer(answered: &Receiver<Result<(), WriteFailure>>) -> Result<(), WriteFailure> {
    let limit = Duration::from_secs(20);
    answered.recv_timeout(limit).expect("it is answered")
}

fn wait_until_well(writer: &Writer) {
    let limit = Instant::now() + Duration::from_secs(20);
    while writer.health() != Health::Well {
        assert!(Instant::now() < limit, "it never became well");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Fills the disk of `journal`, and gives the append that waits for room.
fn fill(journal: &Journal) -> Receiver<Result<(), WriteFailure>> {
    set_disk_full(journal, true);
    let waiting = append(&journal.writer(), (0..MANY).map(audit).collect());
    while journal.writer().health() == Health::Well {
        thread::sleep(Duration::from_millis(1));
    }
    waiting
}

#[test]
fn what_waits_has_the_age_of_the_oldest_append_until_it_is_written() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    writer.append_blocking(vec![audit(0)]).expect("written");
    assert_eq!(writer.stats().oldest, None, "nothing waits");

    let before = Instant::now();
    let first = fill(&journal);
    let after = Instant::now();
    let oldest = writer.stats().oldest.expect("it waits");
    assert!(before <= oldest && oldest <= after);
    let second = append(&writer, vec![audit(1)]);
    // A try comes between, and the younger one is with the thread, too.
    thread::sleep(Duration::from_millis(600));
    assert_eq!(writer.stats().oldest, Some(oldest));

    set_disk_full(&journal, false);
    assert_eq!((answer(&first), answer(&second)), (Ok(()), Ok(())));
    assert_eq!(writer.stats().oldest, None, "all is written");
}

#[test]
fn on_a_full_disk_beginnings_are_refused_and_all_else_is_kept_in_order() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let mut records = run_of(20);
    records.push(begun(1, 0));
    writer.append_blocking(records).expect("written");

    set_disk_full(&journal, true);
    let mut mixed: Vec<Record> = (0..MANY).map(audit).collect();
    mixed.insert(MANY / 2, begun(2, 1));
    let refused = answer(&append(&writer, mixed)).expect_err("it is full");
    assert!(refused.refuses(AttemptId(2)));
    assert!(matches!(&refused, WriteFailure::Full { why, .. } if why == "the disk is full"));

    let end = append(&writer, vec![ended(1, Disposition::Busy)]);
    let taken_back = append(&writer, vec![withdrawn(2)]);
    let asked = Instant::now();
    let next = answer(&append(&writer, vec![begun(3, 2)])).expect_err("still full");
    assert!(next.refuses(AttemptId(3)));
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "it is not waited for"
    );
    assert_eq!(end.try_recv(), Err(TryRecvError::Empty), "it is kept");

    set_disk_full(&journal, false);
    assert_eq!(answer(&end), Ok(()));
    assert_eq!(
        answer(&taken_back),
        Ok(()),
        "there was nothing to take back"
    );
    wait_until_well(&writer);
    writer
        .append_blocking(vec![begun(4, 1)])
        .expect("dialing goes on");
    let status = leads(&journal);
    assert_eq!(status[0], (LeadStatus::Attempted(Disposition::Busy), 1));
    assert_eq!(status[1], (LeadStatus::InFlight(AttemptId(4)), 1));
    assert_eq!(status[2], (LeadStatus::Waiting, 0));
    assert_eq!(
        ask(&path, "SELECT group_concat(attempt) FROM attempts"),
        "1,4"
    );
    let in_order = "SELECT count(*) FROM audit WHERE entry = at + 1";
    assert_eq!(ask(&path, in_order), MANY.to_string());
    assert_eq!(ask(&path, "SELECT count(*) FROM probe"), "0");
}

#[test]
fn it_tells_since_when_and_why_it_is_unwell() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    assert_eq!(writer.health(), Health::Well);
    let before = SystemTime::now();
    let waiting = fill(&journal);
    let first = writer.health();
    let Health::Unwell { since, why } = &first else {
        panic!("it is well");
    };
    assert!(*since >= before && *since <= SystemTime::now());
    assert_eq!(why, "the disk is full");
    // Past the second try: since when does not move.
    thread::sleep(Duration::from_millis(600));
    assert_eq!(writer.health(), first);
    set_disk_full(&journal, false);
    assert_eq!(answer(&waiting), Ok(()));
    wait_until_well(&writer);
}

#[test]
fn what_a_full_disk_keeps_is_bounded() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let waiting = fill(&journal);
    let mut kept = MANY;
    let rejected = loop {
        match writer.try_append((0..MANY).map(audit).collect(), |_| {}) {
            Ok(()) => kept += MANY,
            Err(rejected) => break rejected,
        }
    };
    assert_eq!(rejected.why, Rejection::QueueFull);
    assert!(kept <= QUEUE_LIMIT && kept + MANY > QUEUE_LIMIT, "{kept}");
    assert_eq!(writer.stats().queued, kept);
    set_disk_full(&journal, false);
    assert_eq!(answer(&waiting), Ok(()));
    writer.append_blocking(Vec::new()).expect("all is written");
    assert_eq!(ask(&path, "SELECT count(*) FROM audit"), kept.to_string());
}

#[test]
fn closing_on_a_full_disk_tells_what_was_lost() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let waiting = fill(&journal);
    let error = journal.close().expect_err("it is full");
    match error {
        JournalError::Unwritten { records, why, .. } => {
            assert_eq!((records, why.as_str()), (MANY, "the disk is full"));
        }
        other => panic!("another error: {other}"),
    }
    assert_eq!(answer(&waiting), Err(WriteFailure::Closed));
    open(&path);
}

#[test]
fn a_lock_of_another_program_is_waited_for_then_told() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    writer.append_blocking(run_of(2)).expect("written");
    let other = rusqlite::Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let kept = append(&writer, vec![audit(1)]);
    let refused = answer(&append(&writer, vec![begun(1, 0)])).expect_err("it is locked");
    assert!(matches!(&refused, WriteFailure::Full { why, .. } if why.contains("locked")));
    other.execute_batch("ROLLBACK").expect("lets go");
    assert_eq!(answer(&kept), Ok(()));
    wait_until_well(&writer);
    writer.append_blocking(vec![begun(2, 0)]).expect("goes on");
}
