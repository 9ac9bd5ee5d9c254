//! `GET /api/v1/events`: what happens, as server-sent events.
//!
//! Each has an id, and a reader that comes back with `Last-Event-ID` goes on where it was. Where
//! that is not possible, because it was away or too slow for too long, or the events were those
//! of another process, it is told so by a `gap`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Api;
use super::views::Status;
use crate::campaign::{CallStep, CallSummary, Notice, RunState, Time};
use crate::engine::{News, Snapshot, Told};
use crate::feed::Feed;
use crate::headless::rfc3339;

/// So many are taken from the feed at once.
const AT_ONCE: usize = 100;

/// A picture follows the news within this.
const PUBLISHED: Duration = Duration::from_secs(1);

/// One reader.
struct Follower {
    feed: Feed,
    newest: watch::Receiver<u64>,
    seen: u64,
    /// At most [`AT_ONCE`] and one.
    next: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn events(State(api): State<Api>, headers: HeaderMap) -> Response {
    let Some(place) = api.place() else {
        return super::no_place();
    };
    let newest = api.feed.newest();
    let seen = *newest.borrow();
    let mut follower = Follower {
        seen,
        newest,
        next: VecDeque::new(),
        feed: api.feed.clone(),
        _place: place,
    };
    if let Some(id) = headers.get("last-event-id") {
        follower.go_on_after(id.to_str().unwrap_or_default());
    }
    let status = json!(Status::of(&*up_to_date(&api, seen).await));
    follower.next.push_back(event("status", &status));
    let stream = futures_util::stream::unfold(follower, |mut follower| async move {
        let event = follower.next_event().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Sse::new(stream)
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// A picture that shows the news up to `seen`: they are told before it is published, and one that
/// lags behind them would never be set right.
async fn up_to_date(api: &Api, seen: u64) -> Arc<Snapshot> {
    let mut snapshots = api.snapshots.clone();
    let last = api.feed.after(seen.saturating_sub(1), 1).news.pop();
    let at = last.map_or_else(Time::default, |(_, news)| news.at);
    let shows = snapshots.wait_for(|snapshot| snapshot.at >= at);
    // An engine that is at its end publishes none any more.
    let _ = tokio::time::timeout(PUBLISHED, shows).await;
    snapshots.borrow().clone()
}

impl Follower {
    /// Goes on after the event with this id, or tells that it can't.
    fn go_on_after(&mut self, id: &str) {
        match self.feed.number(id) {
            Some(number) => self.seen = number,
            None => self.next.push_back(gap(None)),
        }
    }

    async fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.next.pop_front() {
                return Some(event);
            }
            self.newest.borrow_and_update();
            self.fetch();
            if self.next.is_empty() {
                self.newest.changed().await.ok()?;
            }
        }
    }

    fn fetch(&mut self) {
        let batch = self.feed.after(self.seen, AT_ONCE);
        if batch.missed > 0 {
            self.next.push_back(gap(Some(batch.missed)));
        }
        for (number, news) in batch.news {
            self.seen = number;
            if let Some((name, data)) = told(&news) {
                let id = self.feed.id(number);
                self.next.push_back(event(name, &data).id(id));
            }
        }
    }
}

/// Events are missing: how many, where that is known.
fn gap(missed: Option<u64>) -> Event {
    event("gap", &json!({ "missed": missed }))
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

/// Name and data of an event; `None` for news that are meant for the log.
fn told(news: &News) -> Option<(&'static str, Value)> {
    let at = rfc3339(news.at);
    let event = match &news.what {
        Told::Campaign(Notice::State { state }) => {
            let reason = match state {
                RunState::Paused(reason) => Some(reason),
                _ => None,
            };
            let data = json!({ "at": at, "state": state.word(), "reason": reason });
            ("state", data)
        }
        Told::Campaign(Notice::Call {
            attempt,
            number,
            step,
            ..
        }) => {
            let mut data = json!({
                "at": at,
                "attempt": attempt,
                "number": number.as_str(),
                "step": step_word(*step),
            });
            if let CallStep::Bridged { dead_air_ms } = step {
                data["dead_air_ms"] = json!(dead_air_ms);
            }
            ("call", data)
        }
        Told::Campaign(Notice::Ended(call)) => ("call", ended(&at, call)),
        Told::LinkUp => ("link", json!({ "at": at, "up": true, "why": null })),
        Told::LinkDown { why } => ("link", json!({ "at": at, "up": false, "why": why })),
        Told::Command {
            by,
            command,
            outcome,
        } => (
            "command",
            json!({ "at": at, "by": by, "command": command, "outcome": outcome }),
        ),
        _ => return None,
    };
    Some(event)
}

const fn step_word(step: CallStep) -> &'static str {
    match step {
        CallStep::Dialing => "dialing",
        CallStep::Ringing => "ringing",
        CallStep::EarlyMedia => "early_media",
        CallStep::Answered => "answered",
        CallStep::Bridged { .. } => "bridged",
        CallStep::Agent => "agent",
        CallStep::Withdrawn => "withdrawn",
    }
}

fn ended(at: &str, call: &CallSummary) -> Value {
    json!({
        "at": at,
        "attempt": call.attempt,
        "number": call.number.as_str(),
        "step": "ended",
        "disposition": call.disposition.as_str(),
        "cause": call.cause.q850,
        "sip_code": call.cause.sip,
        "ended_by": call.by.as_str(),
    })
}
