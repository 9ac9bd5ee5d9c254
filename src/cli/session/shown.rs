//! A console that is being shown, in a thread of its own.

use std::time::Duration;

use tokio::sync::oneshot;

use super::super::exit::Failure;
use crate::console::{Console, ConsoleHandle, ConsoleOptions, Left, Ports};

/// How long a console may take to leave.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) struct ConsoleThread {
    pub(super) remote: ConsoleHandle,
    /// Why it ended; closed without a word where its thread panicked.
    left: oneshot::Receiver<Left>,
    thread: std::thread::JoinHandle<()>,
}

impl ConsoleThread {
    pub(super) fn open(options: ConsoleOptions, ports: Ports) -> Result<Self, Failure> {
        let (console, remote) = Console::open(options, ports);
        let (tx, left) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("console".to_owned())
            .spawn(move || {
                // Nobody waits for it where the session has ended.
                let _ = tx.send(console.run());
            })
            .map_err(|e| Failure::Unexpected(format!("no console can be shown: {e}")))?;
        Ok(Self {
            remote,
            left,
            thread,
        })
    }

    /// Tells it to leave, and waits until the terminal is as it was; not for ever, since a
    /// terminal behind a dead line may take nothing any more.
    pub(super) async fn close(self) {
        let Self {
            remote,
            left,
            thread,
        } = self;
        std::thread::spawn(move || remote.leave());
        if tokio::time::timeout(PATIENCE, left).await.is_ok() {
            // It is at its end; a panic there has been told.
            let _ = thread.join();
        }
    }
}

/// Comes back when the console has ended; never where there is none.
pub(super) async fn left(shown: &mut Option<ConsoleThread>) -> Option<Left> {
    match shown {
        Some(shown) => (&mut shown.left).await.ok(),
        None => std::future::pending().await,
    }
}
