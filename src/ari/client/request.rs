//! One request before it is sent: what is asked, and how names and values stand in its path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

use super::Gate;
use crate::ari::error::{AriError, harmless};

/// What may stand unencoded in a path segment or a query value (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest name or id that is sent. Asterisk's ids have at most 149 characters; names
/// of recordings are paths.
const MAX_NAME: usize = 512;

/// Which limit a request counts against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Calls,
    Files,
}

/// One request before it is sent.
pub(super) struct RestRequest {
    /// Method and path pattern, for error texts.
    pub(super) what: &'static str,
    pub(super) method: Method,
    /// Encoded, with the query, from the slash after `/ari`.
    pub(super) path: String,
    pub(super) body: Option<serde_json::Value>,
    pub(super) lane: Lane,
    /// Looked at when its place is won, and again when it is about to be written. Works for
    /// a request with a body.
    pub(super) gate: Option<Gate>,
}

impl RestRequest {
    /// `what` is `METHOD /segment/{name}/…`; each `{name}` is filled from `names`, encoded.
    pub(super) fn new(what: &'static str, names: &[&str]) -> Result<Self, AriError> {
        let (method, pattern) = what.split_once(' ').unwrap_or(("GET", what));
        let mut names = names.iter();
        let mut path = String::new();
        for segment in pattern.split('/').skip(1) {
            path.push('/');
            if segment.starts_with('{') {
                path.push_str(&encode_name(names.next().unwrap_or(&""))?);
            } else {
                path.push_str(segment);
            }
        }
        Ok(Self {
            what,
            method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET),
            path,
            body: None,
            lane: Lane::Calls,
            gate: None,
        })
    }

    pub(super) fn query(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(key);
        self.path.push('=');
        self.path.push_str(&encode(value.as_ref()));
        self
    }

    pub(super) fn query_if(self, key: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.query(key, value),
            None => self,
        }
    }

    pub(super) fn body(mut self, body: serde_json::Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) fn files(mut self) -> Self {
        self.lane = Lane::Files;
        self
    }
}

/// Encodes a query value or a part of a path.
pub(in crate::ari) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Encodes a name as one path segment: a slash becomes `%2F`. An empty name or a dot segment
/// would address something else (`DELETE /channels/`), so they are refused.
fn encode_name(name: &str) -> Result<String, AriError> {
    if matches!(name, "" | "." | "..") || name.len() > MAX_NAME || name.contains('\0') {
        return Err(AriError::Name(harmless(name)));
    }
    Ok(encode(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_path_segment_whatever_is_in_them() {
        let request = RestRequest::new(
            "GET /recordings/stored/{name}/file",
            &["camp/call 1?x#y%2e&é"],
        )
        .unwrap();
        assert_eq!(
            request.path,
            "/recordings/stored/camp%2Fcall%201%3Fx%23y%252e%26%C3%A9/file"
        );
    }

    #[test]
    fn a_name_that_would_address_something_else_is_refused() {
        for name in ["", ".", "..", "a\0b", &"x".repeat(513)] {
            let error = RestRequest::new("DELETE /channels/{id}", &[name]).err();
            assert!(matches!(error, Some(AriError::Name(_))), "{name:?}");
        }
    }

    #[test]
    fn query_values_are_encoded_so_that_a_plus_stays_a_plus() {
        let request = RestRequest::new("POST /channels", &[])
            .unwrap()
            .query("endpoint", "PJSIP/+49*#@trunk")
            .query_if("callerId", Some("Sales Team <1001>"))
            .query_if("x", None::<&str>);
        assert_eq!(
            request.path,
            "/channels?endpoint=PJSIP%2F%2B49%2A%23%40trunk&callerId=Sales%20Team%20%3C1001%3E"
        );
    }
}
