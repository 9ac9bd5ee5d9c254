//! The files of a journal: its path, what lies beside it, and its first hundred bytes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::schema::{APPLICATION_ID, VERSION};
use super::wal;

/// What every `SQLite` file begins with (<https://www.sqlite.org/fileformat.html>).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The length of the database header.
const HEADER_LEN: usize = 100;

/// The path of a file that lies beside `path`: `dialdeck.db` and `-wal` make `dialdeck.db-wal`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The one path of a journal that may not exist yet, with all links followed: two engines
/// that name one journal differently must meet at one lock.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, JournalError> {
    // A link that leads nowhere is refused: its target may be on a disk that is not mounted.
    if path.symlink_metadata().is_ok() {
        return fs::canonicalize(path).map_err(failed(path, "find"));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).map_err(failed(folder, "find the journal's folder"))?;
    let name = path.file_name().ok_or_else(|| {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
        failed(path, "use as the journal")(source)
    })?;
    Ok(folder.join(name))
}

/// Whether a file is there that may be opened as a journal. Reads bytes only: `SQLite` never
/// sees a file that this refuses, so nothing of it can change.
pub(super) fn check_header(path: &Path) -> Result<bool, JournalError> {
    let Some(header) = read_header(path)? else {
        return if has_content(&beside(path, "-wal")) {
            Err(JournalError::Orphaned {
                path: path.to_owned(),
            })
        } else {
            Ok(false)
        };
    };
    if header.is_empty() {
        // A file system that crashed can leave this behind. To take it for a new journal
        // would call everybody again.
        let what = "it is empty; if that is meant, remove it";
        return Err(JournalError::damaged(path, what));
    }
    let common = header.len().min(MAGIC.len());
    if header[..common] != MAGIC[..common] {
        let path = path.to_owned();
        return Err(JournalError::NotAJournal { path });
    }
    if header.len() < HEADER_LEN {
        return Err(JournalError::damaged(path, "it is cut short"));
    }
    check_application(path, i64::from(be_i32(&header, 68)))?;
    check_not_newer(path, i64::from(be_i32(&header, 60)))?;
    Ok(true)
}

/// Refuses another program's database.
pub(super) fn check_application(path: &Path, id: i64) -> Result<(), JournalError> {
    if id == i64::from(APPLICATION_ID) {
        return Ok(());
    }
    Err(JournalError::Foreign {
        path: path.to_owned(),
    })
}

/// Refuses a journal of a newer Dialdeck.
pub(super) fn check_not_newer(path: &Path, version: i64) -> Result<(), JournalError> {
    if version <= VERSION {
        return Ok(());
    }
    Err(JournalError::Newer {
        path: path.to_owned(),
        found: version,
        known: VERSION,
    })
}

/// The first bytes of the file, fewer than [`HEADER_LEN`] where it is shorter; `None` where
/// there is no file.
fn read_header(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(path, "open the journal")(e)),
    };
    let mut header = Vec::with_capacity(HEADER_LEN);
    file.take(HEADER_LEN as u64)
        .read_to_end(&mut header)
        .map_err(failed(path, "read the journal"))?;
    Ok(Some(header))
}

fn be_i32(header: &[u8], at: usize) -> i32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&header[at..at + 4]);
    i32::from_be_bytes(bytes)
}

/// Whether there is a file with anything in it.
pub(super) fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.len() > 0)
}

/// Refuses a journal whose `-wal` file was damaged.
pub(super) fn check_wal(path: &Path) -> Result<(), JournalError> {
    let found = wal::damage(&beside(path, "-wal"));
    match found.map_err(failed(path, "read the -wal file of"))? {
        Some(what) => Err(JournalError::damaged(path, what)),
        None => Ok(()),
    }
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed(path, "remove")(e)),
        _ => Ok(()),
    }
}

/// Moves a finished file to its place, durably.
pub(super) fn publish(draft: &Path, path: &Path) -> Result<(), JournalError> {
    fs::rename(draft, path).map_err(failed(path, "create the journal"))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed(folder, "make durable the folder"))
}

fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> JournalError {
    move |source| JournalError::io(path, doing, source)
}
