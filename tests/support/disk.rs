//! A small disk of its own, which can be full, read-only or gone.
//!
//! It is a tmpfs in a mount namespace that a process holds as long as the test lives: nothing
//! is ever mounted where others see it, and nothing stays, however the test ends.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Reads commands from the test and runs them beside the disk; ends with the test, which holds
/// the other end of the pipe.
const HOLDER: &str = r#"
mount -t tmpfs -o "size=$2" disk "$1" && echo mounted
while read -r command; do sh -c "$command" >/dev/null && echo done || echo failed; done
"#;

/// A tmpfs over a folder.
pub(crate) struct Disk {
    holder: Child,
    answers: BufReader<std::process::ChildStdout>,
    folder: PathBuf,
}

impl Disk {
    /// Mounts one of `size` (`2m`) over `folder`, which must exist. Needs root.
    pub(crate) fn over(folder: &Path, size: &str) -> Self {
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", HOLDER])
            .arg("disk")
            .arg(folder)
            .arg(size)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let answers = BufReader::new(holder.stdout.take().expect("it is piped"));
        let mut disk = Self {
            holder,
            answers,
            folder: folder.to_owned(),
        };
        assert_eq!(disk.answer(), "mounted", "these tests need root");
        disk
    }

    /// Whose mounts have it.
    pub(crate) fn holder(&self) -> u32 {
        self.holder.id()
    }

    /// A file on it, as this process sees it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.holder.id());
        let folder = self.folder.strip_prefix("/").expect("an absolute path");
        Path::new(&root).join(folder).join(name)
    }

    /// Writes until nothing more goes on it.
    pub(crate) fn fill(&self) {
        let mut ballast = File::create(self.path("ballast")).expect("a name fits");
        // From large to small, so that not one byte is left.
        for block in [1 << 16, 1 << 12, 1] {
            let block = vec![b'x'; block];
            while ballast.write_all(&block).is_ok() {}
        }
        let full = ballast.write(b"x").expect_err("it is full");
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    /// Takes away what [`Disk::fill`] wrote.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.path("ballast")).expect("it was filled");
    }

    /// Nothing can be written to it any more, or again.
    pub(crate) fn set_read_only(&mut self, read_only: bool) {
        let mode = if read_only { "ro" } else { "rw" };
        let folder = self.folder.display().to_string();
        self.run(&format!("mount -o remount,{mode} '{folder}'"));
    }

    fn run(&mut self, command: &str) {
        let input = self.holder.stdin.as_mut().expect("it is piped");
        writeln!(input, "{command}").expect("it listens");
        assert_eq!(self.answer(), "done", "{command}");
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Without its input it ends by itself; the mount goes with the last process in it.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
