//! A program in a terminal that a test looks at and types into: a pseudo terminal, with the
//! screen that a real one would show.

// Said in full, since an example has this file from another folder.
#[path = "screen/key.rs"]
pub(crate) mod key;
#[path = "screen/terminal.rs"]
mod terminal;

use std::fmt::Write as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use terminal::Terminal;

/// A program in a terminal of its own. Dropping it kills the program.
pub(crate) struct Screen {
    child: Child,
    status: Option<ExitStatus>,
    seen: Arc<Seen>,
    /// Gone once the terminal has been hung up.
    terminal: Option<Terminal>,
}

/// What the program has written.
struct Seen {
    output: Mutex<Output>,
    changed: Condvar,
}

struct Output {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// When the last of it came.
    at: Instant,
    /// No more is wanted.
    stopping: bool,
    /// There will be no more.
    ended: bool,
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a terminal has as many")]
pub(crate) struct Style {
    pub(crate) fg: vt100::Color,
    pub(crate) bg: vt100::Color,
    pub(crate) bold: bool,
    pub(crate) dim: bool,
    pub(crate) italic: bool,
    pub(crate) underline: bool,
    pub(crate) inverse: bool,
}

/// What the program has switched on in the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a terminal has as many")]
pub(crate) struct Modes {
    pub(crate) alternate_screen: bool,
    pub(crate) cursor_hidden: bool,
    pub(crate) bracketed_paste: bool,
    pub(crate) mouse: bool,
}

impl Modes {
    /// As a program finds a terminal, and has to leave it.
    pub(crate) const PLAIN: Self = Self {
        alternate_screen: false,
        cursor_hidden: false,
        bracketed_paste: false,
        mouse: false,
    };
}

impl Screen {
    /// Runs `command` in a new terminal. Of it count the program, the arguments, the folder
    /// and the variables it sets; of our own environment the program gets nothing but `PATH`,
    /// `HOME` and `USER`, and `TERM` and `LANG` are set unless the command does.
    pub(crate) fn open(command: &Command, rows: u16, cols: u16) -> Self {
        let seen = Arc::new(Seen {
            output: Mutex::new(Output {
                parser: vt100::Parser::new(rows, cols, 0),
                raw: Vec::new(),
                at: Instant::now(),
                stopping: false,
                ended: false,
            }),
            changed: Condvar::new(),
        });
        let (terminal, child) = Terminal::open(command, (rows, cols), &seen);
        Self {
            child,
            status: None,
            terminal: Some(terminal),
            seen,
        }
    }

    /// Types: the bytes as they are. For keys without a character see [`key`].
    pub(crate) fn keys(&self, keys: &str) {
        self.terminal().write(keys.as_bytes());
    }

    /// Pastes, as a terminal does where the program has asked for bracketed paste.
    pub(crate) fn paste(&self, text: &str) {
        self.keys(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// What is on the screen: its rows without the blanks at their ends, and without the blank
    /// rows at the bottom.
    pub(crate) fn text(&self) -> String {
        self.output().text()
    }

    /// The row `n`, from 0, without the blanks at its end.
    pub(crate) fn row(&self, n: u16) -> String {
        let rows = self.output().rows();
        rows[usize::from(n)].clone()
    }

    /// Where `text` is first on the screen: its row and column, from 0.
    pub(crate) fn find(&self, text: &str) -> Option<(u16, u16)> {
        find(self.output().parser.screen(), text)
    }

    /// How the first character of the first `text` on the screen looks.
    pub(crate) fn style_of(&self, text: &str) -> Style {
        let output = self.output();
        let screen = output.parser.screen();
        match find(screen, text).and_then(|(row, col)| screen.cell(row, col)) {
            Some(cell) => Style::of(cell),
            None => panic!("no {text:?}; {}", output.shown()),
        }
    }

    /// How the cell at `row` and `col`, from 0, looks.
    pub(crate) fn style_at(&self, row: u16, col: u16) -> Style {
        let output = self.output();
        let cell = output.parser.screen().cell(row, col);
        Style::of(cell.expect("a cell of the screen"))
    }

    /// Waits until `text` is on the screen; the whole screen at that moment.
    pub(crate) fn wait_for(&self, text: &str, within: Duration) -> String {
        self.wait_until(&format!("{text:?}"), |screen| screen.contains(text), within)
    }

    /// Waits until `holds` for the screen's text; that text. `what` is what it waits for, for
    /// the failure.
    pub(crate) fn wait_until(
        &self,
        what: &str,
        holds: impl Fn(&str) -> bool,
        within: Duration,
    ) -> String {
        let until = Instant::now() + within;
        let mut output = self.output();
        loop {
            let text = output.text();
            if holds(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            let hope = !output.ended && !left.is_zero();
            assert!(hope, "no {what} within {within:?}; {}", output.shown());
            output = self.changed(output, left);
        }
    }

    /// Waits until nothing has been written for `quiet`.
    pub(crate) fn wait_quiet(&self, quiet: Duration, within: Duration) {
        let until = Instant::now() + within;
        let mut output = self.output();
        while !output.ended && output.at.elapsed() < quiet {
            assert!(Instant::now() < until, "no quiet; {}", output.shown());
            let left = quiet.saturating_sub(output.at.elapsed());
            output = self.changed(output, left);
        }
    }

    /// Makes the terminal larger or smaller, of which the program is told by SIGWINCH.
    pub(crate) fn resize(&self, rows: u16, cols: u16) {
        let mut output = self.output();
        output.parser.screen_mut().set_size(rows, cols);
        drop(output);
        self.terminal().resize(rows, cols);
    }

    /// How many bytes the program has written.
    pub(crate) fn bytes(&self) -> u64 {
        self.output().raw.len() as u64
    }

    /// All that the program has written, escape sequences included.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.output().raw.clone()
    }

    /// The screen with all its cells.
    pub(crate) fn picture(&self) -> vt100::Screen {
        self.output().parser.screen().clone()
    }

    /// What the program has switched on, by its escape sequences.
    pub(crate) fn modes(&self) -> Modes {
        let output = self.output();
        let screen = output.parser.screen();
        Modes {
            alternate_screen: screen.alternate_screen(),
            cursor_hidden: screen.hide_cursor(),
            bracketed_paste: screen.bracketed_paste(),
            mouse: screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
        }
    }

    /// How the terminal's line is set: the settings of `stty -a` but the size, such as
    /// `icanon` and `-echo`. Also once the program has ended.
    pub(crate) fn line_settings(&self) -> Vec<String> {
        let all = self.terminal().stty();
        // The first line has the speed and the size.
        let settings = all.lines().skip(1).flat_map(|line| {
            let separator = if line.contains(';') { "; " } else { " " };
            line.trim_end_matches(';').split(separator)
        });
        settings.map(|setting| setting.trim().to_owned()).collect()
    }

    /// Whether keys reach the program one by one and unseen, as a full-screen program has it.
    pub(crate) fn is_raw(&self) -> bool {
        let settings = self.line_settings();
        let off = |name: &str| settings.iter().any(|setting| setting == name);
        off("-icanon") && off("-echo")
    }

    /// The terminal vanishes, as when a window is closed or a connection is lost: the program
    /// gets SIGHUP, and what it reads or writes from now on fails. What it wrote before can
    /// still be looked at.
    pub(crate) fn hang_up(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            terminal.vanish(&self.seen);
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name: `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        assert!(self.status.is_none(), "the program has ended");
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Whether the program still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("it is ours");
        }
        self.status.is_none()
    }

    /// Waits for the program to end; its exit code, `None` if a signal has ended it. All that
    /// it wrote is on the screen then.
    pub(crate) fn wait(&mut self, within: Duration) -> Option<i32> {
        let until = Instant::now() + within;
        while self.is_running() {
            assert!(Instant::now() < until, "it runs; {}", self.output().shown());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.last_words();
        self.status.and_then(|status| status.code())
    }

    /// Waits for what an ended program has written. A child of its may hold the terminal for
    /// longer, so this has an end.
    fn last_words(&self) {
        let until = Instant::now() + Duration::from_secs(1);
        let mut output = self.output();
        while !output.ended && Instant::now() < until {
            output = self.changed(output, Duration::from_millis(100));
        }
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        unpoisoned(&self.seen.output)
    }

    /// Waits until more has been written, for `left` at the most.
    fn changed<'a>(
        &self,
        output: MutexGuard<'a, Output>,
        left: Duration,
    ) -> MutexGuard<'a, Output> {
        let waited = self.seen.changed.wait_timeout(output, left);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn terminal(&self) -> &Terminal {
        self.terminal.as_ref().expect("it has not been hung up")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // What a shell has started goes on without it, as it should without a terminal.
        for pid in in_session(self.pid()) {
            // It may end by itself in this very moment.
            let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
        }
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        self.hang_up();
    }
}

/// The processes whose session `leader` has begun: the terminal's own, and no others.
fn in_session(leader: u32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_in = |pid: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Behind the name: state, parent, group, session.
        let behind = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace());
        behind.and_then(|mut fields| fields.nth(3)) == Some(&leader.to_string())
    };
    let names = processes.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(is_in).collect()
}

impl Seen {
    /// Whether more is wanted.
    fn take(&self, bytes: &[u8]) -> bool {
        let mut output = unpoisoned(&self.output);
        // Programs write none, so it is the one that is to stop us.
        let nul = bytes.iter().position(|byte| *byte == 0);
        let end = nul.filter(|_| output.stopping);
        let bytes = &bytes[..end.unwrap_or(bytes.len())];
        output.parser.process(bytes);
        output.raw.extend_from_slice(bytes);
        output.at = Instant::now();
        self.changed.notify_all();
        end.is_none()
    }
}

impl Output {
    fn rows(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let rows = screen.rows(0, screen.size().1);
        rows.map(|row| row.trim_end().to_owned()).collect()
    }

    fn text(&self) -> String {
        self.rows().join("\n").trim_end().to_owned()
    }

    /// The whole screen, for a failure.
    fn shown(&self) -> String {
        let (rows, cols) = self.parser.screen().size();
        let ended = if self.ended { ", and it has ended" } else { "" };
        let bytes = self.raw.len();
        let mut shown = format!("after {bytes} bytes{ended}, the screen of {cols}x{rows} shows:\n");
        for row in self.rows() {
            writeln!(shown, "│{row}").expect("a string takes it");
        }
        shown
    }
}

impl Style {
    fn of(cell: &vt100::Cell) -> Self {
        Self {
            fg: cell.fgcolor(),
            bg: cell.bgcolor(),
            bold: cell.bold(),
            dim: cell.dim(),
            italic: cell.italic(),
            underline: cell.underline(),
            inverse: cell.inverse(),
        }
    }
}

/// The row and column of the first `text`. A wide character has two columns, so they are
/// counted cell by cell.
fn find(screen: &vt100::Screen, text: &str) -> Option<(u16, u16)> {
    let (rows, cols) = screen.size();
    (0..rows).find_map(|row| {
        let mut line = String::new();
        let mut starts = Vec::new();
        for (col, cell) in (0..cols).filter_map(|col| Some((col, screen.cell(row, col)?))) {
            starts.push((line.len(), col));
            if !cell.is_wide_continuation() {
                line.push_str(if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                });
            }
        }
        let at = line.find(text)?;
        let (_, col) = starts.iter().find(|(start, _)| *start == at)?;
        Some((row, *col))
    })
}

/// A failed test has poisoned it, whose panic is the one to be told.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
