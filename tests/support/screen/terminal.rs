//! Our end of a pseudo terminal: what types, what reads, and how it is closed.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::{Seen, unpoisoned};

/// Our end of the pseudo terminal.
pub(super) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Mutex<Box<dyn Write + Send>>,
    path: PathBuf,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// Runs `command` in a new one, of which `seen` takes in what it writes.
    pub(super) fn open(
        command: &Command,
        (rows, cols): (u16, u16),
        seen: &Arc<Seen>,
    ) -> (Self, Child) {
        let pty = native_pty_system()
            .openpty(size(rows, cols))
            .expect("the machine has pseudo terminals");
        let child: Box<dyn portable_pty::Child> = pty
            .slave
            .spawn_command(builder(command))
            .expect("the program runs");
        let child = child
            .downcast::<Child>()
            .unwrap_or_else(|_| panic!("on Unix it is one of std's"));
        // Else the terminal would not notice that the program has let go of it.
        drop(pty.slave);
        (Self::new(pty.master, seen), *child)
    }

    fn new(master: Box<dyn MasterPty + Send>, seen: &Arc<Seen>) -> Self {
        let reader = master.try_clone_reader().expect("our end can be read");
        let writer = master.take_writer().expect("our end can be written");
        let path = master.tty_name().expect("a pseudo terminal has a name");
        let seen = Arc::clone(seen);
        let reader = std::thread::spawn(move || take_in(reader, &seen));
        Self {
            master,
            writer: Mutex::new(writer),
            path,
            reader,
        }
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        let mut writer = unpoisoned(&self.writer);
        writer
            .write_all(bytes)
            .and_then(|()| writer.flush())
            .expect("the terminal takes keys");
    }

    pub(super) fn resize(&self, rows: u16, cols: u16) {
        let resized = self.master.resize(size(rows, cols));
        resized.expect("a terminal can be resized");
    }

    /// What `stty -a` says of it.
    pub(super) fn stty(&self) -> String {
        shell(r#"stty -a <"$0""#, &self.path)
    }

    /// Closes all that holds our end open, which is the reader as well: where it waits, only
    /// something to read ends that.
    pub(super) fn vanish(self, seen: &Seen) {
        unpoisoned(&seen.output).stopping = true;
        // The writer types Enter and Ctrl-D when it is dropped, unless the line has no key for
        // the end of a file.
        let script = r#"stty eof undef <"$0"; printf '\0' >"$0""#;
        shell(script, &self.path);
        self.reader.join().expect("the reader ends well");
        drop(self.writer);
        drop(self.master);
    }
}

/// Takes in what the program writes, until there is no more or no more is wanted.
fn take_in(mut from: Box<dyn Read>, seen: &Seen) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !seen.take(&buffer[..count]) {
            break;
        }
    }
    unpoisoned(&seen.output).ended = true;
    seen.changed.notify_all();
}

fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env_clear();
    for name in ["PATH", "HOME", "USER"] {
        if let Some(value) = std::env::var_os(name) {
            builder.env(name, value);
        }
    }
    builder.env("TERM", "xterm-256color");
    builder.env("LANG", "C.UTF-8");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        }
    }
    if let Some(folder) = command.get_current_dir() {
        builder.cwd::<&OsStr>(folder.as_ref());
    }
    builder
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        ..PtySize::default()
    }
}

/// What `script` prints, whose `$0` is the terminal at `path`. A process of its own: if ours
/// opened the terminal, it could become that of our own session.
fn shell(script: &str, path: &Path) -> String {
    let output = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .expect("sh runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    String::from_utf8(output.stdout).expect("it prints text")
}
