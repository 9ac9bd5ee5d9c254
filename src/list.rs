//! The list of numbers: streamed, each line checked by itself, so that a list of a million
//! lines or a line of a gigabyte needs no more memory than the numbers in it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

mod line;
mod lines;
mod oddity;
mod posted;
mod rejects;
mod whole;

pub use crate::campaign::Numbers;
pub use line::{Reason, Reject};
pub use oddity::{Oddity, Why};
pub use posted::{Posted, from_strings, from_text};
pub use rejects::RejectSink;

use crate::campaign::{Emergency, Number};
use crate::config::ListSource;
use line::{Kind, classify};
use lines::Lines;
use rejects::RejectsFile;
use whole::{Neighbours, Version, patiently};

/// How many rejects, and how many commented numbers, the summary names one by one.
pub const FIRST: usize = 10;

/// How often a list that is being written is read before it is given up: some seconds.
const READINGS: u32 = 20;
/// The same for whoever only looks.
const LOOKS: u32 = 6;

/// A list that has at least one number.
#[derive(Debug, Clone)]
pub struct List {
    /// The numbers to dial, each once, in the order of the list.
    pub numbers: Numbers,
    /// What else was in it.
    pub summary: ListSummary,
}

/// What was in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListSummary {
    /// Lines, of all kinds.
    pub lines: u64,
    /// Distinct numbers.
    pub numbers: u64,
    /// Lines with a number that stood there already.
    pub duplicates: u64,
    /// Lines with a number that stood there already, but for a leading `+` or `00`.
    pub respelt: u64,
    /// Numbers that are dialed and look as if they were none.
    pub odd: u64,
    /// The first [`FIRST`] of those.
    pub first_odd: Vec<Oddity>,
    /// Lines that are no number and were skipped.
    pub rejected: u64,
    /// The first [`FIRST`] of those.
    pub first_rejected: Vec<Reject>,
    /// Comments that could have been numbers, such as `#79991234567`.
    pub commented: u64,
    /// The first [`FIRST`] lines of those.
    pub first_commented: Vec<u64>,
    /// The last line has no end and is shorter than those before it: the file is cut off there.
    pub cut_off: bool,
    /// How often it was read until nobody wrote it meanwhile.
    pub readings: u32,
    /// Where all rejected lines are told, if there are any.
    pub rejects_file: Option<PathBuf>,
    /// Why that file could not be written or removed.
    pub rejects_trouble: Option<String>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// There is no such file.
    #[error("There is no list {}: create it, or set OUTBOUND_NUMBER_FILE to the one that is meant.", .0.display())]
    Missing(PathBuf),
    /// It is a folder.
    #[error("The list {} is a folder: set OUTBOUND_NUMBER_FILE to a file in it.", .0.display())]
    Folder(PathBuf),
    /// It can't be opened or read to its end.
    #[error("The list {} can't be read: {error}. Make it readable for this user.", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is text of two bytes a character.
    #[error("The list {} is UTF-16 text: save it as UTF-8 or plain text.", .0.display())]
    Utf16(PathBuf),
    /// There are more than [`Numbers::MAX`] numbers in it.
    #[error("The list {} has over {} numbers: split it.", .0.display(), Numbers::MAX)]
    TooLarge(PathBuf),
    /// Somebody writes it: what is there is not all.
    #[error(
        "The list {} is not complete, and nothing of it was taken: {why}. Try again when it is \
         written, and end its last line with a line break.",
        .path.display()
    )]
    BeingWritten {
        /// The file.
        path: PathBuf,
        /// What shows it.
        why: String,
    },
    /// Nobody to dial.
    #[error("The list {} has no number to dial.{}", .path.display(), skipped(.summary))]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is in it instead.
        summary: Box<ListSummary>,
    },
}

fn skipped(summary: &ListSummary) -> String {
    let first = summary.first_rejected.first();
    match (summary.rejected, first) {
        (0, _) | (_, None) => " Put one number on each line.".to_owned(),
        (1, Some(first)) => format!(" Its only line with text was skipped: {first}."),
        (n, Some(first)) => format!(" {n} lines were skipped; the first is {first}."),
    }
}

/// Loads the list. Lines that are no numbers are skipped, and told in `rejects_file`,
/// which is replaced or, where there are none, removed. Those of `emergency` are none.
pub fn load(
    source: &ListSource,
    emergency: Emergency,
    rejects_file: &Path,
) -> Result<List, ListError> {
    match source {
        ListSource::One(number) => Ok(one(number, rejects_file)),
        ListSource::File(path) => {
            let read = || from_file(path, emergency, rejects_file);
            let (list, readings) = patiently(READINGS, read)?;
            Ok(list.read_so_often(readings))
        }
    }
}

fn one(number: &Number, rejects_file: &Path) -> List {
    let mut numbers = Numbers::new();
    numbers.push(number);
    let mut summary = ListSummary::of_one(number);
    summary.finish(RejectsFile::new(rejects_file), rejects_file);
    List { numbers, summary }
}

fn from_file(path: &Path, emergency: Emergency, rejects_file: &Path) -> Result<List, ListError> {
    let mut rejects = RejectsFile::new(rejects_file);
    match from_lines(path, emergency, &mut rejects) {
        Ok((numbers, mut summary)) => {
            summary.finish(rejects, rejects_file);
            some(path, numbers, summary)
        }
        Err(e) => {
            rejects.discard();
            Err(e)
        }
    }
}

/// Reads the list and writes nothing: for whoever only wants to know what is in it.
pub fn look(source: &ListSource, emergency: Emergency) -> Result<ListSummary, ListError> {
    match source {
        ListSource::One(number) => Ok(ListSummary::of_one(number)),
        ListSource::File(path) => {
            let read = || from_lines(path, emergency, &mut rejects::Untold);
            let ((numbers, summary), _) = patiently(LOOKS, read)?;
            some(path, numbers, summary).map(|list| list.summary)
        }
    }
}

fn from_lines(
    path: &Path,
    emergency: Emergency,
    rejects: &mut impl RejectSink,
) -> Result<(Numbers, ListSummary), ListError> {
    let (source, version) = open(path)?;
    let mut numbers = Numbers::new();
    let being_written = |why: String| {
        let path = path.to_owned();
        Err(ListError::BeingWritten { path, why })
    };
    match read(source, &mut numbers, emergency, rejects) {
        Ok(_) if version.is_some_and(|version| !version.is_still_at(path)) => {
            being_written("it changed while it was read".to_owned())
        }
        Ok(summary) if summary.cut_off => being_written(format!(
            "its last line, {}, has no end and fewer digits than those before it",
            summary.lines
        )),
        Ok(summary) => Ok((numbers, summary)),
        Err(ReadError::Io(error)) => Err(ListError::Unreadable {
            path: path.to_owned(),
            error,
        }),
        Err(ReadError::TooMany) => Err(ListError::TooLarge(path.to_owned())),
    }
}

fn some(path: &Path, numbers: Numbers, summary: ListSummary) -> Result<List, ListError> {
    if numbers.is_empty() {
        let path = path.to_owned();
        let summary = Box::new(summary);
        return Err(ListError::Empty { path, summary });
    }
    Ok(List { numbers, summary })
}

fn open(path: &Path) -> Result<(impl BufRead + use<>, Option<Version>), ListError> {
    let unreadable = |error: io::Error| {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => ListError::Missing(path),
            io::ErrorKind::IsADirectory => ListError::Folder(path),
            _ => ListError::Unreadable { path, error },
        }
    };
    // A folder can be opened; only reading it fails.
    let file = File::open(path).map_err(unreadable)?;
    let version = Version::of(&file).map_err(unreadable)?;
    let mut source = BufReader::with_capacity(64 * 1024, file);
    let start = source.fill_buf().map_err(unreadable)?;
    // The byte order marks of UTF-16, which spreadsheets save as "Unicode text".
    if matches!(start, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Err(ListError::Utf16(path.to_owned()));
    }
    Ok((source, version))
}

/// Why a stream could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stream itself.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// More than [`Numbers::MAX`] numbers.
    #[error("there are more than {} numbers", Numbers::MAX)]
    TooMany,
}

/// Reads lines from `source` into `numbers`, and gives those that are none, or are those of
/// `emergency`, to `rejects`.
pub fn read(
    source: impl BufRead,
    numbers: &mut Numbers,
    emergency: Emergency,
    rejects: &mut impl RejectSink,
) -> Result<ListSummary, ReadError> {
    let mut lines = Lines::new(source);
    let mut summary = ListSummary::default();
    let mut neighbours = Neighbours::default();
    while let Some(line) = lines.next()? {
        summary.lines += 1;
        summary.cut_off = neighbours.are_longer_than(&line);
        match classify(&line, emergency) {
            Kind::Number(number) => {
                neighbours.take(number.as_str());
                summary.take(&number, numbers)?;
            }
            Kind::Nothing => {}
            Kind::CommentedNumber => summary.take_commented(),
            Kind::Bad(reason) => {
                let reject = Reject::new(summary.lines, reason, &line);
                rejects.reject(&reject);
                summary.take_rejected(reject);
            }
        }
    }
    // Of all lines only the last may lack its end.
    summary.cut_off &= !lines.was_ended();
    Ok(summary)
}

impl ListSummary {
    fn of_one(number: &Number) -> Self {
        let mut summary = Self {
            lines: 1,
            numbers: 1,
            ..Self::default()
        };
        summary.note_odd(number);
        summary
    }

    fn take(&mut self, number: &Number, numbers: &mut Numbers) -> Result<(), ReadError> {
        if numbers.push(number).is_some() {
            self.numbers += 1;
            self.note_odd(number);
            return Ok(());
        }
        match numbers.find(number.as_str()) {
            Some(same) if numbers.get(same) == number.as_str() => self.duplicates += 1,
            Some(_) => self.respelt += 1,
            None => return Err(ReadError::TooMany),
        }
        Ok(())
    }

    fn note_odd(&mut self, number: &Number) {
        let Some(why) = oddity::look(number.as_str()) else {
            return;
        };
        self.odd += 1;
        if self.first_odd.len() < FIRST {
            self.first_odd.push(Oddity {
                line: self.lines,
                number: number.clone(),
                why,
            });
        }
    }

    fn take_commented(&mut self) {
        self.commented += 1;
        if self.first_commented.len() < FIRST {
            self.first_commented.push(self.lines);
        }
    }

    fn take_rejected(&mut self, reject: Reject) {
        self.rejected += 1;
        if self.first_rejected.len() < FIRST {
            self.first_rejected.push(reject);
        }
    }

    fn finish(&mut self, rejects: RejectsFile<'_>, path: &Path) {
        match rejects.finish() {
            Ok(there) => self.rejects_file = there.then(|| path.to_owned()),
            Err(e) => self.rejects_trouble = Some(format!("{}: {e}", path.display())),
        }
    }

    /// What the operator should look at, a sentence each; none if all lines were good.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut told = Vec::new();
        if self.rejected > 0 {
            told.push(self.about_rejected());
            told.extend(self.first_rejected.iter().map(ToString::to_string));
        }
        if let Some(why) = &self.rejects_trouble {
            told.push(format!(
                "The file of skipped lines can't be kept up: {why}."
            ));
        }
        if self.commented > 0 {
            told.push(self.about_commented());
        }
        if self.respelt > 0 {
            told.push(self.about_respelt());
        }
        if self.readings > 1 {
            told.push(
                "The list was being written, and was read again until it was whole.".to_owned(),
            );
        }
        told
    }

    fn about_respelt(&self) -> String {
        let n = self.respelt;
        format!(
            "Lines of the list whose number stands there already, but for a leading + or 00: {n}. \
             Each person is called once, at the first spelling."
        )
    }

    fn about_rejected(&self) -> String {
        let shown = self.first_rejected.len() as u64;
        let first = if shown < self.rejected {
            format!(" The first {shown} of them follow.")
        } else {
            String::new()
        };
        let all = match &self.rejects_file {
            Some(path) => format!(" All of them stand in {}.", path.display()),
            None => String::new(),
        };
        let n = self.rejected;
        format!("Lines of the list that are no numbers, and were skipped: {n}.{first}{all}")
    }

    fn about_commented(&self) -> String {
        let lines: Vec<_> = self.first_commented.iter().map(u64::to_string).collect();
        let more = match self.commented - lines.len() as u64 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        format!(
            "Lines of the list that begin with # and are taken as comments, though they could be \
             numbers: {}{more}. A service prefix is written as in #31#79991234567.",
            lines.join(", ")
        )
    }
}

impl fmt::Display for ListSummary {
    /// One line of figures: `3 numbers in 9 lines, 1 repeated, 2 skipped`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers in {} lines", self.numbers, self.lines)?;
        if self.duplicates > 0 {
            write!(f, ", {} repeated", self.duplicates)?;
        }
        if self.respelt > 0 {
            write!(f, ", {} repeated with or without + or 00", self.respelt)?;
        }
        if self.rejected > 0 {
            write!(f, ", {} skipped", self.rejected)?;
        }
        Ok(())
    }
}
