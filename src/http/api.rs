//! `/api/v1/`: what a script may ask and see.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Api;
use super::views::{CallBody, LeadBody, LeadDetail, Status};
use crate::campaign::{self, AttemptId, LeadId, MaxCc, Outcome};
use crate::control::{Command, Who};

/// As `MAX_CC` allows.
const MOST_CALLS: u32 = 10_000;
/// The longest page of leads.
const PAGE: usize = 1000;

type Peer = ConnectInfo<SocketAddr>;

async fn give(api: &Api, ConnectInfo(peer): Peer, command: Command) -> Response {
    told(api.control.give(command, &Who::Http(peer)).await)
}

async fn give_campaign(api: &Api, peer: Peer, command: campaign::Command) -> Response {
    give(api, peer, Command::Campaign(command)).await
}

/// A sentence either way: 200, or 409 where the engine refuses.
pub(super) fn told(outcome: Outcome) -> Response {
    let (code, status, message) = match outcome {
        Ok(done) => (StatusCode::OK, "ok", done),
        Err(why) => (StatusCode::CONFLICT, "error", why),
    };
    (code, Json(json!({ "status": status, "message": message }))).into_response()
}

pub(super) fn bad(message: impl Into<String>) -> Response {
    let body = json!({ "status": "error", "message": message.into() });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

pub(super) async fn start(State(api): State<Api>, peer: Peer) -> Response {
    give_campaign(&api, peer, campaign::Command::Start).await
}

pub(super) async fn pause(State(api): State<Api>, peer: Peer) -> Response {
    give_campaign(&api, peer, campaign::Command::Pause).await
}

pub(super) async fn drain(State(api): State<Api>, peer: Peer) -> Response {
    give_campaign(&api, peer, campaign::Command::Drain).await
}

pub(super) async fn stop(State(api): State<Api>, peer: Peer) -> Response {
    give_campaign(&api, peer, campaign::Command::StopNow).await
}

pub(super) async fn new_run(State(api): State<Api>, peer: Peer) -> Response {
    give(&api, peer, Command::NewRun).await
}

pub(super) async fn hang_up_all(State(api): State<Api>, peer: Peer) -> Response {
    give_campaign(&api, peer, campaign::Command::HangUpAll).await
}

pub(super) async fn hang_up(
    State(api): State<Api>,
    peer: Peer,
    Path(attempt): Path<u64>,
) -> Response {
    let command = campaign::Command::HangUp(AttemptId(attempt));
    give_campaign(&api, peer, command).await
}

pub(super) async fn requeue(State(api): State<Api>, peer: Peer, Path(lead): Path<u32>) -> Response {
    give_campaign(&api, peer, campaign::Command::Requeue(LeadId(lead))).await
}

pub(super) async fn skip(State(api): State<Api>, peer: Peer, Path(lead): Path<u32>) -> Response {
    give_campaign(&api, peer, campaign::Command::Skip(LeadId(lead))).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MaxCcBody {
    max_cc: u32,
}

pub(super) async fn max_cc(
    State(api): State<Api>,
    peer: Peer,
    body: Result<Json<MaxCcBody>, JsonRejection>,
) -> Response {
    let asked = body.ok().map(|Json(body)| body.max_cc);
    let allowed = asked.filter(|n| *n <= MOST_CALLS).and_then(MaxCc::new);
    match allowed {
        Some(max_cc) => give_campaign(&api, peer, campaign::Command::SetMaxCc(max_cc)).await,
        None => bad(format!(
            "the body must be {{\"max_cc\": N}} with N from 1 to {MOST_CALLS}, as application/json"
        )),
    }
}

pub(super) async fn status(State(api): State<Api>) -> Json<Status> {
    Json(Status::of(&api.snapshots.borrow()))
}

pub(super) async fn calls(State(api): State<Api>) -> Json<Vec<CallBody>> {
    Json(
        api.snapshots
            .borrow()
            .calls
            .iter()
            .map(CallBody::of)
            .collect(),
    )
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// The first lead looked at.
    #[serde(default)]
    from: u32,
    limit: Option<usize>,
    state: Option<String>,
    number: Option<String>,
}

/// One page of the leads in the order of the list. `next` is where the next page begins; there
/// is none where nothing follows.
pub(super) async fn leads(
    State(api): State<Api>,
    page: Result<Query<Page>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(page)) = page else {
        return bad("allowed are from, limit (1 to 1000), state and number");
    };
    let limit = page.limit.unwrap_or(100).clamp(1, PAGE);
    let shown = api.snapshots.borrow().clone();
    let fits = |lead: &LeadBody| {
        page.state.as_deref().is_none_or(|word| lead.is(word))
            && page.number.as_deref().is_none_or(|n| lead.has(n))
    };
    let all = u32::try_from(shown.leads.len()).unwrap_or(u32::MAX);
    let mut found: Vec<LeadBody> = (page.from..all)
        .filter_map(|id| LeadBody::of(&shown, LeadId(id)))
        .filter(fits)
        .take(limit + 1)
        .collect();
    let next = (found.len() > limit).then(|| found[limit].lead);
    found.truncate(limit);
    Json(json!({ "leads": found, "next": next })).into_response()
}

pub(super) async fn lead(State(api): State<Api>, Path(lead): Path<u32>) -> Response {
    match api.control.detail(LeadId(lead)).await {
        Some(detail) => Json(LeadDetail::of(&detail)).into_response(),
        None => super::not_found().await,
    }
}
