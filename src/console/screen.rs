//! What is drawn on: ratatui's terminal, kept from what it does to a terminal that has gone or
//! that somebody else reads.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::{Arc, Mutex, PoisonError};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// For a line that does not know its size, as a serial one: what every terminal has.
const UNKNOWN: (u16, u16) = (80, 24);

/// The screen.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Output>>,
    failure: WriteFault,
    size: (u16, u16),
}

impl Screen {
    /// Once the guard is taken.
    pub(crate) fn open() -> io::Result<Self> {
        // What colours there are, the theme decides: with crossterm's own switch for NO_COLOR,
        // reversed and bold would go too.
        crossterm::style::force_color_output(true);
        let size = size()?;
        let failure = WriteFault::default();
        let output = Output {
            to: BufWriter::with_capacity(64 * 1024, io::stdout()),
            failure: failure.clone(),
        };
        // Fixed, since ratatui would take a size of nothing for what it is.
        let options = TerminalOptions {
            viewport: Viewport::Fixed(area(size)),
        };
        Ok(Self {
            terminal: Terminal::with_options(CrosstermBackend::new(output), options)?,
            failure,
            size,
        })
    }

    /// Columns and rows, as they are now.
    pub(crate) fn fit(&mut self) -> io::Result<(u16, u16)> {
        let now = size()?;
        if now != self.size {
            self.size = now;
            self.clear()?;
        }
        Ok(now)
    }

    /// Clears it: all of the next frame is written. Not with ratatui's own `clear`, which asks
    /// the terminal where its cursor is: the answer is typed like a key, and is read as one.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.terminal.resize(area(self.size))?;
        self.failure.check()
    }

    pub(crate) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.fit()?;
        self.terminal.draw(view)?;
        self.failure.check()
    }
}

/// Columns and rows. Asked of standard output alone: crossterm starts a program where that has
/// no answer, and it has none once the terminal has gone.
fn size() -> io::Result<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout())?;
    let or = |n: u16, unknown| if n == 0 { unknown } else { n };
    Ok((or(size.ws_col, UNKNOWN.0), or(size.ws_row, UNKNOWN.1)))
}

fn area((width, height): (u16, u16)) -> Rect {
    Rect::new(0, 0, width, height)
}

/// Standard output, whose failure shows in [`WriteFault`] alone. When ratatui's terminal is
/// dropped it shows the cursor, tells a failure of that on standard error, and panics where
/// this fails as well: a terminal that goes would end the dialing.
struct Output {
    to: BufWriter<Stdout>,
    failure: WriteFault,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.to.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait_for_room();
                Err(io::ErrorKind::Interrupted.into())
            }
            Err(error) => {
                self.failure.note(error);
                Ok(bytes.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Err(error) = self.to.flush() {
            if error.kind() != io::ErrorKind::WouldBlock {
                self.failure.note(error);
                break;
            }
            wait_for_room();
        }
        Ok(())
    }
}

/// Another program on this terminal may have set it not to block, for all who write to it.
fn wait_for_room() {
    let out = io::stdout();
    let mut fds = [PollFd::new(&out, PollFlags::OUT)];
    let second = Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    // Whatever comes of it, the next write tells.
    let _ = poll(&mut fds, Some(&second));
}

/// Why writing failed. A std mutex: held to set or take it, never while anything is written.
#[derive(Clone, Default)]
struct WriteFault(Arc<Mutex<Option<io::Error>>>);

impl WriteFault {
    fn note(&self, error: io::Error) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
    }

    fn check(&self) -> io::Result<()> {
        let failure = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}
