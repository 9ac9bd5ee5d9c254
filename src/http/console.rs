//! What attached consoles use: a stream of pictures, commands, details.
//!
//! The stream is made while its reader takes it: each line when there is room for one. A
//! console behind a slow line is told of fewer pictures, and costs the engine nothing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::Api;
use crate::campaign::LeadId;
use crate::console::log_line;
use crate::control::{Command, Who};
use crate::engine::{Clock, Snapshot};
use crate::feed::Feed;
use crate::wire::{self, Encoder, Hello, LogLine, Message, Order, PROTOCOL};

/// Between two pictures.
const PAUSE: Duration = Duration::from_millis(50);
/// A line that tells only that the process lives comes after so long without another.
const ALIVE: Duration = Duration::from_secs(1);
/// So many lines of the log a console gets that has just been attached.
const BACKLOG: u64 = 1000;
/// So many lines of the log go at once.
const LINES: usize = 200;

/// One console's stream.
struct Told {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    newest: watch::Receiver<u64>,
    feed: Feed,
    encoder: Encoder,
    /// The number of the last news that it was told.
    seen: u64,
    said_hello: bool,
    has_picture: bool,
    /// Nothing of the next picture goes before.
    next_at: Instant,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The id of the last line of the log that the console has.
    after: Option<String>,
}

/// `GET /api/v1/console`: [`wire::Message`]s, one a line.
pub(super) async fn stream(State(api): State<Api>, Query(asked): Query<Asked>) -> Response {
    let Some(place) = api.place() else {
        return super::no_place();
    };
    let newest = api.feed.newest();
    let oldest = newest.borrow().saturating_sub(BACKLOG);
    let has = asked.after.and_then(|id| api.feed.number(&id));
    let seen = has.unwrap_or_default().max(oldest);
    let told = Told {
        snapshots: api.snapshots.clone(),
        newest,
        feed: api.feed.clone(),
        encoder: Encoder::default(),
        seen,
        said_hello: false,
        has_picture: false,
        next_at: Instant::now(),
        _place: place,
    };
    let lines = futures_util::stream::unfold(told, |mut told| async move {
        let line = told.next_line().await?;
        Some((Ok::<_, Infallible>(line), told))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(lines)).into_response()
}

impl Told {
    /// The next line; `None` once the engine is gone.
    async fn next_line(&mut self) -> Option<String> {
        if !self.said_hello {
            self.said_hello = true;
            return written(&Message::Hello(hello()));
        }
        loop {
            if self.has_picture
                && !self.encoder.is_telling()
                && let Some(lines) = self.log_lines()
            {
                return written(&lines);
            }
            tokio::time::sleep_until(self.next_at).await;
            let newest = self.snapshots.borrow_and_update().clone();
            if let Some(message) = self.encoder.next_message(&newest) {
                if matches!(message, Message::Picture(_)) {
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
                () = tokio::time::sleep(ALIVE) => return Some("\n".to_owned()),
            }
        }
    }

    fn log_lines(&mut self) -> Option<Message> {
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
        Some(Message::Log {
            last: self.feed.id(*last),
            lines: missed.into_iter().chain(lines).collect(),
        })
    }
}

fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: Clock::new().now(),
    }
}

fn written(message: &Message) -> Option<String> {
    // Plain values with texts as keys can be written.
    let mut line = serde_json::to_string(message).ok()?;
    line.push('\n');
    Some(line)
}

/// `POST /api/v1/console/orders`: a command, as the console's keys give it.
pub(super) async fn order(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    let order = match order {
        Ok(Json(order)) if order.protocol == PROTOCOL => order,
        Ok(Json(order)) => {
            let why = wire::mismatch(order.protocol, PROTOCOL, env!("CARGO_PKG_VERSION"));
            return super::api::bad(why);
        }
        Err(why) => return super::api::bad(why.body_text()),
    };
    let who = Who::attached(&order.user, peer);
    super::api::told(api.control.give(Command::from(order.what), &who).await)
}

/// `GET /api/v1/console/leads/{lead}`: all there is to know of a lead, as the console shows it.
pub(super) async fn detail(State(api): State<Api>, Path(lead): Path<u32>) -> Response {
    match api.control.detail(LeadId(lead)).await {
        Some(detail) => Json(detail).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "Not Found" }))).into_response(),
    }
}
