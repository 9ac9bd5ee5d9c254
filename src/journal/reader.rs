//! Reading a journal, also one that an engine writes at this moment.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::error::{JournalError, while_doing};
use super::{files, open, recover};
use crate::campaign::{AttemptId, RunId, Time};

/// A journal, open for reading. Takes no lock: that one binds engines.
pub struct Reader {
    path: PathBuf,
    conn: Connection,
    complete: bool,
    damage: Option<JournalError>,
}

impl Reader {
    /// Opens the journal at `path`. Refuses what is no journal or of another format; damage
    /// shows where it is read.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let path = files::canonical(path)?;
        if !files::check_header(&path)? {
            return Err(JournalError::Absent { path });
        }
        // Before SQLite opens it: the last of several connections may tidy the file up.
        let damage = files::check_wal(&path).err();
        let (conn, complete) = open::connect_reader(&path)?;
        Ok(Self {
            path,
            conn,
            complete,
            damage,
        })
    }

    /// The latest run, if there was one.
    pub fn latest_run(&self) -> Result<Option<RunId>, JournalError> {
        let sql = "SELECT max(run) FROM runs";
        let run: Option<u32> = self
            .conn
            .query_row(sql, [], |row| row.get(0))
            .map_err(while_doing(&self.path, "read"))?;
        Ok(run.map(RunId))
    }

    /// Whether there is such a run.
    pub fn has_run(&self, run: RunId) -> Result<bool, JournalError> {
        let sql = "SELECT 1 FROM runs WHERE run = ?1";
        let found = self
            .conn
            .query_row(sql, params![run.0], |_| Ok(()))
            .optional()
            .map_err(while_doing(&self.path, "read"))?;
        Ok(found.is_some())
    }

    /// The first attempt that was begun at `at` or later, of any run. Later attempts have
    /// greater ids.
    pub fn first_attempt_since(&self, at: Time) -> Result<Option<AttemptId>, JournalError> {
        // They are as good as sorted by time, so that the last one before ends the search.
        let sql = "SELECT attempt FROM attempts WHERE attempt >
                       coalesce((SELECT attempt FROM attempts WHERE dialed_at < ?1
                                 ORDER BY attempt DESC LIMIT 1), 0)
                   ORDER BY attempt LIMIT 1";
        let at = i64::try_from(at.0).unwrap_or(i64::MAX);
        let found = self
            .conn
            .query_row(sql, params![at], |row| recover::attempt(row, 0))
            .optional();
        found.map_err(while_doing(&self.path, "read"))
    }

    /// Whether everything can be seen. It is false where the journal lies in a folder that
    /// cannot be written, after an engine that did not end in peace: `SQLite` then cannot
    /// read the `-wal` file with the last records.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The damage that hides the last records, where there is some: what is read is then how
    /// things stood at an earlier moment.
    #[must_use]
    pub fn damage(&self) -> Option<&JournalError> {
        self.damage.as_ref()
    }

    /// The file, with all links followed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.conn
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
