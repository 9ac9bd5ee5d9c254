//! What is marked for the SQL copy, and when the mark goes.

use rusqlite::Connection;

use super::fixture::{
    RUN, ask, begun, ended, open, place, recording, run_of, step, withdrawn, write,
};
use crate::campaign::{
    AttemptId, Disposition, LegNote, Part, Record, RecordingState, Sent, Step, TargetFailure, Time,
};
use crate::journal::schema::APPLICATION_ID;
use crate::journal::{Journal, OutboxLine, Reader, Writer};

fn leg(attempt: u64, part: Part, note: LegNote) -> Record {
    Record::Leg {
        attempt: AttemptId(attempt),
        part,
        note,
    }
}

fn dialed(attempt: u64, part: Part, at: u64) -> Record {
    let note = LegNote::Dialed {
        to: format!("{part:?}@x"),
        at: Time(at),
    };
    leg(attempt, part, note)
}

fn named(attempt: u64, part: Part) -> Record {
    leg(attempt, part, LegNote::Named(format!("PJSIP/{part:?}-1")))
}

/// A journal with a run of five leads that feeds a copy.
fn fed() -> (tempfile::TempDir, Journal, Writer, Reader) {
    let (dir, path) = place();
    let (journal, _) = open(&path);
    journal.feed_outbox();
    let writer = journal.writer();
    writer.append_blocking(run_of(5)).expect("written");
    let reader = Reader::open(&path).expect("it can be read");
    (dir, journal, writer, reader)
}

fn lines(reader: &Reader) -> Vec<OutboxLine> {
    reader.outbox(AttemptId(0), 100).expect("it can be read")
}

fn marked(reader: &Reader) -> Vec<(u64, i64)> {
    let lines = lines(reader);
    let sent = lines.iter().map(|line| line.sent);
    sent.map(|s| (s.attempt.0, s.version)).collect()
}

#[test]
fn without_a_copy_nothing_is_marked() {
    let (_dir, path) = place();
    let mut records = run_of(1);
    records.extend([begun(1, 0), named(1, Part::A), ended(1, Disposition::Busy)]);
    write(&path, records);
    assert_eq!(ask(&path, "SELECT count(*) FROM outbox"), "0");
}

#[test]
fn a_call_is_marked_once_asterisk_has_its_channel_and_each_change_counts() {
    let (_dir, _journal, writer, reader) = fed();
    let mut expected = 0;
    let steps = [
        (begun(1, 0), false),
        (dialed(1, Part::A, 5), false),
        (named(1, Part::A), true),
        (step(1, Step::Ringing, 6), false),
        (step(1, Step::Answered, 7), true),
        (dialed(1, Part::B, 7), true),
        (named(1, Part::B), true),
        (step(1, Step::Bridged, 8), true),
        (step(1, Step::Agent, 9), true),
        (ended(1, Disposition::Answered), true),
    ];
    for (record, changes) in steps {
        let told = format!("{record:?}");
        writer.append_blocking(vec![record]).expect("written");
        expected += i64::from(changes);
        let marks = if expected == 0 {
            vec![]
        } else {
            vec![(1, expected)]
        };
        assert_eq!(marked(&reader), marks, "{told}");
    }
}

#[test]
fn a_line_has_all_that_a_row_needs() {
    let (_dir, _journal, writer, reader) = fed();
    let saved = RecordingState::Saved {
        path: "/rec/1.wav".to_owned(),
    };
    let records = vec![
        begun(1, 3),
        dialed(1, Part::A, 1_000_000),
        named(1, Part::A),
        step(1, Step::Answered, 1_000_002),
        dialed(1, Part::B, 1_000_003),
        named(1, Part::B),
        leg(1, Part::A, LegNote::Refused("486 Busy Here".to_owned())),
        leg(1, Part::B, LegNote::Failed(TargetFailure::Busy)),
        leg(1, Part::B, LegNote::Gone(Time(1_000_004))),
        // Of two notes the first counts.
        leg(1, Part::B, LegNote::Gone(Time(1_000_005))),
        ended(1, Disposition::Abandoned),
        recording(1, saved),
    ];
    writer.append_blocking(records).expect("written");
    let found = lines(&reader);
    let [line] = found.as_slice() else {
        panic!("not one line: {found:?}");
    };
    assert_eq!((line.run, line.number.as_str()), (RUN, "79990000003"));
    assert_eq!(line.begun_at, Time(1_000_000));
    assert_eq!(line.answered_at, Some(Time(1_000_002)));
    assert_eq!(line.bridged_at, None);
    let (at, disposition, cause) = line.end.expect("it has ended");
    assert_eq!(
        (at, disposition, cause.q850),
        (Time(1_000_009), Disposition::Abandoned, 17)
    );
    assert_eq!(line.a.dialed.as_deref(), Some("A@x"));
    assert_eq!(line.a.name.as_deref(), Some("PJSIP/A-1"));
    assert_eq!(line.b.dialed.as_deref(), Some("B@x"));
    assert_eq!(line.b.name.as_deref(), Some("PJSIP/B-1"));
    assert_eq!(line.b_dialed_at, Some(Time(1_000_003)));
    assert_eq!(line.b_failed, Some(TargetFailure::Busy));
    assert_eq!(line.b_ended_at, Some(Time(1_000_004)));
    assert_eq!(line.sip_answer.as_deref(), Some("486 Busy Here"));
    assert_eq!(line.recording.as_deref(), Some("/rec/1.wav"));
}

#[test]
fn what_changed_after_it_was_read_stays_when_the_read_is_confirmed() {
    let (_dir, _journal, writer, reader) = fed();
    let records = vec![
        begun(1, 0),
        named(1, Part::A),
        begun(2, 1),
        named(2, Part::A),
    ];
    writer.append_blocking(records).expect("written");
    let read: Vec<Sent> = lines(&reader).iter().map(|line| line.sent).collect();
    let change = vec![step(2, Step::Answered, 7)];
    writer.append_blocking(change).expect("written");
    let confirmed = vec![Record::Mirrored(read)];
    writer.append_blocking(confirmed).expect("written");
    assert_eq!(marked(&reader), [(2, 2)]);
}

#[test]
fn an_attempt_that_was_withdrawn_is_not_told() {
    let (_dir, _journal, writer, reader) = fed();
    let records = vec![begun(1, 0), dialed(1, Part::A, 5), withdrawn(1)];
    writer.append_blocking(records).expect("written");
    assert_eq!(marked(&reader), []);
}

#[test]
fn what_is_known_of_the_backlog_is_its_length_and_age() {
    let (_dir, _journal, writer, reader) = fed();
    let nothing = reader.backlog().expect("it can be read");
    assert_eq!((nothing.rows, nothing.since), (0, None));
    let records = vec![begun(1, 0), named(1, Part::A)];
    writer.append_blocking(records).expect("written");
    let first = reader.backlog().expect("it can be read");
    // What waits longer is not younger for having changed.
    let records = vec![
        step(1, Step::Answered, 7),
        begun(2, 1),
        ended(2, Disposition::Busy),
    ];
    writer.append_blocking(records).expect("written");
    let backlog = reader.backlog().expect("it can be read");
    assert_eq!((backlog.rows, backlog.since), (2, first.since));
}

#[test]
fn a_reader_goes_on_behind_what_it_has_seen() {
    let (_dir, _journal, writer, reader) = fed();
    for attempt in 1..=5 {
        let lead = u32::try_from(attempt - 1).expect("few");
        let records = vec![begun(attempt, lead), ended(attempt, Disposition::Busy)];
        writer.append_blocking(records).expect("written");
    }
    let page = reader.outbox(AttemptId(2), 2).expect("it can be read");
    let attempts: Vec<u64> = page.iter().map(|line| line.sent.attempt.0).collect();
    assert_eq!(attempts, [3, 4]);
}

/// As the version before left it: format 1, with one call in it.
#[test]
fn a_journal_of_the_version_before_is_taken_over_with_its_calls() {
    let (_dir, path) = place();
    let conn = Connection::open(&path).expect("opens");
    conn.pragma_update(None, "application_id", APPLICATION_ID)
        .expect("sets");
    conn.execute_batch(include_str!("../schema/1.sql"))
        .expect("the tables of format 1");
    conn.execute_batch(
        "INSERT INTO meta VALUES (1, '7f3d1c1e-8b1a-4a53-9d5e-2f1f4f0b6a11', 1);
         INSERT INTO runs VALUES (1, '/lists/numbers.txt', 'IDLE', NULL, 1, 1);
         INSERT INTO leads VALUES (1, 0, '79990000000', 'done', 'busy', 1, 1, NULL, NULL);
         INSERT INTO leads (run, lead, number) VALUES (1, 1, '79990000001');
         INSERT INTO attempts (attempt, run, lead, call_id, queued_at, dialed_at, ended_at,
             disposition, ended_by)
         VALUES (1, 1, 0, '11111111-1111-5111-8111-111111111111', 1, 2, 3, 'busy', 'carrier');",
    )
    .expect("its rows");
    conn.pragma_update(None, "user_version", 1).expect("sets");
    conn.pragma_update(None, "journal_mode", "WAL")
        .expect("sets");
    conn.close().expect("closes");

    let (journal, recovered) = open(&path);
    assert_eq!(recovered.next_attempt, AttemptId(2));
    let mut added = Vec::new();
    let read = journal.for_each_lead(crate::campaign::RunId(1), |lead| added.push(lead.added));
    read.expect("its leads are read");
    assert_eq!(added, [false, false], "all of them were listed");
    journal.feed_outbox();
    let records = vec![begun(2, 1), ended(2, Disposition::Busy)];
    journal.writer().append_blocking(records).expect("written");
    let reader = Reader::open(&path).expect("it can be read");
    assert_eq!(marked(&reader), [(2, 1)], "only what came later");
}
