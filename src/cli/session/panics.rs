//! Panics: whichever thread has one, it is logged first, then told to the session, which gives
//! the terminal back and places no new calls.

use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::log;
use crate::engine::Clock;
use crate::headless::{self, harmless};

/// What panicked so far. A std mutex: held to push or read a line, never across an await.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NOTICED: Notify = Notify::const_new();

/// From here on panics are told.
pub(super) fn watch() {
    std::panic::set_hook(Box::new(hook));
}

/// From here on panics are kept for the end: a console without an engine has the screen.
pub(in super::super) fn watch_quietly() {
    std::panic::set_hook(Box::new(|info| keep(text_of(info))));
}

fn hook(info: &PanicHookInfo<'_>) {
    let text = text_of(info);
    let now = Clock::new().now();
    log::line(&headless::panic(log::format(), now, &text));
    if !log::is_file() {
        let _ = writeln!(io::stderr(), "dialdeck: {text}");
    }
    keep(text);
}

fn text_of(info: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("?").to_owned();
    let place = info
        .location()
        .map_or_else(|| "?".to_owned(), ToString::to_string);
    let payload = info.payload();
    let what = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text");
    harmless(&format!("a bug: {what} (thread {thread}, {place})"))
}

fn keep(text: String) {
    TOLD.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(text);
    NOTICED.notify_one();
}

/// Comes back once something has panicked.
pub(super) async fn noticed() {
    NOTICED.notified().await;
}

/// Whether something has panicked.
pub(super) fn any() -> bool {
    !TOLD
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_empty()
}

/// Tells on the terminal, which the console has given back, what the log file has already: its
/// operator may have to wait for calls to end.
pub(super) fn tell_at_once() {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(first) = told.first().filter(|_| log::is_file()) {
        // Without a standard error there is nobody to tell.
        let _ = writeln!(
            io::stderr(),
            "dialdeck: {first}. No call is placed any more; the process ends when those that \
             are up have. Ctrl-C hangs them up"
        );
    }
}

/// The first panic of a process without an engine.
pub(in super::super) fn told_here() -> Option<String> {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let first = told.first()?;
    Some(format!(
        "{first}. The engine is another process and goes on"
    ))
}

/// What to tell at the end: the first panic, which is the cause of any other.
pub(super) fn told() -> Option<String> {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let first = told.first()?;
    Some(format!(
        "{first}. No more calls were placed; the next start takes care of what is left"
    ))
}
