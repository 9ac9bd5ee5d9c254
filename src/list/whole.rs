//! Whether a list was read whole, or while somebody was still writing it.

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use super::lines::Line;
use super::{List, ListError};
use crate::campaign::digits_of_person;

/// So many numbers before a last line tell how long it should be.
const NEIGHBOURS: usize = 8;
/// Between two readings of a list that is being written.
const PAUSE: Duration = Duration::from_millis(250);
/// A list that nobody has touched for so long is not being written: it stays as it is.
const UNTOUCHED: Duration = Duration::from_secs(30);

/// How long the last numbers of a list are.
#[derive(Debug, Default)]
pub(super) struct Neighbours(VecDeque<usize>);

impl Neighbours {
    pub(super) fn take(&mut self, number: &str) {
        if self.0.len() == NEIGHBOURS {
            self.0.pop_front();
        }
        self.0.push_back(digits_of_person(number).len());
    }

    /// Whether a last line without an end looks like the beginning of a number: it has fewer
    /// digits than every number before it.
    pub(super) fn are_longer_than(&self, line: &Line<'_>) -> bool {
        let Line::Whole(bytes) = line else {
            return false;
        };
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        let could_begin_one = |c: char| matches!(c, '0'..='9' | '+' | '*' | '#');
        if text.is_empty() || !text.chars().all(could_begin_one) {
            return false;
        }
        let shortest = self.0.iter().min();
        shortest.is_some_and(|shortest| digits_of_person(text).len() < *shortest)
    }
}

/// What tells a file from the same one after somebody has written it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Version {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Version {
    /// `None` for what is no plain file, such as a pipe.
    pub(super) fn of(file: &File) -> io::Result<Option<Self>> {
        Ok(Self::from(&file.metadata()?))
    }

    /// Whether `path` is still this file, as it was.
    pub(super) fn is_still_at(&self, path: &Path) -> bool {
        let now = path.metadata().ok();
        now.is_some_and(|now| Self::from(&now).as_ref() == Some(self))
    }

    fn from(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

/// Reads a list again, up to so many `times`, while it is being written.
pub(super) fn patiently<T>(
    times: u32,
    mut read: impl FnMut() -> Result<T, ListError>,
) -> Result<(T, u32), ListError> {
    let mut readings = 1;
    loop {
        match read() {
            Err(ListError::BeingWritten { path, .. })
                if readings < times && was_just_touched(&path) =>
            {
                thread::sleep(PAUSE);
                readings += 1;
            }
            result => return result.map(|read| (read, readings)),
        }
    }
}

/// Also where that can't be told: the file is just being replaced.
fn was_just_touched(path: &Path) -> bool {
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    let Ok(modified) = modified else { return true };
    SystemTime::now()
        .duration_since(modified)
        .is_ok_and(|age| age < UNTOUCHED)
}

impl List {
    pub(super) fn read_so_often(mut self, readings: u32) -> Self {
        self.summary.readings = readings;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;

    use super::{Line, Neighbours, Version};

    #[test]
    fn a_file_that_grows_is_replaced_or_goes_is_no_longer_the_one_that_was_opened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("list.txt");
        let opened = || {
            fs::write(&path, "79991234567\n").expect("writable");
            let file = File::open(&path).expect("it is there");
            Version::of(&file).expect("open").expect("a plain file")
        };
        assert!(opened().is_still_at(&path));
        let grown = opened();
        let mut file = File::options().append(true).open(&path).expect("there");
        file.write_all(b"7").expect("writable");
        assert!(!grown.is_still_at(&path));
        let replaced = opened();
        let other = folder.path().join("other.txt");
        fs::copy(&path, &other).expect("writable");
        fs::rename(&other, &path).expect("the same folder");
        assert!(!replaced.is_still_at(&path));
        let gone = opened();
        fs::remove_file(&path).expect("it is there");
        assert!(!gone.is_still_at(&path));
    }

    #[test]
    fn a_last_line_that_has_fewer_digits_than_those_before_it_is_a_beginning() {
        let is_cut = |numbers: &[&str], last: &str| {
            let mut neighbours = Neighbours::default();
            for number in numbers {
                neighbours.take(number);
            }
            neighbours.are_longer_than(&Line::Whole(last.as_bytes()))
        };
        let long = ["79991234567", "+79991234568"];
        for last in [
            "79991",
            "7",
            "+7",
            "+",
            "112",
            "007999",
            "7999123456",
            " 79991\r",
        ] {
            assert!(is_cut(&long, last), "{last}");
        }
        for last in [
            "79991234569",
            "+79991234569",
            "0079991234569",
            "799912345690",
            "",
            "# end",
            "no number",
        ] {
            assert!(!is_cut(&long, last), "{last}");
        }
        assert!(!is_cut(&[], "79991"), "the only number");
        assert!(!is_cut(&["79991234567", "100"], "112"), "of mixed lengths");
    }
}
