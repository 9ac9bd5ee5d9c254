//! The durable record of every run, lead and attempt: one `SQLite` file and one writer.
//!
//! - [`Journal::open`] takes the journal for this process, or says in a sentence why not, and
//!   tells what the last engine left ([`Recovered`]). What it refuses it leaves as it was.
//! - [`Writer`] takes [`Record`](crate::campaign::Record)s and answers when they are durable.
//! - [`Reader`] reads a journal, also while an engine writes it.
//!
//! What is written: `journal/schema/`. What each record does to it: `journal/apply.rs`.
//!
//! # When the disk is full
//! The beginning of an attempt is refused at once and never written later, so that nobody is
//! dialed whom the journal does not know. All other records are kept in memory, within
//! [`QUEUE_LIMIT`], and written in their order when there is room again.
//!
//! One thing cannot be told by anybody: when the sync of a commit fails and the process dies
//! before the next one succeeds, the refused attempts of that commit may be found at the next
//! start. They count as unfinished then, which is the safe side: they are looked up, and not
//! called again by themselves.

mod apply;
mod attempts;
mod error;
mod files;
mod lock;
mod look;
mod open;
mod outbox;
mod reader;
mod recover;
mod schema;
mod scribe;
mod wal;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use uuid::Uuid;

use crate::campaign::{AttemptId, Ending, RunId};
use lock::Lock;
use open::Found;
use scribe::{Leftover, Scribe};
use writer::Shared;

pub use attempts::AttemptLine;
pub(crate) use error::is_damage;
pub use error::{Contradiction, JournalError, WriteFailure};
pub use look::{Look, look};
pub use outbox::{Backlog, LegLine, OutboxLine};
pub use reader::Reader;
pub use recover::{
    AUDIT_LINES, AuditLine, KnownLead, LeadStatus, Recovered, RecoveredRun, StartedRecording,
    Unfinished, WaitingRecording,
};
#[cfg(test)]
pub(crate) use scribe::{ByHand, Disk};
pub use writer::{Health, QUEUE_LIMIT, Rejected, Rejection, Writer, WriterStats};

/// A journal that this process holds. While it lives, no other engine can open it.
pub struct Journal {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), Leftover>>>,
    /// Let go of last.
    _lock: Lock,
}

impl Journal {
    /// Opens the journal at `path`, or creates it where there is none.
    ///
    /// Fails without having changed anything where another engine holds it
    /// ([`JournalError::Held`]), or where it is damaged, of a newer version, or no journal.
    pub fn open(path: &Path) -> Result<(Self, Recovered), JournalError> {
        let path = files::canonical(path)?;
        let lock = Lock::take(&path)?;
        let (conn, recovered) = take_over(&path)?;
        let shared = Arc::new(Shared::default());
        let scribe = Scribe::new(conn, recovered.uuid, Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(|| scribe.run())
            .map_err(|source| JournalError::Io {
                path: path.clone(),
                doing: "start the thread that writes",
                source,
            })?;
        let journal = Self {
            path,
            shared,
            thread: Some(thread),
            _lock: lock,
        };
        Ok((journal, recovered))
    }

    /// As [`Self::open`], but without the thread: who holds the [`ByHand`] says when what
    /// was appended is written.
    #[cfg(test)]
    pub(crate) fn open_by_hand(path: &Path) -> Result<(Self, Recovered, ByHand), JournalError> {
        let path = files::canonical(path)?;
        let lock = Lock::take(&path)?;
        let (conn, recovered) = take_over(&path)?;
        let shared = Arc::new(Shared::default());
        let scribe = Scribe::new(conn, recovered.uuid, Arc::clone(&shared));
        let journal = Self {
            path,
            shared,
            thread: None,
            _lock: lock,
        };
        Ok((journal, recovered, ByHand(scribe)))
    }

    /// Gives every lead of `run` in the order of their ids. Reads as it goes, so a million
    /// leads are never held twice. It sees what is durable when it is called.
    pub fn for_each_lead(
        &self,
        run: RunId,
        each: impl FnMut(KnownLead),
    ) -> Result<(), JournalError> {
        let reader = Reader::open(&self.path)?;
        recover::for_each_lead(&self.path, reader.connection(), run, each)
    }

    /// How the latest attempts of `run` ended, in the order in which they did.
    pub fn latest_endings(&self, run: RunId) -> Result<Vec<Ending>, JournalError> {
        let reader = Reader::open(&self.path)?;
        recover::latest_endings(&self.path, reader.connection(), run)
    }

    /// A handle to append with; any number of them may be made.
    #[must_use]
    pub fn writer(&self) -> Writer {
        Writer::new(Arc::clone(&self.shared))
    }

    /// From now on, what changes an attempt marks it for the SQL copy. Attempts that ended
    /// before are not marked.
    pub fn feed_outbox(&self) {
        self.shared.mirrored.store(true, Ordering::Relaxed);
    }

    /// The file, with all links followed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes no more records, writes those that wait, tidies the file and lets it go. Blocks
    /// until that is done. Dropping does the same, and cannot tell what went wrong.
    pub fn close(mut self) -> Result<(), JournalError> {
        let leftover = match self.finish() {
            Some(Ok(Ok(()))) | None => return Ok(()),
            Some(Ok(Err(leftover))) => leftover,
            Some(Err(_)) => Leftover {
                records: self.writer().stats().queued,
                why: "its writer ended in a panic".to_owned(),
            },
        };
        Err(JournalError::Unwritten {
            path: self.path.clone(),
            records: leftover.records,
            why: leftover.why,
        })
    }

    fn finish(&mut self) -> Option<thread::Result<Result<(), Leftover>>> {
        self.shared.close();
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.finish();
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The connection that writes, and what the journal knows. Everything that can be wrong with
/// a journal of this format is found before anything opens it for writing.
fn take_over(path: &Path) -> Result<(rusqlite::Connection, Recovered), JournalError> {
    match open::inspect(path)? {
        Found::Absent => open::create(path)?,
        Found::Journal { version, conn } if version == schema::VERSION => {
            let recovered = recover::recover(path, &conn)?;
            return Ok((open::connect(path)?, recovered));
        }
        Found::Journal { .. } => {}
    }
    let conn = open::connect(path)?;
    let recovered = recover::recover(path, &conn)?;
    Ok((conn, recovered))
}

/// The id of a call, for reports, file names and the SQL copy: a UUID of version 5 (RFC 9562)
/// over the attempt's decimal digits, in the namespace of the journal's own id. The same
/// attempt always gets the same.
#[must_use]
pub fn call_id(journal: Uuid, attempt: AttemptId) -> Uuid {
    Uuid::new_v5(&journal, attempt.to_string().as_bytes())
}
