//! Signals, as the session acts on them.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::exit::{self, Failure};
use super::supervisor;
use crate::control::{Control, Who};

/// What was caught.
pub(super) enum Caught {
    /// SIGTERM or SIGINT. The first drains, the second hangs up; the engine knows which one it is.
    Stop(&'static str),
    /// SIGHUP.
    HangUp,
    /// SIGWINCH.
    Resized,
}

pub(in super::super) struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
    winch: Signal,
}

impl Signals {
    pub(in super::super) fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|e| Failure::Unexpected(format!("signals cannot be listened to: {e}")))
        };
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            int: listen(SignalKind::interrupt())?,
            hup: listen(SignalKind::hangup())?,
            winch: listen(SignalKind::window_change())?,
        })
    }

    /// Comes back at any signal that ends a program.
    pub(in super::super) async fn stop(&mut self) {
        while matches!(self.next().await, Caught::Resized) {}
    }

    pub(super) async fn next(&mut self) -> Caught {
        tokio::select! {
            Some(()) = self.term.recv() => Caught::Stop("SIGTERM"),
            Some(()) = self.int.recv() => Caught::Stop("SIGINT"),
            Some(()) = self.hup.recv() => Caught::HangUp,
            Some(()) = self.winch.recv() => Caught::Resized,
            else => std::future::pending().await,
        }
    }
}

/// SIGHUP without a terminal: rereads `.env` and the list. What changed is told in the engine's
/// own lines; what is wrong with them goes to standard error too, and changes nothing.
pub(super) async fn reload(control: Control) {
    supervisor::reloading();
    if let Err(why) = control.reload(&Who::Signal("SIGHUP")).await {
        let _ = exit::code(Err(Failure::Settings(why)));
    }
    supervisor::reloaded();
}
