//! What is written, and what the next engine is told of it.

use uuid::Uuid;

use super::fixture::{
    RUN, ask, audit, begun, ended, leads, listed, number, open, opened, place, recording, requeued,
    run_of, skipped, started, state, step, taken_off, withdrawn, write,
};
use crate::campaign::{
    AttemptId, Disposition, EndedBy, LeadId, Record, RecordingState, RunId, RunState, Step, Time,
};
use crate::journal::{
    AUDIT_LINES, Contradiction, JournalError, KnownLead, LeadStatus, Reader, RecoveredRun,
    StartedRecording, WriteFailure, call_id,
};

/// The latest run as the next engine gets it.
fn reopened_run(path: &std::path::Path) -> RecoveredRun {
    let (_journal, recovered) = open(path);
    recovered.run.expect("there is a run")
}

#[test]
fn every_run_state_comes_back_with_its_reason() {
    let states = [
        RunState::Idle,
        RunState::Dialing,
        RunState::Paused("the trunk does not exist".to_owned()),
        RunState::Draining,
        RunState::Done,
    ];
    let (_dir, path) = place();
    write(&path, run_of(1));
    for wanted in states {
        write(&path, vec![state(wanted.clone())]);
        let run = reopened_run(&path);
        assert_eq!(run.state, wanted);
        assert_eq!(run.list, "/lists/numbers.txt");
    }
}

#[test]
fn who_was_added_by_a_command_is_known_from_who_was_listed() {
    let (_dir, path) = place();
    let mut records = run_of(2);
    records.push(Record::LeadsAdded {
        run: RUN,
        first: LeadId(2),
        numbers: vec![number(2)],
    });
    records.push(listed(3, 1));
    write(&path, records);
    let (journal, recovered) = open(&path);
    assert_eq!(recovered.run.expect("a run").leads, 4);
    let mut added = Vec::new();
    let read = journal.for_each_lead(RUN, |lead| added.push(lead.added));
    read.expect("the leads are read");
    assert_eq!(added, [false, false, true, false]);
}

#[test]
fn a_number_of_the_run_is_not_added_to_it_once_more() {
    let (_dir, path) = place();
    write(&path, run_of(2));
    let (journal, _) = open(&path);
    let twice = Record::LeadsAdded {
        run: RUN,
        first: LeadId(2),
        numbers: vec![number(0)],
    };
    let refused = journal.writer().append_blocking(vec![twice]);
    assert!(
        matches!(&refused, Err(WriteFailure::Contradicted { .. })),
        "{refused:?}"
    );
    assert_eq!(leads(&journal).len(), 2);
}

#[test]
fn the_latest_run_is_the_one_that_goes_on() {
    let (_dir, path) = place();
    let mut records = run_of(2);
    records.push(opened(RunId(2)));
    write(&path, records);
    let run = reopened_run(&path);
    assert_eq!((run.run, run.leads), (RunId(2), 0));
}

#[test]
fn each_lead_comes_back_where_it_stood() {
    let (_dir, path) = place();
    let mut records = run_of(5);
    records.extend([
        begun(1, 0),
        ended(1, Disposition::Busy),
        begun(2, 1),
        begun(3, 2),
        withdrawn(3),
        skipped(3),
    ]);
    write(&path, records);
    let (journal, recovered) = open(&path);
    let expected = [
        (LeadStatus::Attempted(Disposition::Busy), 1),
        (LeadStatus::InFlight(AttemptId(2)), 1),
        (LeadStatus::Waiting, 0),
        (LeadStatus::Attempted(Disposition::Skipped), 0),
        (LeadStatus::Waiting, 0),
    ];
    assert_eq!(leads(&journal), expected);
    assert_eq!(recovered.run.expect("a run").leads, 5);
    // 3 was withdrawn, and is used up all the same.
    assert_eq!(recovered.next_attempt, AttemptId(4));
}

#[test]
fn a_withdrawn_lead_can_be_dialed_again() {
    let (_dir, path) = place();
    let mut records = run_of(1);
    records.extend([begun(1, 0), withdrawn(1), begun(2, 0)]);
    write(&path, records);
    let (journal, _) = open(&path);
    assert_eq!(leads(&journal), [(LeadStatus::InFlight(AttemptId(2)), 1)]);
}

#[test]
fn each_lead_comes_back_with_its_last_attempt_and_the_cause_of_the_last_that_ended() {
    let (_dir, path) = place();
    let mut records = run_of(5);
    records.extend([
        begun(1, 0),
        ended(1, Disposition::Busy),
        // Ended, called again, and up at the end of the engine.
        begun(2, 1),
        ended(2, Disposition::Busy),
        requeued(1),
        begun(3, 1),
        // Ended, called again, and taken back.
        begun(4, 2),
        ended(4, Disposition::Busy),
        requeued(2),
        begun(5, 2),
        withdrawn(5),
        begun(6, 3),
    ]);
    write(&path, records);
    let (journal, _) = open(&path);
    let mut found = Vec::new();
    let each = |known: KnownLead| {
        let last = known.last.map(|attempt| attempt.0);
        found.push((known.attempts, last, known.cause.q850, known.cause.sip));
    };
    journal
        .for_each_lead(RUN, each)
        .expect("the leads are read");
    let expected = [
        (1, Some(1), 17, Some(486)),
        (2, Some(3), 17, Some(486)),
        (1, Some(4), 17, Some(486)),
        (1, Some(6), 0, None),
        (0, None, 0, None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_lead_that_is_to_be_called_again_waits_after_a_crash_with_its_attempts() {
    let (_dir, path) = place();
    let mut records = run_of(3);
    records.extend([
        begun(1, 0),
        ended(1, Disposition::Answered),
        skipped(1),
        requeued(0),
        requeued(1),
    ]);
    write(&path, records);
    let (journal, _) = open(&path);
    let waits = LeadStatus::Waiting;
    assert_eq!(leads(&journal), [(waits, 1), (waits, 0), (waits, 0)]);
    journal.close().expect("closes");
    write(&path, vec![begun(2, 0), ended(2, Disposition::Busy)]);
    let (journal, _) = open(&path);
    let busy = LeadStatus::Attempted(Disposition::Busy);
    assert_eq!(leads(&journal), [(busy, 2), (waits, 0), (waits, 0)]);
    let notes = "SELECT count(*) FROM leads WHERE note IS NOT NULL OR taken_off_at IS NOT NULL";
    assert_eq!(ask(&path, notes), "0", "it is no longer taken off");
}

#[test]
fn it_is_known_who_was_taken_off_for_not_being_listed_and_since_when_a_run_is_done() {
    let (_dir, path) = place();
    let mut records = run_of(4);
    records.extend([taken_off(0), skipped(1), skipped(2), requeued(2)]);
    records.push(state(RunState::Done));
    write(&path, records);
    let (journal, recovered) = open(&path);
    let mut found = Vec::new();
    journal
        .for_each_lead(RUN, |known| found.push(known.unlisted))
        .expect("the leads are read");
    assert_eq!(found, [false, true, false, false]);
    assert_eq!(recovered.run.expect("there is one").since, Time(2_000));
}

#[test]
fn only_a_lead_that_has_ended_can_be_called_again() {
    let (_dir, path) = place();
    let mut records = run_of(2);
    records.push(begun(1, 0));
    write(&path, records);
    let (journal, _) = open(&path);
    for lead in [0, 1, 2] {
        let failure = journal.writer().append_blocking(vec![requeued(lead)]);
        let not_done = Contradiction::NotDone {
            run: RUN,
            lead: LeadId(lead),
        };
        let expected = WriteFailure::Contradicted {
            refused: Vec::new(),
            contradictions: vec![not_done],
        };
        assert_eq!(failure, Err(expected));
    }
}

#[test]
fn a_lead_that_waits_again_after_an_interruption_can_be_taken_off() {
    let (_dir, path) = place();
    let mut records = run_of(1);
    records.extend([begun(1, 0), ended(1, Disposition::Interrupted), skipped(0)]);
    write(&path, records);
    let (journal, _) = open(&path);
    let off = LeadStatus::Attempted(Disposition::Skipped);
    assert_eq!(leads(&journal), [(off, 1)]);
}

#[test]
fn an_unfinished_attempt_comes_back_with_all_that_is_known() {
    let (_dir, path) = place();
    let mut records = run_of(2);
    records.extend([
        begun(1, 1),
        step(1, Step::Ringing, 1_100_000),
        step(1, Step::Answered, 1_200_000),
        started(1),
        step(1, Step::Bridged, 1_300_000),
        step(1, Step::Bridged, 1_900_000),
    ]);
    write(&path, records);
    let run = reopened_run(&path);
    let [open] = run.unfinished.as_slice() else {
        panic!("one is unfinished: {:?}", run.unfinished);
    };
    assert_eq!(
        (open.attempt, open.run, open.lead),
        (AttemptId(1), RUN, LeadId(1))
    );
    assert_eq!(open.number, number(1));
    assert_eq!(
        (open.queued_at, open.begun_at),
        (Time(500_000), Time(1_000_000))
    );
    assert_eq!(open.ringing_at, Some(Time(1_100_000)));
    assert_eq!(open.answered_at, Some(Time(1_200_000)));
    assert_eq!(open.bridged_at, Some(Time(1_300_000)), "the first counts");
    let wav = StartedRecording {
        name: "dd/1".to_owned(),
        format: "wav".to_owned(),
    };
    assert_eq!(open.recording, Some(wav));
    assert!(run.recordings_waiting.is_empty(), "it may still run");
}

#[test]
fn only_recordings_of_ended_attempts_that_were_not_settled_wait() {
    let (_dir, path) = place();
    let mut records = run_of(4);
    for attempt in 1..=3 {
        records.push(begun(attempt, u32::try_from(attempt).expect("small")));
        records.push(started(attempt));
        records.push(ended(attempt, Disposition::Answered));
    }
    let saved = RecordingState::Saved {
        path: "/recordings/1.wav".to_owned(),
    };
    let failed = RecordingState::Failed {
        why: "it is not there".to_owned(),
    };
    records.extend([recording(1, saved), recording(2, failed), opened(RunId(2))]);
    write(&path, records);
    let (_journal, recovered) = open(&path);
    let run = recovered.run.expect("a run");
    let [waiting] = run.recordings_waiting.as_slice() else {
        panic!("one waits: {:?}", run.recordings_waiting);
    };
    assert_eq!((waiting.attempt, waiting.run), (AttemptId(3), RUN));
    assert_eq!(waiting.number, number(3));
    assert_eq!(waiting.recording.name, "dd/3");
    assert_eq!(waiting.begun_at, Time(3_000_000));
    assert_eq!(waiting.call_id, call_id(recovered.uuid, AttemptId(3)));
}

#[test]
fn commands_are_kept_for_the_record() {
    let (_dir, path) = place();
    write(&path, vec![audit(7)]);
    let sql = "SELECT at || by || command || outcome FROM audit";
    assert_eq!(ask(&path, sql), "7keyboardcommand 7done");
}

#[test]
fn the_latest_commands_come_back_the_newest_last() {
    let (_dir, path) = place();
    write(&path, (0..AUDIT_LINES + 3).map(audit).collect());
    let (_journal, recovered) = open(&path);
    let commands: Vec<String> = recovered.audit.into_iter().map(|a| a.command).collect();
    let expected = (3..AUDIT_LINES + 3).map(|n| format!("command {n}"));
    assert_eq!(commands, expected.collect::<Vec<_>>());
}

#[test]
fn the_attempts_of_a_lead_are_read_the_latest_first() {
    let (_dir, path) = place();
    let mut records = run_of(2);
    records.extend([
        begun(1, 0),
        step(1, Step::Ringing, 1_100_000),
        step(1, Step::Answered, 1_200_000),
        step(1, Step::Bridged, 1_300_000),
        step(1, Step::Agent, 1_400_000),
        started(1),
        ended(1, Disposition::Answered),
        recording(
            1,
            RecordingState::Failed {
                why: "gone".to_owned(),
            },
        ),
        begun(2, 1),
        requeued(0),
        begun(3, 0),
        withdrawn(3),
        begun(4, 0),
    ]);
    write(&path, records);
    let reader = Reader::open(&path).expect("opens");
    let attempts = reader.attempts_of(RUN, LeadId(0)).expect("reads");
    let [open, first] = attempts.as_slice() else {
        panic!("two were dialed: {attempts:?}");
    };
    assert_eq!((open.attempt, &open.end), (AttemptId(4), &None));
    assert_eq!(
        (first.attempt, first.begun_at),
        (AttemptId(1), Time(1_000_000))
    );
    let times = [
        first.ringing_at,
        first.answered_at,
        first.bridged_at,
        first.agent_at,
    ];
    let expected = [1_100_000, 1_200_000, 1_300_000, 1_400_000].map(|t| Some(Time(t)));
    assert_eq!(times, expected);
    let end = first.end.as_ref().expect("it has ended");
    assert_eq!(
        (end.at, end.disposition),
        (Time(1_000_009), Disposition::Answered)
    );
    assert_eq!((end.cause.q850, end.by), (17, EndedBy::Carrier));
    let why = "gone".to_owned();
    assert_eq!(first.recording, Some(RecordingState::Failed { why }));
}

#[test]
fn a_lead_that_is_dialed_by_no_open_attempt_is_damage() {
    let (_dir, path) = place();
    let mut records = run_of(1);
    records.push(begun(1, 0));
    write(&path, records);
    let conn = rusqlite::Connection::open(&path).expect("opens");
    conn.execute("UPDATE attempts SET withdrawn = 1", [])
        .expect("tampers");
    conn.close().expect("closes");
    let (journal, _) = open(&path);
    let error = journal.for_each_lead(RUN, |_| {}).expect_err("noticed");
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

#[test]
fn an_open_attempt_whose_lead_is_done_is_damage() {
    let (_dir, path) = place();
    let mut records = run_of(1);
    records.push(begun(1, 0));
    write(&path, records);
    let conn = rusqlite::Connection::open(&path).expect("opens");
    conn.execute("UPDATE leads SET state = 'done', disposition = 'busy'", [])
        .expect("tampers");
    conn.close().expect("closes");
    let error = crate::journal::Journal::open(&path).expect_err("noticed");
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

#[test]
fn a_call_id_is_the_version_5_uuid_that_any_language_makes() {
    // RFC 9562, appendix A.4: the DNS namespace and "www.example.com". Ours is the same
    // function over the decimal digits.
    let dns = Uuid::parse_str("6ba7b810-9dad-11d1-80b4-00c04fd430c8").expect("a uuid");
    assert_eq!(
        Uuid::new_v5(&dns, b"www.example.com").to_string(),
        "2ed6657d-e927-568b-95e1-2665a8aea6a2"
    );
    assert_eq!(call_id(dns, AttemptId(17)), Uuid::new_v5(&dns, b"17"));
    assert_ne!(call_id(dns, AttemptId(17)), call_id(dns, AttemptId(18)));
}
