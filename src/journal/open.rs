//! Opening a journal: look first, with nothing that could write, then create, migrate, connect.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags, params};
use uuid::Uuid;

use super::error::{JournalError, while_doing};
use super::files;
use super::schema::{self, APPLICATION_ID, VERSION};

/// How long a statement waits for a lock that another program holds: `sqlite3` at a prompt,
/// or a reader that repairs the shared index.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a start looks for damage. A million leads with an attempt each take about two
/// seconds, so nearly every journal is read whole. A larger one is read as far as this goes;
/// what a start rests upon, it reads itself after that (open attempts and the run's leads),
/// and damage found there refuses the journal too.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The cache of the connection that writes, in KiB: it fills, and stays so.
const CACHE_KIB: i64 = 2 * 1024;

/// The same while a long list is written. A million numbers in no order touch the whole index
/// by number, 25 MB of it; with half of this cache, its pages are written so often that listing
/// them takes twice as long.
const LISTING_CACHE_KIB: i64 = 32 * 1024;

/// The `-wal` file shrinks back to this many bytes after a large transaction.
const WAL_LIMIT: i64 = 16 * 1024 * 1024;

/// What lies at a path.
pub(super) enum Found {
    /// Nothing: a journal may be created.
    Absent,
    /// A sound journal, of this format or an older one, on a connection that cannot write.
    Journal {
        /// Its format.
        version: i64,
        /// Sees everything that was ever committed.
        conn: Connection,
    },
}

/// Looks at what is at `path` without changing it, and refuses what is not a sound journal
/// of a known format.
pub(super) fn inspect(path: &Path) -> Result<Found, JournalError> {
    if !files::check_header(path)? {
        return Ok(Found::Absent);
    }
    files::check_wal(path)?;
    let conn = connect_read_only(path, path.into())?;
    // Once more through SQLite: a newer program may have died with its migration in the WAL.
    let version = check_identity(path, &conn)?;
    check_soundness(path, &conn)?;
    Ok(Found::Journal { version, conn })
}

/// Refuses what is no journal, or a newer one; otherwise the format.
pub(super) fn check_identity(path: &Path, conn: &Connection) -> Result<i64, JournalError> {
    let id = conn
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(while_doing(path, "read"))?;
    files::check_application(path, id)?;
    let version = schema::version(conn).map_err(while_doing(path, "read"))?;
    files::check_not_newer(path, version)?;
    Ok(version)
}

/// The whole file is looked through first, then whether the leads agree with their index by
/// number: only so is a digit noticed that has changed.
fn check_soundness(path: &Path, conn: &Connection) -> Result<(), JournalError> {
    let until = Instant::now() + CHECK_TIMEOUT;
    for check in ["PRAGMA quick_check", "PRAGMA integrity_check(leads)"] {
        let left = until.saturating_duration_since(Instant::now());
        let found = within(left, conn, || {
            conn.query_row(check, [], |row| row.get::<_, String>(0))
        });
        match found {
            Ok(verdict) if verdict == "ok" => {}
            Ok(verdict) => return Err(JournalError::damaged(path, one_line(&verdict))),
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {}
            Err(e) => return Err(JournalError::sqlite(path, "check", e)),
        }
    }
    Ok(())
}

/// How soon work that was interrupted and goes on is interrupted again.
const INTERRUPT_AGAIN: Duration = Duration::from_millis(50);

/// Runs `work` on `conn`, and interrupts it after `limit`: again and again until it has ended,
/// since an interrupt that comes before a statement begins is lost on it.
fn within<T>(limit: Duration, conn: &Connection, work: impl FnOnce() -> T) -> T {
    let handle = conn.get_interrupt_handle();
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut patience = limit;
            while waiting.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
                handle.interrupt();
                patience = INTERRUPT_AGAIN;
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// The first line that says something: `quick_check` heads its findings with a title.
fn one_line(verdict: &str) -> String {
    let line = verdict.lines().find(|line| !line.starts_with("***"));
    line.unwrap_or(verdict).trim().to_owned()
}

/// Creates a journal at `path`, where nothing is. It is made under another name and moved
/// there whole, so that a death in between leaves no half of one.
pub(super) fn create(path: &Path) -> Result<(), JournalError> {
    let draft = files::beside(path, ".new");
    for leftover in ["", "-journal", "-wal", "-shm"] {
        files::remove(&files::beside(&draft, leftover))?;
    }
    write_new(&draft).map_err(while_doing(path, "create"))?;
    files::publish(&draft, path)
}

fn write_new(draft: &Path) -> rusqlite::Result<()> {
    let mut conn = Connection::open(draft)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    schema::migrate(&mut conn)?;
    conn.execute(
        "INSERT INTO meta VALUES (1, ?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER))",
        params![Uuid::new_v4().to_string()],
    )?;
    // The mode is a mark in the header. With it there from the beginning, the first hundred
    // bytes always tell the truth about whose file it is.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.close().map_err(|(_, e)| e)
}

/// The connection that writes, on a journal that [`inspect`] has passed, brought to this
/// program's format.
pub(super) fn connect(path: &Path) -> Result<Connection, JournalError> {
    // No CREATE: if somebody removes the file now, that is an error and no new journal.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let mut conn = Connection::open_with_flags(path, flags)?;
        tune(&conn)?;
        // What a power cut left half-written behind the end of the WAL must not lie there at
        // the next one, when it could be taken for damage. On a full disk it may stay.
        let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        schema::migrate(&mut conn)?;
        Ok(conn)
    };
    open().map_err(while_doing(path, "open"))
}

fn tune(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit reaches the disk before it is answered.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    cache(conn, false)?;
    conn.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    conn.set_prepared_statement_cache_capacity(48);
    Ok(())
}

/// The cache that the writing connection has for what it does next.
pub(super) fn cache(conn: &Connection, listing: bool) -> rusqlite::Result<()> {
    let kib = if listing {
        LISTING_CACHE_KIB
    } else {
        CACHE_KIB
    };
    conn.pragma_update(None, "cache_size", -kib)
}

/// A connection that reads, and whether it can see what lies in the `-wal` file.
pub(super) fn connect_reader(path: &Path) -> Result<(Connection, bool), JournalError> {
    let error = match connect_read_only(path, path.into()) {
        Ok(conn) => match check_identity(path, &conn) {
            Ok(VERSION) => return Ok((conn, true)),
            Ok(found) => {
                return Err(JournalError::Older {
                    path: path.to_owned(),
                    found,
                    known: VERSION,
                });
            }
            Err(e) => e,
        },
        Err(e) => e,
    };
    if !is_refused_index(&error) {
        return Err(error);
    }
    // A folder that cannot be written has no place for the shared index that a WAL needs.
    // Without a WAL, the file alone is all there is; with one, it is all but the last part.
    let conn = connect_read_only(path, immutable_uri(path))?;
    check_identity(path, &conn)?;
    Ok((conn, !files::has_content(&files::beside(path, "-wal"))))
}

/// A connection for a look, and the journal's format. `alone`: there is no `-wal` file,
/// and none is made.
pub(super) fn connect_to_look(path: &Path, alone: bool) -> Result<(Connection, i64), JournalError> {
    let name = if alone {
        immutable_uri(path)
    } else {
        path.into()
    };
    let conn = connect_read_only(path, name)?;
    let version = check_identity(path, &conn)?;
    check_soundness(path, &conn)?;
    Ok((conn, version))
}

fn is_refused_index(error: &JournalError) -> bool {
    let JournalError::Sqlite { source, .. } = error else {
        return false;
    };
    matches!(
        source.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

/// A path as `SQLite` takes it when it shall not look for a WAL
/// (<https://www.sqlite.org/uri.html>).
fn immutable_uri(path: &Path) -> PathBuf {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), ESCAPED);
    format!("file:{path}?immutable=1").into()
}

fn connect_read_only(path: &Path, name: PathBuf) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let open = || {
        let conn = Connection::open_with_flags(name, flags)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        conn.pragma_update(None, "trusted_schema", false)?;
        Ok(conn)
    };
    open().map_err(while_doing(path, "open"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_takes_too_long_is_interrupted() {
        let conn = Connection::open_in_memory().expect("opens");
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
                       SELECT count(*) FROM n";
        let counted = within(Duration::from_millis(20), &conn, || {
            conn.query_row(endless, [], |row| row.get::<_, i64>(0))
        });
        let code = counted.expect_err("it never ends").sqlite_error_code();
        assert_eq!(code, Some(ErrorCode::OperationInterrupted));
    }

    #[test]
    fn a_name_that_would_be_read_as_an_address_is_escaped() {
        let uri = immutable_uri(Path::new("/lists 50%/a?b#c.db"));
        let expected = "file:/lists%2050%25/a%3Fb%23c.db?immutable=1";
        assert_eq!(uri, Path::new(expected));
    }
}
