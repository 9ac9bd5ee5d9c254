//! The console's side of `dialdeck attach`: an engine in another process, reached over the
//! control API.
//!
//! Pictures come as a stream and commands go by POST, so that to the console it is as if the
//! engine were here. When the stream ends, its last picture stays, the console is told since
//! when it is old, and the stream is opened again, later and later.

mod link;
mod place;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::campaign::{LeadId, Outcome};
use crate::control::{Away, Command, Desk};
use crate::engine::{Clock, Detail, Snapshot};
use crate::wire::{LogLine, Order, PROTOCOL, What};
pub use place::{Place, PlaceError};

/// How long a command may take: a new run reads a list.
const COMMAND: Duration = Duration::from_secs(30);
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
    let mut link = link::Link::new(Arc::clone(&place), tell_log);
    let (first, clock) = link.first_picture().await?;
    let (publish, snapshots) = watch::channel(Arc::new(first));
    let link = tokio::spawn(link.run(publish, tell_away, clock)).abort_handle();
    let desk = Remote {
        place,
        user,
        away: away.clone(),
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
}

impl Remote {
    async fn order(&self, command: Command) -> Outcome {
        let Some(what) = What::of(command) else {
            return Err("an attached console does not end the engine".to_owned());
        };
        if let Some(away) = &*self.away.borrow() {
            return Err(format!("not sent: {}", away.why));
        }
        let order = Order {
            protocol: PROTOCOL,
            what,
            user: self.user.clone(),
        };
        let request = self.place.post("/api/v1/console/orders").json(&order);
        let answer = request.timeout(COMMAND).send().await;
        let unknown = |error: &reqwest::Error| {
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
        let said = ["message", "error"]
            .into_iter()
            .find_map(|name| body[name].as_str());
        let said = said.unwrap_or("the engine gave no reason").to_owned();
        if done { Ok(said) } else { Err(said) }
    }

    async fn ask_detail(&self, lead: LeadId) -> Option<Box<Detail>> {
        let path = format!("/api/v1/console/leads/{}", lead.0);
        let answer = self.place.get(&path).timeout(DETAIL).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }
}

impl Desk for Remote {
    fn give(&self, command: Command) -> BoxFuture<'_, Outcome> {
        self.order(command).boxed()
    }

    fn detail(&self, lead: LeadId) -> BoxFuture<'_, Option<Box<Detail>>> {
        self.ask_detail(lead).boxed()
    }
}
