//! A journal that a process has died over while it wrote.

use std::fs;
use std::path::{Path, PathBuf};

use super::Sim;
use crate::journal::Disk;

/// What the journal's files hold.
pub(super) struct Files {
    path: PathBuf,
    main: Vec<u8>,
    wal: Vec<u8>,
}

impl Files {
    fn of(path: &Path) -> Self {
        let read = |path: &Path| fs::read(path).unwrap_or_default();
        Self {
            path: path.to_owned(),
            main: read(path),
            wal: read(&wal(path)),
        }
    }

    /// Leaves the files like this for the next process.
    pub(super) fn leave(&self) {
        fs::write(&self.path, &self.main).expect("the folder is ours");
        fs::write(wal(&self.path), &self.wal).expect("the folder is ours");
    }
}

fn wal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

impl Sim {
    /// What the files hold if the process dies while it writes what waits: the first bytes of
    /// the transaction are there, and behind them what was there before. `None` where nothing
    /// waits.
    pub(super) fn half_written(&mut self) -> Option<Files> {
        let deck = self.deck.as_mut()?;
        // A dead process answers nobody.
        self.adding.clear();
        let before = Files::of(&self.settings.state_file);
        deck.writing.write(Disk::Well);
        let mut torn = Files::of(&self.settings.state_file);
        let same = before.wal.iter().zip(&torn.wal);
        let first = same.take_while(|(old, new)| old == new).count();
        if first == torn.wal.len() {
            return None;
        }
        let cut = self.rng.usize(first..=torn.wal.len());
        torn.wal.truncate(cut);
        torn.wal.extend(before.wal.get(cut..).unwrap_or_default());
        // What has moved on into the main file did so after all of this.
        torn.main = before.main;
        Some(torn)
    }
}
