//! What a supervisor is told, as systemd's `sd_notify(3)` has it. Without one nothing is sent.
//!
//! The sign of life comes from the engine's own loop: it publishes a picture at least once a
//! second, and each picture is passed on as one. An engine that hangs sends none, whatever
//! else in the process is still well, and is killed and started anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::sync::watch;

use crate::campaign::RunState;
use crate::engine::Snapshot;
use crate::headless::harmless;

/// What one picture says to a supervisor.
struct Word {
    status: String,
    stopping: bool,
}

/// From the engine's first picture until its last.
pub(super) async fn tell(snapshots: watch::Receiver<Arc<Snapshot>>) {
    let watchdog = sd_notify::watchdog_enabled();
    pass_on(snapshots, watchdog, word, send).await;
}

/// Settings are being read again.
pub(super) fn reloading() {
    if let Ok(at) = NotifyState::monotonic_usec_now() {
        send(&[NotifyState::Reloading, at]);
    }
}

/// They have been.
pub(super) fn reloaded() {
    send(&[NotifyState::Ready]);
}

fn send(states: &[NotifyState<'_>]) {
    // A supervisor that takes nothing is no reason to stop dialing.
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the supervisor cannot be told");
    }
}

/// Tells READY with the first picture that the engine's loop has made, then each change of the
/// status, and a sign of life with a picture whenever half of the watchdog's time is over.
async fn pass_on<T>(
    mut snapshots: watch::Receiver<Arc<T>>,
    watchdog: Option<Duration>,
    word: impl Fn(&T) -> Word,
    mut send: impl FnMut(&[NotifyState<'_>]),
) {
    let mut ready = false;
    let mut stopping = false;
    let mut status = String::new();
    let mut alive_at: Option<Instant> = None;
    while snapshots.changed().await.is_ok() {
        let shown = snapshots.borrow_and_update().clone();
        let said = word(&shown);
        if !ready {
            ready = true;
            send(&[NotifyState::Ready]);
        }
        if said.stopping && !stopping {
            stopping = true;
            send(&[NotifyState::Stopping]);
        }
        if said.status != status {
            send(&[NotifyState::Status(&said.status)]);
            status = said.status;
        }
        let due = |every: &Duration| alive_at.is_none_or(|at| at.elapsed() >= *every / 2);
        if watchdog.as_ref().is_some_and(due) {
            alive_at = Some(Instant::now());
            send(&[NotifyState::Watchdog]);
        }
    }
}

fn word(shown: &Snapshot) -> Word {
    let all = shown.leads.len();
    let waiting = shown.leads.waiting() + shown.calls.len();
    let done = all.saturating_sub(waiting);
    let mut status = format!(
        "{}: live calls {}, leads done {done} of {all}",
        shown.state.word(),
        shown.limit.in_use
    );
    if let RunState::Paused(reason) = &shown.state {
        status = format!("{status}; {reason}");
    }
    if let Some((_, why)) = &shown.link.down {
        status = format!("{status}; link down: {why}");
    }
    Word {
        status: harmless(&status),
        stopping: shown.stopping.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What is told of `pictures`, one every 20 ms, and how often the sign of life was among it
    /// a while after the last.
    async fn told(pictures: &[&'static str]) -> Vec<String> {
        let (tx, rx) = watch::channel(Arc::new("first"));
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let word = |picture: &&str| Word {
            status: (*picture).to_owned(),
            stopping: *picture == "stopping",
        };
        let send = move |states: &[NotifyState<'_>]| {
            let mut heard = heard.lock().expect("nobody panics with it");
            heard.extend(states.iter().map(ToString::to_string));
        };
        let every = Some(Duration::from_millis(10));
        let task = tokio::spawn(pass_on(rx, every, word, send));
        for picture in pictures {
            tx.send(Arc::new(picture)).expect("it listens");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The engine hangs: no more pictures, and the channel stays open.
        tokio::time::sleep(Duration::from_millis(200)).await;
        task.abort();
        let told = told.lock().expect("nobody panics with it");
        told.clone()
    }

    #[tokio::test]
    async fn an_engine_that_hangs_gives_no_sign_of_life() {
        let told = told(&["one", "two", "two"]).await;
        let expected = [
            "READY=1",
            "STATUS=one",
            "WATCHDOG=1",
            "STATUS=two",
            "WATCHDOG=1",
            "WATCHDOG=1",
        ];
        assert_eq!(told, expected);
    }

    #[tokio::test]
    async fn nothing_is_told_before_the_engine_s_loop_turns() {
        assert!(told(&[]).await.is_empty());
    }

    #[tokio::test]
    async fn stopping_is_told_once() {
        let told = told(&["one", "stopping", "stopping"]).await;
        assert_eq!(told.iter().filter(|t| *t == "STOPPING=1").count(), 1);
    }
}
