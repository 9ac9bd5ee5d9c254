//! Appending: order, group commit, what contradicts, and a million leads.

use std::sync::mpsc;
use std::time::Instant;

use super::fixture::{
    RUN, ask, audit, begun, ended, leads, listed, open, opened, place, recording, run_of, started,
    step, withdrawn,
};
use crate::campaign::{
    AttemptId, Disposition, LeadId, Number, Record, RecordingState, RunId, Step, Time,
};
use crate::journal::{Contradiction, LeadStatus, QUEUE_LIMIT, Rejection, WriteFailure, Writer};

/// What is wrong with `record`, after which nothing of it is there.
fn contradiction(writer: &Writer, record: Record) -> Contradiction {
    match writer.append_blocking(vec![record]) {
        Err(WriteFailure::Contradicted {
            mut contradictions, ..
        }) if contradictions.len() == 1 => contradictions.remove(0),
        other => panic!("not refused as a contradiction: {other:?}"),
    }
}

#[test]
fn many_appends_take_few_transactions() {
    const APPENDS: usize = 5_000;
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let (answer, answered) = mpsc::channel();
    for n in 0..APPENDS {
        let answer = answer.clone();
        let done = move |result| answer.send((n, result)).expect("the test waits");
        writer
            .try_append(vec![audit(n)], done)
            .expect("there is room");
    }
    for expected in 0..APPENDS {
        let (n, result) = answered.recv().expect("each is answered");
        assert_eq!((n, result), (expected, Ok(())), "in order");
    }
    let stats = writer.stats();
    assert_eq!((stats.records, stats.queued), (APPENDS as u64, 0));
    assert!(
        stats.transactions < APPENDS as u64 / 10,
        "{} transactions",
        stats.transactions
    );
}

#[test]
fn what_was_answered_is_in_the_file() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let mut records = run_of(2);
    records.push(begun(1, 1));
    journal.writer().append_blocking(records).expect("written");
    // A connection of its own, while the journal is open and nothing is checkpointed.
    assert_eq!(ask(&path, "SELECT lead FROM attempts"), "1");
}

#[test]
fn an_append_of_nothing_is_answered_after_all_before_it() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    writer
        .try_append(vec![audit(1)], |_| {})
        .expect("there is room");
    writer.append_blocking(Vec::new()).expect("answered");
    assert_eq!(ask(&path, "SELECT count(*) FROM audit"), "1");
}

#[test]
fn a_callback_that_panics_does_not_end_the_writer() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let done = |_| panic!("a callback of this test panics on purpose");
    writer.try_append(vec![audit(1)], done).expect("room");
    writer.append_blocking(vec![audit(2)]).expect("goes on");
}

#[test]
fn a_closed_journal_takes_no_more() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let (answer, answered) = mpsc::channel();
    for n in 0..100 {
        let answer = answer.clone();
        let done = move |result| answer.send(result).expect("the test waits");
        writer.try_append(vec![audit(n)], done).expect("room");
    }
    journal.close().expect("closes");
    drop(answer);
    assert_eq!(answered.iter().flatten().count(), 100);
    let rejected = writer
        .try_append(vec![audit(0)], |_| {})
        .expect_err("it is closed");
    assert_eq!(rejected.why, Rejection::Closed);
    assert_eq!(rejected.records, [audit(0)], "given back");
    let refused = writer.append_blocking(vec![audit(0)]);
    assert_eq!(refused, Err(WriteFailure::Closed));
}

#[test]
fn a_full_queue_gives_records_back_and_frees_itself() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    // The writer stands in this callback until the test lets it go.
    let (entered, inside) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let done = move |_| {
        entered.send(()).expect("the test waits");
        gate.recv().expect("the test lets go");
    };
    writer.try_append(vec![audit(0)], done).expect("room");
    inside.recv().expect("the writer stands");
    let many = (0..QUEUE_LIMIT).map(audit).collect();
    writer.try_append(many, |_| {}).expect("just fits");
    let rejected = writer
        .try_append(vec![audit(1)], |_| {})
        .expect_err("it is full");
    assert_eq!(rejected.why, Rejection::QueueFull);
    assert_eq!(rejected.records, [audit(1)], "given back");
    go.send(()).expect("the writer waits");
    writer
        .append_blocking(rejected.records)
        .expect("waits for room");
}

#[test]
fn an_empty_append_is_taken_by_a_full_queue_and_answered_last() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let (entered, inside) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let stand = move |_| {
        entered.send(()).expect("the test waits");
        gate.recv().expect("the test lets go");
    };
    writer.try_append(vec![audit(0)], stand).expect("room");
    inside.recv().expect("the writer stands");
    let (answer, answered) = mpsc::channel();
    let told = |what: &'static str| {
        let answer = answer.clone();
        move |result| answer.send((what, result)).expect("the test waits")
    };
    // One place over what there is, which an append alone may take.
    let many = (0..=QUEUE_LIMIT).map(audit).collect();
    writer.try_append(many, told("many")).expect("alone");
    for _ in 0..2 {
        let nothing = writer.try_append(Vec::new(), told("nothing"));
        nothing.expect("it takes no room");
        let rejected = writer.try_append(vec![audit(1)], |_| {});
        assert_eq!(rejected.expect_err("it is full").why, Rejection::QueueFull);
    }
    assert!(answered.try_recv().is_err(), "the writer stands");
    go.send(()).expect("the writer waits");
    let order: Vec<_> = answered.iter().take(3).collect();
    let expected = [("many", Ok(())), ("nothing", Ok(())), ("nothing", Ok(()))];
    assert_eq!(order, expected);
    let written = ask(&path, "SELECT count(*) FROM audit");
    assert_eq!(written, (QUEUE_LIMIT + 2).to_string());
    journal.close().expect("closes");
    let rejected = writer.try_append(Vec::new(), |_| {});
    assert_eq!(rejected.expect_err("it is closed").why, Rejection::Closed);
}

#[test]
fn what_cannot_be_true_is_refused() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let mut records = run_of(4);
    records.extend([begun(1, 0), begun(2, 1), ended(2, Disposition::Busy)]);
    records.extend([begun(3, 2), withdrawn(3)]);
    writer.append_blocking(records).expect("written");

    let (run, lead) = (RUN, LeadId(1));
    let cases = [
        (opened(RUN), Contradiction::RunExists(RUN)),
        (
            listed(3, 2),
            Contradiction::ListedTwice {
                run,
                first: LeadId(3),
            },
        ),
        (
            Record::LeadsListed {
                run,
                first: LeadId(4),
                numbers: vec![super::fixture::number(0)],
            },
            Contradiction::ListedTwice {
                run,
                first: LeadId(4),
            },
        ),
        (begun(4, 1), Contradiction::NotWaiting { run, lead }),
        (
            begun(4, 0),
            Contradiction::NotWaiting {
                run,
                lead: LeadId(0),
            },
        ),
        (
            begun(4, 9),
            Contradiction::NotWaiting {
                run,
                lead: LeadId(9),
            },
        ),
        (begun(3, 2), Contradiction::AttemptExists(AttemptId(3))),
        (
            ended(2, Disposition::Failed),
            Contradiction::NotOpen(AttemptId(2)),
        ),
        (
            ended(3, Disposition::Failed),
            Contradiction::NotOpen(AttemptId(3)),
        ),
        (
            ended(9, Disposition::Failed),
            Contradiction::NotOpen(AttemptId(9)),
        ),
        (
            step(2, Step::Answered, 1),
            Contradiction::NotOpen(AttemptId(2)),
        ),
        (withdrawn(2), Contradiction::NotOpen(AttemptId(2))),
        (withdrawn(3), Contradiction::NotOpen(AttemptId(3))),
        (started(9), Contradiction::NoRecording(AttemptId(9))),
        (step(1, Step::Ringing, u64::MAX), Contradiction::OutOfRange),
    ];
    for (record, expected) in cases {
        let shown = format!("{record:?}");
        assert_eq!(contradiction(&writer, record), expected, "{shown}");
    }
    let expected = [
        (LeadStatus::InFlight(AttemptId(1)), 1),
        (LeadStatus::Attempted(Disposition::Busy), 1),
        (LeadStatus::Waiting, 0),
        (LeadStatus::Waiting, 0),
    ];
    assert_eq!(leads(&journal), expected, "nothing of them is there");
}

/// Whose legs were told to have met, and had not by Asterisk's own times.
#[test]
fn an_abandoned_attempt_has_no_bridged_at() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let dispositions = [
        Disposition::Answered,
        Disposition::Abandoned,
        Disposition::Interrupted,
        Disposition::Abandoned,
    ];
    let mut records = run_of(4);
    for ((attempt, lead), disposition) in (1..).zip(0..).zip(dispositions) {
        records.extend([begun(attempt, lead), step(attempt, Step::Answered, 50)]);
        if attempt < 4 {
            records.push(step(attempt, Step::Bridged, 60));
        }
        records.push(ended(attempt, disposition));
    }
    journal.writer().append_blocking(records).expect("written");
    let times = "SELECT group_concat(answered_at || ' ' || coalesce(bridged_at, '-'), ', ')
                 FROM (SELECT * FROM attempts ORDER BY attempt)";
    assert_eq!(ask(&path, times), "50 60, 50 -, 50 60, 50 -");
}

#[test]
fn an_unknown_run_has_no_state() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let state = super::fixture::state(crate::campaign::RunState::Done);
    let found = contradiction(&journal.writer(), state);
    assert_eq!(found, Contradiction::UnknownRun(RUN));
}

#[test]
fn what_contradicts_is_left_out_alone() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    writer.append_blocking(run_of(3)).expect("written");
    let records = vec![
        begun(1, 0),
        ended(7, Disposition::Busy),
        begun(2, 0),
        begun(3, 1),
        opened(RunId(1)),
    ];
    let failure = writer.append_blocking(records).expect_err("two are wrong");
    assert!(failure.refuses(AttemptId(2)));
    assert!(!failure.refuses(AttemptId(1)) && !failure.refuses(AttemptId(3)));
    let WriteFailure::Contradicted { contradictions, .. } = failure else {
        panic!("another failure: {failure}");
    };
    let expected = [
        Contradiction::NotOpen(AttemptId(7)),
        Contradiction::NotWaiting {
            run: RUN,
            lead: LeadId(0),
        },
        Contradiction::RunExists(RUN),
    ];
    assert_eq!(contradictions, expected);
    assert_eq!(
        ask(&path, "SELECT group_concat(attempt) FROM attempts"),
        "1,3"
    );
}

#[test]
fn a_contradiction_does_not_touch_the_appends_around_it() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let (answer, answered) = mpsc::channel();
    for n in 0..200 {
        let record = if n == 100 {
            withdrawn_after_end()
        } else {
            vec![audit(n)]
        };
        let answer = answer.clone();
        let done = move |result: Result<(), WriteFailure>| {
            answer.send(result.is_ok()).expect("the test waits");
        };
        writer.try_append(record, done).expect("room");
    }
    drop(answer);
    let results: Vec<bool> = answered.iter().collect();
    assert_eq!(results.len(), 200);
    assert_eq!(results.iter().position(|ok| !ok), Some(100));
    assert_eq!(results.iter().filter(|ok| !**ok).count(), 1);
    assert_eq!(ask(&path, "SELECT count(*) FROM audit"), "199");
}

fn withdrawn_after_end() -> Vec<Record> {
    let mut records = run_of(1);
    records.extend([begun(1, 0), ended(1, Disposition::Busy), withdrawn(1)]);
    records
}

#[test]
fn nothing_unsaves_a_recording() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let saved = RecordingState::Saved {
        path: "/recordings/1.wav".to_owned(),
    };
    let failed = RecordingState::Failed {
        why: "its copy could not be deleted".to_owned(),
    };
    let mut records = run_of(1);
    records.extend([begun(1, 0), started(1), recording(1, saved)]);
    writer.append_blocking(records).expect("written");
    let no_recording = Contradiction::NoRecording(AttemptId(1));
    assert_eq!(contradiction(&writer, recording(1, failed)), no_recording);
    assert_eq!(contradiction(&writer, started(1)), no_recording);
    assert_eq!(
        ask(&path, "SELECT recording_path FROM attempts"),
        "/recordings/1.wav"
    );
}

#[test]
fn an_interrupted_lead_may_be_dialed_again_and_an_answered_one_not() {
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let writer = journal.writer();
    let mut records = run_of(2);
    records.extend([begun(1, 0), ended(1, Disposition::Interrupted), begun(2, 0)]);
    records.extend([begun(3, 1), ended(3, Disposition::Answered)]);
    writer.append_blocking(records).expect("written");
    let (run, lead) = (RUN, LeadId(1));
    let refused = contradiction(&writer, begun(4, 1));
    assert_eq!(refused, Contradiction::NotWaiting { run, lead });
    assert_eq!(leads(&journal)[0], (LeadStatus::InFlight(AttemptId(2)), 2));
}

/// Numbers in an order that no index likes.
fn scattered(count: u32) -> Vec<Number> {
    (0..count)
        .map(|n| {
            let digits = u64::from(n) * 2_654_435_761 % 10_000_000_000;
            Number::parse(&format!("+7{digits:010}")).expect("a number")
        })
        .collect()
}

/// The process's resident memory in MiB, where the system tells.
fn resident_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

#[test]
fn a_long_list_is_listed_and_read_back() {
    // A million takes five times as long; without optimization, too long for every day.
    const LEADS: u32 = 200_000;
    let (_dir, path) = place();
    let (journal, _) = open(&path);
    let numbers = scattered(LEADS);
    let before = resident_mib();
    let started = Instant::now();
    let listed = Record::LeadsListed {
        run: RUN,
        first: LeadId(0),
        numbers,
    };
    let run = Record::RunOpened {
        run: RUN,
        list: "long.txt".to_owned(),
        at: Time(0),
    };
    journal
        .writer()
        .append_blocking(vec![run, listed])
        .expect("written");
    let written = started.elapsed();
    let after = resident_mib();
    journal.close().expect("closes");
    let started = Instant::now();
    let (journal, recovered) = open(&path);
    let opened = started.elapsed();
    let started = Instant::now();
    let mut count = 0;
    journal
        .for_each_lead(RUN, |known| {
            assert_eq!(known.status, LeadStatus::Waiting);
            count += 1;
        })
        .expect("reads");
    println!(
        "{LEADS} leads: written in {written:.1?}, opened and checked in {opened:.1?}, read in \
         {:.1?}; MiB resident {before:?} -> {after:?}",
        started.elapsed()
    );
    assert_eq!(count, LEADS);
    assert_eq!(recovered.run.expect("a run").leads, LEADS);
}
