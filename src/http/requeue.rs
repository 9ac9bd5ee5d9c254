//! `POST /api/v1/requeue`: many leads that have ended wait again.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use serde::Deserialize;

use super::Api;
use super::api::{bad, told};
use crate::campaign::{self, Again, AttemptId, Disposition, Time};
use crate::control::{Command, Who};
use crate::journal::Reader;

/// What the body must be.
const BODY: &str = "the body must be empty, or {\"since\": \"2026-01-31T09:00:00Z\", \
                    \"disposition\": \"rejected\", \"reached\": true}, each part of which may be \
                    left out";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequeueBody {
    since: Option<String>,
    disposition: Option<String>,
    #[serde(default)]
    reached: bool,
}

pub(super) async fn requeue(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> Response {
    let body = if body.is_empty() {
        Ok(RequeueBody::default())
    } else {
        serde_json::from_slice(&body)
    };
    let Ok(RequeueBody {
        since,
        disposition,
        reached,
    }) = body
    else {
        return bad(BODY);
    };
    let disposition = match disposition
        .as_deref()
        .map(|word| (word, Disposition::from_word(word)))
    {
        Some((_, None)) => {
            let words = Disposition::ALL.map(Disposition::as_str).join(", ");
            return bad(format!("disposition must be one of {words}"));
        }
        Some((_, found)) => found,
        None => None,
    };
    let from = match since.as_deref().map(moment) {
        None => None,
        Some(None) => {
            return bad("since must be a time such as 2026-01-31T09:00:00Z");
        }
        Some(Some(at)) => match first_attempt(&api, at).await {
            Ok(attempt) => Some(attempt),
            Err(why) => return told(Err(why)),
        },
    };
    let again = Again {
        from,
        disposition,
        reached,
    };
    let command = Command::Campaign(campaign::Command::RequeueMany(again));
    told(api.control.give(command, &Who::Http(peer)).await)
}

fn moment(text: &str) -> Option<Time> {
    let at = text.parse::<jiff::Timestamp>().ok()?.as_microsecond();
    u64::try_from(at).ok().map(Time)
}

/// The first attempt since then; one that there is not yet, where there is none.
async fn first_attempt(api: &Api, at: Time) -> Result<AttemptId, String> {
    let journal = api.journal.clone();
    let look = move || Reader::open(&journal)?.first_attempt_since(at);
    match tokio::task::spawn_blocking(look).await {
        Ok(Ok(found)) => Ok(found.unwrap_or(AttemptId(u64::MAX))),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the journal could not be read".to_owned()),
    }
}
