//! Where rejected lines go: each into a file beside the journal, the first few into the
//! summary.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Reject;

/// Takes the rejected lines one by one, as they are met.
pub trait RejectSink {
    /// Takes one.
    fn reject(&mut self, reject: &Reject);
}

impl RejectSink for Vec<Reject> {
    fn reject(&mut self, reject: &Reject) {
        self.push(reject.clone());
    }
}

/// Takes them and does nothing: the summary counts them anyway.
pub(super) struct Untold;

impl RejectSink for Untold {
    fn reject(&mut self, _reject: &Reject) {}
}

/// Writes rejects into a file, which appears only when it is complete, and only if there
/// are any. A trouble with the file is kept for [`RejectsFile::finish`]: a full disk must
/// not stop the list from being read.
pub(super) struct RejectsFile<'a> {
    path: &'a Path,
    /// Written here first.
    part: PathBuf,
    state: State,
}

enum State {
    Empty,
    Open(BufWriter<File>),
    Failed(io::Error),
}

impl<'a> RejectsFile<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        Self {
            path,
            part: part.into(),
            state: State::Empty,
        }
    }

    /// Puts the file in its place, or removes that of an earlier reading where nothing was
    /// rejected. Tells whether there is one.
    pub(super) fn finish(self) -> io::Result<bool> {
        match self.state {
            State::Empty => match fs::remove_file(self.path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                _ => Ok(false),
            },
            State::Open(mut file) => {
                let written = file.flush();
                let placed = written.and_then(|()| fs::rename(&self.part, self.path));
                placed.map(|()| true).inspect_err(|_| remove(&self.part))
            }
            State::Failed(e) => {
                remove(&self.part);
                Err(e)
            }
        }
    }

    /// Leaves everything as it was before.
    pub(super) fn discard(self) {
        if !matches!(self.state, State::Empty) {
            remove(&self.part);
        }
    }

    fn write(&mut self, reject: &Reject) -> io::Result<()> {
        if matches!(self.state, State::Empty) {
            let file = File::create(&self.part)?;
            self.state = State::Open(BufWriter::new(file));
        }
        match &mut self.state {
            State::Open(file) => writeln!(file, "{reject}"),
            State::Empty | State::Failed(_) => Ok(()),
        }
    }
}

/// What can't be removed is in nobody's way: the next reading writes over it.
fn remove(part: &Path) {
    let _ = fs::remove_file(part);
}

impl RejectSink for RejectsFile<'_> {
    fn reject(&mut self, reject: &Reject) {
        if let Err(e) = self.write(reject) {
            self.state = State::Failed(e);
        }
    }
}
