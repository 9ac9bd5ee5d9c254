//! `POST /api/v1/leads`: numbers that join the run.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Api;
use super::api::{bad, told};
use crate::campaign::{AddedLead, Emergency, LeadState, Number};
use crate::control::Who;
use crate::list::{self, Posted, Reject};

/// So many at once: the engine takes them in one step.
const MOST: usize = 10_000;
/// What the body must be.
const BODY: &str = "the body must be {\"numbers\": [\"+7…\", …]} as application/json, or one \
                    number a line as text/plain";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddBody {
    numbers: Vec<String>,
}

/// What has become of it all.
#[derive(Debug, Serialize)]
struct AddedBody {
    status: &'static str,
    message: String,
    run: Option<u32>,
    state: Option<&'static str>,
    added: usize,
    already: usize,
    refused: usize,
    results: Vec<NumberOutcome>,
}

/// What has become of one number.
#[derive(Debug, Serialize)]
struct NumberOutcome {
    /// The line, or the place in the array, from 1.
    place: u64,
    number: String,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disposition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl NumberOutcome {
    fn taken(place: u64, number: &Number, lead: AddedLead) -> Self {
        let (state, disposition) = match lead.state {
            LeadState::Waiting => ("waiting", None),
            LeadState::Calling(_) => ("calling", None),
            LeadState::Final(disposition) => ("ended", Some(disposition.as_str())),
        };
        Self {
            place,
            number: number.to_string(),
            result: if lead.is_new { "added" } else { "already" },
            lead: Some(lead.lead.0),
            state: Some(state),
            disposition,
            reason: None,
        }
    }

    fn refused(place: u64, reject: &Reject) -> Self {
        Self {
            place,
            number: reject.excerpt.clone(),
            result: "refused",
            lead: None,
            state: None,
            disposition: None,
            reason: Some(reject.reason.to_string()),
        }
    }
}

pub(super) async fn add(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let emergency = api.in_force.borrow().emergency();
    let Some(posted) = read(&headers, &body, emergency) else {
        return bad(BODY);
    };
    if posted.len() > MOST {
        let why = format!(
            "at most {MOST} numbers at once, and this has {}",
            posted.len()
        );
        return too_large(&why);
    }
    let numbers: Vec<Number> = posted
        .iter()
        .filter_map(|one| one.number.clone().ok())
        .collect();
    if posted.is_empty() {
        return bad(format!("there is no number in it: {BODY}"));
    }
    if numbers.is_empty() {
        let message = "none of it is a number, and nothing was added".to_owned();
        return none(posted, message);
    }
    let added = match api.control.add(numbers, &Who::Http(peer)).await {
        Ok(added) => added,
        Err(why) => return told(Err(why)),
    };
    let mut leads = added.leads.iter();
    let results = posted.iter().filter_map(|one| match &one.number {
        Ok(number) => {
            let lead = *leads.next()?;
            Some(NumberOutcome::taken(one.place, number, lead))
        }
        Err(reject) => Some(NumberOutcome::refused(one.place, reject)),
    });
    let results: Vec<NumberOutcome> = results.collect();
    let refused = posted.len() - added.leads.len();
    let message = match refused {
        0 => added.said(),
        1 => format!("{}, 1 was refused", added.said()),
        n => format!("{}, {n} were refused", added.said()),
    };
    let answer = AddedBody {
        status: "ok",
        message,
        run: Some(added.run.0),
        state: Some(added.state.word()),
        added: added.joined(),
        already: added.leads.len() - added.joined(),
        refused,
        results,
    };
    Json(answer).into_response()
}

/// By the type that it says to have.
fn read(headers: &HeaderMap, body: &Bytes, emergency: Emergency) -> Option<Vec<Posted>> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next()?.trim();
    if kind.eq_ignore_ascii_case("text/plain") {
        return Some(list::from_text(body, emergency));
    }
    if !kind.eq_ignore_ascii_case("application/json") {
        return None;
    }
    let body: AddBody = serde_json::from_slice(body).ok()?;
    let numbers = body.numbers.iter().map(String::as_str);
    Some(list::from_strings(numbers, emergency))
}

fn too_large(why: &str) -> Response {
    let body = Json(serde_json::json!({ "status": "error", "message": why }));
    (StatusCode::PAYLOAD_TOO_LARGE, body).into_response()
}

fn none(posted: Vec<Posted>, message: String) -> Response {
    let refused = posted.len();
    let rejects = posted.into_iter().filter_map(|one| {
        let reject = one.number.err()?;
        Some(NumberOutcome::refused(one.place, &reject))
    });
    let answer = AddedBody {
        status: "error",
        message,
        run: None,
        state: None,
        added: 0,
        already: 0,
        refused,
        results: rejects.collect(),
    };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(answer)).into_response()
}
