//! The journal under `kill -9`: what was promised is there, and there is no gap in it.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use dialdeck::campaign::{
    AttemptEnd, AttemptId, Disposition, EndedBy, HangupCause, LeadId, Number, Record, RunId, Time,
};
use dialdeck::journal::{Journal, KnownLead, LeadStatus};

/// Where the writing process finds its journal.
const JOURNAL: &str = "DIALDECK_TEST_JOURNAL";
const RUN: RunId = RunId(1);
const LEADS: u32 = 50_000;
const ROUNDS: usize = 10;
/// Appends on their way at once, so that commits have many and a kill falls among them.
const IN_FLIGHT: usize = 256;

fn first_records() -> Vec<Record> {
    let number = |n: u32| Number::parse(&format!("79{n:08}")).expect("a number");
    let opened = Record::RunOpened {
        run: RUN,
        list: "numbers.txt".to_owned(),
        at: Time(0),
    };
    let listed = Record::LeadsListed {
        run: RUN,
        first: LeadId(0),
        numbers: (0..LEADS).map(number).collect(),
    };
    vec![opened, listed]
}

fn begun(attempt: AttemptId, lead: LeadId) -> Record {
    Record::AttemptBegun {
        attempt,
        run: RUN,
        lead,
        queued_at: Time(0),
        at: Time(attempt.0),
    }
}

fn ended(attempt: AttemptId) -> Record {
    let end = AttemptEnd {
        at: Time(attempt.0),
        disposition: Disposition::Busy,
        cause: HangupCause::default(),
        by: EndedBy::Carrier,
        note: None,
        dead_air_ms: None,
    };
    Record::AttemptEnded { attempt, end }
}

/// The process that is killed: ends what its predecessor left open, then dials lead after
/// lead, and prints each attempt whose beginning is durable.
#[test]
#[ignore = "it writes until it is killed: the process that the other test starts"]
fn writes_until_it_is_killed() {
    let path = env::var_os(JOURNAL).expect("the other test names the journal");
    let (journal, recovered) = Journal::open(Path::new(&path)).expect("opens");
    let writer = journal.writer();
    for open in recovered.run.expect("the run").unfinished {
        let closed = writer.append_blocking(vec![ended(open.attempt)]);
        closed.expect("it is open");
    }
    for attempt in recovered.next_attempt.0.. {
        let id = AttemptId(attempt);
        let lead = LeadId(u32::try_from(attempt - 1).expect("a lead"));
        assert!(lead.0 < LEADS, "nobody killed it");
        let say = move |result: Result<(), _>| {
            result.expect("the beginning fits");
            // Straight to the pipe: a buffer would die with the process.
            let mut out = std::io::stdout().lock();
            writeln!(out, "begun {attempt}").expect("the other test listens");
            out.flush().expect("the other test listens");
        };
        while writer.stats().queued > IN_FLIGHT {
            thread::sleep(Duration::from_micros(100));
        }
        writer.try_append(vec![begun(id, lead)], say).expect("room");
        writer.try_append(vec![ended(id)], |_| {}).expect("room");
    }
}

fn start_writer(path: &Path) -> Child {
    Command::new(env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "journal::writes_until_it_is_killed"])
        .arg("--nocapture")
        .env(JOURNAL, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

/// Kills the writer after it has promised `promises` more, and gives the last promise.
fn kill_after(mut writer: Child, promises: usize) -> u64 {
    let out = writer.stdout.take().expect("it is piped");
    let mut heard = BufReader::new(out)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("begun ")?.parse::<u64>().ok());
    let last = heard.nth(promises).expect("it promises");
    writer.kill().expect("it is alive");
    writer.wait().expect("it is dead");
    // What was in the pipe had been promised too.
    heard.last().unwrap_or(last)
}

/// Every promised attempt is there, from the first to the last without a gap.
fn check(path: &Path, promised: u64, round: usize) {
    let (journal, recovered) = Journal::open(path).expect("opens after a kill");
    let next = recovered.next_attempt.0;
    assert!(next > promised, "round {round}: {promised} is lost, {next}");
    let mut open = 0;
    journal
        .for_each_lead(RUN, |known| {
            let KnownLead {
                lead,
                status,
                attempts,
                ..
            } = known;
            let dialed = u64::from(lead.0) + 1 < next;
            assert_eq!(attempts, u32::from(dialed), "round {round}, lead {lead}");
            assert_eq!(status == LeadStatus::Waiting, !dialed, "lead {lead}");
            open += usize::from(matches!(status, LeadStatus::InFlight(_)));
        })
        .expect("reads");
    let unfinished = recovered.run.expect("the run").unfinished;
    assert_eq!(unfinished.len(), open, "round {round}");
    assert!(open <= 1, "round {round}: each end follows its beginning");
}

#[test]
fn what_was_promised_survives_kill_9() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("dialdeck.db");
    let (journal, _) = Journal::open(&path).expect("opens");
    let listed = journal.writer().append_blocking(first_records());
    listed.expect("written");
    journal.close().expect("closes");
    let mut rng = fastrand::Rng::with_seed(7);
    for round in 0..ROUNDS {
        let promised = kill_after(start_writer(&path), rng.usize(1..2_000));
        check(&path, promised, round);
    }
}
