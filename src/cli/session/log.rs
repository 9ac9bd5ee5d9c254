//! Where lines go: standard output, or, while a console has it, the log file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::OnceLock;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::super::exit::Failure;
use crate::console;

/// The log file, once it is in use. It stays so when the terminal goes.
static FILE: OnceLock<File> = OnceLock::new();

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

/// From here on lines go into the file at `path`. Only its owner may read it: it has people's
/// numbers in it.
pub(super) fn to_file(path: &Path) -> Result<(), Failure> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| {
            let path = path.display();
            Failure::Settings(format!(
                "LOG_FILE={path} can't be written: {e}; set another LOG_FILE"
            ))
        })?;
    // A process has one session.
    let _ = FILE.set(file);
    Ok(())
}

/// Writes lines of the log.
pub(super) fn line(text: &str) {
    match FILE.get() {
        // A full disk costs lines of the log, and no calls.
        Some(mut file) => drop(file.write_all(text.as_bytes())),
        None => print(text),
    }
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

impl<'a> MakeWriter<'a> for Oddities {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        match FILE.get() {
            Some(file) => Box::new(file),
            None => Box::new(io::stderr()),
        }
    }
}
