//! Whether anybody is connected as an application. Asterisk lists an application for as long
//! as anything of it is left, and never says whether a client hears of it. What tells it
//! (measured on 22.10.1): a channel in another application is asked to move there. Where
//! nobody is connected it stays where it is, and its own application hears
//! `ApplicationMoveFailed`, whatever calls or subscriptions are left over; else it leaves with a
//! `StasisEnd`, and whoever is connected hears its `StasisStart`. Either comes within
//! some 10 ms. Asterisk 20 describes the same request and event, and was not tried; where the
//! request fails, presence is [`AppPresence::Unknown`].
//!
//! The channel is never dialed, rings nobody, and is gone before the answer is given. A
//! Dialdeck that is connected knows it by its id ([`PROBE`]) and lets it be.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::super::client::Client;
use super::super::error::AriError;
use super::super::event::{Event, EventKind};
use super::DownReason;
use super::socket::{self, Socket};

/// What the id of every such channel begins with.
pub const PROBE: &str = "dd-probe-";

/// What the request is called in error texts.
const MOVE: &str = "POST /channels/{id}/move";
/// When the channel ends, if whoever made it dies.
const LIFE_SECONDS: u32 = 5;
/// How long the question may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long Asterisk may take to forget what was asked with.
const ENDING: Duration = Duration::from_secs(1);
/// How many may ask side by side. Asterisk remembers the application of one that was killed
/// until a later one of that name ends, so there are not many names.
const NAMES: u32 = 16;

/// What is known of who is connected as an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppPresence {
    /// It was not asked.
    NotAsked,
    /// Nobody: what Asterisk knows of the application is left over.
    Nobody,
    /// A client, or a socket whose end Asterisk has not noticed yet.
    Somebody,
    /// It can't be asked here: Asterisk moves no channels, or not for this user.
    Unknown,
}

/// Whether anybody is connected as `app`, or why Asterisk does not answer. It rings nobody, and
/// leaves nothing behind, also where the answer is not waited for.
pub async fn presence(client: &Client, app: &str) -> Result<AppPresence, DownReason> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.fetch_add(1, Ordering::Relaxed);
    let asking = client.under(&name(std::process::id(), asked));
    let app = app.to_owned();
    // A task of its own, which tidies up though whoever asked is gone.
    let asked = tokio::spawn(async move { ask(&asking, &app).await });
    asked.await.unwrap_or(Ok(AppPresence::Unknown))
}

/// The application that asks. Whoever asks under the name of another one takes its events away,
/// so each question of a process has the next name.
fn name(process: u32, asked: u32) -> String {
    format!("dialdeck-probe-{}", process.wrapping_add(asked) % NAMES)
}

async fn ask(client: &Client, app: &str) -> Result<AppPresence, DownReason> {
    let mut socket = match socket::open(client.transport(), PATIENCE).await {
        Ok(socket) => socket,
        Err(DownReason::Handshake(_)) => return Ok(AppPresence::Unknown),
        Err(why) => return Err(why),
    };
    let probe = format!("{PROBE}{}", uuid::Uuid::new_v4().simple());
    let moved = timeout(PATIENCE, moved(client, &mut socket, &probe, app)).await;
    // Where it is gone already, or was never made, there is nothing to end.
    let _ = client.hangup(&probe, None).await;
    let _ = timeout(ENDING, client.until_forgotten()).await;
    let _ = timeout(ENDING, socket.close(None)).await;
    moved.unwrap_or(Err(DownReason::Request(AriError::Timeout {
        request: MOVE,
        after: PATIENCE,
    })))
}

async fn moved(
    client: &Client,
    socket: &mut Socket,
    probe: &str,
    app: &str,
) -> Result<AppPresence, DownReason> {
    if let Err(error) = client.create_probe(probe, LIFE_SECONDS).await {
        return refused(error);
    }
    loop {
        match next(socket).await? {
            EventKind::StasisStart { channel, .. } if channel.id == probe => break,
            _ => {}
        }
    }
    if let Err(error) = client.move_channel(probe, app).await {
        return refused(error);
    }
    loop {
        match next(socket).await? {
            EventKind::StasisEnd { channel } if channel.id == probe => {
                return Ok(AppPresence::Somebody);
            }
            EventKind::Other(kind) if kind == "ApplicationMoveFailed" => {
                return Ok(AppPresence::Nobody);
            }
            // Somebody else asks under the same name.
            EventKind::ApplicationReplaced => return Ok(AppPresence::Unknown),
            _ => {}
        }
    }
}

/// An Asterisk that answers and does not do it tells nothing; one that doesn't is asked again.
fn refused(error: AriError) -> Result<AppPresence, DownReason> {
    if error.is_outage() {
        return Err(DownReason::Request(error));
    }
    Ok(AppPresence::Unknown)
}

/// The next event.
async fn next(socket: &mut Socket) -> Result<EventKind, DownReason> {
    loop {
        let Some(Ok(message)) = socket.next().await else {
            return Err(DownReason::Closed);
        };
        if let Message::Text(text) = message
            && let Ok(event) = Event::parse(text.as_str())
        {
            return Ok(event.kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn questions_asked_one_after_the_other_have_different_names() {
        for (process, first) in [(1, 0), (4711, 9), (u32::MAX, 7), (15, u32::MAX - 20)] {
            let asked = first..first + NAMES;
            let names: BTreeSet<String> = asked.map(|asked| name(process, asked)).collect();
            assert_eq!(names.len(), 16, "{names:?}");
        }
    }
}
