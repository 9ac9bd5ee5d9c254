//! The terminal: taken with a guard, and given back whatever happens.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crossterm::cursor;
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal as screen;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Text that is pasted is to come in brackets.
const BRACKETED_PASTE: &str = "\x1b[?2004h";
const PLAIN_PASTE: &str = "\x1b[?2004l";

/// Holds the terminal. When this is dropped, the terminal is as it was.
pub(crate) struct TerminalGuard(());

impl TerminalGuard {
    /// Takes the terminal.
    pub(crate) fn take() -> io::Result<Self> {
        screen::enable_raw_mode()?;
        let guard = Self(());
        execute!(
            io::stdout(),
            screen::EnterAlternateScreen,
            Print(BRACKETED_PASTE),
            cursor::Hide
        )?;
        Ok(guard)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        // If the terminal has gone, there is nothing to give back.
        let _ = execute!(
            io::stdout(),
            Print(PLAIN_PASTE),
            screen::LeaveAlternateScreen,
            cursor::Show
        );
        let _ = screen::disable_raw_mode();
    }
}

/// Where keys come from: standard input, or the terminal itself where that is something else.
pub(crate) enum Keyboard {
    Stdin(io::Stdin),
    Tty(File),
}

/// What there was to read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(usize),
    Nothing,
    /// The terminal has gone.
    Gone,
}

impl Keyboard {
    pub(crate) fn open() -> io::Result<Self> {
        let stdin = io::stdin();
        if rustix::termios::isatty(&stdin) {
            return Ok(Self::Stdin(stdin));
        }
        File::open("/dev/tty").map(Self::Tty)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdin(stdin) => stdin.as_fd(),
            Self::Tty(file) => file.as_fd(),
        }
    }

    /// Waits up to `ms` milliseconds for bytes. Never reads where it would block, and never
    /// again once the terminal has gone.
    pub(crate) fn read(&self, buffer: &mut [u8], ms: u16) -> Read {
        let timeout = Timespec {
            tv_sec: i64::from(ms / 1000),
            tv_nsec: i64::from(ms % 1000) * 1_000_000,
        };
        let mut fds = [PollFd::from_borrowed_fd(self.fd(), PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Read::Nothing,
            Ok(_) => {}
            Err(_) => return Read::Gone,
        }
        match rustix::io::read(self.fd(), buffer) {
            Ok(0) => Read::Gone,
            Ok(n) => Read::Bytes(n),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Read::Nothing,
            Err(_) => Read::Gone,
        }
    }
}

/// Whether a console can be shown here at all: standard output is a terminal on which a
/// cursor can be moved.
#[must_use]
pub fn can_show() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    rustix::termios::isatty(io::stdout()) && !dumb
}

/// How long a stop may take to reach this thread.
const STOPPING: Duration = Duration::from_millis(100);

/// Stops the process until somebody continues it, as the terminal's own Ctrl-Z does: with all
/// that was started with it, or a shell that waits for a script around it would wait for ever.
pub(crate) fn suspend() -> io::Result<()> {
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    // The signal goes to any of the threads. Before it has stopped this one, nothing may be
    // drawn on the terminal that was just given back.
    std::thread::sleep(STOPPING);
    Ok(())
}

/// Ends what was drawn with a line of its own, so that a shell's prompt stands free.
pub(crate) fn flush() {
    let _ = io::stdout().flush();
}
