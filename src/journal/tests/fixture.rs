//! Records and files for the tests.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::campaign::{
    AttemptEnd, AttemptId, Disposition, EndedBy, HangupCause, LeadId, Number, Record,
    RecordingState, RunId, RunState, Step, Time,
};
use crate::journal::{Journal, LeadStatus, Recovered};

pub(super) const RUN: RunId = RunId(1);

/// A folder that is removed in the end, and the path of a journal in it.
pub(super) fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("dialdeck.db");
    (dir, path)
}

pub(super) fn open(path: &Path) -> (Journal, Recovered) {
    Journal::open(path).expect("the journal opens")
}

/// Opens, appends, closes.
pub(super) fn write(path: &Path, records: Vec<Record>) {
    let (journal, _) = open(path);
    journal
        .writer()
        .append_blocking(records)
        .expect("the records are written");
    journal.close().expect("the journal closes");
}

pub(super) fn number(n: u32) -> Number {
    Number::parse(&format!("7999{n:07}")).expect("a number")
}

pub(super) fn opened(run: RunId) -> Record {
    Record::RunOpened {
        run,
        list: "/lists/numbers.txt".to_owned(),
        at: Time(1_000),
    }
}

/// A run with leads 0 to `leads`.
pub(super) fn run_of(leads: u32) -> Vec<Record> {
    vec![opened(RUN), listed(0, leads)]
}

pub(super) fn listed(first: u32, count: u32) -> Record {
    Record::LeadsListed {
        run: RUN,
        first: LeadId(first),
        numbers: (first..first + count).map(number).collect(),
    }
}

/// An attempt at a lead, dialed `attempt` seconds after 1970.
pub(super) fn begun(attempt: u64, lead: u32) -> Record {
    Record::AttemptBegun {
        attempt: AttemptId(attempt),
        run: RUN,
        lead: LeadId(lead),
        queued_at: Time(500_000),
        at: Time(attempt * 1_000_000),
    }
}

pub(super) fn withdrawn(attempt: u64) -> Record {
    Record::AttemptWithdrawn {
        attempt: AttemptId(attempt),
    }
}

pub(super) fn requeued(lead: u32) -> Record {
    Record::LeadRequeued {
        run: RUN,
        lead: LeadId(lead),
        at: Time(4),
    }
}

pub(super) fn skipped(lead: u32) -> Record {
    Record::LeadSkipped {
        run: RUN,
        lead: LeadId(lead),
        why: "no longer listed".to_owned(),
        at: Time(3),
    }
}

pub(super) fn taken_off(lead: u32) -> Record {
    Record::LeadSkipped {
        run: RUN,
        lead: LeadId(lead),
        why: "by the operator".to_owned(),
        at: Time(3),
    }
}

pub(super) fn step(attempt: u64, step: Step, at: u64) -> Record {
    Record::AttemptProgress {
        attempt: AttemptId(attempt),
        step,
        at: Time(at),
    }
}

pub(super) fn ended(attempt: u64, disposition: Disposition) -> Record {
    Record::AttemptEnded {
        attempt: AttemptId(attempt),
        end: AttemptEnd {
            at: Time(attempt * 1_000_000 + 9),
            disposition,
            cause: HangupCause {
                q850: 17,
                sip: Some(486),
            },
            by: EndedBy::Carrier,
            note: None,
            dead_air_ms: None,
        },
    }
}

pub(super) fn recording(attempt: u64, state: RecordingState) -> Record {
    Record::Recording {
        attempt: AttemptId(attempt),
        state,
    }
}

pub(super) fn started(attempt: u64) -> Record {
    let state = RecordingState::Started {
        name: format!("dd/{attempt}"),
        format: "wav".to_owned(),
    };
    recording(attempt, state)
}

pub(super) fn state(state: RunState) -> Record {
    Record::RunState {
        run: RUN,
        state,
        at: Time(2_000),
    }
}

pub(super) fn audit(n: usize) -> Record {
    Record::Audit {
        at: Time(n as u64),
        by: "keyboard".to_owned(),
        command: format!("command {n}"),
        outcome: "done".to_owned(),
    }
}

/// Where every lead of the run stands, and after how many attempts.
pub(super) fn leads(journal: &Journal) -> Vec<(LeadStatus, u32)> {
    let mut found = Vec::new();
    journal
        .for_each_lead(RUN, |known| {
            let id = known.lead.0;
            assert_eq!(id as usize, found.len(), "in the order of the ids");
            assert_eq!(known.number, number(id), "each with its own number");
            found.push((known.status, known.attempts));
        })
        .expect("the leads are read");
    found
}

/// The first column of the first row of `sql`, as text.
pub(super) fn ask(path: &Path, sql: &str) -> String {
    let conn = rusqlite::Connection::open(path).expect("opens");
    conn.query_row(&format!("SELECT CAST(({sql}) AS TEXT)"), [], |row| {
        row.get::<_, Option<String>>(0)
    })
    .expect("the query runs")
    .unwrap_or_else(|| "null".to_owned())
}
