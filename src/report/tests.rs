//! Reports of journals that are written here.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{By, Format, ReportError, ReportOptions, write};
use crate::campaign::{
    AttemptEnd, AttemptId, Disposition, EndedBy, HangupCause, LeadId, LegNote, Number, Part,
    RESTARTED, Record, RecordingState, RunId, Step, Time,
};
use crate::journal::{Journal, call_id};

const HEADING: &str = "number,disposition,attempts,cause,sip_code,queued_at,dialed_at,ringing_at,\
                       answered_at,bridged_at,ended_at,ring_seconds,talk_seconds,dead_air_ms,\
                       ended_by,recording,call_id,run,agent,agent_at,wait_seconds,early_media_at,\
                       transferred_to,sip_answer";

const CSV: ReportOptions = ReportOptions {
    format: Format::Csv,
    run: None,
    by: By::Lead,
};

/// Milliseconds after 2026-01-01T00:00:00Z, which is 20,454 days after 1970 began.
fn at(ms: u64) -> Time {
    Time::from_millis(20_454 * 86_400_000 + ms)
}

fn journal_of(records: Vec<Record>) -> (TempDir, PathBuf, Vec<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("dialdeck.db");
    let (journal, recovered) = Journal::open(&path).expect("opens");
    journal.writer().append_blocking(records).expect("written");
    journal.close().expect("closes");
    let call_ids = (0..10).map(|n| call_id(recovered.uuid, AttemptId(n)).to_string());
    (dir, path, call_ids.collect())
}

fn run(run: u32, numbers: &[&str]) -> [Record; 2] {
    let run = RunId(run);
    let number = |text: &&str| Number::parse(text).expect("a number");
    [
        Record::RunOpened {
            run,
            list: "numbers.txt".to_owned(),
            at: at(0),
        },
        Record::LeadsListed {
            run,
            first: LeadId(0),
            numbers: numbers.iter().map(number).collect(),
        },
    ]
}

fn begun(attempt: u64, lead: u32, ms: u64) -> Record {
    Record::AttemptBegun {
        attempt: AttemptId(attempt),
        run: RunId(1),
        lead: LeadId(lead),
        queued_at: at(0),
        at: at(ms),
    }
}

fn step(attempt: u64, step: Step, ms: u64) -> Record {
    Record::AttemptProgress {
        attempt: AttemptId(attempt),
        step,
        at: at(ms),
    }
}

fn ended(attempt: u64, ms: u64, disposition: Disposition, cause: (u16, Option<u16>)) -> Record {
    Record::AttemptEnded {
        attempt: AttemptId(attempt),
        end: AttemptEnd {
            at: at(ms),
            disposition,
            cause: HangupCause {
                q850: cause.0,
                sip: cause.1,
            },
            by: EndedBy::Callee,
            note: None,
            dead_air_ms: (disposition == Disposition::Answered).then_some(4),
        },
    }
}

/// One lead of each kind: answered, busy, in the air, taken off, waiting, and interrupted
/// once with a second attempt that was withdrawn.
fn mixed() -> Vec<Record> {
    let numbers = ["+7001", "7002", "7003", "7004", "7005", "7006"];
    let mut records = run(1, &numbers).to_vec();
    records.extend([
        begun(1, 0, 1_000),
        step(1, Step::Ringing, 1_200),
        step(1, Step::Answered, 3_500),
        step(1, Step::Bridged, 3_504),
        ended(1, 10_004, Disposition::Answered, (16, None)),
        Record::Recording {
            attempt: AttemptId(1),
            state: RecordingState::Saved {
                path: "/rec, old/\"1\".wav".to_owned(),
            },
        },
        begun(2, 1, 2_000),
        ended(2, 2_050, Disposition::Busy, (17, Some(486))),
        begun(3, 2, 3_000),
        Record::LeadSkipped {
            run: RunId(1),
            lead: LeadId(3),
            why: "no longer listed".to_owned(),
            at: at(4),
        },
        begun(4, 5, 4_000),
        ended(4, 5_000, Disposition::Interrupted, (0, None)),
        begun(5, 5, 6_000),
        Record::AttemptWithdrawn {
            attempt: AttemptId(5),
        },
        begun(6, 5, 7_000),
        ended(6, 7_500, Disposition::Failed, (58, None)),
    ]);
    records
}

fn report(path: &Path, options: ReportOptions) -> String {
    let mut out = Vec::new();
    write(path, options, &mut out).expect("the report is written");
    String::from_utf8(out).expect("it is text")
}

fn by_attempt(format: Format) -> ReportOptions {
    ReportOptions {
        format,
        by: By::Attempt,
        run: None,
    }
}

#[test]
fn a_row_a_lead_with_its_last_attempts_times() {
    let (_dir, path, id) = journal_of(mixed());
    let day = "2026-01-01T00:00:";
    let expected = [
        HEADING.to_owned(),
        format!(
            "+7001,answered,1,16,,{day}00.000Z,{day}01.000Z,{day}01.200Z,{day}03.500Z,\
             {day}03.504Z,{day}10.004Z,2.500,6.500,4,callee,\"/rec, old/\"\"1\"\".wav\",{},1,,,,,,",
            id[1]
        ),
        format!(
            "7002,busy,1,17,486,{day}00.000Z,{day}02.000Z,,,,{day}02.050Z,0.050,,,callee,,{},1,,,,,,",
            id[2]
        ),
        format!(
            "7003,,1,,,{day}00.000Z,{day}03.000Z,,,,,,,,,,{},1,,,,,,",
            id[3]
        ),
        "7004,skipped,0,,,,,,,,,,,,,,,1,,,,,,".to_owned(),
        "7005,,0,,,,,,,,,,,,,,,1,,,,,,".to_owned(),
        format!(
            "7006,failed,2,58,,{day}00.000Z,{day}07.000Z,,,,{day}07.500Z,0.500,,,callee,,{},1,,,,,,",
            id[6]
        ),
        String::new(),
    ];
    let found = report(&path, CSV);
    assert_eq!(found.split('\n').collect::<Vec<_>>(), expected);
}

#[test]
fn a_row_an_attempt_in_the_order_of_dialing() {
    let (_dir, path, id) = journal_of(mixed());
    let found = report(&path, by_attempt(Format::Csv));
    let rows: Vec<Vec<&str>> = found
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    let seen: Vec<_> = rows.iter().map(|row| (row[0], row[1], row[2])).collect();
    let expected = [
        ("+7001", "answered", "1"),
        ("7002", "busy", "1"),
        ("7003", "", "1"),
        ("7006", "interrupted", "1"),
        ("7006", "failed", "2"),
    ];
    assert_eq!(seen, expected, "the withdrawn one was never dialed");
    assert!(rows[3].contains(&id[4].as_str()));
    assert_eq!(rows[3][3], "", "a cause that nobody knows is empty");
}

#[test]
fn a_lead_that_is_to_be_called_again_keeps_its_attempts_and_has_no_disposition() {
    let mut records = mixed();
    records.push(Record::LeadRequeued {
        run: RunId(1),
        lead: LeadId(0),
        at: at(20_000),
    });
    let before = journal_of(mixed());
    let (_dir, path, _) = journal_of(records);
    let leads = report(&path, CSV);
    let row = leads.lines().nth(1).expect("the first lead");
    assert!(row.starts_with("+7001,,1,16,"), "{row}");
    // Of the rows of attempts nothing changes but the call ids, which hang on the journal.
    let attempts = |path: &Path| -> Vec<String> {
        let report = report(path, by_attempt(Format::Json));
        let rows: Vec<serde_json::Value> = serde_json::from_str(&report).expect("it is JSON");
        let fields = ["number", "disposition", "attempts", "cause", "recording"];
        let shown = |row: &serde_json::Value| fields.map(|name| row[name].to_string()).join(" ");
        rows.iter().map(shown).collect()
    };
    assert_eq!(attempts(&path), attempts(&before.1));
}

#[test]
fn json_says_the_same_as_csv() {
    let (_dir, path, _) = journal_of(mixed());
    for by in [By::Lead, By::Attempt] {
        let with = |format| ReportOptions {
            format,
            by,
            run: None,
        };
        let json = report(&path, with(Format::Json));
        let rows: Vec<serde_json::Value> = serde_json::from_str(&json).expect("it is JSON");
        let csv = report(&path, with(Format::Csv));
        assert_eq!(rows.len(), csv.lines().count() - 1);
        // The first row has a quoted path; the rest can be split as they are.
        for (row, line) in rows.iter().zip(csv.lines().skip(1)).skip(1) {
            for (name, field) in HEADING.split(',').zip(line.split(',')) {
                let expected = match &row[name] {
                    serde_json::Value::Null => String::new(),
                    serde_json::Value::String(text) => text.clone(),
                    number if name.ends_with("_seconds") => {
                        format!("{:.3}", number.as_f64().expect("a number"))
                    }
                    number => number.as_u64().expect("a whole number").to_string(),
                };
                assert_eq!(field, expected, "{name} in {line}");
            }
        }
        assert_eq!(rows[0]["recording"], "/rec, old/\"1\".wav");
    }
}

#[test]
fn the_latest_run_unless_another_is_asked_for() {
    let mut records = run(1, &["7001"]).to_vec();
    records.extend(run(2, &["7002", "7003"]));
    let (_dir, path, _) = journal_of(records);
    assert_eq!(report(&path, CSV).lines().count(), 3);
    let first = ReportOptions {
        run: Some(RunId(1)),
        ..CSV
    };
    assert!(report(&path, first).contains("\n7001,"));
    let third = ReportOptions {
        run: Some(RunId(3)),
        ..CSV
    };
    let error = write(&path, third, &mut io::sink()).expect_err("there is none");
    let sentence = error.to_string();
    assert!(
        sentence.ends_with("has no run 3: its latest is 2."),
        "{sentence}"
    );
}

#[test]
fn a_journal_without_a_run_gives_a_report_without_rows() {
    let (_dir, path, _) = journal_of(Vec::new());
    assert_eq!(report(&path, CSV), format!("{HEADING}\n"));
    let json = ReportOptions {
        format: Format::Json,
        ..CSV
    };
    assert_eq!(
        report(&path, json).split_whitespace().collect::<String>(),
        "[]"
    );
}

#[test]
fn it_reads_beside_a_running_engine() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("dialdeck.db");
    let (journal, _) = Journal::open(&path).expect("opens");
    journal.writer().append_blocking(mixed()).expect("written");
    assert_eq!(report(&path, CSV).lines().count(), 7);
}

/// Takes what is written, and appends a record to the journal with every piece.
struct Meddler<'a> {
    journal: &'a Journal,
    pieces: u64,
}

impl Write for Meddler<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.pieces += 1;
        let skipped = Record::LeadSkipped {
            run: RunId(1),
            lead: LeadId(u32::try_from(self.pieces).expect("few")),
            why: "a test".to_owned(),
            at: at(1),
        };
        let written = self.journal.writer().append_blocking(vec![skipped]);
        written.expect("nothing is locked");
        // All of the WAL can be put away: no reader stands in it.
        let conn = rusqlite::Connection::open(self.journal.path()).expect("opens");
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: bool = conn.query_row(sql, [], |row| row.get(0)).expect("runs");
        assert!(!busy, "the report holds on to the WAL");
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_reader_of_the_report_does_not_hold_the_journal() {
    let numbers: Vec<String> = (0..5_000).map(|n| format!("7{n:05}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("dialdeck.db");
    let (journal, _) = Journal::open(&path).expect("opens");
    let listed = journal.writer().append_blocking(run(1, &numbers).to_vec());
    listed.expect("written");
    let mut out = Meddler {
        journal: &journal,
        pieces: 0,
    };
    let rows = write(&path, CSV, &mut out).expect("reports");
    assert_eq!(rows, 5_000);
    assert!(out.pieces > 5, "it streams: {} pieces", out.pieces);
}

/// Takes some bytes, then its reader is gone.
struct Gone(usize);

impl Write for Gone {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(piece.len())
            .ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_told_from_other_errors() {
    let (_dir, path, _) = journal_of(mixed());
    let error = write(&path, CSV, &mut Gone(0)).expect_err("the reader is gone");
    match error {
        ReportError::Output(e) => assert_eq!(e.kind(), io::ErrorKind::BrokenPipe),
        other => panic!("another error: {other}"),
    }
}

/// A journal of many leads with a page of them scratched, and its path.
fn scratched(leads: u32) -> (TempDir, PathBuf) {
    let numbers: Vec<String> = (0..leads).map(|n| format!("7{n:09}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let (dir, path, _) = journal_of(run(1, &numbers).to_vec());
    let mut bytes = std::fs::read(&path).expect("reads");
    let wanted = format!("7{:09}waiting", leads / 2);
    let place = bytes
        .windows(wanted.len())
        .position(|w| w == wanted.as_bytes())
        .expect("the lead's row");
    let page = place / 4096 * 4096;
    bytes[page..page + 4096].fill(0xff);
    std::fs::write(&path, bytes).expect("writes");
    (dir, path)
}

#[test]
fn of_a_damaged_journal_it_gives_what_can_be_read_and_says_so() {
    const LEADS: u32 = 20_000;
    let (_dir, path) = scratched(LEADS);
    for format in [Format::Csv, Format::Json] {
        let mut out = Vec::new();
        let options = ReportOptions { format, ..CSV };
        let error = write(&path, options, &mut out).expect_err("it is not complete");
        let ReportError::Incomplete { rows, why } = error else {
            panic!("another error: {error}");
        };
        assert!(why.contains("damaged"), "{why}");
        assert!(rows < u64::from(LEADS), "a page is gone");
        assert!(rows > u64::from(LEADS) - 500, "only {rows} rows");
        let text = String::from_utf8(out).expect("it is text");
        assert!(
            text.contains(&format!("7{:09}", LEADS - 1)),
            "the last is there"
        );
        if format == Format::Json {
            let all: Vec<serde_json::Value> = serde_json::from_str(&text).expect("whole JSON");
            assert_eq!(all.len() as u64, rows);
        } else {
            assert_eq!(text.lines().count() as u64, rows + 1);
        }
    }
}

#[test]
fn the_words_of_a_refusal_are_told_and_the_first_ones_count() {
    let mut records = run(1, &["7001", "7002"]).to_vec();
    let refused = |attempt, answer: &str| Record::Leg {
        attempt: AttemptId(attempt),
        part: Part::A,
        note: LegNote::Refused(answer.to_owned()),
    };
    records.extend([
        begun(1, 0, 1_000),
        refused(1, "603 Network Blocked"),
        refused(1, "603 Decline"),
        ended(1, 2_000, Disposition::Blocked, (21, Some(603))),
        begun(2, 1, 1_000),
        ended(2, 2_000, Disposition::NoAnswer, (19, None)),
        // What comes late changes nothing.
        refused(2, "480 Later"),
    ]);
    let (_dir, path, _) = journal_of(records);
    let mut csv = Vec::new();
    write(&path, CSV, &mut csv).expect("a report");
    let csv = String::from_utf8(csv).expect("text");
    let words = csv.lines().skip(1).map(|row| row.rsplit(',').next());
    let words: Vec<_> = words.flatten().collect();
    assert_eq!(words, ["603 Network Blocked", ""]);
}

#[test]
fn a_conversation_behind_a_queue_begins_when_its_agent_answers() {
    let mut records = run(1, &["7001", "7002", "7003"]).to_vec();
    let agent = |attempt| Record::Leg {
        attempt: AttemptId(attempt),
        part: Part::B2,
        note: LegNote::Named("PJSIP/agent".to_owned()),
    };
    records.extend([
        // The dialplan answered first, and the agent six seconds later.
        begun(1, 0, 1_000),
        step(1, Step::EarlyMedia, 1_200),
        step(1, Step::Answered, 3_000),
        step(1, Step::Bridged, 3_010),
        agent(1),
        step(1, Step::Agent, 9_000),
        ended(1, 14_000, Disposition::Answered, (16, None)),
        // The queue answered with its agent, who was there a moment before the bridge.
        begun(2, 1, 1_000),
        step(2, Step::Answered, 3_000),
        step(2, Step::Agent, 7_990),
        step(2, Step::Bridged, 8_000),
        ended(2, 14_000, Disposition::Answered, (16, None)),
        // No agent came.
        begun(3, 2, 1_000),
        step(3, Step::Answered, 3_000),
        step(3, Step::Bridged, 3_010),
        ended(3, 14_000, Disposition::Answered, (16, None)),
        // What comes late changes nothing.
        agent(3),
    ]);
    let (_dir, path, _) = journal_of(records);
    let mut json = Vec::new();
    let options = ReportOptions {
        format: Format::Json,
        ..CSV
    };
    write(&path, options, &mut json).expect("a report");
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&json).expect("JSON");
    let figures = |row: &serde_json::Value| {
        [
            "talk_seconds",
            "wait_seconds",
            "agent",
            "early_media_at",
            "ringing_at",
        ]
        .map(|name| row[name].clone())
    };
    let none = serde_json::Value::Null;
    let day = "2026-01-01T00:00";
    assert_eq!(
        figures(&rows[0]),
        [
            5.0.into(),
            6.0.into(),
            "PJSIP/agent".into(),
            format!("{day}:01.200Z").into(),
            none.clone()
        ]
    );
    assert_eq!(rows[0]["agent_at"], format!("{day}:09.000Z"));
    assert_eq!(
        (&rows[1]["talk_seconds"], &rows[1]["wait_seconds"]),
        (&6.0.into(), &5.0.into())
    );
    assert_eq!(
        (&rows[2]["talk_seconds"], &rows[2]["wait_seconds"]),
        (&10.99.into(), &none)
    );
    assert_eq!(rows[2]["agent"], none);
}

#[test]
fn nobody_talked_longer_than_the_recording_where_the_end_came_between_two_processes() {
    let mut records = run(1, &["7001", "7002", "7003"]).to_vec();
    for (attempt, lead) in [(1, 0), (2, 1), (3, 2)] {
        let mut end = ended(attempt, 23_700, Disposition::Answered, (0, None));
        if let Record::AttemptEnded { end, .. } = &mut end
            && attempt < 3
        {
            end.note = Some(RESTARTED.to_owned());
        }
        records.extend([
            begun(attempt, lead, 0),
            step(attempt, Step::Answered, 1_000),
            step(attempt, Step::Bridged, 1_040),
            end,
        ]);
    }
    // The third one ended in the sight of a process: its recording may have failed midway.
    records.extend([1, 3].map(|attempt| Record::RecordingLasts {
        attempt: AttemptId(attempt),
        ms: 8_000,
    }));
    let (_dir, path, _) = journal_of(records);
    let mut json = Vec::new();
    let options = ReportOptions {
        format: Format::Json,
        ..CSV
    };
    write(&path, options, &mut json).expect("a report");
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&json).expect("JSON");
    let talked = [0, 1, 2].map(|row: usize| rows[row]["talk_seconds"].clone());
    let expected: [serde_json::Value; 3] = [7.96.into(), serde_json::Value::Null, 22.66.into()];
    assert_eq!(talked, expected);
}

/// An attempt of a random journal, and what has been written of it.
#[derive(Debug, Clone, Default)]
struct Known {
    lead: u32,
    attempt: u64,
    dialed: u64,
    ringing: Option<u64>,
    answered: Option<u64>,
    bridged: Option<u64>,
    agent: Option<u64>,
    end: Option<(u64, Disposition, u16, Option<u16>)>,
}

/// Some leads with up to three attempts each, in all ways in which these may have come far.
fn random_journal(rng: &mut fastrand::Rng, leads: u32) -> (Vec<Record>, Vec<Known>) {
    let numbers: Vec<String> = (0..leads).map(|n| format!("+7{n:06}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let mut records = run(1, &numbers).to_vec();
    let mut all = Vec::new();
    let mut now = 1_000;
    for lead in 0..leads {
        for again in 0..rng.u32(0..4) {
            if again > 0 {
                records.push(Record::LeadRequeued {
                    run: RunId(1),
                    lead: LeadId(lead),
                    at: at(now),
                });
            }
            let mut known = Known {
                lead,
                attempt: all.len() as u64 + 1,
                dialed: now,
                ..Known::default()
            };
            records.push(begun(known.attempt, lead, now));
            let mut come_to = |rng: &mut fastrand::Rng, step_: Step, now: &mut u64| {
                *now += rng.u64(1..4000);
                records.push(step(known.attempt, step_, *now));
                Some(*now)
            };
            if rng.bool() {
                known.ringing = come_to(rng, Step::Ringing, &mut now);
            }
            if rng.u8(..3) > 0 {
                known.answered = come_to(rng, Step::Answered, &mut now);
            }
            if known.answered.is_some() && rng.u8(..3) > 0 {
                known.bridged = come_to(rng, Step::Bridged, &mut now);
            }
            if known.bridged.is_some() && rng.bool() {
                known.agent = come_to(rng, Step::Agent, &mut now);
            }
            now += rng.u64(1..4000);
            let disposition = match (known.answered, known.bridged) {
                // By Asterisk's own times one may have left before the other one came.
                (_, Some(_)) if known.agent.is_none() && rng.bool() => Disposition::Abandoned,
                (_, Some(_)) => Disposition::Answered,
                (Some(_), None) => Disposition::Abandoned,
                (None, None) => *rng
                    .choice(&[
                        Disposition::Busy,
                        Disposition::NoAnswer,
                        Disposition::Failed,
                    ])
                    .expect("some"),
            };
            let cause = *rng.choice(&[0, 16, 17, 19]).expect("some");
            let sip = rng.bool().then(|| rng.u16(400..700));
            // The last one of the last lead may be in the air.
            let lives = lead + 1 == leads && again == 0 && rng.bool();
            if !lives {
                known.end = Some((now, disposition, cause, sip));
                records.push(ended(known.attempt, now, disposition, (cause, sip)));
            }
            all.push(known);
            if lives {
                break;
            }
        }
    }
    (records, all)
}

impl Known {
    /// The figures of its row, from what was written and nothing else.
    fn figures(&self) -> Vec<(&'static str, serde_json::Value)> {
        use serde_json::Value::Null;
        let clock = |ms: u64| {
            let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
            let (seconds, ms) = (ms / 1000 % 60, ms % 1000);
            format!("2026-01-01T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z").into()
        };
        let time = |ms: Option<u64>| ms.map_or(Null, clock);
        // In milliseconds, as `in_ms` has them.
        let seconds = |ms: Option<u64>| ms.map_or(Null, Into::into);
        let ended_at = self.end.map(|(at, ..)| at);
        let disposition = self.end.map(|(_, disposition, ..)| disposition);
        let abandoned = disposition == Some(Disposition::Abandoned);
        let bridged = self.bridged.filter(|_| !abandoned);
        let spoke = bridged.map(|bridged| self.agent.unwrap_or(bridged).max(bridged));
        let talked = spoke.zip(ended_at).map(|(from, to)| to - from);
        let waited = self
            .agent
            .and(spoke)
            .zip(self.answered)
            .map(|(to, from)| to - from);
        let rang = self.answered.or(ended_at).map(|until| until - self.dialed);
        let dead_air = (disposition == Some(Disposition::Answered)).then_some(4);
        vec![
            ("number", format!("+7{:06}", self.lead).into()),
            (
                "disposition",
                disposition.map_or(Null, |d| d.as_str().into()),
            ),
            (
                "cause",
                self.end.map_or(Null, |(_, _, q850, _)| match q850 {
                    0 => Null,
                    cause => cause.into(),
                }),
            ),
            (
                "sip_code",
                self.end.and_then(|end| end.3).map_or(Null, Into::into),
            ),
            ("dialed_at", clock(self.dialed)),
            ("ringing_at", time(self.ringing)),
            ("answered_at", time(self.answered)),
            ("bridged_at", time(bridged)),
            ("ended_at", time(ended_at)),
            ("agent_at", time(self.agent)),
            ("ring_seconds", seconds(rang)),
            ("talk_seconds", seconds(talked)),
            ("wait_seconds", seconds(waited)),
            ("dead_air_ms", dead_air.map_or(Null, Into::into)),
        ]
    }
}

/// A value as [`Known::figures`] has it: seconds in milliseconds.
fn in_ms(name: &str, value: &serde_json::Value) -> serde_json::Value {
    match value.as_f64() {
        Some(seconds) if name.ends_with("_seconds") => {
            let told = format!("{seconds:.3}").replace('.', "");
            told.parse::<u64>().expect("digits").into()
        }
        _ => value.clone(),
    }
}

#[test]
fn every_figure_of_the_report_can_be_recomputed_from_the_records() {
    let mut dropped = 0;
    for seed in 0..40 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (records, all) = random_journal(&mut rng, 8);
        let (_dir, path, _) = journal_of(records);
        let json = report(&path, by_attempt(Format::Json));
        let rows: Vec<serde_json::Value> = serde_json::from_str(&json).expect("it is JSON");
        assert_eq!(rows.len(), all.len(), "seed {seed}");
        for (row, known) in rows.iter().zip(&all) {
            for (name, expected) in known.figures() {
                let found = in_ms(name, &row[name]);
                assert_eq!(found, expected, "seed {seed}, {name} of {known:?}");
            }
            let abandoned = row["disposition"] == "abandoned";
            dropped += usize::from(abandoned && known.bridged.is_some());
        }
        let json = report(
            &path,
            ReportOptions {
                format: Format::Json,
                ..CSV
            },
        );
        let rows: Vec<serde_json::Value> = serde_json::from_str(&json).expect("it is JSON");
        assert_eq!(rows.len(), 8, "seed {seed}");
        for (lead, row) in (0..).zip(&rows) {
            let of_it: Vec<&Known> = all.iter().filter(|known| known.lead == lead).collect();
            assert_eq!(row["attempts"], of_it.len(), "seed {seed}, lead {lead}");
            let Some(last) = of_it.last() else {
                continue;
            };
            for (name, expected) in last.figures() {
                let found = in_ms(name, &row[name]);
                assert_eq!(found, expected, "seed {seed}, {name} of lead {lead}");
            }
        }
    }
    assert!(dropped > 10, "{dropped}");
}
