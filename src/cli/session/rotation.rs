//! A file that is put aside when it has grown: `dialdeck.log` becomes `dialdeck.log.1`, that
//! one `.2`, and the oldest goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::Log;

/// The file that is written now.
#[derive(Debug)]
pub(super) struct Rotating {
    path: PathBuf,
    file: File,
    /// How long it is.
    len: u64,
    max: u64,
    keep: u32,
    /// The last line could not be written to its end.
    torn: bool,
}

impl Rotating {
    pub(super) fn open(path: &Path, rules: Log) -> io::Result<Self> {
        let file = open(path)?;
        let len = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            len,
            max: rules.max_bytes,
            keep: rules.keep,
            torn: false,
        })
    }

    /// Writes whole lines. A full disk costs lines, and nothing else.
    pub(super) fn write(&mut self, lines: &[u8]) {
        if self.len > 0 && self.len + lines.len() as u64 > self.max {
            self.put_aside();
        }
        // Half a line stands there by itself, and not before the next.
        let torn = std::mem::take(&mut self.torn);
        let written = if torn {
            self.file.write_all(b"\n")
        } else {
            Ok(())
        };
        let written = written.and_then(|()| self.file.write_all(lines));
        self.torn = written.is_err();
        self.len += lines.len() as u64;
    }

    /// Where it can't be, the same file goes on: it is tried again when it has grown by as much
    /// once more.
    fn put_aside(&mut self) {
        self.len = 0;
        for number in (1..self.keep).rev() {
            // What is not there yet can't be moved.
            let _ = fs::rename(self.aside(number), self.aside(number + 1));
        }
        let moved = match self.keep {
            0 => fs::remove_file(&self.path),
            _ => fs::rename(&self.path, self.aside(1)),
        };
        if moved.is_ok() {
            self.reopen();
        }
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    }

    /// Goes on in the file that now has the name: another program may have put it aside.
    pub(super) fn reopen(&mut self) {
        if let Ok(file) = open(&self.path)
            && let Ok(metadata) = file.metadata()
        {
            self.len = metadata.size();
            self.file = file;
            self.torn = false;
        }
    }
}

/// Only its owner may read it: it has people's numbers in it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogFormat;

    const TEN: &[u8] = b"123456789\n";

    fn rules(max_bytes: u64, keep: u32) -> Log {
        Log {
            format: LogFormat::Human,
            max_bytes,
            keep,
        }
    }

    fn sizes(folder: &Path) -> Vec<(String, u64)> {
        let entries = fs::read_dir(folder)
            .expect("it is ours")
            .map(|e| e.expect("an entry"));
        let sizes = entries.map(|e| {
            let len = e.metadata().expect("it is there").len();
            (e.file_name().into_string().expect("text"), len)
        });
        let mut sizes: Vec<_> = sizes.collect();
        sizes.sort();
        sizes
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("d.log");
        let mut log = Rotating::open(&path, rules(25, 2)).expect("it opens");
        for _ in 0..9 {
            log.write(TEN);
        }
        let expected = [("d.log", 10), ("d.log.1", 20), ("d.log.2", 20)];
        assert_eq!(
            sizes(folder.path()),
            expected.map(|(n, len)| (n.to_owned(), len))
        );
    }

    #[test]
    fn a_line_is_never_parted_and_a_huge_one_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("d.log");
        let mut log = Rotating::open(&path, rules(25, 9)).expect("it opens");
        log.write(TEN);
        log.write(&[b'x'; 100]);
        log.write(TEN);
        let expected = [("d.log", 10), ("d.log.1", 100), ("d.log.2", 10)];
        assert_eq!(
            sizes(folder.path()),
            expected.map(|(n, len)| (n.to_owned(), len))
        );
    }

    #[test]
    fn what_was_there_before_counts_and_none_may_be_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("d.log");
        fs::write(&path, TEN).expect("writable");
        let mut log = Rotating::open(&path, rules(13, 0)).expect("it opens");
        log.write(b"new\n");
        assert_eq!(sizes(folder.path()), [("d.log".to_owned(), 4)]);
    }

    #[test]
    fn where_nothing_can_be_moved_the_same_file_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("d.log");
        // A folder that is not empty stands in the way of the name.
        fs::create_dir_all(folder.path().join("d.log.1/x")).expect("it is ours");
        let mut log = Rotating::open(&path, rules(15, 1)).expect("it opens");
        for _ in 0..3 {
            log.write(TEN);
        }
        assert_eq!(fs::read(&path).expect("it is there").len(), 30);
    }

    #[test]
    fn a_file_that_another_program_moved_is_followed_when_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("d.log");
        let mut log = Rotating::open(&path, rules(1000, 1)).expect("it opens");
        log.write(TEN);
        fs::rename(&path, folder.path().join("moved")).expect("it is ours");
        log.reopen();
        log.write(b"new\n");
        assert_eq!(fs::read(&path).expect("it is there"), b"new\n");
    }

    #[test]
    fn a_full_disk_costs_lines_and_the_next_stands_by_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("d.log");
        let mut log = Rotating::open(&path, rules(1000, 1)).expect("it opens");
        let good = std::mem::replace(
            &mut log.file,
            OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .expect("it is there"),
        );
        log.write(TEN);
        log.file = good;
        log.write(TEN);
        assert_eq!(fs::read(&path).expect("it is there"), b"\n123456789\n");
    }
}
