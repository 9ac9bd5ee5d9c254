//! `GET /start`, to the letter of the replaced program's contract, but for one thing: it never
//! calls anybody again in a run that is under way.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Api;
use crate::control::{Began, Who};

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

pub(super) async fn start(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Response {
    let started = match api.control.start_again(&Who::Http(peer)).await {
        Ok(started) => started,
        Err(why) => {
            let body = Said::only("error", why);
            return (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response();
        }
    };
    let (code, message) = answer(&started.began);
    let body = Said {
        changed: started.reloaded.changed,
        ignored: started.reloaded.ignored,
        ..Said::only("ok", message)
    };
    (code, Json(body)).into_response()
}

/// The replaced program's words, which people's scripts look for; where there is more to
/// tell, it follows them.
fn answer(began: &Began) -> (StatusCode, String) {
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
        Began::Restarted => (StatusCode::OK, "Dialer run restarted.".to_owned()),
        Began::DoneAndUnchanged => (
            StatusCode::OK,
            format!("{running} The list was done less than a minute ago and has not changed."),
        ),
    }
}
