//! A console without an engine in its process: shown until somebody leaves it or ends it.

use super::shown::{self, ConsoleThread};
use super::signals::{Caught, Signals};
use crate::cli::exit::Failure;
use crate::console::{ConsoleOptions, Left, Ports};

/// Shows it until the operator leaves, the terminal goes or a signal comes. Why it ended, unless
/// it was by a signal or a panic.
pub(in super::super) async fn until_left(
    options: ConsoleOptions,
    ports: Ports,
) -> Result<Option<Left>, Failure> {
    let mut signals = Signals::listen()?;
    let mut shown = Some(ConsoleThread::open(options, ports)?);
    loop {
        tokio::select! {
            left = shown::left(&mut shown) => return Ok(left),
            caught = signals.next() => match caught {
                Caught::Stop(_) | Caught::HangUp => break,
                Caught::Resized => {
                    if let Some(shown) = &shown {
                        shown.remote.resized();
                    }
                }
            },
        }
    }
    if let Some(shown) = shown {
        shown.close().await;
    }
    Ok(None)
}
