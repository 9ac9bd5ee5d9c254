//! The console's side of `dialdeck attach`: an engine in another process, reached over the
//! control API.
//!
//! Pictures come as a stream and commands go by POST, so that to the console it is as if the
//! engine were here. When the stream ends, its last picture stays, the console is told since
//! when it is old, and the stream is opened again, later and later.

mod link;
mod place;
mod pulse;
mod requeue;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::campaign::{LeadId, Outcome};
use crate::control::{Away, Command, Desk};
use crate::engine::{Clock, Detail, Snapshot};
use crate::headless::harmless;
use crate::wire::{LogLine, ORDER_LIVES, Order, PROTOCOL, What};
pub use place::{Place, PlaceError};
use pulse::Pulse;

/// How long the answer to a command is waited for: by then it is too old to be carried out.
const COMMAND: Duration = Duration::from_secs(ORDER_LIVES.as_secs() + 2);
/// How long that to a new run is, which reads a list.
const NEW_RUN: Duration = Duration::from_secs(30);
/// How long a detail may take.
const DETAIL: Duration = Duration::from_secs(5);
/// Batches of log lines that may wait for the console's log pane.
const LOG_BATCHES: usize = 16;

/// A console's hold on an engine in another process. The stream ends when this is dropped.
#[derive(Debug)]
pub struct Attached {
    /// Gives commands.
    pub desk: Arc<Remote>,
    /// The engine's pictures, of which there is one already.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Since when the engine is not reached, and why.
    pub away: watch::Receiver<Option<Away>>,
    /// Lines for the log pane.
    pub log: mpsc::Receiver<Vec<LogLine>>,
    /// The engine's time.
    pub clock: Clock,
    link: tokio::task::AbortHandle,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.link.abort();
    }
}

/// Opens the stream and waits for the first picture. The error is a sentence.
pub async fn attach(place: Place, user: String) -> Result<Attached, String> {
    let place = Arc::new(place);
    let (tell_away, away) = watch::channel(None);
    let (tell_log, log) = mpsc::channel(LOG_BATCHES);
    let pulse = Arc::new(Pulse::default());
    let mut link = link::AttachLink::new(Arc::clone(&place), tell_log, Arc::clone(&pulse));
    let (first, clock) = link.first_picture().await?;
    let (publish, snapshots) = watch::channel(Arc::new(first));
    let link = tokio::spawn(link.run(publish, tell_away, clock)).abort_handle();
    let desk = Remote {
        place,
        user,
        away: away.clone(),
        pulse,
    };
    Ok(Attached {
        desk: Arc::new(desk),
        snapshots,
        away,
        log,
        clock,
        link,
    })
}

/// Gives commands to an engine in another process.
#[derive(Debug)]
pub struct Remote {
    place: Arc<Place>,
    user: String,
    away: watch::Receiver<Option<Away>>,
    pulse: Arc<Pulse>,
}

impl Remote {
    async fn order(&self, command: Command, given: Instant) -> Outcome {
        let Some(what) = What::of(command) else {
            return Err("an attached console does not end the engine".to_owned());
        };
        if let Some(away) = &*self.away.borrow() {
            return Err(format!("not sent: {}", away.why));
        }
        let Some(at) = self.pulse.at(given) else {
            return Err("not sent: the engine has not said anything yet".to_owned());
        };
        if given.elapsed() > ORDER_LIVES {
            return Err("not sent: what was asked before it took too long".to_owned());
        }
        let patience = if what == What::NewRun {
            NEW_RUN
        } else {
            COMMAND
        };
        let order = Order {
            protocol: PROTOCOL,
            at,
            what,
            user: self.user.clone(),
        };
        let request = self.place.post("/api/v1/console/orders").json(&order);
        let answer = request.timeout(patience).send().await;
        let unknown = |error: &reqwest::Error| {
            if error.is_timeout() {
                let seconds = patience.as_secs();
                return format!(
                    "no answer came in {seconds} s: what is not done by now will not be done"
                );
            }
            let why = Place::why(error);
            format!("no answer came, and it may have been done all the same: {why}")
        };
        let answer = answer.map_err(|error| {
            if error.is_connect() {
                return format!("not sent: {}", self.place.unreachable(&error));
            }
            unknown(&error)
        })?;
        let done = answer.status().is_success();
        let body: Value = answer.json().await.map_err(|error| unknown(&error))?;
        let said = said(&body);
        if done { Ok(said) } else { Err(said) }
    }

    async fn ask_detail(&self, lead: LeadId) -> Option<Box<Detail>> {
        let path = format!("/api/v1/console/leads/{}", lead.0);
        let answer = self.place.get(&path).timeout(DETAIL).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }
}

/// What an answer says to people.
fn said(body: &Value) -> String {
    let said = ["message", "error"]
        .into_iter()
        .find_map(|name| body[name].as_str());
    harmless(said.unwrap_or("the engine gave no reason"))
}

impl Desk for Remote {
    fn give(&self, command: Command, given: Instant) -> BoxFuture<'_, Outcome> {
        self.order(command, given).boxed()
    }

    fn detail(&self, lead: LeadId) -> BoxFuture<'_, Option<Box<Detail>>> {
        self.ask_detail(lead).boxed()
    }
}
