//! Where lines go: standard output, or, while a console has it, the log file.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::super::exit::Failure;
use super::rotation::Rotating;
use crate::config::{Log, LogFormat};
use crate::console;

/// The log file, once it is in use. It stays so when the terminal goes. A std mutex: held to
/// write a line, never across an await.
static FILE: OnceLock<Mutex<Rotating>> = OnceLock::new();
/// The form of lines, once it is known.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// From here on lines have this form.
pub(super) fn set_format(format: LogFormat) {
    // A process has one session.
    let _ = FORMAT.set(format);
}

/// The form of lines.
pub(super) fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or(LogFormat::Human)
}

/// Sets up what no line is made of: oddities for whoever looks into them. They go to standard
/// error, or into the log file and the console's log pane.
pub(in super::super) fn init(with_console: bool) {
    if with_console {
        console::prepare_log();
    }
    let text = tracing_subscriber::fmt::layer()
        .with_writer(Oddities)
        .with_ansi(false)
        // Else a line that can't be written is told on standard error: across the console, or
        // with a panic where the terminal has gone.
        .log_internal_errors(false)
        .with_filter(LevelFilter::WARN);
    let pane = with_console
        .then_some(tui_logger::TuiTracingSubscriberLayer)
        .with_filter(LevelFilter::WARN);
    tracing_subscriber::registry().with(text).with(pane).init();
}

/// For a console without an engine: oddities go into its log pane alone.
pub(in super::super) fn init_pane() {
    console::prepare_log();
    let pane = tui_logger::TuiTracingSubscriberLayer.with_filter(LevelFilter::WARN);
    tracing_subscriber::registry().with(pane).init();
}

/// From here on lines go into the file at `path`.
pub(super) fn to_file(path: &Path, rules: Log) -> Result<(), Failure> {
    let file = Rotating::open(path, rules).map_err(|e| {
        let path = path.display();
        Failure::Settings(format!(
            "LOG_FILE={path} can't be written: {e}; set another LOG_FILE"
        ))
    })?;
    // A process has one session.
    let _ = FILE.set(Mutex::new(file));
    Ok(())
}

/// Writes lines of the log.
pub(super) fn line(text: &str) {
    match file() {
        Some(mut file) => file.write(text.as_bytes()),
        None => print(text),
    }
}

/// Goes on in the file that now has the name in `LOG_FILE`.
pub(super) fn reopen() {
    if let Some(mut file) = file() {
        file.reopen();
    }
}

fn file() -> Option<MutexGuard<'static, Rotating>> {
    let file = FILE.get()?;
    Some(file.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Writes to standard output whatever the log does.
pub(super) fn print(text: &str) {
    // A closed pipe ends the output, not the calls.
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// Whether lines go into a file.
pub(super) fn is_file() -> bool {
    FILE.get().is_some()
}

struct Oddities;

/// One line of an oddity for the log file.
struct IntoFile;

impl Write for IntoFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(mut file) = file() {
            file.write(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Oddities {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        if is_file() {
            Box::new(IntoFile)
        } else {
            Box::new(io::stderr())
        }
    }
}
