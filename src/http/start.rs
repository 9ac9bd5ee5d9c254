//! `GET /start`, to the letter of the replaced program's contract, but for one thing: it never
//! calls anybody again in a run that is under way.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Api;
use crate::control::{Began, Who};

pub(super) async fn start(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Response {
    let started = match api.control.start_again(&Who::Http(peer)).await {
        Ok(started) => started,
        Err(why) => {
            let body = json!({ "status": "error", "message": why });
            return (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response();
        }
    };
    let (code, message) = answer(&started.began);
    let body = json!({
        "status": "ok",
        "message": message,
        "changed": started.reloaded.changed,
        "ignored": started.reloaded.ignored,
    });
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
