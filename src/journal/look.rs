//! A look at a journal from outside: whether an engine holds it, and what it knows. Changes
//! nothing and leaves nothing behind.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::JournalError;
use super::recover::Recovered;
use super::{files, lock, open, recover, schema};

/// What lies where the journal is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing yet.
    Absent,
    /// A journal that an engine has open.
    Held {
        /// Its process id.
        pid: u32,
    },
    /// A sound journal of an older format, which the next engine brings up to date.
    Older,
    /// A sound journal that nobody holds, and what the last engine left.
    Free(Box<Recovered>),
}

/// Looks at the journal at `path`.
pub fn look(path: &Path) -> Result<Look, JournalError> {
    let path = files::canonical(path)?;
    if let Some(pid) = holder(&path) {
        return Ok(Look::Held { pid });
    }
    if !files::check_header(&path)? {
        return Ok(Look::Absent);
    }
    // After an engine that ended in peace there is no WAL, and reading the file alone makes
    // none. After another, what SQLite would make is there already.
    let alone = !files::has_content(&files::beside(&path, "-wal"));
    let (conn, version) = open::connect_to_look(&path, alone)?;
    if version < schema::VERSION {
        return Ok(Look::Older);
    }
    Ok(Look::Free(Box::new(recover::recover(&path, &conn)?)))
}

/// Who holds the journal, if anybody does.
///
/// To ask is to take the lock for a moment, in which an engine that starts would find it held.
/// So only a lock file that names a process is asked: an engine empties it when it ends.
fn holder(path: &Path) -> Option<u32> {
    let mut file = File::open(files::beside(path, ".lock")).ok()?;
    let pid = lock::read_pid(&mut file)?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(pid),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}
