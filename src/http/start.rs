//! `GET /start`, to the letter of the replaced program's contract, but for one thing: it never
//! calls anybody again in a run that is under way.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Api;
use crate::campaign::Time;
use crate::control::{Began, Who};
use crate::headless::rfc3339;

/// The answer. The replaced program's two names come first and in its order, and nothing stands
/// beside them where there is nothing to tell: some scripts compare the text.
#[derive(Serialize)]
struct Said {
    status: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
}

impl Said {
    /// As the replaced program said it.
    const fn only(status: &'static str, message: String) -> Self {
        Self {
            status,
            message,
            changed: Vec::new(),
            ignored: Vec::new(),
        }
    }
}

/// What a browser says of itself that only loads a page in case its user asks for it: by the
/// header of today, and by those of earlier years.
const IN_ADVANCE: [&str; 3] = ["sec-purpose", "purpose", "x-moz"];

pub(super) async fn start(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if IN_ADVANCE.iter().any(|name| headers.contains_key(*name)) {
        return in_advance();
    }
    let who = Who::Http(peer);
    let started = match api.control.start_again(&who).await {
        Ok(started) => started,
        Err(why) => {
            let body = Said::only("error", why);
            return (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response();
        }
    };
    let (code, message) = answer(&started.began, &who);
    let body = Said {
        changed: started.reloaded.changed,
        ignored: started.reloaded.ignored,
        ..Said::only("ok", message)
    };
    (code, Json(body)).into_response()
}

/// Nobody has asked for it yet. An answer that is no success is not kept for when somebody does.
fn in_advance() -> Response {
    let why = "nothing was started: a page loaded in advance starts nothing; send GET /start";
    let body = Said::only("error", why.to_owned());
    let never_kept = [(CACHE_CONTROL, "no-store")];
    (StatusCode::SERVICE_UNAVAILABLE, never_kept, Json(body)).into_response()
}

/// `HEAD` only looks. A monitor that sends it learns that the API is there.
pub(super) async fn look() -> StatusCode {
    StatusCode::OK
}

/// Whatever else is sent there, such as the POST of somebody who took it for `/api/v1/start`.
pub(super) async fn not_allowed() -> Response {
    let why = "only GET starts here; for programs there is POST /api/v1/start";
    let body = Said::only("error", why.to_owned());
    let allowed = [(ALLOW, "GET, HEAD")];
    (StatusCode::METHOD_NOT_ALLOWED, allowed, Json(body)).into_response()
}

/// The replaced program's words, which people's scripts look for; where there is more to
/// tell, it follows them.
fn answer(began: &Began, who: &Who) -> (StatusCode, String) {
    let running = "Dialer already running.";
    match began {
        Began::Started => (
            StatusCode::CREATED,
            "Dialer started successfully.".to_owned(),
        ),
        Began::AlreadyRunning | Began::Resumed => (StatusCode::OK, running.to_owned()),
        Began::StillPaused(reason) => {
            (StatusCode::OK, format!("{running} It is PAUSED: {reason}."))
        }
        Began::Restarted => (
            StatusCode::OK,
            format!(
                "Dialer run restarted. Everybody on the list is called again, as asked by {who}."
            ),
        ),
        Began::DoneAndUnchanged { since, again_at } => (
            StatusCode::OK,
            format!("{running} {}", done(*since, *again_at)),
        ),
    }
}

/// That nobody is dialed, and what would dial them.
fn done(since: Time, again_at: Option<Time>) -> String {
    let since = rfc3339(since);
    let again = match again_at {
        Some(at) => format!(
            "GET /start calls everybody again from {} on (START_AGAIN_AFTER)",
            rfc3339(at)
        ),
        None => "GET /start never calls it again (START_AGAIN_AFTER=never)".to_owned(),
    };
    format!(
        "The list is done since {since} and nobody new is on it: nobody is dialed. {again}; POST \
         /api/v1/new_run does at once."
    )
}
