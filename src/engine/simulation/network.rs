//! The network between the engine's client and the world, and what goes wrong on it.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::ari::wire::{Carrier, PendingResponse, SentRequest};
use crate::ari::{AriError, Connection};
use crate::simulator::{Body, Method, Request, Response};

/// How long the client waits for an answer.
pub(super) const REQUEST_TIMEOUT: Duration = Connection::DEFAULT_TIMEOUT;

/// What becomes of a request.
pub(super) type Result = std::result::Result<reqwest::Response, AriError>;

/// A request that has left the client.
pub(super) struct Outgoing {
    pub(super) sent: SentRequest,
    pub(super) reply: oneshot::Sender<Result>,
}

/// The client's end of the network, one for each process.
#[derive(Clone, Default)]
pub(super) struct Network(Arc<Mutex<VecDeque<Outgoing>>>);

impl Network {
    /// The next request that has left.
    pub(super) fn take(&self) -> Option<Outgoing> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pop_front()
    }
}

impl Carrier for Network {
    fn carry(&self, sent: SentRequest) -> PendingResponse {
        let (reply, answer) = oneshot::channel();
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push_back(Outgoing { sent, reply });
        Box::pin(async move {
            match answer.await {
                Ok(result) => result,
                // Its process is dead.
                Err(_) => pending().await,
            }
        })
    }
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mishap {
    /// Refused at the door: not sent.
    NoConnection,
    /// No place was free in time: not sent.
    Saturated,
    /// 401.
    LoginRefused,
    /// 500, not carried out.
    Error500,
    /// 404, though it is there: a proxy's.
    Error404,
    /// 504 of a proxy, carried out all the same.
    Gateway,
    /// Carried out; the answer is lost, and the client's time runs out.
    AnswerLost,
    /// The client's time runs out, and then it is carried out.
    CarriedOutLate,
    /// Never carried out; the client's time runs out.
    Lost,
    /// Carried out, and the connection ends before the answer.
    Broken,
    /// Carried out, and answered long after its events.
    SlowAnswer,
}

impl Mishap {
    pub(super) const ALL: [Self; 11] = [
        Self::NoConnection,
        Self::Saturated,
        Self::LoginRefused,
        Self::Error500,
        Self::Error404,
        Self::Gateway,
        Self::AnswerLost,
        Self::CarriedOutLate,
        Self::Lost,
        Self::Broken,
        Self::SlowAnswer,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NoConnection => "REST: no connection",
            Self::Saturated => "REST: saturated",
            Self::LoginRefused => "REST: 401",
            Self::Error500 => "REST: 500",
            Self::Error404 => "REST: 404",
            Self::Gateway => "REST: 504, carried out",
            Self::AnswerLost => "REST: timeout, carried out",
            Self::CarriedOutLate => "REST: timeout, carried out late",
            Self::Lost => "REST: timeout, not carried out",
            Self::Broken => "REST: broken, carried out",
            Self::SlowAnswer => "REST: answer after its events",
        }
    }

    /// What the client is told instead of the world's answer.
    pub(super) fn told(self, request: &'static str) -> Option<Result> {
        let after = REQUEST_TIMEOUT;
        Some(match self {
            Self::NoConnection => Err(no_connection()),
            Self::Saturated => Err(AriError::Saturated { request, after }),
            Self::LoginRefused => Ok(status(401)),
            Self::Error500 => Ok(status(500)),
            Self::Error404 => Ok(status(404)),
            Self::Gateway => Ok(status(504)),
            Self::AnswerLost | Self::CarriedOutLate | Self::Lost => {
                Err(AriError::Timeout { request, after })
            }
            Self::Broken => Err(AriError::Broken {
                request,
                why: "connection reset".to_owned(),
            }),
            Self::SlowAnswer => return None,
        })
    }
}

pub(super) fn no_connection() -> AriError {
    AriError::Connect {
        url: "http://127.0.0.1".to_owned(),
        why: "connection refused".to_owned(),
    }
}

fn status(status: u16) -> reqwest::Response {
    as_http(Response {
        status,
        body: Body::Empty,
    })
}

/// The world's answer as it comes over HTTP.
pub(super) fn as_http(response: Response) -> reqwest::Response {
    let body = match response.body {
        Body::Empty => Vec::new(),
        Body::Json(value) => value.to_string().into_bytes(),
        Body::Wav(bytes) => bytes,
    };
    let mut http = axum::http::Response::new(body);
    *http.status_mut() = axum::http::StatusCode::from_u16(response.status).expect("a status");
    http.into()
}

/// A request as the world takes it.
pub(super) fn as_request(sent: &SentRequest) -> Request {
    let method = match sent.what.split(' ').next() {
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        Some("DELETE") => Method::Delete,
        _ => Method::Get,
    };
    let (path, query) = sent.path.split_once('?').unwrap_or((&sent.path, ""));
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    Request {
        method,
        path: path.split('/').skip(1).map(decode).collect(),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        body: sent.body.clone().unwrap_or(Value::Null),
    }
}
