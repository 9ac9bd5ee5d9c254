//! What can go wrong with a journal, in sentences that say what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::campaign::{AttemptId, LeadId, RunId};

/// Why a journal could not be opened, read or closed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another engine has it. Exit code 3.
    #[error(
        "Another engine{} holds the journal {path}: stop it, \
         or give this one a STATE_FILE of its own.",
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        path = path.display()
    )]
    Held {
        /// The journal.
        path: PathBuf,
        /// The other's process id, where its lock file tells.
        pid: Option<u32>,
    },
    /// A newer Dialdeck wrote it.
    #[error(
        "The journal {} was written by a newer Dialdeck (format {found}, this one knows up to \
         {known}) and was left as it is: start the newer one, or name another STATE_FILE.",
        path.display()
    )]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// An older Dialdeck wrote it, and a reader may not bring it up to date.
    #[error(
        "The journal {} was written by an older Dialdeck (format {found}, this one reads \
         {known}): start the engine once, which brings it up to date.",
        path.display()
    )]
    Older {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The format read here.
        known: i64,
    },
    /// The file is no SQLite database at all.
    #[error(
        "The file {} is no journal and was left as it is: name another STATE_FILE.",
        path.display()
    )]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// It is an SQLite database, of another program.
    #[error(
        "The SQLite database {} belongs to another program and was left as it is: name another \
         STATE_FILE.",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Something in it is not as it was written.
    #[error(
        "The journal {} is damaged ({what}) and was left as it is: bring it back from a backup, \
         or save what `dialdeck report` can still read, take the file away and begin a new one, \
         which will not know who has been called.",
        path.display()
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The `-wal` file of a journal lies there without the journal. `SQLite` would delete it,
    /// and with it the last things a dead engine wrote down.
    #[error(
        "{path}-wal holds the last records of a journal, but {path} itself is not there: put it \
         back, or remove {path}-wal too to begin a new journal, which will not know who has \
         been called.",
        path = path.display()
    )]
    Orphaned {
        /// The journal that is missing.
        path: PathBuf,
    },
    /// A reader found no journal.
    #[error("There is no journal {}: nothing has been dialed from here, or STATE_FILE names another.", path.display())]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error(
        "Cannot {doing} {}: {source}. Look at STATE_FILE and at the rights of its folder.",
        path.display()
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// There is no room for it, when it is opened or created.
    #[error(
        "Cannot {doing} {}: its disk is full. Free some of it, or give STATE_FILE a path on \
         another disk; a journal that is there already moves with its -wal file.",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What was tried, as an infinitive.
        doing: &'static str,
    },
    /// `SQLite` refused.
    #[error("Cannot {doing} the journal {}: {source}.", path.display())]
    Sqlite {
        /// The journal.
        path: PathBuf,
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// What it said.
        source: rusqlite::Error,
    },
    /// The journal closed while it could not be written: these records are lost.
    #[error(
        "{records} records of the journal {} could not be written before the end: {why}.",
        path.display()
    )]
    Unwritten {
        /// The journal.
        path: PathBuf,
        /// How many.
        records: usize,
        /// What stood against it.
        why: String,
    },
}

impl JournalError {
    /// What `source` means for the journal at `path`: damage, or something that refused.
    pub(crate) fn sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if is_damage(&source) {
            let what = source.to_string();
            return Self::Damaged { path, what };
        }
        if is_full(&source) {
            return Self::Full { path, doing };
        }
        Self::Sqlite {
            path,
            doing,
            source,
        }
    }

    /// What `source` means for a file beside the journal, or for the journal as a file.
    pub(super) fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::Full { path, doing };
        }
        Self::Io {
            path,
            doing,
            source,
        }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.into(),
        }
    }
}

/// Makes a closure for `map_err` that turns what `SQLite` said into a sentence.
pub(super) fn while_doing(
    path: &Path,
    doing: &'static str,
) -> impl FnOnce(rusqlite::Error) -> JournalError {
    move |source| JournalError::sqlite(path, doing, source)
}

/// Whether `error` says that the file's content is not what was written: pages that are no
/// pages, a schema that is another, or a cell whose type the schema forbids.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    // Every statement fits the schema of its format, so where one is refused as it stands, the
    // schema has changed.
    let refused = error
        .sqlite_error()
        .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_ERROR);
    refused
        || matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
        || matches!(
            error,
            E::InvalidColumnType(..)
                | E::IntegralValueOutOfRange(..)
                | E::FromSqlConversionFailure(..)
                | E::Utf8Error(..)
                | E::SqlInputError { .. }
        )
}

/// Whether `error` says that there is no room. The index that a WAL needs lies in a file of its
/// own, and `SQLite` has another word for a disk that has no room for that.
fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        e.code == ErrorCode::DiskFull || e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    })
}

/// A record that cannot be true beside what the journal holds. It is a fault in the program,
/// never of the disk, and is never written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The run was opened before.
    #[error("run {0} exists already")]
    RunExists(RunId),
    /// No such run was opened.
    #[error("there is no run {0}")]
    UnknownRun(RunId),
    /// A number or a lead id of these stands in the run already.
    #[error("a lead from {first} on is listed in run {run} already")]
    ListedTwice {
        /// The run.
        run: RunId,
        /// The first lead of the record.
        first: LeadId,
    },
    /// The lead is unknown, being dialed, or final.
    #[error("lead {lead} of run {run} does not wait")]
    NotWaiting {
        /// The run.
        run: RunId,
        /// The lead.
        lead: LeadId,
    },
    /// The lead is unknown, waits, or is being dialed.
    #[error("lead {lead} of run {run} has not ended")]
    NotDone {
        /// The run.
        run: RunId,
        /// The lead.
        lead: LeadId,
    },
    /// An attempt id was used twice.
    #[error("attempt {0} exists already")]
    AttemptExists(AttemptId),
    /// The attempt is unknown, withdrawn, or has ended: everything ends once.
    #[error("attempt {0} is not open")]
    NotOpen(AttemptId),
    /// The attempt is unknown or withdrawn, or its recording is saved already.
    #[error("attempt {0} takes no such recording")]
    NoRecording(AttemptId),
    /// A number in the record is beyond what the journal can hold.
    #[error("a value is out of range")]
    OutOfRange,
}

/// What became of an append that was not written as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteFailure {
    /// The journal cannot be written now. The attempts in `refused` were not begun and never
    /// will become durable: they must not be dialed. Every other record of the append is
    /// kept, and written in its order as soon as that is possible; no further answer comes.
    #[error("the journal cannot be written: {why}")]
    Full {
        /// The attempts whose beginning was refused.
        refused: Vec<AttemptId>,
        /// What stands against it.
        why: String,
    },
    /// Some records contradict the journal and were left out; all others are durable.
    #[error("the journal refused what contradicts it: {}", list(contradictions))]
    Contradicted {
        /// The attempts whose beginning was left out: they must not be dialed.
        refused: Vec<AttemptId>,
        /// What was wrong, in the order of the records.
        contradictions: Vec<Contradiction>,
    },
    /// The journal closed before these were written.
    #[error("the journal is closed")]
    Closed,
}

impl WriteFailure {
    /// Whether the beginning of `attempt`, which stood in this append, is not durable.
    #[must_use]
    pub fn refuses(&self, attempt: AttemptId) -> bool {
        match self {
            Self::Full { refused, .. } | Self::Contradicted { refused, .. } => {
                refused.contains(&attempt)
            }
            Self::Closed => true,
        }
    }
}

fn list(contradictions: &[Contradiction]) -> String {
    let texts: Vec<String> = contradictions.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
