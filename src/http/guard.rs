//! Who may: requests that a web page could make an operator's browser send are refused, and a
//! token is asked for where one is set.
//!
//! A page of any origin can make a browser that runs on the same machine send `GET /start` by
//! an `<img>`, without a word from its user. Browsers tell what made them send a request: in
//! `Host` (a name that was rebound to loopback stands there), `Origin` and `Sec-Fetch-Site`
//! (Fetch Metadata, W3C). Programs such as curl send a plain `Host` and neither of the others.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::config::Secret;

/// What is checked before any route is.
pub(super) struct Guard {
    addr: SocketAddr,
    token: Option<Secret>,
}

impl Guard {
    pub(super) fn new(addr: SocketAddr, token: Option<Secret>) -> Self {
        Self { addr, token }
    }

    /// Why a request is refused.
    fn refusal(&self, path: &str, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        let forbidden = |why| Some((StatusCode::FORBIDDEN, why));
        match single(headers, &HOST) {
            Ok(Some(host)) if self.is_ours(host) => {}
            _ => return forbidden("the Host header must name this control API"),
        }
        match single(headers, &ORIGIN) {
            Ok(None) => {}
            Ok(Some(origin)) if self.is_own_origin(origin) => {}
            _ => return forbidden("a page of another origin may not use this API"),
        }
        match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            None | Some(b"none" | b"same-origin") => {}
            Some(_) => return forbidden("a page of another site may not use this API"),
        }
        let open = matches!(path, "/healthz" | "/readyz");
        let token = self.token.as_ref().filter(|_| !open)?;
        let shown = single(headers, &AUTHORIZATION).ok().flatten();
        let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
        if shown.is_some_and(|shown| is_same(shown, token.expose())) {
            return None;
        }
        Some((
            StatusCode::UNAUTHORIZED,
            "this API asks for CONTROL_TOKEN as a bearer token",
        ))
    }

    /// Whether a `Host` means this server: its address, or a name of loopback, with its port.
    /// Bound to every address, it has as many names as the machine: then any address will do,
    /// but no name, for a name can be anybody's.
    fn is_ours(&self, host: &str) -> bool {
        let port = self.addr.port();
        let (name, named_port) = match host.rsplit_once(':') {
            Some((name, digits)) if !name.ends_with(':') && !digits.ends_with(']') => {
                match digits.parse::<u16>() {
                    Ok(port) => (name, port),
                    Err(_) => return false,
                }
            }
            _ => (host, 80),
        };
        if named_port != port {
            return false;
        }
        if name.eq_ignore_ascii_case("localhost") {
            return self.addr.ip().is_loopback() || self.addr.ip().is_unspecified();
        }
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) if self.addr.ip().is_unspecified() => !ip.is_unspecified(),
            Ok(ip) => ip == self.addr.ip(),
            Err(_) => false,
        }
    }

    fn is_own_origin(&self, origin: &str) -> bool {
        let host = origin.strip_prefix("http://");
        host.is_some_and(|host| self.is_ours(host))
    }
}

/// A header that may stand once. `Err` where it stands more often or is no text.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &axum::http::HeaderName,
) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(());
    }
    value.to_str().map(Some).map_err(drop)
}

/// Compared in a time that tells nothing about where they differ.
fn is_same(shown: &str, token: &str) -> bool {
    shown.as_bytes().ct_eq(token.as_bytes()).into()
}

pub(super) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let refusal = guard.refusal(request.uri().path(), request.headers());
    let Some((status, why)) = refusal else {
        return next.run(request).await;
    };
    let body = axum::Json(json!({ "error": why }));
    let mut response = (status, body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    fn refused(addr: &str, token: Option<&str>, pairs: &[(&'static str, &str)]) -> Option<u16> {
        let guard = Guard::new(addr.parse().expect("an address"), token.map(Secret::new));
        let refusal = guard.refusal("/start", &headers(pairs));
        refusal.map(|(status, _)| status.as_u16())
    }

    const LOOPBACK: &str = "127.0.0.1:3000";

    #[test]
    fn programs_on_the_same_machine_may() {
        for host in ["127.0.0.1:3000", "localhost:3000", "LOCALHOST:3000"] {
            assert_eq!(refused(LOOPBACK, None, &[("host", host)]), None, "{host}");
        }
        assert_eq!(refused("[::1]:3000", None, &[("host", "[::1]:3000")]), None);
        assert_eq!(
            refused("127.0.0.1:80", None, &[("host", "127.0.0.1")]),
            None
        );
    }

    #[test]
    fn names_that_anybody_may_point_at_loopback_are_refused() {
        let hosts = [
            "evil.example:3000",
            "127.0.0.1.evil.example:3000",
            "127.0.0.1:3001",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:3000@evil.example",
            "",
            ":3000",
            "[::1]:3000",
        ];
        for host in hosts {
            let refused = refused(LOOPBACK, None, &[("host", host)]);
            assert_eq!(refused, Some(403), "{host}");
        }
        assert_eq!(refused(LOOPBACK, None, &[]), Some(403));
        let twice = [("host", LOOPBACK), ("host", LOOPBACK)];
        assert_eq!(refused(LOOPBACK, None, &twice), Some(403));
    }

    #[test]
    fn what_a_page_makes_a_browser_send_is_refused() {
        let with = |name, value| refused(LOOPBACK, None, &[("host", LOOPBACK), (name, value)]);
        for site in ["cross-site", "same-site", "anything"] {
            assert_eq!(with("sec-fetch-site", site), Some(403), "{site}");
        }
        for site in ["none", "same-origin"] {
            assert_eq!(with("sec-fetch-site", site), None, "{site}");
        }
        let origins = [
            "http://evil.example",
            "null",
            "http://127.0.0.1:3001",
            "https://127.0.0.1:3000",
            "http://localhost:8080",
        ];
        for origin in origins {
            assert_eq!(with("origin", origin), Some(403), "{origin}");
        }
        assert_eq!(with("origin", "http://127.0.0.1:3000"), None);
    }

    const TOKEN: &str = "0123456789abcdef";

    fn refused_with(authorization: &[&str]) -> Option<u16> {
        let authorization = authorization.iter().map(|value| ("authorization", *value));
        let host = [("host", LOOPBACK)];
        let pairs: Vec<_> = host.into_iter().chain(authorization).collect();
        refused(LOOPBACK, Some(TOKEN), &pairs)
    }

    #[test]
    fn a_token_is_asked_for_where_one_is_set() {
        assert_eq!(refused_with(&["Bearer 0123456789abcdef"]), None);
        for wrong in [
            "Bearer 0123456789abcdeX",
            "Bearer ",
            "Bearer",
            "",
            "0123456789abcdef",
            "Basic x",
            "Basic 0123456789abcdef",
        ] {
            assert_eq!(refused_with(&[wrong]), Some(401), "{wrong}");
        }
        assert_eq!(refused_with(&[]), Some(401));
        let twice = ["Bearer 0123456789abcdef"; 2];
        assert_eq!(refused_with(&twice), Some(401));
        let guard = Guard::new(LOOPBACK.parse().expect("it is"), Some(Secret::new(TOKEN)));
        for open in ["/healthz", "/readyz"] {
            let health = guard.refusal(open, &headers(&[("host", LOOPBACK)]));
            assert_eq!(health, None, "{open}");
        }
        for like_it in [
            "/healthz/",
            "/healthz/start",
            "/health",
            "/readyz2",
            "//readyz",
        ] {
            let refusal = guard.refusal(like_it, &headers(&[("host", LOOPBACK)]));
            assert!(refusal.is_some(), "{like_it}");
        }
    }

    #[test]
    fn a_token_with_anything_missing_or_added_is_refused() {
        let is_refused = |shown: &str| {
            let refused = refused_with(&[&format!("Bearer {shown}")]);
            assert_eq!(refused, Some(401), "{shown:?}");
        };
        for at in 0..TOKEN.len() {
            is_refused(&TOKEN[..at]);
            is_refused(&TOKEN[at + 1..]);
            let mut other = TOKEN.to_owned();
            other.replace_range(at..=at, "x");
            is_refused(&other);
        }
        let long = "x".repeat(4096);
        for more in ["0", "f", " ", ".", ",", "=", "\t", "x y", TOKEN, &long] {
            is_refused(&format!("{TOKEN}{more}"));
            is_refused(&format!("{more}{TOKEN}"));
        }
        is_refused(&TOKEN.to_uppercase());
    }

    #[test]
    fn bound_to_every_address_any_address_will_do_and_no_name() {
        let all = "0.0.0.0:3000";
        assert_eq!(refused(all, None, &[("host", "192.0.2.1:3000")]), None);
        assert_eq!(
            refused(all, None, &[("host", "pbx.example:3000")]),
            Some(403)
        );
    }
}
