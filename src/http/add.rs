//! `POST /api/v1/leads`: numbers that join the run beside its list.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::api::{bad, told};
use super::views::Listed;
use crate::campaign::{LeadId, Number, Numbers};
use crate::control::Who;

/// So many refused numbers are told, of all that there may be.
const TOLD: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    numbers: Vec<String>,
}

/// All of them or, where one is no number, none.
pub(super) async fn add(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Result<Json<Body>, JsonRejection>,
) -> Response {
    let Ok(Json(body)) = body else {
        return bad("the body must be {\"numbers\": [\"…\", …]}, as application/json");
    };
    if body.numbers.is_empty() {
        return bad("there is no number in the body");
    }
    let numbers = match parse(&body.numbers) {
        Ok(numbers) => numbers,
        Err(refused) => return refusal(&refused),
    };
    let added = match api.control.add(numbers, &Who::Http(peer)).await {
        Ok(added) => added,
        Err(why) => return told(Err(why)),
    };
    let shown = api.snapshots.borrow().clone();
    let listed = |leads: &[LeadId]| -> Vec<Listed> {
        let all = leads.iter().filter_map(|lead| Listed::of(&shown, *lead));
        all.collect()
    };
    let answer = json!({
        "status": "ok",
        "added": listed(&added.new),
        "already": listed(&added.already),
    });
    Json(answer).into_response()
}

/// By the list's rule; a number that stands there twice is one. Else the first that are none.
fn parse(texts: &[String]) -> Result<Numbers, Vec<Value>> {
    let mut numbers = Numbers::default();
    let mut refused = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match Number::parse(text.trim()) {
            Ok(number) => drop(numbers.push(&number)),
            Err(why) => refused.push(json!({ "index": index, "why": why.to_string() })),
        }
    }
    if refused.is_empty() {
        Ok(numbers)
    } else {
        Err(refused)
    }
}

fn refusal(refused: &[Value]) -> Response {
    let told = &refused[..refused.len().min(TOLD)];
    let body = json!({
        "status": "error",
        "message": format!("{} of them are no numbers, and none was added", refused.len()),
        "refused": told,
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
