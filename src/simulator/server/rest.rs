//! The REST half: HTTP in and out of the world's requests.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{
    HeaderMap, HeaderValue, Request as HttpRequest, Response as HttpResponse, header,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::line::Standing;
use super::{Shared, events};
use crate::simulator::world;
use crate::simulator::world::{Method, Request, Response};

/// Asterisk takes no longer body.
const MAX_BODY: usize = 16 * 1024;

/// Answers whatever comes.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(standing): ConnectInfo<Standing>,
    mut request: HttpRequest<Body>,
) -> HttpResponse<Body> {
    let query = query(request.uri().query().unwrap_or_default());
    if !may(&shared, request.headers(), &query) {
        return login_wanted();
    }
    let path = request.uri().path();
    if path == "/ari/events" {
        let upgrade = hyper::upgrade::on(&mut request);
        standing.keep();
        return events::open(&shared, &query, request.headers(), upgrade);
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return refusal(413, "Request body too large");
    };
    match parse(&parts, query, &body) {
        // A request is carried out even if the client has hung up meanwhile.
        Ok(request) => match tokio::spawn(carry_out(shared, request)).await {
            Ok(response) => written(response),
            Err(_) => refusal(500, "Internal error"),
        },
        Err(refusal) => written(refusal),
    }
}

/// Carries out a request, with what the faults add to it.
async fn carry_out(shared: Arc<Shared>, request: Request) -> Response {
    let handling = shared.with_world(|world, _| world.handling());
    pause(handling.before).await;
    if handling.refuse {
        return Response::error(500, "Internal error");
    }
    let response = shared.with_world(|world, now| world.request(now, &request));
    pause(handling.after).await;
    response
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn query(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

/// Whether the login is right: Basic, or `api_key=user:password`.
fn may(shared: &Shared, headers: &HeaderMap, query: &[(String, String)]) -> bool {
    let wanted = format!("{}:{}", shared.username, shared.password);
    let by_key = query.iter().any(|(k, v)| k == "api_key" && *v == wanted);
    let by_header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .is_some_and(|given| given == base64(wanted.as_bytes()));
    by_key || by_header
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| usize::from(chunk.get(i).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                out.push(char::from(DIGITS[group >> (18 - 6 * digit) & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

fn parse(parts: &Parts, query: Vec<(String, String)>, body: &[u8]) -> Result<Request, Response> {
    let method = match parts.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        _ => return Err(Response::error(405, "Invalid method")),
    };
    let rest = parts
        .uri
        .path()
        .strip_prefix("/ari/")
        .ok_or_else(|| Response::error(404, "Resource not found"))?;
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(body)
            .map_err(|_| Response::error(400, "Error parsing request body"))?
    };
    Ok(Request {
        method,
        path: rest.split('/').map(decode).collect(),
        query,
        body,
    })
}

fn login_wanted() -> HttpResponse<Body> {
    let mut response = refusal(401, "Authentication required");
    let realm = HeaderValue::from_static("Basic realm=\"Asterisk REST Interface\"");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, realm);
    response
}

/// An error as an HTTP answer.
pub(super) fn refusal(status: u16, message: &str) -> HttpResponse<Body> {
    written(Response::error(status, message))
}

fn written(response: Response) -> HttpResponse<Body> {
    let (kind, body) = match response.body {
        world::Body::Empty => (None, Body::empty()),
        world::Body::Json(value) => (Some("application/json"), Body::from(value.to_string())),
        world::Body::Wav(bytes) => (Some("audio/wav"), Body::from(bytes)),
    };
    let mut out = HttpResponse::new(body);
    *out.status_mut() = axum::http::StatusCode::from_u16(response.status)
        .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(kind) = kind {
        let kind = HeaderValue::from_static(kind);
        out.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_as_the_standard_has_it() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
