//! Values that try to be more than values: what Asterisk, a carrier and the settings say
//! reaches the table as it is, and nothing else happens there.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use dialdeck::campaign::{
    AsteriskIds, AttemptEnd, AttemptId, Disposition, EndedBy, HangupCause, LeadId, LegNote, Number,
    Part, Record, RecordingState, RunId, Step, Time,
};
use dialdeck::journal::{Journal, Reader};
use dialdeck::mirror::{Mirror, MirrorState};
use tempfile::TempDir;

use crate::support::copied::{
    DIAL, TABLE, assert_tells_what_the_report_does, count, rig, settings, wait_for,
};
use crate::support::database::{Database, Named};
use crate::support::incumbent::column;

const RUN: RunId = RunId(1);

/// The most that `VARCHAR(255)` holds, in characters.
const VARCHAR: usize = 255;

/// Each of them stands for every text of a call's row that comes from somewhere else.
fn values() -> Vec<String> {
    vec![
        "'); DROP TABLE call_leg_timelines; DROP TABLE calls.witness; -- ".to_owned(),
        r#"\' OR "1"="1" ` \"#.to_owned(),
        "\0 \u{1}\u{8}\u{1a}\u{7f}\r\n\t\u{1b}[2J\u{85}".to_owned(),
        "😀 𝔘 🇺🇳 e\u{301} \u{202e}\u{feff}\u{10ffff}".to_owned(),
        "? :name @@version $1 %s %00 /*!50000 1 */ # NULL \\N \\0 \\Z".to_owned(),
        // As wide as the columns are, in the widest characters there are.
        "😀".repeat(VARCHAR),
        // A dial string and a path may be longer than the other columns are wide.
        "é'\\😀".repeat(1_000),
    ]
}

fn clipped(text: &str) -> String {
    text.chars().take(VARCHAR).collect()
}

/// A call of which everything says `value`; a channel's name is never longer than its column.
fn call(nth: usize, value: &str) -> Vec<Record> {
    let attempt = AttemptId(nth as u64 + 1);
    let at = |seconds: u64| Time((nth as u64 * 100 + seconds) * 1_000_000);
    let leg = |part, note| Record::Leg {
        attempt,
        part,
        note,
    };
    let dialed = |at| LegNote::Dialed {
        to: value.to_owned(),
        at,
    };
    let progress = |step, at| Record::AttemptProgress { attempt, step, at };
    let recording = |state| Record::Recording { attempt, state };
    vec![
        Record::AttemptBegun {
            attempt,
            run: RUN,
            lead: LeadId(u32::try_from(nth).expect("few")),
            queued_at: at(0),
            at: at(1),
        },
        leg(Part::A, dialed(at(2))),
        leg(Part::A, LegNote::Named(clipped(value))),
        progress(Step::Answered, at(3)),
        leg(Part::B, LegNote::Named(clipped(value))),
        leg(Part::B, dialed(at(4))),
        progress(Step::Bridged, at(5)),
        recording(RecordingState::Started {
            name: value.to_owned(),
            format: "wav".to_owned(),
        }),
        Record::AttemptEnded {
            attempt,
            end: AttemptEnd {
                at: at(6),
                disposition: Disposition::Answered,
                cause: HangupCause::default(),
                by: EndedBy::Callee,
                note: Some(value.to_owned()),
                dead_air_ms: None,
            },
        },
        recording(RecordingState::Saved {
            path: value.to_owned(),
        }),
    ]
}

/// A run over one number for each value.
fn run(values: &[String]) -> Vec<Record> {
    let number = |nth| Number::parse(&format!("8077{nth:04}")).expect("a number");
    vec![
        Record::RunOpened {
            run: RUN,
            list: "numbers.txt".to_owned(),
            at: Time(0),
        },
        Record::LeadsListed {
            run: RUN,
            first: LeadId(0),
            numbers: (0..values.len()).map(number).collect(),
        },
    ]
}

fn assert_holds(row: &Named, value: &str) {
    let short = clipped(value);
    for (name, expected) in [
        ("leg_a_peer", short.as_str()),
        ("leg_a_dial_string", value),
        ("leg_a_answered_by", &short),
        ("leg_b_peer", &short),
        ("leg_b_dial_string", value),
        ("leg_b_answered_by", &short),
        ("recording_path", value),
        ("leg_a_status", "ANSWERED"),
        ("leg_a_start", "1970-01-01 00:"),
    ] {
        let found = column(row, name).expect("it has a value");
        let same = found == expected || (name == "leg_a_start" && found.starts_with(expected));
        assert!(same, "{name}: {found:?} is not {expected:?}");
    }
}

/// A table beside ours that an injected statement would reach.
fn witness(server: &Database) -> Vec<Named> {
    server.rows("SELECT * FROM calls.witness")
}

#[test]
fn whatever_a_value_holds_the_row_has_it_and_nothing_else_happens() {
    let server = Database::start();
    server.run("CREATE TABLE calls.witness (word TEXT)");
    server.run("INSERT INTO calls.witness VALUES ('here')");
    let untouched = witness(&server);
    let dir = TempDir::new().expect("a temporary folder");
    let (journal, recovered) = Journal::open(&dir.path().join("dialdeck.db")).expect("opens");
    journal.feed_outbox();
    let values = values();
    let mut records = run(&values);
    records.extend(values.iter().enumerate().flat_map(|(nth, v)| call(nth, v)));
    let written = journal.writer().append_blocking(records);
    written.expect("the journal takes them");

    let ids = AsteriskIds::new(&recovered.token);
    let path = journal.path().to_owned();
    let mirror = Mirror::start(&settings(&server), &path, journal.writer(), ids);
    let mirror = mirror.expect("a thread");
    let waiting = || {
        let reader = Reader::open(&path).expect("it can be read");
        reader.backlog().expect("it can be read").rows
    };
    wait_for("an empty outbox", || waiting() == 0);
    wait_for("that it is told", || mirror.view().waiting == 0);
    assert_eq!(mirror.view().state, MirrorState::Connected);
    assert_eq!(mirror.finish(Duration::from_secs(3)).waiting, 0);

    let rows = server.rows(&format!("SELECT * FROM {TABLE} ORDER BY leg_a_number"));
    assert_eq!(rows.len(), values.len(), "one row a call");
    for (row, value) in rows.iter().zip(&values) {
        assert_holds(row, value);
    }
    assert_eq!(witness(&server), untouched);
}

/// What Asterisk calls the channels of the trunk, and what it says instead: as many bytes, so
/// that the frames around them fit. In JSON, as it is told.
const TOLD: [&str; 2] = ["PJSIP/mytrunk-", r#"'\u0000\"😀;"#];

/// Between dialer and Asterisk, and renames every channel of the trunk.
fn renaming(asterisk: SocketAddr) -> String {
    assert_eq!(TOLD[0].len(), TOLD[1].len());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            if let Ok(behind) = TcpStream::connect(asterisk) {
                pass(&client, &behind, |_| ());
                pass(&behind, &client, rename);
            }
        }
    });
    url
}

/// Each event and each answer comes in one piece.
fn rename(bytes: &mut [u8]) {
    let [from, to] = TOLD.map(str::as_bytes);
    let found: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    for at in found {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}

fn pass(from: &TcpStream, to: &TcpStream, change: fn(&mut [u8])) {
    let mut from = from.try_clone().expect("a socket can be shared");
    let mut to = to.try_clone().expect("a socket can be shared");
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            change(&mut buffer[..read]);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // The other side may be gone already.
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[test]
fn a_hostile_asterisk_and_hostile_settings_are_written_down_like_any_other() {
    let server = Database::start();
    let mut rig = rig(["8177001", "1077002", "8377003"], &server.env());
    rig.deck.change("ARI_URL", renaming(rig.asterisk.addr()));
    let folder = r#"it's "); DROP TABLE call_leg_timelines; -- \ 😀 %s ` x"#;
    rig.deck.change("RECORDINGS_DIR", folder);
    let ended = rig.deck.run(&DIAL);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    assert_eq!(count(&server), 3);
    assert_tells_what_the_report_does(&server, &rig.deck);
    let rows = server.rows(&format!("SELECT * FROM {TABLE} ORDER BY leg_a_number"));
    for row in &rows {
        let peer = column(row, "leg_a_peer").expect("a name");
        // Control characters are written out where a stranger's text comes in.
        assert!(peer.starts_with(r#"'\u{0}"😀;"#), "{peer}");
    }
    let recorded = rows.iter().filter_map(|row| column(row, "recording_path"));
    let recorded: Vec<&str> = recorded.collect();
    assert_eq!(recorded.len(), 2, "two were answered");
    for path in recorded {
        assert!(path.contains(folder), "{path}");
        assert!(std::fs::metadata(path).is_ok(), "no file {path}");
    }
}
