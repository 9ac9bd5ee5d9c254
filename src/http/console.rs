//! What attached consoles use: a stream of pictures, commands, details.
//!
//! The stream is made while its reader takes it: each line when there is room for one. A
//! console behind a slow line is told of fewer pictures, and costs the engine nothing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::Api;
use crate::campaign::{LeadId, Time};
use crate::console::log_line;
use crate::control::{Command, Who};
use crate::engine::{Clock, Snapshot};
use crate::feed::Feed;
use crate::wire::{self, Encoder, Hello, LogLine, ORDER_LIVES, Order, PROTOCOL, StreamLine};

/// Between two pictures.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two lines that tell that the process lives.
const ALIVE: Duration = Duration::from_secs(1);
/// Two machines' seconds differ a little: in a shift they drift apart by less.
const AHEAD_MS: u64 = 5000;
/// What [`StreamLine::Beat`] counts from.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// So many lines of the log a console gets that has just been attached.
const BACKLOG: u64 = 1000;
/// So many lines of the log go at once.
const LINES: usize = 200;

/// One console's stream.
struct ConsoleStream {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    clock: Clock,
    newest: watch::Receiver<u64>,
    feed: Feed,
    encoder: Encoder,
    /// The number of the last news that it was told.
    seen: u64,
    said_hello: bool,
    has_picture: bool,
    /// Nothing of the next picture goes before.
    next_at: Instant,
    beat_at: Instant,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConsoleQuery {
    /// The id of the last line of the log that the console has.
    after: Option<String>,
}

/// `GET /api/v1/console`: [`wire::StreamLine`]s, one a line.
pub(super) async fn stream(State(api): State<Api>, Query(asked): Query<ConsoleQuery>) -> Response {
    let Some(place) = api.place() else {
        return super::no_place();
    };
    let newest = api.feed.newest();
    let oldest = newest.borrow().saturating_sub(BACKLOG);
    let has = asked.after.and_then(|id| api.feed.number(&id));
    let seen = has.unwrap_or_default().max(oldest);
    let told = ConsoleStream {
        snapshots: api.snapshots.clone(),
        clock: api.clock,
        newest,
        feed: api.feed.clone(),
        encoder: Encoder::default(),
        seen,
        said_hello: false,
        has_picture: false,
        next_at: Instant::now(),
        beat_at: Instant::now() + ALIVE,
        _place: place,
    };
    let lines = futures_util::stream::unfold(told, |mut told| async move {
        let line = told.next_line().await?;
        Some((Ok::<_, Infallible>(line), told))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(lines)).into_response()
}

impl ConsoleStream {
    /// The next line; `None` once the engine is gone.
    async fn next_line(&mut self) -> Option<String> {
        if !self.said_hello {
            self.said_hello = true;
            return written(&StreamLine::Hello(hello(self.clock.now())));
        }
        loop {
            if Instant::now() >= self.beat_at {
                self.beat_at = Instant::now() + ALIVE;
                return written(&StreamLine::Beat(beat()));
            }
            if self.has_picture
                && !self.encoder.is_telling()
                && let Some(lines) = self.log_lines()
            {
                return written(&lines);
            }
            tokio::time::sleep_until(self.next_at).await;
            let newest = self.snapshots.borrow_and_update().clone();
            if let Some(message) = self.encoder.next_message(&newest) {
                if matches!(message, StreamLine::Picture(_)) {
                    self.next_at = Instant::now() + PAUSE;
                    self.has_picture = true;
                }
                // Others are served between two parts of a million leads.
                tokio::task::yield_now().await;
                return written(&message);
            }
            tokio::select! {
                changed = self.snapshots.changed() => changed.ok()?,
                changed = self.newest.changed() => changed.ok()?,
                () = tokio::time::sleep_until(self.beat_at) => {}
            }
        }
    }

    fn log_lines(&mut self) -> Option<StreamLine> {
        let batch = self.feed.after(self.seen, LINES);
        let (last, news) = batch.news.last()?;
        let missed = (batch.missed > 0).then(|| LogLine {
            at: news.at,
            level: "warn".to_owned(),
            target: "attach".to_owned(),
            text: format!("{} lines came too fast for this console", batch.missed),
        });
        self.seen = *last;
        let lines = batch.news.iter().map(|(_, news)| log_line(news));
        Some(StreamLine::Log {
            last: self.feed.id(*last),
            lines: missed.into_iter().chain(lines).collect(),
        })
    }
}

/// `now` is by the engine's clock, which its pictures are of.
fn hello(now: Time) -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now,
        beat: beat(),
    }
}

fn beat() -> u64 {
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn written(message: &StreamLine) -> Option<String> {
    // Plain values with texts as keys can be written.
    let mut line = serde_json::to_string(message).ok()?;
    line.push('\n');
    Some(line)
}

/// `POST /api/v1/console/orders`: a command, as the console's keys give it.
pub(super) async fn order(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    order: Result<Json<Value>, JsonRejection>,
) -> Response {
    let order = order.map_err(|why| why.body_text());
    let order = match order.and_then(|Json(order)| understood(order)) {
        Ok(order) => order,
        Err(why) => return super::api::bad(why),
    };
    if let Err(why) = still_lives(order.at, beat()) {
        return super::api::told(Err(why));
    }
    let who = Who::attached(&order.user, peer);
    super::api::told(api.control.give(Command::from(order.what), &who).await)
}

/// The protocol is looked at first: the rest may be otherwise in another.
fn understood(order: Value) -> Result<Order, String> {
    let protocol = order["protocol"].as_u64();
    match protocol.and_then(|protocol| u32::try_from(protocol).ok()) {
        Some(other) if other != PROTOCOL => {
            Err(wire::mismatch(other, PROTOCOL, env!("CARGO_PKG_VERSION")))
        }
        _ => serde_json::from_value(order).map_err(|why| why.to_string()),
    }
}

/// Whether an order that was given `at` may still be carried out.
fn still_lives(at: u64, now: u64) -> Result<(), String> {
    if at > now + AHEAD_MS {
        return Err("not done: it was meant for a process that has ended".to_owned());
    }
    let age = Duration::from_millis(now.saturating_sub(at));
    if age <= ORDER_LIVES {
        return Ok(());
    }
    let (age, lives) = (age.as_secs(), ORDER_LIVES.as_secs());
    Err(format!(
        "not done: it came {age} s after its key, and is worth {lives} s"
    ))
}

/// `GET /api/v1/console/leads/{lead}`: all there is to know of a lead, as the console shows it.
pub(super) async fn detail(State(api): State<Api>, Path(lead): Path<u32>) -> Response {
    match api.control.detail(LeadId(lead)).await {
        Some(detail) => Json(detail).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "Not Found" }))).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_lives_for_five_seconds_in_the_process_that_it_was_given_to() {
        let now = 60_000;
        for at in [now, now - 5000, now + AHEAD_MS] {
            assert_eq!(still_lives(at, now), Ok(()), "{at}");
        }
        for (at, why) in [
            (now - 6000, "6 s after its key"),
            (0, "60 s after its key"),
            (now + 6000, "a process that has ended"),
            (u64::MAX, "a process that has ended"),
        ] {
            let refused = still_lives(at, now).expect_err("it is not of now");
            assert!(refused.contains(why), "{at}: {refused}");
        }
    }

    #[test]
    fn another_protocols_order_is_told_so_whatever_else_it_says() {
        for (protocol, said) in [
            (PROTOCOL - 1, "newer than this console"),
            (PROTOCOL + 1, "older than this console"),
        ] {
            let why = understood(json!({ "protocol": protocol, "what": "to fly" }));
            let why = why.expect_err("it is another's");
            assert!(why.contains(said), "{why}");
        }
        understood(json!({})).expect_err("it is none");
    }
}
