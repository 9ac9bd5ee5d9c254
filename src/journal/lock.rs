//! One engine to a journal: a lock that dies with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

use super::error::JournalError;
use super::files::beside;

/// Held as long as it lives. The operating system lets go of it when the process ends,
/// however it ends; the file stays, because removing it would let two engines lock two files
/// of the same name.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of the journal at `path`.
    pub(super) fn take(path: &Path) -> Result<Self, JournalError> {
        let lock_path = beside(path, ".lock");
        let failed = |doing| {
            let path = lock_path.as_path();
            move |source| JournalError::io(path, doing, source)
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(failed("open the lock file"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Held {
                    path: path.to_owned(),
                    pid: read_pid(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        write_pid(&mut file).map_err(failed("write the lock file"))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A process id that is gone would name an innocent one later. Only a courtesy: the
        // lock itself is what counts.
        let _ = self.file.set_len(0);
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// The process id in a lock file that somebody else holds, if it is one.
pub(super) fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
