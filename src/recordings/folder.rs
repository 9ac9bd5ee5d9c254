//! The folder that recordings are kept in.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What our temporary files begin and end with: `.dialdeck-<process>-<count>.part`.
const PART_PREFIX: &str = ".dialdeck-";
const PART_SUFFIX: &str = ".part";

/// Linux' number for "operation not supported", as network file systems say it.
const EOPNOTSUPP: i32 = 95;

/// How many names are tried for one file.
const MAX_SUFFIX: u32 = 1000;

/// Why the folder can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    /// It is not there and can't be made.
    #[error(
        "the recordings folder {path} cannot be made ({why}): set RECORDINGS_DIR to a folder that this user may write to"
    )]
    Create {
        /// The folder.
        path: String,
        /// The system's reason.
        why: String,
    },
    /// A file can't be written there.
    #[error(
        "the recordings folder {path} cannot be written to ({why}): give this user the right to, free its disk, or set RECORDINGS_DIR to another folder"
    )]
    Write {
        /// The folder.
        path: String,
        /// The system's reason.
        why: String,
    },
}

/// Makes the folder where it is missing, and proves by a file that it can be written to.
/// Blocks for the disk: meant for the start.
pub fn check_folder(path: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(path).map_err(|e| FolderError::Create {
        path: path.display().to_string(),
        why: e.to_string(),
    })?;
    let refused = |e: io::Error| FolderError::Write {
        path: path.display().to_string(),
        why: e.to_string(),
    };
    let mut probe = PartialFile::create(path).map_err(refused)?;
    probe.file.write_all(b"probe").map_err(refused)?;
    probe.file.sync_all().map_err(refused)
}

/// A temporary file of this process, removed when dropped unless it was given its name.
///
/// It is locked while it is written: the lock ends with the process, which tells the file of
/// a dead one from that of another Dialdeck at work in the same folder.
#[derive(Debug)]
pub(super) struct PartialFile {
    pub(super) file: File,
    path: PathBuf,
}

impl PartialFile {
    /// Blocks for the disk.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        // The random part tells processes of equal id in different containers apart.
        let random = fastrand::u32(..);
        let name = format!("{PART_PREFIX}{process}-{count}-{random:08x}{PART_SUFFIX}");
        let path = folder.join(name);
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        let part = Self { file, path };
        // A file system without locks keeps left-overs: see `remove_left_overs`.
        let _ = part.file.try_lock();
        Ok(part)
    }

    /// Gives the synced file its name and makes that durable. Where the name is taken by
    /// other content a `-2` and so on goes before the ending; where it is taken by the same
    /// content, that file is the one. Blocks for the disk.
    pub(super) fn settle(self, folder: &Path, name: &str) -> io::Result<PathBuf> {
        for number in 1..=MAX_SUFFIX {
            let path = folder.join(numbered(name, number));
            match claim(&self.path, &path) {
                Ok(()) => {
                    sync_folder(folder)?;
                    return Ok(path);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    if same_content(&self.path, &path)? {
                        return Ok(path);
                    }
                }
                Err(e) => return Err(e),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // It has either a second name by now or no use.
        let _ = fs::remove_file(&self.path);
    }
}

/// Gives `part` the name `path` as well, and fails where it is taken: a rename would
/// replace what is there.
fn claim(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Err(e) if lacks_hard_links(&e) => {
            // Takes the name with an empty file of our own, which the rename replaces.
            File::create_new(path)?;
            fs::rename(part, path)
        }
        result => result,
    }
}

/// FAT and some network file systems have no hard links, and say so in different ways.
fn lacks_hard_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
    ) || error.raw_os_error() == Some(EOPNOTSUPP)
}

/// `name` for 1, then `name` with `-2`, `-3` before its ending.
fn numbered(name: &str, number: u32) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (n, Some((stem, ending))) => format!("{stem}-{n}.{ending}"),
        (n, None) => format!("{name}-{n}"),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn same_content(a: &Path, b: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = a.read(&mut left)?;
        if read == 0 {
            return Ok(true);
        }
        match b.read_exact(&mut right[..read]) {
            Ok(()) if left[..read] == right[..read] => {}
            Ok(()) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(e),
        }
    }
}

/// Removes temporary files of dead processes: those named as ours that nobody has locked.
pub(super) async fn remove_left_overs(folder: &Path) {
    let folder = folder.to_owned();
    // An error means that the runtime is going down.
    let _ = tokio::task::spawn_blocking(move || remove_left_overs_blocking(&folder)).await;
}

fn remove_left_overs_blocking(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name
            .to_str()
            .is_some_and(|n| n.starts_with(PART_PREFIX) && n.ends_with(PART_SUFFIX));
        if ours && is_unlocked(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_unlocked(path: &Path) -> bool {
    File::options()
        .read(true)
        .write(true)
        .open(path)
        .is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(folder: &Path, content: &[u8]) -> PartialFile {
        let mut part = PartialFile::create(folder).unwrap();
        part.file.write_all(content).unwrap();
        part
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_good_folder_is_made_and_left_empty() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        check_folder(&folder).unwrap();
        assert_eq!(names(&folder), Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_is_a_file_is_refused_with_the_setting_to_mend() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "x").unwrap();
        let error = check_folder(&path.join("sub")).unwrap_err();
        assert!(matches!(error, FolderError::Create { .. }), "{error}");
        assert!(error.to_string().contains("RECORDINGS_DIR"), "{error}");
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.wav"), "old").unwrap();
        let path = part(folder.path(), b"new")
            .settle(folder.path(), "a.wav")
            .unwrap();
        assert_eq!(path, folder.path().join("a-2.wav"));
        assert_eq!(fs::read(folder.path().join("a.wav")).unwrap(), b"old");
        assert_eq!(fs::read(path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a-2.wav", "a.wav"]);
    }

    #[test]
    fn the_same_recording_fetched_twice_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let path = part(folder.path(), b"same")
                .settle(folder.path(), "a.wav")
                .unwrap();
            assert_eq!(path, folder.path().join("a.wav"));
        }
        assert_eq!(names(folder.path()), ["a.wav"]);
    }

    #[test]
    fn left_overs_of_the_dead_go_and_those_at_work_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at_work = part(folder.path(), b"half");
        fs::write(folder.path().join(".dialdeck-7-0-0000abcd.part"), "dead").unwrap();
        fs::write(folder.path().join(".other.part"), "not ours").unwrap();
        remove_left_overs_blocking(folder.path());
        assert!(at_work.path.exists());
        assert_eq!(names(folder.path()).len(), 2);
        assert!(folder.path().join(".other.part").exists());
    }

    #[test]
    fn a_part_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(part(folder.path(), b"half"));
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}
